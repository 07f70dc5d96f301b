"""Where the bytes come from: a path, bytes, a binary file, or a pydicom Dataset."""

from __future__ import annotations

import os
import stat
import sys
import threading
from io import FileIO
from typing import BinaryIO, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from fastpix._files import read_file
from fastpix.errors import ArgumentError, PixelDataError

SourceLike: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Dataset"
)

Buffer: TypeAlias = NDArray[np.uint8]

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

    def _read_at(self, file: FileIO, start: int, target: memoryview) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(file.fileno(), [target], start)
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
        if _stamp_of(os.fstat(self._file.fileno())) != self._stamp:
            raise _changed()

    def released(self) -> File:
        """Close the file; each read opens it again."""
        self.close()
        return File(self._path, None, self._head, self._stamp)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


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


def read_source(
    source: SourceLike, *, lent: Buffer | None = None, whole: bool = False
) -> Memory | File | Dataset:
    """Open `source`, and read as much of it as is best read at once.

    Parameters
    ----------
    source : path, bytes-like, binary file or pydicom Dataset
        A file is read from where it stands, and put back there.
    lent : ndarray, optional
        Holds what is read from a path, so that no memory is asked for. The file stays open then,
        until what is returned is closed.
    whole : bool
        Read a file of any size whole.

    Raises
    ------
    ArgumentError
        `source` is none of these.
    OSError
        The path cannot be read.
    """
    if isinstance(source, (str, os.PathLike)):
        held = _read_small(source, lent) if lent is not None else None
        return held or _read_path(source, lent, whole)
    if isinstance(source, Dataset):
        return source
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Memory(bytes(source))
    if hasattr(source, "read") and hasattr(source, "seek") and hasattr(source, "tell"):
        return Memory(_read_all(source))
    raise ArgumentError(
        "source", f"a {type(source).__name__} is not a path, bytes, a binary file or a Dataset"
    )


def _read_small(path: str | os.PathLike[str], lent: Buffer) -> Memory | None:
    """Read a file that fits into `lent` in one call; None where it does not, or cannot be read."""
    try:
        name = os.fsencode(path)
    except UnicodeEncodeError:
        return None
    if b"\0" in name:
        return None
    sys.audit("open", path, "rb", os.O_RDONLY)  # as Python's own open does
    size = read_file(name, lent.data)
    return Memory(lent.data[:size]) if size > 0 else None


def _read_path(path: str | os.PathLike[str], lent: Buffer | None, whole: bool) -> Memory | File:
    try:
        file = FileIO(os.fspath(path))
    except ValueError as error:  # a NUL, or text that no file name can have
        raise ArgumentError("source", f"{path!r} is no path: {error}") from error
    keep = False
    try:
        status = os.fstat(file.fileno())
        size = status.st_size
        if not stat.S_ISREG(status.st_mode) or not size:  # a pipe, or one that does not say
            return Memory(file.read())
        if size <= RESIDENT or whole:
            return Memory(_read_parts(file, size))
        head = memoryview(_read_parts(file, HEAD))
        name = os.fsdecode(path)
        if not os.path.isabs(name):  # it is opened again, maybe from another working directory
            name = os.path.join(os.getcwd(), name)
        opened = File(name, file, head, _stamp_of(status))
        keep = lent is not None
        return opened if keep else opened.released()
    finally:
        if not keep:
            file.close()


def _read_parts(file: FileIO, size: int) -> bytes:
    """Read up to `size` bytes, however short the reads are."""
    data = file.read(size)
    if len(data) < size and data:
        parts = [data]
        done = len(data)
        while done < size and (part := file.read(size - done)):
            parts.append(part)
            done += len(part)
        data = b"".join(parts)
    return data


def _stamp_of(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev


def _changed() -> PixelDataError:
    return PixelDataError(reason="the file has changed since it was opened", remedy="open it again")


def _read_all(file: BinaryIO) -> bytes:
    """Read a file from where it stands to its end, however short its reads, and put it back."""
    try:
        start = file.tell()
    except ValueError as error:
        raise ArgumentError("source", f"the file cannot be read: {error}") from error
    parts = []
    try:
        while part := file.read():
            if not isinstance(part, (bytes, bytearray)):
                raise ArgumentError("source", "the file is open in text mode: open it with 'rb'")
            parts.append(part)
    finally:
        file.seek(start)
    return b"".join(parts) if len(parts) != 1 else bytes(parts[0])


class _Buffers(threading.local):
    """One buffer a thread, while no call uses it."""

    free: Buffer | None = None


_buffers = _Buffers()
_left: list[Buffer] = []  # by threads that have ended
_MOST_LEFT = 16


def borrow() -> Buffer:
    """Return a buffer of `RESIDENT` bytes that is this thread's until it is given back."""
    buffer, _buffers.free = _buffers.free, None
    if buffer is not None:
        return buffer
    try:
        return _left.pop()
    except IndexError:
        return np.empty(RESIDENT, np.uint8)


def give_back(buffer: Buffer, *, leave: bool = False) -> None:
    """Let the next call of this thread use a buffer, or any thread where this one ends."""
    if not leave:
        _buffers.free = buffer
    elif len(_left) < _MOST_LEFT:
        _left.append(buffer)
