"""Where a file's pixels are and what describes them, without parsing the rest of the file.

A reader of pixels needs a dozen elements of several hundred. This one walks over the top level of
a data set (PS3.5 chapter 7) and stops at its pixels. Whatever is not plain makes it give up:
pydicom reads the file then, and says what is wrong with it.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO, NamedTuple

from pydicom import config
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

from fastpix.standard.syntaxes import DEFLATED_FRAMES
from fastpix.standard.tags import Tag

_HEAD = 65536  # bytes at a time; the header of most files
_META = 132  # where File Meta begins
_UNDEFINED = 0xFFFFFFFF
_ITEM, _END_OF_ITEM, _END_OF_SEQUENCE = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_SHORT = {str(vr).encode() for vr in EXPLICIT_VR_LENGTH_16}
_LONG = {str(vr).encode() for vr in EXPLICIT_VR_LENGTH_32}
_NUMBERS = {
    int(Tag.SamplesPerPixel): "samples_per_pixel",
    int(Tag.PlanarConfiguration): "planar_configuration",
    int(Tag.Rows): "rows",
    int(Tag.Columns): "columns",
    int(Tag.BitsAllocated): "bits_allocated",
    int(Tag.BitsStored): "bits_stored",
    int(Tag.HighBit): "high_bit",
    int(Tag.PixelRepresentation): "pixel_representation",
}
_PIXELS = {
    int(Tag.PixelData): "PixelData",
    int(Tag.FloatPixelData): "FloatPixelData",
    int(Tag.DoubleFloatPixelData): "DoubleFloatPixelData",
}
_WANTED = {
    *_NUMBERS,
    int(Tag.PhotometricInterpretation),
    int(Tag.NumberOfFrames),
    int(Tag.ExtendedOffsetTable),
    int(Tag.ExtendedOffsetTableLengths),
}


class FilePixels(NamedTuple):
    """The pixels of a file.

    Attributes
    ----------
    options : dict of str to object
        What pydicom's decoders are told of them.
    high_bit : int or None
    start, length : int
        Of the element's value, in bytes; the length may be undefined (0xFFFFFFFF).
    """

    options: dict[str, Any]
    high_bit: int | None
    start: int
    length: int


class _Elements:
    """The elements at the top level of a file; reading ends with its pixels."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._data = b""
        self._base = 0  # where in the file `_data` begins
        self.found: dict[int, tuple[bytes | None, bytes]] = {}

    def _at(self, start: int, size: int) -> int:
        """Return where in `_data` byte `start` is, `size` bytes behind it; -1 if there are none."""
        at = start - self._base
        if at + size > len(self._data):
            self._file.seek(start)
            self._base, at = start, 0
            self._data = self._file.read(max(size, _HEAD))
            while len(self._data) < size:  # a file may give less than it has
                more = self._file.read(size - len(self._data))
                if not more:
                    return -1
                self._data += more
        return at

    def _bytes(self, start: int, size: int) -> bytes | None:
        at = self._at(start, size)
        return None if at < 0 else self._data[at : at + size]

    def syntax(self) -> tuple[str, int] | None:
        """Return the UID of the transfer syntax, and where the data set begins."""
        start, uid = _META, b""
        if self._bytes(128, 4) != b"DICM":
            return None
        while (head := self._bytes(start, 12)) and head[:2] == b"\x02\x00":
            element, vr, length = struct.unpack_from("<H2sH", head, 2)
            start += 8
            if vr in _LONG:
                (length,) = struct.unpack_from("<I", head, 8)
                start += 4
            elif vr not in _SHORT:
                return None
            if element == 0x0010:
                uid = self._bytes(start, length) or b""
            start += length
        return uid.decode("latin-1").rstrip("\0 "), start

    def walk(
        self, start: int, implicit: bool, order: str
    ) -> tuple[int, bytes | None, int, int] | None:
        """Collect what is wanted; return tag, VR, start and length of the pixels."""
        head = struct.Struct(f"{order}HHI" if implicit else f"{order}HH2sH").unpack_from
        long = struct.Struct(f"{order}I").unpack_from
        depth = 0  # of sequences and items of undefined length
        vr: bytes | None = None
        while (at := self._at(start, 12)) >= 0:
            if implicit:
                group, element, length = head(self._data, at)
            else:
                group, element, vr, length = head(self._data, at)
            tag = group << 16 | element
            start += 8
            if group == 0xFFFE:
                (length,) = long(self._data, at + 4)
                if tag == _ITEM and depth:
                    if length == _UNDEFINED:
                        depth += 1
                    else:
                        start += length
                elif depth and tag in (_END_OF_ITEM, _END_OF_SEQUENCE):
                    depth -= 1
                else:
                    return None
                continue
            if vr in _LONG:
                (length,) = long(self._data, at + 8)
                start += 4
            elif not implicit and vr not in _SHORT:
                return None
            if not depth and tag in _PIXELS:
                return tag, vr, start, length
            if length == _UNDEFINED:
                if vr not in (None, b"SQ"):
                    return None
                depth += 1
                continue
            if not depth and tag in _WANTED:
                value = self._bytes(start, length)
                if value is None:
                    return None
                self.found[tag] = (vr, value)
            start += length
        return None


def find_pixels(file: BinaryIO) -> FilePixels | None:
    """Find the pixels of a file that is read from its beginning; None where it is not plain."""
    elements = _Elements(file)
    start = elements.syntax()
    if start is None:
        return None
    uid, at = start
    syntax = UID(uid, validation_mode=config.IGNORE)
    if not syntax.is_transfer_syntax or syntax.is_private or syntax.is_deflated:
        return None
    order = "<" if syntax.is_little_endian else ">"
    place = elements.walk(at, syntax.is_implicit_VR, order)
    options = _options(elements.found, order)
    if place is None or options is None:
        return None
    tag, vr, start_of_value, length = place
    options |= {"pixel_keyword": _PIXELS[tag], "transfer_syntax_uid": syntax}
    if vr is not None:
        options["pixel_vr"] = vr.decode("latin-1")
    return FilePixels(options, options.pop("high_bit", None), start_of_value, length)


def is_deflated(file: BinaryIO) -> bool:
    """Whether a file, read from its beginning, holds a deflated data set or deflated frames."""
    start = _Elements(file).syntax()
    return start is not None and start[0] in (DeflatedExplicitVRLittleEndian, DEFLATED_FRAMES)


def _options(found: dict[int, tuple[bytes | None, bytes]], order: str) -> dict[str, Any] | None:
    """Return the values of elements; None where one is not as the standard has it."""
    options: dict[str, Any] = {"number_of_frames": 1}
    for tag, (vr, value) in found.items():
        if name := _NUMBERS.get(tag):
            if vr not in (None, b"US") or len(value) != 2:
                return None
            (options[name],) = struct.unpack(f"{order}H", value)
        elif tag == Tag.PhotometricInterpretation:
            options["photometric_interpretation"] = value.decode("latin-1").rstrip("\0 ")
        elif tag == Tag.NumberOfFrames:
            text = value.strip(b"\0 ")
            if not text.isdigit() or int(text) == 0:
                return None
            options["number_of_frames"] = int(text)
    tables = [found.get(int(tag)) for tag in (Tag.ExtendedOffsetTable,
                                              Tag.ExtendedOffsetTableLengths)]  # fmt: skip
    if all(tables):
        options["extended_offsets"] = tuple(table[1] for table in tables if table)
    elif any(tables):
        return None
    return options
