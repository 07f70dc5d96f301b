"""Samples of a cache that lie next to each other, read by one call: a stream for object stores."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.cache import Cache
from fastpix.job.formats.sample_bytes import read_bytes

Stored = NDArray[Any]


def read_cache_run(cache: Cache, places: Sequence[int]) -> list[Stored | Exception]:
    """Return what is stored of samples, or why it cannot be read.

    Arrays may share the memory of all, and may not be written to.

    Parameters
    ----------
    cache : Cache
        Of a format that has several samples in a file.
    places : sequence of int
        Numbers of samples in one file, in the order that they lie there.
    """
    rows = [cache.where(place) for place in places]
    start = rows[0]["offset"]
    whole = {**rows[0], "length": rows[-1]["offset"] + rows[-1]["length"] - start}
    storage: Any = cache.storage
    with suppress(FastpixError, OSError):  # each tells by itself what can be read of it
        storage = _Window(start, memoryview(read_bytes(storage, whole, verify=False)))
    found: list[Stored | Exception] = []
    for row in rows:
        try:
            found.append(cache.format.read(storage, row))
        except (FastpixError, OSError) as error:
            error.add_note(f"The sample is {row['name']}")
            found.append(error)
    return found


class _Window(NamedTuple):
    """A part of a file in memory, in place of the storage that it was read from.

    Attributes
    ----------
    start : int
        Where it begins in the file.
    data : memoryview
    """

    start: int
    data: memoryview

    def read(self, key: str, offset: int = 0, length: int | None = None) -> memoryview:
        """Return bytes of the file: see `Storage.read`."""
        del key  # it is of one file
        begin = offset - self.start
        return self.data[begin : len(self.data) if length is None else begin + length]
