"""What a structure set (RTSTRUCT) holds: regions of interest and their contours (PS3.3 C.8.8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import PixelHeaderError
from fastpix.header.geometry import Fault, decimals, too_large
from fastpix.notes import Notes, count_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_OPEN = ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR")
_CONTOUR_DATA = 0x30060050


class Region(NamedTuple):
    """A region of interest (ROI).

    Attributes
    ----------
    number : int
    name : str
    frame_of_reference : str
        UID; empty where it is not given.
    contours : tuple of Dataset
        Items of Contour Sequence (3006,0040).
    """

    number: int
    name: str
    frame_of_reference: str
    contours: tuple[Dataset, ...]

    @property
    def is_closed(self) -> bool:
        """Whether a contour of it encloses something."""
        return any(_kind_of(contour) in _CLOSED for contour in self.contours)

    def images(self) -> Iterator[str]:
        """Yield SOP Instance UIDs of the images that contours refer to; empty for none."""
        return map(_image_of, self.contours)


class Outline(NamedTuple):
    """A closed contour.

    Attributes
    ----------
    points : ndarray of float64
        ``(points, 3)``, in millimetres, LPS.
    image : str
        SOP Instance UID of the image that it was drawn on; empty where it is not given.
    """

    points: NDArray[np.float64]
    image: str


def regions_of(dataset: Dataset) -> list[Region]:
    """Return the regions of interest of a structure set, in its order.

    Raises
    ------
    PixelHeaderError
        A region has no number, or that of another one.
    """
    contours: dict[int, list[Dataset]] = {}
    for item in dataset.get("ROIContourSequence") or ():
        number = _number_of(item, 0x30060084, "ReferencedROINumber")
        contours.setdefault(number, []).extend(item.get("ContourSequence") or ())
    regions: dict[int, Region] = {}
    for item in dataset.get("StructureSetROISequence") or ():
        number = _number_of(item, 0x30060022, "ROINumber")
        if number in regions:
            raise PixelHeaderError(
                tag=0x30060022, keyword="ROINumber", value=number, reason="two ROIs have it"
            )
        name = str(item.get("ROIName") or "").strip()
        frame = str(item.get("ReferencedFrameOfReferenceUID") or "")
        regions[number] = Region(number, name, frame, tuple(contours.get(number, ())))
    return list(regions.values())


def referenced_series(dataset: Dataset) -> Iterator[str]:
    """Yield Series Instance UIDs that a structure set refers to."""
    for frame in dataset.get("ReferencedFrameOfReferenceSequence") or ():
        for study in frame.get("RTReferencedStudySequence") or ():
            for series in study.get("RTReferencedSeriesSequence") or ():
                yield str(series.get("SeriesInstanceUID", ""))


def outlines_of(region: Region, notes: Notes) -> list[Outline]:
    """Return the closed contours.

    Contours that enclose nothing are left out, and so is one that repeats another point by point:
    it would make a hole of what both enclose.

    Raises
    ------
    PixelHeaderError
        Contour Data is damaged.
    """
    others: Counter[str] = Counter()
    outlines: dict[bytes, Outline] = {}
    for contour in region.contours:
        kind = _kind_of(contour)
        points = _points_of(contour, region.number) if kind in _CLOSED else None
        if points is None:
            others[kind if kind in _OPEN else "an unknown type"] += 1
        elif len(points) < 3:
            others["less than 3 points"] += 1
        elif (key := points.tobytes()) in outlines:
            notes.remark(f"ROI {region.number}: a contour comes twice: read once")
        else:
            outlines[key] = Outline(points, _image_of(contour))
    for kind, count in others.items():
        notes.add(
            f"ROI {region.number}: {count_of(count, 'contour')} of {kind}, which enclose nothing: "
            "left out"
        )
    return list(outlines.values())


def _image_of(contour: Dataset) -> str:
    for image in contour.get("ContourImageSequence") or ():
        return str(image.get("ReferencedSOPInstanceUID") or "")
    return ""


def _kind_of(contour: Dataset) -> str:
    return str(contour.get("ContourGeometricType") or "").strip()


def _number_of(item: Dataset, tag: int, keyword: str) -> int:
    try:
        return int(item[keyword].value)
    except (KeyError, TypeError, ValueError):
        raise PixelHeaderError(
            tag=tag, keyword=keyword, value=None, reason="an ROI has no number"
        ) from None


def _points_of(contour: Dataset, number: int) -> NDArray[np.float64]:
    """Return the points of a contour; pydicom's own numbers would take ten times as long."""
    element: Any = contour.get_item(_CONTOUR_DATA) if _CONTOUR_DATA in contour else None
    value = None if element is None else element.value
    found: tuple[float, ...] | Fault
    if value is None:
        found = ()
    elif isinstance(value, bytes):
        found = decimals(_CONTOUR_DATA, value)
    else:
        found = tuple(map(float, value if hasattr(value, "__len__") else [value]))
    if not isinstance(found, Fault) and found:
        found = too_large(_CONTOUR_DATA, found) or found
    if not isinstance(found, Fault) and len(found) % 3:
        found = Fault(_CONTOUR_DATA, f"{len(found)} numbers are no points of three")
    if isinstance(found, Fault):
        raise PixelHeaderError(
            tag=_CONTOUR_DATA,
            keyword="ContourData",
            value="damaged",
            reason=f"a contour of ROI {number}: {found.reason}",
            remedy="fetch the file again, or leave the ROI out with names=",
        )
    return np.array(found, np.float64).reshape(-1, 3)
