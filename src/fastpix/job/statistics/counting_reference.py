"""What `fastpix._statistics` must return: the same functions in NumPy, one step a line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastpix.job.statistics.float_bins import bin_of

BINS = 65536  # the most values that integers may have to be counted by value
LANES = 4 * (BINS + 16)  # counters that `count_values` needs


def count_values(
    cells: NDArray[np.uint8],
    kind: str,
    lanes: NDArray[np.uint32],  # noqa: ARG001 - only the compiled loop needs it
    counts: NDArray[np.uint32],
    first: int,
    last: int,
) -> tuple[int, int, int, int, int, int, int] | None:
    """Count integers by value, those of padding apart.

    Parameters
    ----------
    cells : ndarray of uint8, one-dimensional
        The bytes of at least one and less than 2**31 integers, in native byte order.
    kind : {"u1", "i1", "u2", "i2", "u4", "i4"}
    lanes : ndarray of uint32
        `LANES` zeros to work in; they are zeros again afterwards.
    counts : ndarray of uint32
        Of `BINS` items; item k is set to the count of the value ``base + k``, for all k below
        `width`. Padding is counted as nothing.
    first, last : int
        Values that are padding; none if `first` is greater than `last`.

    Returns
    -------
    base, width : int
        The minimum, and how many values there are from it to the maximum, padding included.
    low, high : int
        The least and the greatest k that is counted; of no meaning if nothing is.
    count : int
        Cells that are no padding.
    total, squares : int
        Sums of k and of k**2 over these cells.
    None
        In place of all these: the integers have a range of more than `BINS` values.
    """
    values = cells.view(kind).astype(np.int64)
    base, width = int(values.min()), int(values.max() - values.min()) + 1
    if width > BINS:
        return None
    kept = values[(values < first) | (values > last)] - base
    counts[:width] = np.bincount(kept, minlength=width)
    low, high = (int(kept.min()), int(kept.max())) if kept.size else (0, width - 1)
    return base, width, low, high, kept.size, int(kept.sum()), int((kept * kept).sum())


def sum_many(
    cells: NDArray[np.uint8], kind: str, first: int, last: int
) -> tuple[int, int, int, int, int, int]:
    """Add up 32-bit integers, and leave out those of padding.

    Parameters
    ----------
    cells, kind, first, last
        As in `count_values`.

    Returns
    -------
    low, high : int
        Minimum and maximum; 2**62 and -2**62 if nothing is left.
    count, padding : int
        Cells that are no padding, and cells that are.
    total, squares : int
        Sums of v and of v**2.
    """
    values = cells.view(kind).astype(object)
    is_padding = (values >= first) & (values <= last)
    kept = values[~is_padding.astype(bool)]
    low, high = (int(kept.min()), int(kept.max())) if kept.size else (2**62, -(2**62))
    total, squares = sum(map(int, kept)), sum(int(v) ** 2 for v in kept)
    return low, high, kept.size, values.size - kept.size, total, squares


def count_floats(
    values: NDArray[np.float64], weights: NDArray[np.int64] | None, bins: NDArray[np.int64]
) -> tuple[int, int, float, float, float, float]:
    """Count floats in the bins of `float_bins`, NaN and infinities apart.

    Parameters
    ----------
    values : ndarray of float64, one-dimensional
    weights : ndarray of int64 or None
        How often each value occurs; None: once.
    bins : ndarray of int64
        Of 65,536 items, which are added to.

    Returns
    -------
    count, left_out : int
        Values that are finite, and values that are not.
    low, high : float
        Minimum and maximum of the finite ones; inf and -inf if there is none.
    mean, spread : float
        Their mean, and the sum of the squares of their distances from it; added up in order.
        Both are infinite or NaN where a sum is beyond float64.
    """
    often = np.ones(values.size, np.int64) if weights is None else weights
    finite = np.isfinite(values)
    left_out = int(often[~finite].sum())
    kept, often = values[finite] + 0.0, often[finite]  # -0 becomes 0
    count = int(often.sum())
    if not count:
        return 0, left_out, np.inf, -np.inf, 0.0, 0.0
    np.add.at(bins, bin_of(kept), often)
    # cumsum adds one after the other, where sum adds in pairs.
    mean = float(np.cumsum(kept * often)[-1]) / count
    spread = float(np.cumsum((kept - mean) ** 2 * often)[-1])
    return count, left_out, float(kept.min()), float(kept.max()), mean, spread
