"""Members of a tar archive, compressed by gzip or not: where their bytes lie (POSIX pax)."""

from __future__ import annotations

import os
import tarfile
from io import SEEK_CUR, SEEK_SET, FileIO
from typing import Any, NamedTuple

from fastpix.errors import PixelDataError
from fastpix.source.inflated_file import InflatedFile
from fastpix.source.zip_members import damaged

_BLOCK = 512
_LONGEST_HEADER = 2**24  # bytes of a pax header or long name, which are read at once


class TarEntry(NamedTuple):
    """What a header says of a member; see `fastpix.source.archives.Member`."""

    name: str
    size: int
    start: int
    refused: str


class _Bytes:
    """The part of a file's interface that tarfile reads by; reads are of bounded length."""

    def __init__(self, file: FileIO, inflated: InflatedFile | None) -> None:
        self._file = file
        self._inflated = inflated
        self._at = 0
        self._window, self._first = b"", 0

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        self._at = offset + (self._at if whence == SEEK_CUR else 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_HEADER or self._at < 0:
            raise damaged("a header is impossibly long")
        skipped = self._at - self._first
        if not 0 <= skipped <= len(self._window) - size:
            self._first, skipped = self._at, 0
            self._window = self._read(max(size, 2 * _BLOCK))
        data = self._window[skipped : skipped + size]
        self._at += len(data)
        return data

    def _read(self, size: int) -> bytes:
        if self._inflated is not None:
            return self._inflated.some(self._file, self._at, size)
        self._file.seek(self._at)
        return self._file.read(size) or b""


def list_members(file: FileIO, inflated: InflatedFile | None) -> list[TarEntry]:
    """List the plain files of an archive.

    Parameters
    ----------
    file : FileIO
    inflated : InflatedFile or None
        What inflates the file.

    Raises
    ------
    PixelDataError
        It is damaged or cut off.
    """
    entries = []
    source: Any = _Bytes(file, inflated)
    last = -1
    try:
        with tarfile.open(fileobj=source, mode="r:") as archive:
            read: Any = archive
            while (info := archive.next()) is not None:
                read.members.clear()  # they would be kept, and are not needed
                if info.size < 0 or not last < info.offset <= info.offset_data:
                    raise damaged("a header is wrong")
                last = info.offset
                if info.isreg():
                    refused = "the member is sparse, which is not read" if info.issparse() else ""
                    entries.append(TarEntry(info.name, info.size, info.offset_data, refused))
            source.seek(archive.offset)
            if source.read(_BLOCK).strip(b"\0"):  # tarfile takes it for the end
                raise damaged("a header is wrong")
    except (OSError, PixelDataError):
        raise
    except Exception as error:  # tarfile's, RecursionError and ValueError among them
        raise damaged("its headers cannot be read") from error
    return entries


def read_exactly(file: FileIO, start: int, size: int) -> bytes:
    """Read so many bytes.

    Raises
    ------
    PixelDataError
        There are fewer.
    """
    if start + size > os.fstat(file.fileno()).st_size:
        raise damaged("it is cut off")
    file.seek(start)
    data = bytearray(size)
    done = 0
    while done < size:
        count = file.readinto(memoryview(data)[done:])
        if not count:
            raise damaged("it is cut off")
        done += count
    return bytes(data)
