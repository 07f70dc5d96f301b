"""One DICOM instance, its header read: by the index where the file is regular, else by pydicom."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, BinaryIO

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from fastpix.errors import (
    FastpixError,
    NoPixelDataError,
    PixelHeaderError,
    UnsupportedTransferSyntaxError,
    warn_caller,
)
from fastpix.header.attributes import Attributes, header_error
from fastpix.header.dataset import parse_dataset
from fastpix.header.header import Header, PixelElement, settle
from fastpix.header.index import Index, elements_of, find_elements
from fastpix.notes import Note
from fastpix.source.stored import File, Memory, Pixels
from fastpix.standard.syntaxes import NATIVE, syntax_name, uid_name, what_instead
from fastpix.standard.tags import Tag

_KEPT = 256  # headers of regular files: those of a series are nearly all the same


class Instance:
    """One DICOM instance: its header, where its pixels are, and all else when it is asked for.

    Attributes
    ----------
    header : Header
    pixels : Pixels
    index : Index or None
        What was found in a regular file. Other files may have the very same `header` then.
    """

    __slots__ = ("_dataset", "_max_bytes", "_stored", "header", "index", "pixels")

    def __init__(
        self,
        header: Header,
        pixels: Pixels,
        stored: Memory | File | None,
        max_bytes: int,
        index: Index | None = None,
        dataset: Dataset | None = None,
    ) -> None:
        self.header = header
        self.pixels = pixels
        self.index = index
        self._stored = stored
        self._max_bytes = max_bytes
        self._dataset = dataset

    @property
    def source(self) -> bytes | Dataset:
        """All there is to read it again."""
        if self._stored is not None:
            return self._stored.whole()
        assert self._dataset is not None
        return self._dataset

    @property
    def dataset(self) -> Dataset:
        """The data set as pydicom parses it."""
        if self._dataset is None:
            assert self._stored is not None
            self._dataset, _, _ = parse_dataset(self._stored.whole(), self._max_bytes)
        return self._dataset

    @property
    def attributes(self) -> Attributes:
        """The attributes of pixels, identity and geometry, read without a word of oddities."""
        found = None
        index = self.index
        if index is not None and index.is_complete:
            entries = index.pixel_entries + index.scale_entries + index.identity_entries
            found = elements_of(entries, index.implicit)
        return Attributes(
            self.dataset if found is None else found, lambda _text: None, not self.header.big_endian
        )


def read_instance(source: Memory | File | Dataset, max_bytes: int) -> Instance:
    """Read the pixel header of one instance, and warn of its oddities.

    Parameters
    ----------
    source : Memory, File or pydicom.Dataset
    max_bytes : int
        What a deflated data set may inflate to.

    Returns
    -------
    Instance

    Raises
    ------
    FastpixError
        Its subclasses say what is wrong, and with which attribute.
    """
    instance = None
    if not isinstance(source, Dataset):
        instance = _read_regular(source, max_bytes)
    if instance is None:
        instance = _read_by_pydicom(source, max_bytes)
    for note in instance.header.notes:
        if note.oddity:
            warn_caller(note.text)
    return instance


def _read_regular(stored: Memory | File, max_bytes: int) -> Instance | None:
    """Read a file by the index; None where it is not regular, or has no header to be settled."""
    index = find_elements(stored)
    if index is None:
        return None
    header = _known_header(index.pixel_entries + index.scale_entries, index.implicit)
    if header is None:
        return None
    offsets = None
    if index.tables is not None:
        first, second = (bytes(stored.view(at, at + size)) for at, size in index.tables)
        offsets = (first, second) if first and second else None
    pixels = Pixels(stored, index.start, index.length, offsets)
    return Instance(header, pixels, stored, max_bytes, index)


@lru_cache(_KEPT)
def _known_header(entries: bytes, implicit: bool) -> Header | None:
    """Return the header that these elements make; None where they make an error of pydicom's."""
    elements = elements_of(entries, implicit)
    if elements is None:
        return None
    notes: list[Note] = []
    at = Attributes(elements, _remark_in(notes), True)
    syntax = at.text(Tag.TransferSyntaxUID) or ""
    pixels = elements[Tag.PixelData]
    encapsulated = pixels.length == 0xFFFFFFFF
    if not syntax_name(syntax) or encapsulated == (syntax in NATIVE):
        return None
    element = PixelElement(Tag.PixelData, pixels.VR or "", encapsulated, pixels.length)
    try:
        return settle(at, syntax, element, notes)
    except FastpixError:  # read again by pydicom, whose word it shall be
        return None


def _read_by_pydicom(source: Memory | File | Dataset, max_bytes: int) -> Instance:
    held: Memory | None = None
    stored: Memory | None = None
    notes: list[Note] = []
    if isinstance(source, Dataset):
        dataset: Dataset = source
    else:
        held = Memory(source.whole())
        dataset, stream, oddities = parse_dataset(held.whole(), max_bytes)
        stored = Memory(stream)
        notes += [Note(text, oddity=True) for text in oddities]
    try:
        remark = _remark_in(notes)
        syntax = _transfer_syntax(dataset, remark)
        at = Attributes(dataset, remark, syntax != ExplicitVRBigEndian)
        tag = _pixel_tag(at)
        pixels, undefined = _pixel_bytes(at, tag, stored)
        encapsulated = syntax not in NATIVE
        if encapsulated != undefined and (undefined or stored is not None):
            form = "encapsulated" if undefined else "native"
            raise PixelHeaderError(
                tag=Tag.TransferSyntaxUID,
                keyword="TransferSyntaxUID",
                value=syntax,
                reason=f"the syntax does not go with {form} Pixel Data",
                remedy="correct Transfer Syntax UID (0002,0010)",
            )
        element = PixelElement(tag, _vr(at, tag), encapsulated, pixels.length)
        header = settle(at, syntax, element, notes)
        pixels = pixels._replace(offsets=_extended_offsets(at))
    except FastpixError:
        raise
    except Exception as error:  # a conversion inside pydicom
        raise PixelHeaderError(
            tag=None,
            keyword="data set",
            value=type(error).__name__,
            reason="an element cannot be converted",
            remedy="the file is damaged: fetch it again",
        ) from error
    return Instance(header, pixels, held, max_bytes, dataset=dataset)


def _remark_in(notes: list[Note]) -> Callable[[str], None]:
    """Return what adds an oddity to notes, once."""

    def remark(text: str) -> None:
        if Note(text, True) not in notes:
            notes.append(Note(text, True))

    return remark


def _transfer_syntax(dataset: Dataset, remark: Callable[[str], None]) -> str:
    meta = getattr(dataset, "file_meta", None)
    uid = None if meta is None else Attributes(meta, remark, True).text(Tag.TransferSyntaxUID)
    if not uid:
        implicit, little = dataset.original_encoding
        if little is False:
            syntax = ExplicitVRBigEndian
        else:
            syntax = ExplicitVRLittleEndian if implicit is False else ImplicitVRLittleEndian
        remark(f"Transfer Syntax UID (0002,0010) is missing: read as {syntax.name}")
        return str(syntax)
    if not syntax_name(uid):
        raise UnsupportedTransferSyntaxError(uid, "", what_instead(uid))
    return uid


def _pixel_tag(at: Attributes) -> Tag:
    for tag in (Tag.PixelData, Tag.FloatPixelData, Tag.DoubleFloatPixelData):
        element = at.element(tag)
        if element is None:
            continue
        promised = isinstance(element, RawDataElement) and element.length > 0
        if promised or hasattr(element.value, "read") or element.value:
            return tag
    sop_class = uid_name(at.text(Tag.SOPClassUID) or "")
    described = all(tag in at for tag in (Tag.Rows, Tag.Columns, Tag.BitsAllocated))
    raise NoPixelDataError(sop_class, described or _is_cut_off(at))


def _is_cut_off(at: Attributes) -> bool:
    """Whether the data set ends within an element, or before its first."""
    tags = at.dataset.keys()
    elements = [at.element(int(tag)) for tag in tags]
    return not elements or any(
        isinstance(element, RawDataElement)
        and element.length != 0xFFFFFFFF
        and len(element.value or b"") < element.length
        for element in elements
    )


def _pixel_bytes(at: Attributes, tag: Tag, stored: Memory | None) -> tuple[Pixels, bool]:
    """Return the pixel data, and whether its length is undefined."""
    element = at.element(tag)
    assert element is not None
    value: Any = element.value or b""
    if hasattr(value, "read"):  # pydicom's buffered values
        buffer: BinaryIO = value
        start = buffer.tell()
        value = buffer.read()
        buffer.seek(start)
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise header_error(tag, type(value).__name__, "not bytes")
    if isinstance(element, RawDataElement):
        undefined = element.length == 0xFFFFFFFF
        if stored is not None:  # the file's own bytes, rather than pydicom's copy of them
            return Pixels(stored, element.value_tell, len(value)), undefined
    else:
        undefined = bool(element.is_undefined_length)
    held = Memory(memoryview(value).cast("B"))
    return Pixels(held, 0, held.size), undefined


def _vr(at: Attributes, tag: Tag) -> str:
    element = at.element(tag)
    return "" if element is None or element.VR is None else str(element.VR)


def _extended_offsets(at: Attributes) -> tuple[bytes, bytes] | None:
    tables = []
    for tag in (Tag.ExtendedOffsetTable, Tag.ExtendedOffsetTableLengths):
        element = at.element(tag)
        if element is None or not isinstance(element.value, bytes) or not element.value:
            return None
        tables.append(element.value)
    return tables[0], tables[1]
