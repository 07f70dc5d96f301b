"""Labels, made in memory: segmentations and structure sets of any grid, by pydicom alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from support.builders import make_dataset, make_item
from support.series_files import FRAME, ROOT, SERIES, decimal

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"

LEFT_OUT = object()
"""Of an attribute: it is not written."""


def image_uid(number: int) -> str:
    """Return the SOP Instance UID of the slice of that number in `support.series_files`."""
    return f"{ROOT}.4.{number}"


def segmentation(
    masks: Mapping[int, NDArray[Any]], affine: NDArray[np.float64], kind: str = "BINARY", *,
    axes: tuple[int, int, int] = (0, 1, 2), flips: tuple[bool, bool, bool] = (False,) * 3,
    empty: bool = False, names: Mapping[int, str] | None = None, **attributes: Any,
) -> Dataset:  # fmt: skip
    """Return a segmentation that says of voxels what masks say.

    Parameters
    ----------
    masks : mapping of int to ndarray
        By segment number: ``(slice, row, column)``; of a LABELMAP, 0 to one array of all values.
    affine : ndarray of float64
        Of the masks.
    kind : {"BINARY", "FRACTIONAL", "LABELMAP"}
    axes : (int, int, int)
        Of the masks, that frames are stacked along, and their rows and columns are numbered along.
    flips : (bool, bool, bool)
        Whether frames, rows and columns begin at the far end of these axes.
    empty : bool
        Frames that are all 0 are written.
    names : mapping of int to str, optional
    **attributes
        By keyword, in place of what is made.
    """
    steps = affine[:3, list(axes)] * np.where(flips, -1, 1)
    some = next(iter(masks.values()))
    first = np.zeros(3)
    for axis, flip in zip(axes, flips, strict=True):
        first[axis] = some.shape[axis] - 1 if flip else 0
    origin = affine[:3, :3] @ first + affine[:3, 3]
    frames, groups = [], []
    for number, mask in masks.items():
        turned = mask.transpose(axes)
        for axis, flip in enumerate(flips):
            turned = np.flip(turned, axis) if flip else turned
        for k, frame in enumerate(turned):
            if empty or frame.any():
                frames.append(frame)
                groups.append(_frame_group(number, origin + k * steps[:, 0], kind))
    spacing = np.linalg.norm(steps, axis=0)
    cells = np.array(frames)
    numbers = [number for number in masks if number] or sorted(set(some.ravel().tolist()) - {0})
    values: dict[str, Any] = {
        "SOPClassUID": LABEL_MAP if kind == "LABELMAP" else SEGMENTATION,
        "SOPInstanceUID": f"{ROOT}.6",
        "SeriesInstanceUID": f"{ROOT}.7",
        "FrameOfReferenceUID": FRAME,
        "Modality": "SEG",
        "ImageType": ["DERIVED", "PRIMARY"],
        "SegmentationType": kind,
        "NumberOfFrames": len(cells),
        "Rows": cells.shape[1],
        "Columns": cells.shape[2],
        "SegmentSequence": [segment(n, (names or {}).get(n, f"segment {n}")) for n in numbers],
        "ReferencedSeriesSequence": referenced(range(some.shape[0])),
        "SharedFunctionalGroupsSequence": [
            make_item(
                PlaneOrientationSequence=[
                    make_item(
                        ImageOrientationPatient=[
                            decimal(x)
                            for x in (*steps[:, 2] / spacing[2], *steps[:, 1] / spacing[1])
                        ]
                    )
                ],
                PixelMeasuresSequence=[
                    make_item(
                        PixelSpacing=[decimal(spacing[1]), decimal(spacing[2])],
                        SliceThickness=decimal(spacing[0]),
                    )
                ],
            )
        ],
        "PerFrameFunctionalGroupsSequence": groups,
    }
    if kind == "BINARY":
        bits = np.packbits(cells.astype(bool).ravel(), bitorder="little").tobytes()
        bits += b"\0" * (len(bits) % 2)
        values |= {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "PixelData": bits}
    if kind == "FRACTIONAL":
        values |= {"SegmentationFractionalType": "PROBABILITY", "MaximumFractionalValue": 255}
    values |= attributes
    kept = {keyword: value for keyword, value in values.items() if value is not LEFT_OUT}
    return make_dataset(cells.astype(np.uint8) if cells.dtype == bool else cells, **kept)


def segment(number: int, name: str) -> Dataset:
    """Return an item of Segment Sequence."""
    return make_item(SegmentNumber=number, SegmentLabel=name, SegmentAlgorithmType="MANUAL")


def _frame_group(number: int, position: NDArray[np.float64], kind: str) -> Dataset:
    group = make_item(
        PlanePositionSequence=[make_item(ImagePositionPatient=[decimal(x) for x in position])]
    )
    if kind != "LABELMAP":
        group.SegmentIdentificationSequence = [make_item(ReferencedSegmentNumber=number)]
    return group


def referenced(numbers: Sequence[int] | range, series: str = SERIES) -> list[Dataset]:
    """Return a Referenced Series Sequence of slices of `support.series_files`, by number."""
    images = [make_item(ReferencedSOPInstanceUID=image_uid(number)) for number in numbers]
    return [make_item(SeriesInstanceUID=series, ReferencedInstanceSequence=images)]


def contour(
    points: NDArray[np.float64], kind: str = "CLOSED_PLANAR", image: str | None = None
) -> Dataset:
    """Return an item of Contour Sequence: points ``(n, 3)``, in millimetres."""
    item = make_item(
        ContourGeometricType=kind,
        NumberOfContourPoints=len(points),
        ContourData=[decimal(x) for x in np.asarray(points).ravel()],
    )
    if image is not None:
        item.ContourImageSequence = [make_item(ReferencedSOPInstanceUID=image)]
    return item


def structure_set(
    regions: Mapping[str, Sequence[Dataset]], frame: str = FRAME, series: str = SERIES
) -> Dataset:
    """Return a structure set: contours by ROI Name; ROI Numbers are 11, 12, ..."""
    numbered = list(enumerate(regions.items(), 11))
    made = make_dataset(
        SOPClassUID=STRUCTURE_SET,
        SOPInstanceUID=f"{ROOT}.8",
        SeriesInstanceUID=f"{ROOT}.9",
        Modality="RTSTRUCT",
        ReferencedFrameOfReferenceSequence=[
            make_item(
                FrameOfReferenceUID=frame,
                RTReferencedStudySequence=[
                    make_item(RTReferencedSeriesSequence=[make_item(SeriesInstanceUID=series)])
                ],
            )
        ],
        StructureSetROISequence=[
            make_item(ROINumber=n, ROIName=name, ReferencedFrameOfReferenceUID=frame)
            for n, (name, _) in numbered
        ],
        ROIContourSequence=[
            make_item(ReferencedROINumber=n, ContourSequence=list(contours))
            for n, (_, contours) in numbered
        ],
    )
    for keyword in (
        "PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit",
        "SamplesPerPixel", "PixelRepresentation", "PhotometricInterpretation",
    ):  # fmt: skip
        delattr(made, keyword)
    return made
