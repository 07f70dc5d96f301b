"""Members of zip and tar archives as sources: nothing is unpacked to disk.

A name in an archive is a name and nothing else: no path is made of it. What is no plain file
(links, devices, folders) is left out. Bytes are counted as they come, so what an archive declares
is never believed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import FileIO

from fastpix.errors import PixelDataError, add_source
from fastpix.source import tar_members, zip_members
from fastpix.source.inflated_file import InflatedFile, inflated_file
from fastpix.source.stored import stamp_of
from fastpix.source.tar_members import read_exactly

MEMBER_BYTES = 2**32
"""What one member may take, unless the caller says otherwise."""

_HEAD = 512
_DICM = 128
_USTAR = 257
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_UNKNOWN = (".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".7z", ".rar")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive, which can be read wherever a path can; it can be pickled.

    Attributes
    ----------
    archive : str
        Path of the archive; absolute.
    name : str
        As the archive has it.
    size : int
        Bytes, as the archive says.
    kind : {"zip", "tar", "gzip"}
        gzip: a tar file that was compressed.
    start : int
        Where its data begins, in what gzip inflates to, too; for zip, where its local header does.
    packed : int
        Bytes that it takes in a zip archive.
    method, checksum : int
        Of zip.
    stamp : tuple of int
        What the archive must still be.
    max_bytes : int
        What the member may take.
    refused : str
        Why it cannot be read.
    """

    archive: str
    name: str
    size: int
    kind: str
    start: int
    packed: int = 0
    method: int = 0
    checksum: int = 0
    stamp: tuple[int, ...] = ()
    max_bytes: int = MEMBER_BYTES
    refused: str = ""

    def __str__(self) -> str:
        """Return the name and that of its archive."""
        return f"{self.name} in {self.archive}"

    def read_bytes(self) -> bytes:
        """Read the member.

        Raises
        ------
        PixelDataError
            It is encrypted, damaged, too large, or compressed in a way that is not read; or the
            archive has changed.
        OSError
            The archive cannot be read.
        """
        if self.refused:
            raise PixelDataError(reason=self.refused, remedy="unpack the archive")
        if self.size > self.max_bytes:
            raise PixelDataError(
                expected=self.size,
                found=self.max_bytes,
                reason=f"the member takes {self.size} bytes, more than max_bytes={self.max_bytes}",
                remedy="raise max_bytes= if the archive can be believed",
            )
        with FileIO(self.archive) as file:
            if stamp_of(os.fstat(file.fileno())) != self.stamp:
                raise PixelDataError(
                    reason="the archive has changed since it was listed", remedy="open it again"
                )
            if self.kind == "zip":
                return zip_members.read_member(
                    file, self.start, self.packed, self.size, self.method, self.checksum
                )
            if self.kind == "tar":
                return read_exactly(file, self.start, self.size)
            return inflated_file(self.archive, self.stamp).read(file, self.start, self.size)


def kind_of_archive(path: str) -> str:
    """Return which archive a file is by its content: ``zip``, ``tar``, ``gzip``, or empty.

    Raises
    ------
    PixelDataError
        An archive of a kind that is not read, by its name.
    OSError
        It cannot be read.
    """
    with FileIO(path) as file:
        head = file.read(_HEAD) or b""
        if head[_DICM : _DICM + 4] == b"DICM":
            return ""
        if head.startswith(_ZIP):
            return "zip"
        if _is_tar(head, path.lower().endswith(".tar")):
            return "tar"
        if head.startswith(_GZIP):
            stamp = stamp_of(os.fstat(file.fileno()))
            is_named = path.lower().endswith((".tar.gz", ".tgz"))
            inflated = InflatedFile(path, stamp)
            if _is_tar(inflated.some(file, 0, _HEAD), is_named):
                return "gzip"
    if path.lower().endswith(_UNKNOWN):
        raise PixelDataError(
            reason="archives of this kind are not read", remedy="unpack it, or make a zip of it"
        )
    return ""


def _is_tar(head: bytes, is_named: bool) -> bool:
    return head[_USTAR : _USTAR + 5] == b"ustar" or (is_named and len(head) == _HEAD)


def members_of(path: str, kind: str, max_bytes: int = MEMBER_BYTES) -> list[Member]:
    """List the plain files of an archive, in its order.

    Parameters
    ----------
    path : str
    kind : str
        As `kind_of_archive` says.
    max_bytes : int
        What a member may take; a larger one cannot be read.

    Raises
    ------
    PixelDataError
        The archive is damaged or cut off.
    OSError
        It cannot be read.
    """
    archive = os.path.abspath(path)
    try:
        with FileIO(archive) as file:
            stamp = stamp_of(os.fstat(file.fileno()))
            if kind == "zip":
                return [
                    Member(archive, e.name, e.size, kind, e.start, e.packed, e.method, e.checksum,
                           stamp, max_bytes, e.refused)
                    for e in zip_members.list_members(file)
                ]  # fmt: skip
            inflated = inflated_file(archive, stamp) if kind == "gzip" else None
            return [
                Member(archive, entry.name, entry.size, kind, entry.start, stamp=stamp,
                       max_bytes=max_bytes, refused=entry.refused)
                for entry in tar_members.list_members(file, inflated)
            ]  # fmt: skip
    except PixelDataError as error:
        add_source(error, path)
        raise
