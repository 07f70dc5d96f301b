"""JPEG frames of several scans and of restart intervals, and what is left when a scan is cut."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def scans_of(stream: bytes) -> list[tuple[int, int]]:
    """Where the codes of each scan begin and end; restart markers part them."""
    parts: list[tuple[int, int]] = []
    at = 2
    while stream[at + 1] != 0xD9:
        marker, length = struct.unpack_from(">xBH", stream, at)
        at += 2 + length
        if marker != 0xDA:
            continue
        begin = at
        while stream[at] != 0xFF or stream[at + 1] == 0 or 0xD0 <= stream[at + 1] <= 0xD7:
            if stream[at] == 0xFF and stream[at + 1]:
                parts.append((begin, at))
                begin = at + 2
            at += 1
        parts.append((begin, at))
    return parts


def cut_scans(stream: bytes, cuts: int) -> Iterator[bytes]:
    """Yield a stream that lacks ever more of the end of a scan or part, for each of them.

    One byte is lost first, then two, then more: that many cuts at most, the whole part in the end.
    """
    for begin, end in scans_of(stream):
        size = end - begin
        for lost in sorted({1, 2, 3, size, *range(3, size, max(1, size // max(1, cuts - 4)))}):
            if lost <= size:
                # FF00 is one byte of the codes: half of it is a marker with what follows.
                left = stream[begin : end - lost].removesuffix(b"\xff")
                yield stream[:begin] + left + stream[end:]


def one_scan_each(streams: list[bytes]) -> bytes:
    """A sequential JPEG whose components have a scan each, made of grey ones of one size."""
    first = streams[0]
    frame = first.index(b"\xff\xc0")
    names = range(1, 1 + len(streams))
    components = b"".join(bytes((name, 0x11, 0)) for name in names)
    header = struct.pack(">HH", 0xFFC0, 8 + len(components)) + first[frame + 4 : frame + 9]
    body = b"".join(
        b"\xff\xda\0\x08\x01" + bytes((name, 0)) + b"\0\x3f\0" + stream[slice(*scans_of(stream)[0])]
        for name, stream in zip(names, streams, strict=True)
    )
    scan = first.index(b"\xff\xda")
    (length,) = struct.unpack_from(">H", first, frame + 2)
    tables = first[frame + 2 + length : scan]
    return first[:frame] + header + bytes([len(streams)]) + components + tables + body + b"\xff\xd9"


def lossless_with_restarts(cells: NDArray[Any], bits: int) -> bytes:
    """Lossless JPEG (T.81 annex H, predictor 1) with a restart interval for each row."""
    rows, columns = cells.shape
    table = bytes([0] * 4 + [15, 2] + [0] * 10) + bytes(range(17))  # codes of 5 and 6 bits
    codes = {size: (size, 5) if size < 15 else (30 + size - 15, 6) for size in range(17)}
    parts = []
    for row in cells.astype(np.int64):
        text = ""
        for difference in np.diff(row, prepend=1 << (bits - 1)):
            size = int(abs(difference)).bit_length()
            code, length = codes[size]
            text += f"{code:0{length}b}"
            low = int(difference) + ((1 << size) - 1 if difference < 0 else 0)
            text += f"{low:0{size}b}" if size else ""
        text += "1" * (-len(text) % 8)
        packed = int(text, 2).to_bytes(len(text) // 8, "big")
        parts.append(packed.replace(b"\xff", b"\xff\0"))
    scan = b"".join(part + bytes((0xFF, 0xD0 + k % 8)) for k, part in enumerate(parts[:-1]))
    return (
        b"\xff\xd8\xff\xc3\0\x0b" + struct.pack(">BHHB", bits, rows, columns, 1) + b"\1\x11\0"
        + b"\xff\xc4" + struct.pack(">HB", 3 + len(table), 0) + table
        + b"\xff\xdd" + struct.pack(">HH", 4, columns)
        + b"\xff\xda\0\x08\1\1\0\1\0\0" + scan + parts[-1] + b"\xff\xd9"
    )  # fmt: skip
