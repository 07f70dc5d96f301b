"""Codestreams that are cut within their data and closed again, for each family but JPEG.

JPEG itself is in test_scans.py.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from support.codestream_cases import (
    DEFLATED_FRAMES,
    HT_LOSSLESS,
    J2K_LOSSLESS,
    JPEG_LS_LOSSLESS,
    JPEG_LS_LOSSY,
    JXL_LOSSLESS,
    JXL_LOSSY,
    RLE_LOSSLESS,
    deflated,
    file_of_frames,
    htj2k,
    j2k,
    jpeg_ls,
    jxl,
    rle,
)

import fastpix
from fastpix.errors import DecodeError, PixelDataError

CELLS = np.random.default_rng(1).integers(0, 4096, (40, 43)).astype(np.uint16)
Cut = Callable[[bytes, int], bytes]


def closed(stream: bytes, lost: int) -> bytes:
    """Without bytes before the end marker."""
    return stream[: len(stream) - 2 - lost] + stream[-2:]


def mended(stream: bytes, lost: int) -> bytes:
    """The same, and the tile-part says its new length (T.800 A.4.2)."""
    cut = bytearray(closed(stream, lost))
    at = stream.index(b"\xff\x90")
    struct.pack_into(">I", cut, at + 6, len(cut) - 2 - at)
    return bytes(cut)


def shorter(stream: bytes, lost: int) -> bytes:
    return stream[: len(stream) - lost]


FAMILIES: dict[str, tuple[str, bytes, Cut, int]] = {
    "JPEG-LS": (JPEG_LS_LOSSLESS, jpeg_ls(CELLS, 12), closed, 1),
    "JPEG-LS, near": (JPEG_LS_LOSSY, jpeg_ls(CELLS, 12, 2), closed, 1),
    "JPEG 2000": (J2K_LOSSLESS, j2k(CELLS, 12), mended, 1),
    "HTJ2K": (HT_LOSSLESS, htj2k(CELLS), mended, 1),
    # A file pads to an even length, so that bytes that are lost may come back as a zero.
    "JPEG XL": (JXL_LOSSLESS, jxl(CELLS, 12), shorter, 2),
    "JPEG XL, lossy": (JXL_LOSSY, jxl(CELLS, 12, lossless=False), shorter, 2),
    "RLE": (RLE_LOSSLESS, rle(CELLS), shorter, 2),
    "deflate": (DEFLATED_FRAMES, deflated(CELLS.tobytes()), shorter, 4),
}


def is_refused(family: str, lost: int) -> bool:
    syntax, stream, cut, _ = FAMILIES[family]
    bits = 16 if family == "HTJ2K" else 12
    try:
        fastpix.open(file_of_frames([cut(stream, lost)], CELLS, syntax, BitsStored=bits)).stored()
    except (DecodeError, PixelDataError):
        return True
    return False


@pytest.mark.parametrize("family", sorted(FAMILIES.keys() - {"JPEG 2000", "HTJ2K"}))
def test_cut_codestreams_are_refused(family: str) -> None:
    _, stream, _, least = FAMILIES[family]
    room = len(stream) - 200
    for lost in {least, least + 1, least + 2, *range(least, room, room // 40)}:
        assert is_refused(family, lost)


@pytest.mark.parametrize("family", ["JPEG 2000", "HTJ2K"])
def test_cut_packets_are_refused(family: str) -> None:
    """Only where packets end, a codestream that is cut there is a sound one of less quality."""
    room = len(FAMILIES[family][1]) - 200
    read = [lost for lost in range(1, room, 13) if not is_refused(family, lost)]
    assert len(read) < 3
