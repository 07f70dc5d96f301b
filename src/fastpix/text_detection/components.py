"""Connected parts of a mask: their boxes and areas, in NumPy alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Components(NamedTuple):
    """The connected parts of a mask, eight neighbours of a pixel counted; one entry a part.

    Attributes
    ----------
    left, top, right, bottom : ndarray of int64
        Boxes; right and bottom are the first column and row beyond.
    area : ndarray of int64
        Pixels.
    total : ndarray of float64
        Sums of `weights` over the pixels.
    """

    left: NDArray[np.int64]
    top: NDArray[np.int64]
    right: NDArray[np.int64]
    bottom: NDArray[np.int64]
    area: NDArray[np.int64]
    total: NDArray[np.float64]

    def chosen(self, which: NDArray[Any]) -> Components:
        """Return some of them, by a mask or by indices."""
        left, top, right, bottom, area = (each[which] for each in self[:5])
        return Components(left, top, right, bottom, area, self.total[which])


def components_of(mask: NDArray[np.bool_], weights: NDArray[Any] | None = None) -> Components:
    """Return the connected parts of a mask, in the order of their first pixels.

    Parameters
    ----------
    mask : ndarray of bool
        (rows, columns).
    weights : ndarray, optional
        Of the same shape; by default each pixel weighs 1.
    """
    rows, columns = mask.shape
    wide = columns + 2  # so that runs of two rows never touch each other in the flat order
    flat = np.zeros((rows, wide), np.int8)
    flat[:, 1:-1] = mask
    steps = np.diff(flat.reshape(-1))
    starts = np.flatnonzero(steps == 1) + 1
    ends = np.flatnonzero(steps == -1) + 1
    part = _parts(starts, ends, wide)
    count = int(part.max(initial=-1)) + 1
    row, first, last = starts // wide, starts % wide - 1, ends % wide - 1
    edges = []
    for values, worst, pick in (
        (first, columns, np.minimum), (row, rows, np.minimum),
        (last, 0, np.maximum), (row + 1, 0, np.maximum),
    ):  # fmt: skip
        found = np.full(count, worst, np.int64)
        pick.at(found, part, values)
        edges.append(found)
    left, top, right, bottom = edges
    area = np.bincount(part, ends - starts, count).astype(np.int64)
    if weights is None:
        return Components(left, top, right, bottom, area, area.astype(np.float64))
    sums = np.zeros(rows * columns + 1)
    np.cumsum(weights, out=sums[1:], dtype=np.float64)
    begin = row * columns
    inside = sums[begin + last] - sums[begin + first]
    total = np.bincount(part, inside, count).astype(np.float64)
    return Components(left, top, right, bottom, area, total)


def _parts(starts: NDArray[np.int64], ends: NDArray[np.int64], wide: int) -> NDArray[np.int64]:
    """Return the number of the part that each run belongs to."""
    # Runs of the next row that touch a run, diagonally too: end >= its start, start <= its end.
    first = np.searchsorted(ends, starts + wide, "left")
    beyond = np.searchsorted(starts, ends + wide, "right")
    counts = beyond - first
    above = np.repeat(np.arange(len(starts)), counts)
    offsets = np.arange(len(above)) - np.repeat(np.cumsum(counts) - counts, counts)
    below = np.repeat(first, counts) + offsets
    label = np.arange(len(starts))
    while True:
        least = np.minimum(label[above], label[below])
        before = label.copy()
        # Roots are hooked as well as runs, so that long chains take few rounds.
        for ends_of_edges in (above, below):
            np.minimum.at(label, before[ends_of_edges], least)
            np.minimum.at(label, ends_of_edges, least)
        label = label[label]
        if np.array_equal(label, before):
            break
    return np.unique(label, return_inverse=True)[1].reshape(-1).astype(np.int64)
