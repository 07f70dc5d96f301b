"""What is known of the values of one group of images: moments, and a histogram."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix._statistics import count_floats
from fastpix.job.statistics.moments import FloatMoments, IntegerMoments, integer_moments
from fastpix.job.statistics.value_histogram import ValueHistogram

_EXACT = 2.0**53  # integers up to here are what they are in float64


class Group(NamedTuple):
    """What images have in common that are counted together: terms, never a file's own text."""

    modality: str
    maker: str
    model: str
    unit: str


class GroupCounts:
    """Counts of a group; counts of parts are added.

    Attributes
    ----------
    images, padding, nans : int
        Images, and pixels that no statistic takes part of: padding, and NaN or infinities.
    integers, floats : IntegerMoments, FloatMoments
        Of values that were counted as integers, and of the others.
    histogram : ValueHistogram
    """

    def __init__(self) -> None:
        self.images = 0
        self.padding = 0
        self.nans = 0
        self.integers = IntegerMoments()
        self.floats = FloatMoments()
        self.histogram = ValueHistogram()

    @property
    def count(self) -> int:
        """How many pixels have been counted."""
        return self.integers.count + self.floats.count

    def add_values(
        self, values: NDArray[np.float64], counts: NDArray[np.int64]
    ) -> tuple[IntegerMoments, FloatMoments]:
        """Add values, each with its count; whole numbers among them are counted as integers.

        Returns
        -------
        integers, floats : IntegerMoments, FloatMoments
            Of these values alone.
        """
        integers, floats = IntegerMoments(), FloatMoments()
        whole = (np.floor(values) == values) & (np.abs(values) <= _EXACT)
        if whole.any():
            integers = self._add_integers(values[whole], counts[whole])
        if not whole.all():
            rest = values[~whole], counts[~whole]
            found = count_floats(*rest, self.histogram.float_counts())
            count, nans, low, high, mean, spread = found
            floats = FloatMoments(count, mean, spread, low, high)
            self.nans += nans
        self.integers.add(integers)
        self.floats.add(floats)
        return integers, floats

    def add(self, other: GroupCounts) -> None:
        """Add what another has."""
        self.images += other.images
        self.padding += other.padding
        self.nans += other.nans
        self.integers.add(other.integers)
        self.floats.add(other.floats)
        self.histogram.add(other.histogram)

    def _add_integers(
        self, values: NDArray[np.float64], counts: NDArray[np.int64]
    ) -> IntegerMoments:
        whole = values.astype(np.int64)
        if whole.size > 1 and not (np.diff(whole) > 0).all():
            # A falling line, or a table that gives several stored values one value.
            order = np.argsort(whole, kind="stable")
            whole, counts = whole[order], counts[order]
            starts = np.flatnonzero(np.diff(whole, prepend=whole[0] - 1))
            whole, counts = whole[starts], np.add.reduceat(counts, starts)
        self.histogram.add_integers(whole, counts)
        return integer_moments(whole, counts)
