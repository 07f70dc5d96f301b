"""Templates of a page, the style that pages share, and a policy under which nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fastpix.pages.wording import FILTERS

if TYPE_CHECKING:
    from jinja2 import Environment

SHARED = "fastpix.pages"
"""Whose templates every page can include: ``head.html``, ``theme.html``, ``axes.html``."""


@cache
def text_of(package: str, name: str) -> str:
    """Return the text of a file in the folder ``templates`` of a package.

    Parameters
    ----------
    package, name : str
    """
    return files(package).joinpath("templates", name).read_text("utf-8")


def style_of(package: str) -> str:
    """Return the style of a page: what all pages share, and ``page.css`` of the package.

    Parameters
    ----------
    package : str
    """
    return text_of(SHARED, "base.css") + text_of(package, "page.css")


def script_of(texts: Mapping[str, tuple[str, ...]]) -> str:
    """Return scripts as one, whose names nothing outside sees.

    Parameters
    ----------
    texts : mapping of str to tuple of str
        Packages, and the names of their scripts.
    """
    parts = [text_of(package, name) for package, names in texts.items() for name in names]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


def policy_of(style: str, script: str) -> str:
    """Return a policy under which nothing is fetched, and no script runs but that of the page.

    Parameters
    ----------
    style, script : str
    """
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; "
        f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def environment_of(package: str, filters: Mapping[str, Callable[..., Any]]) -> Environment:
    """Return what renders the templates: all that is put in is escaped, all names must exist.

    Parameters
    ----------
    package : str
        Its folder ``templates`` is searched first, then that of `SHARED`.
    filters : mapping of str to callable
        Of the package, beside those of `fastpix.pages.wording`.

    Raises
    ------
    ImportError
        Jinja2 is not installed.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    def load(name: str) -> str:
        try:
            return text_of(package, name)
        except FileNotFoundError:
            return text_of(SHARED, name)

    made = Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.filters.update(filters)
    return made
