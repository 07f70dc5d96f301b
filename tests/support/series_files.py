"""Small series, made in memory: slices on a grid that lies askew in patient space."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from support.builders import encode, make_dataset, make_item

ROOT = "1.2.826.0.1.3680043.10.2"
SERIES, STUDY, FRAME = f"{ROOT}.1", f"{ROOT}.2", f"{ROOT}.3"


def _oblique() -> NDArray[np.float64]:
    """Return row, column and slice direction as columns: right-angled, along no axis."""
    made, _ = np.linalg.qr(np.array([[9, 1, 2], [-1, 8, 3], [1, -2, 7]], np.float64))
    made *= np.sign(np.diag(made))
    made[:, 2] = np.cross(made[:, 0], made[:, 1])
    return made


DIRECTIONS = _oblique()
ORIGIN = np.array([-31.25, 17.5, 204.125])
PIXELS = (0.75, 0.5)  # millimetres between rows, and between columns
GAP = 2.5


def position_of(place: float, drift: float = 0.0) -> NDArray[np.float64]:
    """Return where the slice at a place begins; it drifts so many mm a slice along columns."""
    along = GAP * place * DIRECTIONS[:, 2] + drift * place * DIRECTIONS[:, 1]
    return np.asarray(ORIGIN + along)


def affine_of(gap: float = GAP, drift: float = 0.0, first: float = 0.0) -> NDArray[np.float64]:
    """Return the affine that slices of `position_of` have: (slice, row, column, 1) to LPS."""
    affine = np.eye(4)
    affine[:3, 0] = gap * DIRECTIONS[:, 2] + drift * DIRECTIONS[:, 1]
    affine[:3, 1] = PIXELS[0] * DIRECTIONS[:, 1]
    affine[:3, 2] = PIXELS[1] * DIRECTIONS[:, 0]
    affine[:3, 3] = position_of(first, drift)
    return affine


def cells_of(number: int, rows: int = 6, columns: int = 5, dtype: Any = np.int16) -> NDArray[Any]:
    """Return stored values that no other slice has."""
    made = np.random.default_rng(number).integers(0, 2**11, (rows, columns))
    return made.astype(dtype)


def decimal(number: float) -> str:
    """Return a number as a decimal string of at most 16 characters (PS3.5 6.2)."""
    text = f"{number:.10f}"[:16].rstrip("0")
    return text + "0" if text.endswith(".") else text


def slice_dataset(
    place: float = 0, *, number: int | None = None, cells: NDArray[Any] | None = None,
    drift: float = 0.0, **attributes: Any,
) -> Dataset:  # fmt: skip
    """Return a CT slice at a place along the normal; None leaves an attribute out.

    Parameters
    ----------
    place : float
        In gaps, from the first slice.
    number : int, optional
        Decides the pixels, Instance Number and SOP Instance UID; `place` if not given.
    cells : ndarray, optional
    drift : float
        Of a tilted gantry, in millimetres a slice.
    **attributes
        By keyword.
    """
    number = int(place) if number is None else number
    directions = [*DIRECTIONS[:, 0], *DIRECTIONS[:, 1]]
    values: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": f"{ROOT}.4.{number}",
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": SERIES,
        "FrameOfReferenceUID": FRAME,
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "InstanceNumber": number + 1,
        "ImagePositionPatient": list(map(decimal, position_of(place, drift))),
        "ImageOrientationPatient": list(map(decimal, directions)),
        "PixelSpacing": list(map(decimal, PIXELS)),
        "SliceThickness": decimal(GAP),
        "RescaleSlope": "1",
        "RescaleIntercept": "-1024",
    }
    values |= attributes
    if values["Modality"] == "MR":
        values["SOPClassUID"] = MRImageStorage
    return make_dataset(cells_of(number) if cells is None else cells, **values)


def enhanced(frames: int = 6, **attributes: Any) -> Dataset:
    """An enhanced CT whose frames come in no order, each with a rescale of its own."""
    order = [(k * 5 + 2) % frames for k in range(frames)]
    cells = np.stack([cells_of(k) for k in order])
    dataset = slice_dataset(cells=cells, **attributes)
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    shared = make_item(
        PixelMeasuresSequence=[
            make_item(PixelSpacing=dataset.PixelSpacing, SliceThickness=dataset.SliceThickness)
        ],
        PlaneOrientationSequence=[
            make_item(ImageOrientationPatient=dataset.ImageOrientationPatient)
        ],
    )
    groups = []
    for place in order:
        position = slice_dataset(place).ImagePositionPatient
        transformation = make_item(
            RescaleSlope=f"{1 + place / 8}", RescaleIntercept="-1000", RescaleType="HU"
        )
        groups.append(
            make_item(
                PlanePositionSequence=[make_item(ImagePositionPatient=position)],
                PixelValueTransformationSequence=[transformation],
            )
        )
    for keyword in (
        "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
        "RescaleSlope", "RescaleIntercept",
    ):  # fmt: skip
        delattr(dataset, keyword)
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = groups
    return dataset


def write_slices(
    folder: Path, datasets: Sequence[Dataset], syntax: str = ExplicitVRLittleEndian,
    encoded: Callable[[Dataset, str], bytes] = encode,
) -> list[Path]:  # fmt: skip
    """Write slices under names that say nothing of their order."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(range(len(datasets)))
    random.Random(len(names)).shuffle(names)
    paths = []
    for name, dataset in zip(names, datasets, strict=True):
        path = folder / f"{name:04d}.dcm"
        path.write_bytes(encoded(dataset, syntax))
        paths.append(path)
    return sorted(paths)
