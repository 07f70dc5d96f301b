"""Reads frames with mutations, in a process of its own: a codec may end it.

    python -m support.codec_fuzz_worker FAMILY FIRST DECODER=COUNT ...

Writes decoder and number of each mutation before it reads it; the last line written is the one to
look at. DECODER is the name to pin, or "chain". Ends with 0 if every read gave an image or one of
our errors.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

import fastpix
from support.builders import encapsulated_element
from support.codestream_cases import (
    BASELINE,
    DEFLATED_FRAMES,
    EXTENDED,
    HT_LOSSLESS,
    J2K_LOSSLESS,
    J2K_LOSSY,
    JPEG_LS_LOSSLESS,
    JXL_LOSSLESS,
    JXL_LOSSY,
    JXL_RECOMPRESSED,
    LOSSLESS_57,
    PROGRESSIVE,
    RLE_LOSSLESS,
    deflated,
    file_of_frames,
    htj2k,
    j2k,
    jpeg,
    jpeg_lossless,
    jpeg_ls,
    jpeg_progressive,
    jxl,
    jxl_of_jpeg,
    rle,
)

_OF_JPEG = (BASELINE, EXTENDED, PROGRESSIVE, JXL_RECOMPRESSED)
SECONDS = 20  # for one small frame
MEMORY = 3 * 2**30  # beyond what the libraries take when they are loaded

GREY = (40, 56)
COLOR = (24, 40, 3)


def picture(shape: tuple[int, ...], bits: int) -> NDArray[Any]:
    """A smooth image with some noise, as a codec expects."""
    rng = np.random.default_rng(bits)
    y, x = np.mgrid[: shape[0], : shape[1]]
    wave = (np.sin(x / 7) + np.cos(y / 5) + 2) / 4 * ((1 << bits) - 1) * 0.9
    image = wave if len(shape) == 2 else np.stack([wave, wave[::-1], wave.T.mean() + 0 * wave], -1)
    noisy = image + rng.integers(0, max(1, (1 << bits) // 16), shape)
    return np.clip(noisy, 0, (1 << bits) - 1).astype("u1" if bits <= 8 else "u2")


class Seed(NamedTuple):
    """A frame to mutate, and the image that it is."""

    stream: bytes
    cells: NDArray[Any]
    bits: int


Encode: TypeAlias = Callable[[NDArray[Any], int], bytes]


class Family(NamedTuple):
    """A codec: its syntax, and what encodes frames of which depths."""

    syntax: str
    encoders: tuple[tuple[Encode, tuple[int, ...]], ...]

    def seeds(self, *shapes: tuple[int, ...]) -> list[Seed]:
        """Return a frame of every kind, by default one of grey and one of colour."""
        return [
            Seed(encode(cells, bits), cells, bits)
            for encode, depths in self.encoders
            for bits in depths
            for cells in [picture(shape, bits) for shape in shapes or (GREY, COLOR)]
        ]

    def file(self, frame: bytes, seed: Seed) -> bytes:
        """Return a file of one frame, as long as it is, with the seed's header."""
        ycbcr = seed.cells.ndim == 3 and self.syntax in _OF_JPEG
        return header_for(self.syntax, seed.cells.shape, seed.bits, ycbcr) + encapsulated_element(
            frame
        )


@cache
def header_for(syntax: str, shape: tuple[int, ...], bits: int, ycbcr: bool) -> bytes:
    """Return all of a file that comes before its Pixel Data."""
    more = {"PhotometricInterpretation": "YBR_FULL"} if ycbcr else {}
    cells = np.zeros(shape, "u1" if bits <= 8 else "u2")
    data = file_of_frames([b"\0\0"], cells, syntax, BitsStored=bits, **more)
    return data[: data.rindex(b"\xe0\x7f\x10\x00OB")]


FAMILIES = {
    "JPEG baseline": Family(BASELINE, ((jpeg, (8,)), (lambda c, b: jpeg(c, b, 50, "420"), (8,)))),
    "JPEG extended": Family(EXTENDED, ((jpeg, (12,)),)),
    "JPEG progressive": Family(PROGRESSIVE, ((lambda c, _: jpeg_progressive(c), (8,)),)),
    "JPEG Lossless": Family(
        LOSSLESS_57,
        (
            (jpeg_lossless, (8, 12, 16)),
            (lambda c, b: jpeg_lossless(c, b, 4), (8, 16)),
            (lambda c, b: jpeg_lossless(c, b, 7), (8, 12)),
        ),
    ),
    "JPEG-LS": Family(
        JPEG_LS_LOSSLESS, ((jpeg_ls, (8, 12, 16)), (lambda c, b: jpeg_ls(c, b, 3), (8, 12)))
    ),
    "JPEG 2000": Family(J2K_LOSSLESS, ((j2k, (8, 12, 16)),)),
    "JPEG 2000 lossy": Family(
        J2K_LOSSY, ((lambda c, b: j2k(c, b, lossless=False, level=30), (8, 12)),)
    ),
    "HTJ2K": Family(
        HT_LOSSLESS,
        ((lambda c, _: htj2k(c), (8, 16)), (lambda c, _: htj2k(c, lossless=False), (8,))),
    ),
    "JPEG XL": Family(
        JXL_LOSSLESS, ((jxl, (8, 12, 16)), (lambda c, b: jxl(c, b, container=True), (8,)))
    ),
    "JPEG XL lossy": Family(JXL_LOSSY, ((lambda c, b: jxl(c, b, lossless=False), (8,)),)),
    "JPEG XL recompressed": Family(JXL_RECOMPRESSED, ((lambda c, _: jxl_of_jpeg(jpeg(c)), (8,)),)),
    "RLE": Family(RLE_LOSSLESS, ((lambda c, _: rle(c), (8, 16)),)),
    "deflate": Family(DEFLATED_FRAMES, ((lambda c, _: deflated(c.tobytes()), (8, 16)),)),
}

_EXTREMES = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)


def mutated(stream: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Return a frame with one to four mutations, its end marker kept most of the time."""
    data = bytearray(stream)
    for _ in range(int(rng.integers(1, 5))):
        if len(data) < 4:
            break
        # The markers, tables and numbers come first; half of the mutations are for them.
        near = min(len(data), 160) if rng.random() < 0.5 else len(data)
        where = int(rng.integers(0, near - 1))
        size = int(rng.choice([1, 2, 4, 16, 64, 256]))
        kind = int(rng.integers(0, 9))
        if kind <= 1:
            data[where] ^= 1 << int(rng.integers(0, 8))
        elif kind == 2:
            data[where] = int(rng.integers(0, 256))
        elif kind == 3:  # a length, a number of 16 bits
            places = [k for k in range(len(data) - 5) if data[k] == 0xFF and data[k + 1] >= 0x4F]
            if places and rng.random() < 0.7:
                where = places[int(rng.integers(0, len(places)))] + 2
            number = int(rng.choice(_EXTREMES))
            data[where : where + 2] = number.to_bytes(2, "big" if rng.random() < 0.8 else "little")
        elif kind == 4:
            del data[where : where + size]
        elif kind == 5:
            data[where:where] = rng.bytes(size)
        elif kind == 6:
            data[where : where + size] = bytes(size)
        elif kind == 7:
            place = int(rng.integers(0, len(other)))
            data[where : where + size] = other[place : place + size]
        else:
            del data[where:]
    if stream[-2:] == b"\xff\xd9" and data[-2:] != b"\xff\xd9" and rng.random() < 0.8:
        data += b"\xff\xd9"
    return bytes(data) or b"\0"


@cache
def all_seeds(name: str) -> list[Seed]:
    """Return a family's seeds."""
    return FAMILIES[name].seeds()


def mutation(name: str, number: int) -> tuple[bytes, Seed]:
    """Return a file with a mutated frame, by its number."""
    rng = np.random.default_rng(number)
    seeds = all_seeds(name)
    seed = seeds[number % len(seeds)]
    other = seeds[int(rng.integers(0, len(seeds)))].stream
    frame = mutated(seed.stream, other, rng)
    return FAMILIES[name].file(frame, seed), seed


def read(data: bytes, seed: Seed, pinned: str | None) -> bool:
    """Read it: whether there is an image, of the right shape and dtype."""
    try:
        image = fastpix.open(data, decoder=pinned)
        stored = image.stored()
    except fastpix.FastpixError:
        return False
    assert stored.shape == seed.cells.shape
    assert stored.dtype == seed.cells.dtype
    assert stored.max(initial=0) < 1 << seed.bits
    return True


def main(name: str, first: str, *jobs: str) -> int:
    """Read mutations from number `first` on: so many of them by each decoder."""
    warnings.simplefilter("ignore")
    faulthandler.enable()
    for seed in all_seeds(name):  # all libraries are loaded before memory is limited
        assert read(FAMILIES[name].file(seed.stream, seed), seed, None)
    with open("/proc/self/statm") as sizes:
        taken = int(sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY,) * 2)
    images, slowest = 0, (0.0, 0)
    for job in jobs:
        decoder, count = job.split("=")
        for number in range(int(first), int(first) + int(count)):
            os.write(1, f"{decoder} {number}\n".encode())
            data, seed = mutation(name, number)
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            start = time.perf_counter()
            try:
                images += read(data, seed, None if decoder == "chain" else decoder)
            except BaseException:
                traceback.print_exc()
                return 3
            slowest = max(slowest, (time.perf_counter() - start, number))
    faulthandler.cancel_dump_traceback_later()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    report = f"{images} images, slowest {slowest[0]:.2f} s ({slowest[1]}), {memory} MiB\n"
    os.write(1, report.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
