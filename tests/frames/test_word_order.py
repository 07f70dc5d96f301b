"""Frames of 8-bit and 1-bit cells in the 16-bit words of a big-endian file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian
from support.builders import encode, make_dataset

import fastpix
from fastpix.frames.word_order import PixelsInWords
from fastpix.source.stored import Memory, Pixels


class Counted(Memory):
    """Bytes in memory, with a note of the largest part that was asked for."""

    largest = 0

    def view(self, start: int, stop: int) -> memoryview:
        """Return bytes, and note how many."""
        self.largest = max(self.largest, stop - start)
        return super().view(start, stop)


@pytest.mark.parametrize("start_of_value", [0, 3])
@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_any_part_is_what_the_whole_has_there(size: int, start_of_value: int) -> None:
    stored = np.arange(20, dtype=np.uint8)
    whole = stored.reshape(-1, 2)[:, ::-1].reshape(-1)
    memory = Counted(bytes(start_of_value) + stored.tobytes())
    in_order: Pixels = PixelsInWords(memory, start_of_value, 20).opened()
    for start in range(20 - size + 1):
        expected = whole[start : start + size].tolist()
        assert list(in_order.view(start, start + size)) == expected
        out = bytearray(size)
        in_order.fill(start, memoryview(out))
        assert list(out) == expected
    assert memory.largest <= size + 2  # no more than the words that the part lies in


def test_a_last_word_that_has_lost_a_byte() -> None:
    in_order = PixelsInWords(Memory(bytes([1, 2, 3])), 0, 3)
    assert list(in_order.view(0, 4)) == [2, 1, 0, 3]
    assert list(in_order.view(2, 3)) == [0]


@pytest.mark.parametrize("bits", [1, 8])
@pytest.mark.parametrize("shape", [(5, 3, 3), (4, 1, 5), (3, 2, 4)])
def test_frames_that_begin_within_a_word(
    bits: int, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    """Each frame by itself is what it is among all, and what was written."""
    rng = np.random.default_rng(bits)
    cells = rng.integers(0, 2**bits, shape, np.uint8)
    packed = np.packbits(cells, bitorder="little") if bits == 1 else cells.reshape(-1)
    words = np.append(packed, np.uint8(0)) if packed.size % 2 else packed
    ds = make_dataset(
        NumberOfFrames=shape[0], Rows=shape[1], Columns=shape[2], BitsAllocated=bits,
        BitsStored=bits, HighBit=bits - 1, PixelRepresentation=0,
        PixelData=words.reshape(-1, 2)[:, ::-1].tobytes(),
    )  # fmt: skip
    ds["PixelData"].VR = "OW"
    path = tmp_path / "words.dcm"
    path.write_bytes(encode(ds, ExplicitVRBigEndian))
    image = fastpix.open(path)
    assert np.array_equal(image.stored(), cells)
    for index in range(shape[0]):
        assert np.array_equal(image.stored(frames=index), cells[index])
        assert np.array_equal(fastpix.pixel_array(path, index=index), cells[index])
