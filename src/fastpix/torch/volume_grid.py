"""The grid that patches are cut out of: that of a volume, or one of another spacing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.torch.volume_samples import VolumePart

Numbers = Sequence[int]


class Grid(NamedTuple):
    """A volume of three axes, whose parts are read, and resampled if it is so asked.

    Attributes
    ----------
    part : VolumePart
    shape : tuple of int
        ``(slices, rows, columns)``, with a last axis of 3 for colour.
    affine : ndarray of float64 or None
    """

    part: VolumePart
    shape: tuple[int, ...]
    affine: NDArray[np.float64] | None

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
        return self.part.read(starts, stops)


def grid_of(part: VolumePart, spacing: tuple[float, float, float] | None, order: int) -> Grid:
    """Return the grid of a volume.

    Parameters
    ----------
    part : VolumePart
    spacing : (float, float, float) or None
        Of the grid, in mm; None: that of the volume.
    order : int
        Of the interpolation.
    """
    return Grid(part, part.shape, part.whole.affine)
