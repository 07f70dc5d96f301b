"""What lies at the edge of an image: one number an image, positive if the edge is dark."""

from __future__ import annotations

import numpy as np

from fastpix.audit.polarity.grids import Grid, Mask, edge, flat_border, grown, spread

AIR = -800.0  # HU; between lung at full inspiration and air, and far from fat and water
LEAST_BODY = 0.1  # of `below_middle`
TENTH = 0.1
LEAST_AIR, MOST_AIR = 0.03, 0.9  # share of the image that air beside a body takes


def border_air(grid: Grid) -> float | None:
    """Return 1 where the edge of a CT image is air, -1 where it is the opposite, else 0.

    The corners lie outside of the body unless the field of view is small; air is -1000 HU there,
    and what scanners write outside of the reconstructed circle is lower. An image whose middle does
    not differ from its edge shows no body, and counts as 0.
    """
    below = below_middle(grid)
    cells = grid[edge(grid.shape, 2)] if below is not None else grid
    cells = cells[np.isfinite(cells)]
    if below is None or not cells.size:
        return None
    median = float(np.median(cells))
    if median <= AIR and below >= LEAST_BODY:
        return 1.0
    return -1.0 if median >= -AIR and below <= -LEAST_BODY else 0.0


def below_middle(grid: Grid) -> float | None:
    """Return the chance that a pixel of the edge is darker than one of the middle, less a half.

    Returns
    -------
    float or None
        -0.5 to 0.5.
    """
    if spread(grid) is None:
        return None
    height, width = grid.shape
    centre = grid[height // 4 : height - height // 4, width // 4 : width - width // 4]
    return chance_below(grid[edge(grid.shape, 3)], centre)


def chance_below(cells: Grid, others: Grid) -> float | None:
    """Return the chance that one of `cells` lies below one of `others`, less a half."""
    ordered = np.sort(others[np.isfinite(others)])
    cells = cells[np.isfinite(cells)]
    if not ordered.size or not cells.size:
        return None
    at_most = np.searchsorted(ordered, cells, "right") + np.searchsorted(ordered, cells, "left")
    return 0.5 - float(np.mean(at_most)) / (2.0 * ordered.size)


def background(grid: Grid) -> float | None:
    """Return the share of edge pixels near the minimum, less the share near the maximum.

    Near: within a tenth of the range between the 1st and the 99th percentile.

    Returns
    -------
    float or None
        -1 to 1.
    """
    limits = spread(grid)
    if limits is None:
        return None
    cells = grid[edge(grid.shape, 2)]
    cells = cells[np.isfinite(cells)]
    near = TENTH * (limits[1] - limits[0])
    if not cells.size:
        return None
    return float(np.mean(cells <= limits[0] + near) - np.mean(cells >= limits[1] - near))


def air(grid: Grid, constant: bool) -> float | None:
    """Return how much darker the structureless border is than the rest of a radiograph.

    Parameters
    ----------
    grid : ndarray
        Of `reduced`.
    constant : bool
        Whether borders of one constant value count. A mammogram has its air saturated. Elsewhere a
        constant border is a collimator or a shutter, bright or dark as the vendor likes.

    Returns
    -------
    float or None
        -0.5 to 0.5; None where no border is without structure, where there is nothing else, and
        (unless `constant`) where some borders are brighter and others darker than the body: air
        beside a collimator.
    """
    limits = spread(grid)
    if limits is None:
        return None
    flat = flat_border(grid, limits) & np.isfinite(grid)
    body = ~grown(flat, 2)
    if not constant:
        flat &= ~_repeated(grid, limits)
    if not LEAST_AIR <= float(flat.mean()) <= MOST_AIR:
        return None
    tissue = grid[body & np.isfinite(grid)]
    if tissue.size and not constant:
        low, high = np.percentile(tissue, [100 * TENTH, 100 * (1 - TENTH)])
        ends = (float(np.mean(flat & (grid < low))), float(np.mean(flat & (grid > high))))
        if min(ends) >= LEAST_AIR:
            return None
    return chance_below(grid[flat], tissue)


def _repeated(grid: Grid, limits: tuple[float, float]) -> Mask:
    """Return the cells whose value is that of their neighbour above, below, left or right."""
    near = 1e-4 * (limits[1] - limits[0])
    same = np.zeros(grid.shape, np.bool_)
    for axis in (0, 1):
        steps = np.abs(np.diff(grid, axis=axis)) <= near
        before = [(0, 0), (0, 0)]
        after = [(0, 0), (0, 0)]
        before[axis], after[axis] = (1, 0), (0, 1)
        same |= np.pad(steps, before) | np.pad(steps, after)
    return same
