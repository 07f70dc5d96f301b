"""Bins for numbers of any size: the upper 16 bits of float32, in the order of numbers.

A bin holds the numbers that share sign, exponent and 7 bits of the mantissa, so its middle is
within 0.4 % (1/256) of each number in it. Numbers beyond float32 count as its largest, those below
its smallest normal number (1.2e-38) as zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLOAT_BINS = 65536
_SIGN = np.uint32(1 << 31)
_LARGEST = np.finfo(np.float32).max


def bin_of(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each finite number; a greater number has the same bin or a later one."""
    rounded = np.clip(values + 0.0, -_LARGEST, _LARGEST).astype(np.float32)
    bits = rounded.view(np.uint32)
    ordered = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    return (ordered >> np.uint32(16)).astype(np.int64)


def middle_of(bins: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the middle of each bin."""
    ordered = (bins.astype(np.uint32) << np.uint32(16)) | np.uint32(0x8000)
    bits = np.where(ordered & _SIGN, ordered ^ _SIGN, ~ordered)
    # A signalling NaN would warn when it is converted; no number is in its bin.
    bits = np.where((bits & ~_SIGN) >= 0x7F800000, np.uint32(0), bits).astype(np.uint32)
    middle = bits.view(np.float32).astype(np.float64)
    return np.where(np.abs(middle) < np.finfo(np.float32).tiny, 0.0, middle)


def width_of(bins: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the width of each bin; the bins around zero have none."""
    middle = np.abs(middle_of(bins))
    widths: NDArray[np.float64] = np.ldexp(1.0, np.frexp(middle)[1] - 8) * (middle > 0)
    return widths
