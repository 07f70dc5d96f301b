"""The grid that patches are cut out of: that of a volume, or one of another spacing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import SeriesError
from fastpix.series.resampling import (
    Interpolation,
    resampled_affine,
    resampled_block,
    resampled_shape,
)
from fastpix.series.volume import spacing_of
from fastpix.torch.volume_samples import VolumePart

Numbers = Sequence[int]
Spacing = tuple[float, float, float]


class Grid(NamedTuple):
    """A volume of three axes, whose parts are read, and resampled if it is so asked.

    Attributes
    ----------
    part : VolumePart
    shape : tuple of int
        ``(slices, rows, columns)``, with a last axis of 3 for colour.
    affine : ndarray of float64 or None
    spacings : ((float, float, float), (float, float, float)) or None
        That of the volume, and that of the grid; None: they are the same.
    order : {0, 1, 3}
        Of the interpolation.
    """

    part: VolumePart
    shape: tuple[int, ...]
    affine: NDArray[np.float64] | None
    spacings: tuple[Spacing, Spacing] | None = None
    order: Interpolation = 1

    @property
    def is_color(self) -> bool:
        """Whether the last axis is red, green and blue."""
        return self.part.whole.is_color

    def read(self, starts: Numbers, stops: Numbers) -> NDArray[Any]:
        """Return a part.

        Parameters
        ----------
        starts, stops : sequence of int
            Along (slice, row, column).
        """
        if self.spacings is None:
            return self.part.read(starts, stops)
        shape, order = self.part.shape, self.order
        return resampled_block(self.part.read, shape, *self.spacings, starts, stops, order)


def grid_of(part: VolumePart, spacing: Spacing | None, order: Interpolation) -> Grid:
    """Return the grid of a volume.

    Parameters
    ----------
    part : VolumePart
    spacing : (float, float, float) or None
        Of the grid, in mm; None: that of the volume.
    order : {0, 1, 3}
        Of the interpolation.

    Raises
    ------
    SeriesError
        The volume has no spacing along each axis, or it is in colour.
    """
    affine = part.whole.affine
    if spacing is None:
        return Grid(part, part.shape, affine)
    old = spacing_of(affine)
    if affine is None or old is None or not np.isfinite(affine).all():
        raise SeriesError("a volume without a grid cannot be resampled: leave it out by filter=")
    if part.whole.is_color:
        raise SeriesError("colours are not resampled: leave them out by filter=")
    shape = resampled_shape(part.shape, old, spacing)
    return Grid(part, shape, resampled_affine(affine, part.shape, spacing), (old, spacing), order)
