"""RLE frames of files: headers that point elsewhere, and packed bits."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from pydicom.uid import RLELossless
from support.builders import compress, encode_frames, make_dataset
from support.header_checks import RAMP

import fastpix
from fastpix import PixelDataError


def test_encapsulated_rle() -> None:
    np.testing.assert_array_equal(fastpix.imread(compress(make_dataset(), RLELossless)), RAMP)


def test_packed_bits_of_a_large_rle_frame() -> None:
    """More bytes in a frame than Columns can say."""
    bits = np.zeros((1024, 1024), np.uint8)
    bits[::3, ::5] = 1
    packed = np.packbits(bits, bitorder="little").tobytes()
    runs = b"".join(b"\x7f" + packed[k : k + 128] for k in range(0, len(packed), 128))
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + runs
    dataset = make_dataset(bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    assert np.array_equal(fastpix.imread(encode_frames(dataset, RLELossless, [frame])), bits)


@pytest.mark.parametrize("offsets", [(0, 70), (70, 64), (64, 64), (64, 10**6)])
def test_rle_header_that_points_elsewhere(offsets: tuple[int, int]) -> None:
    head = struct.pack("<16I", 2, *offsets, *[0] * 13)
    with pytest.raises(PixelDataError, match="RLE header"):
        fastpix.imread(encode_frames(make_dataset(), RLELossless, [head + bytes(32)]))
