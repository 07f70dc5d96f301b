"""Pixel Data beside what the header says: lengths, geometry, encapsulation."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)
from support.builders import (
    element,
    encapsulated_element,
    encode,
    encode_frames,
    file_of,
    image_elements,
    jpeg_2000_header,
    jpeg_header,
    make_dataset,
)
from support.header_checks import RAMP, assert_facts, file_raw, file_with, open_odd, us

import fastpix
from fastpix import FastpixError, PixelDataError, PixelHeaderError
from fastpix.standard.tags import Tag

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


def test_one_word_of_a_big_endian_image() -> None:
    dataset = make_dataset(np.array([[1, 2]], np.uint8))
    dataset["PixelData"].VR = "OW"
    dataset.PixelData = b"\x02\x01"
    assert fastpix.imread(encode(dataset, ExplicitVRBigEndian)).tolist() == [[1, 2]]


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
