"""Encapsulated pixel data of frames, with offset tables that fit them (PS3.5 A.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from fastpix.frames.offset_tables import ITEM_HEAD

_ITEM = b"\xfe\xff\x00\xe0"
_LARGEST = 2**32 - 1  # that an entry of the Basic Offset Table, and the length of an item, can be


class Encapsulated(NamedTuple):
    """The value of an encapsulated pixel data element.

    Attributes
    ----------
    value : bytes
        The item of the Basic Offset Table, and an item for each frame; not the delimiter.
    extended : (bytes, bytes) or None
        Extended Offset Table and its lengths.
    """

    value: bytes
    extended: tuple[bytes, bytes] | None


def encapsulated(frames: Sequence[bytes | memoryview], is_extended: bool) -> Encapsulated:
    """Put each frame into an item of its own.

    Parameters
    ----------
    frames : sequence of bytes
        Codestreams; those of odd length are padded.
    is_extended : bool
        With an Extended Offset Table in place of a Basic one, as the original has it. There is one
        in any case where the Basic one has no room.
    """
    sizes = [len(frame) + len(frame) % 2 for frame in frames]
    starts = [0, *accumulate(size + ITEM_HEAD for size in sizes)]
    is_extended = is_extended or starts[-2] > _LARGEST
    table = b"" if is_extended else struct.pack(f"<{len(frames)}I", *starts[:-1])
    parts: list[bytes | memoryview] = [_head(len(table)), table]
    for frame, size in zip(frames, sizes, strict=True):
        parts += [_head(size), frame, b"\0" * (size - len(frame))]
    extended = None
    if is_extended:
        lengths = [len(frame) for frame in frames]
        extended = (
            struct.pack(f"<{len(frames)}Q", *starts[:-1]),
            struct.pack(f"<{len(frames)}Q", *lengths),
        )
    return Encapsulated(b"".join(parts), extended)


def _head(size: int) -> bytes:
    return _ITEM + struct.pack("<I", size)
