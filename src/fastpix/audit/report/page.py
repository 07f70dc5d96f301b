"""`write_page`: an audit as one file of HTML that works from a disk, without any network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastpix.audit.audit_files import SOURCES, write_privately
from fastpix.audit.record import Audit
from fastpix.audit.report.charts import phase_bars, scale_plots
from fastpix.audit.report.embedded import json_in_html, verdicts_of_page
from fastpix.audit.report.source_parts import found_of, most_of, source_parts
from fastpix.audit.sample_pictures import SamplePicture
from fastpix.pages.page_templates import SHARED, environment_of, policy_of, script_of, style_of
from fastpix.sources.source_key import legible
from fastpix.sources.verdicts import Verdicts, read_verdicts

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE = "index.html"
PACKAGE = "fastpix.audit.report"
LARGEST = 20_000_000
"""Bytes of a page."""

_MOST_COLUMNS = 24  # sources that the table of findings has columns for
_SCRIPTS = ("verdicts.js", "marking.js", "keys.js", "looking.js")


def check_libraries() -> None:
    """Refuse to begin without what the page needs.

    Raises
    ------
    ImportError
        The message says what to install.
    """
    try:
        import jinja2  # noqa: F401
        import PIL  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "the page of an audit needs Jinja2 and Pillow: pip install 'fastpix[audit]'"
        ) from error


def write_page(audit: Audit, pictures: Mapping[str, Sequence[SamplePicture]], out: Path) -> None:
    """Write ``index.html`` into the folder of an audit, for its owner alone.

    Parameters
    ----------
    audit : Audit
    pictures : mapping of str to sequence of SamplePicture
        By ids of sources.
    out : Path
        Has ``sources.toml`` already.

    Raises
    ------
    FastpixError, OSError, ImportError
    """
    write_privately(out / PAGE, page_of(audit, pictures, read_verdicts(out / SOURCES)))


def page_of(
    audit: Audit, pictures: Mapping[str, Sequence[SamplePicture]], verdicts: Verdicts
) -> str:
    """Return the page; of pictures and sources so many that it stays under `LARGEST`.

    Pictures are left out first, but for one of each source; then the sources with fewest files.

    Parameters
    ----------
    audit : Audit
    pictures : mapping of str to sequence of SamplePicture
        By ids of sources.
    verdicts : Verdicts
        Of ``sources.toml``.

    Raises
    ------
    ImportError
        Jinja2 is not installed.
    """
    check_libraries()
    most = max(map(len, pictures.values()), default=0)
    page = _rendered(audit, pictures, verdicts)
    if _size(page) < LARGEST:
        return page
    shown, text = len(audit.sources), _size(_rendered(audit, {}, verdicts))
    while most > 1 and text + _size_of_pictures(pictures, most) >= LARGEST:
        most -= 1
    least = text + _size_of_pictures(pictures, min(most, 1))
    if least >= LARGEST:
        shown = max(1, int(0.95 * shown * LARGEST / least))
    while True:
        few = {source: found[:most] for source, found in pictures.items()}
        page = _rendered(audit, few, verdicts, shown)
        if _size(page) < LARGEST or (shown <= 1 and not most):
            return page
        if most > 1 or shown <= 1:
            most -= 1
        else:
            shown = shown * 9 // 10


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _size_of_pictures(pictures: Mapping[str, Sequence[SamplePicture]], most: int) -> int:
    """Return the bytes of pictures in base64, so many of each source."""
    shown = (picture for found in pictures.values() for picture in found[:most])
    return sum(4 * (len(each.data) + len(each.own)) // 3 for each in shown)


def _rendered(
    audit: Audit,
    pictures: Mapping[str, Sequence[SamplePicture]],
    verdicts: Verdicts,
    shown: int | None = None,
) -> str:
    """Return the page with the first sources, those with most files; all if not told."""
    left_out = 0 if shown is None else len(audit.sources) - shown
    audit = replace(audit, sources=audit.sources[:shown])
    notes = {source: each.note for source, each in verdicts.verdicts.items()}
    parts = source_parts(audit, pictures, notes)
    style, script = style_of(PACKAGE), script_of({PACKAGE: _SCRIPTS, SHARED: ("theme.js",)})
    return (
        environment()
        .get_template("page.html")
        .render(
            audit=audit,
            parts=parts,
            left_out=left_out,
            decided=verdicts.verdicts,
            by_id={part.record.id: part for part in parts},
            findings=found_of(audit.findings),
            plots=scale_plots(audit),
            phases=phase_bars(audit),
            most_columns=_MOST_COLUMNS,
            style=style,
            script=script,
            policy=policy_of(style, script),
            embedded=json_in_html(verdicts_of_page(audit, verdicts)),
        )
    )


@cache
def environment() -> Environment:
    """Return what renders the templates of this page."""
    return environment_of(PACKAGE, {"most": most_of, "legible": legible})
