"""Columns first: the order of axes of MONAI, in time that a copy takes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PIECE = 2**18  # bytes that are turned round at a time: they stay in the processor's cache
_PADDING = 16  # columns more, so that rows do not all fall on the same lines of the cache


def columns_first(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array with its axes in the opposite order, contiguous.

    As ``ascontiguousarray(array.T)``, which takes ten times as long for 300 slices of 512 x 512.

    Parameters
    ----------
    array : ndarray
        ``(slice, row, column)``, or ``(volume, slice, row, column)``.

    Returns
    -------
    ndarray
        ``(column, row, slice)``, or ``(column, row, slice, volume)``.
    """
    planes = array if array.ndim == 3 else array.swapaxes(0, 1)  # in the order of the result
    *before, rows, columns = planes.shape
    result = np.empty((columns, rows, *before), array.dtype)
    row = max(1, math.prod(before) * (columns + _PADDING) * array.itemsize)
    step = min(max(1, _PIECE // row), max(1, rows))
    piece = np.empty((*before, step, columns + _PADDING), array.dtype)
    for start in range(0, rows, step):
        part = planes[..., start : start + step, :]
        held = piece[..., : part.shape[-2], :columns]
        held[...] = part
        result[:, start : start + step] = np.moveaxis(held, (-1, -2), (0, 1))
    return result
