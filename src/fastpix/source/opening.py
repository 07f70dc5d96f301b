"""Whatever a caller passes as a source, to its bytes: a path, bytes, a binary file, a Dataset."""

from __future__ import annotations

import os
import stat
import sys
from io import FileIO
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from fastpix._files import read_file
from fastpix.errors import ArgumentError
from fastpix.source.lent_buffers import Buffer
from fastpix.source.pydicom_types import is_dataset
from fastpix.source.stored import HEAD, RESIDENT, File, Memory, stamp_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from fastpix.source.archives import Member

SourceLike: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Member | Dataset"
)


def read_source(
    source: SourceLike, *, lent: Buffer | None = None, whole: bool = False
) -> Memory | File | Dataset:
    """Open `source`, and read as much of it as is best read at once.

    Parameters
    ----------
    source : path, bytes-like, binary file, Member of an archive or pydicom Dataset
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
    if is_dataset(source):
        return source
    if hasattr(source, "read_bytes"):  # a member of an archive
        return Memory(source.read_bytes())
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Memory(bytes(source))
    if hasattr(source, "read") and hasattr(source, "seek") and hasattr(source, "tell"):
        return Memory(_read_all(source))
    raise ArgumentError(
        "source", f"{type(source).__name__} is not a path, bytes, a binary file or a Dataset"
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
    resident = sys.maxsize if whole else RESIDENT
    stored = open_file(path, resident, HEAD)
    return stored if lent is not None or isinstance(stored, Memory) else stored.released()


def open_file(path: str | os.PathLike[str], resident: int, head: int) -> Memory | File:
    """Open a file, and read all of it or its beginning.

    Parameters
    ----------
    path : path
    resident : int
        Bytes up to which a file is read whole. A larger one stays open until it is closed.
    head : int
        Bytes of a larger file that are read.

    Raises
    ------
    ArgumentError
        `path` can be no path.
    OSError
        The path cannot be read.
    """
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
        if size <= resident:
            return Memory(_read_parts(file, size))
        begin = memoryview(_read_parts(file, head))
        name = os.fsdecode(path)
        if not os.path.isabs(name):  # it is opened again, maybe from another working directory
            name = os.path.join(os.getcwd(), name)
        keep = True
        return File(name, file, begin, stamp_of(status))
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
