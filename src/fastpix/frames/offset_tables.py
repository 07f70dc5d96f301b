"""Offset tables of encapsulated Pixel Data, Basic and Extended (PS3.5 A.4, PS3.3 C.7.6.3.1.8)."""

from __future__ import annotations

import struct
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import PixelDataError
from fastpix.source.stored import Memory, Pixels

Places: TypeAlias = NDArray[np.int64]
"""Bytes of Pixel Data, counted from its beginning."""

ITEM_HEAD = 8
"""Bytes of an item before its value."""

NONE: Places = np.empty(0, np.int64)

_ITEM, _DELIMITER = 0xE000FFFE, 0xE0DDFFFE
_HEADS = struct.Struct("<5I")  # of an item, its value of one entry, and the head of another item
_LONGEST_HEAD = _HEADS.size


class OffsetTable(NamedTuple):
    """An offset table.

    Attributes
    ----------
    name : str
    starts : ndarray of int64
        Where the first item of each frame begins.
    lengths : ndarray of int64
        Of the frames, by an Extended Offset Table; empty for a Basic one.
    """

    name: str
    starts: Places
    lengths: Places

    def is_ordered(self, first: int, length: int) -> bool:
        """Whether the table begins at the first fragment, and goes on in ascending order.

        Parameters
        ----------
        first : int
            Where the first fragment begins.
        length : int
            Bytes of Pixel Data.
        """
        starts = self.starts
        return (
            int(starts[0]) == first
            and int(starts[-1]) < length
            and bool((starts[1:] > starts[:-1]).all())
        )


def offset_tables(pixels: Pixels, length: int) -> tuple[int, list[OffsetTable]]:
    """Return where the first item of a frame begins, and the offset tables, the best one first.

    Raises
    ------
    PixelDataError
        There is no Basic Offset Table, which may be empty.
    """
    head = bytes(pixels.view(0, ITEM_HEAD))
    tag, size = struct.unpack("<II", head) if len(head) == ITEM_HEAD else (0, 0)
    if tag != _ITEM:
        where = "" if len(head) < ITEM_HEAD or tag == _DELIMITER else " at byte 0"
        raise PixelDataError(
            expected=1, found=0, reason=f"encapsulated Pixel Data has no item{where}"
        )
    if size > length - ITEM_HEAD:
        raise cut_off(pixels, 0, length)
    first = ITEM_HEAD + size
    tables = []
    if pixels.offsets is not None:
        offsets, sizes = (_numbers(table, "<u8") for table in pixels.offsets)
        if sizes.size != offsets.size:  # such a table fits no fragments
            offsets = sizes = NONE
        tables.append(OffsetTable("Extended Offset Table (7FE0,0001)", offsets + first, sizes))
    if size >= 4:
        # An entry stands for a fragment, which takes more bytes.
        may_fit = 2 * size <= length - first
        basic = _numbers(pixels.view(ITEM_HEAD, first), "<u4") if may_fit else NONE
        name = "the Basic Offset Table of Pixel Data (7FE0,0010)"
        tables.append(OffsetTable(name, basic + first, NONE))
    return first, tables


def only_fragment(pixels: Pixels, length: int) -> int | None:
    """Return where the one fragment of Pixel Data in memory begins, which goes on to its end.

    None where there are more fragments, a table that says something else, or anything odd.
    """
    if not isinstance(pixels.stored, Memory) or pixels.offsets is not None:
        return None
    head = pixels.view(0, _LONGEST_HEAD)
    if len(head) < _LONGEST_HEAD:
        return None
    tag, size, *numbers = _HEADS.unpack(head)
    if size == 4 and numbers[0] == 0:
        numbers = numbers[1:]
    elif size:
        return None
    is_one = tag == numbers[0] == _ITEM and 0 < numbers[1] == length - 2 * ITEM_HEAD - size
    return ITEM_HEAD + size if is_one else None


def _numbers(table: bytes | memoryview, kind: str) -> Places:
    dtype = np.dtype(kind)
    return np.frombuffer(table, dtype, len(table) // dtype.itemsize).astype(np.int64)


def cut_off(pixels: Pixels, at: int, end: int) -> PixelDataError:
    """Return the error of a fragment that begins at byte `at` and does not end."""
    size, found = int.from_bytes(pixels.view(at + 4, at + 8), "little"), end - at - ITEM_HEAD
    return PixelDataError(
        expected=size,
        found=found,
        reason=f"a fragment of {size} bytes is cut off after {found}",
    )
