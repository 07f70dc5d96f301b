"""Deflate data to bytes, in memory that a limit bounds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO

from fastpix.errors import PixelDataError

_INPUT = 2**16  # bytes that are taken at a time: zlib copies those that it has not used
_PIECE = 2**20  # bytes that are inflated at a time
# What is kept while it is counted: most data sets. What inflates to more than both is counted
# first, and then inflated again.
_KEPT = 2**26
_KEPT_RATIO = 16


def inflate(data: bytes | memoryview, max_bytes: int) -> bytes:
    """Inflate raw deflate data (RFC 1951), as PS3.5 A.5 has it; what follows its end is left.

    Data that inflates to more than `max_bytes` is counted and never held: a file of a few
    megabytes can hold gigabytes.

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
    enough = max(_KEPT, _KEPT_RATIO * len(data))
    kept = BytesIO()
    size = 0
    for piece in _pieces(data):
        size += len(piece)
        if size > max_bytes:
            raise PixelDataError(
                expected=max_bytes,
                reason=f"the deflated data set inflates to more than max_bytes={max_bytes}",
                remedy="raise max_bytes= if the file can be believed",
            )
        if size <= enough:
            kept.write(piece)
        elif kept.tell():
            kept = BytesIO()
    if size > enough:
        for piece in _pieces(data):
            kept.write(piece)
    return kept.getvalue()


def _pieces(data: bytes | memoryview) -> Iterator[bytes]:
    """Yield what deflate data inflates to, 1 MiB at the most at a time."""
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
        raise PixelDataError(reason="the deflated data set is not valid deflate data") from error
    raise PixelDataError(reason="the deflated data set ends before its end mark")
