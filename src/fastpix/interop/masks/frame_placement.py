"""Where the voxels of frames lie in a volume: an exact change of indices, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import LabelMismatchError
from fastpix.header.geometry import Orientation
from fastpix.interop.masks.volume_grid import NEAR, RESAMPLE, VolumeGrid

COSINES = 1e-3
"""Direction cosines that differ by less are the same."""

SPACINGS = 1e-3
"""Spacings that differ by a smaller share are the same."""

DRIFT = 0.1
"""Of a voxel: how far rounded cosines and spacings may carry the last voxel of a frame."""

_AXES = ("slices", "rows", "columns")


class Placement(NamedTuple):
    """Where frames of one orientation and spacing lie in a volume.

    Attributes
    ----------
    axes : (int, int, int)
        Axes of the volume that the frames are stacked along, and that their rows and columns are
        numbered along.
    signs : (int, int)
        1 or -1: whether the indices of rows and of columns ascend with those of the volume.
    starts : ndarray of int64
        ``(frames, 3)``: the voxel of the volume where each frame begins.
    size : (int, int)
        Rows and columns of a frame.
    """

    axes: tuple[int, int, int]
    signs: tuple[int, int]
    starts: NDArray[np.int64]
    size: tuple[int, int]

    def extent(self, frame: int) -> tuple[list[int], list[int]]:
        """Return the first voxel of the volume that a frame fills, and the voxel past its last."""
        low = self.starts[frame].tolist()
        high = [at + 1 for at in low]
        for axis, sign, size in zip(self.axes[1:], self.signs, self.size, strict=True):
            if sign > 0:
                high[axis] = low[axis] + size
            else:
                low[axis] -= size - 1
        return low, high

    def voxels(self, mask: NDArray[Any], frame: int, start: Sequence[int]) -> NDArray[Any]:
        """Return the view of an array, which begins at `start` of the volume, that a frame fills.

        It has the rows and columns of the frame, in their directions.
        """
        low, high = self.extent(frame)
        spans = (slice(a - at, b - at) for a, b, at in zip(low, high, start, strict=True))
        plane: NDArray[Any] = mask[tuple(spans)].transpose(self.axes)[0]
        return plane[:: self.signs[0], :: self.signs[1]]

    def key(self, frame: int) -> tuple[int, ...]:
        """Return what two frames that fill the same voxels have in common."""
        return (*self.axes, *self.signs, *self.starts[frame].tolist())


def place_frames(
    grid: VolumeGrid,
    orientation: Orientation,
    spacing: tuple[float, float],
    positions: NDArray[np.float64],
    size: tuple[int, int],
) -> Placement:
    """Return where frames lie in a volume.

    Rows and columns of the frames may follow any two axes of the volume, in either direction, and
    a frame may cover a part of its plane.

    Parameters
    ----------
    grid : VolumeGrid
    orientation : six float
        Directions of a row and of a column of the frames.
    spacing : (float, float)
        Between rows and between columns, in millimetres.
    positions : ndarray of float64
        ``(frames, 3)``: the centre of the first voxel of each.
    size : (int, int)
        Rows and columns.

    Raises
    ------
    LabelMismatchError
        The voxels of the frames are not those of the volume.
    """
    ways = np.array([orientation[3:], orientation[:3]]).T  # from row to row, column to column
    (row_axis, column_axis), signs = _same_directions(grid, ways)
    _check_spacing(grid, (row_axis, column_axis), spacing)
    slice_axis = 3 - row_axis - column_axis
    steps = grid.inverse @ (ways * spacing)  # in voxels
    slices = np.zeros(len(positions), np.int64)
    if slice_axis == 0:
        slices = grid.nearest_slices(positions)
    places = (positions - grid.origins[slices]) @ grid.inverse.T
    places[:, 0] += slices
    starts = np.rint(places)
    along = starts[:, slice_axis]
    is_there = (along >= 0) & (along < grid.shape[slice_axis])  # what is not, is out of the extent
    _check_places(grid, (places - starts)[is_there])
    exact = np.zeros((3, 2))
    exact[row_axis, 0], exact[column_axis, 1] = signs
    lengths = np.array(size) - 1
    ends = starts + exact @ lengths
    _check_extent(grid, np.minimum(starts, ends), np.maximum(starts, ends))
    _check_drift(grid, places - starts, (steps - exact) * lengths)
    axes = slice_axis, row_axis, column_axis
    return Placement(axes, signs, starts.astype(np.int64), size)


def _same_directions(
    grid: VolumeGrid, ways: NDArray[np.float64]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the axes of the volume that two directions follow, and which way."""
    axes = grid.steps / grid.spacing
    cosines = ways.T @ axes
    row_axis, column_axis = np.abs(cosines).argmax(axis=1).tolist()
    signs = np.sign(cosines[[0, 1], [row_axis, column_axis]])
    off = float(np.abs(ways - axes[:, [row_axis, column_axis]] * signs).max())
    if row_axis == column_axis or not off <= COSINES:
        raise LabelMismatchError(
            "orientation",
            off,
            f"its direction cosines are up to {off:.3g} off those of the volume, and {COSINES:g} "
            "is allowed",
            RESAMPLE,
        )
    return (row_axis, column_axis), (int(signs[0]), int(signs[1]))


def _check_spacing(grid: VolumeGrid, axes: tuple[int, int], spacing: tuple[float, float]) -> None:
    for axis, own in zip(axes, spacing, strict=True):
        wanted = float(grid.spacing[axis])
        off = abs(own / wanted - 1)
        if not off <= SPACINGS:
            raise LabelMismatchError(
                "spacing",
                off,
                f"its voxels are {own:g} mm apart along the {_AXES[axis]} of the volume, which are "
                f"{wanted:g} mm apart: {100 * off:.3g} % off, and {100 * SPACINGS:g} % is allowed",
                RESAMPLE,
            )


def _check_places(grid: VolumeGrid, off: NDArray[np.float64]) -> None:
    """Raise an error where frames begin between voxels."""
    distances = np.abs(off) * grid.spacing
    allowed = np.maximum(NEAR, NEAR * grid.spacing)
    if (distances <= allowed).all():
        return
    frame, axis = np.unravel_index(int((distances - allowed).argmax()), distances.shape)
    distance = float(distances[frame, axis])
    raise LabelMismatchError(
        "position",
        distance,
        f"a plane of it lies {distance:.3g} mm ({abs(off[frame, axis]):.2g} of a voxel) off the "
        f"nearest voxels along the {_AXES[axis]} of the volume, and {allowed[axis]:.2g} mm is "
        "allowed",
        RESAMPLE,
    )


def _check_drift(grid: VolumeGrid, off: NDArray[Any], drifts: NDArray[Any]) -> None:
    """Raise an error where small differences carry the last row or column off its voxels."""
    corners = (drifts @ np.array([[0, 1, 0, 1], [0, 0, 1, 1]])).T
    most = np.abs(off[:, np.newaxis] + corners).max(axis=(0, 1))
    # A start that is far off in voxels, and allowed since it is near in millimetres, is no drift.
    allowed = np.maximum(DRIFT, NEAR / grid.spacing)
    axis = int((most - allowed).argmax())
    if most[axis] <= allowed[axis]:
        return
    distance = float(most[axis] * grid.spacing[axis])
    raise LabelMismatchError(
        "position",
        distance,
        f"small differences of spacing or orientation carry its last voxel {distance:.3g} mm "
        f"({most[axis]:.2g} of a voxel) along the {_AXES[axis]} of the volume, and "
        f"{allowed[axis]:.2g} of a voxel is allowed",
        RESAMPLE,
    )


def _check_extent(grid: VolumeGrid, low: NDArray[Any], high: NDArray[Any]) -> None:
    beyond = np.maximum(-low, high - (np.array(grid.shape) - 1)).max(axis=0)
    axis = int(beyond.argmax())
    if beyond[axis] <= 0:
        return
    many = int(beyond[axis])
    raise LabelMismatchError(
        "extent",
        float(many),
        f"it goes {many} voxels beyond the {_AXES[axis]} of the volume, of which there are "
        f"{grid.shape[axis]}",
        "read the whole series that it was made on, or choose labels that lie within with names=",
    )
