"""What OpenJPH takes on trust in the main header of a codestream (T.800 A.4 to A.6)."""

from __future__ import annotations

import struct

_SIZ, _COD, _COC, _QCD, _QCC, _SOT = 0xFF51, 0xFF52, 0xFF53, 0xFF5C, 0xFF5D, 0xFF90
_MOST_LEVELS = 32  # of decomposition (T.800 table A.15)
_MOST_PLANES = 30  # of bits: where they fit into 32 with the sign; those of 16-bit images take 20
_NO_QUANTIZATION, _DERIVED, _EXPOUNDED = 0, 1, 2


def check_main_header(encoded: bytes) -> None:
    """Check the numbers that OpenJPH divides by, and takes lengths from, unseen.

    Raises
    ------
    ValueError
        It might end the process.
    """
    at = 2
    levels = -1
    steps: list[bytes] = []
    wide = False  # whether components are counted in two bytes
    while True:
        if at + 4 > len(encoded):
            raise ValueError("its main header has no end")
        marker, length = struct.unpack_from(">HH", encoded, at)
        content = encoded[at + 4 : at + 2 + length]
        if marker == _SOT:
            break
        if marker < 0xFF00 or length < 2 or len(content) != length - 2:
            raise ValueError("its main header is damaged")
        if marker == _SIZ:
            _check_size(content)
            wide = len(content) > 36 + 3 * 256
        elif marker == _COD and len(content) >= 6:
            levels = max(levels, content[5])
        elif marker == _COC and len(content) >= 4:
            levels = max(levels, content[3 if wide else 2])
        elif marker == _QCD:
            steps.append(content)
        elif marker == _QCC:
            steps.append(content[2 if wide else 1 :])
        at += 2 + length
    if not 0 <= levels <= _MOST_LEVELS or not steps:
        raise ValueError("its main header is damaged")
    for step in steps:
        _check_steps(step, 3 * levels + 1)


def _check_size(content: bytes) -> None:
    """Check the reference grid and its tiles (T.800 A.5.1)."""
    if len(content) < 36:
        raise ValueError("its main header is damaged")
    width, height, left, top, tile_width, tile_height, tile_left, tile_top = struct.unpack_from(
        ">8I", content, 2
    )
    for size, start, tile, first in (
        (width, left, tile_width, tile_left), (height, top, tile_height, tile_top)
    ):  # fmt: skip
        if not (tile and first <= start < size and start < first + tile):
            raise ValueError("its tiles do not cover its image")


def _check_steps(content: bytes, bands: int) -> None:
    """Check that every band has a step, of as many bit planes as there can be (T.800 A.6.4)."""
    style = content[0] & 0x1F if content else -1
    guard = content[0] >> 5 if content else 0
    if style == _NO_QUANTIZATION:
        exponents = [byte >> 3 for byte in content[1:]]
    elif style in (_DERIVED, _EXPOUNDED):
        exponents = [byte >> 3 for byte in content[1::2]]
        if len(content) % 2 == 0:
            raise ValueError("its quantization is damaged")
    else:
        raise ValueError("its quantization is damaged")
    if len(exponents) < (1 if style == _DERIVED else bands):
        raise ValueError("its quantization is damaged")
    if any(guard + exponent - 1 > _MOST_PLANES for exponent in exponents):
        raise ValueError("it has more bit planes than an image of 16 bits")
