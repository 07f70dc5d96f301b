"""Small grids of an image: means of blocks, ranks, and what lies outside of the exposed field.

All of it is symmetrical: the grid of a turned-over image gives the same masks and opposite ranks.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Grid: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

SIDE = 128  # cells; a rib of an adult is 3 to 5 cells wide on a whole chest
LEAST = 24  # cells a side: nothing is said about smaller images
FLAT = 0.015  # of the range: the noise of a collimated border is below, that of anatomy above
PENUMBRA = 4  # cells beside a flat border that belong to its edge


def reduced(plane: Grid, side: int = SIDE) -> Grid:
    """Return the means of blocks of an image, at most `side` a side; NaN has no part in them."""
    row_ends, column_ends = (
        np.linspace(0, length, min(side, length) + 1).astype(np.intp) for length in plane.shape
    )
    good = np.isfinite(plane)

    def sums(array: Grid) -> Grid:
        by_rows = np.add.reduceat(array, row_ends[:-1], axis=0)
        return np.asarray(np.add.reduceat(by_rows, column_ends[:-1], axis=1), np.float64)

    count = sums(good.astype(np.float64))
    total = sums(np.where(good, plane, 0.0))
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)


def spread(grid: Grid) -> tuple[float, float] | None:
    """Return the 1st and 99th percentile, or None where the cells do not differ or are too few."""
    finite = grid[np.isfinite(grid)]
    if min(grid.shape) < LEAST or finite.size < grid.size // 4:
        return None
    low, high = np.percentile(finite, [1, 99])
    return (float(low), float(high)) if high > low else None


def ranks(grid: Grid, field: Mask) -> Grid:
    """Return which share of the field's cells lies below each cell (0 to 1); NaN outside of it."""
    inside = np.sort(grid[field])
    below = np.searchsorted(inside, grid, "left") + np.searchsorted(inside, grid, "right")
    return np.where(field, below / (2.0 * max(inside.size, 1)), np.nan)


def grown(mask: Mask, times: int = 1) -> Mask:
    """Return a mask and its neighbours up, down, left and right."""
    for _ in range(times):
        padded = np.pad(mask, 1)
        mask = (
            padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1]
            | padded[1:-1, :-2] | padded[1:-1, 2:]
        )  # fmt: skip
    return mask


def edge(shape: tuple[int, ...], width: int = 1) -> Mask:
    """Return the outermost cells of a grid."""
    mask = np.ones(shape, np.bool_)
    mask[width:-width, width:-width] = False
    return mask


def flat_border(grid: Grid, limits: tuple[float, float]) -> Mask:
    """Return the cells without structure that hang together with the edge of the image.

    Collimated and unexposed borders, shutters, direct exposure and air outside of the body, of
    whichever value; cells without a value belong to them.
    """
    filled = np.where(np.isfinite(grid), grid, 0.0)
    windows = sliding_window_view(np.pad(filled, 1, "edge"), (3, 3))
    ranges = windows.max((-1, -2)) - windows.min((-1, -2))
    flat: Mask = (ranges < FLAT * (limits[1] - limits[0])) | ~np.isfinite(grid)
    mask: Mask = edge(grid.shape) & flat
    while True:
        more = (grown(mask) & flat) | mask
        if np.array_equal(more, mask):
            return mask
        mask = more


def box(field: Mask) -> tuple[slice, slice]:
    """Return the rows and columns of which at least a quarter lies in the field."""
    found = []
    for axis in (1, 0):
        lines = np.flatnonzero(field.mean(axis) >= 0.25)
        found.append(slice(int(lines[0]), int(lines[-1]) + 1) if lines.size else slice(0, 0))
    return found[0], found[1]
