"""Where a slice lies: position, orientation and spacing, or why they cannot be used.

Direction cosines are taken as they stand (PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1), so that voxels
lie where other readers put them. They may be `TOLERANCE` off unit length and the right angle: files
round them to a few digits. What is further off is a fault, and never replaced by a guess.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from fastpix._index import decimals_of
from fastpix.errors import PixelHeaderError
from fastpix.header.attributes import Attributes
from fastpix.header.index import Elements, IndexElement
from fastpix.header.plain_values import Values
from fastpix.notes import Notes
from fastpix.standard.tags import Tag

Vector: TypeAlias = tuple[float, float, float]
Orientation: TypeAlias = tuple[float, float, float, float, float, float]

TOLERANCE = 1e-3
"""Of the length of direction cosines, and of the cosine of the angle between them."""

LARGEST = 1e9
"""Millimetres: nothing is further away, and sums and squares of what is nearer are finite."""


class Fault(NamedTuple):
    """An attribute of geometry that cannot be used.

    Attributes
    ----------
    tag : int
    reason : str
        Free of text from the file.
    """

    tag: int
    reason: str


class Geometry(NamedTuple):
    """Where a plane lies, in millimetres, LPS. What the file does not say is None.

    Attributes
    ----------
    position : (float, float, float) or None
        Centre of the first voxel (PS3.3 C.7.6.2.1.1).
    orientation : six float or None
        Directions of a row and of a column.
    spacing : (float, float) or None
        Between rows, and between columns (PS3.3 10.7.1.3).
    is_detector_spacing : bool
        `spacing` is Imager Pixel Spacing, so that of the detector plane.
    thickness, between : float or None
        Slice Thickness; Spacing Between Slices.
    faults : tuple of Fault
    """

    position: Vector | None = None
    orientation: Orientation | None = None
    spacing: tuple[float, float] | None = None
    is_detector_spacing: bool = False
    thickness: float | None = None
    between: float | None = None
    faults: tuple[Fault, ...] = ()


NO_GEOMETRY = Geometry()


def decimals(tag: int, value: bytes) -> tuple[float, ...] | Fault:
    """Return the numbers of a Decimal String, none where it is empty; by the strict grammar."""
    texts: list[bytes | None] = [*value.split(b"\\")]
    found = decimals_of(texts)
    if found is not None:
        return tuple(found)
    elements = Elements(implicit=True, is_little_endian=True)
    elements[tag] = IndexElement(None, len(value), value)
    try:
        return tuple(Attributes(elements, Notes(), little=True).numbers(tag))
    except PixelHeaderError as error:
        return Fault(tag, error.reason)


def _several(tag: int, value: bytes | None, count: int) -> tuple[float, ...] | Fault:
    """Return so many numbers, or none where there is none."""
    numbers = () if value is None else decimals(tag, value)
    if isinstance(numbers, Fault) or not numbers:
        return numbers
    if len(numbers) != count:
        return Fault(tag, f"it has {len(numbers)} values in place of {count}")
    return numbers


def too_large(tag: int, numbers: tuple[float, ...]) -> Fault | None:
    """Return a fault where a distance is beyond any that is real."""
    if max(map(abs, numbers)) > LARGEST:
        return Fault(tag, f"a distance beyond {LARGEST:g} mm")
    return None


@lru_cache(4096)
def position_of(value: bytes | None) -> Vector | Fault | None:
    """Return Image Position (Patient)."""
    found = _several(Tag.ImagePositionPatient, value, 3)
    if isinstance(found, Fault):
        return found
    if not found:
        return None
    x, y, z = found
    return too_large(Tag.ImagePositionPatient, found) or (x, y, z)


@lru_cache(1024)
def orientation_of(value: bytes | None) -> Orientation | Fault | None:
    """Return Image Orientation (Patient), if its vectors are unit vectors at a right angle."""
    tag = Tag.ImageOrientationPatient
    found = _several(tag, value, 6)
    if isinstance(found, Fault):
        return found
    if not found:
        return None
    a, b, c, d, e, f = found
    if not (a or b or c) or not (d or e or f):
        return Fault(tag, "a direction of zeros")
    if max(abs(math.hypot(a, b, c) - 1), abs(math.hypot(d, e, f) - 1)) > TOLERANCE:
        return Fault(tag, "a direction is no unit vector")
    if abs(a * d + b * e + c * f) > TOLERANCE:
        return Fault(tag, "row and column are not at a right angle")
    return a, b, c, d, e, f


@lru_cache(1024)
def spacing_of(tag: int, value: bytes | None) -> tuple[float, float] | Fault | None:
    """Return a spacing in the plane, if it is above 0."""
    found = _several(tag, value, 2)
    if isinstance(found, Fault):
        return found
    if not found:
        return None
    rows, columns = found
    if min(found) <= 0:
        return Fault(tag, "a spacing of 0 or less")
    return too_large(tag, found) or (rows, columns)


@lru_cache(1024)
def distance_of(tag: int, value: bytes | None, may_be_negative: bool) -> float | Fault | None:
    """Return Slice Thickness or Spacing Between Slices; None for 0, some vendors' "absent"."""
    numbers = () if value is None else decimals(tag, value)
    if isinstance(numbers, Fault):
        return numbers
    if not numbers:
        return None
    if any(number != numbers[0] for number in numbers):
        return Fault(tag, "several values that differ, where one belongs")
    if numbers[0] < 0 and not may_be_negative:
        return Fault(tag, "it is below 0")
    return too_large(tag, numbers) or numbers[0] or None


@lru_cache(1024)
def plane_spacing(
    pixel: bytes | None, imager: bytes | None, scanned: bytes | None
) -> tuple[tuple[float, float] | None, bool, tuple[Fault, ...]]:
    """Return the spacing in the plane, whether it is that of the detector, and what is wrong.

    Pixel Spacing, else Nominal Scanned Pixel Spacing, else Imager Pixel Spacing (PS3.3 10.7.1.3).
    """
    faults = []
    for tag, value in (
        (Tag.PixelSpacing, pixel),
        (Tag.NominalScannedPixelSpacing, scanned),
        (Tag.ImagerPixelSpacing, imager),
    ):
        found = spacing_of(tag, value)
        if isinstance(found, Fault):
            faults.append(found)
        elif found is not None:
            # A Pixel Spacing that is wrong is not made up for: whose spacing it was, is unknown.
            if faults:
                break
            return found, tag == Tag.ImagerPixelSpacing, ()
    return None, False, tuple(faults)


def geometry_of(values: Values) -> Geometry:
    """Return where the plane of a data set lies whose attributes stand at the top.

    Parameters
    ----------
    values : dict of int to bytes
        As `fastpix.header.plain_values` gives them.
    """
    get = values.get
    position = position_of(get(Tag.ImagePositionPatient))
    orientation = orientation_of(get(Tag.ImageOrientationPatient))
    spacing, is_detector, faults = plane_spacing(
        get(Tag.PixelSpacing), get(Tag.ImagerPixelSpacing), get(Tag.NominalScannedPixelSpacing)
    )
    thickness = distance_of(Tag.SliceThickness, get(Tag.SliceThickness), False)
    between = distance_of(Tag.SpacingBetweenSlices, get(Tag.SpacingBetweenSlices), True)
    for found in (position, orientation, thickness, between):
        if type(found) is Fault:
            faults += (found,)
    return Geometry(
        None if isinstance(position, Fault) else position,
        None if isinstance(orientation, Fault) else orientation,
        spacing,
        is_detector,
        None if isinstance(thickness, Fault) else thickness,
        None if isinstance(between, Fault) else between,
        faults,
    )
