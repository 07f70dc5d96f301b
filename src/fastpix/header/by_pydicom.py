"""The pixel header of one instance, read by pydicom where the index does not serve the file."""

from __future__ import annotations

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
from fastpix.header.top_level import TopLevel, look_over
from fastpix.notes import Notes
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


class ReadByPydicom(NamedTuple):
    """What `instance.Instance` is made of, the file's bytes among it unless a Dataset was given."""

    header: Header
    pixels: Pixels
    stored: Memory | None
    dataset: Dataset


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
    held: Memory | None = None
    stored: Memory | None = None
    notes = Notes()
    if isinstance(source, Dataset):
        dataset: Dataset = source
    else:
        held = Memory(source.whole())
        dataset, stream, oddities = parse_dataset(held.whole(), max_bytes)
        stored = Memory(stream)
        for text in oddities:
            notes.remark(text)
    try:
        syntax = _transfer_syntax(dataset, notes)
        seen = None if stored is None else _look_over(stored, dataset, notes)
        contradictory = None if seen is None else seen.contradictory
        attributes = Attributes(dataset, notes, syntax != EXPLICIT_VR_BIG_ENDIAN, contradictory)
        tag = _pixel_tag(attributes)
        if tag is None:
            is_cut_off = stored is not None and seen is not None and seen.is_cut_off(stored.whole())
            raise _no_pixels(attributes, is_cut_off)
        pixels, undefined = _pixel_bytes(attributes, tag, stored)
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
    return ReadByPydicom(header, pixels, held, dataset)


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
        notes.remark(f"Transfer Syntax UID (0002,0010) is missing: read as {name}")
        return syntax
    if not syntax_name(uid):
        raise UnsupportedTransferSyntaxError(uid, "", what_instead(uid))
    return uid


def _look_over(stored: Memory, dataset: Dataset, notes: Notes) -> TopLevel:
    """Look for what the Dataset does not say, and note what is repeated."""
    implicit, little = dataset.original_encoding
    seen = look_over(stored.whole(), bool(implicit), little is not False)
    for tag in sorted(seen.repeated):
        notes.remark(f"{name_of(tag)} occurs more than once, with one value: read once")
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


def _pixel_bytes(attributes: Attributes, tag: Tag, stored: Memory | None) -> tuple[Pixels, bool]:
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
        if stored is not None:  # the file's own bytes, rather than pydicom's copy of them
            return Pixels(stored, element.value_tell, len(value)), undefined
    else:
        undefined = bool(element.is_undefined_length)
    held = Memory(memoryview(value).cast("B"))
    return Pixels(held, 0, held.size), undefined


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
