"""Transfer syntaxes, files without preamble, cut off, or without an image, and no DICOM at all."""

from __future__ import annotations

import re
import struct
import warnings

import numpy as np
import pytest
from pydicom.uid import (
    BasicTextSRStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    RLELossless,
)
from support.builders import (
    compress,
    element,
    encode,
    file_of,
    image_elements,
    make_dataset,
    make_item,
    remove,
    set_raw,
)
from support.header_checks import RAMP, SYNTAXES, open_odd

import fastpix
from fastpix import (
    FastpixError,
    NoPixelDataError,
    NotDicomError,
    PixelDataError,
    UnsupportedTransferSyntaxError,
)
from fastpix.standard.tags import Tag

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


def test_pixel_data_cut_off_is_no_report() -> None:
    """pydicom drops Pixel Data of undefined length that the end of the file cuts off."""
    whole = compress(make_dataset(np.arange(600, dtype=np.uint16).reshape(20, 30)), RLELossless)
    for size in (len(whole) - 20, len(whole) - 200):
        with (
            pytest.warns(fastpix.HeaderWarning, match="without its delimiter"),
            pytest.raises(PixelDataError, match="cut off"),
        ):
            fastpix.open(whole[:size])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        image = fastpix.open(whole[:-8])
    # pydicom's own warning does not stand beside ours
    assert [str(w.message) for w in told] == ["Pixel Data (7FE0,0010) ends without its delimiter"]
    assert image.read().tobytes() == fastpix.imread(whole).tobytes()


def test_an_element_cut_off_is_no_report() -> None:
    whole = encode(make_dataset())
    end = whole.index(b"\x08\0\x18\0UI")  # SOPInstanceUID
    with pytest.raises(NoPixelDataError) as caught:
        fastpix.open(whole[: end + 12])
    assert caught.value.describes_image
