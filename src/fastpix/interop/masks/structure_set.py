"""What a structure set (RTSTRUCT) holds: regions of interest and their contours (PS3.3 C.8.8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import PixelHeaderError
from fastpix.header.attributes import Attributes, header_error
from fastpix.header.geometry import Fault, decimals, too_large
from fastpix.interop.masks.chosen_labels import name_in
from fastpix.notes import Notes, count_of
from fastpix.standard.tags import Tag

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_OPEN = ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR")


class Region(NamedTuple):
    """A region of interest (ROI).

    Attributes
    ----------
    number : int
    name : str
    frame_of_reference : str
        UID; empty where it is not given.
    contours : tuple of Attributes
        Items of Contour Sequence (3006,0040).
    """

    number: int
    name: str
    frame_of_reference: str
    contours: tuple[Attributes, ...]

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


def regions_of(dataset: Attributes) -> list[Region]:
    """Return the regions of interest of a structure set, in its order.

    Raises
    ------
    PixelHeaderError
        A region has no number, or that of another one.
    """
    contours: dict[int, list[Attributes]] = {}
    for item in dataset.items(Tag.ROIContourSequence):
        number = _number_of(item, Tag.ReferencedROINumber)
        contours.setdefault(number, []).extend(item.items(Tag.ContourSequence))
    regions: dict[int, Region] = {}
    for item in dataset.items(Tag.StructureSetROISequence):
        number = _number_of(item, Tag.ROINumber)
        if number in regions:
            raise header_error(Tag.ROINumber, number, "two ROIs have it")
        frame = item.uid(Tag.ReferencedFrameOfReferenceUID)
        name = name_in(item, Tag.ROIName)
        regions[number] = Region(number, name, frame, tuple(contours.get(number, ())))
    return list(regions.values())


def referenced_series(dataset: Attributes) -> Iterator[str]:
    """Yield Series Instance UIDs that a structure set refers to."""
    for frame in dataset.items(Tag.ReferencedFrameOfReferenceSequence):
        for study in frame.items(Tag.RTReferencedStudySequence):
            for series in study.items(Tag.RTReferencedSeriesSequence):
                yield series.uid(Tag.SeriesInstanceUID)


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


def _image_of(contour: Attributes) -> str:
    for image in contour.items(Tag.ContourImageSequence):
        return image.uid(Tag.ReferencedSOPInstanceUID)
    return ""


def _kind_of(contour: Attributes) -> str:
    return contour.text(Tag.ContourGeometricType) or ""


def _number_of(item: Attributes, tag: int) -> int:
    number = item.integer(tag)
    if number is None:
        raise header_error(tag, None, "an ROI has no number")
    return number


def _points_of(contour: Attributes, number: int) -> NDArray[np.float64]:
    """Return the points of a contour; pydicom's own numbers would take ten times as long."""
    element = contour.element(Tag.ContourData)
    found: tuple[float, ...] | Fault = ()
    if element is not None and isinstance(element.value, bytes):
        found = decimals(Tag.ContourData, element.value)
    elif element is not None:
        found = tuple(contour.numbers(Tag.ContourData))
    if not isinstance(found, Fault) and found:
        found = too_large(Tag.ContourData, found) or found
    if not isinstance(found, Fault) and len(found) % 3:
        found = Fault(Tag.ContourData, f"{len(found)} numbers are no points of three")
    if isinstance(found, Fault):
        raise PixelHeaderError(
            tag=Tag.ContourData,
            keyword="ContourData",
            value="damaged",
            reason=f"a contour of ROI {number}: {found.reason}",
            remedy="fetch the file again, or leave the ROI out with names=",
        )
    return np.array(found, np.float64).reshape(-1, 3)
