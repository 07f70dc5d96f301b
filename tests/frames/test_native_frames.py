"""Native frames: one-bit frames that are padded to whole bytes, and frames read in runs."""

from __future__ import annotations

import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.matrices import every

import fastpix
from fastpix.errors import HeaderWarning, InexactError, PixelDataError
from fastpix.frames import cells as cells_module
from fastpix.frames import native_frames
from fastpix.source import opening

RNG = np.random.default_rng(10)


def one_bit(frames: np.ndarray[Any, Any], data: bytes, **attributes: Any) -> bytes:
    return encode(
        make_dataset(
            frames, BitsAllocated=1, BitsStored=1, HighBit=0, PixelRepresentation=0,
            PixelData=data + b"\0" * (len(data) % 2), **attributes,
        )
    )  # fmt: skip


def padded(frames: np.ndarray[Any, Any]) -> bytes:
    return b"".join(np.packbits(each, bitorder="little").tobytes() for each in frames)


def packed(frames: np.ndarray[Any, Any]) -> bytes:
    return np.packbits(frames, bitorder="little").tobytes()


@pytest.mark.parametrize("window", [1, 8, 2**20])
@pytest.mark.parametrize("shape", [(4, 3, 3), (9, 1, 1), (3, 5, 5), (41, 7, 3), (16, 3, 9)])
def test_padded_frames_are_read(
    shape: tuple[int, ...], window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native_frames, "_WINDOW", window)
    frames = RNG.integers(0, 2, shape).astype(np.uint8)
    with pytest.warns(HeaderWarning, match="padded to whole bytes each"):
        image = fastpix.open(one_bit(frames, padded(frames)))
    assert np.array_equal(image.stored(), frames)
    assert np.array_equal(image.stored(frames=[2, 0, 2]), frames[[2, 0, 2]])
    with warnings.catch_warnings(action="error"):
        assert np.array_equal(fastpix.imread(one_bit(frames, packed(frames))), frames)


def test_a_size_that_leaves_a_doubt_is_that_of_the_standard() -> None:
    """Two frames of nine bits: three bytes and a pad byte, or two bytes each."""
    frames = RNG.integers(0, 2, (2, 3, 3)).astype(np.uint8)
    with warnings.catch_warnings(action="error"):
        assert np.array_equal(fastpix.imread(one_bit(frames, packed(frames))), frames)


def test_padding_that_is_not_zero_is_an_error() -> None:
    data = bytearray(padded(RNG.integers(0, 2, (4, 3, 3)).astype(np.uint8)))
    data[3] |= 0x80
    with pytest.raises(PixelDataError, match="padding is not 0"):
        fastpix.open(one_bit(np.zeros((4, 3, 3), np.uint8), bytes(data)))


def test_other_sizes_hold_bytes_beyond_the_frames() -> None:
    frames = RNG.integers(0, 2, (4, 3, 3)).astype(np.uint8)
    with pytest.warns(HeaderWarning, match="7 bytes beyond its 4 frames"):
        image = fastpix.open(one_bit(frames, packed(frames) + b"\0" * 7))
    assert np.array_equal(image.stored(), frames)


# Frames that follow each other are read in runs.

SELECTIONS: dict[str, Any] = {
    "all": None,
    "slice": slice(3, 17),
    "backwards": slice(None, None, -1),
    "every second": slice(1, None, 2),
    "list": [5, 6, 7, 3, 19, 0, 1, 1, 2],
    "array": np.array([-1, 0, 1, 2, -2]),
    "unsigned": np.array([4, 5, 9], np.uint64),
    "none": [],
}


@pytest.mark.parametrize("kind", ["memory", "file"])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
@every("threads", [1, 3])
@every("selection", SELECTIONS)
@every("bits", [1, 8, 16])
def test_runs(
    photometric: str, kind: str, bits: int, selection: str, threads: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Whatever the selection, and where runs begin within a byte."""
    monkeypatch.setattr(cells_module, "PIECE", 16)
    frames = RNG.integers(0, 2 if bits == 1 else 200, (20, 3, 3)).astype(f"u{max(bits // 8, 1)}")
    attributes = {"PhotometricInterpretation": photometric}
    data = (
        one_bit(frames, packed(frames), **attributes) if bits == 1
        else encode(make_dataset(frames, **attributes))
    )  # fmt: skip
    source: Any = data
    if kind == "file":
        monkeypatch.setattr(opening, "RESIDENT", 0)
        source = tmp_path / "large.dcm"
        source.write_bytes(data)
    image = fastpix.open(source)
    chosen = SELECTIONS[selection]
    expected = frames.astype(np.float32)
    if photometric == "MONOCHROME1":
        expected = expected.max() - expected
    picked = expected if chosen is None else expected[np.asarray(chosen, np.int64)] if not (
        isinstance(chosen, slice)) else expected[chosen]  # fmt: skip
    assert np.array_equal(image.read(frames=chosen, threads=threads), picked)


def test_an_inexact_value_of_a_run_names_its_frame() -> None:
    frames = np.zeros((30, 2, 3), np.uint8)
    frames[17, 1, 2] = 1
    with pytest.raises(InexactError) as caught:
        fastpix.imread(encode(make_dataset(frames, RescaleSlope="0.5")), dtype="int16")
    assert caught.value.index == (17, 1, 2)


@pytest.mark.parametrize("threads", [1, 2])
def test_millions_of_frames_cost_no_memory(threads: int) -> None:
    """Four million frames of one bit: the result, and little beside it."""
    count = 4194304
    packed_bits = RNG.integers(0, 256, count // 8, np.uint8)
    data = one_bit(np.zeros((1, 1, 1), np.uint8), packed_bits.tobytes(), NumberOfFrames=count)
    image = fastpix.open(data)
    tracemalloc.start()
    try:
        values = image.read(dtype="uint8", threads=threads)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.array_equal(values.reshape(-1), np.unpackbits(packed_bits, bitorder="little"))
    assert peak < values.nbytes + 2**20
