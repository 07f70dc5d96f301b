"""`Finding`: one kind of thing that can be wrong, or worth knowing, about images."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Weight: TypeAlias = Literal["error", "warning", "note"]


class CatalogueEntry(NamedTuple):
    """One kind of finding; the page docs/findings.md shows all of them.

    Attributes
    ----------
    id : str
        Stable: ``HDR_`` headers, ``PIX_`` pixels, ``GEO_`` geometry, ``FILE_`` files, ``SET_`` many
        files together.
    weight : {"error", "warning", "note"}
        The image cannot be read; its values may mislead; worth knowing.
    title, cause, consequence : str
        What it is, where it comes from, and what it does to a model.
    rule : str
        Of the standard; empty where there is none.
    remedy : str
    """

    id: str
    weight: Weight
    title: str
    cause: str
    consequence: str
    rule: str
    remedy: str
