"""Values of a data set as bytes, little endian and of their usual VRs, whichever route read it.

What is read for geometry and grouping is read thousands of times, and nearly always the same: so
values stay bytes, and each different one is parsed once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from fastpix._index import entries_of, items_of
from fastpix.errors import PixelHeaderError
from fastpix.header.attributes import Attributes, Element
from fastpix.header.functional_groups import FrameEntries
from fastpix.header.index import Index
from fastpix.header.instance import Instance
from fastpix.source.pydicom_types import is_multi_value
from fastpix.standard.dictionary import vr_of
from fastpix.standard.indexed import INDEXED, Form, Place, Purpose
from fastpix.standard.private import Private
from fastpix.standard.tags import Tag

Values: TypeAlias = dict[int, bytes]
Groups: TypeAlias = dict[int, Values]
"""What functional groups hold: by the tag of the sequence, then by that of the element."""

_NO_NUMBER = b"?"
_CODES = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "AT": "HH"}
_SMALL_ENTRIES = 8192  # bytes of entries up to which values are kept
_TABLES = (Form.LUT, Form.PIXEL_DATA, Form.OFFSETS, Form.PRESENCE, Form.SEQUENCE, Form.FRAMES)

# What decides about pixels, and says something of identity too.
_DECIDING = (Tag.SOPClassUID, Tag.BurnedInAnnotation)


def _tags_at(place: Place) -> tuple[int, ...]:
    return tuple(
        row.first
        for row in INDEXED
        if row.place == place
        and row.first == row.last
        and row.form not in _TABLES
        and (row.purpose not in (Purpose.PIXELS, Purpose.SCALE) or row.first in _DECIDING)
    )


_TAGS = {place: _tags_at(place) for place in Place}
_GROUPS = {
    row.first: row.items
    for row in INDEXED
    if row.place == Place.GROUPS and row.form is Form.SEQUENCE and row.purpose > Purpose.SCALE
}
# Of the elements of sequences within those of functional groups: the sequence that holds it.
_WITHIN = {
    Tag.DiffusionGradientOrientation: Tag.DiffusionGradientDirectionSequence,
}


class PrivateValue(NamedTuple):
    """A private element, or Private Creator of a block.

    Attributes
    ----------
    tag : int
    vr : str
        Empty where the file does not say.
    value : bytes
        In little endian, if its VR is known to be binary.
    is_little_endian : bool
    """

    tag: int
    vr: str
    value: bytes
    is_little_endian: bool = True


class PlainValues(NamedTuple):
    """What one instance says of identity, geometry and grouping.

    Attributes
    ----------
    top : dict of int to bytes
        Values of the data set.
    private : tuple of PrivateValue
    dimensions, detectors : list of dict
        Items of Dimension Index Sequence, and of Detector Information Sequence.
    shared : Groups
        The functional groups that all frames share.
    frames : FrameColumns or None
        The functional groups of frames; None: the instance has none.
    """

    top: Values
    private: tuple[PrivateValue, ...]
    dimensions: list[Values]
    detectors: list[Values]
    shared: Groups
    frames: FrameColumns | None

    @property
    def may_be_mosaic(self) -> bool:
        """Whether the one frame may hold slices as tiles: a mosaic of Siemens, or a grid of UIH."""
        grid = Private.UIH_GRID_IMAGES.tag(0)
        if b"MOSAIC" in self.top.get(Tag.ImageType, b""):
            return True
        return any(each.tag & 0xFFFF00FF == grid for each in self.private)


class FrameColumns:
    """Functional groups of frames, by columns: one value for each run of frames.

    Parameters
    ----------
    entries : FrameEntries or None
        As the index takes them.
    runs : list of Groups
        In place of `entries`.
    counts : list of int
        How many frames each run has.
    """

    def __init__(
        self, entries: FrameEntries | None, runs: list[Groups] | None, counts: list[int]
    ) -> None:
        self.counts = counts
        self.is_frame_by_frame = len(counts) == sum(counts)
        self._entries = entries
        self._runs = runs
        self._sequences = None if entries is None else entries.tags()

    def column(self, sequence: int, tag: int, frames: int) -> list[bytes | None] | None:
        """Return the value of an element for each of the first `frames` frames.

        Returns
        -------
        list of (bytes or None), or None
            None in place of the list: no frame has the sequence.
        """
        found = self._of_runs(sequence, tag)
        if found is None:
            return None
        if not self.is_frame_by_frame:
            pairs = zip(found, self.counts, strict=True)
            found = [value for value, count in pairs for _ in range(count)]
        if len(found) < frames:
            found += [None] * (frames - len(found))
        return found if len(found) == frames else found[:frames]

    def _of_runs(self, sequence: int, tag: int) -> list[bytes | None] | None:
        if self._runs is None:
            assert self._entries is not None
            assert self._sequences is not None
            if sequence not in self._sequences:
                return None
            within = _WITHIN.get(tag)  # type: ignore[call-overload]
            found = self._entries.column(sequence, within or tag)
            if found is not None:
                return found if within is None else [_within(value, tag) for value in found]
            self._runs = [_groups_of(each) for each, _ in self._entries.runs()]
        return [run.get(sequence, {}).get(tag) for run in self._runs]


def plain_values(instance: Instance) -> PlainValues:
    """Return what an instance says of identity, geometry and grouping."""
    index = instance.index
    if index is not None and index.is_complete and index.is_little_endian:
        return _of_index(index)
    return _of_attributes(instance.attributes)


def values_at_top(instance: Instance) -> Values:
    """Return what an instance says outside of sequences, where these cannot be parsed."""
    return _values_at(instance.attributes, Place.DATA_SET)


# From the index.


def _of_index(index: Index) -> PlainValues:
    entries = entries_of(index.identity_entries)
    known = _deciding if len(index.pixel_entries) <= _SMALL_ENTRIES else _deciding.__wrapped__
    decided, has_frames, creators = known(index.pixel_entries)
    top = {tag: value for tag, _, _, value in entries} | decided
    private = tuple(
        [
            PrivateValue(tag, "" if index.implicit else letters.decode("ascii"), value)
            for tag, letters, _, value in entries
            if tag & 0x10000 and letters != b"SQ"
        ]
    )
    shared: Groups = {}
    value = top.pop(Tag.SharedFunctionalGroupsSequence, b"")
    if value:
        shared = _joined_groups([_groups_of(item) for item in items_of(value)])
    dimensions, detectors = (
        [_values_in(item) for item in items_of(top.pop(tag, b""))]
        for tag in (Tag.DimensionIndexSequence, Tag.DetectorInformationSequence)
    )
    frames = None
    if has_frames and index.frame_identity.ends:
        frames = FrameColumns(index.frame_identity, None, index.frame_identity.counts)
    return PlainValues(top, creators + private, dimensions, detectors, shared, frames)


@lru_cache(256)
def _deciding(pixel_entries: bytes) -> tuple[Values, bool, tuple[PrivateValue, ...]]:
    """Return SOP Class and others, whether frames have groups, Private Creators of group 2005."""
    decided, has_frames, creators = {int(Tag.SOPClassUID): b""}, False, []
    for tag, _, _, value in entries_of(pixel_entries):
        if tag in _DECIDING:
            decided[tag] = value
        elif tag == Tag.PerFrameFunctionalGroupsSequence:
            has_frames = True
        elif tag & 0x10000 and tag & 0xFF00 == 0:
            creators.append(PrivateValue(tag, "LO", value))
    return decided, has_frames, tuple(creators)


def _values_in(entries: bytes) -> Values:
    return {tag: value for tag, _, _, value in entries_of(entries)}


def _groups_of(entries: bytes) -> Groups:
    """Return the groups in the entries of an item of functional groups."""
    groups: Groups = {}
    for tag, _, _, value in entries_of(entries):
        if tag in _GROUPS:
            items = list(map(_values_in, items_of(value)))
            for item in items:
                for element, sequence in _WITHIN.items():
                    inner = item.pop(sequence, None)
                    if inner is not None and (found := _within(inner, element)) is not None:
                        item[element] = found
            groups[tag] = _joined(items)
    return groups


def _within(value: bytes | None, tag: int) -> bytes | None:
    """Return the value of an element in the items of a sequence; None where it has none."""
    if value is None:
        return None
    return _joined(list(map(_values_in, items_of(value)))).get(tag)


def _joined(items: list[Values]) -> Values:
    """Return the values of the one item; several that differ come as several values of each."""
    if len(items) == 1:
        return items[0]
    found: dict[int, list[bytes]] = {}
    for item in items:
        for tag, value in item.items():
            if value not in found.setdefault(tag, []):
                found[tag].append(value)
    return {tag: b"\\".join(values) for tag, values in found.items()}


def _joined_groups(items: list[Groups]) -> Groups:
    if len(items) == 1:
        return items[0]
    sequences = {sequence for item in items for sequence in item}
    return {
        sequence: _joined([item[sequence] for item in items if sequence in item])
        for sequence in sequences
    }


# From attributes.


def _of_attributes(attributes: Attributes) -> PlainValues:
    frames = None
    if Tag.PerFrameFunctionalGroupsSequence in attributes:
        runs = attributes.frame_groups()
        if runs:
            groups = [_groups_at(group) for group, _ in runs]
            frames = FrameColumns(None, groups, [count for _, count in runs])
    shared = attributes.items(Tag.SharedFunctionalGroupsSequence)
    return PlainValues(
        _values_at(attributes, Place.DATA_SET),
        tuple(_private_at(attributes)),
        [_values_at(i, Place.DIMENSION) for i in attributes.items(Tag.DimensionIndexSequence)],
        [_values_at(i, Place.DETECTOR) for i in attributes.items(Tag.DetectorInformationSequence)],
        _joined_groups(list(map(_groups_at, shared))) if shared else {},
        frames,
    )


def _groups_at(group: Attributes) -> Groups:
    found: Groups = {}
    for sequence, place in _GROUPS.items():
        if sequence not in group:
            continue
        items = []
        for item in group.items(sequence):
            values = _values_at(item, place)
            for tag, inner in _WITHIN.items():
                if place == Place.DIFFUSION and inner in item:
                    innermost = [_values_at(i, Place.GRADIENT) for i in item.items(inner)]
                    if (value := _joined(innermost).get(tag)) is not None:
                        values[tag] = value
            items.append(values)
        found[sequence] = _joined(items)
    return found


def _values_at(attributes: Attributes, place: Place) -> Values:
    found = {}
    for tag in _TAGS[place]:
        if tag in attributes:
            element = attributes.element(tag)
            value = None if element is None else _encoded(attributes, tag, element)
            if value is not None:
                found[tag] = value
    return found


def _encoded(attributes: Attributes, tag: int, element: Element) -> bytes | None:
    """Return a value as a regular file has it; None where that cannot be told."""
    usual = vr_of(tag) or "UN"
    value: Any = element.value
    if element.VR == "SQ":
        return _NO_NUMBER if usual == "DS" else None
    if value is None:
        return b""
    if isinstance(value, (bytes, bytearray, memoryview)):
        vr = element.VR
        if vr in (None, usual, "UN", "OB") or (vr not in _CODES and usual not in _CODES):
            raw = bytes(value)
            is_little = element.is_little_endian if isinstance(element, tuple) else True
            return raw if is_little else _swapped(raw, usual)
    return _encoded_as(attributes, tag, value, usual)


def _encoded_as(attributes: Attributes, tag: int, value: object, vr: str) -> bytes | None:
    """Return a value encoded by a VR, numbers by the rules for numbers."""
    if vr not in _CODES and vr not in ("DS", "IS"):
        return _text(value)
    try:
        return _packed(attributes.numbers(tag), vr)
    except PixelHeaderError:
        return None if vr in _CODES else _text(value)


def _text(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    values = value if is_multi_value(value) or isinstance(value, (list, tuple)) else [value]
    texts = [str(getattr(each, "original_string", None) or each) for each in values]
    return "\\".join(texts).encode("latin-1", "replace")


def _packed(numbers: Iterable[float], vr: str) -> bytes | None:
    if vr not in _CODES:
        return b"\\".join(
            str(int(n) if n.is_integer() and vr == "IS" else n).encode() for n in numbers
        )
    try:
        if vr == "AT":
            return b"".join(struct.pack("<HH", int(n) >> 16, int(n) & 0xFFFF) for n in numbers)
        kind = _CODES[vr]
        cast = float if kind in "fd" else int
        return b"".join(struct.pack(f"<{kind}", cast(number)) for number in numbers)
    except struct.error:
        return None


def _swapped(raw: bytes, vr: str) -> bytes:
    code = _CODES.get(vr)
    if code is None:
        return raw
    size = struct.calcsize(code[0])
    return b"".join(raw[k : k + size][::-1] for k in range(0, len(raw), size))


def _private_at(attributes: Attributes) -> Iterable[PrivateValue]:
    for tag in sorted(map(int, attributes.dataset.keys())):
        element = attributes.element(tag) if any(tag in row for row in _PRIVATE_ROWS) else None
        if element is None or element.value is None or element.VR == "SQ":
            continue
        vr = str(element.VR or "")
        value: Any = element.value
        is_little = True
        if isinstance(value, (bytes, bytearray, memoryview)):
            value = bytes(value)
            is_little = element.is_little_endian if isinstance(element, tuple) else True
        else:
            value = _encoded_as(attributes, tag, value, vr) or b""
        yield PrivateValue(tag, vr, value, is_little)


_PRIVATE_ROWS = tuple(
    row
    for row in INDEXED
    if row.first != row.last and row.place == Place.DATA_SET and row.form != Form.PRESENCE
)
