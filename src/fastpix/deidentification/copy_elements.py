"""The elements of a copy as the bytes of the file have them, read without pydicom."""

from __future__ import annotations

import mmap
import struct
from typing import NamedTuple

from fastpix.deidentification.original_levels import dictionary
from fastpix.deidentification.value_kinds import PIXEL_DATA

_UNDEFINED = 0xFFFFFFFF
_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DEEPEST = 64


class Element(NamedTuple):
    """An element: its place among the levels, and its value's place in the file."""

    path: tuple[int, ...]  # tag and number of the item, by turns, of the sequences around it
    tag: int
    vr: str
    start: int
    end: int


class CopyUnreadableError(Exception):
    """The bytes of a copy are no elements."""


class CopyElements:
    """All elements of a data set, by one pass over its bytes.

    Attributes
    ----------
    elements : list of Element
        In the order of the file, a sequence before its items.
    items : dict
        How many items each sequence has, by its path and tag.
    pixels : int
        Where the element of the pixels begins; -1: there is none.
    end : int
        Where the header ends.
    """

    def __init__(self, data: bytes | mmap.mmap, at: int, implicit: bool, little: bool) -> None:
        self.elements: list[Element] = []
        self.items: dict[tuple[tuple[int, ...], int], int] = {}
        self.pixels = -1
        self._data = data
        self._implicit = implicit
        self._order = "<" if little else ">"
        self._dictionary = dictionary()
        try:
            self.end = self._read((), at, len(data), 0)
        except struct.error as error:
            raise CopyUnreadableError from error

    def _read(self, path: tuple[int, ...], at: int, end: int, depth: int) -> int:
        if depth > _DEEPEST:
            raise CopyUnreadableError
        data, order = self._data, self._order
        while at < end:
            group, element = struct.unpack_from(order + "HH", data, at)
            tag = group << 16 | element
            if tag == _ITEM_END:
                return at + 8
            if tag in PIXEL_DATA and not path:
                self.pixels = at
                return at
            if self._implicit:
                (length,) = struct.unpack_from(order + "L", data, at + 4)
                entry = self._dictionary.get(tag)
                vr = entry[0] if entry else "UN"
                at += 8
            else:
                vr = data[at + 4 : at + 6].decode("latin-1")
                if vr in _LONG:
                    (length,) = struct.unpack_from(order + "L", data, at + 8)
                    at += 12
                else:
                    (length,) = struct.unpack_from(order + "H", data, at + 6)
                    at += 8
            if vr == "SQ":
                at = self._read_items(path, tag, at, length, end, depth)
                continue
            if length == _UNDEFINED or at + length > end:
                raise CopyUnreadableError
            self.elements.append(Element(path, tag, vr, at, at + length))
            at += length
        return at

    def _read_items(
        self, path: tuple[int, ...], tag: int, at: int, length: int, end: int, depth: int
    ) -> int:
        undefined = length == _UNDEFINED
        stop = end if undefined else at + length
        self.elements.append(Element(path, tag, "SQ", at, at))
        number = 0
        while at < stop:
            group, element, size = struct.unpack_from(self._order + "HHL", self._data, at)
            at += 8
            mark = group << 16 | element
            if mark == _SEQUENCE_END and undefined:
                break
            if mark != _ITEM:
                raise CopyUnreadableError
            inner = stop if size == _UNDEFINED else at + size
            at = self._read((*path, tag, number), at, inner, depth + 1)
            number += 1
        self.items[path, tag] = number
        return at
