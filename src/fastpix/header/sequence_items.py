"""Items of sequences in the bytes: which elements are in them, and whether all bytes are items.

pydicom takes any 8 bytes for the head of an item, and ends an item where it finds no element.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from fastpix._top_level import top_level
from fastpix.standard.tags import Tag

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

DECISIVE = frozenset(
    {
        Tag.ModalityLUTSequence,
        Tag.SharedFunctionalGroupsSequence,
        Tag.PerFrameFunctionalGroupsSequence,
        Tag.PixelValueTransformationSequence,
    }
)
"""The sequences that decide about the values of pixels."""

_TRANSFORMATION = frozenset({int(Tag.PixelValueTransformationSequence)})
_ITEM = 0xFFFEE000
_END_OF_ITEM = 0xFFFEE00D
_END_OF_SEQUENCE = 0xFFFEE0DD
_HEAD = 8  # bytes of an item or a delimiter, and of an element without VR
_UNDEFINED = 0xFFFFFFFF
_NO_LENGTH = b"\xff\xff\xff\xff"  # in both byte orders
_SMALLEST = 18  # bytes of an item with a slope of one digit: fewer zeros have replaced none


class FoundElement(NamedTuple):
    """An element in the bytes: its tag and VR, and where its value begins and ends."""

    tag: int
    vr: str
    first: int
    last: int


class Extent(NamedTuple):
    """Where the items of a sequence are, and how they are encoded.

    Attributes
    ----------
    first, last : int
        Where its value begins, and where it ends at the latest.
    is_open : bool
        Its length is undefined: a delimiter ends it.
    implicit, little : bool
        How the data set that it is in is encoded.
    """

    first: int
    last: int
    is_open: bool
    implicit: bool
    little: bool


class FoundItem(NamedTuple):
    """An item in the bytes.

    Attributes
    ----------
    elements : list of FoundElement
        Those that were wanted.
    end : int
        Where the item ends.
    implicit : bool
        Its elements have no VR.
    is_whole : bool
        It ends where its length or its delimiter says, and nothing but elements is in it.
    stopped_at : int
        The tag behind its last whole element; 0 where there is none.
    """

    elements: list[FoundElement]
    end: int
    implicit: bool
    is_whole: bool
    stopped_at: int


def find_items(data: bytes, extent: Extent, wanted: frozenset[int]) -> tuple[list[FoundItem], bool]:
    """Find the items of a sequence, up to the first that is not whole.

    Parameters
    ----------
    data : bytes
    extent : Extent
        Of the sequence in `data`.
    wanted : frozenset of int
        The tags of the elements to return.

    Returns
    -------
    items : list of FoundItem
    is_whole : bool
        All items are whole, and nothing else is in the sequence but some zeros at its end.
    """
    items: list[FoundItem] = []
    view = memoryview(data)[: extent.last]
    at = extent.first
    while (tag := _tag_at(view, at, extent.little)) in (_ITEM, _END_OF_SEQUENCE):
        if tag == _END_OF_SEQUENCE:  # also where the length is defined: pydicom reads no further
            return items, extent.is_open or _is_padding(view[at + _HEAD :])
        items.append(_item_at(view, at, extent, wanted))
        if not items[-1].is_whole:
            return items, False
        at = items[-1].end
    if extent.is_open:
        return items, False
    return items, at == extent.last or (bool(items) and _is_padding(view[at:]))


def extent_of(data: bytes, sequence: FoundElement, implicit: bool, little: bool) -> Extent:
    """Return the extent of a sequence that was found in the bytes."""
    is_open = data[sequence.first - len(_NO_LENGTH) : sequence.first] == _NO_LENGTH
    return Extent(sequence.first, sequence.last, is_open, implicit, little)


def broken_sequence(dataset: Dataset, tag: int, stream: bytes | None) -> int:
    """Return which sequence has bytes that are no items; 0 if none has, or none can be told.

    Parameters
    ----------
    dataset : pydicom.Dataset
    tag : int
        Of a sequence in it; one in its items may be the broken one.
    stream : bytes, optional
        What pydicom has read the data set from. Items that it has converted are looked for there.
    """
    element: Any = dataset.get_item(tag, keep_deferred=True)
    if not hasattr(element, "value_tell"):  # converted
        if stream is None or element.VR != "SQ" or not element.is_undefined_length:
            return 0
        implicit, little = dataset.original_encoding
        extent = Extent(element.file_tell, len(stream), True, bool(implicit), little is not False)
        return _broken(stream, tag, extent)
    is_deferred = element.value is None and element.length != 0  # what pydicom reads, it converts
    if is_deferred or element.VR not in (None, "SQ", "UN"):
        return 0
    value = element.value or b""
    if len(value) < element.length != _UNDEFINED:
        return tag
    implicit, little = element.is_implicit_VR, element.is_little_endian
    if stream is not None and _is_item_at(stream, element.value_tell + element.length, little):
        return tag
    return _broken(value, tag, Extent(0, len(value), False, implicit, little))


def _is_item_at(stream: bytes, at: int, little: bool) -> bool:
    """Whether items go on where a sequence has ended by its length."""
    return _tag_at(memoryview(stream), at, little) in (_ITEM, _END_OF_SEQUENCE)


def _broken(data: bytes, tag: int, extent: Extent) -> int:
    items, is_whole = find_items(data, extent, _TRANSFORMATION)
    if tag not in _TRANSFORMATION:
        for item in items:
            for each in item.elements:
                inside = extent_of(data, each, item.implicit, extent.little)
                if each.vr in ("", "SQ", "UN") and _broken(data, each.tag, inside):
                    return each.tag
        if items and items[-1].stopped_at in _TRANSFORMATION:
            return items[-1].stopped_at
    return 0 if is_whole else tag


def _item_at(view: memoryview, at: int, extent: Extent, wanted: frozenset[int]) -> FoundItem:
    (length,) = struct.unpack_from("<I" if extent.little else ">I", view, at + 4)
    at += _HEAD
    is_open = length == _UNDEFINED
    end = len(view) if is_open else at + length
    content = view[:end]
    implicit = extent.implicit or not _has_vr(content, at)
    # Zeros are elements to pydicom.
    found, after = top_level(content, at, implicit, not extent.little, wanted | {0})
    elements = [FoundElement(*each) for each in found if each[0] != 0]
    padding = min((first - _HEAD for tag, _, first, _ in found if tag == 0), default=after)
    stopped_at = _tag_at(content, after, extent.little)
    is_ended = stopped_at == _END_OF_ITEM and (is_open or after + _HEAD == end)
    end = after + _HEAD if is_open else end
    rest = content[padding : after if is_ended else end]
    # Of fewer than 8 bytes, pydicom makes an element with those that follow.
    is_last = end == len(view) and not extent.is_open
    is_whole = (is_ended or not is_open) and end <= len(view)
    is_whole = is_whole and _is_padding(rest) and (is_last or len(rest) % _HEAD == 0)
    return FoundItem(elements, end, implicit, is_whole, stopped_at)


def _tag_at(view: memoryview, at: int, little: bool) -> int:
    """Return the tag of the 8 bytes at a place; 0 where there are fewer."""
    if at + _HEAD > len(view):
        return 0
    group, number = struct.unpack_from("<HH" if little else ">HH", view, at)
    return int(group) << 16 | int(number)


def _has_vr(view: memoryview, at: int) -> bool:
    """Whether two capital letters are where the first element has its VR, or none is there."""
    letters = view[at + 4 : at + 6]
    return len(letters) < 2 or all(0x41 <= letter <= 0x5A for letter in letters)


def _is_padding(rest: memoryview) -> bool:
    return len(rest) < _SMALLEST and not any(rest)
