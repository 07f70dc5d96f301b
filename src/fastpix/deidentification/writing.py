"""The file of a copy: header by pydicom's writer, pixels byte for byte out of the original."""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from fastpix.new_files import open_new

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileMetaDataset

_CHUNK = 2**20  # bytes that are copied at a time
_UNDEFINED = 0xFFFFFFFF
_LONG_VRS = frozenset({b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN"})
_DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"
_ELEMENTS = {"PixelData": 0x0010, "FloatPixelData": 0x0008, "DoubleFloatPixelData": 0x0009}
_ITEM_TAG = 0xE000
_END_TAG = 0xE0DD


class Encoding(NamedTuple):
    """How elements are encoded."""

    implicit: bool
    little: bool
    deflated: bool = False


class PixelElement(NamedTuple):
    """Where the element of the pixels is in a buffer: from its tag to its last byte."""

    data: bytes | mmap.mmap
    start: int
    end: int

    def chunks(self) -> Iterator[bytes]:
        """Give its bytes, a mebibyte at a time."""
        for at in range(self.start, self.end, _CHUNK):
            yield self.data[at : min(at + _CHUNK, self.end)]


def element_of(
    keyword: str, vr: bytes, value: bytes, is_encapsulated: bool, encoding: Encoding
) -> PixelElement:
    """Return an element of new pixels, as it is encoded in a file.

    Parameters
    ----------
    keyword : str
        ``PixelData``, ``FloatPixelData`` or ``DoubleFloatPixelData``.
    vr : bytes
        Of native pixels.
    value : bytes
        Of encapsulated ones without the delimiter behind them.
    is_encapsulated : bool
    encoding : Encoding
    """
    order = "<" if encoding.little else ">"
    head = struct.pack(order + "HH", 0x7FE0, _ELEMENTS[keyword])
    if is_encapsulated:
        data = b"".join((head, b"OB\0\0", struct.pack(order + "L", _UNDEFINED), value, _DELIMITER))
    elif encoding.implicit:
        data = b"".join((head, struct.pack(order + "L", len(value)), value))
    else:
        data = b"".join((head, vr, b"\0\0", struct.pack(order + "L", len(value)), value))
    return PixelElement(data, 0, len(data))


class PixelsCutOffError(Exception):
    """The element of the pixels ends behind the file, or its items cannot be followed."""


def find_pixels(data: bytes | mmap.mmap, at: int, encoding: Encoding) -> PixelElement:
    """Return the element of the pixels that begins at a byte.

    Raises
    ------
    PixelsCutOffError
    """
    order = "<" if encoding.little else ">"
    if at + 8 > len(data):
        raise PixelsCutOffError
    if encoding.implicit:
        head, (length,) = 8, struct.unpack_from(order + "L", data, at + 4)
    elif data[at + 4 : at + 6] in _LONG_VRS:
        if at + 12 > len(data):
            raise PixelsCutOffError
        head, (length,) = 12, struct.unpack_from(order + "L", data, at + 8)
    else:
        raise PixelsCutOffError
    if length != _UNDEFINED:
        end = at + head + length
        if end > len(data):
            raise PixelsCutOffError
        return PixelElement(data, at, end)
    position = at + head
    while position + 8 <= len(data):
        group, element, length = struct.unpack_from(order + "HHL", data, position)
        position += 8
        if group != 0xFFFE or element not in (_ITEM_TAG, _END_TAG):
            break
        if element == _END_TAG:
            return PixelElement(data, at, position)
        if length == _UNDEFINED:
            break
        position += length
    raise PixelsCutOffError


def write_copy(
    target: str | os.PathLike[str],
    meta: FileMetaDataset,
    dataset: Dataset,
    pixels: PixelElement | None,
    encoding: Encoding,
) -> None:
    """Write a copy, readable by its owner alone; a file that is there is not overwritten."""
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset, write_file_meta_info

    head = DicomBytesIO()
    head.write(b"\0" * 128 + b"DICM")
    head.is_little_endian, head.is_implicit_VR = True, False
    write_file_meta_info(head, meta, enforce_standard=True)
    body = DicomBytesIO()
    body.is_little_endian, body.is_implicit_VR = encoding.little, encoding.implicit
    write_dataset(body, dataset)
    handle = open_new(target)
    with os.fdopen(handle, "wb") as file:
        file.write(head.getvalue())
        if encoding.deflated:
            _write_deflated(file, body.getvalue(), pixels)
            return
        file.write(body.getvalue())
        for chunk in pixels.chunks() if pixels is not None else ():
            file.write(chunk)


def _write_deflated(file: BinaryIO, body: bytes, pixels: PixelElement | None) -> None:
    """Deflate the data set (PS3.5 A.5), padded to an even length."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    size = 0
    for chunk in (body, *(pixels.chunks() if pixels is not None else ())):
        size += file.write(packer.compress(chunk))
    size += file.write(packer.flush())
    if size % 2:
        file.write(b"\0")
