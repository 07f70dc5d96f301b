"""What a data set holds of pictures besides its pixels: overlays, in the cells too, and icons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastpix.deidentification.value_kinds import (
    BYTES,
    DATES,
    NUMBERS,
    NUMERIC_TEXTS,
    PIXEL_DATA,
    TEXTS,
)

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.dataset import Dataset

_OVERLAYS, _LAST_OVERLAYS = 0x6000, 0x60FF
_CURVES, _LAST_CURVES = 0x5000, 0x50FF
_BITS_ALLOCATED, _BIT_POSITION, _OVERLAY_DATA = 0x0100, 0x0102, 0x3000
_ICONS = 0x00880200
_PICTURES = PIXEL_DATA | {_ICONS}
# Without None and UN, which may turn out to be sequences.
_PLAIN = TEXTS | DATES | NUMBERS | NUMERIC_TEXTS | BYTES | {"UI"}


def has_overlay_in_cells(dataset: Dataset) -> bool:
    """Whether an overlay is kept in bits of the cells that no value uses (retired; PS3.3 C.9.2).

    Parameters
    ----------
    dataset : pydicom.Dataset
        The original: no copy has a group of overlays.
    """
    groups = {
        tag.group
        for tag in dataset.keys()  # noqa: SIM118 (its items are no tags)
        if _OVERLAYS <= tag.group <= _LAST_OVERLAYS
    }
    return any(
        group << 16 | _OVERLAY_DATA not in dataset
        or _value(dataset, group << 16 | _BITS_ALLOCATED) not in (None, 1)
        or _value(dataset, group << 16 | _BIT_POSITION) not in (None, 0)
        for group in groups
    )


def _value(dataset: Dataset, tag: int) -> object:
    try:
        return dataset[tag].value if tag in dataset else None
    except Exception:  # pydicom's, from bytes that are no number
        return "other bytes"


def pictures_besides(dataset: Dataset, where: str = "") -> Iterator[str]:
    """Yield what a data set holds of pictures besides its own pixels: overlays, curves, icons.

    A copy must hold none: nothing is blanked in them.

    Parameters
    ----------
    dataset : pydicom.Dataset
    where : str
        What leads to it, for the items of sequences.

    Yields
    ------
    str
        The tags on the way, such as ``(0088,0200)``.
    """
    for element in sorted(dataset.values(), key=_tag):  # as they were read: most are no sequences
        tag = element.tag
        is_picture = tag in _PICTURES and (where or tag == _ICONS)
        if not is_picture and not _is_drawn(tag) and element.VR in _PLAIN:
            continue
        path = f"{where}({tag.group:04X},{tag.element:04X})"
        if is_picture or _is_drawn(tag):
            yield path
            continue
        try:
            found = dataset[tag]
        except Exception:  # pydicom's: what cannot be parsed may be anything
            yield path
            continue
        if found.VR == "SQ":
            for number, item in enumerate(found.value or ()):
                yield from pictures_besides(item, f"{path}[{number}]")


def _tag(element: RawDataElement | DataElement) -> int:
    return element.tag


def _is_drawn(tag: int) -> bool:
    group = tag >> 16
    return _OVERLAYS <= group <= _LAST_OVERLAYS or _CURVES <= group <= _LAST_CURVES
