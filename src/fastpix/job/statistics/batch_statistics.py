"""Statistics of the images of a batch, counted while they are in the cache of the processor.

Integers are counted as they are stored. Images with the same steps to go share one table of
counts, whose values are worked out once, by the kernel, when the table is closed. So lookup
tables, mirrors and maxima need no code here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix._statistics import count_floats, count_values, sum_many
from fastpix.job.remaining import Remaining
from fastpix.job.statistics.counting_reference import BINS, LANES
from fastpix.job.statistics.group_counts import GroupCounts
from fastpix.job.statistics.merging import Statistics
from fastpix.job.statistics.moments import FloatMoments, IntegerMoments, mean_and_std
from fastpix.job.statistics.step_counts import StepCounts, values_of
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps

_OPEN_TABLES = 8  # an archive changes between few kinds of files at a time
_MOST_CELLS = 1 << 30  # counted at once: 32 bits of a counter are enough
_BLOCK = 1 << 17  # cells whose values exist in float64 at a time
_NO_PADDING = (1, 0)


class SampleStatistics(NamedTuple):
    """Statistics of one image or volume: of y after step 5, before normalize and rounding.

    Attributes
    ----------
    min, max, mean, std : float or None
        None where no pixel is left. `std` divides by the count. Where all values are integers, all
        four are the exact numbers, rounded once.
    padding : int
        Pixels that are padding (a file that declares it, read with ``padding=``).
    nans : int
        Pixels that are NaN or infinite; missing slices of a volume are NaN.
    """

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    padding: int
    nans: int


class BatchStatistics:
    """Statistics of samples that are added one by one."""

    def __init__(self) -> None:
        self._statistics = Statistics()
        self._tables: dict[tuple[Any, ...], StepCounts] = {}
        self._lanes = np.zeros(LANES, np.uint32)
        self._counts = np.empty(BINS, np.uint32)

    def add(
        self, group: tuple[str, str, str, str], stored: NDArray[Any], remaining: Remaining
    ) -> SampleStatistics:
        """Count a sample.

        Parameters
        ----------
        group : (str, str, str, str)
            Modality, maker, model and unit: terms of `fastpix.job.vocabulary`.
        stored : ndarray, C-contiguous, native byte order
            Integers of up to 32 bits, or floats.
        remaining : Remaining

        Returns
        -------
        SampleStatistics
        """
        counts = self._statistics.group(group)
        counts.images += 1
        own = _Sample()
        if len(remaining.slopes) == 1:
            self._add_cells(group, counts, stored.reshape(-1), remaining, 0, own)
        elif stored.size:
            planes = stored.reshape(len(remaining.slopes), -1)
            for start, end in _runs(remaining):
                cells = planes[start:end].reshape(-1)
                self._add_cells(group, counts, cells, remaining, start, own)
        counts.padding += own.padding
        counts.nans += own.nans
        return own.statistics()

    def to_bytes(self) -> bytes:
        """Return what `Statistics.from_bytes` reads."""
        return self.statistics().to_bytes()

    def statistics(self) -> Statistics:
        """Return the statistics of all samples so far."""
        for key in list(self._tables):
            self._close(key)
        return self._statistics

    def _add_cells(
        self,
        group: tuple[str, str, str, str],
        counts: GroupCounts,
        cells: NDArray[Any],
        remaining: Remaining,
        plane: int,
        own: _Sample,
    ) -> None:
        if cells.dtype.kind == "f":
            for moments in self._count_floats(counts, cells, remaining, plane, own):
                counts.floats.add(moments)
                own.floats.add(moments)
            return
        first, last = _padding(remaining)
        for start in range(0, cells.size, _MOST_CELLS):
            some = cells[start : start + _MOST_CELLS]
            kind = f"{some.dtype.kind}{some.dtype.itemsize}"
            found = count_values(some.view(np.uint8), kind, self._lanes, self._counts, first, last)
            if found is None:
                self._add_many(counts, some, remaining, plane, own)
                continue
            base, _, low, high, count, total, squares = found
            own.padding += some.size - count
            if not count:
                continue
            image = self._counts[low : high + 1]
            if remaining.table is not None:
                steps = remaining.steps(some.dtype, plane)
                values, often = values_of(steps, some.dtype, base + low, image)
                own.add(*counts.add_values(values, often))
                continue
            table = self._table(group, some.dtype, remaining, plane)
            table.add(base + low, image)
            squares += base * (2 * total + base * count)
            total += base * count
            own.add(table.moments(base + low, base + high, count, total, squares))

    def _table(
        self,
        group: tuple[str, str, str, str],
        dtype: np.dtype[Any],
        remaining: Remaining,
        plane: int,
    ) -> StepCounts:
        steps: Remaining | Steps = remaining
        if len(remaining.slopes) > 1:
            steps = remaining.steps(dtype, plane)
        key = (group, dtype.char, steps)
        table = self._tables.pop(key, None)
        if table is None:
            if len(self._tables) == _OPEN_TABLES:
                self._close(next(iter(self._tables)))
            table = StepCounts(dtype, remaining.steps(dtype, plane))
        self._tables[key] = table  # the last one is the one that was used last
        return table

    def _close(self, key: tuple[Any, ...]) -> None:
        table = self._tables.pop(key)
        self._statistics.group(key[0]).add_values(*table.values())

    def _add_many(
        self,
        counts: GroupCounts,
        cells: NDArray[Any],
        remaining: Remaining,
        plane: int,
        own: _Sample,
    ) -> None:
        """Add integers of too many values: in the bins for floats, with exact sums if it goes."""
        table = StepCounts(cells.dtype, remaining.steps(cells.dtype, plane))
        kind = f"{cells.dtype.kind}{cells.dtype.itemsize}"
        first, last = _padding(remaining)
        low, high, count, _, total, squares = sum_many(cells.view(np.uint8), kind, first, last)
        exact = table.moments(low, high, count, total, squares) if count else None
        for moments in self._count_floats(counts, cells, remaining, plane, own):
            if not isinstance(exact, IntegerMoments):
                counts.floats.add(moments)
                own.floats.add(moments)
        if isinstance(exact, IntegerMoments):
            counts.integers.add(exact)
            own.integers.add(exact)

    def _count_floats(
        self,
        counts: GroupCounts,
        cells: NDArray[Any],
        remaining: Remaining,
        plane: int,
        own: _Sample,
    ) -> Iterator[FloatMoments]:
        """Count values in the bins for floats, and yield the moments of block after block."""
        steps = remaining.steps(cells.dtype, plane)._replace(normalize=None, padding=None)
        values = np.empty(min(cells.size, _BLOCK), np.float64)
        bins = counts.histogram.float_counts()
        for start in range(0, cells.size, _BLOCK):
            some = cells[start : start + _BLOCK]
            y = values[: some.size]
            current_kernel().scale(some.view(np.uint8), y, steps)
            if remaining.padding is not None:
                first, last, _ = remaining.padding
                y = y[~((some >= first) & (some <= last))]
                own.padding += some.size - y.size
            count, nans, low, high, mean, spread = count_floats(y, None, bins)
            own.nans += nans
            yield FloatMoments(count, mean, spread, low, high)


class _Sample:
    """What one sample has had so far."""

    __slots__ = ("floats", "integers", "nans", "padding")

    def __init__(self) -> None:
        self.integers = IntegerMoments()
        self.floats = FloatMoments()
        self.padding = 0
        self.nans = 0

    def add(self, *found: IntegerMoments | FloatMoments) -> None:
        for moments in found:
            if isinstance(moments, IntegerMoments):
                self.integers.add(moments)
            else:
                self.floats.add(moments)

    def statistics(self) -> SampleStatistics:
        integers, floats = self.integers, self.floats
        if not integers.count + floats.count:
            return SampleStatistics(None, None, None, None, self.padding, self.nans)
        ends = [end for part in (integers, floats) if part.count for end in (part.low, part.high)]
        mean, std = mean_and_std(integers, floats)
        return SampleStatistics(
            float(min(ends)), float(max(ends)), mean, std, self.padding, self.nans
        )


def _padding(remaining: Remaining) -> tuple[int, int]:
    """Return the first and the last integer that is padding; none is if the first is greater."""
    if remaining.padding is None:
        return _NO_PADDING
    first, last, _ = remaining.padding
    if not first <= last:
        return _NO_PADDING
    furthest = 1 << 40  # further than any integer of 32 bits
    return (
        math.ceil(min(max(first, -furthest), furthest)),
        math.floor(min(max(last, -furthest), furthest)),
    )


def _runs(remaining: Remaining) -> Iterator[tuple[int, int]]:
    """Yield where neighbouring planes begin and end that have the same steps."""
    pairs = list(zip(remaining.slopes, remaining.intercepts, strict=True))
    start = 0
    for plane in range(1, len(pairs) + 1):
        if plane == len(pairs) or pairs[plane] != pairs[start]:
            yield start, plane
            start = plane


def recount(
    samples: Iterable[tuple[tuple[str, str, str, str], NDArray[Any], Remaining]],
) -> Statistics:
    """Return statistics of samples that are read again, of some rows of a cache for example.

    Parameters
    ----------
    samples : iterable of (group, stored, remaining)
        As `BatchStatistics.add` takes them.
    """
    batch = BatchStatistics()
    for group, stored, remaining in samples:
        batch.add(group, stored, remaining)
    return batch.statistics()
