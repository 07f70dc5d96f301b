"""A file to pydicom's FileDataset: `pydicom.dcmread`, with a compiled reader of plain elements.

pydicom remains the authority. What is compiled is the reading of elements whose form leaves nothing
to decide (`src/_elements.pyx` says which); any other element is read by pydicom's own generator,
from where it begins, and a file whose File Meta is out of the ordinary is read by pydicom alone.
"""

from __future__ import annotations

import re
import struct
from collections.abc import MutableSequence
from io import BufferedReader, BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from pydicom import config
from pydicom.charset import convert_encodings, default_encoding
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filereader import data_element_generator, read_sequence_item
from pydicom.filereader import dcmread as pydicom_dcmread
from pydicom.fileutil import path_from_pathlike
from pydicom.misc import warn_and_log
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import VR
from pydicom.values import convert_string

from fastpix._elements import ITEM_END, SEQUENCE, read_plain
from fastpix.header.file_meta import META, PREAMBLE, has_prefix
from fastpix.header.pydicom_settings import converts_as_it_comes
from fastpix.standard.dictionary import CHARACTER_SETS
from fastpix.standard.tags import Tag

if TYPE_CHECKING:
    from pydicom.filebase import ReadableBuffer
    from pydicom.fileutil import PathType
    from pydicom.tag import TagListType

_Encoding: TypeAlias = str | MutableSequence[str]
_Elements: TypeAlias = dict[BaseTag, RawDataElement | DataElement]

_WINDOW = 2**16  # bytes that are read at a time: the header of most files
_GROUP_LENGTH = BaseTag(Tag.FileMetaInformationGroupLength)
_TRANSFER_SYNTAX = BaseTag(Tag.TransferSyntaxUID)
_CHARACTER_SET = BaseTag(Tag.SpecificCharacterSet)
_ITEM, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_ITEM_GROUP = 0xFFFE
_UNDEFINED = 0xFFFFFFFF
_PIXELS = {Tag.FloatPixelData, Tag.DoubleFloatPixelData, Tag.PixelData}
_UID = re.compile(rb"([0-9.]+)\0?")
_OTHER_ENCODINGS = {ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian}
# Of one value, which pydicom takes without a word.
_CHARSETS = {(name + " " * (len(name) % 2)).encode(): name for name in CHARACTER_SETS if name}
# The fields that `read_plain` fills; a pydicom with others reads all files itself.
_FIELDS = (
    "tag", "VR", "length", "value", "value_tell", "is_implicit_VR", "is_little_endian", "is_raw",
    "is_buffered",
)  # fmt: skip


def dcmread(
    fp: PathType | BinaryIO | ReadableBuffer,
    defer_size: str | int | float | None = None,
    stop_before_pixels: bool = False,
    force: bool = False,
    specific_tags: TagListType | None = None,
) -> FileDataset:
    """Read a DICOM file as `pydicom.dcmread` does, with the same result, two to six times faster.

    The data set is pydicom's own: its elements are raw, and pydicom converts each when it is first
    asked for.

    Parameters
    ----------
    fp : path, binary file or readable buffer
        Other than a path, `open(path, "rb")` or a `io.BytesIO`, it is left to pydicom.
    defer_size : int, str or float, optional
        Larger values are read when they are asked for. Any size leaves the file to pydicom.
    stop_before_pixels : bool
        Leave out Pixel Data, Float and Double Float Pixel Data, and what is behind them.
    force : bool
        Read a file that has no prefix ``DICM``; pydicom does that.
    specific_tags : list of tags or keywords, optional
        Read these alone. Any list leaves the file to pydicom.

    Returns
    -------
    pydicom.dataset.FileDataset
        Little endian, neither deflated nor without File Meta: read here. Others, and all files
        while pydicom has hooks, callbacks or private transfer syntaxes of the caller's, or
        debugs: read by pydicom.

    Raises
    ------
    pydicom.errors.InvalidDicomError
        The prefix ``DICM`` is missing, and not `force`.
    Exception
        Whatever else `pydicom.dcmread` raises.

    Notes
    -----
    Debug messages that pydicom writes to its log are not written. Sequences that are nested more
    than about 190 deep may be read where pydicom raises RecursionError.
    """
    source: Any = path_from_pathlike(fp)
    if (
        defer_size is None
        and not specific_tags
        and RawDataElement._fields == _FIELDS
        and converts_as_it_comes()
    ):
        if isinstance(source, str):
            with open(source, "rb") as file:
                return _read(file, stop_before_pixels, force)
        if type(source) in (BufferedReader, BytesIO):
            return _read(source, stop_before_pixels, force)
    return pydicom_dcmread(fp, defer_size, stop_before_pixels, force, specific_tags)


def _read(file: BufferedReader | BytesIO, stop_before_pixels: bool, force: bool) -> FileDataset:
    """Do what `pydicom.filereader.read_partial` does, in its order."""
    seekable = file.seekable()
    start = file.tell() if seekable else 0
    data = file.read(_WINDOW) if seekable else b""
    meta: _Elements = {}
    at, _, _ = read_plain(data, META, start, -1, False, True, True, meta)
    if not _is_plain_meta(meta, data, at):
        if seekable:
            file.seek(start)
        return pydicom_dcmread(file, stop_before_pixels=stop_before_pixels, force=force)
    _convert(meta, _GROUP_LENGTH, "UL", int.from_bytes(_bytes_of(meta[_GROUP_LENGTH]), "little"))
    syntax = UID(_bytes_of(meta[_TRANSFER_SYNTAX]).rstrip(b"\0").decode("ascii"))
    _convert(meta, _TRANSFER_SYNTAX, "UI", syntax)
    file_meta = FileMetaDataset(meta)
    file_meta.set_original_encoding(False, True, default_encoding)
    implicit = syntax == ImplicitVRLittleEndian
    reader = _Reader(file, start, data, at)
    elements = reader.elements(implicit, default_encoding, pixels=not stop_before_pixels)
    file.seek(reader.base + reader.at)
    _encoding_of(elements, default_encoding)  # for what pydicom warns of
    charset = elements.get(_CHARACTER_SET)
    if charset is not None and _is_known(charset):
        _convert(elements, _CHARACTER_SET, "CS", _CHARSETS[_bytes_of(charset)])
    dataset = FileDataset(file, elements, data[:PREAMBLE], file_meta, implicit, True)
    dataset.set_original_encoding(implicit, True, dataset._character_set)
    return dataset


def _is_plain_meta(meta: _Elements, data: bytes, at: int) -> bool:
    """Whether File Meta, and the data set that begins at byte `at`, are as they should be.

    pydicom begins anew where they are not. Nothing is converted here, so it warns of nothing twice.
    """
    if not has_prefix(data) or not meta or at + 8 > len(data):
        return False
    first = next(iter(meta.values()))
    value = _bytes_of(first)
    if (first.tag, first.VR, len(value)) != (_GROUP_LENGTH, "UL", 4):
        return False
    if int.from_bytes(value, "little") != at - META - 12:  # pydicom makes a note of it
        return False
    uid = meta.get(_TRANSFER_SYNTAX)
    found = None if uid is None or uid.VR != "UI" else _UID.fullmatch(_bytes_of(uid))
    if found is None:
        return False
    syntax = found[1].decode("ascii")
    group, letters = struct.unpack_from("<H2x2s", data, at)
    return (
        syntax not in _OTHER_ENCODINGS
        and 3 <= group < _ITEM_GROUP
        and _is_vr(letters) != (syntax == ImplicitVRLittleEndian)
    )


def _is_vr(letters: bytes) -> bool:
    """Whether pydicom takes two bytes for a VR where it looks for one."""
    return letters.isalpha() and letters.isupper()


def _bytes_of(element: RawDataElement | DataElement) -> bytes:
    return element.value or b""


def _convert(elements: _Elements, tag: BaseTag, vr: str, value: Any) -> None:
    """Convert an element that pydicom converts at once."""
    raw = elements[tag]
    assert isinstance(raw, RawDataElement)
    elements[tag] = DataElement(tag, vr, value, raw.value_tell, already_converted=True)


def _is_known(charset: RawDataElement | DataElement) -> bool:
    """Whether pydicom takes a Specific Character Set without a word, and as it stands."""
    return charset.VR in (None, "CS") and charset.value in _CHARSETS


def _encoding_of(elements: _Elements, encoding: _Encoding) -> _Encoding:
    """Return the encoding of a data set, read within another that has `encoding`."""
    charset = elements.get(_CHARACTER_SET)
    if charset is None:
        return encoding
    if _is_known(charset):
        return convert_encodings(_CHARSETS[_bytes_of(charset)])
    return convert_encodings(convert_raw_data_element(charset).value)  # type: ignore[arg-type]


class _Reader:
    """A data set in a file, read by windows.

    Attributes
    ----------
    file : BufferedReader or BytesIO
    base : int
        Where in the file the window begins.
    data : bytes
        The window.
    at : int
        The byte of the window where the reader stands.
    """

    __slots__ = ("at", "base", "data", "file")

    def __init__(self, file: BufferedReader | BytesIO, base: int, data: bytes, at: int) -> None:
        self.file = file
        self.base = base
        self.data = data
        self.at = at

    def elements(
        self, implicit: bool, encoding: _Encoding, end: int = -1, pixels: bool = True
    ) -> _Elements:
        """Read the elements of a data set, as `pydicom.filereader.read_dataset` does.

        Parameters
        ----------
        implicit : bool
        encoding : str or list of str
            That of the data set around this one.
        end : int
            Where in the file it ends; -1: at a delimiter, or with the file.
        pixels : bool
            Read on at the pixels.
        """
        elements: _Elements = {}
        try:
            self._read_elements(elements, implicit, encoding, end, pixels)
        except EOFError as error:
            if config.settings.reading_validation_mode == config.RAISE:
                raise
            name = getattr(self.file, "name", "<no filename>")
            warn_and_log(f"{error} in file {name}", UserWarning)
            return {}
        except NotImplementedError as error:
            config.logger.error(error)
            return {}
        return elements

    def _read_elements(
        self, elements: _Elements, implicit: bool, encoding: _Encoding, end: int, pixels: bool
    ) -> None:
        while end < 0 or self.base + self.at < end:
            self.at, wanted, tag = read_plain(
                self.data, self.at, self.base, end, implicit, False, pixels, elements
            )
            if tag == _CHARACTER_SET:
                value = _bytes_of(elements[_CHARACTER_SET])
                encoding = convert_encodings(convert_string(value, True))
            elif wanted == ITEM_END:
                self.at += 8
                return
            elif wanted == SEQUENCE and (vr := self._sequence_vr(implicit)):
                self._read_sequence(elements, vr, implicit, encoding)
            elif wanted > 0 and (0 <= end <= self.base + self.at or self._has(wanted)):
                continue
            elif wanted > 0 and self.at + 8 > len(self.data):
                self.at = len(self.data)
                return
            elif not self._read_odd(elements, implicit, encoding, end, pixels):
                return

    def _has(self, size: int) -> bool:
        """Whether the window has `size` bytes from here on, now or once it is moved here."""
        if self.at + size <= len(self.data):
            return True
        if len(self.data) < _WINDOW or size > _WINDOW:
            return False
        self.file.seek(self.base + self.at)
        self._move()
        return size <= len(self.data)

    def _move(self) -> None:
        """Let the window begin where the file stands."""
        self.base, self.at = self.file.tell(), 0
        self.data = self.file.read(_WINDOW)

    def _resume(self) -> None:
        """Go on where pydicom has left the file."""
        at = self.file.tell() - self.base
        if 0 <= at <= len(self.data):
            self.at = at
        else:
            self._move()

    def _read_odd(
        self, elements: _Elements, implicit: bool, encoding: _Encoding, end: int, pixels: bool
    ) -> bool:
        """Let pydicom read an element; False if it finds the end of the data set."""
        self.file.seek(self.base + self.at)
        generator = data_element_generator(
            self.file, implicit, True, None if pixels else _at_pixels, encoding=encoding
        )
        has_charset = False
        try:
            for element in generator:
                elements[element.tag] = element
                # The generator alone knows the charset that it reads.
                has_charset = has_charset or element.tag == _CHARACTER_SET
                if not has_charset or 0 <= end <= self.file.tell():
                    return True
        finally:
            self._resume()
        return False

    def _sequence_vr(self, implicit: bool) -> str | None:
        """Return the VR by which pydicom takes an element of undefined length for a sequence."""
        if not implicit:
            return "SQ"
        try:
            vr = dictionary_VR(self._tag())
        except KeyError:
            return VR.SQ if self.data.startswith(_ITEM, self.at + 8) else None
        return vr if vr == "SQ" else None

    def _tag(self) -> BaseTag:
        group, element = struct.unpack_from("<HH", self.data, self.at)
        return BaseTag(group << 16 | element)

    def _read_sequence(
        self, elements: _Elements, vr: str, implicit: bool, encoding: _Encoding
    ) -> None:
        """Read a sequence of undefined length, as `pydicom.filereader.read_sequence` does."""
        tag = self._tag()
        self.at += 8 if implicit else 12
        start = self.base + self.at
        items = []
        while not self._has(8) or not self.data.startswith(_SEQUENCE_END, self.at):
            position = self.base + self.at
            item = self._read_item(implicit, encoding)
            if item is None:
                break
            item.file_tell = position
            items.append(item)
        else:
            self.at += 8
        sequence = Sequence(items)
        sequence.is_undefined_length = True
        elements[tag] = DataElement(tag, vr, sequence, start, is_undefined_length=True)

    def _read_item(self, implicit: bool, encoding: _Encoding) -> Dataset | None:
        """Read an item of a sequence; None where pydicom finds the end of the sequence."""
        position = self.base + self.at
        if not self._has(14) or not self.data.startswith(_ITEM, self.at):
            self.file.seek(position)
            try:
                return read_sequence_item(self.file, implicit, True, encoding)
            finally:
                self._resume()
        _, length, letters = struct.unpack_from("<LL4x2s", self.data, self.at)
        self.at += 8
        implicit = implicit or not _is_vr(letters)
        end = -1 if length == _UNDEFINED else position + 8 + length
        elements = self.elements(implicit, encoding, end)
        item = Dataset(elements, parent_encoding=encoding)
        item.set_original_encoding(implicit, True, _encoding_of(elements, encoding))
        item.is_undefined_length_sequence_item = length == _UNDEFINED
        item.seq_item_tell = position
        return item


def _at_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag in _PIXELS
