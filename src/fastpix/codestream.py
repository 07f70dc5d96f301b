"""What a codestream's own header says of its image, read before any decoder sees it."""

from __future__ import annotations

import struct
from typing import NamedTuple


class Codestream(NamedTuple):
    """The geometry and the numbers of one JPEG, JPEG-LS or JPEG 2000 codestream."""

    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool
    uniform: bool = True  # all samples have this size and precision


_NO_FRAME_HEADER = frozenset({0xC4, 0xC8, 0xCC})


def read_codestream(encoded: bytes) -> Codestream | None:
    """Read the frame header of JPEG (T.81 B.2.2, T.87 C.2.2) or SIZ of JPEG 2000 (T.800 A.5.1).

    None where there is none to be found: what it is then is for the decoder to say.
    """
    if encoded[:2] == b"\xff\xd8":
        return _jpeg(encoded)
    start = encoded.find(b"\xff\x4f\xff\x51")
    return _jpeg_2000(encoded, start) if start >= 0 else None


def _jpeg(encoded: bytes) -> Codestream | None:
    at = 2
    while at + 4 <= len(encoded):
        if encoded[at] != 0xFF:
            return None
        marker = encoded[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # stand alone
            at += 2
            continue
        (length,) = struct.unpack_from(">H", encoded, at + 2)
        if (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_HEADER) or marker == 0xF7:
            if at + 10 > len(encoded):
                return None
            precision, rows, columns, samples = struct.unpack_from(">BHHB", encoded, at + 4)
            return Codestream(rows, columns, samples, precision, False)
        at += 2 + length
    return None


def _jpeg_2000(encoded: bytes, start: int) -> Codestream | None:
    if start + 43 > len(encoded):
        return None
    width, height, left, top = struct.unpack_from(">4I", encoded, start + 8)
    (samples,) = struct.unpack_from(">H", encoded, start + 40)
    depth = encoded[start + 42]
    # Ssiz, XRsiz, YRsiz of every component
    components = encoded[start + 42 : start + 42 + 3 * samples]
    uniform = components == bytes((depth, 1, 1)) * samples
    return Codestream(
        height - top, width - left, samples, (depth & 0x7F) + 1, bool(depth & 0x80), uniform
    )
