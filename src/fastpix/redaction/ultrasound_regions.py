"""The regions of an ultrasound image, which alone are kept (PS3.3 C.8.5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastpix.errors import PixelHeaderError
from fastpix.redaction.region import Region, in_image

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SEQUENCE = 0x00186011
_CORNERS = {
    "RegionLocationMinX0": 0x00186018,
    "RegionLocationMinY0": 0x0018601A,
    "RegionLocationMaxX1": 0x0018601C,
    "RegionLocationMaxY1": 0x0018601E,
}
_SPATIAL_FORMAT = 0x00186012
_GRAPHICS = 5
_REMEDY = "say what to blank by rules or boxes (--redact, --redact-boxes), or leave the file out"


def ultrasound_regions(dataset: Dataset, rows: int, columns: int) -> tuple[Region, ...]:
    """Return the regions of (0018,6011) that hold ultrasound.

    Both corners belong to a region. Some makers write the first column and row beyond the region
    as its end, so a region may reach beyond the image by one pixel, which is cut off. Regions of
    graphics (Region Spatial Format 5) are left out: they hold text.

    Parameters
    ----------
    dataset : pydicom.Dataset
    rows, columns : int
        Of the image.

    Raises
    ------
    PixelHeaderError
        There are no regions, or one cannot be trusted: it has no corners, is turned round, or
        reaches farther beyond the image.
    """
    items = _items(dataset)
    found = [
        _region(item, number, rows, columns)
        for number, item in enumerate(items)
        if _number(item, _SPATIAL_FORMAT) != _GRAPHICS
    ]
    if not found:
        what = "no item" if not items else "regions of graphics alone"
        raise _error(SEQUENCE, "SequenceOfUltrasoundRegions", what, "nothing says what to keep")
    return tuple(found)


def _items(dataset: Dataset) -> list[Any]:
    if SEQUENCE not in dataset:
        raise _error(SEQUENCE, "SequenceOfUltrasoundRegions", None, "it says which regions to keep")
    try:
        element = dataset[SEQUENCE]
    except Exception as error:  # pydicom's, from parsing the items
        reason = "its items cannot be parsed"
        raise _error(SEQUENCE, "SequenceOfUltrasoundRegions", "broken", reason) from error
    return list(element.value or ()) if element.VR == "SQ" else []


def _region(item: Dataset, number: int, rows: int, columns: int) -> Region:
    corners = [_corner(item, name, tag, number) for name, tag in _CORNERS.items()]
    left, top, right, bottom = corners
    for first, last, end, name in (
        (left, right, columns, "RegionLocationMaxX1"),
        (top, bottom, rows, "RegionLocationMaxY1"),
    ):
        if last < first:
            reason = f"it is less than the minimum of region {number}, {first}"
            raise _error(_CORNERS[name], name, last, reason)
        if last > end:
            reason = f"region {number} reaches beyond the image of {columns} x {rows} pixels"
            raise _error(_CORNERS[name], name, last, reason)
    region = in_image(Region(left, top, right - left + 1, bottom - top + 1), rows, columns)
    if region is None:
        reason = f"region {number} lies outside of the image of {columns} x {rows} pixels"
        raise _error(_CORNERS["RegionLocationMinX0"], "RegionLocationMinX0", left, reason)
    return region


def _corner(item: Dataset, name: str, tag: int, number: int) -> int:
    value = _number(item, tag)
    if value is None or value < 0:
        raise _error(tag, name, value, f"region {number} needs a whole number of 0 or more")
    return value


def _number(item: Dataset, tag: int) -> int | None:
    """Return the whole number of an attribute; None where there is no such one."""
    if tag not in item:
        return None
    try:
        value = item[tag].value
    except Exception:  # pydicom's, from bytes that are no number
        return None
    return value if type(value) is int else None


def _error(tag: int, keyword: str, value: object, reason: str) -> PixelHeaderError:
    return PixelHeaderError(tag=tag, keyword=keyword, value=value, reason=reason, remedy=_REMEDY)
