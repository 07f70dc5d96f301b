"""What a file says about its pixels, and where they are: by the index, else by `dcmread`.

The values are what pydicom's decoders are told. Where one is not as the standard has it, nothing is
returned: pydicom reads the file then, and says what is wrong with it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple, TypeAlias

from pydicom import config
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from fastpix.header.attributes import contradiction
from fastpix.header.dcmread import dcmread
from fastpix.header.file_meta import transfer_syntax_of
from fastpix.header.index import Index, IndexElement, elements_of, find_elements
from fastpix.header.top_level import look_over
from fastpix.source.stored import HEAD, File, Pixels
from fastpix.standard.syntaxes import DEFLATED_FRAMES
from fastpix.standard.tags import Tag
from fastpix.standard.vrs import LONG_LENGTH

_RawElement: TypeAlias = RawDataElement | IndexElement

_NUMBERS = {
    Tag.SamplesPerPixel: "samples_per_pixel",
    Tag.PlanarConfiguration: "planar_configuration",
    Tag.Rows: "rows",
    Tag.Columns: "columns",
    Tag.BitsAllocated: "bits_allocated",
    Tag.BitsStored: "bits_stored",
    Tag.HighBit: "high_bit",
    Tag.PixelRepresentation: "pixel_representation",
}
_PIXELS = {tag: tag.name for tag in (Tag.PixelData, Tag.FloatPixelData, Tag.DoubleFloatPixelData)}
_OFFSET_TABLES = (Tag.ExtendedOffsetTable, Tag.ExtendedOffsetTableLengths)
_UNDEFINED = 0xFFFFFFFF
_OPTIONS = (*_NUMBERS, Tag.PhotometricInterpretation, Tag.NumberOfFrames, *_OFFSET_TABLES)


class FilePixels(NamedTuple):
    """The pixels of a file.

    Attributes
    ----------
    options : dict of str to object
        What pydicom's decoders are told of them.
    high_bit : int or None
    pixels : Pixels
        The value of the element; its length may be undefined (0xFFFFFFFF).
    """

    options: dict[str, Any]
    high_bit: int | None
    pixels: Pixels


class BinaryFile(File):
    """A binary file of the caller's, which need not be on a disk: its position is moved."""

    __slots__ = ("_stream",)

    def __init__(self, stream: BinaryIO) -> None:
        stream.seek(0, os.SEEK_END)
        super().__init__("", None, memoryview(b""), (stream.tell(),))
        self._stream = stream

    def fill(self, start: int, target: memoryview) -> None:
        """Fill `target` with the bytes from `start` on, however short the reads are.

        Raises
        ------
        ValueError
            The file has become shorter.
        """
        self._stream.seek(start)
        into = getattr(self._stream, "readinto", None)
        while target:
            if into is not None:
                count = into(target)
            else:
                part = self._stream.read(len(target))
                count = len(part)
                target[:count] = part
            if not count:
                raise ValueError("the file has become shorter while it was read")
            target = target[count:]

    def head(self) -> memoryview:
        """Return the beginning of the file."""
        return self.view(0, HEAD)

    def whole(self) -> bytes:
        """Read all bytes."""
        return bytes(self.view(0, self.size))

    def opened(self) -> BinaryFile:
        """Return the file, which its owner closes."""
        return self


def find_pixels(file: BinaryIO) -> FilePixels | None:
    """Find the pixels of a file that is read from its beginning.

    Parameters
    ----------
    file : binary file
        Its position is moved.

    Returns
    -------
    FilePixels or None
        None where anything is out of the ordinary, and for deflated data sets.
    """
    stored = BinaryFile(file)
    index = find_elements(stored)
    return _by_dcmread(file, stored) if index is None else _by_index(index, stored)


def _by_index(index: Index, stored: BinaryFile) -> FilePixels | None:
    known = _known_options(index.pixel_entries, index.implicit, index.is_little_endian)
    if known is None:
        return None
    options = dict(known)
    if (tables := index.offset_tables(stored)) is not None:
        options["extended_offsets"] = tables
    pixels = Pixels(stored, index.start, index.length)
    return FilePixels(options, options.pop("high_bit", None), pixels)


@lru_cache(256)  # the elements of the slices of a series are the same
def _known_options(
    entries: bytes, implicit: bool, is_little_endian: bool
) -> Mapping[str, Any] | None:
    elements = elements_of(entries, implicit, is_little_endian)
    if elements is None or Tag.PixelData not in elements:
        return None
    syntax = UID(_text(elements[Tag.TransferSyntaxUID]), validation_mode=config.IGNORE)
    if not _is_known(syntax):
        return None
    options = _options(
        {tag: elements[tag] for tag in _OPTIONS if tag in elements}, is_little_endian
    )
    if options is None:
        return None
    options |= {"pixel_keyword": "PixelData", "transfer_syntax_uid": syntax}
    if not implicit:
        options["pixel_vr"] = elements[Tag.PixelData].VR
    return MappingProxyType(options)


def _by_dcmread(file: BinaryIO, stored: BinaryFile) -> FilePixels | None:
    """Read a file that is regular up to its pixels, or big-endian."""
    syntax = _syntax_of(file)
    if not _is_known(syntax):
        return None
    file.seek(0)
    try:
        ds = dcmread(file, stop_before_pixels=True)
    except Exception:  # pydicom's function for pixels has its own words for it
        return None
    little = syntax.is_little_endian
    if ds.original_encoding != (syntax.is_implicit_VR, little):
        return None
    start = file.tell()
    place = _pixels_at(stored, start, syntax)
    if place is None:
        return None
    vr, pixels = place[1:]
    _refuse_contradictions(stored, start, pixels, syntax)
    elements = _raw_elements(ds)
    options = None if elements is None else _options(elements, little)
    if options is None:
        return None
    options |= {"pixel_keyword": place[0], "transfer_syntax_uid": syntax}
    if vr:
        options["pixel_vr"] = vr
    return FilePixels(options, options.pop("high_bit", None), pixels)


def _refuse_contradictions(stored: BinaryFile, start: int, pixels: Pixels, syntax: UID) -> None:
    """Refuse a file in which an element of its pixels occurs again, with another value.

    pydicom takes the first Pixel Data here, and the last of the others. What is behind compressed
    pixels is not looked at: they need not be read whole.

    Raises
    ------
    PixelHeaderError
    """
    end = pixels.start + pixels.length
    if pixels.length != _UNDEFINED and end < stored.size:
        start = stored.size  # Pixel Data may come again behind it
    implicit, little = syntax.is_implicit_VR, syntax.is_little_endian
    seen = look_over(bytes(stored.view(0, start)), implicit, little)
    if wrong := seen.contradictory.keys() & {*_OPTIONS, *_PIXELS}:
        raise contradiction(min(wrong))


def _raw_elements(ds: FileDataset) -> dict[Tag, _RawElement] | None:
    """Return the elements that decoders are told of; None where one has been converted."""
    raw: dict[Tag, _RawElement] = {}
    for tag in _OPTIONS:
        item: Any = ds.get_item(tag) if tag in ds else None
        if isinstance(item, RawDataElement):
            raw[tag] = item
        elif item is not None:
            return None
    return raw


def _pixels_at(stored: BinaryFile, start: int, syntax: UID) -> tuple[str, str, Pixels] | None:
    """Return keyword, VR and value of the pixel data element that begins at byte `start`."""
    head = bytes(stored.view(start, start + 12))
    if len(head) < 12:
        return None
    order, vr, size = "<" if syntax.is_little_endian else ">", "", 8
    group, element, length = struct.unpack_from(f"{order}HHI", head)
    if not syntax.is_implicit_VR:
        vr, size = head[4:6].decode("latin-1"), 12
        (length,) = struct.unpack_from(f"{order}I", head, 8)
    keyword = _PIXELS.get(group << 16 | element)
    if keyword is None or (vr and vr not in LONG_LENGTH):
        return None
    return keyword, vr, Pixels(stored, start + size, length)


def is_deflated(file: BinaryIO) -> bool:
    """Whether a file, read from its beginning, holds a deflated data set or deflated frames."""
    return _syntax_of(file) in (DeflatedExplicitVRLittleEndian, DEFLATED_FRAMES)


def _syntax_of(file: BinaryIO) -> UID:
    """Return the transfer syntax that File Meta names; empty where there is none."""
    file.seek(0)
    return UID(transfer_syntax_of(file.read(HEAD)), validation_mode=config.IGNORE)


def _is_known(syntax: UID) -> bool:
    """Whether pydicom knows a syntax; a deflated data set it cannot read from a file."""
    return syntax.is_transfer_syntax and not syntax.is_private and not syntax.is_deflated


def _text(element: _RawElement) -> str:
    return (element.value or b"").decode("latin-1").rstrip("\0 ")


def _options(elements: Mapping[Tag, _RawElement], little: bool) -> dict[str, Any] | None:
    """Return the values of elements; None where one is not as the standard has it.

    `Attributes` reads the same elements by other rules: what they mend, pydicom refuses.
    """
    options: dict[str, Any] = {"number_of_frames": 1}
    for tag, element in elements.items():
        value = element.value or b""
        if name := _NUMBERS.get(tag):
            if element.VR not in (None, "US") or len(value) != 2:
                return None
            options[name] = int.from_bytes(value, "little" if little else "big")
        elif tag == Tag.PhotometricInterpretation:
            options["photometric_interpretation"] = _text(element)
        elif tag == Tag.NumberOfFrames:
            text = value.strip(b"\0 ")
            if not text.isdigit() or int(text) == 0:
                return None
            options["number_of_frames"] = int(text)
    tables = [elements[tag].value for tag in _OFFSET_TABLES if tag in elements]
    if len(tables) == len(_OFFSET_TABLES):
        options["extended_offsets"] = tuple(tables)
    return None if len(tables) == 1 else options
