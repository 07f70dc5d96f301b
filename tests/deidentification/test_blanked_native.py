"""Regions of native frames: black inside, the very cells outside."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels.utils import pixel_array
from support.builders import encode, make_dataset
from support.redacted_files import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    cells_of_value,
    covers,
    instance_of,
    is_black,
    native_dataset,
    native_file,
    random_kind,
    random_regions,
    redact,
    unused_bits,
)
from support.sizes import cases, first_case

import fastpix
from fastpix.deidentification.pixels import redacted_pixels
from fastpix.errors import ArgumentError
from fastpix.redaction import Region

pytestmark = pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")


def test_black_inside_and_nothing_else_changed() -> None:
    """By a reader of its own, for every photometric interpretation, depth and byte order."""
    for number in range(first_case(), first_case() + cases(720)):
        rng = np.random.default_rng(number)
        kind = random_kind(rng)
        syntax = str(rng.choice([IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED]))
        vr = "OW" if syntax == IMPLICIT else str(rng.choice(["OB", "OW"]))
        dataset = native_dataset(kind, rng, vr)
        data = native_file(dataset, syntax)
        regions = random_regions(rng, kind)
        frames = sorted({int(n) for n in rng.integers(0, kind.frames, 2)})
        clear = bool(rng.random() < 0.2)
        made, written = redact(data, regions, frames=frames, clear_unused_bits=clear)
        big, words = syntax == BIG_ENDIAN, vr == "OW"
        before = cells_of_value(dcmread(BytesIO(data)).PixelData, kind, big, words)
        after = cells_of_value(dcmread(BytesIO(written)).PixelData, kind, big, words)
        assert made.transfer_syntax == syntax
        assert len(made.value) % 2 == 0
        for frame, row, column in np.ndindex(*before.shape[:3]):
            where = number, kind, frame, row, column
            old, new = before[frame, row, column].tolist(), after[frame, row, column].tolist()
            if frame in frames and covers(regions, frame, row, column, kind):
                assert is_black(new, kind, dataset), where
                assert not any(unused_bits(cell, kind) for cell in new), where
            elif clear:
                assert not any(unused_bits(cell, kind) for cell in new), where
                used = ((1 << kind.stored) - 1) << kind.shift
                assert [cell & used for cell in new] == [cell & used for cell in old], where
            else:
                assert new == old, where


def test_pydicom_and_fastpix_read_black_inside_and_the_same_outside() -> None:
    read = 0
    for number in range(first_case(), first_case() + cases(240)):
        rng = np.random.default_rng(10**7 + number)
        kind = random_kind(rng)
        if kind.high != kind.stored - 1 or kind.in_pairs:
            continue  # pydicom takes the value for right-aligned, and 4:2:2 apart
        syntax = str(rng.choice([IMPLICIT, EXPLICIT]))
        data = encode(native_dataset(kind, rng), syntax)
        regions = random_regions(rng, kind)
        made, written = redact(data, regions)
        inside = np.zeros((kind.rows, kind.columns), bool)
        for part in regions:
            inside[part.rows, part.columns] = True
        for before, after in (
            (pixel_array(BytesIO(data), raw=True), pixel_array(BytesIO(written), raw=True)),
            (fastpix.open(data).stored(), fastpix.open(written).stored()),
        ):
            shape = (kind.frames, kind.rows, kind.columns, kind.samples)
            before, after = before.reshape(shape), after.reshape(shape)
            assert before.dtype == after.dtype
            assert (before[:, ~inside] == after[:, ~inside]).all(), (number, kind)
            blacks = np.unique(after[:, inside].reshape(-1, kind.samples), axis=0)
            assert len(blacks) == 1, (number, kind)
            if kind.photometric == "MONOCHROME2":
                assert blacks[0, 0] == (-(2 ** (kind.stored - 1)) if kind.signed else 0)
        assert made.regions
        read += 1
    assert read


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
def test_float_data_becomes_its_lowest_finite_value(dtype: str, syntax: str) -> None:
    cells = np.array([[[1.5, np.nan, -np.inf], [-2.25, 7, np.inf]]], dtype)
    data = encode(make_dataset(cells), syntax)
    _, written = redact(data, [Region(0, 0, 2, 1)])
    found = fastpix.open(written).stored(frames=0)
    expected = cells[0].copy()
    expected[0, :2] = -2.25
    assert found.tobytes() == expected.tobytes()


def test_float_data_without_a_finite_value_becomes_0() -> None:
    data = encode(make_dataset(np.full((2, 2), np.nan, np.float32)))
    _, written = redact(data, [Region(1, 1, 5, 5)])
    assert fastpix.open(written).stored()[1, 1] == 0


def test_readers_that_do_not_mask_see_black_too() -> None:
    """The sign of signed values goes on in the bits above High Bit."""
    cells = np.arange(6, dtype=np.int16).reshape(2, 3)
    data = encode(make_dataset(cells, BitsStored=12, HighBit=11))
    made = redacted_pixels(instance_of(data), [Region(0, 0, 1, 1)])
    assert np.frombuffer(made.value, "<i2").tolist() == [-2048, 1, 2, 3, 4, 5]


def test_what_follows_the_last_frame_is_left_out() -> None:
    dataset = make_dataset(np.arange(12, dtype=np.uint8).reshape(3, 4))
    dataset.PixelData += b"DOE^JANE"
    made, _ = redact(encode(dataset), [Region(0, 0, 1, 1)])
    assert made.value == bytes([0, *range(1, 12)])
    assert redacted_pixels(instance_of(encode(dataset)), []).value == bytes(range(12))


def test_an_overlay_in_the_cells_is_gone_everywhere() -> None:
    """Retired: bits above High Bit hold it, and no element of its own does."""
    cells = np.array([[0x8123, 0x0456], [0x8789, 0x8ABC]], np.uint16)
    overlay = {"BitsStored": 12, "HighBit": 11}
    dataset = make_dataset(cells, **overlay)
    data = encode(dataset)
    assert redacted_pixels(instance_of(data), []).value == cells.tobytes()
    for tag, vr, value in (
        (0x60000010, "US", 2), (0x60000011, "US", 2), (0x60000040, "CS", "G"),
        (0x60000050, "SS", [1, 1]), (0x60000100, "US", 16), (0x60000102, "US", 15),
    ):  # fmt: skip
        dataset.add_new(tag, vr, value)
    made = redacted_pixels(instance_of(encode(dataset)), [])
    assert made.value == (cells & 0x0FFF).tobytes()


def test_one_bit_frames_padded_to_bytes_are_written_without_padding() -> None:
    """Frames of 3 bits that begin at bytes, against the standard."""
    dataset = make_dataset(np.zeros((4, 1, 3), np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0)
    dataset.PixelData = bytes([0b111, 0b101, 0b011, 0b110])
    made, written = redact(encode(dataset), [Region(1, 0, 1, 1)])
    assert fastpix.open(written).stored().reshape(4, 3).tolist() == [
        [1, 0, 1], [1, 0, 1], [1, 0, 0], [0, 0, 1],
    ]  # fmt: skip
    assert len(made.value) == 2


def test_smallest_and_largest_values_are_taken_out() -> None:
    data = encode(make_dataset(SmallestImagePixelValue=0, LargestImagePixelValue=5))
    made, written = redact(data, [Region(0, 0, 3, 1)])
    assert "LargestImagePixelValue" not in dcmread(BytesIO(written))
    assert "SmallestImagePixelValue" not in dcmread(BytesIO(written))
    assert not redacted_pixels(instance_of(data), []).changes
    assert made.regions == (Region(0, 0, 3, 1),)


def test_frames_that_are_not_there_are_refused() -> None:
    with pytest.raises(ArgumentError, match="1 is not one of 0 to 0"):
        redacted_pixels(instance_of(encode(make_dataset())), [Region(0, 0, 1, 1)], frames=[1])


def test_unknown_colours_are_refused() -> None:
    cells = np.zeros((2, 2, 3), np.uint8)
    data = encode(make_dataset(cells, SamplesPerPixel=3, PhotometricInterpretation="HSV"))
    with pytest.raises(fastpix.PixelHeaderError, match="which values are black"):
        redacted_pixels(instance_of(data), [Region(0, 0, 1, 1)])


def test_no_warning_of_the_new_files() -> None:
    """What was right stays right."""
    data = encode(make_dataset(np.arange(24, dtype=np.uint8).reshape(2, 3, 4)))
    _, written = redact(data, [Region(0, 0, 2, 2)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastpix.open(written).stored()


def test_frames_are_counted_before_they_are_listed() -> None:
    """A header may promise two thousand million frames: no list of them is made."""
    dataset = make_dataset(np.arange(16, dtype=np.uint8).reshape(4, 4), NumberOfFrames=2**31 - 1)
    with pytest.raises(fastpix.PixelDataError):
        redacted_pixels(instance_of(encode(dataset)), [Region(0, 0, 1, 1)])
