"""Bytes to pydicom's Dataset; whatever pydicom raises comes out as ours."""

from __future__ import annotations

from io import BytesIO

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from fastpix._index import meta_elements
from fastpix._top_level import top_level
from fastpix.errors import FastpixError, NotDicomError, PixelDataError, PixelHeaderError
from fastpix.header.dcmread import dcmread
from fastpix.header.file_meta import META, PREAMBLE, has_prefix, transfer_syntax_of
from fastpix.header.top_level import data_set_start, find_element
from fastpix.notes import Note
from fastpix.source.inflate import inflate
from fastpix.standard.tags import Tag
from fastpix.standard.uids import GE_IMPLICIT_VR
from fastpix.standard.vrs import LONG_LENGTH, SHORT_LENGTH

_DEFLATED = DeflatedExplicitVRLittleEndian.encode()
_UNDEFINED = 0xFFFFFFFF
_VRS = {vr.encode() for vr in SHORT_LENGTH | LONG_LENGTH}
_DELIMITER = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
_DELIMITER_BIG = b"\xff\xfe\xe0\xdd\x00\x00\x00\x00"
# Groups that a data set of ours may begin with; later ones cannot come first in an image.
_FIRST_GROUPS = {0x0000, 0x0002, 0x0008, 0x0010, 0x0018, 0x0020, 0x0028}
# Heads of Pixel Data of undefined length, what ends it, and whether it is implicit VR, big endian.
_OPEN_PIXELS = (
    (b"\xe0\x7f\x10\0OB\0\0", _DELIMITER, False, False),
    (b"\xe0\x7f\x10\0OW\0\0", _DELIMITER, False, False),
    (b"\xe0\x7f\x10\0", _DELIMITER, True, False),
    (b"\x7f\xe0\0\x10OB\0\0", _DELIMITER_BIG, False, True),
    (b"\x7f\xe0\0\x10OW\0\0", _DELIMITER_BIG, False, True),
)
_SIGNS_OF_AN_INSTANCE = ("SOPClassUID", "SOPInstanceUID", "Modality", "Rows", "PixelData")


def parse_dataset(data: bytes, max_bytes: int) -> tuple[FileDataset, bytes, list[Note]]:
    """Parse a DICOM file held in memory.

    Parameters
    ----------
    data : bytes
        The whole file (PS3.10), or a bare data set as old software writes it.
    max_bytes : int
        What a deflated data set may inflate to.

    Returns
    -------
    dataset : pydicom.dataset.FileDataset
    stream : bytes
        The bytes that positions in `dataset` count in: `data`, or what it inflates to.
    oddities : list of Note
        What was mended to parse them.

    Raises
    ------
    NotDicomError
        The bytes are something else.
    PixelHeaderError, PixelDataError
        They are DICOM, but cannot be parsed or inflated.
    """
    if not len(data):
        raise NotDicomError("the file is empty")
    has_preamble = has_prefix(data)
    if not has_preamble and not _may_be_dataset(data):
        raise NotDicomError("no DICM prefix, and it does not begin like a data set")
    oddities = []
    stream = _with_known_vr(data)
    if stream is not data:
        oddities.append(Note("Pixel Data (7FE0,0010) has VR OX: read as OW", code="HDR_PIXEL_VR"))
        data = stream
    try:
        start = META if has_preamble else 0
        inflated = _inflate(data, start, max_bytes) if _may_be_deflated(data, start) else None
        if inflated is not None:
            dataset, stream = inflated
        elif transfer_syntax_of(data) == GE_IMPLICIT_VR:  # pydicom takes it for explicit VR
            dataset = _read_implicit(data)
        else:
            # pydicom drops Pixel Data that ends with the file in place of its delimiter.
            delimiter = _missing_delimiter(data)
            stream = data + delimiter if delimiter else data
            dataset = dcmread(BytesIO(stream), force=not has_preamble)
            if delimiter and Tag.PixelData in dataset:
                oddities.append(
                    Note(
                        "Pixel Data (7FE0,0010) ends without its delimiter",
                        code="FILE_NO_DELIMITER",
                    )
                )
            if dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
                raise PixelDataError(reason="File Meta hides that the data set is deflated")
        plausible = has_preamble or any(keyword in dataset for keyword in _SIGNS_OF_AN_INSTANCE)
    except FastpixError:
        raise
    except Exception as error:  # pydicom's are of many kinds, RecursionError among them
        if not has_preamble:
            raise NotDicomError("no DICM prefix, and it cannot be read as a data set") from error
        raise PixelHeaderError(
            tag=None,
            keyword="data set",
            value=type(error).__name__,
            reason="its elements cannot be parsed",
            remedy="the file is damaged: fetch it again",
        ) from error
    if not plausible:
        raise NotDicomError("no DICM prefix, and none of the attributes of an instance")
    return dataset, stream, oddities


def _with_known_vr(data: bytes) -> bytes:
    """Return the bytes with VR OW in place of OX, some writers' "OB or OW", for Pixel Data."""
    for head, little in ((b"\xe0\x7f\x10\0OX", True), (b"\x7f\xe0\0\x10OX", False)):
        if head in data:
            value = find_element(data, Tag.PixelData, "OX", implicit=False, little=little)
            if value is not None:
                return data[: value - 8] + b"OW" + data[value - 6 :]
    return data


def _missing_delimiter(data: bytes) -> bytes:
    """Return the delimiter that Pixel Data lacks, as pydicom looks for it; else nothing."""
    start = data_set_start(data)
    for head, delimiter, implicit, big in _OPEN_PIXELS:
        _, end = top_level(data, start, implicit, big, frozenset())
        if data.startswith(head + b"\xff\xff\xff\xff", end) and delimiter[:4] not in data[end:]:
            return delimiter
    return b""


def _may_be_dataset(data: bytes) -> bool:
    """Whether the bytes may be a data set without preamble: a low group, a VR or a length."""
    if len(data) < 8:
        return False
    little = int.from_bytes(data[0:2], "little")
    big = int.from_bytes(data[0:2], "big")
    if data[4:6] in _VRS:
        return little in _FIRST_GROUPS or big in _FIRST_GROUPS
    return little in _FIRST_GROUPS and int.from_bytes(data[4:8], "little") <= len(data) - 8


def _may_be_deflated(data: bytes, start: int) -> bool:
    """Whether the File Meta elements from `start` on name the deflated syntax, or are malformed."""
    for tag, is_known, value, length in meta_elements(data, start):
        if not is_known or length == _UNDEFINED:
            return _DEFLATED in data
        if tag == Tag.TransferSyntaxUID and _DEFLATED in data[value : value + length]:
            return True
    return False


def _inflate(data: bytes, start: int, max_bytes: int) -> tuple[FileDataset, bytes] | None:
    """Parse a deflated data set (PS3.5 A.5) of no more than `max_bytes`; None if it is another one.

    pydicom would inflate it whole, however large.
    """
    file = BytesIO(data)
    meta = _read_meta(file, start)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return None
    stream = inflate(memoryview(data)[file.tell() :], max_bytes)
    preamble = data[:PREAMBLE] if start else None
    return _with_meta(BytesIO(stream), preamble, meta, implicit=False), stream


def _read_implicit(data: bytes) -> FileDataset:
    """Parse a file in implicit VR, whatever its transfer syntax."""
    file = BytesIO(data)
    meta = _read_meta(file, META)
    return _with_meta(file, data[:PREAMBLE], meta, implicit=True)


def _read_meta(file: BytesIO, start: int) -> Dataset:
    file.seek(start)
    return read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 2)


def _with_meta(
    file: BytesIO, preamble: bytes | None, meta: Dataset, *, implicit: bool
) -> FileDataset:
    """Read the data set that begins where a little-endian file stands."""
    elements = read_dataset(file, implicit, True)
    dataset = FileDataset(file, elements, preamble, FileMetaDataset(meta), implicit, True)
    dataset.set_original_encoding(implicit, True)
    return dataset
