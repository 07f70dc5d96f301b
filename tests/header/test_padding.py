"""Pixel Padding Value and its range."""

from __future__ import annotations

import math
from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from support.builders import encode, make_dataset, remove, set_raw
from support.header_checks import RAMP, file_with, note_texts, open_odd, us

import fastpix
from fastpix import HeaderWarning
from fastpix.standard.tags import Tag


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


@pytest.mark.parametrize("value", [None, b""], ids=["missing", "empty"])
def test_a_range_without_a_value(value: bytes | None) -> None:
    dataset = make_dataset(PixelPaddingRangeLimit=5)
    if value is not None:
        set_raw(dataset, Tag.PixelPaddingValue, "US", value)
    image = open_odd(
        encode(dataset),
        "PixelPaddingRangeLimit (0028,0121) is present without PixelPaddingValue (0028,0120): "
        "no pixel is read as padding",
    )
    assert image.header.padding is None
    assert image.read(padding=7).tolist() == RAMP.tolist()


def test_an_empty_range_without_a_value_says_nothing() -> None:
    source = encode(set_raw(make_dataset(), Tag.PixelPaddingRangeLimit, "US", b""))
    assert fastpix.open(source).header.padding is None


@pytest.mark.parametrize("as_dataset", [False, True])
def test_an_empty_limit_whose_vr_nothing_decides(as_dataset: bool) -> None:
    """In implicit VR, pydicom converts an empty element of VR US or SS by Pixel Representation."""
    dataset = remove(make_dataset(), "PixelRepresentation")
    set_raw(dataset, Tag.PixelPaddingValue, None, us(5))
    data = encode(set_raw(dataset, Tag.PixelPaddingRangeLimit, None, b""), ImplicitVRLittleEndian)
    source = dcmread(BytesIO(data)) if as_dataset else data
    with pytest.warns(HeaderWarning, match="PixelRepresentation"):
        assert fastpix.open(source).header.padding == (5, 5)


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
