"""Frames that come in pieces: an InexactError names the pixel, whatever bit its piece begins at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from support.builders import encode, make_dataset
from support.matrices import every

import fastpix
from fastpix import InexactError, Recipe
from fastpix.frames.cells import FrameCells
from fastpix.image.values import fill_pieces
from fastpix.plan.making import make_plan

SHAPE = (3, 5, 7)  # 35 bits a frame: each but the first begins within a byte


def pieces_of(packed: NDArray[np.uint8], frame: int, size: int) -> Iterator[FrameCells]:
    """The bytes of a frame of packed bits, some at a time."""
    first, last = 35 * frame, 35 * (frame + 1)
    data = packed[first // 8 : (last + 7) // 8]
    for begin in range(0, len(data), size):
        yield FrameCells(data[begin : begin + size].copy(), first % 8 if begin == 0 else 0)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@every("place", range(105))
def test_one_bit(place: int, size: int) -> None:
    """A rescale of a half: 0 is exact, 1 is not; bits of the frame beside count for nothing."""
    bits = np.zeros(SHAPE, np.uint8)
    bits.flat[place] = 1
    packed = np.packbits(bits, bitorder="little")
    dataset = make_dataset(
        bits, BitsAllocated=1, BitsStored=1, HighBit=0, RescaleSlope="0.5",
        PixelData=packed.tobytes(),
    )  # fmt: skip
    header = fastpix.open(encode(dataset)).header
    integers = make_plan(header, Recipe(dtype="int8"))
    floats = make_plan(header, Recipe())
    where = tuple(int(i) for i in np.unravel_index(place, SHAPE))
    for frame in range(3):
        out = np.empty(SHAPE[1:], np.float32)
        fill_pieces(frame, pieces_of(packed, frame, size), out, floats)
        assert np.array_equal(out, bits[frame] * 0.5)
        small = np.empty(SHAPE[1:], np.int8)
        if frame == where[0]:
            with pytest.raises(InexactError) as caught:
                fill_pieces(frame, pieces_of(packed, frame, size), small, integers)
            assert (caught.value.index, caught.value.value) == (where, 0.5)
        else:
            fill_pieces(frame, pieces_of(packed, frame, size), small, integers)
            assert not small.any()


@pytest.mark.parametrize("size", [2, 4, 8, 100])
@every("place", [0, 4, 5, 11, 17])
def test_words(place: int, size: int) -> None:
    cells = np.full((1, 3, 6), 2, np.uint16)
    cells.flat[place] = 7
    header = fastpix.open(encode(make_dataset(cells, RescaleSlope="0.5"))).header
    data = cells.reshape(-1).view(np.uint8)
    parts = [FrameCells(data[k : k + size].copy()) for k in range(0, len(data), size)]
    with pytest.raises(InexactError) as caught:
        fill_pieces(0, parts, np.empty((3, 6), np.int16), make_plan(header, Recipe(dtype="int16")))
    assert caught.value.index == (0, *divmod(place, 6))
    assert caught.value.value == 3.5
