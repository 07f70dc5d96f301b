"""A large file up to its pixels: what pydicom needs to read the header, without the rest."""

from __future__ import annotations

import struct
from io import BufferedReader, RawIOBase
from typing import NamedTuple

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID

from fastpix.header.file_meta import META
from fastpix.source.stored import File
from fastpix.standard.tags import Tag
from fastpix.standard.vrs import LONG_LENGTH

_PIXELS = {Tag.FloatPixelData, Tag.DoubleFloatPixelData, Tag.PixelData}
_LONG_HEAD, _SHORT_HEAD = 12, 8  # bytes of an element before its value
_ITEM = b"\xfe\xff\x00\xe0"
_UNDEFINED = 0xFFFFFFFF


class LargeFile(NamedTuple):
    """A large file, whose pixels stay in it.

    Attributes
    ----------
    head : bytes
        All that is before the pixel data element.
    pixels : RawDataElement
        The element, with no more than the first byte of its value.
    """

    head: bytes
    pixels: RawDataElement

    def add_pixels(self, dataset: Dataset) -> bool:
        """Add the element to the data set that `head` holds; False if that is encoded otherwise."""
        encoding = self.pixels.is_implicit_VR, self.pixels.is_little_endian
        if dataset.original_encoding != encoding or any(tag in dataset for tag in _PIXELS):
            return False
        dataset[self.pixels.tag] = self.pixels
        return True


class _Stream(RawIOBase):
    """A file as pydicom reads one."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._file.size)[whence]
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        part = self._file.view(self._at, self._at + len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def find_large_pixels(file: File) -> LargeFile | None:
    """Find the pixels of a file without reading them.

    They must be all that follows: native data up to the end of the file, or fragments.

    Parameters
    ----------
    file : File

    Returns
    -------
    LargeFile or None
        None where the file must be read whole.
    """
    opened = file.opened()
    try:
        return _find(opened)
    except Exception:  # whatever pydicom says of the whole file is the reason that counts
        return None
    finally:
        if opened is not file:
            opened.close()


def _find(file: File) -> LargeFile | None:
    if bytes(file.view(META - 4, META)) != b"DICM":
        return None
    stream = BufferedReader(_Stream(file))
    stream.seek(META)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 2)
    syntax = UID(str(meta.get("TransferSyntaxUID", "")))
    if not syntax.is_transfer_syntax or syntax.is_private or syntax.is_deflated:
        return None
    implicit, little = syntax.is_implicit_VR, syntax.is_little_endian
    read_dataset(stream, implicit, little, stop_when=lambda tag, _vr, _length: tag in _PIXELS)
    start = stream.tell()
    order, vr, size = "<" if little else ">", None, _SHORT_HEAD
    head = bytes(file.view(start, start + _LONG_HEAD))
    group, number, length = struct.unpack_from(f"{order}HHI", head)
    tag = group << 16 | number
    if not implicit:
        vr, size = head[4:6].decode("ascii"), _LONG_HEAD
        (length,) = struct.unpack_from(f"{order}I", head, 8)
        if vr not in LONG_LENGTH:
            return None
    value = start + size
    if tag not in _PIXELS or not length:
        return None
    if length == _UNDEFINED:
        if not little or bytes(file.view(value, value + len(_ITEM))) != _ITEM:
            return None
    elif value + length != file.size:
        return None
    first = bytes(file.view(value, value + 1))  # without any, pydicom would look for all of them
    pixels = RawDataElement(BaseTag(tag), vr, length, first, value, implicit, little)
    return LargeFile(bytes(file.view(0, start)), pixels)
