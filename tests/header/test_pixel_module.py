"""The Image Pixel module: dimensions, bits, colour and frames, in docs/headers.md's rules."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless, RLELossless
from support.builders import compress, encode, encode_frames, make_dataset, remove, set_raw
from support.header_checks import (
    GRAMMAR,
    RAMP,
    SYNTAXES,
    assert_facts,
    assert_refused,
    file_raw,
    file_with,
    open_odd,
    us,
)

import fastpix
from fastpix import FastpixError, PixelHeaderError
from fastpix.standard.tags import Tag

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


def test_colour_of_1_bit() -> None:
    source = file_with(
        np.zeros((1, 2, 3), np.uint8), SamplesPerPixel=3, BitsAllocated=1, BitsStored=1, HighBit=0
    )
    assert_refused(source, Tag.BitsAllocated, 1, "colour samples have 8 bits or more")


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


def test_subsampled_rows_of_odd_length_are_refused() -> None:
    dataset = make_dataset(np.zeros((1, 3, 3), np.uint8), SamplesPerPixel=3)
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    dataset.PixelData = bytes(6)
    with pytest.raises(PixelHeaderError, match="pairs"):
        fastpix.open(encode(dataset)).stored()


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


@pytest.mark.parametrize("planar", [0, 1])
def test_planar_configuration_says_nothing_of_jpeg_2000(planar: int) -> None:
    rgb = np.arange(12288).astype(np.uint8).reshape(64, 64, 3)
    plain = make_dataset(rgb, SamplesPerPixel=3)
    dataset = dcmread(BytesIO(compress(plain, JPEG2000Lossless)))
    dataset.PlanarConfiguration = planar
    assert np.array_equal(fastpix.imread(dataset, dtype="uint8"), rgb)


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
