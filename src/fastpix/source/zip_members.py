"""Members of a zip archive, read straight from where they lie (PKWARE APPNOTE 4.3, 4.4)."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from io import FileIO
from typing import NamedTuple

from fastpix.errors import PixelDataError

_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1
_LOCAL = struct.Struct("<4s5H3I2H")
_PIECE = 2**20  # bytes of an archive that are read at a time


class ZipEntry(NamedTuple):
    """What the central directory says of a member; see `fastpix.source.archives.Member`."""

    name: str
    size: int
    start: int
    packed: int
    method: int
    checksum: int
    refused: str


def list_members(file: FileIO) -> list[ZipEntry]:
    """List the plain files of an archive.

    Raises
    ------
    PixelDataError
        Its directory is damaged.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            found = archive.infolist()
    except OSError:
        raise
    except Exception as error:  # zipfile's are of many kinds where a directory is damaged
        raise damaged("its directory cannot be read") from error
    entries = [
        ZipEntry(
            info.filename, info.file_size, info.header_offset, info.compress_size,
            info.compress_type, info.CRC, _refused(info),
        )
        for info in found
        if not info.is_dir() and stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG)
    ]  # fmt: skip
    return _without_overlaps(entries)


def _refused(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "the member is encrypted"
    if info.compress_type not in (_STORED, _DEFLATED):
        return f"the member is compressed by method {info.compress_type}, which is not read"
    return ""


def _without_overlaps(entries: list[ZipEntry]) -> list[ZipEntry]:
    """Refuse members that share bytes: small archives declare huge contents by that."""
    order = sorted(range(len(entries)), key=lambda k: entries[k].start)
    shared = set()
    end, last = -1, -1
    for k in order:
        entry = entries[k]
        if entry.start < end:
            shared |= {k, last}
        stop = entry.start + entry.packed
        if stop > end:
            end, last = stop, k
    reason = "the member shares its bytes with another one"
    return [e._replace(refused=reason) if k in shared else e for k, e in enumerate(entries)]


def read_member(
    file: FileIO, start: int, packed: int, size: int, method: int, checksum: int
) -> bytes:
    """Read a member, and check it against its checksum.

    Raises
    ------
    PixelDataError
        It is damaged, or does not have the size that the directory says.
    """
    file.seek(max(start, 0))
    head = file.read(_LOCAL.size) or b""
    if start < 0 or len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
        raise damaged("a member does not lie where the directory says")
    *_, name, extra = _LOCAL.unpack(head)
    file.seek(start + _LOCAL.size + name + extra)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS) if method == _DEFLATED else None
    parts: list[bytes] = []
    found = 0
    while packed > 0 and found <= size:
        piece = file.read(min(packed, _PIECE))
        if not piece:
            raise damaged("it is cut off")
        packed -= len(piece)
        if inflate is not None:
            try:
                piece = inflate.decompress(piece, size - found + 1)
            except zlib.error as error:
                raise damaged("a member cannot be inflated") from error
        parts.append(piece)
        found += len(piece)
    if found != size:
        raise damaged("a member does not have the size that the directory says")
    data = b"".join(parts)
    if zlib.crc32(data) != checksum:
        raise damaged("the checksum of a member is wrong")
    return data


def damaged(how: str) -> PixelDataError:
    """Return the error for an archive that is damaged."""
    return PixelDataError(
        reason=f"the archive is damaged: {how}", remedy="fetch it again, or unpack what is whole"
    )
