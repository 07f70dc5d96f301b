"""Samples of a cache to one array: the batch of a model, as `imread_batch` makes it of files."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fastpix.errors import ArgumentError, FastpixError
from fastpix.image.frame_threads import checked_threads, cores
from fastpix.job.cache import Cache
from fastpix.runs.batch_places import Places, read_each

_WORTH_THREADS = 2**22  # pixels
_SHARE = 4  # samples that a thread takes at a time

Interval = tuple[float, float]


def cache_to_places(
    cache: Cache,
    keys: Sequence[int | str],
    places: Places,
    *,
    normalize: Sequence[Interval | None] | None = None,
    threads: int | None = None,
) -> dict[int, Exception]:
    """Read samples to their places in a batch.

    Parameters
    ----------
    cache : Cache
    keys : sequence of int or str
        Numbers or names.
    places : Places
        As many.
    normalize : sequence of ((float, float) or None), optional
        For each sample the interval that it is normalized by: see `Cache.read`.
    threads : int, optional
        How many threads read; as many as help if not given.

    Returns
    -------
    dict of int to Exception
        Why samples could not be read, by their places.
    """
    numbers = [cache.place(key) for key in keys]
    errors: dict[int, Exception] = {}

    def read(k: int) -> None:
        number = numbers[k]
        interval = None if normalize is None else normalize[k]
        try:
            shape, output = cache.shape(number), cache.remaining(number).output
            values = cache.read(number, places.array(k, shape, output), interval)
            places.put(k, values, cache.is_color(number))
        except (FastpixError, OSError) as error:
            if isinstance(error, ArgumentError) and error.argument != "normalize":
                raise  # the array that was given, or the fill value, suits no image
            error.add_note(f"The sample is {cache.names[number]}")
            errors[k] = error

    count = 1 if threads is None else checked_threads(threads)
    if threads is None and sum(math.prod(cache.shape(n)) for n in numbers) >= _WORTH_THREADS:
        count = cores()
    read_each(read, len(keys), places, count, _SHARE)
    return errors
