"""Colour on one scale: samples of any depth brought to 8 bits, and 0..255 mapped to a range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import PixelHeaderError
from fastpix.header.header import Header
from fastpix.kernel.steps import Steps
from fastpix.plan.cells_of_header import smallest_integer
from fastpix.standard.tags import Tag

_FLOAT32_MAX = float(np.finfo(np.float32).max)

Range = tuple[float, float]


def eight_bits(samples: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Return samples of `bits` bits on the scale of 8 bits.

    Deeper samples lose their lower bits. Shallower ones are spread, so that the highest is 255.

    Parameters
    ----------
    samples : ndarray of int64
    bits : int
    """
    return samples >> (bits - 8) if bits >= 8 else samples * 255 // (2**bits - 1)


def line_of(color_range: Range) -> tuple[float, float]:
    """Return slope and intercept from 8 bits to values: ``y = eight * slope + intercept``.

    Parameters
    ----------
    color_range : (float, float)
    """
    lo, hi = color_range
    return (hi - lo) / 255, lo


def values_of(samples: NDArray[np.int64], bits: int, color_range: Range) -> bytes:
    """Return the values of samples, as the table of `Steps` has them.

    Parameters
    ----------
    samples : ndarray of int64
    bits : int
    color_range : (float, float)
    """
    slope, intercept = line_of(color_range)
    return np.asarray(eight_bits(samples, bits) * slope + intercept, np.float64).tobytes()


def in_range(samples: Steps, header: Header, color_range: Range) -> Steps:
    """Return the steps of a sample with those that bring it to 8 bits and to the range.

    Parameters
    ----------
    samples : Steps
        Of a sample, not of an index.
    header : Header
    color_range : (float, float)

    Raises
    ------
    PixelHeaderError
        The samples have a sign, so that no range of theirs begins with black.
    """
    if header.signed:
        raise PixelHeaderError(
            tag=Tag.PixelRepresentation,
            keyword="PixelRepresentation",
            value=1,
            reason=f"signed samples of {header.photometric} have no range that color_range could "
            f"map: the standard has none",
            remedy="read the image without color_range",
        )
    if samples.bits < 8:
        every = np.arange(2**samples.bits, dtype=np.int64)
        return samples._replace(table=values_of(every, samples.bits, color_range))
    slope, intercept = line_of(color_range)
    return samples._replace(shift=samples.bits - 8, slope=slope, intercept=intercept)


def dtype_of_auto(color_range: Range) -> str:
    """Return the dtype that ``"auto"`` stands for: of integers, if each of 0..255 is mapped to one.

    Parameters
    ----------
    color_range : (float, float)
    """
    slope, _ = line_of(color_range)
    integer = smallest_integer(color_range) if slope.is_integer() else None
    if integer is not None:
        return integer
    return "float64" if max(map(abs, color_range)) > _FLOAT32_MAX else "float32"
