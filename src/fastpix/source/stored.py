"""The bytes of one file: held in memory, or read from the file when they are asked for."""

from __future__ import annotations

import os
import threading
from io import FileIO
from typing import Any, NamedTuple

import numpy as np

from fastpix.errors import PixelDataError

RESIDENT = 2**20
"""Bytes up to which a file is read whole, at once: one call costs less than two."""

HEAD = 2**16
"""Bytes of a larger file that are read first; the header of most."""


class Memory:
    """The bytes of a file, held in memory.

    Attributes
    ----------
    size : int
    """

    __slots__ = ("_data", "size")

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self.size = len(self._data)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the bytes."""
        return Memory, (self.whole(),)

    def view(self, start: int, stop: int) -> memoryview:
        """Return bytes start..stop, as far as there are any, without copying them."""
        return self._data[start:stop]

    def head(self) -> memoryview:
        """Return the beginning of the file."""
        return self._data

    def whole(self) -> bytes:
        """Return all bytes."""
        held = self._data.obj
        if isinstance(held, bytes) and len(held) == self.size:
            return held
        return bytes(self._data)

    def opened(self) -> Memory:
        """Return what can be read from until it is closed."""
        return self

    def check(self) -> None:
        """Nothing that can change."""

    def close(self) -> None:
        """Nothing to let go of."""


class File:
    """A file that is too large to be held: its bytes are read when they are asked for.

    It is opened for each read of an image, and must be the file that it was at first.

    Attributes
    ----------
    size : int
    """

    __slots__ = ("_file", "_head", "_lock", "_path", "_stamp", "size")

    def __init__(
        self, path: str, file: FileIO | None, head: memoryview, stamp: tuple[int, ...]
    ) -> None:
        self._path = path
        self._file = file
        self._head = head
        self._stamp = stamp
        self._lock = threading.Lock()
        self.size = stamp[0]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle where the file is, and what it must be."""
        return _closed_file, (self._path, bytes(self._head), self._stamp)

    def view(self, start: int, stop: int) -> memoryview:
        """Read bytes start..stop, as far as there are any."""
        stop = min(stop, self.size)
        target = np.empty(max(0, stop - start), np.uint8).data
        self.fill(start, target)
        return target

    def fill(self, start: int, target: memoryview) -> None:
        """Fill `target` with the bytes from `start` on.

        Raises
        ------
        PixelDataError
            The file has become shorter.
        """
        if self._file is None:
            opened = self.opened()
            try:
                opened.fill(start, target)
            finally:
                opened.close()
            return
        done = 0
        while done < len(target):
            count = self._read_at(self._file, start + done, target[done:])
            if not count:
                raise _changed()
            done += count

    @property
    def path(self) -> str:
        """Absolute, or as it was given if that is absolute."""
        return self._path

    @property
    def stamp(self) -> tuple[int, ...]:
        """What the file must be: its size, time of change in ns, inode and device."""
        return self._stamp

    @property
    def descriptor(self) -> int:
        """The open file, for reads by system calls; -1 where there is none."""
        return -1 if self._file is None else self._file.fileno()

    def _read_at(self, file: FileIO, start: int, target: memoryview) -> int:
        if hasattr(os, "preadv"):
            count: int = os.preadv(file.fileno(), [target], start)
            return count
        with self._lock:  # threads share the position
            file.seek(start)
            return file.readinto(target) or 0

    def head(self) -> memoryview:
        """Return the beginning of the file."""
        return self._head

    def whole(self) -> bytes:
        """Read all bytes.

        Raises
        ------
        PixelDataError
            The file has changed.
        """
        opened = self.opened()
        try:
            data = bytes(opened.view(0, self.size))
            opened.check()
        finally:
            if opened is not self:
                opened.close()
        return data

    def opened(self) -> File:
        """Return what can be read from until it is closed.

        Raises
        ------
        PixelDataError
            The file is another one by now.
        """
        if self._file is not None:
            return self
        opened = File(self._path, FileIO(self._path), self._head, self._stamp)
        try:
            opened.check()
        except BaseException:
            opened.close()
            raise
        return opened

    def check(self) -> None:
        """Check that a file that is open is still what it was at first.

        Raises
        ------
        PixelDataError
            It is not: what has been read of it may not belong together.
        """
        assert self._file is not None
        if stamp_of(os.fstat(self._file.fileno())) != self._stamp:
            raise _changed()

    def released(self, keep_head: bool = True) -> File:
        """Close the file; each read opens it again.

        Parameters
        ----------
        keep_head : bool
            False: the memory of its beginning is let go of, since nobody will ask for it.
        """
        self.close()
        return File(self._path, None, self._head if keep_head else memoryview(b""), self._stamp)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _closed_file(path: str, head: bytes, stamp: tuple[int, ...]) -> File:
    return File(path, None, memoryview(head), stamp)


class Pixels(NamedTuple):
    """The value of the pixel data element, in memory or in the file.

    Attributes
    ----------
    stored : Memory or File
    start, length : int
        Bytes.
    offsets : (bytes, bytes) or None
        Extended Offset Table and its lengths, as stored (PS3.3 C.7.6.3.1.8).
    """

    stored: Memory | File
    start: int
    length: int
    offsets: tuple[bytes, bytes] | None = None

    def view(self, start: int, stop: int) -> memoryview:
        """Return bytes start..stop of the value, as far as there are any."""
        return self.stored.view(self.start + start, self.start + min(stop, self.length))

    def fill(self, start: int, target: memoryview) -> None:
        """Fill `target` with the bytes of the value from `start` on, which a file holds."""
        assert isinstance(self.stored, File)
        self.stored.fill(self.start + start, target)

    def opened(self) -> Pixels:
        """Return the same, to be read from until it is closed."""
        stored = self.stored.opened()
        return self if stored is self.stored else self._replace(stored=stored)


def stamp_of(status: os.stat_result) -> tuple[int, ...]:
    """Return what changes when a file is written or replaced."""
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev


def _changed() -> PixelDataError:
    return PixelDataError(reason="the file has changed since it was opened", remedy="open it again")
