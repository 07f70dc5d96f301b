"""An array as the loops want it: its elements one after the other, in the machine's byte order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.interop.pydicom_pixels.loops_reference import KINDS


def is_plain(arr: object) -> bool:
    """Whether this is an array of real numbers and no subclass, with something in it."""
    return type(arr) is np.ndarray and arr.ndim > 0 and arr.size > 0 and arr.dtype.kind in "iuf"


def kind_of(arr: NDArray[Any]) -> str:
    """Return an array's kind as the loops name it: the letter and the size of its dtype."""
    return arr.dtype.kind + str(arr.dtype.itemsize)


def as_kind(arr: NDArray[Any]) -> NDArray[Any]:
    """Return the array, or a float64 copy where the loops do not take its dtype."""
    return arr if kind_of(arr) in KINDS else arr.astype(np.float64)


def flat_bytes(arr: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the bytes of an array's elements, C order, machine byte order; a view where it can."""
    dense = np.ascontiguousarray(arr, arr.dtype.newbyteorder("="))
    return dense.reshape(-1).view(np.uint8)


def map_elements(
    arr: NDArray[Any], fill: Callable[[NDArray[np.uint8], str, NDArray[np.float64]], object]
) -> NDArray[np.float64]:
    """Return float64 values of an array's shape, in the order that its elements have in memory.

    Parameters
    ----------
    arr : ndarray
    fill : callable
        Told the bytes of the elements, their kind, and where the values go.
    """
    axes = sorted(range(arr.ndim), key=lambda axis: -abs(arr.strides[axis]))
    ordered = arr.transpose(axes)
    out = np.empty(ordered.shape, np.float64)
    fill(flat_bytes(ordered), kind_of(arr), out.reshape(-1))
    return out.transpose(np.argsort(axes))
