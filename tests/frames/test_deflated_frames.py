"""Deflated frames: what RFC 1951 does not know is damage, whatever some inflaters make of it."""

from __future__ import annotations

import zlib

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.codestream_cases import DEFLATED_FRAMES, deflated, file_of_frames
from support.sizes import cases

import fastpix
from fastpix.errors import DecodeError, PixelDataError

RNG = np.random.default_rng(7)


class Bits:
    """A deflate stream of one block with fixed codes (RFC 1951, 3.2.6)."""

    def __init__(self) -> None:
        self._bits: list[int] = []
        self.number(1, 1)  # the last block
        self.number(1, 2)  # fixed codes

    def number(self, value: int, count: int) -> None:
        self._bits += [value >> k & 1 for k in range(count)]

    def code(self, value: int, count: int) -> None:
        self._bits += [value >> k & 1 for k in reversed(range(count))]

    def symbol(self, symbol: int) -> None:
        """A literal, the end of the block, or a length."""
        if symbol < 144:
            self.code(0x30 + symbol, 8)
        elif symbol < 256:
            self.code(0x190 + symbol - 144, 9)
        elif symbol < 280:
            self.code(symbol - 256, 7)
        else:
            self.code(0xC0 + symbol - 280, 8)

    def stream(self) -> bytes:
        self.symbol(256)
        packed: bytes = np.packbits(np.array(self._bits, np.uint8), bitorder="little").tobytes()
        return packed


def with_length(symbol: int) -> bytes:
    """One literal, repeated 258 times by a length of this code at a distance of 1."""
    bits = Bits()
    bits.symbol(5)
    bits.symbol(symbol)
    bits.code(0, 5)
    return bits.stream()


def with_distance(code: int) -> bytes:
    """33,000 literals, the last three by a length of 3 at a distance of this code."""
    bits = Bits()
    for k in range(32997):
        bits.symbol(k % 7)
    bits.symbol(257)
    bits.code(code, 5)
    bits.number(0, 13)
    return bits.stream()


def frame_of(stream: bytes, size: int) -> bytes:
    return file_of_frames([stream], np.zeros((1, size), np.uint8), DEFLATED_FRAMES)


@pytest.mark.parametrize(
    ("sound", "damaged", "size"),
    [
        (with_length(285), [with_length(286), with_length(287)], 259),
        (with_distance(29), [with_distance(30), with_distance(31)], 33000),
    ],
    ids=["lengths", "distances"],
)
def test_codes_that_never_occur_are_damage(sound: bytes, damaged: list[bytes], size: int) -> None:
    """Libdeflate inflates them all the same, and so is not asked."""
    assert fastpix.imread(frame_of(sound, size)).shape == (1, size)
    for stream in damaged:
        assert len(imagecodecs.deflate_decode(stream, raw=True, out=size)) == size
        with pytest.raises(DecodeError, match=r"invalid (literal/length|distance) code"):
            fastpix.imread(frame_of(stream, size))


def test_a_last_block_that_does_not_end() -> None:
    deflater = zlib.compressobj(wbits=-15)
    flushed = deflater.compress(bytes(40)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(DecodeError, match="ends before its last block does"):
        fastpix.imread(frame_of(flushed, 40))


def sound_streams() -> list[bytes]:
    """Streams of 1,024 bytes in all kinds of blocks."""
    plain = [bytes(1024), bytes(range(256)) * 4, RNG.integers(0, 5, 1024, np.uint8).tobytes(),
             RNG.integers(0, 256, 1024, np.uint8).tobytes()]  # fmt: skip
    found = []
    for data in plain:
        for level in (0, 1, 9):
            for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_FIXED):
                deflater = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
                found.append(deflater.compress(data) + deflater.flush())
    return found


STREAMS = sound_streams()


@given(
    stream=st.sampled_from(STREAMS),
    flips=st.lists(st.integers(0, 2**31), min_size=1, max_size=3),
    near=st.booleans(),
)
@settings(max_examples=cases(3000), deadline=None)
def test_a_damaged_stream_gives_what_zlib_gives(
    stream: bytes, flips: list[int], near: bool
) -> None:
    damaged = bytearray(stream)
    for flip in flips:
        place = flip % (min(len(stream), 60) * 8 if near else len(stream) * 8)
        damaged[place // 8] ^= 1 << place % 8
    try:
        wanted: bytes | None = zlib.decompress(damaged, -15, 1024)
    except zlib.error:
        wanted = None
    if wanted is not None and len(wanted) != 1024:
        wanted = None
    try:
        found: bytes | None = fastpix.open(frame_of(bytes(damaged), 1024)).stored().tobytes()
    except (DecodeError, PixelDataError):
        found = None
    if found != wanted:  # bytes are missing, and the file's own padding takes their place
        padded = bytes(damaged) + b"\0" * (len(damaged) % 2)
        assert found == zlib.decompress(padded, -15, 1024)


def test_bytes_behind_the_stream_are_no_part_of_it() -> None:
    cells = RNG.integers(0, 256, (9, 11), np.uint8)
    stream = deflated(cells.tobytes()) + b"\0\0"
    data = file_of_frames([stream], cells, DEFLATED_FRAMES)
    assert np.array_equal(fastpix.open(data).stored(), cells)
