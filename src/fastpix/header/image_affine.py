"""Where the frames of a single instance lie: its affine, and its spacing."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import warn_caller
from fastpix.header.attributes import name_of
from fastpix.header.frame_geometry import Columns, geometry_columns
from fastpix.header.frame_positions import located_frames, normal_of
from fastpix.header.geometry import Geometry, Orientation, Vector, geometry_of
from fastpix.header.instance import Instance
from fastpix.header.plain_values import PlainValues, plain_values

_NEAR = 0.05  # of the distance of frames: how far one may lie off the even grid


class ImageGeometry(NamedTuple):
    """Where the frames of an instance lie.

    Attributes
    ----------
    affine : ndarray of float64 or None
        ``(4, 4)``: (frame, row, column, 1) to millimetres, LPS. Not writable.
    spacing : (float, float, float) or None
        Between frames, rows and columns.
    """

    affine: NDArray[np.float64] | None = None
    spacing: tuple[float, float, float] | None = None


NO_IMAGE_GEOMETRY = ImageGeometry()


def affine_of(
    position: Vector, orientation: Orientation, spacing: tuple[float, float], step: Vector
) -> NDArray[np.float64]:
    """Return the affine of planes that follow each other by `step` (PS3.3 C.7.6.2.1.1).

    Returns
    -------
    ndarray of float64
        ``(4, 4)``: (slice, row, column, 1) to millimetres, LPS, centres of voxels.
    """
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = np.array(orientation[3:]) * spacing[0]
    affine[:3, 2] = np.array(orientation[:3]) * spacing[1]
    affine[:3, 3] = position
    return affine


def image_geometry(instance: Instance) -> ImageGeometry:
    """Return where the frames of an instance lie.

    A single frame: slices follow each other by Spacing Between Slices, else by Slice Thickness;
    else their distance is NaN. Several frames: they have an affine if they lie on an even grid in
    their order, within 5 % of its spacing. A mosaic has none: its tiles are the slices.

    Warns
    -----
    HeaderWarning
        An attribute of geometry cannot be used.
    """
    values = plain_values(instance)
    frames = instance.header.frames
    if values.may_be_mosaic:
        return NO_IMAGE_GEOMETRY
    geometry, positions = _of_frames(values, instance.header.modality, frames)
    for fault in geometry.faults:
        warn_caller(f"{name_of(fault.tag)} cannot be used: {fault.reason}")
    if geometry.spacing is None:
        return NO_IMAGE_GEOMETRY
    between = geometry.between or geometry.thickness
    distance = math.nan if between is None else abs(between)
    affine = None
    if positions and geometry.orientation is not None:
        step = _step(positions)
        if step is None and frames == 1:
            x, y, z = normal_of(geometry.orientation)
            length = math.hypot(x, y, z)
            step = x / length * distance, y / length * distance, z / length * distance
        if step is not None:
            distance = math.hypot(*step)
            affine = affine_of(positions[0], geometry.orientation, geometry.spacing, step)
            affine.flags.writeable = False
    if affine is None and frames > 1:
        distance = math.nan
    return ImageGeometry(affine, (distance, *geometry.spacing))


def _of_frames(
    values: PlainValues, modality: str, frames: int
) -> tuple[Geometry, list[Vector] | None]:
    """Return geometry that all frames have, and their positions; what differs is None."""
    if values.frames is None and not values.shared:
        located = located_frames(values, modality, frames)
        return located.geometry, located.positions
    columns = geometry_columns(geometry_of(values.top), Columns(values, frames))
    position, *others, faults = columns
    same = [None if type(column) is list else column for column in others]
    if type(faults) is list:
        faults = tuple({fault: None for each in faults for fault in each})
    positions = position if type(position) is list else [position] * frames
    known = None if any(each is None for each in positions) else positions
    return Geometry(None, same[0], same[1], bool(same[2]), same[3], same[4], faults), known


def _step(positions: list[Vector]) -> Vector | None:
    """Return the way from one position to the next, if they lie on an even grid in their order."""
    if len(positions) < 2:
        return None
    places = np.array(positions)
    step = (places[-1] - places[0]) / (len(places) - 1)
    length = float(np.linalg.norm(step))
    grid = places[0] + np.arange(len(places))[:, np.newaxis] * step
    off = float(np.linalg.norm(places - grid, axis=1).max())
    if not length or off > _NEAR * length:
        return None
    x, y, z = step.tolist()
    return x, y, z
