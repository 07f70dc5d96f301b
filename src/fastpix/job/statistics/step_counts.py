"""Counts of stored integers that have the same steps to go, and what their values are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.statistics.moments import FloatMoments, IntegerMoments
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps

_ALIGNED = 1024  # a table grows by so many values at least
_EXACT = 2**53  # integers up to here are what they are in float64


class StepCounts:
    """Counts of stored integers, by value.

    Parameters
    ----------
    dtype : dtype
        Of the stored integers.
    steps : Steps
        What they have to go.
    """

    def __init__(self, dtype: np.dtype[Any], steps: Steps) -> None:
        self._dtype = dtype
        self._steps = steps
        self._low = 0
        self._counts = np.empty(0, np.int64)
        factor, offset = steps.slope, steps.intercept
        if steps.mirror is not None:
            factor, offset = -factor, steps.slope * steps.mirror + offset
        if steps.peak is not None:
            factor, offset = -factor, steps.peak - offset
        self._factor, self._offset = factor, offset
        numbers = (steps.slope, steps.intercept, steps.mirror or 0.0, steps.peak or 0.0)
        self._is_whole = steps.table is None and all(map(_is_whole, numbers))

    def add(self, low: int, counts: NDArray[np.uint32]) -> None:
        """Add the counts of the values ``low``, ``low + 1``, and so on."""
        start = low - self._low
        if not self._counts.size:
            self._low, self._counts = low, counts.astype(np.int64)
            return
        if start < 0 or start + counts.size > self._counts.size:
            first = min(low, self._low) // _ALIGNED * _ALIGNED
            last = max(low + counts.size, self._low + self._counts.size)
            grown = np.zeros(-((first - last) // _ALIGNED) * _ALIGNED, np.int64)
            grown[self._low - first :][: self._counts.size] = self._counts
            self._low, self._counts, start = first, grown, low - first
        self._counts[start : start + counts.size] += counts

    def values(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the values of y that occur, and how often."""
        return values_of(self._steps, self._dtype, self._low, self._counts)

    def moments(
        self, low: int, high: int, count: int, total: int, squares: int
    ) -> IntegerMoments | FloatMoments:
        """Return the moments of y, from those of stored integers; not for a lookup table.

        Parameters
        ----------
        low, high : int
            Minimum and maximum.
        count, total, squares : int
            How many, their sum and the sum of their squares.
        """
        ends = self._line(low), self._line(high)
        first, last = min(ends), max(ends)
        if self._is_whole and max(-first, last) <= _EXACT:
            a, b = int(self._factor), int(self._offset)
            return IntegerMoments(
                count,
                a * total + b * count,
                a * (a * squares + 2 * b * total) + b * b * count,
                int(first),
                int(last),
            )
        mean = self._factor * (total / count) + self._offset
        spread = self._factor * self._factor * ((count * squares - total * total) / count)
        return FloatMoments(count, mean, spread, first, last)

    def _line(self, stored: int) -> float:
        """Return y of one stored integer, rounded where the kernel rounds."""
        v = float(stored) if self._steps.mirror is None else self._steps.mirror - stored
        y = v * self._steps.slope + self._steps.intercept
        return y if self._steps.peak is None else self._steps.peak - y


def values_of(
    steps: Steps, dtype: np.dtype[Any], low: int, counts: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the values of y of stored integers that occur, and how often.

    Parameters
    ----------
    steps : Steps
        Normalize and padding are left out.
    dtype : dtype
        Of the stored integers.
    low, counts : int, ndarray
        Counts of the values ``low``, ``low + 1``, and so on.
    """
    used = np.flatnonzero(counts != 0)  # of flags, it is several times as fast
    values = np.empty(used.size, np.float64)
    if used.size:
        stored = (used + low).astype(dtype)
        steps = steps._replace(normalize=None, padding=None)
        current_kernel().scale(stored.view(np.uint8), values, steps)
    return values, counts[used].astype(np.int64)


def _is_whole(number: float) -> bool:
    return number.is_integer() and abs(number) <= _EXACT
