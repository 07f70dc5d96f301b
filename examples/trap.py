"""A trap in DICOM pixels: what common code makes of a file, and what fastpix does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from made_data import Patient, chest_slices, make_patients
from numpy.typing import NDArray
from pydicom.dataset import Dataset

import fastpix

Values = NDArray[Any]
Interval = tuple[float, float]

SOFT: Interval = (-1000, 600)  # Hounsfield units from black to white


@dataclass(frozen=True)
class Trap:
    """What common code makes of a file, and what fastpix does.

    The values of `fastpix` are an error where it refuses the file.
    """

    title: str
    code: str  # what common code does, or leaves out
    effect: str
    answer: str  # what fastpix does
    link: str  # a page of docs/, and a heading of it
    naive: Values
    fastpix: Values | fastpix.FastpixError
    shown: Interval | None = SOFT  # black and white; None: the smallest and the largest value


def patient() -> Patient:
    """Return the patient of all traps."""
    return make_patients(3)[2]


def one_slice() -> tuple[Dataset, Values]:
    """Return a slice, and its Hounsfield units."""
    (slice_,) = chest_slices(patient(), [10.0], size=128)
    return slice_, fastpix.imread(slice_)


def stored_of(slice_: Dataset) -> Values:
    """Return the cells of a slice of 16 bits, unsigned."""
    return np.frombuffer(slice_.PixelData, np.uint16).reshape(slice_.Rows, slice_.Columns)


def naive(slice_: Dataset) -> Values:
    """Return what many scripts return: pixel_array, rescaled."""
    values: Values = slice_.pixel_array * float(slice_.RescaleSlope)
    return values + float(slice_.RescaleIntercept)
