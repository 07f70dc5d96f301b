"""`InNotebooks`: objects that a notebook shows by a table and a picture, not by their `repr`."""

from __future__ import annotations

import importlib

DRAWING = "fastpix.view.notebook"
"""The module that makes the HTML. It stands after all that it shows, so by name."""


class InNotebooks:
    """A class whose objects Jupyter shows as `fastpix.view.notebook` draws them."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        """Return HTML that names no patient; None, for which `repr` is shown, if there is none."""
        try:
            html: str | None = importlib.import_module(DRAWING).html_of(self)
        except Exception:  # a cell must end with its own value, not with an error of its display
            return None
        return html
