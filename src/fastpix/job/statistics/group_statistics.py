"""What a person asks of the statistics of a group: percentiles, and the line to use."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError
from fastpix.job.statistics.group_counts import Group, GroupCounts
from fastpix.job.statistics.moments import mean_and_std

PERCENTILES = (0.1, 0.5, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 99.5, 99.9)
NORMALIZE = (0.5, 99.5)
"""The percentiles that `normalize=` is proposed from."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupStatistics:
    """Statistics of a group of images: of values before `normalize`.

    Attributes
    ----------
    group : Group
        Modality, maker, model and unit.
    images, pixels : int
        Pixels that were counted: samples, where the unit is RGB.
    padding, nans : int
        Pixels left out: padding, and NaN or infinities.
    min, max, mean, std : float or None
        None where no pixel is left. `std` divides by the count. Where all values are integers, all
        four are exact, rounded once.
    is_exact : bool
        Whether percentiles are; else they are within 0.4 % (1/256).
    values, counts, widths : ndarray of float64, int64, float64
        The histogram: values in ascending order, how often each occurs, and the width of the bin
        that it is the middle of; 0 where the value itself was counted.
    """

    group: Group
    images: int
    pixels: int
    padding: int
    nans: int
    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    is_exact: bool
    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    widths: NDArray[np.float64]

    def percentile(self, q: float) -> float | None:
        """Return the least value that `q` percent of pixels do not exceed.

        It is what ``np.percentile(…, method="inverted_cdf")`` gives of all pixels.

        Parameters
        ----------
        q : float
            From 0 to 100.

        Raises
        ------
        ArgumentError
        """
        if not 0 <= q <= 100:
            raise ArgumentError("q", f"{q!r} is not between 0 and 100")
        if self.min is None or self.max is None:
            return None
        rank = max(math.ceil(self.pixels * (q / 100)), 1)
        place = int(np.searchsorted(np.cumsum(self.counts), rank))
        # The middle of a bin may lie beyond the ends, which are known.
        return min(max(float(self.values[place]), self.min), self.max)

    def normalize_range(self) -> tuple[float, float] | None:
        """Return LO and HI for ``normalize=``: the percentiles 0.5 and 99.5.

        So 1 % of pixels is clipped, and a few bright ones do not decide. Where the two are equal
        (most of each image is background), minimum and maximum; None where these are equal as
        well, and for colour, which is never normalized.
        """
        if self.min is None or self.max is None or self.group.unit == "RGB":
            return None
        low, high = (self.percentile(q) for q in NORMALIZE)
        if low == high:
            low, high = self.min, self.max
        if low is None or high is None or not low < high:
            return None
        return low, high

    def normalize_line(self) -> str | None:
        """Return `normalize_range` as the option that the command takes."""
        found = self.normalize_range()
        if found is None:
            return None
        low, high = (f"{end:.6g}" for end in found)
        if not float(low) < float(high):
            low, high = map(repr, found)
        return f"--normalize {low} {high}"


def statistics_of(group: Group, counts: GroupCounts) -> GroupStatistics:
    """Return the statistics of a group from its counts.

    Parameters
    ----------
    group : Group
    counts : GroupCounts
    """
    ends: list[float] = []
    mean = std = None
    if counts.count:
        for part in (counts.integers, counts.floats):
            ends += [part.low, part.high] if part.count else []
        mean, std = mean_and_std(counts.integers, counts.floats)
    values, often, widths = counts.histogram.counts()
    return GroupStatistics(
        group=group,
        images=counts.images,
        pixels=counts.count,
        padding=counts.padding,
        nans=counts.nans,
        min=float(min(ends)) if ends else None,
        max=float(max(ends)) if ends else None,
        mean=mean,
        std=std,
        is_exact=not counts.histogram.floats()[0].size,
        values=values,
        counts=often,
        widths=widths,
    )
