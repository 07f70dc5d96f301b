"""What a gzip file inflates to, read from anywhere in it without being kept (RFC 1952)."""

from __future__ import annotations

import threading
import zlib
from bisect import bisect_right
from functools import lru_cache
from io import FileIO
from typing import Any, NamedTuple

from fastpix.errors import PixelDataError

_GZIP = zlib.MAX_WBITS | 16
_PIECE = 2**16  # bytes that are read, and at most inflated, at a time
_FIRST_STEP = 2**22  # bytes between places that reading can start from
_MOST_PLACES = 256  # a place takes about 40 KB


class _Place(NamedTuple):
    at: int  # in what is inflated
    packed: int  # in the file
    state: Any  # zlib's; None at the beginning of a gzip member


class InflatedFile:
    """Reads parts of a file that gzip has compressed.

    To inflate always from the beginning would take time that grows with the square of the size. So
    zlib's state is kept every few megabytes, and reading starts from there. Threads take turns.

    Parameters
    ----------
    path : str
    stamp : tuple of int
        Of the file, as `fastpix.source.stored.stamp_of` gives it.
    """

    def __init__(self, path: str, stamp: tuple[int, ...]) -> None:
        self.path = path
        self.stamp = stamp
        self._lock = threading.Lock()
        self._step = _FIRST_STEP
        self._places = [_Place(0, 0, None)]
        self._go_to(self._places[0])

    def read(self, file: FileIO, start: int, size: int) -> bytes:
        """Read exactly so many bytes.

        Raises
        ------
        PixelDataError
            There are fewer, or they cannot be inflated.
        """
        data = self.some(file, start, size)
        if len(data) < size:
            raise _damaged("it is cut off")
        return data

    def some(self, file: FileIO, start: int, size: int) -> bytes:
        """Read up to so many bytes; fewer at the end alone."""
        with self._lock:
            try:
                return self._read(file, start, size)
            except BaseException:
                self._go_to(self._places[0])
                raise

    def _read(self, file: FileIO, start: int, size: int) -> bytes:
        place = self._places[bisect_right(self._places, start, key=lambda place: place.at) - 1]
        if not place.at <= self._at <= start:
            self._go_to(place)
        while self._at < start:
            if not self._next(file, min(start - self._at, _PIECE)):
                return b""
        parts = []
        end = start + size
        while self._at < end and (part := self._next(file, min(end - self._at, _PIECE))):
            parts.append(part)
        return b"".join(parts)

    def _go_to(self, place: _Place) -> None:
        self._at, self._packed = place.at, place.packed
        self._state = place.state.copy() if place.state is not None else None
        self._input = b""

    def _next(self, file: FileIO, most: int) -> bytes:
        """Inflate some bytes; none at the end."""
        while True:
            if not self._input:
                file.seek(self._packed)
                self._input = file.read(_PIECE) or b""
            if self._state is None:
                if not self._begins_member(file):
                    return b""
                self._state = zlib.decompressobj(_GZIP)
            given = self._input
            try:
                part: bytes = self._state.decompress(given, most)
            except zlib.error as error:
                raise _damaged("it cannot be inflated") from error
            ended = self._state.eof
            self._input = self._state.unused_data if ended else self._state.unconsumed_tail
            self._packed += len(given) - len(self._input)
            self._at += len(part)
            if ended:
                self._state = None
            elif not given and not part:
                raise _damaged("it is cut off")
            self._keep_place()
            if part:
                return part

    def _begins_member(self, file: FileIO) -> bool:
        """Whether another gzip member follows; zeros are padding."""
        while self._input and not self._input.strip(b"\0"):
            self._packed += len(self._input)
            file.seek(self._packed)
            self._input = file.read(_PIECE) or b""
        if not self._input:
            return False
        kept = self._input.lstrip(b"\0")
        self._packed += len(self._input) - len(kept)
        self._input = kept
        if not kept.startswith(b"\x1f"):
            raise _damaged("what follows its contents is no gzip")
        return True

    def _keep_place(self) -> None:
        if self._at < self._places[-1].at + self._step:
            return
        state = None if self._state is None else self._state.copy()
        self._places.append(_Place(self._at, self._packed, state))
        if len(self._places) > _MOST_PLACES:
            self._places = self._places[::2]
            self._step *= 2


@lru_cache(8)
def inflated_file(path: str, stamp: tuple[int, ...]) -> InflatedFile:
    """Return the one for a file, so that members are read from the places that are kept."""
    return InflatedFile(path, stamp)


def _damaged(how: str) -> PixelDataError:
    return PixelDataError(
        reason=f"the archive is damaged: {how}", remedy="fetch it again, or unpack what is whole"
    )
