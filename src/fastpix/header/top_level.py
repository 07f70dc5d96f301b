"""What the bytes of a data set say that pydicom's Dataset does not: repeated elements, a cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fastpix._index import meta_elements
from fastpix._top_level import top_level
from fastpix.header.file_meta import META, has_prefix
from fastpix.header.sequence_items import DECISIVE, Extent, FoundElement, extent_of, find_items
from fastpix.standard.indexed import INDEXED, Form, Place, Purpose
from fastpix.standard.tags import Tag

# Of these, the index takes note, but they decide about no pixel.
_REPORTED = frozenset(
    {
        Tag.SpecificCharacterSet,
        Tag.PixelPresentation,
        Tag.BurnedInAnnotation,
        Tag.PresentationLUTShape,
    }
)
# The elements that decide about pixels: two of one tag that differ are two images.
_WANTED = (
    frozenset(
        int(row.first)
        for row in INDEXED
        if row.place == Place.DATA_SET
        and row.purpose in (Purpose.PIXELS, Purpose.SCALE)
        and row.form != Form.PRESENCE
        and row.first == row.last  # not the private elements, which are reported too
    )
    - _REPORTED
)
# Those of items, and the sequences that they are in.
_WANTED_IN_ITEMS = frozenset(
    map(
        int,
        (
            Tag.PixelValueTransformationSequence,
            Tag.RescaleIntercept,
            Tag.RescaleSlope,
            Tag.RescaleType,
            Tag.LUTDescriptor,
            Tag.LUTData,
        ),
    )
)
_TRANSFORMATION = int(Tag.PixelValueTransformationSequence)
_PADDING = b"\0 "


class TopLevel(NamedTuple):
    """What a walk over the top level of a data set found.

    Attributes
    ----------
    repeated : frozenset of int
        Tags of elements that decide about pixels, and occur more than once with one value.
    contradictory : dict of int to int
        Those of elements that occur more than once with different values, each with itself; and
        those of sequences that have such an element in an item, with the tag of that element.
    end : int
        Where the last whole element ends.
    """

    repeated: frozenset[int]
    contradictory: Mapping[int, int]
    end: int

    def is_cut_off(self, stream: bytes) -> bool:
        """Whether more follows on the last whole element than zeros, which are padding."""
        return bool(stream[self.end :].strip(b"\0"))


def look_over(stream: bytes, implicit: bool, little: bool) -> TopLevel:
    """Walk over the top level of a data set.

    Parameters
    ----------
    stream : bytes
        A file, or a data set without File Meta.
    implicit, little : bool
        How the data set is encoded.
    """
    start = data_set_start(stream)
    found, end = top_level(stream, start, implicit, not little, _WANTED)
    elements = [FoundElement(*element) for element in found]
    repeated, contradictory = _compared(stream, elements)
    for element in elements:
        if element.tag in DECISIVE:
            extent = extent_of(stream, element, implicit, little)
            again, different = _compared_in_items(stream, element.tag, extent)
            repeated |= again
            if different:
                contradictory[element.tag] = min(different)
    return TopLevel(frozenset(repeated - contradictory.keys()), contradictory, end)


def _compared(stream: bytes, elements: list[FoundElement]) -> tuple[set[int], dict[int, int]]:
    """Return the tags that occur more than once with one value, and with several."""
    repeated: set[int] = set()
    contradictory: dict[int, int] = {}
    seen: dict[int, FoundElement] = {}
    for element in elements:
        tag = element.tag
        first = seen.setdefault(tag, element)
        if first is element:
            continue
        if _value(stream, first) == _value(stream, element):
            repeated.add(tag)
        else:
            contradictory[tag] = tag
    return repeated, contradictory


def _compared_in_items(stream: bytes, tag: int, extent: Extent) -> tuple[set[int], set[int]]:
    """Return the same tags of what is in the items of a sequence, and in those of a group."""
    repeated: set[int] = set()
    contradictory: set[int] = set()
    items, _ = find_items(stream, extent, _WANTED_IN_ITEMS)
    for item in items:
        again, different = _compared(stream, item.elements)
        repeated |= again
        contradictory.update(different)
        for element in item.elements:
            if element.tag == _TRANSFORMATION != tag:
                inside = extent_of(stream, element, item.implicit, extent.little)
                again, others = _compared_in_items(stream, element.tag, inside)
                repeated |= again
                contradictory |= others
    return repeated, contradictory


def find_element(stream: bytes, tag: int, vr: str, implicit: bool, little: bool) -> int | None:
    """Return where the value of the first element of a tag begins, if it has this VR."""
    start = data_set_start(stream)
    elements, _ = top_level(stream, start, implicit, not little, frozenset({tag}))
    return elements[0][2] if elements and elements[0][1] == vr else None


def data_set_start(stream: bytes) -> int:
    """Return where the data set begins: behind File Meta, if there is one."""
    at = META if has_prefix(stream) else 0
    for _, _, value, length in meta_elements(stream, at):
        at = value + length
    return at


def _value(stream: bytes, element: FoundElement) -> bytes:
    return stream[element.first : element.last].rstrip(_PADDING)
