"""Whether another library can place a volume in patient space, and what it needs for that."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import SeriesError
from fastpix.series.volume import Volume

NEGLIGIBLE = 1e-3
"""Millimetres by which the place of a voxel may be rounded."""

_RIGHT_ANGLE = 1e-3  # the most that the cosine of a right angle may differ from 0


def placed_affine(volume: Volume) -> NDArray[np.float64]:
    """Return the affine of a volume, if it places every voxel.

    Parameters
    ----------
    volume : Volume

    Returns
    -------
    ndarray of float64
        ``(4, 4)``: (slice, row, column, 1) to millimetres, LPS.

    Raises
    ------
    SeriesError
        There is no affine, or it places no voxels; the message says why.
    """
    if volume.kind == "irregular":
        raise _refused("its slices are not evenly spaced, so no affine places them", "irregular")
    if volume.affine is None:
        raise _refused("its files have no geometry, so it has no affine", "no_geometry")
    if np.isnan(volume.affine[:3, 0]).all():
        reason = "its only slice has neither Spacing Between Slices nor Slice Thickness"
        raise _refused(reason, "no_thickness")
    if not np.isfinite(volume.affine).all() or np.linalg.det(volume.affine[:3, :3]) == 0:
        raise _refused("its affine gives different voxels the same place", "bad_geometry")
    return volume.affine


def refuse_shear(volume: Volume, library: str) -> None:
    """Raise an error if the axes of a volume are not at right angles.

    Parameters
    ----------
    volume : Volume
        With an affine.
    library : str
        The name of a library whose images have right angles.

    Raises
    ------
    SeriesError
    """
    direction = volume.direction
    assert direction is not None
    cosines = np.abs(direction.T @ direction - np.eye(3))
    if volume.kind == "sheared" or cosines.max() > _RIGHT_ANGLE:
        reason = f"its grid is sheared (a tilted gantry), and an image of {library} cannot be"
        raise _refused(reason, "sheared", "save it as NIfTI, or resample it to a straight grid")


def right_angled(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the affine nearest to one, with the same spacing and origin, and right angles.

    Parameters
    ----------
    affine : ndarray of float64
        ``(4, 4)``, finite and not singular.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / spacing)
    nearest = affine.copy()
    nearest[:3, :3] = left @ right * spacing
    return nearest


def is_same_place(
    one: NDArray[np.float64], other: NDArray[np.float64], shape: tuple[int, ...]
) -> bool:
    """Whether two affines place all voxels alike, but for rounding.

    Parameters
    ----------
    one, other : ndarray of float64
        ``(4, 4)``, over the same indices.
    shape : tuple of int
        Numbers of voxels along the three axes of these indices.
    """
    corners = np.array([(*corner, 1) for corner in product(*((0, n - 1) for n in shape))])
    moved = corners @ (one - other)[:3].T
    return bool(np.linalg.norm(moved, axis=1).max() <= NEGLIGIBLE)


def is_color(volume: Volume) -> bool:
    """Whether the last axis of the array is that of red, green and blue."""
    return volume.array.ndim == 4 + len(volume.axes)


def _refused(reason: str, code: str, remedy: str = "") -> SeriesError:
    remedy = remedy or "use its array, or give it an affine: dataclasses.replace(volume, affine=…)"
    return SeriesError(f"the volume cannot be exported: {reason}; {remedy}", codes=[code])
