"""The pixel header of one instance, read by pydicom where the index does not serve the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from fastpix.errors import (
    FastpixError,
    NoPixelDataError,
    PixelHeaderError,
    UnsupportedTransferSyntaxError,
)
from fastpix.header.attributes import Attributes, header_error, name_of
from fastpix.header.dataset import parse_dataset
from fastpix.header.header import Header, PixelElement, header_of
from fastpix.header.index import IndexElement
from fastpix.header.large_files import find_large_pixels
from fastpix.header.top_level import TopLevel, look_over
from fastpix.notes import Note, Notes
from fastpix.source.stored import File, Memory, Pixels
from fastpix.standard.syntaxes import NATIVE, syntax_name, uid_name, what_instead
from fastpix.standard.tags import Tag
from fastpix.standard.uids import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMAGE_STORAGE,
    IMPLICIT_VR_LITTLE_ENDIAN,
    RT_DOSE_STORAGE,
)

_ITEMS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
_DELIMITERS = (b"\xfe\xff\xdd\xe0\0\0\0\0", b"\xff\xfe\xe0\xdd\0\0\0\0")
_NO_LENGTH = (
    "Pixel Data (7FE0,0010) has an undefined length, but no items: read as native data up to the "
    "end of the file"
)


class ReadByPydicom(NamedTuple):
    """What `instance.Instance` is made of: the file unless a Dataset was given, else the Dataset.

    It may be the Dataset of a file, too, where that was read whole.
    """

    header: Header
    pixels: Pixels
    stored: Memory | File | None
    dataset: Dataset | None


class _Parsed(NamedTuple):
    """What pydicom has made of a source.

    Attributes
    ----------
    dataset : pydicom.Dataset
    file : Memory or File, optional
        The source itself; None where it was a Dataset, as with the next two.
    stored : Memory or File, optional
        What the positions of elements count in: what the file inflates to, if it is deflated.
    read : Memory, optional
        The bytes that were parsed: those before the pixels, in a large file.
    oddities : sequence of Note
        What was mended to parse them.
    """

    dataset: Dataset
    file: Memory | File | None = None
    stored: Memory | File | None = None
    read: Memory | None = None
    oddities: Sequence[Note] = ()

    @property
    def is_partial(self) -> bool:
        """Whether the dataset lacks the pixels."""
        return self.read is not self.stored


def read_by_pydicom(source: Memory | File | Dataset, max_bytes: int) -> ReadByPydicom:
    """Read the pixel header of one instance, warning of nothing.

    Parameters
    ----------
    source : Memory, File or pydicom.Dataset
    max_bytes : int
        What a deflated data set may inflate to.

    Raises
    ------
    FastpixError
        Its subclasses say what is wrong, and with which attribute.
    """
    parsed = _parse(source, max_bytes)
    dataset, read = parsed.dataset, parsed.read
    notes = Notes()
    for note in parsed.oddities:
        notes.remark(note.text, note.code)
    try:
        syntax = _transfer_syntax(dataset, notes)
        seen = None if read is None else _look_over(read, dataset, notes)
        contradictory = None if seen is None else seen.contradictory
        stream = None if read is None else read.whole()
        little = syntax != EXPLICIT_VR_BIG_ENDIAN
        attributes = Attributes(dataset, notes, little, contradictory, stream)
        tag = _pixel_tag(attributes)
        if tag is None:
            is_cut_off = seen is not None and stream is not None and seen.is_cut_off(stream)
            raise _no_pixels(attributes, is_cut_off)
        pixels, undefined = _pixel_bytes(attributes, tag, parsed.stored)
        encapsulated = syntax not in NATIVE
        if undefined and not encapsulated and not _has_items(pixels):
            notes.remark(_NO_LENGTH, code="HDR_PIXEL_LENGTH_UNDEFINED")
            pixels, undefined = _to_the_end(pixels), False
        if encapsulated != undefined and (undefined or parsed.stored is not None):
            form = "encapsulated" if undefined else "native"
            raise PixelHeaderError(
                tag=Tag.TransferSyntaxUID,
                keyword="TransferSyntaxUID",
                value=syntax,
                reason=f"the syntax does not go with {form} Pixel Data",
                remedy="correct Transfer Syntax UID (0002,0010)",
            )
        element = PixelElement(tag, _vr(attributes, tag), encapsulated, pixels.length)
        header = header_of(attributes, syntax, element)
        pixels = pixels._replace(offsets=_extended_offsets(attributes))
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
    return ReadByPydicom(header, pixels, parsed.file, None if parsed.is_partial else dataset)


def _parse(source: Memory | File | Dataset, max_bytes: int) -> _Parsed:
    if isinstance(source, Dataset):
        return _Parsed(source)
    if (large := _parse_large(source, max_bytes)) is not None:
        return large
    file = Memory(source.whole())
    dataset, stream, oddities = parse_dataset(file.whole(), max_bytes)
    stored = Memory(stream)
    return _Parsed(dataset, file, stored, stored, oddities)


def _parse_large(source: Memory | File, max_bytes: int) -> _Parsed | None:
    """Parse a large file up to its pixels; None where it is to be read whole."""
    large = find_large_pixels(source) if isinstance(source, File) else None
    if large is None:
        return None
    dataset, stream, oddities = parse_dataset(large.head, max_bytes)
    if stream is not large.head or not large.add_pixels(dataset):
        return None
    return _Parsed(dataset, source, source, Memory(large.head), oddities)


def _transfer_syntax(dataset: Dataset, notes: Notes) -> str:
    meta = getattr(dataset, "file_meta", None)
    uid = None if meta is None else Attributes(meta, notes, True).uid(Tag.TransferSyntaxUID)
    if not uid:
        implicit, little = dataset.original_encoding
        if little is False:
            syntax = EXPLICIT_VR_BIG_ENDIAN
        else:
            syntax = EXPLICIT_VR_LITTLE_ENDIAN if implicit is False else IMPLICIT_VR_LITTLE_ENDIAN
        name = syntax_name(syntax)
        notes.remark(
            f"Transfer Syntax UID (0002,0010) is missing: read as {name}",
            code="HDR_TRANSFER_SYNTAX_MISSING",
        )
        return syntax
    if not syntax_name(uid):
        raise UnsupportedTransferSyntaxError(uid, "", what_instead(uid))
    return uid


def _look_over(stored: Memory, dataset: Dataset, notes: Notes) -> TopLevel:
    """Look for what the Dataset does not say, and note what is repeated."""
    implicit, little = dataset.original_encoding
    seen = look_over(stored.whole(), bool(implicit), little is not False)
    for tag in sorted(seen.repeated):
        notes.remark(
            f"{name_of(tag)} occurs more than once, with one value: read once",
            code="HDR_ELEMENT_TWICE",
        )
    return seen


def _pixel_tag(attributes: Attributes) -> Tag | None:
    for tag in (Tag.PixelData, Tag.FloatPixelData, Tag.DoubleFloatPixelData):
        element = attributes.element(tag)
        if element is None:
            continue
        promised = isinstance(element, RawDataElement) and element.length > 0
        if promised or hasattr(element.value, "read") or element.value:
            return tag
    return None


def _no_pixels(attributes: Attributes, is_cut_off: bool) -> NoPixelDataError:
    """Return the error for a data set without pixels, which says whether it should have some."""
    sop_class = attributes.uid(Tag.SOPClassUID)
    meta = getattr(attributes.dataset, "file_meta", None)
    if not sop_class and meta is not None:
        sop_class = Attributes(meta, Notes(), True).uid(Tag.MediaStorageSOPClassUID)
    is_image = sop_class in IMAGE_STORAGE or (
        # Some have a histogram alone.
        sop_class == RT_DOSE_STORAGE and Tag.DVHSequence not in attributes
    )
    is_described = all(tag in attributes for tag in (Tag.Rows, Tag.Columns, Tag.BitsAllocated))
    is_empty = not attributes.dataset.keys()
    return NoPixelDataError(uid_name(sop_class), is_image or is_described or is_empty or is_cut_off)


def _pixel_bytes(
    attributes: Attributes, tag: Tag, stored: Memory | File | None
) -> tuple[Pixels, bool]:
    """Return the pixel data, and whether its length is undefined."""
    element = attributes.element(tag)
    assert element is not None
    assert not isinstance(element, IndexElement)
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
        if isinstance(stored, File):  # it has been left there
            rest = stored.size - element.value_tell
            return Pixels(stored, element.value_tell, min(element.length, rest)), undefined
        if stored is not None:  # the file's own bytes, rather than pydicom's copy of them
            return Pixels(stored, element.value_tell, len(value)), undefined
    else:
        undefined = bool(element.is_undefined_length)
    held = Memory(memoryview(value).cast("B"))
    return Pixels(held, 0, held.size), undefined


def _has_items(pixels: Pixels) -> bool:
    return bytes(pixels.view(0, 4)) in _ITEMS


def _to_the_end(pixels: Pixels) -> Pixels:
    """Return native pixel data up to a delimiter at the end of the file.

    One that pydicom has found further ahead may be made of cells.
    """
    stored, start, _, _ = pixels
    end = stored.size
    if bytes(stored.view(end - 8, end)) in _DELIMITERS:
        end -= 8
    return pixels._replace(length=end - start)


def _vr(attributes: Attributes, tag: Tag) -> str:
    element = attributes.element(tag)
    return "" if element is None or element.VR is None else str(element.VR)


def _extended_offsets(attributes: Attributes) -> tuple[bytes, bytes] | None:
    tables = []
    for tag in (Tag.ExtendedOffsetTable, Tag.ExtendedOffsetTableLengths):
        element = attributes.element(tag)
        if element is None or not isinstance(element.value, bytes) or not element.value:
            return None
        tables.append(element.value)
    return tables[0], tables[1]
