"""One file by both routes: by the index, and by pydicom, whose word it is."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import numpy as np
from pydicom.dataelem import RawDataElement

from fastpix._index import Walk
from fastpix.errors import FastpixError, PixelHeaderError
from fastpix.header.attributes import Attributes
from fastpix.header.header import Header
from fastpix.header.instance import Instance, _read_by_pydicom, _read_regular
from fastpix.image.limits import MAX_BYTES
from fastpix.source.stored import File, Memory
from fastpix.standard.indexed import INDEXED, Form, Indexed, Place, Purpose
from fastpix.standard.tags import Tag

WHOLE, MORE, REFUSED, DEFLATED = 0, 1, 2, 3

# A part of this many bytes lets the walk go on wherever it stands, but before a look-up table: the
# longest value of another kind that is taken out has 1024 of them.
ENOUGH = 2048

# What the index keeps at each place: values, bytes of tables, that an element is there, and items.
VALUE_FORMS = (Form.WORD, Form.TEXT, Form.TEXTS, Form.BINARY)


def rows_at(place: Place, *forms: Form) -> list[Indexed]:
    return [
        row
        for row in INDEXED
        if row.place == place
        and row.form in forms
        and row.first == row.last != Tag.SpecificCharacterSet
    ]


def serves(stored: Memory | File) -> bool:
    """Whether the index serves a file; if it does, it must give what pydicom's route gives.

    Also without identity and geometry, for those who read pixels alone.
    """
    said, instance = _listen(lambda: _read_regular(stored, MAX_BYTES))
    said_alone, alone = _listen(lambda: _read_regular(stored, MAX_BYTES, only_pixels=True))
    if instance is None and alone is None:
        assert said == said_alone == []
        return False
    # A large file is read up to its pixels: here, pydicom's word is on all of it.
    heard, expected = _listen(lambda: _read_by_pydicom(Memory(stored.whole()), MAX_BYTES))
    for words, found in ((said, instance), (said_alone, alone)):
        if found is not None:
            assert words == heard
            assert facts_of(found.header) == facts_of(expected.header)
            assert _pixels_of(found, isinstance(stored, File)) == _pixels_of(expected)
    if alone is not None and alone.index is not None:
        index = alone.index
        left = index.identity_entries, index.frame_identity.entries, index.is_complete
        assert not any(left)
    if instance is not None and instance.index is not None and instance.index.is_complete:
        assert_same(instance.attributes, expected.attributes, Place.DATA_SET)
    return instance is not None


def assert_same(found: Attributes, known: Attributes, place: Place) -> None:
    """What the index has taken of a place is what pydicom has parsed, down to the last item."""
    for tag in (row.first for row in rows_at(place, *VALUE_FORMS)):
        if _stored(found, tag) != _stored(known, tag):  # else they are read alike
            assert _values_of(found, tag) == _values_of(known, tag), f"{tag:08X}"
    if place == Place.DATA_SET:
        assert _private_tags(found) == _private_tags(known)
        for tag in _private_tags(found):
            assert _values_of(found, tag) == _values_of(known, tag), f"{tag:08X}"
    for tag in (row.first for row in rows_at(place, Form.PRESENCE)):
        assert (tag in found) == (tag in known), f"{tag:08X}"
    for tag in (row.first for row in rows_at(place, Form.LUT)):
        assert found.words(tag).tolist() == known.words(tag).tolist(), f"{tag:08X}"
    for row in rows_at(place, Form.SEQUENCE, Form.FRAMES):
        assert (row.first in found) == (row.first in known), f"{row.first:08X}"
        items, others = found.items(row.first), known.items(row.first)
        assert len(items) == len(others), f"{row.first:08X}"
        for item, other in zip(items, others, strict=True):
            assert_same(item, other, row.items)


def _private_tags(at: Attributes) -> set[int]:
    """Return tags of private elements that the table names, but those that decide about pixels."""
    rows = [row for row in INDEXED if row.purpose == Purpose.GROUPING and row.first != row.last]
    return {tag for tag in map(int, at.dataset.keys()) if any(tag in row for row in rows)}


def _listen(read: Callable[[], Any]) -> tuple[list[tuple[type[Warning], str]], Any]:
    """Return what was warned of, and what was read."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        result = read()
    return [(each.category, str(each.message)) for each in heard], result


def facts_of(header: Header) -> dict[str, object]:
    """Return every field of a header, errors and floats told apart to the last bit."""
    return {each.name: _fact(getattr(header, each.name)) for each in fields(header)}


def _fact(value: object) -> object:
    if isinstance(value, PixelHeaderError):
        return type(value), value.tag, value.keyword, str(value.value), str(value)
    return repr(value)


def _pixels_of(instance: Instance, is_open: bool = False) -> tuple[object, ...]:
    """Where pixels are, their bytes and offsets; `is_open`: up to the end of the file."""
    pixels = instance.pixels
    view = bytes(pixels.view(0, pixels.length))
    assert len(view) == pixels.length
    encapsulated = instance.header.encapsulated
    if is_open and encapsulated:
        at = 0
        while view[at : at + 4] == b"\xfe\xff\x00\xe0":
            at += 8 + int.from_bytes(view[at + 4 : at + 8], "little")
        view = view[:at]
    # No one asks for the offsets of native frames.
    return pixels.start, view, pixels.offsets if encapsulated else None


def _stored(at: Attributes, tag: int) -> tuple[object, ...]:
    element = at.element(tag)
    if not isinstance(element, RawDataElement):
        return (element,)
    return element.VR, element.value, element.is_little_endian


def _values_of(at: Attributes, tag: int) -> tuple[object, ...]:
    return tag in at, _outcome(lambda: at.text(tag)), _outcome(lambda: repr(at.numbers(tag)))


def _outcome(read: Callable[[], object]) -> object:
    try:
        return read()
    except FastpixError as error:
        return type(error), str(error)


def walk_of(data: bytes, sizes: Iterator[int]) -> tuple[object, ...]:
    """Walk over a file in parts of these sizes, and return what comes of it.

    Each part has memory of its own, and not a byte more, so that the sanitizers see a read beyond
    it. One that does not let the walk go on is followed by one of twice the size.
    """
    walk = Walk(len(data))
    result, factor = MORE, 1
    while result == MORE:
        at = walk.at
        size = next(sizes) * factor
        result = walk.on(np.frombuffer(data[at : at + size], np.uint8).copy().data, at)
        if result == DEFLATED:
            try:
                inflated = zlib.decompress(data[walk.data_set :], -zlib.MAX_WBITS)
            except zlib.error:
                return (result,)
            return result, walk.on_inflated(inflated), *_found_by(walk)
        assert result in (WHOLE, MORE, REFUSED)
        assert at <= walk.at <= len(data)
        if result == MORE:
            assert at + size < len(data)
            assert walk.at > at or size < max(ENOUGH, walk.wanted)
        factor = 1 if walk.at > at else 2 * factor
    if result == REFUSED:
        return (result,)
    return result, *_found_by(walk)


def _found_by(walk: Walk) -> tuple[object, ...]:
    return (
        walk.pixel_entries(), walk.scale_entries(), walk.identity_entries(),
        walk.frame_pixel_entries(), walk.frame_identity_entries(),
        walk.is_complete, walk.implicit, walk.big_endian, walk.encapsulated,
        walk.data_set, walk.start, walk.length,
        walk.table_start, walk.table_length,
    )  # fmt: skip
