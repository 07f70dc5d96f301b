"""Whether the scans of a JPEG code the whole image: their Huffman codes are walked over.

Decoders fill in what is missing behind the end of a scan, and do not tell. This module knows no
decoder. Arithmetic codes have no end of their own, so nothing can be said of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix._scans import find_segment, make_tables, walk_ac, walk_dc, walk_sequential
from fastpix.frames.codestreams import Buffer, Codestream, read_codestream

_DHT, _SOS, _DRI, _EOI = 0xC4, 0xDA, 0xDD, 0xD9
_WALKED = ("DCT", "progressive", "lossless")
_BLOCK = {"DCT": 8, "progressive": 8, "lossless": 1}  # samples across a block


_made_tables = lru_cache(64)(make_tables)  # the frames of a file have the same


class CutScanError(ValueError):
    """A scan ends before the image does."""


class Component(NamedTuple):
    """A component of a frame: its name and its sampling factors (T.81 B.2.2)."""

    name: int
    across: int
    down: int


class Scan(NamedTuple):
    """The header of a scan (T.81 B.2.3).

    Attributes
    ----------
    components : tuple of int
        Places of its components in the frame header.
    tables : bytes
        Of each, the DC table (upper half of the byte) and the AC table.
    first, last : int
        Its coefficients, in zigzag order; `first` is the predictor in lossless JPEG.
    refines : bool
        Its coefficients get a bit more.
    interval : int
        MCUs between two restart markers; 0: there are none.
    at : int
        Where its codes begin.
    """

    components: tuple[int, ...]
    tables: bytes
    first: int
    last: int
    refines: bool
    interval: int
    at: int


def components_of(data: Buffer, stream: Codestream) -> list[Component]:
    """Return the components of a JPEG frame header."""
    start = stream.at + 10
    named = bytes(data[start : start + 3 * stream.samples])
    return [Component(named[k], named[k + 1] >> 4, named[k + 1] & 15)
            for k in range(0, 3 * stream.samples, 3)]  # fmt: skip


def check_scans(data: Buffer, stream: Codestream) -> None:
    """Check that each scan of a JPEG codes the whole of its components.

    Parameters
    ----------
    data : buffer
        The whole frame.
    stream : Codestream
        Its header.

    Raises
    ------
    CutScanError
        A scan, or the part of a scan between two restart markers, ends too early. Nothing is said
        of scans whose marker segments cannot be followed, as those without Huffman tables: that is
        left to the decoders.
    """
    if stream.coding not in _WALKED:
        return
    try:
        _Walk(data, stream).walk()
    except CutScanError:
        raise
    except (struct.error, LookupError, ValueError):
        return


def check_whole(encoded: Buffer) -> Codestream | None:
    """Check a frame of any kind by `check_scans`, and return its header where there is one."""
    stream = read_codestream(encoded)
    if stream is not None:
        check_scans(encoded, stream)
    return stream


class _Walk:
    """The way over all scans of a frame."""

    def __init__(self, data: Buffer, stream: Codestream) -> None:
        self._data = data
        self._stream = stream
        self._components = components_of(data, stream)
        if any(not (1 <= c.across <= 4 and 1 <= c.down <= 4) for c in self._components):
            raise ValueError("its sampling factors are damaged")
        self._across = max(c.across for c in self._components)
        self._down = max(c.down for c in self._components)
        self._tables: dict[int, bytes] = {}
        self._interval = 0
        self._known: dict[int, NDArray[np.uint64]] = {}

    def walk(self) -> None:
        data = memoryview(self._data)
        at = find_segment(data, 2)
        while 0 <= at <= len(data) - 4 and (marker := data[at + 1]) != _EOI:
            (length,) = struct.unpack_from(">H", data, at + 2)
            segment, at = bytes(data[at + 4 : at + 2 + length]), at + 2 + length
            if marker == _DHT:
                self._tables.update(_huffman_tables(segment))
            elif marker == _DRI:
                (self._interval,) = struct.unpack_from(">H", segment)
            elif marker == _SOS:
                at = self._pass(self._scan(segment, at))
            at = find_segment(data, at)

    def _scan(self, segment: bytes, at: int) -> Scan:
        count = segment[0]
        places = {c.name: k for k, c in enumerate(self._components)}
        named, tables = segment[1 : 1 + 2 * count : 2], segment[2 : 2 + 2 * count : 2]
        first, last, approximation = segment[1 + 2 * count : 4 + 2 * count]
        components = tuple(places[name] for name in named)
        refines = self._stream.coding == "progressive" and approximation >> 4 != 0
        return Scan(components, tables, first, last, refines, self._interval, at)

    def _pass(self, scan: Scan) -> int:
        """Walk over a scan, and return where it ends."""
        count = self._mcus(scan)
        if self._stream.coding != "progressive":
            whole, end = self._pass_sequential(scan, count)
        elif scan.first == 0:
            whole, end = self._pass_dc(scan, count)
        else:
            whole, end = self._pass_ac(scan)
        if whole < count:
            what = "pixels" if self._stream.coding == "lossless" else "blocks"
            raise CutScanError(f"a scan ends after {whole} of {count} {what}")
        return end

    def _size(self, component: int) -> tuple[int, int]:
        """Return the blocks down and across of a component in a scan of its own."""
        unit = _BLOCK[self._stream.coding]
        c = self._components[component]
        return (
            ceil(ceil(self._stream.rows * c.down / self._down) / unit),
            ceil(ceil(self._stream.columns * c.across / self._across) / unit),
        )

    def _mcus(self, scan: Scan) -> int:
        """Return how many MCUs a scan has (T.81 A.2)."""
        if len(scan.components) == 1:
            rows, columns = self._size(scan.components[0])
        else:
            unit = _BLOCK[self._stream.coding]
            rows = ceil(self._stream.rows / (unit * self._down))
            columns = ceil(self._stream.columns / (unit * self._across))
        return rows * columns

    def _blocks(self, scan: Scan) -> Iterator[int]:
        """Yield of each block of an MCU which tables it has."""
        for place, tables in zip(scan.components, scan.tables, strict=True):
            c = self._components[place]
            yield from [tables] * (c.across * c.down if len(scan.components) > 1 else 1)

    def _pass_sequential(self, scan: Scan, count: int) -> tuple[int, int]:
        lossless = self._stream.coding == "lossless"
        blocks = [(tables >> 4, 0x10 | (tables & 15)) for tables in self._blocks(scan)]
        used = sorted({t for pair in blocks for t in (pair[:1] if lossless else pair)})
        places = {table: k for k, table in enumerate(used)}
        named = bytes(places.get(table, 0) for pair in blocks for table in pair)
        return walk_sequential(
            self._data, scan.at, self._made(used), named, count, scan.interval, lossless
        )

    def _pass_dc(self, scan: Scan, count: int) -> tuple[int, int]:
        blocks = [tables >> 4 for tables in self._blocks(scan)]
        used = [] if scan.refines else sorted(set(blocks))
        named = bytes(0 if scan.refines else used.index(table) for table in blocks)
        return walk_dc(
            self._data, scan.at, self._made(used), named, count, scan.interval, scan.refines
        )

    def _pass_ac(self, scan: Scan) -> tuple[int, int]:
        (component,) = scan.components
        rows, columns = self._size(component)
        known = self._known.setdefault(component, np.zeros((rows, columns), np.uint64))
        return walk_ac(
            self._data, scan.at, self._made([0x10 | (scan.tables[0] & 15)], True), known,
            rows, columns, scan.interval, scan.first, scan.last, scan.refines,
        )  # fmt: skip

    def _made(self, tables: list[int], of_bands: bool = False) -> bytes:
        return _made_tables(b"".join(self._tables[table] for table in tables), of_bands)


def _huffman_tables(segment: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield class and number of each table of a DHT segment, and its 272 bytes (T.81 B.2.4.2)."""
    at = 0
    while at + 17 <= len(segment):
        count = sum(segment[at + 1 : at + 17])
        yield segment[at], segment[at + 1 : at + 17 + count].ljust(272, b"\0")[:272]
        at += 17 + count
