"""Planes of files made in memory, read by both routes, and files with functional groups."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
)

from fastpix.header.instance import _read_by_pydicom, _read_regular
from fastpix.image.limits import MAX_BYTES
from fastpix.series.plane import Plane
from fastpix.series.planes import planes_of
from fastpix.source.stored import Memory
from support.builders import encode, make_dataset, make_item

SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
AXIAL = [1, 0, 0, 0, 1, 0]


def planes_by_both(data: bytes, source: int = 7) -> list[Plane]:
    """Return the planes of a file, which are the same by the index and by pydicom."""
    by_index = _read_regular(Memory(data), MAX_BYTES)
    assert by_index is not None
    by_pydicom = _read_by_pydicom(Memory(data), MAX_BYTES)
    planes = planes_of(by_index, source)
    assert planes == planes_of(by_pydicom, source)
    return planes


def planes_from(dataset: Dataset) -> list[Plane]:
    """Return the planes of a data set: the same in each encoding, by each route, and unwritten."""
    found = [planes_by_both(encode(dataset, syntax)) for syntax in SYNTAXES]
    assert found[0] == found[1] == found[2]
    assert planes_of(_read_by_pydicom(dataset, MAX_BYTES), 7) == found[0]
    return found[0]


def plane_from(dataset: Dataset) -> Plane:
    (plane,) = planes_from(dataset)
    return plane


def slice_of(**attributes: Any) -> Dataset:
    """Return an MR slice of 2 x 3; None leaves an attribute out."""
    values: dict[str, Any] = {
        "SOPClassUID": MRImageStorage,
        "Modality": "MR",
        "ImagePositionPatient": ["-1.5", "2.25", "3"],
        "ImageOrientationPatient": AXIAL,
        "PixelSpacing": ["0.75", "0.5"],
    }
    return make_dataset(**values | attributes)


def frames_of(count: int, **attributes: Any) -> Dataset:
    """Return a file of so many frames, which has no functional groups."""
    values = {"PixelSpacing": None, "ImagePositionPatient": None, "ImageOrientationPatient": None}
    return slice_of(cells=np.zeros((count, 2, 3), np.uint16), **values | attributes)


def position(*xyz: float) -> dict[str, list[Dataset]]:
    return {"PlanePositionSequence": [make_item(ImagePositionPatient=list(xyz))]}


def orientation(*cosines: float) -> dict[str, list[Dataset]]:
    return {"PlaneOrientationSequence": [make_item(ImageOrientationPatient=list(cosines))]}


def measures(**attributes: Any) -> dict[str, list[Dataset]]:
    return {"PixelMeasuresSequence": [make_item(**attributes)]}


def content(**attributes: Any) -> dict[str, list[Dataset]]:
    return {"FrameContentSequence": [make_item(**attributes)]}


SHARED = {**orientation(*AXIAL), **measures(PixelSpacing=[0.75, 0.5], SliceThickness=2)}


def grouped(
    frames: Sequence[dict[str, Any]], shared: dict[str, Any] | None = None, **attributes: Any
) -> Dataset:
    """Return a file whose frames have these functional groups."""
    groups = [make_item(**frame) for frame in frames]
    return frames_of(
        len(frames),
        SharedFunctionalGroupsSequence=[make_item(**(SHARED if shared is None else shared))],
        PerFrameFunctionalGroupsSequence=groups,
        **attributes,
    )


def add_private(dataset: Dataset, group: int, creator: str, block: int = 0x10) -> Any:
    """Reserve a private block, and return a function that adds elements to it."""
    if creator:
        dataset.add_new((group, block), "LO", creator)

    def add(element: int, vr: str, value: Any) -> None:
        dataset.add_new((group, block << 8 | element), vr, value)

    return add


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)
