"""`Volume`: an array in patient space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.notes import Note
from fastpix.series.arrangement import Kind


class PlaneSource(NamedTuple):
    """Where a plane of a volume came from.

    Attributes
    ----------
    source : object
        As it was given: a path, bytes, a file.
    frame : int
        In the file, from 0.
    """

    source: Any
    frame: int


@dataclass(frozen=True, eq=False)
class Volume:
    """An array of modality values in patient space, in millimetres, LPS.

    Attributes
    ----------
    array : ndarray
        ``(slice, row, column)``, or ``(volume, slice, row, column)``; colour has a last axis of 3.
    affine : ndarray of float64 or None
        ``(4, 4)``: ``affine @ (slice, row, column, 1)`` is the centre of a voxel (PS3.3
        C.7.6.2.1.1).
        None where the files have no geometry.
    axes : tuple of str
        What stands before (slice, row, column): ``()``, or one name such as ``("b_value",)``.
    coords : mapping of str to sequence
        A value for each volume.
    kind : {"grid", "sheared", "single_slice", "irregular", "no_geometry"}
    frame_of_reference : str
        Its UID; empty where the files do not say.
    unit : str
        Of the values.
    modality : str
    notes : tuple of Note
    sources : sequence of PlaneSource or None
        One for each plane, volume by volume, slice by slice; None for a plane that is missing.
    """

    array: NDArray[Any]
    affine: NDArray[np.float64] | None
    axes: tuple[str, ...] = ()
    coords: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    kind: Kind = "grid"
    frame_of_reference: str = ""
    unit: str = "unspecified"
    modality: str = ""
    notes: tuple[Note, ...] = ()
    sources: Sequence[PlaneSource | None] = ()

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Distance of neighbouring voxels along slice, row and column axis, in millimetres."""
        if self.affine is None:
            return None
        slices, rows, columns = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return slices, rows, columns

    @property
    def origin(self) -> NDArray[np.float64] | None:
        """Centre of the first voxel, in millimetres, LPS."""
        return None if self.affine is None else self.affine[:3, 3].copy()

    @property
    def direction(self) -> NDArray[np.float64] | None:
        """``(3, 3)``: unit vectors of the slice, row and column axis, as columns."""
        if self.affine is None:
            return None
        axes = self.affine[:3, :3]
        directions: NDArray[np.float64] = axes / np.linalg.norm(axes, axis=0)
        return directions
