"""Whether a codestream is complete: all scans of a JPEG, all tiles of a JPEG 2000.

This is checked before a decoder gets the frame. Decoders fill in missing parts without an error,
and some ask for gigabytes of memory if a few bytes claim a million parts.
"""

from __future__ import annotations

import struct
from math import ceil

from fastpix._scans import find_scan
from fastpix.errors import PixelDataError
from fastpix.frames.codecs.format import FrameFormat
from fastpix.frames.codestreams import Codestream

_MOST_SCANS = 100  # of progressive JPEG; encoders write about ten, and each costs a whole pass
_COD, _COC, _SOT, _SOD, _EOC = 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9
_BLOCKS, _BLOCKS_A_BYTE = 2**20, 8  # code-blocks that any frame may have, and more for its bytes


def check_completeness(
    data: memoryview, stream: Codestream, wanted: FrameFormat, frame: int
) -> None:
    """Check that a codestream has all the parts that its header promises, and no more.

    Parameters
    ----------
    data : memoryview
        The whole frame.
    stream : Codestream
        Its header.
    wanted : FrameFormat
    frame : int
        For the error.

    Raises
    ------
    PixelDataError
        Scans or tiles are missing, or there are more than their bytes could hold.
    """
    try:
        if stream.coding == "JPEG 2000":
            _check_tiles(data, stream, wanted)
        elif stream.coding != "JPEG XL":
            _check_scans(data, stream)
    except (_DamageError, struct.error, IndexError) as error:
        said = str(error) if isinstance(error, _DamageError) else "it ends within a marker"
        raise PixelDataError(reason=f"frame {frame} is damaged: {said}") from None


class _DamageError(Exception):
    pass


def _check_scans(data: memoryview, stream: Codestream) -> None:
    """Check that every component is scanned: once, or from its DC coefficients on (T.81 B.2.3)."""
    start = stream.at + 10
    components = sorted(data[start : start + 3 * stream.samples : 3])
    scanned: list[int] = []
    from_dc: set[int] = set()
    count = 0
    at = stream.at - 1
    while (at := find_scan(data, at + 1)) >= 0 and at + 5 <= len(data):
        length, samples = struct.unpack_from(">HB", data, at + 2)
        named = bytes(data[at + 5 : at + 5 + 2 * samples : 2])
        # Else two bytes of a table, before the first scan.
        if length == 6 + 2 * samples and samples and set(named) <= set(components):
            count += 1
            scanned += named
            if data[at + 5 + 2 * samples] == 0:
                from_dc |= set(named)
    if stream.coding in ("progressive", "arithmetic"):
        if count > _MOST_SCANS:
            raise _DamageError(f"it is coded in {count} scans")
        if from_dc != set(components):
            raise _DamageError("its scans leave samples out")
    elif sorted(scanned) != components:
        raise _DamageError("its scans do not hold each sample once")


def _check_tiles(data: memoryview, stream: Codestream, wanted: FrameFormat) -> None:
    """Walk the tile-parts (T.800 A.4.2): each tile is there, whole, and the last ends with EOC."""
    grid = struct.unpack_from(">8I", data, stream.at + 8)
    width, height, _, _, tile_width, tile_height, tile_left, tile_top = grid
    if not (tile_width and tile_height and tile_left < width and tile_top < height):
        raise _DamageError("its tiles do not cover it")
    tiles = ceil((width - tile_left) / tile_width) * ceil((height - tile_top) / tile_height)
    if tiles > len(data) // 12:
        raise _DamageError(f"it has {len(data)} bytes for {tiles} tiles")
    at = _check_markers(data, stream.at + 2, _SOT, wanted)
    parts: dict[int, int] = {}
    promised: dict[int, int] = {}
    while _marker(data, at) == _SOT:
        tile, length, _, count = struct.unpack_from(">HIBB", data, at + 4)
        _check_markers(data, at + 12, _SOD, wanted)
        parts[tile] = parts.get(tile, 0) + 1
        promised[tile] = max(promised.get(tile, 0), count)
        if length == 0:  # to the end
            break
        at += max(length, 12)
    else:
        if _marker(data, at) != _EOC:
            raise _DamageError("a tile-part does not end where its length says")
    if set(parts) != set(range(tiles)):
        raise _DamageError(f"{tiles - len(parts)} of its {tiles} tiles are missing")
    if any(parts[tile] < count for tile, count in promised.items()):
        raise _DamageError("parts of its tiles are missing")


def _marker(data: memoryview, at: int) -> int:
    (marker,) = struct.unpack_from(">H", data, at)
    return int(marker)


def _check_markers(data: memoryview, at: int, last: int, wanted: FrameFormat) -> int:
    """Walk marker segments up to `last`, and return where it is."""
    while (marker := _marker(data, at)) != last:
        if marker < 0xFF00:
            raise _DamageError("there is no marker where one has to be")
        (length,) = struct.unpack_from(">H", data, at + 2)
        content = bytes(data[at + 4 : at + 2 + length])
        if marker == _COD:
            layers = struct.unpack_from(">H", content, 2)[0]
            packets = layers * wanted.samples
            _check_style(content[5:], bool(content[0] & 1), packets, len(data), wanted)
        elif marker == _COC:
            _check_style(content[2:], bool(content[1] & 1), 1, len(data), wanted)
        at += 2 + length
    return at


def _check_style(
    style: bytes, has_precincts: bool, packets: int, size: int, wanted: FrameFormat
) -> None:
    """Check the number of code-blocks and of packets, which have a byte each (T.800 A.6.1, B.10).

    Counted over the whole image: tiles can only make them more.
    """
    levels = style[0]
    area = 1 << ((style[1] & 15) + (style[2] & 15) + 4)
    blocks = wanted.rows * wanted.columns * wanted.samples // area
    if levels > 32 or blocks > _BLOCKS + _BLOCKS_A_BYTE * size:
        raise _DamageError(f"it has {size} bytes for {blocks} code-blocks")
    if not has_precincts:
        return
    precincts = 0
    for resolution, exponents in enumerate(style[5 : 6 + levels]):
        scale = 1 << (levels - resolution)
        across, down = exponents & 15, exponents >> 4
        precincts += ceil(wanted.columns / scale / (1 << across)) * ceil(
            wanted.rows / scale / (1 << down)
        )
    if precincts * packets > size:
        raise _DamageError(f"it has {size} bytes for {precincts * packets} packets")
