"""Frames of Deflated Image Frame Compression, inflated to cells (PS3.5 annex A).

By zlib, which refuses every code that RFC 1951 does not know. libdeflate, twice as fast, takes the
length codes 286 and 287 for 258 bytes and the distance codes 30 and 31 for the distances of 29, and
so makes an image of some damaged streams.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.codecs.format import FrameFormat, from_planes


def inflate(encoded: Any, wanted: FrameFormat, _threads: int) -> NDArray[Any]:
    """Return the cells of a frame.

    Raises
    ------
    ValueError, zlib.error
        It is no whole stream of a frame's size.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    size = wanted.frame_bytes
    data = inflater.decompress(encoded, size + 2)
    if not size <= len(data) <= size + size % 2:  # an odd frame may be padded
        found = "fewer" if len(data) < size else "more"
        raise ValueError(f"it inflates to {found} than the {size} bytes of a frame")
    if not inflater.eof:
        raise ValueError("it ends before its last block does")
    cells = np.frombuffer(data, f"<u{wanted.cell_bytes}", size // wanted.cell_bytes)
    if wanted.bits_allocated == 1:
        return cells  # packed
    return from_planes(cells, wanted) if wanted.planar else cells.reshape(wanted.shape)
