"""A block of a volume in a cache: only the planes or blocks that it lies in are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.cache import Cache
from fastpix.series.stack_blocks import checked_block

Numbers = Sequence[int]


def read_cache_block(
    cache: Cache,
    key: int | str,
    starts: Numbers,
    stops: Numbers,
    normalize: tuple[float, float] | None = None,
) -> NDArray[Any]:
    """Return values of a part of a volume: those that `Cache.read` gives there, bit for bit.

    Parameters
    ----------
    cache : Cache
    key : int or str
        Number or name.
    starts, stops : sequence of int
        Along the axes of the sample: (slice, row, column), after that of volumes if there is one;
        the axis of colours may be left out. Within the sample.
    normalize : (float, float), optional
        As in `Cache.read`.

    Returns
    -------
    ndarray
        As large as the part, C-contiguous.

    Raises
    ------
    ArgumentError
        It does not lie in the sample.
    FastpixError
        The sample is damaged, or no longer what the manifest says.
    """
    place = cache.place(key)
    shape = cache.shape(place)
    color = shape[-1:] if cache.is_color(place) and len(starts) == len(shape) - 1 else ()
    begin, end = checked_block(starts, stops, shape[: len(shape) - len(color)])
    begin, end = (*begin, *(0,) * len(color)), (*end, *color)
    remaining = cache.remaining(place, normalize)
    row = cache.where(place)
    read = getattr(cache.format, "read_block", None)
    stored = None if read is None else read(cache.storage, row, begin, end)
    if stored is None:
        whole = cache.format.read(cache.storage, row)
        stored = whole[tuple(map(slice, begin, end))]
        if stored.shape != whole.shape:  # a copy, which does not keep the whole in memory
            stored = np.array(stored, order="C")
    if cache.holds_values and normalize is None:
        values: NDArray[Any] = stored
        return values
    if len(remaining.slopes) == 1:
        return remaining.values(stored)
    # Each plane has a slope of its own: (volume, slice) in their order.
    ahead = len(shape) - 2 - cache.is_color(place)
    grid = np.arange(math.prod(shape[:ahead])).reshape(shape[:ahead])
    planes = grid[tuple(map(slice, begin[:ahead], end[:ahead]))].ravel().tolist()
    return remaining.values(stored, planes=planes)
