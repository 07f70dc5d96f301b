"""Odd elements of identity, geometry and grouping are left out: the file is served all the same."""

from __future__ import annotations

import pytest
from support.file_structures import EXPLICIT, IMPLICIT, Element
from support.index_and_pydicom import serves
from support.matrices import every
from support.regular_files import CODE, IDENTITY, image, implicit, sample, sequence, text

import fastpix
from fastpix.header.index import Index, elements_of, find_elements
from fastpix.source.stored import Memory
from fastpix.standard.indexed import Form, Indexed
from fastpix.standard.tags import Tag

VALUES = [row for row in IDENTITY if row.form != Form.PRESENCE]
TEXTS = [row for row in VALUES if row.form in (Form.TEXT, Form.TEXTS)]


def name_of(row: Indexed) -> str:
    return Tag(row.first).name


def index_of(data: bytes) -> Index:
    assert serves(Memory(data))  # and gives what pydicom gives
    index = find_elements(Memory(data))
    assert index is not None
    return index


def tags_of(index: Index) -> set[int]:
    elements = elements_of(index.identity_entries, index.implicit)
    assert elements is not None
    return set(elements)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT], ids=["explicit", "implicit"])
@every("row", IDENTITY)
def test_taken(row: Indexed, syntax: bytes) -> None:
    index = index_of(image(text(row.first, row.vrs[0].encode(), sample(row)), syntax=syntax))
    assert index.is_complete
    assert tags_of(index) == {row.first}


def assert_left_out(data: bytes, row: Indexed) -> None:
    index = index_of(data)
    assert not index.is_complete
    assert row.first not in tags_of(index)
    plain = find_elements(Memory(image(syntax=IMPLICIT if index.implicit else EXPLICIT)))
    assert plain is not None
    assert index.pixel_entries == plain.pixel_entries
    with fastpix.open(data) as opened:
        assert row.first in opened.attributes


@every("row", IDENTITY)
def test_of_another_vr(row: Indexed) -> None:
    assert_left_out(image(text(row.first, b"UN", sample(row))), row)


@every("row", TEXTS)
def test_not_ascii(row: Indexed) -> None:
    for syntax in EXPLICIT, IMPLICIT:
        element = text(row.first, row.vrs[0].encode(), sample(row) + b"\xe9")
        assert_left_out(image(element, syntax=syntax), row)


@every("row", VALUES)
def test_too_long(row: Indexed) -> None:
    size = 1024 // len(sample(row)) + 2
    element = Element(row.first, row.vrs[0].encode(), sample(row) * size * 2)
    assert_left_out(image(element), row)


@every("row", IDENTITY)
def test_open(row: Indexed) -> None:
    items = sequence(list(map(implicit, CODE)), tag=row.first, vr=b"UN")
    assert_left_out(image(items), row)


def test_several_values_of_one() -> None:
    """Whether it has as many values as it should is for those to say who read them."""
    index = index_of(image(text(Tag.SliceThickness, b"DS", b"1\\2")))
    assert index.is_complete
    assert tags_of(index) == {Tag.SliceThickness}


def test_the_presence_of_a_description_is_not_its_text() -> None:
    element = text(Tag.SeriesDescription, b"LO", b"Doe^John")
    index = index_of(image(element))
    assert tags_of(index) == {Tag.SeriesDescription}
    assert b"Doe" not in index.identity_entries
