"""The cells of a native frame: all of its bits, and no byte more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.matrices import every

from fastpix.frames.cells import Cells
from fastpix.header.instance import read_instance
from fastpix.image.limits import MAX_BYTES
from fastpix.source.opening import read_source
from fastpix.source.stored import Memory

FRAMES = 5


def packed(columns: int) -> bytes:
    bits = np.arange(FRAMES * columns) % 3 % 2
    return encode(
        make_dataset(
            np.zeros((FRAMES, 1, columns), np.uint8),
            BitsAllocated=1,
            BitsStored=1,
            HighBit=0,
            PixelData=np.packbits(bits.astype(np.uint8), bitorder="little").tobytes(),
        )
    )


@pytest.mark.parametrize("held", [True, False], ids=["in memory", "in a file"])
@every("columns", range(1, 26))
def test_all_bits_of_a_frame(
    columns: int, held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bits.dcm"
    path.write_bytes(packed(columns))
    monkeypatch.setattr("fastpix.source.opening.RESIDENT", 2**20 if held else 0)
    stored = read_source(path)
    assert isinstance(stored, Memory) is held
    instance = read_instance(stored, MAX_BYTES)
    cells = Cells(instance.header, instance.pixels)
    pixels = cells.opened()
    try:
        for index in range(FRAMES):
            frame = cells.frame(pixels, index)
            begin = index * columns
            assert frame.skip == begin % 8
            assert frame.cells.nbytes == (begin + columns + 7) // 8 - begin // 8
            bits = np.unpackbits(frame.cells, bitorder="little")[frame.skip :][:columns]
            assert np.array_equal(bits, np.arange(begin, begin + columns) % 3 % 2)
    finally:
        cells.release(pixels)
