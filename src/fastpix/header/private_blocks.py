"""Private elements of an instance, read from its bytes when they are asked for (PS3.5 7.8.1).

The index takes small private elements of a few vendors (`fastpix.standard.private`). Those here are
large or rare: they are looked for where a file is of a kind that has them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from fastpix._top_level import top_level
from fastpix.errors import PixelHeaderError
from fastpix.header.attributes import Attributes
from fastpix.header.index import Elements, IndexElement
from fastpix.header.instance import Instance
from fastpix.header.top_level import data_set_start
from fastpix.notes import Notes
from fastpix.source.pydicom_types import is_dataset
from fastpix.standard.private import PrivateElement
from fastpix.standard.tags import Tag

_CODES = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_TO_ABSENT = ("", "UN", "OB")
_BLOCKS = range(0x10, 0x100)
_ITEM = 0xFFFEE000
_UNDEFINED = 0xFFFFFFFF


class _Found(NamedTuple):
    vr: str
    value: Any  # bytes, or what pydicom has made of them
    is_little_endian: bool


class PrivateBlocks:
    """Private elements of one instance.

    Parameters
    ----------
    instance : Instance
    wanted : iterable of PrivateElement
        Those that may be asked for.
    manufacturer : str
        Where a group has no Private Creator at all (software that takes patients' names out drops
        them), its elements are taken for those of this manufacturer, in the usual block.
    """

    def __init__(
        self, instance: Instance, wanted: Iterable[PrivateElement], manufacturer: str
    ) -> None:
        self._manufacturer = manufacturer.strip().upper()
        self._implicit = False
        self._found = self._in_bytes(instance, _tags_in_blocks(tuple(wanted)))

    def _in_bytes(self, instance: Instance, tags: frozenset[int]) -> dict[int, _Found]:
        index = instance.index
        stream = instance.before_pixels()
        if index is None or stream is None:
            return self._in_dataset(instance.dataset, tags)
        start = 0 if index.inflated is not None else data_set_start(stream)
        little = index.is_little_endian
        self._implicit = index.implicit
        elements, _ = top_level(stream, start, index.implicit, not little, tags)
        found: dict[int, _Found] = {}
        for tag, vr, first, last in elements:
            found.setdefault(tag, _Found(vr, stream[first:last], little))
        return found

    @staticmethod
    def _in_dataset(dataset: Any, tags: frozenset[int]) -> dict[int, _Found]:
        found = {}
        for tag in sorted(tags.intersection(map(int, dataset.keys()))):
            element = dataset.get_item(tag)
            little = getattr(element, "is_little_endian", True)
            value = element.value
            if str(element.VR or "") == "SQ" and isinstance(value, bytes):
                value = dataset[tag].value
            found[tag] = _Found(str(element.VR or ""), value, little)
        return found

    def _of(self, private: PrivateElement) -> _Found | None:
        creators = {
            block: _text(self._found[tag].value)
            for block in _BLOCKS
            if (tag := private.group << 16 | block) in self._found
        }
        if not creators and self._manufacturer.startswith(private.manufacturer):
            return self._found.get(private.tag(0x10))
        for block, name in creators.items():
            if name == private.creator and private.tag(block) in self._found:
                return self._found[private.tag(block)]
        return None

    def __contains__(self, private: PrivateElement) -> bool:
        return self._of(private) is not None

    def data(self, private: PrivateElement) -> bytes:
        """Return the bytes of an element; empty where it is missing."""
        found = self._of(private)
        if found is None or not isinstance(found.value, (bytes, bytearray, memoryview)):
            return b""
        return bytes(found.value)

    def number(self, private: PrivateElement) -> float | None:
        """Return the one number of an element; None where it has none."""
        found = self._of(private)
        if found is None:
            return None
        value = found.value
        vr = private.vr if found.vr in _TO_ABSENT else found.vr
        code = _CODES.get(vr)
        if code is not None and isinstance(value, (bytes, bytearray, memoryview)):
            order = "<" if found.is_little_endian else ">"
            if len(value) != struct.calcsize(code):
                return None
            (number,) = struct.unpack(f"{order}{code}", value)
            return float(number) if math.isfinite(number) else None
        return _decimal(value)

    def numbers_of_items(self, private: PrivateElement, tag: Tag) -> list[list[float]] | None:
        """Return the values of an element in each item of a sequence.

        Returns
        -------
        list of list of float, or None
            Empty where an item lacks the element, or has no numbers in it. None: there is no
            sequence.
        """
        found = self._of(private)
        if found is None or not found.value:
            return None
        if isinstance(found.value, (bytes, bytearray, memoryview)):
            bare = self._implicit or found.vr in ("UN", "OB")
            little = found.is_little_endian or found.vr == "UN"  # PS3.5 6.2.2
            items: list[Any] = _items(bytes(found.value), bare, little, tag)
        else:
            value = found.value if isinstance(found.value, Sequence) else ()
            items = [item for item in value if is_dataset(item)]
        return [_numbers(Attributes(item, Notes(), found.is_little_endian), tag) for item in items]


@lru_cache(16)
def _tags_in_blocks(wanted: tuple[PrivateElement, ...]) -> frozenset[int]:
    """Return the tags of elements in all blocks, and those of Private Creators."""
    groups = {private.group for private in wanted}
    tags = {group << 16 | block for group in groups for block in _BLOCKS}
    return frozenset(tags | {private.tag(block) for private in wanted for block in _BLOCKS})


def _items(value: bytes, implicit: bool, little: bool, wanted: Tag) -> list[Elements]:
    """Return one element of each item of a sequence, as far as they can be followed."""
    items = []
    at = 0
    while at + 8 <= len(value):
        group, number, length = struct.unpack_from("<HHI" if little else ">HHI", value, at)
        if group << 16 | number != _ITEM:
            break
        at += 8
        item = value if length == _UNDEFINED else value[: at + length]
        elements = Elements(implicit, little)
        after = at
        if at < len(item):
            found, after = top_level(item, at, implicit, not little, frozenset({int(wanted)}))
            for tag, vr, first, last in found:
                element = IndexElement(vr or None, last - first, item[first:last], little)
                elements.setdefault(tag, element)
        at = after + 8 if length == _UNDEFINED else at + length
        items.append(elements)
    return items


def _numbers(item: Attributes, tag: Tag) -> list[float]:
    try:
        return item.numbers(tag)
    except PixelHeaderError:
        return []


def _decimal(value: Any) -> float | None:
    """Return the one number of a Decimal or Integer String."""
    text = _text(value)
    elements = Elements(implicit=True, is_little_endian=True)
    # Any attribute with this VR gives the grammar of Decimal Strings.
    elements[Tag.SliceThickness] = IndexElement(None, len(text), text.encode("latin-1", "replace"))
    numbers = _numbers(Attributes(elements, Notes(), little=True), Tag.SliceThickness)
    return numbers[0] if len(numbers) == 1 else None


def _text(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = bytes(value).decode("latin-1")
    return str(value).strip(" \0")
