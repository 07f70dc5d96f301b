"""A histogram of values of any kind: integers one by one, others in bins of float32.

An integer is counted exactly, as long as there are no more than `MOST_INTEGERS` different ones in
all. Beyond that, all integers are counted in the bins for floats, and a percentile is within 0.4 %.
That holds for the sum of histograms, in whatever order they are added: a sum has more different
integers than it may have, or it has not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastpix.job.statistics.float_bins import FLOAT_BINS, bin_of, middle_of, width_of

MOST_INTEGERS = 1 << 17
_WAITING = 1 << 18  # integers that are kept before they are added up
_SPAN = 1 << 22  # of integers that are added up in one array of counts

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


class ValueHistogram:
    """Counts of values."""

    def __init__(self) -> None:
        empty = np.empty(0, np.int64)
        self.bins: NDArray[np.int64] | None = None
        self._waiting: list[Pairs] = []
        self._waits = 0
        self._integers: Pairs = (empty, empty)
        self._has_many = False

    @property
    def has_many(self) -> bool:
        """Whether integers are in the bins for floats, since there are too many of them."""
        self.integers()
        return self._has_many

    def float_counts(self) -> NDArray[np.int64]:
        """Return the counts of the bins for floats, to be added to."""
        if self.bins is None:
            self.bins = np.zeros(FLOAT_BINS, np.int64)
        return self.bins

    def add_integers(self, values: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Add different integers in ascending order, each with its count."""
        if self._has_many:
            np.add.at(self.float_counts(), bin_of(values.astype(np.float64)), counts)
            return
        self._waiting.append((values, counts))
        self._waits += values.size
        if self._waits > _WAITING:
            self.integers()

    def integers(self) -> Pairs:
        """Return the different integers in ascending order, and their counts."""
        if not self._waiting:
            return self._integers
        pairs = [pair for pair in (self._integers, *self._waiting) if pair[0].size]
        self._waiting, self._waits = [], 0
        if not pairs:
            return self._integers
        merged = pairs[0] if len(pairs) == 1 else _sum_of(pairs)
        if merged[0].size <= MOST_INTEGERS:
            self._integers = merged
            return merged
        empty = np.empty(0, np.int64)
        self._integers, self._has_many = (empty, empty), True
        self.add_integers(*merged)
        return self._integers

    def floats(self) -> Pairs:
        """Return the bins for floats that are not empty, in ascending order, and their counts."""
        if self.bins is None:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        used = np.flatnonzero(self.bins != 0)
        return used, self.bins[used]

    def add(self, other: ValueHistogram) -> None:
        """Add what another has."""
        values, counts = other.integers()
        self.add_floats(*other.floats(), has_many=other._has_many)
        if values.size:
            self.add_integers(values, counts)

    def add_floats(
        self, bins: NDArray[np.int64], counts: NDArray[np.int64], has_many: bool
    ) -> None:
        """Add counts of different bins; `has_many`: integers are among them."""
        if bins.size:
            self.float_counts()[bins] += counts
        if has_many and not self._has_many:
            values, own = self.integers()
            empty = np.empty(0, np.int64)
            self._integers, self._has_many = (empty, empty), True
            self.add_integers(values, own)

    def counts(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        """Return the values that occur, in order, their counts, and the widths of their bins.

        A value is the middle of its bin; a width of 0 says that it is an integer that was counted
        by itself.
        """
        integers, often = self.integers()
        used, of_bins = self.floats()
        values = np.concatenate([integers.astype(np.float64), middle_of(used)])
        counts = np.concatenate([often, of_bins])
        widths = np.concatenate([np.zeros(integers.size), width_of(used)])
        order = np.argsort(values, kind="stable")
        return values[order], counts[order], widths[order]


def _sum_of(pairs: list[Pairs]) -> Pairs:
    values = np.concatenate([values for values, _ in pairs])
    counts = np.concatenate([counts for _, counts in pairs])
    low = int(values.min())
    span = int(values.max()) - low + 1
    if span <= _SPAN:
        dense = np.zeros(span, np.int64)
        for some, often in pairs:
            dense[some - low] += often
        used = np.flatnonzero(dense != 0)
        return used + low, dense[used]
    order = np.argsort(values, kind="stable")
    values, counts = values[order], counts[order]
    starts = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    return values[starts], np.add.reduceat(counts, starts)
