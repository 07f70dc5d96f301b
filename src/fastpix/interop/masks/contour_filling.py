"""Contours to voxels: which centres a contour encloses.

`skimage.measure.grid_points_in_poly` of scikit-image (BSD, and maintained) decides for each centre
whether it is inside, outside, or on the line. It works in float64 and takes corners between
centres; the polygons of Pillow and OpenCV round or widen them, which moves the border by up to a
voxel. It also says what lies on the line, which `skimage.draw.polygon`, built on the same test,
does not: without that, a hole would take the voxels that its line runs through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BAND = 8  # rows that are tested against the same corners
_DIGITS = 6  # of a voxel: what decimal text and an inverted affine make of a corner
_ON_CENTRE = 1e-3  # voxels: programs that draw through centres miss them by less, in float32
_INSIDE = 1  # of grid_points_in_poly; 2 and 3 are on the line, 0 is outside


def fill_outlines(plane: NDArray[np.bool_], outlines: Sequence[NDArray[np.float64]]) -> None:
    """Set the voxels of a plane that outlines enclose.

    A voxel belongs to a region if its centre lies inside an odd number of outlines, so that an
    outline within another one is a hole, or if it lies on one of the lines. A corner that misses a
    row or column of centres by less than a thousandth of a voxel is taken to lie on it.

    Parameters
    ----------
    plane : ndarray of bool
        ``(row, column)``, False everywhere.
    outlines : sequence of ndarray of float64
        ``(points, 2)``: row and column, where whole numbers are centres.
    """
    lines = []
    for outline in outlines:
        for window, labels in _tested(_snapped(outline), plane.shape):
            plane[window] ^= labels == _INSIDE
            lines.append((window, labels > _INSIDE))
    for window, on_line in lines:
        plane[window] |= on_line


def _snapped(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    nearest = np.rint(outline)
    is_near = np.abs(outline - nearest) < _ON_CENTRE
    return np.where(is_near, nearest, np.round(outline, _DIGITS))


def _tested(
    outline: NDArray[np.float64], shape: tuple[int, ...]
) -> Iterator[tuple[tuple[slice, slice], NDArray[Any]]]:
    """Yield windows of a plane, and where their centres are of an outline."""
    from skimage.measure import grid_points_in_poly

    low = np.maximum(np.floor(outline.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(outline.max(axis=0)) + 1, shape).astype(int)
    if (high <= low).any():
        return
    (first, left), (end, right) = low.tolist(), high.tolist()
    for top in range(first, end, _BAND):
        bottom = min(top + _BAND, end)
        corners = _near_rows(outline, top, bottom - 1)
        if len(corners):
            window = slice(top, bottom), slice(left, right)
            size = bottom - top, right - left
            yield window, grid_points_in_poly(size, corners - (top, left), binarize=False)


def _near_rows(outline: NDArray[np.float64], top: int, bottom: int) -> NDArray[np.float64]:
    """Return an outline that is the same between two rows, with fewer corners.

    A run of edges above the rows, or below them, crosses none of them, so one edge from its first
    corner to its last may take its place: the answer stays the same, bit for bit.
    """
    rows = outline[:, 0]
    following = np.roll(rows, -1)
    is_near = (np.maximum(rows, following) >= top - 1) & (np.minimum(rows, following) <= bottom + 1)
    return outline[is_near | np.roll(is_near, 1)]
