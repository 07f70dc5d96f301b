"""What the pixels of samples tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, RLELossless
from support.builders import compress, encode, make_dataset

from fastpix.audit.sampled_pixels import Look, Unread, look_at_pixels, reduced, values_of
from fastpix.audit.sampling import Candidate
from fastpix.audit.source_pixels import SourcePixels
from fastpix.job.items import SourceFile

RAMP = np.arange(64, dtype=np.uint16).reshape(8, 8) * 60


class Source:
    """A source whose samples are given as bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pixels = SourcePixels()

    def add(self, data: bytes) -> Look | Unread:
        number = len(self.pixels.records)
        path = self.folder / str(number)
        path.write_bytes(data)
        file = SourceFile(str(path), str(number), len(data), 0)
        look = look_at_pixels(file, 2**20, compare=True)
        self.pixels.add(Candidate(0, str(number), file, "p", "1.2"), look)
        return look

    def findings(self, cells: Any, **attributes: Any) -> set[str]:
        self.add(encode(make_dataset(cells, **attributes)))
        return set(self.pixels.records[-1].findings)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)


def test_a_sound_image_has_no_finding(source: Source) -> None:
    assert source.findings(RAMP, BitsStored=12, HighBit=11) == set()
    (record,) = source.pixels.records
    assert (record.shape, record.min, record.max, record.mean) == ((8, 8), 0, 3780, 1890)
    assert (record.low, record.high) == (0, 3780)


@pytest.mark.parametrize(
    ("finding", "cells", "attributes"),
    [
        ("PIX_CONSTANT", RAMP * 0 + 7, {}),
        ("PIX_ALL_PADDING", RAMP * 0 + 7, {"PixelPaddingValue": 7}),
        ("PIX_MOSTLY_PADDING", np.where(RAMP < 3500, 9, RAMP), {"PixelPaddingValue": 9}),
        ("PIX_LOW_CONTRAST", np.array([[0, 65535] + [30000] * 198], np.uint16), {}),
        ("PIX_SATURATED_LOW", np.where(RAMP < 2000, 9, RAMP), {}),
        ("PIX_SATURATED_HIGH", np.where(RAMP > 3000, 3000, RAMP), {}),
        ("PIX_WINDOW_CLIPS", RAMP, {"WindowCenter": "10", "WindowWidth": "2"}),
        ("PIX_BITS_UNUSED", RAMP, {"BitsStored": 16}),
        ("PIX_GARBAGE_BITS", RAMP | 0x8000, {"BitsStored": 12, "HighBit": 11}),
        ("PIX_GARBAGE_BITS", RAMP * 16 + 3, {"BitsStored": 12, "HighBit": 15}),
    ],
)
def test_of_pixels(finding: str, cells: Any, attributes: dict[str, Any], source: Source) -> None:
    assert finding in source.findings(cells.astype(np.uint16), **attributes)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_sign_that_is_extended_is_no_garbage(syntax: str, source: Source) -> None:
    signed = (RAMP.astype(np.int16) - 1890).astype(np.int16)
    plain = make_dataset(signed, BitsStored=12, HighBit=11)
    look = source.add(encode(plain, syntax))
    assert "PIX_GARBAGE_BITS" not in look.findings
    odd = make_dataset(signed ^ 0x4000, BitsStored=12, HighBit=11)
    assert "PIX_GARBAGE_BITS" in source.add(encode(odd, syntax)).findings


def test_float_data(source: Source) -> None:
    cells = RAMP.astype(np.float32)
    cells[0, 0] = np.nan
    found = source.findings(cells)
    assert found == {"PIX_NOT_FINITE"}
    (values,) = source.pixels.values()
    assert (values.nans, values.pixels) == (1, 63)
    assert source.findings(cells * np.float32(np.nan)) == {"PIX_NOT_FINITE"}  # and no padding


def test_values_histogram_and_the_middle_frame(source: Source) -> None:
    frames = np.stack([RAMP * 0, RAMP, RAMP * 0])
    source.add(encode(make_dataset(frames, Modality="CT", RescaleIntercept="-1024")))
    (values,) = source.pixels.values()
    assert (values.unit, values.min, values.max, values.mean) == ("HU", -1024, 2756, 866)
    assert values.percentiles["50"] == -1024 + 31 * 60
    assert values.histogram is not None
    assert sum(values.histogram.counts) == 64
    assert values.histogram.low == -1024
    assert source.pixels.records[0].frame == 1


@pytest.mark.parametrize("greatest", [1, 100, 200, 254, 300, 1000, 4095])
def test_a_flat_image_has_a_flat_histogram(source: Source, greatest: int) -> None:
    source.add(encode(make_dataset(np.tile(np.arange(greatest + 1, dtype=np.uint16), (4, 1)))))
    (values,) = source.pixels.values()
    assert values.histogram is not None
    *counts, last = values.histogram.counts
    assert 0 < len(counts) < 128
    assert set(counts) == {4 * values.histogram.width}
    assert 0 < last <= counts[0]


def test_ends_of_bits_stored(source: Source) -> None:
    cells = RAMP.copy()
    cells[0] = 4095
    source.add(encode(make_dataset(cells, BitsStored=12, HighBit=11)))
    (values,) = source.pixels.values()
    assert values.at_highest_bit == values.saturated_high == 8 / 64
    assert values.at_lowest_bit == 0
    assert values.used_bits == pytest.approx(np.log2(4095 - 480 + 1))


def test_decoders_that_agree_and_differ(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    look = source.add(compress(make_dataset(RAMP.astype(np.uint16)), RLELossless))
    assert isinstance(look, Look)
    assert [largest for _, _, largest in look.differences] == [0] * len(look.differences)
    assert source.pixels.records[0].findings == ("PIX_BITS_UNUSED",)
    assert len(source.pixels.decoders) == 1
    monkeypatch.setattr(
        "fastpix.audit.sampled_pixels._differences", lambda *_: [("a", "b", 5), ("a", "c", -1)]
    )
    source.add(encode(make_dataset(RAMP)))
    first, second = (each for each in source.pixels.differences() if each.first == "a")
    assert (first.first, first.second, first.differing, first.largest) == ("a", "b", 1, 5)
    assert (second.differing, second.largest, second.failed) == (0, 0, 1)
    assert "PIX_DECODERS_DIFFER" in source.pixels.records[1].findings


def test_outliers(source: Source) -> None:
    rng = np.random.default_rng(0)
    for number in range(12):
        cells = rng.integers(100, 200, (16, 16)).astype(np.uint16)
        source.add(encode(make_dataset(cells * (50 if number == 5 else 1))))
    source.pixels.settle()
    assert source.pixels.findings.files["SET_INTENSITY_OUTLIER"] == 1
    assert "SET_INTENSITY_OUTLIER" in source.pixels.records[5].findings


def test_what_cannot_be_read_is_a_record_too(source: Source) -> None:
    data = encode(make_dataset(RAMP))
    look = source.add(data[:-8])
    assert isinstance(look, Unread)
    assert look.findings == {}  # the header pass has counted it
    broken = compress(make_dataset(RAMP), RLELossless)
    look = source.add(broken[:-30])
    assert set(look.findings) & {"FILE_CUT_OFF", "PIX_DATA_WRONG"}
    assert [bool(record.error) for record in source.pixels.records] == [True, True]
    assert source.pixels.values() == ()


def test_a_reduced_sample_and_its_values(source: Source) -> None:
    cells = np.arange(1100 * 30, dtype=np.uint16).reshape(1100, 30)
    look = source.add(encode(make_dataset(cells, PixelPaddingValue=0, RescaleIntercept="-7")))
    assert isinstance(look, Look)
    values = values_of(reduced(look))
    expected = cells[::3, ::3].astype(np.float32) - 7
    expected[0, 0] = np.nan
    np.testing.assert_array_equal(values, expected)
    assert values.dtype == np.float32
