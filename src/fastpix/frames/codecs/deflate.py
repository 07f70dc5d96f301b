"""Frames of Deflated Image Frame Compression, inflated to cells (PS3.5 annex A)."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.codecs.format import FrameFormat, from_planes
from fastpix.frames.codecs.refusals import NotSupportedError


def inflate_by_imagecodecs(encoded: Any, wanted: FrameFormat, _threads: int) -> NDArray[Any]:
    """Return the cells of a frame, by libdeflate: a whole stream of just the frame's size."""
    import imagecodecs

    try:
        data = imagecodecs.deflate_decode(encoded, raw=True, out=wanted.frame_bytes)
    except imagecodecs.DeflateError as error:  # zlib can tell what is the matter
        raise NotSupportedError(f"{error}: no whole stream of a frame's size") from error
    return _inflated(data, wanted)


def inflate(encoded: Any, wanted: FrameFormat, _threads: int) -> NDArray[Any]:
    """Return the cells of a frame, by zlib."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    return _inflated(inflater.decompress(encoded, wanted.frame_bytes + 2), wanted)


def _inflated(data: bytes | bytearray, wanted: FrameFormat) -> NDArray[Any]:
    size = wanted.frame_bytes
    if not size <= len(data) <= size + size % 2:  # an odd frame may be padded
        found = "fewer" if len(data) < size else "more"
        raise ValueError(f"it inflates to {found} than the {size} bytes of a frame")
    cells = np.frombuffer(data, f"<u{wanted.cell_bytes}", size // wanted.cell_bytes)
    if wanted.bits_allocated == 1:
        return cells  # packed
    return from_planes(cells, wanted) if wanted.planar else cells.reshape(wanted.shape)
