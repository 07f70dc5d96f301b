"""Deflate data to bytes, in memory that a limit bounds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO

from fastpix.errors import PixelDataError

_INPUT = 2**16  # bytes that are taken at a time: zlib copies those that it has not used
_PIECE = 2**18  # bytes that are inflated at a time
# What is inflated at once: more than most data sets. What inflates to more than both is counted
# first, piece by piece.
_AT_ONCE = 2**26
_AT_ONCE_RATIO = 16


def inflate(data: bytes | memoryview, max_bytes: int) -> bytes:
    """Inflate raw deflate data (RFC 1951), as PS3.5 A.5 has it; what follows its end is left.

    Data that inflates to more than `max_bytes` is counted, and not held: a file of a few megabytes
    can inflate to gigabytes.

    Parameters
    ----------
    data : bytes
    max_bytes : int
        What it may inflate to.

    Raises
    ------
    PixelDataError
        The data is damaged, cut off, or inflates to more.
    """
    limit = min(max(_AT_ONCE, _AT_ONCE_RATIO * len(data)), max_bytes)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, limit)
    except zlib.error as error:
        raise _damaged() from error
    if inflater.eof:
        return inflated
    del inflater, inflated
    size = 0
    for piece in _pieces(data):
        size += len(piece)
        if size > max_bytes:
            raise PixelDataError(
                expected=max_bytes,
                reason=f"the deflated data set inflates to more than max_bytes={max_bytes}",
                remedy="raise max_bytes= if the file can be believed",
            )
    kept = BytesIO()
    for piece in _pieces(data):
        kept.write(piece)
    return kept.getvalue()


def _pieces(data: bytes | memoryview) -> Iterator[bytes]:
    """Yield what deflate data inflates to, piece by piece."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    view = memoryview(data)
    try:
        for at in range(0, len(view), _INPUT):
            part: bytes | memoryview = view[at : at + _INPUT]
            is_full = False  # then zlib may have more, even if it has used up the part
            while (part or is_full) and not inflater.eof:
                piece = inflater.decompress(part, _PIECE)
                part, is_full = inflater.unconsumed_tail, len(piece) == _PIECE
                yield piece
            if inflater.eof:
                return
    except zlib.error as error:
        raise _damaged() from error
    raise PixelDataError(reason="the deflated data set ends before its end mark")


def _damaged() -> PixelDataError:
    return PixelDataError(reason="the deflated data set is not valid deflate data")
