"""What a radiograph shows of the body: one number an image, positive if bone is white."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fastpix.audit.polarity.grids import (
    LEAST,
    PENUMBRA,
    Grid,
    Mask,
    box,
    flat_border,
    grown,
    ranks,
    spread,
)

# Shares of the exposed field: first row, last row, first column, last column.
SPINE = (0.3, 0.8, 0.45, 0.57)
SIDES = ((0.25, 0.6, 0.2, 0.38), (0.25, 0.6, 0.62, 0.8))
WINDOW = 9  # cells of `WINDOW` x `WINDOW` whose median is the ground that a thin structure lies on
STANDS_OUT = 5.0  # median absolute deviations
LEAST_THIN = 1e-3  # share of cells: fewer are noise


def exposed(grid: Grid) -> Mask | None:
    """Return the field without flat borders and their edges, None where too little is left."""
    limits = spread(grid)
    if limits is None:
        return None
    field = ~grown(flat_border(grid, limits), PENUMBRA)
    rows, columns = box(field)
    if min(rows.stop - rows.start, columns.stop - columns.start) < LEAST:
        return None
    return field


def middle(grid: Grid) -> float | None:
    """Return how much more the middle of the field absorbs than what lies on both sides of it.

    On a chest: spine and mediastinum against lungs; on a limb: bone against soft tissue, air.

    Returns
    -------
    float or None
        Difference of median ranks, -1 to 1. 0 where one side lies below and the other side above
        the middle, which happens on lateral and on rotated images.
    """
    field = exposed(grid)
    if field is None:
        return None
    rows, columns = box(field)
    ranked = ranks(grid, field)[rows, columns]
    centre, left, right = (_median(ranked, part) for part in (SPINE, *SIDES))
    if centre is None or left is None or right is None:
        return None
    above = (centre - left, centre - right)
    return (above[0] + above[1]) / 2 if above[0] * above[1] > 0 else 0.0


def _median(ranked: Grid, part: tuple[float, float, float, float]) -> float | None:
    height, width = ranked.shape
    first, last, left, right = part
    cells = ranked[int(first * height) : int(last * height), int(left * width) : int(right * width)]
    cells = cells[np.isfinite(cells)]
    return float(np.median(cells)) if cells.size else None


def thin_structures(grid: Grid) -> float | None:
    """Return how far thin bright structures outnumber thin dark ones.

    Ribs, cortical bone, vessels, lead letters, wires and tubes absorb more than what they lie on.
    Ranks make the number independent of the grey scale: it is the same under LIN and LOG.

    Returns
    -------
    float or None
        ``(bright - dark) / (bright + dark)``, -1 to 1.
    """
    field = exposed(grid)
    if field is None or min(grid.shape) < 2 * WINDOW:
        return None
    half = WINDOW // 2
    ranked = ranks(grid, np.isfinite(grid))
    windows = sliding_window_view(np.nan_to_num(ranked, nan=0.5), (WINDOW, WINDOW))
    # Every second row and column of a window: a third of the time, and the same ground.
    sparse = windows[..., ::2, ::2].reshape(*windows.shape[:2], -1)
    ground = np.partition(sparse, sparse.shape[-1] // 2, axis=-1)[..., sparse.shape[-1] // 2]
    inner = (slice(half, -half), slice(half, -half))
    above = (ranked[inner] - ground)[field[inner]]
    if not above.size:
        return None
    limit = STANDS_OUT * float(np.median(np.abs(above)))
    bright, dark = float(np.mean(above > limit)), float(np.mean(above < -limit))
    return (bright - dark) / (bright + dark + LEAST_THIN)
