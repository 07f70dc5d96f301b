"""`StackBlocks`: parts of a volume, each read from the files of its planes alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, warn_caller
from fastpix.plan.plan import Plan
from fastpix.series.plane import Plane
from fastpix.series.plane_reader import PlaneReader

_PIECE = 2**25  # bytes of whole planes that are held at a time

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


def checked_block(
    starts: Sequence[int], stops: Sequence[int], shape: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return where a block begins and ends, if it lies in an array.

    Parameters
    ----------
    starts, stops : sequence of int
        Along each axis.
    shape : tuple of int
        Of the array.

    Raises
    ------
    ArgumentError
        It does not, or is empty.
    """
    try:
        begin, end = tuple(map(index, starts)), tuple(map(index, stops))
    except TypeError as error:
        raise ArgumentError("starts", f"{starts!r} to {stops!r} are no integers") from error
    is_inside = len(begin) == len(end) == len(shape) and all(
        0 <= a < b <= n for a, b, n in zip(begin, end, shape, strict=True)
    )
    if not is_inside:
        raise ArgumentError("starts", f"{begin} to {end} is no part of an array of {shape}")
    return begin, end


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
        self, reader: PlaneReader, shape: tuple[int, ...], affine: NDArray[np.float64] | None
    ) -> None:
        if any(plan.needs_peak for plan in reader.plans.values()):
            raise ArgumentError(
                "invert",
                "'max' needs the maximum of the whole volume, which its parts do not tell: use "
                "invert='range' or 'none', or a cache, whose manifest has the maximum",
            )
        check_fill(reader.planes, reader.plan)
        number = {source: k for k, source in enumerate(reader.plans)}
        self._files = [reader.files[source] for source in number]  # a copy takes no others along
        self._planes: list[Plane | None] = [
            None if plane is None else plane._replace(source=number[plane.source])
            for plane in reader.planes
        ]
        # The dtype that "auto" chose for all planes holds for each part.
        self._recipe = replace(reader.recipe, dtype=reader.plan.dtype)
        self.shape = shape
        self.dtype = reader.plan.dtype
        self.affine = None if affine is None else affine.copy()
        self.is_color = reader.plan.color is not None
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
        starts, stops = checked_block(starts, stops, self.shape[: ahead + 2])
        grid = np.arange(math.prod(self.shape[:ahead])).reshape(self.shape[:ahead])
        chosen = grid[tuple(map(slice, starts[:ahead], stops[:ahead]))]
        planes = [self._planes[k] for k in chosen.ravel().tolist()]
        rows, columns = map(slice, starts[ahead:], stops[ahead:])
        size = stops[ahead] - starts[ahead], stops[ahead + 1] - starts[ahead + 1]
        part = np.empty((len(planes), *size, *self._inner[2:]), self.dtype)
        if part.shape[1:] == self._inner:
            self._fill(planes, part)
        else:
            count = max(1, _PIECE // (math.prod(self._inner) * part.itemsize))
            whole = np.empty((min(count, len(planes)), *self._inner), self.dtype)
            for k in range(0, len(planes), count):
                some = planes[k : k + count]
                self._fill(some, whole[: len(some)])
                part[k : k + count] = whole[: len(some), rows, columns]
        return part.reshape(*chosen.shape, *part.shape[1:])

    def _fill(self, planes: Planes, out: NDArray[Any]) -> None:
        if not any(planes):
            out.fill(np.nan)
            return
        reader = PlaneReader(self._files, planes, self._recipe, 1)
        reader.fill(out)
        for note in reader.odd:
            if note.oddity:
                warn_caller(note.text)
