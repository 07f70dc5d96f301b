"""`StackBlocks`: parts of a volume, each read from the files of its planes alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe
from fastpix.series.plane import Plane
from fastpix.series.plane_reader import PlaneReader
from fastpix.series.series_files import SeriesFile

Planes = Sequence[Plane | None]


def check_fill(planes: Planes, plan: Plan) -> None:
    """Refuse to fill gaps where no value means that there is none.

    Parameters
    ----------
    planes : sequence of (Plane or None)
    plan : Plan
    """
    if None in planes and np.dtype(plan.dtype).kind != "f":
        raise ArgumentError("gaps", f"'fill' needs a float dtype, since {plan.dtype} has no NaN")


class StackBlocks:
    """Reads parts of the volume of a `Stack`: made by `Stack.blocks`.

    It can be pickled, if the files are paths, and used by several threads.

    Attributes
    ----------
    shape : tuple of int
        Of the volume: see `Stack.shape`.
    dtype : str
        Of its values.
    affine : ndarray of float64 or None
        See `Volume.affine`.
    is_color : bool
    """

    def __init__(
        self,
        files: Sequence[SeriesFile],
        planes: Planes,
        shape: tuple[int, ...],
        affine: NDArray[np.float64] | None,
        recipe: Recipe,
    ) -> None:
        reader = PlaneReader(files, planes, recipe, 1)
        if any(plan.needs_peak for plan in reader.plans.values()):
            raise ArgumentError(
                "invert",
                "'max' needs the maximum of the whole volume, which its parts do not tell: use "
                "invert='range' or 'none', or a cache, whose manifest has the maximum",
            )
        check_fill(planes, reader.plan)
        used = list(reader.plans)
        number = {source: k for k, source in enumerate(used)}
        self._files = [files[source] for source in used]  # a copy takes no others along
        self._planes: list[Plane | None] = [
            None if plane is None else plane._replace(source=number[plane.source])
            for plane in planes
        ]
        self.shape = shape
        self.dtype = reader.plan.dtype
        self.affine = affine
        self.is_color = reader.plan.color is not None
        # The dtype that "auto" chose for all planes holds for each part.
        self._recipe = recipe.with_dtype(self.dtype, self.is_color)
        self._inner = shape[len(shape) - 2 - self.is_color :]

    def read(self, starts: Sequence[int], stops: Sequence[int]) -> NDArray[Any]:
        """Return a part of the volume: the values that `Stack.read` gives there, bit for bit.

        Parameters
        ----------
        starts, stops : sequence of int
            Along (slice, row, column), after the axis of volumes if there is one.

        Raises
        ------
        ArgumentError
            The part does not lie in the volume.
        FastpixError
            A file cannot be read; the error names it.
        """
        ahead = len(self.shape) - len(self._inner)
        inside = len(starts) == len(stops) == ahead + 2 and all(
            0 <= a < b <= n for a, b, n in zip(starts, stops, self.shape, strict=False)
        )
        if not inside:
            raise ArgumentError("starts", f"{starts} to {stops} is no part of {self.shape}")
        grid = np.arange(math.prod(self.shape[:ahead])).reshape(self.shape[:ahead])
        chosen = grid[tuple(map(slice, starts[:ahead], stops[:ahead]))]
        planes = [self._planes[k] for k in chosen.ravel().tolist()]
        rows, columns = map(slice, starts[ahead:], stops[ahead:])
        whole = np.empty((len(planes), *self._inner), self.dtype)
        if any(plane is not None for plane in planes):
            PlaneReader(self._files, planes, self._recipe, 1).fill(whole)
        else:
            whole.fill(np.nan)
        part = np.ascontiguousarray(whole[:, rows, columns])
        return part.reshape(*chosen.shape, *part.shape[1:])
