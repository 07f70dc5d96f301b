"""Small DICOM instances, built in memory: well formed by pydicom, malformed byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread, dcmwrite
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)

INSTANCE_UID = "1.2.826.0.1.3680043.10.1"
_LONG_LENGTH = frozenset(
    {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
)
_ZERO_PADDED = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UI", "UN"})
_UNDEFINED = 0xFFFFFFFF


def make_dataset(cells: NDArray[Any] | None = None, **attributes: Any) -> Dataset:
    """Return a well-formed instance holding `cells`.

    Parameters
    ----------
    cells : ndarray, optional
        ``(rows, columns)``, ``(frames, rows, columns)``, with a last axis of 3 where
        ``SamplesPerPixel=3``. Integers of 8, 16 or 32 bits, or floats. By default 0..5 as a 2 x 3
        image of 16 bits.
    **attributes
        By DICOM keyword, in place of what follows from `cells`. None leaves the attribute out.
    """
    if cells is None:
        cells = np.arange(6, dtype=np.uint16).reshape(2, 3)
    samples = attributes.get("SamplesPerPixel") or 1
    shape = cells.shape[:-1] if samples == 3 else cells.shape
    bits = 8 * cells.dtype.itemsize
    stored = attributes.get("BitsStored") or bits
    keyword = "PixelData"
    if cells.dtype.kind == "f":
        keyword = "FloatPixelData" if bits == 32 else "DoubleFloatPixelData"
    values: dict[str, Any] = {
        "SOPClassUID": SecondaryCaptureImageStorage,
        "SOPInstanceUID": INSTANCE_UID,
        "Modality": "OT",
        "SamplesPerPixel": samples,
        "PhotometricInterpretation": "RGB" if samples == 3 else "MONOCHROME2",
        "PlanarConfiguration": 0 if samples == 3 else None,
        "NumberOfFrames": shape[0] if len(shape) == 3 else None,
        "Rows": shape[-2],
        "Columns": shape[-1],
        "BitsAllocated": bits,
        "BitsStored": None if cells.dtype.kind == "f" else stored,
        "HighBit": None if cells.dtype.kind == "f" else stored - 1,
        "PixelRepresentation": None if cells.dtype.kind == "f" else int(cells.dtype.kind == "i"),
        keyword: cells.astype(cells.dtype.newbyteorder("<")).tobytes(),
    }
    values |= attributes
    dataset = Dataset()
    for name, value in values.items():
        if value is not None:
            setattr(dataset, name, value)
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    if len(dataset.get(keyword, b"")) % 2:
        dataset[keyword].value += b"\0"
    return dataset


def make_item(**attributes: Any) -> Dataset:
    """Return a sequence item with these attributes, and no others."""
    item = Dataset()
    for name, value in attributes.items():
        setattr(item, name, value)
    return item


def make_group(**attributes: Any) -> Dataset:
    """Return a functional group with one Pixel Value Transformation of these attributes."""
    return make_item(PixelValueTransformationSequence=[make_item(**attributes)])


def set_raw(dataset: Dataset, tag: int, vr: str | None, value: bytes) -> Dataset:
    """Put an element into `dataset` as a file may hold it, past all of pydicom's checks.

    The value is written as it stands: multi-byte numbers must be in the file's byte order.
    """
    where = Tag(tag)
    dataset[where] = RawDataElement(where, vr, len(value), value, 0, vr is None, True)
    return dataset


def remove(dataset: Dataset, *keywords: str) -> Dataset:
    """Delete elements by keyword."""
    for keyword in keywords:
        delattr(dataset, keyword)
    return dataset


def encode(
    dataset: Dataset,
    syntax: str = ExplicitVRLittleEndian,
    *,
    preamble: bool = True,
    meta: bool = True,
) -> bytes:
    """Return `dataset` as the bytes of a file.

    Parameters
    ----------
    dataset : Dataset
        With little-endian cells; they are swapped where the syntax is big endian.
    syntax : str
        Its transfer syntax; the pixels must be in it already.
    preamble : bool
        Begin with 128 zeros and ``DICM``.
    meta : bool
        Write the File Meta group; without it there is no preamble either.
    """
    written = deepcopy(dataset, dict(_raw_elements(dataset)))
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    if not little and written.get("BitsAllocated") in (16, 32, 64):
        for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
            if keyword in written:
                words = np.frombuffer(written[keyword].value, f"u{written.BitsAllocated // 8}")
                written[keyword].value = words.byteswap().tobytes()
    _keep_raw(correct_ambiguous_vr(written, little), implicit, little)
    buffer = BytesIO()
    if not meta:
        dcmwrite(buffer, written, implicit_vr=implicit, little_endian=little)
        return buffer.getvalue()
    written.file_meta = FileMetaDataset()
    written.file_meta.TransferSyntaxUID = UID(syntax)
    written.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    written.file_meta.MediaStorageSOPInstanceUID = UID(INSTANCE_UID)
    dcmwrite(buffer, written, enforce_file_format=True)
    return buffer.getvalue() if preamble else buffer.getvalue()[132:]


def _raw_elements(dataset: Dataset) -> Iterator[tuple[int, RawDataElement]]:
    """Yield elements that a copy may share, since they never change, in the form of a memo."""
    for each in dataset.elements():
        if isinstance(each, RawDataElement):
            yield id(each), each
        elif each.VR == "SQ":
            for item in each.value:
                yield from _raw_elements(item)


def _keep_raw(dataset: Dataset, implicit: bool, little: bool) -> None:
    """Have pydicom write raw elements as they stand: it does where it believes it has read them."""
    dataset.set_original_encoding(implicit, little, dataset._character_set)
    for each in dataset.elements():
        if isinstance(each, DataElement) and each.VR == "SQ":
            for item in each.value:
                _keep_raw(item, implicit, little)


def encode_frames(dataset: Dataset, syntax: str, frames: Sequence[bytes]) -> bytes:
    """Return the bytes of a file whose Pixel Data is these codestreams, a fragment each."""
    encapsulated = deepcopy(dataset)
    encapsulated.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2) for frame in frames])
    encapsulated["PixelData"].VR = "OB"
    encapsulated["PixelData"].is_undefined_length = True
    return encode(encapsulated, syntax)


def compress(dataset: Dataset, syntax: str) -> bytes:
    """Return the bytes of a file, its pixels encoded by pydicom's encoder for `syntax`."""
    compressed = dcmread(BytesIO(encode(dataset)))
    compressed.compress(UID(syntax), generate_instance_uid=False)
    return encode(compressed, syntax)


def element(
    tag: int, vr: str, value: bytes, *, big_endian: bool = False, implicit: bool = False
) -> bytes:
    """Return one encoded element (PS3.5 7.1.2, 7.1.3), its value padded to even length."""
    order = ">" if big_endian else "<"
    if len(value) % 2:
        value += b"\0" if vr in _ZERO_PADDED else b" "
    head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if implicit:
        return head + struct.pack(f"{order}I", len(value)) + value
    if vr in _LONG_LENGTH:
        return head + vr.encode() + b"\0\0" + struct.pack(f"{order}I", len(value)) + value
    return head + vr.encode() + struct.pack(f"{order}H", len(value)) + value


def sequence(tag: int, items: Iterable[bytes]) -> bytes:
    """Return an encoded sequence, explicit VR little endian, of items that are encoded already."""
    content = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
    return element(tag, "SQ", content)


def encapsulated_element(*fragments: bytes, table: bytes = b"") -> bytes:
    """Return encoded Pixel Data of these fragments behind a Basic Offset Table (PS3.5 A.4)."""
    items = b"".join(
        struct.pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in (table, *fragments)
    )
    head = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, _UNDEFINED)
    return head + items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def file_of(*elements: bytes, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return a file with preamble and File Meta, and behind them these encoded elements."""
    meta = element(0x00020010, "UI", syntax.encode())
    length = element(0x00020000, "UL", struct.pack("<I", len(meta)))
    return b"\0" * 128 + b"DICM" + length + meta + b"".join(elements)


def image_elements(
    *, rows: int = 2, columns: int = 3, bits: int = 16, extra: Iterable[bytes] = ()
) -> list[bytes]:
    """Return the encoded elements of a well-formed image but for its pixels, with `extra` ones.

    Explicit VR little endian, in ascending order; an extra one takes the place of its tag's.
    """
    elements = [
        element(0x00080016, "UI", SecondaryCaptureImageStorage.encode()),
        element(0x00080060, "CS", b"OT"),
        element(0x00280002, "US", struct.pack("<H", 1)),
        element(0x00280004, "CS", b"MONOCHROME2"),
        element(0x00280010, "US", struct.pack("<H", rows)),
        element(0x00280011, "US", struct.pack("<H", columns)),
        element(0x00280100, "US", struct.pack("<H", bits)),
        element(0x00280101, "US", struct.pack("<H", bits)),
        element(0x00280102, "US", struct.pack("<H", bits - 1)),
        element(0x00280103, "US", struct.pack("<H", 0)),
    ]
    by_tag = {struct.unpack_from("<HH", part): part for part in [*elements, *extra]}
    return [by_tag[tag] for tag in sorted(by_tag)]


def jpeg_header(
    *, rows: int, columns: int, samples: int = 1, precision: int = 8, marker: int = 0xC0
) -> bytes:
    """Return the beginning of a JPEG codestream (ITU-T T.81 B.2.2), with no scan behind it."""
    components = b"".join(struct.pack(">BBB", k + 1, 0x11, 0) for k in range(samples))
    frame = struct.pack(">BHHB", precision, rows, columns, samples) + components
    return (
        b"\xff\xd8\xff" + bytes([marker]) + struct.pack(">H", 2 + len(frame)) + frame + b"\xff\xd9"
    )


def undecodable_frame(*, rows: int, columns: int, scan: bytes = b"") -> bytes:
    """Return a JPEG-LS codestream of 16 bits whose headers are sound, and whose scan is not."""
    header = jpeg_header(rows=rows, columns=columns, precision=16, marker=0xF7)[:-2]
    return header + b"\xff\xda\0\x08\1\1\0\0\0\0" + scan + b"\xff\xd9"


def jpeg_2000_header(
    *, rows: int, columns: int, samples: int = 1, precision: int = 16, signed: bool = False
) -> bytes:
    """Return SOC and SIZ of a JPEG 2000 codestream (ITU-T T.800 A.5.1), and EOC."""
    depth = (precision - 1) | (0x80 if signed else 0)
    size = struct.pack(">H8IH", 0, columns, rows, 0, 0, columns, rows, 0, 0, samples)
    size += struct.pack(">BBB", depth, 1, 1) * samples
    return b"\xff\x4f\xff\x51" + struct.pack(">H", 2 + len(size)) + size + b"\xff\xd9"
