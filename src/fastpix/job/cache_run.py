"""Samples of a cache that lie next to each other, read by one call: a stream for object stores."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.cache import Cache
from fastpix.job.formats.sample_bytes import read_bytes
from fastpix.job.storage.storage_protocol import Storage

Stored = NDArray[Any]


def read_cache_run(cache: Cache, places: Sequence[int]) -> list[Stored | Exception]:
    """Return what is stored of samples, or why it cannot be read.

    Arrays may share the memory of all, and may not be written to.

    Parameters
    ----------
    cache : Cache
        Of a format that has several samples in a file.
    places : sequence of int
        Numbers of samples in one file.
    """
    rows = [cache.where(place) for place in places]
    if not rows:
        return []
    start = min(row["offset"] for row in rows)
    stop = max(row["offset"] + row["length"] for row in rows)
    whole = {**rows[0], "offset": start, "length": stop - start}
    storage: Any = cache.storage
    with suppress(FastpixError, OSError):  # each tells by itself what can be read of it
        data = memoryview(read_bytes(storage, whole, verify=False))
        storage = _Window(storage, whole["file"], start, data)
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
    storage : Storage
    file : str
    start : int
        Where it begins in the file.
    data : memoryview
    """

    storage: Storage
    file: str
    start: int
    data: memoryview

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes | memoryview:
        """Return bytes of the file, or of another: see `Storage.read`."""
        begin = offset - self.start
        if key != self.file or length is None or not 0 <= begin <= len(self.data) - length:
            return self.storage.read(key, offset, length)
        return self.data[begin : begin + length]
