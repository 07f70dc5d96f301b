"""Deflated data sets, inflated within a bound (PS3.5 A.5)."""

from __future__ import annotations

import sys
import zlib

from fastpix.errors import PixelDataError


def inflate(data: bytes | memoryview, max_bytes: int) -> bytes:
    """placeholder."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        stream = inflater.decompress(data, min(max_bytes, sys.maxsize))
    except zlib.error as error:
        raise PixelDataError(reason="the deflated data set is not valid deflate data") from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise PixelDataError(reason="the deflated data set ends before its end mark")
    return stream
