"""Every rule of docs/headers.md: header in; header, note or error out."""

from __future__ import annotations

import contextlib
import json
import math
import re
import struct
import tracemalloc
import warnings
from io import BytesIO
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import config, dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)
from support.builders import (
    compress,
    element,
    encapsulated_element,
    encode,
    encode_frames,
    file_of,
    image_elements,
    jpeg_2000_header,
    jpeg_header,
    make_dataset,
    make_group,
    make_item,
    remove,
    sequence,
    set_raw,
    undecodable_frame,
)

import fastpix
from fastpix import (
    ArgumentError,
    DecodeError,
    FastpixError,
    HeaderWarning,
    Image,
    NoPixelDataError,
    NotDicomError,
    PixelDataError,
    PixelHeaderError,
    UnsupportedTransferSyntaxError,
)
from fastpix.header.luts import expand_segments
from fastpix.header.rescale import Rescale
from fastpix.source.opening import SourceLike
from fastpix.standard.tags import Tag

RAMP = np.arange(6, dtype=np.uint16).reshape(2, 3)
FRAMES = np.arange(6, dtype=np.uint16).reshape(3, 1, 2)
SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
GRAMMAR = "not a number by the standard's grammar"


def file_with(cells: NDArray[Any] | None = None, **attributes: Any) -> bytes:
    """A file of `make_dataset`."""
    return encode(make_dataset(cells, **attributes))


def file_raw(tag: int, vr: str, value: bytes, **attributes: Any) -> bytes:
    """A file with one element as it stands, past pydicom's checks."""
    return encode(set_raw(make_dataset(**attributes), tag, vr, value))


def open_odd(source: SourceLike, text: str) -> Image:
    """Open an image that is odd in one way: it warns of it once, and the plan keeps it."""
    with pytest.warns(HeaderWarning, match=re.escape(text)) as caught:
        image = fastpix.open(source)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    notes = image.plan(rescale=False).notes
    assert [note.oddity for note in notes if text in note.text] == [True]
    return image


def note_texts(image: Image) -> list[str]:
    """What the plan reports without having warned of it."""
    return [note.text for note in image.plan().notes if not note.oddity]


def assert_facts(error: PixelHeaderError, tag: int, value: object, reason: str) -> None:
    """Check what an error says of the attribute: tag, keyword, value, reason, remedy."""
    assert error.tag == tag
    assert error.keyword == Tag(tag).name
    assert error.value == value
    assert reason in error.reason
    assert error.remedy
    for said in (
        error.keyword,
        f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
        error.reason,
        error.remedy,
    ):
        assert said in str(error)


def assert_refused(source: SourceLike, tag: int, value: object, reason: str) -> None:
    """Check that the header alone is reason enough to refuse the image."""
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.open(source)
    assert_facts(caught.value, tag, value, reason)


def assert_no_rescale(source: SourceLike, tag: int, value: object, reason: str) -> None:
    """Check that rescaled values are refused and stored ones are not."""
    with warnings.catch_warnings(action="ignore"):
        image = fastpix.open(source)
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert_facts(caught.value, tag, value, reason)
    with pytest.raises(PixelHeaderError):
        image.read()
    assert "rescale=False" in caught.value.remedy
    assert image.read(rescale=False).tolist() == image.stored().tolist()


def us(*values: int) -> bytes:
    """Values of VR US, little endian."""
    return struct.pack(f"<{len(values)}H", *values)


# Rows, Columns


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_rows_and_columns(syntax: str) -> None:
    header = fastpix.open(encode(make_dataset(), syntax)).header
    assert (header.rows, header.columns) == (2, 3)


@pytest.mark.parametrize("tag", [Tag.Rows, Tag.Columns])
class TestDimension:
    def test_missing(self, tag: Tag) -> None:
        assert_refused(encode(remove(make_dataset(), tag.name)), tag, None, "at least one")

    @pytest.mark.parametrize(
        ("vr", "raw", "value", "reason"),
        [
            ("US", b"", None, "at least one"),
            ("US", us(0), 0, "at least one"),
            ("SS", b"\xff\xff", -1, "at least one"),
            ("US", us(2, 3), [2.0, 3.0], "several values that differ"),
            ("US", b"\2\0\2", "3 bytes", "2 bytes a value"),
            ("IS", b"two ", "two", GRAMMAR),
            ("DS", b"2.5 ", 2.5, "not a whole number"),
        ],
    )
    @pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")
    def test_error(self, tag: Tag, vr: str, raw: bytes, value: object, reason: str) -> None:
        assert_refused(file_raw(tag, vr, raw), tag, value, reason)

    @pytest.mark.parametrize(
        ("vr", "raw"),
        [
            ("UL", struct.pack("<I", 1)),
            ("SS", us(1)),
            ("FD", struct.pack("<d", 1)),
            ("UN", us(1)),
            ("IS", b"1 "),
            ("LO", b"1.0 "),
        ],
    )
    def test_other_vr(self, tag: Tag, vr: str, raw: bytes) -> None:
        source = file_raw(tag, vr, raw, cells=np.zeros((1, 1), np.uint16))
        header = open_odd(source, f"{tag.name} ").header
        assert (header.rows, header.columns) == (1, 1)

    def test_repeated(self, tag: Tag) -> None:
        source = file_raw(tag, "US", us(1, 1), cells=np.zeros((1, 1), np.uint16))
        assert open_odd(source, "repeats one value 2 times").header.rows == 1


# SamplesPerPixel


@pytest.mark.parametrize("samples", [1, 3])
def test_samples_per_pixel(samples: int) -> None:
    cells = np.arange(6, dtype=np.uint8).reshape(1, 2, 3) if samples == 3 else RAMP
    assert fastpix.open(file_with(cells, SamplesPerPixel=samples)).header.samples == samples


@pytest.mark.parametrize("empty", [False, True])
def test_samples_per_pixel_missing(empty: bool) -> None:
    dataset = remove(make_dataset(), "SamplesPerPixel")
    source = encode(set_raw(dataset, Tag.SamplesPerPixel, "US", b"") if empty else dataset)
    image = open_odd(source, "SamplesPerPixel (0028,0002) is missing: read as 1")
    assert image.header.samples == 1


@pytest.mark.parametrize("samples", [0, 2, 4])
def test_samples_per_pixel_error(samples: int) -> None:
    source = file_raw(Tag.SamplesPerPixel, "US", us(samples))
    assert_refused(source, Tag.SamplesPerPixel, samples, "1 or 3")


# BitsAllocated


@pytest.mark.parametrize(
    "cells",
    [
        np.array([[1, 2]], np.uint8),
        np.array([[1, 2]], np.uint16),
        np.array([[1, 2]], np.uint32),
        np.array([[1.5, 2]], np.float32),
        np.array([[1.5, 2]], np.float64),
    ],
    ids=str,
)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_bits_allocated(cells: NDArray[Any], syntax: str) -> None:
    image = fastpix.open(encode(make_dataset(cells), syntax))
    assert image.header.bits_allocated == 8 * cells.dtype.itemsize
    assert image.header.is_float == (cells.dtype.kind == "f")
    np.testing.assert_array_equal(image.stored(), cells)


def test_bits_allocated_1() -> None:
    source = file_with(BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=b"\x15\0")
    assert fastpix.open(source).stored().tolist() == [[1, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize("bits", [None, 0, 2, 12, 24, 128])
def test_bits_allocated_error(bits: int | None) -> None:
    source = file_raw(Tag.BitsAllocated, "US", b"" if bits is None else us(bits))
    assert_refused(source, Tag.BitsAllocated, bits, "1, 8, 16 or 32 bits")


def test_bits_allocated_missing() -> None:
    source = encode(remove(make_dataset(), "BitsAllocated"), ImplicitVRLittleEndian)
    assert_refused(source, Tag.BitsAllocated, None, "1, 8, 16 or 32 bits")


def test_bits_allocated_64_integers() -> None:
    source = file_with(np.zeros((1, 1), np.uint64))
    assert_refused(source, Tag.BitsAllocated, 64, "float64 cannot hold integers of 64 bits")


@pytest.mark.parametrize(("dtype", "wrong"), [("f4", 64), ("f4", 16), ("f8", 32), ("f8", None)])
def test_bits_allocated_of_float_data(dtype: str, wrong: int | None) -> None:
    source = file_with(np.zeros((1, 2), dtype), BitsAllocated=wrong)
    assert_refused(source, Tag.BitsAllocated, wrong, "bits a value")


# BitsStored, HighBit, PixelRepresentation


@pytest.mark.parametrize("stored", [1, 10, 12, 16])
def test_bits_stored(stored: int) -> None:
    header = fastpix.open(file_with(BitsStored=stored)).header
    assert (header.bits_stored, header.high_bit) == (stored, stored - 1)


@pytest.mark.parametrize(("raw", "what"), [(None, "missing"), (b"", "missing"), (us(0), "0")])
def test_bits_stored_missing(raw: bytes | None, what: str) -> None:
    dataset = make_dataset()
    if raw is None:
        remove(dataset, "BitsStored")
    else:
        set_raw(dataset, Tag.BitsStored, "US", raw)
    text = f"BitsStored (0028,0101) is {what}: read as BitsAllocated, 16"
    assert open_odd(encode(dataset), text).header.bits_stored == 16


@pytest.mark.parametrize("stored", [17, 32, 65535])
def test_bits_stored_too_large(stored: int) -> None:
    source = file_raw(Tag.BitsStored, "US", us(stored))
    assert_refused(source, Tag.BitsStored, stored, "1..16")


@pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")
def test_bits_stored_negative() -> None:
    assert_refused(file_raw(Tag.BitsStored, "SS", b"\xff\xff"), Tag.BitsStored, -1, "1..16")


@pytest.mark.parametrize("high", [11, 12, 15])
def test_high_bit(high: int) -> None:
    cells = (RAMP << np.uint16(high - 11)).astype(np.uint16)
    image = fastpix.open(file_with(cells, BitsStored=12, HighBit=high))
    assert image.header.high_bit == high
    np.testing.assert_array_equal(image.stored(), RAMP)


@pytest.mark.parametrize(("high", "what"), [(None, "missing"), (10, "10"), (16, "16"), (0, "0")])
def test_high_bit_odd(high: int | None, what: str) -> None:
    image = open_odd(file_with(BitsStored=12, HighBit=high), f"HighBit (0028,0102) is {what}")
    assert image.header.high_bit == 11
    np.testing.assert_array_equal(image.stored(), RAMP)


@pytest.mark.parametrize("representation", [0, 1])
def test_pixel_representation(representation: int) -> None:
    header = fastpix.open(file_with(PixelRepresentation=representation)).header
    assert header.signed == bool(representation)


@pytest.mark.parametrize("empty", [False, True])
def test_pixel_representation_missing(empty: bool) -> None:
    dataset = remove(make_dataset(), "PixelRepresentation")
    if empty:
        set_raw(dataset, Tag.PixelRepresentation, "US", b"")
    text = "PixelRepresentation (0028,0103) is missing: read as 0"
    assert open_odd(encode(dataset), text).header.signed is False


@pytest.mark.parametrize("value", [2, 255])
def test_pixel_representation_error(value: int) -> None:
    source = file_raw(Tag.PixelRepresentation, "US", us(value))
    assert_refused(source, Tag.PixelRepresentation, value, "0 or 1")


def test_float_data_need_no_bits_stored() -> None:
    header = fastpix.open(file_with(np.zeros((1, 2), np.float32))).header
    assert (header.is_float, header.bits_allocated) == (True, 32)


# PhotometricInterpretation


@pytest.mark.parametrize(
    ("raw", "settled"),
    [
        (b"MONOCHROME2 ", "MONOCHROME2"),
        (b"monochrome1 ", "MONOCHROME1"),
        (b"  Monochrome2\0", "MONOCHROME2"),
        (b"MONOCHROME1\0", "MONOCHROME1"),
    ],
)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_photometric_interpretation(raw: bytes, settled: str, syntax: str) -> None:
    dataset = set_raw(make_dataset(), Tag.PhotometricInterpretation, "CS", raw)
    assert fastpix.open(encode(dataset, syntax)).header.photometric == settled


@pytest.mark.parametrize(("samples", "settled"), [(1, "MONOCHROME2"), (3, "RGB")])
@pytest.mark.parametrize("raw", [None, b"", b"  "])
def test_photometric_interpretation_missing(samples: int, settled: str, raw: bytes | None) -> None:
    cells = np.arange(6, dtype=np.uint8).reshape(1, 2, 3) if samples == 3 else RAMP
    dataset = make_dataset(cells, SamplesPerPixel=samples)
    if raw is None:
        remove(dataset, "PhotometricInterpretation")
    else:
        set_raw(dataset, Tag.PhotometricInterpretation, "CS", raw)
    text = f"PhotometricInterpretation (0028,0004) is missing: read as {settled}"
    image = open_odd(encode(dataset), text)
    assert image.header.photometric == settled
    assert image.read().tolist() == cells.tolist()


@pytest.mark.parametrize(
    ("photometric", "samples"),
    [
        ("MONOCHROME1", 3),
        ("MONOCHROME2", 3),
        ("PALETTE COLOR", 3),
        ("RGB", 1),
        ("YBR_FULL", 1),
    ],
)
def test_photometric_interpretation_contradicts(photometric: str, samples: int) -> None:
    cells = np.zeros((1, 2, 3) if samples == 3 else (1, 2), np.uint8)
    source = file_with(cells, SamplesPerPixel=samples, PhotometricInterpretation=photometric)
    assert_refused(source, Tag.PhotometricInterpretation, photometric, f"not {samples}")


@pytest.mark.parametrize("photometric", ["HSV", "MONOCHROME3"])
def test_photometric_interpretation_unknown(photometric: str) -> None:
    image = fastpix.open(file_with(PhotometricInterpretation=photometric))
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert_facts(caught.value, Tag.PhotometricInterpretation, photometric, "cannot be converted")
    np.testing.assert_array_equal(image.stored(), RAMP)  # as the remedy says


# PlanarConfiguration


def test_planar_configuration_missing() -> None:
    cells = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    source = file_with(cells, SamplesPerPixel=3, PlanarConfiguration=None)
    image = open_odd(source, "PlanarConfiguration (0028,0006) is missing: read as 0")
    np.testing.assert_array_equal(image.stored(), cells)


def test_planar_configuration_error() -> None:
    cells = np.zeros((1, 2, 3), np.uint8)
    source = file_with(cells, SamplesPerPixel=3, PlanarConfiguration=2)
    assert_refused(source, Tag.PlanarConfiguration, 2, "0 or 1")


# NumberOfFrames


@pytest.mark.parametrize(
    ("raw", "frames"),
    [
        (b"3 ", 3),
        (b"3.0 ", 3),
        (b"+3", 3),
        (b" 3\0\0", 3),
        (b"1 ", 1),
        (b"1.0 ", 1),
        (b"0 ", 1),
        (b"-0", 1),
        (b"", 1),
        (b"  ", 1),
    ],
)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_number_of_frames(raw: bytes, frames: int, syntax: str) -> None:
    cells = np.zeros((frames, 1, 2), np.uint16)
    dataset = set_raw(make_dataset(cells), Tag.NumberOfFrames, "IS", raw)
    image = fastpix.open(encode(dataset, syntax))
    assert image.header.frames == len(image) == frames
    assert image.read().shape == ((frames, 1, 2) if frames > 1 else (1, 2))


def test_number_of_frames_missing() -> None:
    assert fastpix.open(file_with(NumberOfFrames=None)).header.frames == 1


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        (b"-1", -1, "not negative"),
        (b"abc ", "abc", GRAMMAR),
        (b"1_0 ", "1_0", GRAMMAR),
        (b"0x1 ", "0x1", GRAMMAR),
        (b"nan ", "nan", GRAMMAR),
        (b"1.5 ", 1.5, "not a whole number"),
        (b"1e400 ", "inf", "not a finite number"),
        (b"1\\2 ", [1.0, 2.0], "several values that differ"),
    ],
)
def test_number_of_frames_error(raw: bytes, value: object, reason: str) -> None:
    source = file_raw(Tag.NumberOfFrames, "IS", raw)
    assert_refused(source, Tag.NumberOfFrames, value, reason)


@pytest.mark.parametrize("frames", [b"99999999999999999999 ", b"1e300 ", b"99999999999"])
@pytest.mark.parametrize("encapsulated", [False, True])
def test_number_of_frames_beyond_reason(frames: bytes, encapsulated: bool) -> None:
    """The count alone must not make us ask for memory."""
    dataset = set_raw(make_dataset(), Tag.NumberOfFrames, "IS", frames)
    frame = bytes(64)
    source = encode_frames(dataset, RLELossless, [frame]) if encapsulated else encode(dataset)
    with pytest.raises(FastpixError):
        fastpix.imread(source)


# RescaleSlope, RescaleIntercept


def rescale_of(source: SourceLike) -> tuple[Rescale, ...]:
    """The rescales of an image without oddities."""
    return fastpix.open(source).header.rescales


@pytest.mark.parametrize(
    ("slope", "intercept", "expected"),
    [
        (b"2.5 ", b"-1024 ", (2.5, -1024)),
        (b" 2.5", b"1\0", (2.5, 1)),
        (b"\x0002.5\0 ", b"  ", (2.5, 0)),
        (None, None, (1, 0)),
        (b"", b"", (1, 0)),
        (None, b"-7", (1, -7)),  # an intercept without slope counts
        (b"", b"-7", (1, -7)),
        (b"3 ", None, (3, 0)),
        (b"-1", b"10", (-1, 10)),
        (b"+1.E+1", b".5", (10, 0.5)),
        (b"1e-3", b"-0", (0.001, 0)),
        (b"0.1\\", b"\\3", (0.1, 3)),  # an empty value is none
    ],
)
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("place", ["top level", "shared", "per frame"])
def test_rescale(
    slope: bytes | None,
    intercept: bytes | None,
    expected: tuple[float, float],
    syntax: str,
    place: str,
) -> None:
    item = Dataset()
    if slope is not None:
        set_raw(item, Tag.RescaleSlope, "DS", slope)
    if intercept is not None:
        set_raw(item, Tag.RescaleIntercept, "DS", intercept)
    dataset = make_dataset()
    if place == "top level":
        dataset.update(item)
    else:
        group = make_item(PixelValueTransformationSequence=[item])
        name = "SharedFunctionalGroupsSequence"
        name = name if place == "shared" else "PerFrameFunctionalGroupsSequence"
        setattr(dataset, name, [group])
    image = fastpix.open(encode(dataset, syntax))
    assert [rescale[:2] for rescale in image.header.rescales] == [expected]
    assert math.copysign(1, image.header.rescales[0].intercept) == (-1 if expected[1] < 0 else 1)
    want = RAMP.astype(np.float64) * expected[0] + expected[1]
    np.testing.assert_array_equal(image.read(dtype="float64"), want)
    np.testing.assert_array_equal(image.read(rescale=False), RAMP)


BAD_NUMBERS = [
    (b"nan ", "nan", GRAMMAR),
    (b"NaN ", "NaN", GRAMMAR),
    (b"inf ", "inf", GRAMMAR),
    (b"-Infinity ", "-Infinity", GRAMMAR),
    (b"1_0 ", "1_0", GRAMMAR),
    (b"0x10", "0x10", GRAMMAR),
    (b"1e400 ", "inf", "not a finite number"),
    (b"-1e400", "-inf", "not a finite number"),
    (b"abc ", "abc", GRAMMAR),
    (b"1 HU", "1 HU", GRAMMAR),
    (b"1.2.3 ", "1.2.3", GRAMMAR),
    (b"1,2,3 ", "1,2,3", GRAMMAR),
    (b"1.2,3 ", "1.2,3", GRAMMAR),
    (b"1e", "1e", GRAMMAR),
    (b"--1 ", "--1", GRAMMAR),
    (b"1\t", "1\t", GRAMMAR),
    (b".", ".", GRAMMAR),
    (b"\xd9\xa1", "\xd9\xa1", GRAMMAR),  # an Arabic-Indic digit, which float() accepts
    (b"1\\2 ", [1.0, 2.0], "several values that differ"),
    (b"1\\x ", "x", GRAMMAR),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "value", "reason"), BAD_NUMBERS)
@pytest.mark.parametrize("tag", [Tag.RescaleSlope, Tag.RescaleIntercept])
@pytest.mark.parametrize("place", ["top level", "shared", "per frame"])
def test_rescale_error(tag: Tag, raw: bytes, value: object, reason: str, place: str) -> None:
    item = set_raw(Dataset(), tag, "DS", raw)
    dataset = make_dataset()
    if place == "top level":
        dataset.update(item)
    elif place == "shared":
        dataset.SharedFunctionalGroupsSequence = [
            make_item(PixelValueTransformationSequence=[item])
        ]
    else:
        dataset.PerFrameFunctionalGroupsSequence = [
            make_item(PixelValueTransformationSequence=[item])
        ]
    assert_no_rescale(encode(dataset), tag, value, reason)


@pytest.mark.parametrize("raw", [b"nan ", b"1_0 ", b"inf ", b"0x10"])
@pytest.mark.parametrize("route", ["implicit", "big endian", "read", "touched", "made"])
def test_rescale_grammar_is_the_same_by_all_routes(raw: bytes, route: str) -> None:
    dataset = set_raw(make_dataset(), Tag.RescaleSlope, "DS", raw)
    source: SourceLike
    if route == "implicit":
        source = encode(dataset, ImplicitVRLittleEndian)
    elif route == "big endian":
        source = encode(dataset, ExplicitVRBigEndian)
    else:
        parsed = dcmread(BytesIO(encode(dataset)))
        if route == "made":
            text = raw.decode().strip()
            parsed[Tag.RescaleSlope] = (
                DataElement(Tag.RescaleSlope, "DS", text, validation_mode=config.IGNORE)
                if text != "0x10"
                else DataElement(Tag.RescaleSlope, "LO", text)
            )
        elif route == "touched" and raw != b"0x10":  # which pydicom cannot convert
            with warnings.catch_warnings(action="ignore"):
                assert parsed.RescaleSlope is not None
        source = parsed
    with warnings.catch_warnings(action="ignore"):
        image = fastpix.open(source)
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert_facts(caught.value, Tag.RescaleSlope, raw.decode().strip(), GRAMMAR)


@pytest.mark.parametrize("slope", [b"0 ", b"0.0 ", b"-0", b"0e5 "])
@pytest.mark.parametrize("modality", ["CT", "MR", "NM"])
def test_slope_0_is_a_vendors_way_to_say_absent(slope: bytes, modality: str) -> None:
    source = file_raw(Tag.RescaleSlope, "DS", slope, Modality=modality, RescaleIntercept="5")
    image = open_odd(source, "RescaleSlope (0028,1053) is 0")
    assert image.header.rescales[0][:2] == (1, 5)
    np.testing.assert_array_equal(image.read(), RAMP + 5)


def test_slope_0_in_a_functional_group() -> None:
    groups = [make_group(RescaleSlope="0", RescaleIntercept="5")]
    image = open_odd(file_with(SharedFunctionalGroupsSequence=groups), "RescaleSlope (0028,1053)")
    assert image.header.rescales[0][:2] == (1, 5)


@pytest.mark.parametrize("place", ["top level", "shared", "per frame"])
def test_slope_0_of_pt_would_pass_counts_off_as_activity(place: str) -> None:
    attributes: dict[str, Any] = {"RescaleSlope": "0"}
    if place == "shared":
        attributes = {"SharedFunctionalGroupsSequence": [make_group(RescaleSlope="0")]}
    elif place == "per frame":
        attributes = {"PerFrameFunctionalGroupsSequence": [make_group(RescaleSlope="0")]}
    source = file_with(Modality="PT", **attributes)
    assert_no_rescale(source, Tag.RescaleSlope, 0, "counts off as activity")


def test_slope_that_only_underflows_to_0_is_not_0() -> None:
    """1e-400 is no vendor's way to say absent; float64 cannot hold it."""
    image = fastpix.open(file_raw(Tag.RescaleSlope, "DS", b"1e-400"))
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert caught.value.tag == Tag.RescaleSlope


@pytest.mark.parametrize(
    ("vr", "raw", "value"),
    [
        ("LO", b"2.5 ", 2.5),
        ("SH", b"-2.5", -2.5),
        ("CS", b"2 ", 2),
        ("IS", b"2.5 ", 2.5),
        ("UT", b"2.5 ", 2.5),
        ("UN", b"2.5 ", 2.5),
        ("OB", b"2.5\0", 2.5),
        ("FD", struct.pack("<d", 0.1), 0.1),
        ("FL", struct.pack("<f", 2.5), 2.5),
        ("US", us(40000), 40000),
        ("SS", struct.pack("<h", -3), -3),
        ("UL", struct.pack("<I", 70000), 70000),
        ("SL", struct.pack("<i", -70000), -70000),
        ("US", b"2.5", 2.5),  # text that claims to be binary, of a length that binary cannot have
        ("FD", b"-1024 ", -1024),
    ],
)
@pytest.mark.parametrize("tag", [Tag.RescaleSlope, Tag.RescaleIntercept])
def test_rescale_in_another_vr(tag: Tag, vr: str, raw: bytes, value: float) -> None:
    image = open_odd(file_raw(tag, vr, raw), f"{tag.name} ")
    rescale = image.header.rescales[0]
    assert (rescale.slope if tag is Tag.RescaleSlope else rescale.intercept) == value
    assert f"VR {vr}" in image.header.notes[0].text


@pytest.mark.parametrize(("vr", "raw"), [("US", b"25"), ("FL", b"1234"), ("FD", b"2.500000")])
def test_rescale_that_may_be_text_or_binary_is_refused(vr: str, raw: bytes) -> None:
    source = file_raw(Tag.RescaleSlope, vr, raw)
    assert_no_rescale(source, Tag.RescaleSlope, f"{len(raw)} bytes", "may be text")


def test_rescale_in_another_vr_big_endian() -> None:
    dataset = set_raw(make_dataset(), Tag.RescaleSlope, "FD", struct.pack(">d", 2.5))
    image = open_odd(encode(dataset, ExplicitVRBigEndian), "VR FD in place of DS")
    assert image.header.rescales[0].slope == 2.5


@pytest.mark.parametrize(
    ("vr", "raw", "value", "reason"),
    [
        ("LO", b"high", "high", GRAMMAR),
        ("FD", struct.pack("<d", math.nan), "nan", "not a finite number"),
        ("FD", struct.pack("<d", math.inf), "inf", "not a finite number"),
        ("FL", struct.pack("<f", -math.inf), "-inf", "not a finite number"),
        ("FD", b"\1\2\3\4", "4 bytes", "8 bytes a value"),
        ("FD", struct.pack("<2d", 1, 2), [1.0, 2.0], "several values that differ"),
    ],
)
@pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")
def test_rescale_in_another_vr_error(vr: str, raw: bytes, value: object, reason: str) -> None:
    assert_no_rescale(file_raw(Tag.RescaleSlope, vr, raw), Tag.RescaleSlope, value, reason)


def test_rescale_in_another_vr_of_a_dataset_that_pydicom_has_converted() -> None:
    dataset = dcmread(BytesIO(file_raw(Tag.RescaleSlope, "LO", b"2.5 ")))
    assert dataset.RescaleSlope == "2.5"
    image = open_odd(dataset, "VR LO in place of DS")
    assert image.header.rescales[0].slope == 2.5


@pytest.mark.parametrize(("raw", "value"), [(b"0,5 ", 0.5), (b"-1,25 ", -1.25), (b"+2,5e1 ", 25.0)])
@pytest.mark.parametrize("tag", [Tag.RescaleSlope, Tag.RescaleIntercept])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_decimal_comma(tag: Tag, raw: bytes, value: float, syntax: str) -> None:
    source = encode(set_raw(make_dataset(), tag, "DS", raw), syntax)
    rescale = open_odd(source, f"{tag.name} (0028,{tag & 0xFFFF:04X}) has a decimal comma").header
    assert rescale.rescales[0][tag is Tag.RescaleIntercept] == value


@pytest.mark.parametrize("raw", [b"2\\2 ", b"2\\2.0 ", b"2\\2\\2 "])
@pytest.mark.parametrize("tag", [Tag.RescaleSlope, Tag.RescaleIntercept])
def test_equal_repeated_values_are_one(tag: Tag, raw: bytes) -> None:
    image = open_odd(file_raw(tag, "DS", raw), f"repeats one value {raw.count(b'2')} times")
    assert image.header.rescales[0][tag is Tag.RescaleIntercept] == 2


def test_two_oddities_are_two_warnings() -> None:
    dataset = set_raw(make_dataset(), Tag.RescaleSlope, "LO", b"2,5 ")
    with pytest.warns(HeaderWarning) as caught:
        image = fastpix.open(encode(dataset))
    assert sorted(str(w.message) for w in caught) == sorted(
        note.text for note in image.plan().notes if note.oddity
    )
    assert len(caught) == 2
    assert image.header.rescales[0].slope == 2.5


def test_notes_quote_no_text_of_the_file() -> None:
    dataset = make_dataset(RescaleType="Doe^John", WindowCenterWidthExplanation="Doe^John")
    set_raw(dataset, Tag.RescaleSlope, "LO", b"2,5 ")
    with pytest.warns(HeaderWarning):
        image = fastpix.open(encode(dataset))
    assert "Doe" not in json.dumps(image.plan().to_dict(), allow_nan=False)
    assert "2,5" not in json.dumps(image.plan().to_dict())


# DoseGridScaling


@pytest.mark.parametrize(("raw", "scaling"), [(b"0.001 ", 0.001), (b"2e-5", 2e-5), (b" 3", 3)])
@pytest.mark.parametrize("modality", ["RTDOSE", "rtdose "])
def test_dose_grid_scaling_is_the_slope(raw: bytes, scaling: float, modality: str) -> None:
    dataset = make_dataset(DoseUnits="GY")
    set_raw(dataset, Tag.Modality, "CS", modality.encode())
    image = fastpix.open(encode(set_raw(dataset, Tag.DoseGridScaling, "DS", raw)))
    assert [r[:2] for r in image.header.rescales] == [(scaling, 0)]
    assert image.plan().unit == "GY"
    np.testing.assert_array_equal(image.read(dtype="float64"), RAMP * scaling)


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        (None, None, "no dose without it"),
        (b"", None, "no dose without it"),
        (b"0 ", 0, "no dose without it"),
        (b"-1", -1, "no dose without it"),
        *BAD_NUMBERS,
    ],
)
def test_dose_grid_scaling_error(raw: bytes | None, value: object, reason: str) -> None:
    dataset = make_dataset(Modality="RTDOSE")
    if raw is not None:
        set_raw(dataset, Tag.DoseGridScaling, "DS", raw)
    assert_no_rescale(encode(dataset), Tag.DoseGridScaling, value, reason)


def test_dose_grid_scaling_of_another_modality_is_not_applied() -> None:
    image = open_odd(file_with(DoseGridScaling="2"), "no RTDOSE: not applied")
    assert image.header.rescales[0].slope == 1


def test_dose_grid_scaling_with_a_decimal_comma() -> None:
    source = file_raw(Tag.DoseGridScaling, "DS", b"0,5 ", Modality="RTDOSE")
    assert open_odd(source, "DoseGridScaling (3004,000E)").header.rescales[0].slope == 0.5


# ModalityLUTSequence


def lut_item(descriptor: bytes | None, data: bytes | None, vr: str = "US") -> Dataset:
    """An item of a Modality LUT Sequence, little endian."""
    item = make_item(ModalityLUTType="US")
    if descriptor is not None:
        set_raw(item, Tag.LUTDescriptor, vr, descriptor)
    if data is not None:
        set_raw(item, Tag.LUTData, "OW", data)
    return item


def test_modality_lut_maps_and_clips() -> None:
    item = lut_item(us(3, 1, 16), us(100, 200, 60000))
    image = fastpix.open(file_with(ModalityLUTSequence=[item]))
    assert image.header.modality_lut is not None
    assert image.read().tolist() == [[100, 100, 200], [60000, 60000, 60000]]
    np.testing.assert_array_equal(image.read(rescale=False), RAMP)
    assert note_texts(image) == []


def test_modality_lut_takes_the_place_of_slope_and_intercept() -> None:
    item = lut_item(us(1, 0, 16), us(7))
    source = file_with(ModalityLUTSequence=[item], RescaleSlope="3", RescaleIntercept="-1024")
    image = open_odd(source, "takes the place of Rescale Slope and Intercept")
    assert image.read().tolist() == [[7, 7, 7], [7, 7, 7]]


def test_modality_lut_spares_an_unusable_slope() -> None:
    item = lut_item(us(1, 0, 16), us(7))
    source = file_raw(Tag.RescaleSlope, "DS", b"nan ", ModalityLUTSequence=[item])
    assert open_odd(source, "takes the place").read().tolist() == [[7, 7, 7], [7, 7, 7]]


@pytest.mark.parametrize(
    ("vr", "first", "signed", "settled"),
    [
        ("SS", -2, True, -2),
        ("US", -2, True, -2),  # the sign is Pixel Representation's, not the VR's
        ("SS", -2, False, 65534),
        ("US", 2, True, 2),
        ("SS", 2, False, 2),
    ],
)
def test_modality_lut_first_has_the_sign_of_the_pixels(
    vr: str, first: int, signed: bool, settled: int
) -> None:
    cells = np.array([[-3, -2, -1, 0, 1, 2]], np.int16)
    item = lut_item(us(2, first & 0xFFFF, 16), us(10, 20), vr)
    source = file_with(cells, ModalityLUTSequence=[item], PixelRepresentation=int(signed))
    lut = fastpix.open(source).header.modality_lut
    assert lut is not None
    assert (lut.first, lut.bits, len(lut.entries) // 8) == (settled, 16, 2)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_modality_lut_of_0_entries_has_65536(syntax: str) -> None:
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    item = make_item(ModalityLUTType="US")
    set_raw(item, Tag.LUTDescriptor, "US", struct.pack(f"{order}3H", 0, 0, 16))
    set_raw(item, Tag.LUTData, "OW", np.arange(65536)[::-1].astype(f"{order}u2").tobytes())
    image = fastpix.open(encode(make_dataset(ModalityLUTSequence=[item]), syntax))
    np.testing.assert_array_equal(image.read(), 65535 - RAMP.astype(np.float32))


@pytest.mark.parametrize(
    ("descriptor", "data"), [(b"", us(1)), (None, us(1)), (None, None)], ids=["empty", "none", "no"]
)
def test_modality_lut_with_an_empty_descriptor_is_absent(
    descriptor: bytes | None, data: bytes | None
) -> None:
    source = file_with(ModalityLUTSequence=[lut_item(descriptor, data)], RescaleSlope="2")
    image = open_odd(source, "ModalityLUTSequence (0028,3000) has no LUT Descriptor")
    assert image.header.modality_lut is None
    np.testing.assert_array_equal(image.read(), RAMP * 2)


def test_modality_lut_sequence_without_items_is_absent() -> None:
    image = fastpix.open(file_with(ModalityLUTSequence=[], RescaleSlope="2"))
    assert image.header.modality_lut is None
    assert image.header.rescales[0].slope == 2


@pytest.mark.parametrize(
    ("descriptor", "data", "tag", "value", "reason"),
    [
        (us(3, 0, 16), us(1, 2), Tag.LUTData, "2 entries", "promises 3"),
        (us(0, 0, 16), us(1, 2), Tag.LUTData, "2 entries", "promises 65536"),
        (us(3, 0, 16), None, Tag.LUTData, "0 entries", "promises 3"),
        (us(3, 0, 16), b"", Tag.LUTData, "0 entries", "promises 3"),
        (us(5, 0, 8), b"\1\2\3\4", Tag.LUTData, "2 entries", "promises 5"),
        (us(3, 0), us(1, 2, 3), Tag.LUTDescriptor, [3, 0], "3 values"),
        (us(3, 0, 7), us(1, 2, 3), Tag.LUTDescriptor, 7, "8 to 16 bits"),
        (us(3, 0, 17), us(1, 2, 3), Tag.LUTDescriptor, 17, "8 to 16 bits"),
    ],
)
def test_modality_lut_error(
    descriptor: bytes, data: bytes | None, tag: Tag, value: object, reason: str
) -> None:
    source = file_with(ModalityLUTSequence=[lut_item(descriptor, data)])
    assert_refused(source, tag, value, reason)


def test_modality_lut_of_two_items() -> None:
    items = [lut_item(us(1, 0, 16), us(1)), lut_item(us(1, 0, 16), us(2))]
    source = file_with(ModalityLUTSequence=items)
    assert_refused(source, Tag.ModalityLUTSequence, "2 items", "one")


def test_modality_lut_of_float_data() -> None:
    source = file_with(
        np.zeros((1, 2), np.float32), ModalityLUTSequence=[lut_item(us(1, 0, 16), us(1))]
    )
    assert_refused(source, Tag.ModalityLUTSequence, "present", "float")


@pytest.mark.parametrize(
    ("count", "data"),
    [(4, b"\x0a\x14\x1e\x28"), (3, b"\x0a\x14\x1e\0"), (3, us(10, 20, 30))],
    ids=["packed", "packed, odd", "a word each"],
)
def test_modality_lut_of_8_bit_entries(count: int, data: bytes) -> None:
    item = lut_item(us(count, 0, 8), data)
    image = fastpix.open(file_with(ModalityLUTSequence=[item]))
    assert image.read()[0].tolist() == [10, 20, 30]


def test_modality_lut_with_too_many_entries() -> None:
    item = lut_item(us(2, 0, 16), us(1, 2, 3, 4))
    image = open_odd(file_with(ModalityLUTSequence=[item]), "holds 4 entries")
    assert image.read().tolist() == [[1, 2, 2], [2, 2, 2]]


def test_modality_lut_with_entries_beyond_its_bits() -> None:
    item = lut_item(us(2, 0, 10), us(1, 1024))
    image = open_odd(file_with(ModalityLUTSequence=[item]), "larger entries")
    assert image.read().tolist() == [[1, 1024, 1024], [1024, 1024, 1024]]


@pytest.mark.parametrize("vr", ["LO", "UN", "OB"])
def test_modality_lut_that_is_no_sequence(vr: str) -> None:
    source = file_of(
        *image_elements(extra=[element(0x00283000, vr, b"abcd")]),
        element(0x7FE00010, "OW", RAMP.tobytes()),
    )
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.open(source)
    assert caught.value.tag == Tag.ModalityLUTSequence
    assert caught.value.keyword == "ModalityLUTSequence"


def test_modality_lut_as_un_is_implicit_vr() -> None:
    """PS3.5 6.2.2, note 2: a sequence that was unknown to whoever made the file explicit."""
    parts = [
        element(Tag.LUTDescriptor, "", us(1, 0, 16), implicit=True),
        element(Tag.LUTData, "", us(9), implicit=True),
    ]
    item = b"".join(parts)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item
    source = file_of(
        *image_elements(extra=[element(0x00283000, "UN", item)]),
        element(0x7FE00010, "OW", RAMP.tobytes()),
    )
    assert fastpix.imread(source).tolist() == [[9, 9, 9], [9, 9, 9]]


# Palettes


def with_palette(
    descriptor: bytes | None, data: bytes, *, segmented: bool = False, **attributes: Any
) -> Dataset:
    """A PALETTE COLOR image whose three tables are the same."""
    dataset = make_dataset(
        np.array([[0, 1, 2]], np.uint8), PhotometricInterpretation="PALETTE COLOR", **attributes
    )
    first = Tag.RedPaletteColorLookupTableData
    if segmented:
        first = Tag.SegmentedRedPaletteColorLookupTableData
    for color in range(3):
        if descriptor is not None:
            set_raw(dataset, Tag.RedPaletteColorLookupTableDescriptor + color, "US", descriptor)
        set_raw(dataset, first + color, "OW", data)
    return dataset


@pytest.mark.parametrize(
    ("descriptor", "data"),
    [
        (us(3, 0, 16), us(100, 200, 300)),
        (us(3, 0, 16), us(100, 200, 300, 0)),  # a word of padding
    ],
)
def test_palette(descriptor: bytes, data: bytes) -> None:
    image = fastpix.open(encode(with_palette(descriptor, data)))
    assert image.read().tolist() == [[[100] * 3, [200] * 3, [300] * 3]]
    assert image.stored().tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("units", "entries"),
    [
        ((0, 3, 10, 20, 30), [10, 20, 30]),
        ((0, 1, 10, 1, 2, 30), [10, 20, 30]),
        ((0, 1, 30, 1, 2, 10), [30, 20, 10]),
        ((0, 3, 10, 20, 30, 2, 1, 0, 0), [10, 20, 30, 10, 20, 30]),
        ((0, 2, 10, 20, 0, 1, 5, 2, 1, 8, 0), [10, 20, 5, 5]),
        ((0, 2, 10, 20, 0, 1, 5, 2, 2, 0, 0), [10, 20, 5, 10, 20, 5]),
    ],
    ids=["discrete", "linear", "falling", "indirect", "indirect, offset", "indirect, two"],
)
def test_palette_segmented(units: tuple[int, ...], entries: list[int]) -> None:
    source = encode(with_palette(us(len(entries), 0, 16), us(*units), segmented=True))
    palette = fastpix.open(source).header.palette
    assert palette is not None
    for lut in palette:
        assert np.frombuffer(lut.entries).tolist() == entries


def test_palette_segmented_of_8_bits() -> None:
    data = bytes([0, 1, 10, 1, 2, 30])
    source = encode(with_palette(us(3, 0, 8), data, segmented=True))
    assert fastpix.imread(source).tolist() == [[[10] * 3, [20] * 3, [30] * 3]]


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        ((1, 2, 30), "cannot begin"),
        ((0, 5, 1, 2), "past the data"),
        ((3, 1, 0, 0), "no such palette segment"),
        ((0, 1, 1, 2, 1, 3, 0), "odd"),
        ((0, 1, 1, 2, 1, 6, 0), "no such palette segment"),  # it would point at itself
        ((0, 1, 1, 2, 1), "past the data"),
        ((0, 1, 1, 1, 65535, 2, 1, 65535, 3), "more entries"),
    ],
)
def test_palette_segmented_error(units: tuple[int, ...], reason: str) -> None:
    tag = Tag.SegmentedRedPaletteColorLookupTableData
    source = encode(with_palette(us(3, 0, 16), us(*units), segmented=True))
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.open(source)
    assert (caught.value.tag, caught.value.keyword) == (tag, tag.name)
    assert reason in caught.value.reason


class _Metered(list[int]):
    """A list that fails the test when it is asked too often."""

    budget = 500_000

    def __getitem__(self, key: Any) -> Any:
        self.budget -= 1
        if self.budget < 0:
            pytest.fail("segments that give no entries are walked again and again")
        return super().__getitem__(key)


def test_palette_segmented_cannot_stall() -> None:
    """Indirect segments over empty ones: work without entries to show for it must be bounded."""
    empty = [0, 0] * 5000
    indirect = [2, 5000, 0, 0] * 1000
    tag = Tag.SegmentedRedPaletteColorLookupTableData
    with contextlib.suppress(PixelHeaderError):
        assert expand_segments(_Metered([*empty, *indirect]), True, tag) == []


def test_palette_missing() -> None:
    source = encode(with_palette(None, us(1, 2, 3)))
    tag = Tag.RedPaletteColorLookupTableDescriptor
    assert_refused(source, tag, None, "three tables")


def test_palette_with_too_few_entries() -> None:
    source = encode(with_palette(us(4, 0, 16), us(1, 2, 3)))
    assert_refused(source, Tag.RedPaletteColorLookupTableData, "3 entries", "promises 4")


def test_palette_whose_tables_differ() -> None:
    dataset = with_palette(us(3, 0, 16), us(1, 2, 3))
    set_raw(dataset, Tag.BluePaletteColorLookupTableDescriptor, "US", us(3, 1, 16))
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.open(encode(dataset))
    assert caught.value.keyword == "BluePaletteColorLookupTableDescriptor"
    assert "differ" in caught.value.reason


# Functional groups


def slopes_of(source: SourceLike) -> list[float]:
    """The slope of each frame, by what it does to the pixels."""
    with fastpix.open(source) as image:
        return [image.plan().frame_steps(frame).slope for frame in range(len(image))]


ONES = np.ones((3, 1, 2), np.uint16)


@pytest.mark.parametrize(
    ("top", "shared", "per_frame", "slopes"),
    [
        (None, None, [2, 3, 4], [2, 3, 4]),
        (9, None, [2, 3, 4], [2, 3, 4]),
        (9, 8, [2, 3, 4], [2, 3, 4]),
        (9, 8, None, [8, 8, 8]),
        (None, 8, None, [8, 8, 8]),
        (9, None, None, [9, 9, 9]),
        (9, 8, [None, None, None], [8, 8, 8]),
        (9, None, [None, None, None], [9, 9, 9]),
        (None, None, [2, 2, 2], [2, 2, 2]),
        (None, None, None, [1, 1, 1]),
    ],
)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_groups_per_frame_beat_shared_beat_top_level(
    top: int | None,
    shared: int | None,
    per_frame: list[int | None] | None,
    slopes: list[int],
    syntax: str,
) -> None:
    dataset = make_dataset(ONES)
    if top is not None:
        dataset.RescaleSlope = str(top)
    if shared is not None:
        dataset.SharedFunctionalGroupsSequence = [make_group(RescaleSlope=str(shared))]
    if per_frame is not None:
        dataset.PerFrameFunctionalGroupsSequence = [
            make_item() if slope is None else make_group(RescaleSlope=str(slope))
            for slope in per_frame
        ]
    source = encode(dataset, syntax)
    assert slopes_of(source) == slopes
    assert fastpix.imread(source)[:, 0, 0].tolist() == slopes
    assert fastpix.imread(source, frames=2)[0, 0] == slopes[2]


@pytest.mark.parametrize(("base", "fallback"), [("shared", 8), ("top level", 9), ("none", 1)])
@pytest.mark.parametrize("empty", ["no group", "no item", "no values"])
def test_groups_a_frame_without_falls_back(base: str, fallback: int, empty: str) -> None:
    dataset = make_dataset(ONES)
    if base != "none":
        dataset.RescaleSlope = "9"
    if base == "shared":
        dataset.SharedFunctionalGroupsSequence = [make_group(RescaleSlope="8")]
    without = {
        "no group": make_item(),
        "no item": make_item(PixelValueTransformationSequence=[]),
        "no values": make_group(RescaleType="US"),
    }[empty]
    dataset.PerFrameFunctionalGroupsSequence = [
        make_group(RescaleSlope="2"),
        without,
        make_group(RescaleSlope="4"),
    ]
    image = open_odd(encode(dataset), "1 of 3 frames have no Pixel Value Transformation")
    assert [r.slope for r in image.header.rescales] == [2, fallback, 4]


def test_groups_replace_slope_and_intercept_together() -> None:
    groups = [make_group(RescaleIntercept="5")]
    source = file_with(
        RescaleSlope="9", RescaleIntercept="7", SharedFunctionalGroupsSequence=groups
    )
    assert rescale_of(source)[0][:2] == (1, 5)


def test_groups_more_than_frames() -> None:
    groups = [make_group(RescaleSlope=str(slope)) for slope in (2, 3, 4, 5)]
    source = file_with(ONES, PerFrameFunctionalGroupsSequence=groups)
    image = open_odd(source, "has 4 items, NumberOfFrames (0028,0008) says 3")
    assert [r.slope for r in image.header.rescales] == [2, 3, 4]


def test_groups_fewer_than_frames() -> None:
    groups = [make_group(RescaleSlope=str(slope)) for slope in (2, 3)]
    source = file_with(ONES, PerFrameFunctionalGroupsSequence=groups)
    assert_no_rescale(source, Tag.PerFrameFunctionalGroupsSequence, "2 items", "3 frames")


def test_groups_that_are_no_sequence() -> None:
    source = file_of(
        *image_elements(extra=[element(Tag.SharedFunctionalGroupsSequence, "LO", b"abcd")]),
        element(0x7FE00010, "OW", RAMP.tobytes()),
    )
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.imread(source)
    assert caught.value.tag == Tag.SharedFunctionalGroupsSequence


def test_groups_shared_by_two_items_that_differ() -> None:
    """Which of the two is meant would be a guess."""
    groups = [make_group(RescaleSlope="2"), make_group(RescaleSlope="3")]
    image = fastpix.open(file_with(SharedFunctionalGroupsSequence=groups))
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert caught.value.tag == Tag.SharedFunctionalGroupsSequence


def test_groups_with_two_transformations_that_differ() -> None:
    two = [make_item(RescaleSlope="2"), make_item(RescaleSlope="3")]
    group = make_item(PixelValueTransformationSequence=two)
    image = fastpix.open(file_with(SharedFunctionalGroupsSequence=[group]))
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert caught.value.tag == Tag.PixelValueTransformationSequence


@pytest.mark.parametrize("top", [b"nan ", b"0 ", b"2,5 "])
def test_groups_beat_a_top_level_value_that_is_odd(top: bytes) -> None:
    """What no frame uses needs no warning, and is no reason to refuse."""
    source = file_raw(
        Tag.RescaleSlope, "DS", top, SharedFunctionalGroupsSequence=[make_group(RescaleSlope="2")]
    )
    assert slopes_of(source) == [2]


# Reported, never applied


def real_world_item() -> Dataset:
    """An item of a Real World Value Mapping Sequence that would change every value."""
    return make_item(RealWorldValueSlope=100.0, RealWorldValueIntercept=7.0, LUTLabel="x")


@pytest.mark.parametrize("place", ["top level", "shared", "first frame", "last frame"])
def test_real_world_value_mapping_is_reported(place: str) -> None:
    dataset = make_dataset(ONES)
    holder = make_item(RealWorldValueMappingSequence=[real_world_item()])
    if place == "top level":
        dataset.RealWorldValueMappingSequence = [real_world_item()]
    elif place == "shared":
        dataset.SharedFunctionalGroupsSequence = [holder]
    else:
        groups = [make_item(), make_item(), make_item()]
        groups[0 if place == "first frame" else 2] = holder
        dataset.PerFrameFunctionalGroupsSequence = groups
    image = fastpix.open(encode(dataset))
    (text,) = note_texts(image)
    assert text.startswith("RealWorldValueMappingSequence (0040,9096)")
    assert "not applied" in text
    np.testing.assert_array_equal(image.read(), ONES)


@pytest.mark.parametrize("block", [0x10, 0x11, 0xE1])
def test_philips_private_scale_is_reported(block: int) -> None:
    dataset = set_raw(make_dataset(), 0x20050000 + block, "LO", b"Philips MR Imaging DD 001 ")
    set_raw(dataset, 0x20050000 + (block << 8) + 0x0E, "FL", struct.pack("<f", 100))
    image = fastpix.open(encode(dataset))
    (text,) = note_texts(image)
    assert "Philips" in text
    assert "not applied" in text
    np.testing.assert_array_equal(image.read(), RAMP)


def test_philips_private_scale_is_told_from_other_vendors() -> None:
    dataset = set_raw(make_dataset(), 0x20050010, "LO", b"ACME")
    set_raw(dataset, 0x2005100E, "FL", struct.pack("<f", 100))
    assert note_texts(fastpix.open(encode(dataset))) == []


@pytest.mark.parametrize("center", [b"40", b"40\\400", b"broken"])
def test_window_is_reported(center: bytes) -> None:
    dataset = set_raw(make_dataset(), Tag.WindowCenter, "DS", center)
    set_raw(dataset, 0x00281051, "DS", center)
    image = fastpix.open(encode(dataset))
    (text,) = note_texts(image)
    assert text.startswith("WindowCenter (0028,1050)")
    np.testing.assert_array_equal(image.read(), RAMP)


def test_window_of_a_functional_group_is_reported() -> None:
    window = make_item(FrameVOILUTSequence=[make_item(WindowCenter="40", WindowWidth="400")])
    image = fastpix.open(file_with(SharedFunctionalGroupsSequence=[window]))
    assert [text for text in note_texts(image) if text.startswith("WindowCenter (0028,1050)")]
    np.testing.assert_array_equal(image.read(), RAMP)


def test_presentation_lut_shape_is_reported() -> None:
    image = fastpix.open(file_with(PresentationLUTShape="INVERSE"))
    (text,) = note_texts(image)
    assert text.startswith("PresentationLUTShape (2050,0020) is INVERSE")
    np.testing.assert_array_equal(image.read(), RAMP)


@pytest.mark.parametrize("shape", ["IDENTITY", "INVERSE"])
def test_presentation_lut_shape_that_photometric_interpretation_implies(shape: str) -> None:
    photometric = "MONOCHROME1" if shape == "INVERSE" else "MONOCHROME2"
    image = fastpix.open(
        file_with(PresentationLUTShape=shape, PhotometricInterpretation=photometric)
    )
    assert note_texts(image) == []


@pytest.mark.parametrize("presentation", ["COLOR", "MIXED"])
def test_pixel_presentation_is_reported(presentation: str) -> None:
    image = fastpix.open(file_with(PixelPresentation=presentation))
    (text,) = note_texts(image)
    assert presentation in text
    np.testing.assert_array_equal(image.read(), RAMP)


@pytest.mark.parametrize("presentation", ["MONOCHROME", "TRUE_COLOR"])
def test_pixel_presentation_that_says_nothing(presentation: str) -> None:
    assert note_texts(fastpix.open(file_with(PixelPresentation=presentation))) == []


def test_fractional_segmentation_is_reported() -> None:
    source = file_with(SegmentationType="FRACTIONAL", MaximumFractionalValue=255)
    image = fastpix.open(source)
    (text,) = note_texts(image)
    assert "MaximumFractionalValue" in text
    np.testing.assert_array_equal(image.read(), RAMP)


@pytest.mark.parametrize("top", [b"", b"abc"])
def test_fractional_segmentation_with_a_broken_maximum_is_read(top: bytes) -> None:
    """It is reported only: no reason to refuse the image."""
    dataset = set_raw(make_dataset(SegmentationType="FRACTIONAL"), 0x0062000E, "US", top)
    np.testing.assert_array_equal(fastpix.imread(encode(dataset)), RAMP)


# Units


@pytest.mark.parametrize(
    ("attributes", "unit"),
    [
        ({}, "unspecified"),
        ({"Modality": "CT"}, "HU"),
        ({"Modality": "CT", "RescaleType": "HU_MOD"}, "HU_MOD"),
        ({"Modality": "PT", "Units": "BQML"}, "BQML"),
        ({"Modality": "PT"}, "unspecified"),
        ({"RescaleType": "OD"}, "OD"),
        ({"Modality": "RTDOSE", "DoseGridScaling": "2"}, "unspecified"),
    ],
)
def test_unit(attributes: dict[str, Any], unit: str) -> None:
    image = fastpix.open(file_with(**attributes))
    assert image.plan().unit == unit
    assert image.plan(rescale=False).unit == "stored values"


# PixelPaddingValue


@pytest.mark.parametrize(
    ("signed", "vr", "value", "limit", "expected"),
    [
        (False, "US", us(0), None, (0, 0)),
        (False, "US", us(63536), None, (63536, 63536)),
        (False, "SS", us(63536), None, (63536, 63536)),  # the pixels' sign counts, not the VR's
        (True, "SS", us(63536), None, (-2000, -2000)),
        (True, "US", us(63536), None, (-2000, -2000)),
        (True, "US", us(2000), None, (2000, 2000)),
        (True, "SS", us(63536), us(63546), (-2000, -1990)),
        (True, "SS", us(63546), us(63536), (-2000, -1990)),  # either order
        (False, "US", us(10), us(5), (5, 10)),
        (True, "US", us(1), us(0xFFFF), (-1, 1)),
        (False, "US", b"", us(5), None),
    ],
)
@pytest.mark.parametrize("implicit", [False, True])
def test_pixel_padding(
    signed: bool,
    vr: str,
    value: bytes,
    limit: bytes | None,
    expected: tuple[float, float] | None,
    implicit: bool,
) -> None:
    dataset = make_dataset(PixelRepresentation=int(signed))
    set_raw(dataset, Tag.PixelPaddingValue, vr, value)
    if limit is not None:
        set_raw(dataset, Tag.PixelPaddingRangeLimit, vr, limit)
    source = encode(dataset, ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian)
    assert fastpix.open(source).header.padding == expected


def test_pixel_padding_missing() -> None:
    assert fastpix.open(file_with(PixelPaddingRangeLimit=5)).header.padding is None


def test_pixel_padding_of_a_dataset() -> None:
    dataset = dcmread(BytesIO(file_with(RAMP.astype(np.int16), PixelPaddingValue=-2000)))
    assert dataset.PixelPaddingValue == -2000
    assert fastpix.open(dataset).header.padding == (-2000, -2000)


def test_pixel_padding_outside_of_the_stored_bits_is_noted() -> None:
    image = fastpix.open(file_with(BitsStored=12, PixelPaddingValue=63536))
    (text,) = note_texts(image)
    assert text.startswith("PixelPaddingValue (0028,0120) lies outside")


def test_pixel_padding_of_monochrome1_is_warned_of() -> None:
    image = fastpix.open(file_with(PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=5))
    with pytest.warns(HeaderWarning, match="padding counts as pixels"):
        values = image.read()
    assert values.tolist() == [[5, 4, 3], [2, 1, 0]]
    assert [note.oddity for note in image.plan().notes] == [True]
    assert image.read(padding=-1).tolist() == [[4, 3, 2], [1, 0, -1]]


@pytest.mark.parametrize(
    ("dtype", "keyword"), [("f4", "FloatPixelPadding"), ("f8", "DoubleFloatPixelPadding")]
)
def test_pixel_padding_of_float_data(dtype: str, keyword: str) -> None:
    attributes = {f"{keyword}Value": 2.5, f"{keyword}RangeLimit": -1.0}
    source = file_with(np.array([[-1, 2.5, 3]], dtype), **attributes)
    assert fastpix.open(source).header.padding == (-1, 2.5)
    assert fastpix.imread(source, padding=0).tolist() == [[0, 0, 3]]


def test_pixel_padding_of_float_data_may_be_nan() -> None:
    cells = np.array([[np.nan, 2.5]], np.float32)
    values = fastpix.imread(file_with(cells, FloatPixelPaddingValue=math.nan))
    np.testing.assert_array_equal(values, cells)


# PixelData, native


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize(
    ("cells", "size"), [(np.ones((1, 3), np.uint8), 3), (np.ones((1, 4), np.uint8), 4)]
)
def test_pixel_data_with_one_pad_byte(cells: NDArray[np.uint8], size: int, extra: int) -> None:
    data = cells.tobytes() + b"\0" * extra
    assert len(data) == size + extra
    source = file_of(
        *image_elements(rows=1, columns=size, bits=8),
        struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, len(data)) + data,
    )
    np.testing.assert_array_equal(fastpix.imread(source), cells)


@pytest.mark.parametrize(
    ("excess", "whole"), [(2, 0), (10, 0), (12, 1), (22, 1), (24, 2), (120, 10)]
)
def test_pixel_data_longer(excess: int, whole: int) -> None:
    source = file_with(PixelData=RAMP.tobytes() + bytes(excess))
    image = open_odd(source, f"Pixel Data (7FE0,0010) holds {excess} bytes beyond")
    (note,) = image.plan().notes
    assert f"{whole} whole frame" in note.text
    np.testing.assert_array_equal(image.read(), RAMP)


@pytest.mark.parametrize("found", [2, 4, 10])
def test_pixel_data_shorter(found: int) -> None:
    with pytest.raises(PixelDataError) as caught:
        fastpix.open(file_with(PixelData=RAMP.tobytes()[:found]))
    assert (caught.value.expected, caught.value.found) == (12, found)
    assert f"Pixel Data (7FE0,0010) holds {found} bytes, 12 are needed" in str(caught.value)


def test_pixel_data_cut_off_by_the_end_of_the_file() -> None:
    with pytest.raises(PixelDataError) as caught:
        fastpix.open(encode(make_dataset())[:-3])
    assert (caught.value.expected, caught.value.found) == (12, 9)


def test_pixel_data_are_counted_in_bits() -> None:
    """3 frames of 3 x 3 bits take 27 bits: 4 bytes, not 3 times 2."""
    bits = np.unpackbits(np.frombuffer(b"\xa5\x5a\x33\x04", np.uint8), bitorder="little")
    dataset = make_dataset(
        np.zeros((3, 3, 3), np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0,
        PixelData=b"\xa5\x5a\x33\x04",
    )  # fmt: skip
    np.testing.assert_array_equal(fastpix.imread(encode(dataset)), bits[:27].reshape(3, 3, 3))
    dataset.PixelData = b"\xa5\x5a"
    with pytest.raises(PixelDataError) as caught:
        fastpix.imread(encode(dataset))
    assert (caught.value.expected, caught.value.found) == (4, 2)


@pytest.mark.parametrize(
    ("dtype", "name"),
    [("f4", "Float Pixel Data (7FE0,0008)"), ("f8", "Double Float Pixel Data (7FE0,0009)")],
)
def test_float_pixel_data_shorter_are_called_by_their_name(dtype: str, name: str) -> None:
    with pytest.raises(PixelDataError) as caught:
        fastpix.open(file_with(np.zeros((1, 2), dtype), Rows=2))
    size = 2 * np.dtype(dtype).itemsize
    assert (caught.value.expected, caught.value.found) == (2 * size, size)
    assert str(caught.value).startswith(name)


def test_huge_dimensions_are_refused_before_memory_is_asked_for() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(PixelDataError):
            fastpix.imread(file_raw(Tag.Rows, "US", us(65535), Columns=65535))
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


# PixelData, encapsulated


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC3, 0xF7])
@pytest.mark.parametrize(
    ("rows", "columns", "samples"), [(3, 3, 1), (2, 4, 1), (3, 2, 1), (2, 3, 3), (65535, 65535, 1)]
)
def test_jpeg_of_other_geometry(marker: int, rows: int, columns: int, samples: int) -> None:
    stream = jpeg_header(rows=rows, columns=columns, samples=samples, marker=marker)
    dataset = make_dataset(RAMP.astype(np.uint8))
    syntax = JPEGLSLossless if marker == 0xF7 else JPEGBaseline8Bit
    image = fastpix.open(encode_frames(dataset, syntax, [stream]))
    with pytest.raises(PixelDataError, match="frame 0 is encoded as") as caught:
        image.read()
    assert f"{rows} rows x {columns} columns x {samples} samples" in caught.value.reason
    assert "2 x 3 x 1" in caught.value.reason


@pytest.mark.parametrize(("rows", "columns", "samples"), [(3, 3, 1), (3, 2, 1), (2, 3, 3)])
def test_jpeg_2000_of_other_geometry(rows: int, columns: int, samples: int) -> None:
    stream = jpeg_2000_header(rows=rows, columns=columns, samples=samples)
    image = fastpix.open(encode_frames(make_dataset(), JPEG2000Lossless, [stream]))
    with pytest.raises(PixelDataError, match=f"{rows} rows x {columns} columns x {samples}"):
        image.read()


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless])
def test_encapsulated_geometry_is_refused_before_memory_is_asked_for(syntax: UID) -> None:
    stream = {
        JPEG2000Lossless: jpeg_2000_header(rows=2, columns=3, precision=8),
        RLELossless: struct.pack("<16I", 1, 64, *[0] * 14) + b"\0\1",
    }[syntax]
    dataset = make_dataset(RAMP.astype(np.uint8), Rows=20000, Columns=20000)
    image = fastpix.open(encode_frames(dataset, syntax, [stream]))
    tracemalloc.start()
    try:
        with pytest.raises(PixelDataError):
            image.read()
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


def test_encapsulated_of_a_later_frame_is_refused_too() -> None:
    good, bad = jpeg_2000_header(rows=1, columns=2), jpeg_2000_header(rows=2, columns=1)
    dataset = make_dataset(np.zeros((2, 1, 2), np.uint16))
    image = fastpix.open(encode_frames(dataset, JPEG2000Lossless, [good, bad]))
    with pytest.raises(PixelDataError, match="frame 1 is encoded as 2 rows x 1 columns"):
        image.read(frames=1)


def test_encapsulated_rle() -> None:
    np.testing.assert_array_equal(fastpix.imread(compress(make_dataset(), RLELossless)), RAMP)


def test_encapsulated_data_in_a_native_syntax() -> None:
    source = file_of(*image_elements(), encapsulated_element(RAMP.tobytes()))
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.open(source)
    value = str(ExplicitVRLittleEndian)
    assert_facts(caught.value, Tag.TransferSyntaxUID, value, "encapsulated Pixel Data")


def test_native_data_in_an_encapsulated_syntax() -> None:
    pixels = element(0x7FE00010, "OW", RAMP.tobytes())
    source = file_of(*image_elements(), pixels, syntax=RLELossless)
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.open(source)
    assert_facts(caught.value, Tag.TransferSyntaxUID, str(RLELossless), "native Pixel Data")


@pytest.mark.parametrize(
    "pixels", [b"", b"\xfe\xff\x00\xe0\xff\xff\xff\x7f", b"\xfe\xff\x00\xe0\0\0\0\0", b"12345678"]
)
def test_encapsulated_data_without_fragments(pixels: bytes) -> None:
    head = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    with pytest.raises(FastpixError):
        fastpix.imread(file_of(*image_elements(), head + pixels + end, syntax=RLELossless))


# Transfer syntax


@pytest.mark.parametrize("uid", ["1.2.3.4", "1.2.840.10008.5.1.4.1.1.7"])
def test_transfer_syntax_unknown(uid: str) -> None:
    source = file_of(*image_elements(), element(0x7FE00010, "OW", RAMP.tobytes()), syntax=uid)
    with pytest.raises(UnsupportedTransferSyntaxError) as caught:
        fastpix.open(source)
    assert caught.value.transfer_syntax == uid
    assert uid not in caught.value.storable
    assert caught.value.remedy in str(caught.value)


def test_transfer_syntax_that_is_no_uid() -> None:
    source = file_of(*image_elements(), element(0x7FE00010, "OW", RAMP.tobytes()), syntax="1..2.")
    # pydicom warns on its own account
    with warnings.catch_warnings(action="ignore"), pytest.raises(UnsupportedTransferSyntaxError):
        fastpix.open(source)


def test_transfer_syntax_padded_with_a_space() -> None:
    syntax = f"{ExplicitVRLittleEndian} "
    source = file_of(*image_elements(), element(0x7FE00010, "OW", RAMP.tobytes()), syntax=syntax)
    np.testing.assert_array_equal(fastpix.imread(source), RAMP)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_transfer_syntax_missing(syntax: str) -> None:
    image = open_odd(
        encode(make_dataset(), syntax, meta=False), "Transfer Syntax UID (0002,0010) is missing"
    )
    assert image.header.transfer_syntax == syntax
    assert image.header.big_endian == (syntax == ExplicitVRBigEndian)
    np.testing.assert_array_equal(image.read(), RAMP)


# Files without preamble, and what is no DICOM file


@pytest.mark.parametrize("syntax", [*SYNTAXES, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("preamble", [False, True])
def test_preamble(syntax: str, preamble: bool) -> None:
    image = fastpix.open(encode(make_dataset(RescaleSlope="2"), syntax, preamble=preamble))
    assert image.header.transfer_syntax == syntax
    np.testing.assert_array_equal(image.read(), RAMP * 2)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"DICM",
        b"\0" * 1000,
        b"\xff" * 1000,
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"\xff\xd8\xff\xe0" + bytes(100),
        b"PK\3\4" + bytes(100),
        b'{"00280010": {"vr": "US"}}',
        b"<!DOCTYPE html><html><body>not found</body></html>",
        b"a" * 300,
        bytes(range(256)) * 8,
        b"\x08\0\5\0\0\0\0\0",
        b"\x08\0\5\0CS\0\0",
        b"\x10\0\0\0\1\0\0\0\0" * 40,
        np.random.default_rng(7).bytes(4000),
    ],
    ids=lambda data: repr(data[:8]),
)
def test_what_is_no_dicom_file(data: bytes) -> None:
    with pytest.raises(NotDicomError) as caught:
        fastpix.open(data)
    assert caught.value.reason
    assert caught.value.reason in str(caught.value)


def test_preamble_of_garbage() -> None:
    source = bytes(range(128)) + encode(make_dataset())[128:]
    np.testing.assert_array_equal(fastpix.imread(source), RAMP)


@pytest.mark.parametrize("size", range(132, 480, 20))
def test_a_file_cut_off_anywhere_is_refused(size: int) -> None:
    whole = encode(make_dataset())
    assert len(whole) > size + 12
    with pytest.raises(FastpixError):
        fastpix.imread(whole[:size])


def test_a_file_cut_off_in_its_header_is_not_called_a_report() -> None:
    """It would be left out of a job as if it had never been an image."""
    whole = encode(make_dataset())
    end = whole.index(b"\x28\0\x02\1")  # HighBit
    with pytest.raises(FastpixError) as caught:
        fastpix.open(whole[: end + 6])
    assert re.search("cut off|damaged|truncated|incomplete", str(caught.value))


def test_elements_nested_too_deep() -> None:
    head = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    with pytest.raises(FastpixError) as caught:
        fastpix.open(file_of(*image_elements(), (head + item) * 3000))
    assert caught.value.__cause__ is not None


# NoPixelDataError


@pytest.mark.parametrize("empty", [False, True])
def test_no_pixel_data(empty: bool) -> None:
    dataset = remove(make_dataset(), "PixelData")
    if empty:
        set_raw(dataset, Tag.PixelData, "OW", b"")
    with pytest.raises(NoPixelDataError) as caught:
        fastpix.open(encode(dataset))
    assert caught.value.sop_class == "Secondary Capture Image Storage"
    assert "leave it out" in str(caught.value)


def test_no_pixel_data_in_a_report() -> None:
    report = make_item(SOPClassUID=BasicTextSRStorage, SOPInstanceUID="1.2.3", Modality="SR")
    with pytest.raises(NoPixelDataError) as caught:
        fastpix.open(encode(report))
    assert caught.value.sop_class == "Basic Text SR Storage"
    assert "Basic Text SR Storage" in str(caught.value)


def test_no_pixel_data_and_no_sop_class() -> None:
    with pytest.raises(NoPixelDataError) as caught:
        fastpix.open(file_of(element(0x00100010, "PN", b"Doe^John")))
    assert caught.value.sop_class == ""
    assert "Doe" not in str(caught.value)


# Data sets of pydicom


def test_dataset_as_read() -> None:
    dataset = dcmread(BytesIO(file_with(RescaleSlope="2", RescaleIntercept="-1")))
    np.testing.assert_array_equal(fastpix.imread(dataset), RAMP * 2.0 - 1)


def test_dataset_all_converted() -> None:
    dataset = dcmread(BytesIO(file_with(ONES, PerFrameFunctionalGroupsSequence=[
        make_group(RescaleSlope="2"), make_group(RescaleSlope="3"), make_group(RescaleSlope="4")
    ])))  # fmt: skip
    assert len(str(dataset)) > 100
    assert fastpix.imread(dataset)[:, 0, 0].tolist() == [2, 3, 4]


def test_dataset_made_in_memory() -> None:
    dataset = make_dataset(RescaleSlope=0.1)
    image = open_odd(dataset, "Transfer Syntax UID (0002,0010) is missing")
    assert image.header.rescales[0].slope == 0.1
    assert image.read().dtype == np.float32  # a DSfloat would promote it


@pytest.mark.filterwarnings("ignore:Transfer Syntax UID:fastpix.HeaderWarning")
def test_dataset_whose_pixel_data_are_a_buffer() -> None:
    dataset = make_dataset()
    dataset.PixelData = BytesIO(RAMP.tobytes())
    np.testing.assert_array_equal(fastpix.imread(dataset), RAMP)


@pytest.mark.filterwarnings("ignore:Transfer Syntax UID:fastpix.HeaderWarning")
def test_dataset_with_a_lut_of_numbers() -> None:
    item = make_item(LUTDescriptor=[2, 0, 16])
    item.add_new(Tag.LUTData, "US", [5, 6])
    image = fastpix.open(make_dataset(ModalityLUTSequence=[item]))
    assert image.read().tolist() == [[5, 6, 6], [6, 6, 6]]


def test_dataset_of_an_encapsulated_syntax() -> None:
    dataset = dcmread(BytesIO(compress(make_dataset(), RLELossless)))
    np.testing.assert_array_equal(fastpix.imread(dataset), RAMP)
    dataset.PixelData = encapsulate([b"\0\0"])
    with pytest.raises(FastpixError):
        fastpix.imread(dataset)


def test_a_decoder_that_fails_does_not_log_beside_the_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    head = struct.pack("<16I", 2, 64, 66, *[0] * 13)
    source = encode_frames(make_dataset(), RLELossless, [head + bytes(4)])
    with pytest.raises(PixelDataError):
        fastpix.imread(source)
    damaged = undecodable_frame(rows=2, columns=3)
    with pytest.raises(DecodeError):
        fastpix.imread(encode_frames(make_dataset(), JPEGLSLossless, [damaged]))
    assert caplog.records == []


# Limits: deflated data sets and max_bytes


def bomb() -> bytes:
    """A file of some kilobytes that inflates to 8 million bytes."""
    data = encode(make_dataset(np.zeros((2000, 2000), np.uint16)), DeflatedExplicitVRLittleEndian)
    assert len(data) < 20_000
    return data


def test_deflated_bomb_is_not_inflated() -> None:
    data = bomb()
    tracemalloc.start()
    try:
        with pytest.raises(PixelDataError, match="max_bytes=100000") as caught:
            fastpix.open(data, max_bytes=100_000)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert caught.value.expected == 100_000


def test_deflated_within_the_limit() -> None:
    assert fastpix.imread(bomb(), max_bytes=16_000_000).sum() == 0


@pytest.mark.parametrize("cut", [2, 10])
def test_deflated_cut_off(cut: int) -> None:
    with pytest.raises(PixelDataError, match="ends before its end mark"):
        fastpix.open(bomb()[:-cut])


def test_deflated_garbage() -> None:
    source = file_of(b"\xff" * 64, syntax=DeflatedExplicitVRLittleEndian)
    with pytest.raises(PixelDataError, match="not valid deflate data"):
        fastpix.open(source)


@pytest.mark.parametrize("syntax", [*SYNTAXES, DeflatedExplicitVRLittleEndian])
def test_max_bytes_bounds_what_an_image_decodes_to(syntax: str) -> None:
    source = encode(make_dataset(np.zeros((100, 100), np.uint8)), syntax)
    assert fastpix.imread(source, max_bytes=40_000).shape == (100, 100)
    with pytest.raises(PixelDataError, match="max_bytes=39999") as caught:
        fastpix.imread(source, max_bytes=39_999)
    assert (caught.value.expected, caught.value.found) == (40_000, 39_999)
    assert fastpix.open(source, max_bytes=39_999).stored().nbytes == 10_000


def test_max_bytes_counts_the_frames_that_are_asked_for() -> None:
    source = file_with(np.zeros((10, 10, 10), np.uint8))
    assert fastpix.imread(source, frames=3, max_bytes=400).shape == (10, 10)
    with pytest.raises(PixelDataError, match="frames="):
        fastpix.imread(source, max_bytes=400)


def test_max_bytes_of_0_is_no_licence_to_inflate() -> None:
    """To zlib, 0 means that there is no limit."""
    data = bomb()
    tracemalloc.start()
    try:
        with pytest.raises(FastpixError):
            fastpix.open(data, max_bytes=0)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("limit", [-1, None, "1"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_max_bytes_must_be_a_number_of_bytes(limit: object, syntax: str) -> None:
    """-1 or None is the caller's mistake, and no sign of a damaged file."""
    with pytest.raises(ArgumentError) as caught:
        fastpix.imread(encode(make_dataset(), syntax), max_bytes=cast(int, limit))
    assert caught.value.argument == "max_bytes"


# Sequences that are raw bytes to us


def test_sequences_encoded_by_hand() -> None:
    item = element(Tag.RescaleIntercept, "DS", b"5") + element(Tag.RescaleSlope, "DS", b"2")
    group = sequence(Tag.PixelValueTransformationSequence, [item])
    shared = sequence(Tag.SharedFunctionalGroupsSequence, [group])
    source = file_of(*image_elements(extra=[shared]), element(0x7FE00010, "OW", RAMP.tobytes()))
    np.testing.assert_array_equal(fastpix.imread(source), RAMP * 2 + 5)


# What an adversary found


def test_pixel_data_cut_off_is_no_report() -> None:
    """pydicom drops Pixel Data of undefined length that the end of the file cuts off."""
    whole = compress(make_dataset(np.arange(600, dtype=np.uint16).reshape(20, 30)), RLELossless)
    with warnings.catch_warnings(action="ignore"):  # pydicom's
        for size in (len(whole) - 20, len(whole) - 200):
            with pytest.raises(PixelDataError, match="cut off"):
                fastpix.open(whole[:size])
        image = fastpix.open(whole[:-8])
    assert "without its delimiter" in image.plan().notes[0].text
    assert image.read().tobytes() == fastpix.imread(whole).tobytes()


def test_an_element_cut_off_is_no_report() -> None:
    whole = encode(make_dataset())
    end = whole.index(b"\x08\0\x18\0UI")  # SOPInstanceUID
    with pytest.raises(NoPixelDataError) as caught:
        fastpix.open(whole[: end + 12])
    assert caught.value.describes_image


def test_dataset_of_fragments_is_never_read_as_native() -> None:
    dataset = dcmread(BytesIO(compress(make_dataset(), RLELossless)))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with pytest.raises(PixelHeaderError, match="encapsulated"):
        fastpix.open(dataset)


@pytest.mark.parametrize("planar", [0, 1])
def test_planar_configuration_says_nothing_of_jpeg_2000(planar: int) -> None:
    rgb = np.arange(12288).astype(np.uint8).reshape(64, 64, 3)
    plain = make_dataset(rgb, SamplesPerPixel=3)
    dataset = dcmread(BytesIO(compress(plain, JPEG2000Lossless)))
    dataset.PlanarConfiguration = planar
    assert np.array_equal(fastpix.imread(dataset, dtype="uint8"), rgb)


def test_packed_bits_of_a_large_rle_frame() -> None:
    """More bytes in a frame than Columns can say."""
    bits = np.zeros((1024, 1024), np.uint8)
    bits[::3, ::5] = 1
    packed = np.packbits(bits, bitorder="little").tobytes()
    runs = b"".join(b"\x7f" + packed[k : k + 128] for k in range(0, len(packed), 128))
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + runs
    dataset = make_dataset(bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    assert np.array_equal(fastpix.imread(encode_frames(dataset, RLELossless, [frame])), bits)


@pytest.mark.parametrize("offsets", [(0, 70), (70, 64), (64, 64), (64, 10**6)])
def test_rle_header_that_points_elsewhere(offsets: tuple[int, int]) -> None:
    head = struct.pack("<16I", 2, *offsets, *[0] * 13)
    with pytest.raises(PixelDataError, match="RLE header"):
        fastpix.imread(encode_frames(make_dataset(), RLELossless, [head + bytes(32)]))


def test_subsampled_rows_of_odd_length_are_refused() -> None:
    dataset = make_dataset(np.zeros((1, 3, 3), np.uint8), SamplesPerPixel=3)
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    dataset.PixelData = bytes(6)
    with pytest.raises(PixelHeaderError, match="pairs"):
        fastpix.open(encode(dataset)).stored()


def test_one_word_of_a_big_endian_image() -> None:
    dataset = make_dataset(np.array([[1, 2]], np.uint8))
    dataset["PixelData"].VR = "OW"
    dataset.PixelData = b"\x02\x01"
    assert fastpix.imread(encode(dataset, ExplicitVRBigEndian)).tolist() == [[1, 2]]


def test_palette_over_float_data_is_refused() -> None:
    dataset = make_dataset(np.ones((1, 2), np.float32), PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.open(encode(dataset))
    assert caught.value.keyword == "PhotometricInterpretation"


def test_dose_by_its_sop_class() -> None:
    dose = "1.2.840.10008.5.1.4.1.1.481.2"
    image = open_odd(file_with(SOPClassUID=dose, DoseGridScaling="2"), "read as a dose")
    np.testing.assert_array_equal(image.read(), RAMP * 2.0)
