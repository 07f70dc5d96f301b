"""The table that drives the index is in order, and says what pydicom's dictionary says."""

from __future__ import annotations

from itertools import pairwise

from pydicom.datadict import dictionary_VM, dictionary_VR, keyword_for_tag
from support.matrices import every

from fastpix.standard.indexed import INDEXED, INDEXED_ROWS, Form, Indexed, Place, Purpose
from fastpix.standard.private import Private
from fastpix.standard.tags import PHILIPS_CREATORS, PHILIPS_SCALE_SLOPE, Tag

SINGLE = [row for row in INDEXED if row.first == row.last]
RANGES = [row for row in INDEXED if row.first != row.last]


@every("tag", Tag)
def test_tags_have_the_keywords_of_the_dictionary(tag: Tag) -> None:
    assert keyword_for_tag(int(tag)) == tag.name


def test_tags_are_in_order() -> None:
    assert list(Tag) == sorted(Tag)


@every("row", SINGLE)
def test_rows_are_those_of_the_dictionary(row: Indexed) -> None:
    # The dictionary of pydicom has one VR for a sequence of any, and "or" between several.
    vrs = set(dictionary_VR(row.first).split(" or "))
    assert vrs.issuperset(row.vrs)
    assert vrs == set(row.vrs) or row.form == Form.LUT
    assert row.multiplicity == dictionary_VM(row.first)


def test_rows_ascend_and_do_not_overlap() -> None:
    assert all(row.first <= row.last for row in INDEXED)
    for before, after in pairwise(INDEXED):
        assert (before.place, before.first) < (after.place, after.first)
        assert (before.place, before.last) < (after.place, after.last)
        if before.place == after.place and before.last >= after.first:
            assert before.mask == after.mask
            assert (before.first ^ after.first) & before.mask, "masks tell their tags apart"
    assert {row.place for row in INDEXED} == set(Place)


def test_places_are_those_of_items() -> None:
    """Each place but the data set is that of a sequence's items, and no other row has one."""
    sequences = [row for row in INDEXED if row.form in (Form.SEQUENCE, Form.FRAMES)]
    assert {row.items for row in sequences} == set(Place) - {Place.DATA_SET}
    assert all(row.items == Place.DATA_SET for row in INDEXED if row not in sequences)


def test_rows_are_as_the_walk_reads_them() -> None:
    assert len(INDEXED_ROWS) == 20 * len(INDEXED)
    assert all(len(row.vrs) <= 2 for row in INDEXED)


def test_ranges_hold_what_they_should() -> None:
    assert all(not any(row.first <= tag.first <= row.last for tag in SINGLE) for row in RANGES)
    creators, slopes = (row for row in RANGES if row.purpose == Purpose.PIXELS)
    assert [tag for tag in range(PHILIPS_CREATORS[0] - 16, 0x20060000) if tag in creators] == list(
        PHILIPS_CREATORS
    )
    blocks = [(tag & 0xFF) << 8 | PHILIPS_SCALE_SLOPE for tag in PHILIPS_CREATORS]
    assert [tag for tag in range(0x20050000, 0x20060000) if tag in slopes] == blocks


def test_private_elements_are_taken_in_all_blocks() -> None:
    rows = [row for row in RANGES if row.purpose == Purpose.GROUPING]
    for private in Private:
        for block in (0x10, 0x2A, 0xFF):
            assert [row for row in rows if private.tag(block) in row] == [
                row for row in rows if row.first == private.tag(0x10)
            ]
    groups = {row.first >> 16 for row in RANGES if row.first & 0xFFFF == 0x10}
    assert groups == {private.group for private in Private}  # each with its creators


def test_private_elements_are_in_order() -> None:
    tags = [private.tag(0x10) for private in Private]
    assert tags == sorted(tags)
    assert len(set(tags)) == len(tags)


def test_what_decides_about_pixels_is_read_strictly() -> None:
    """Elements of identity are never a reason to leave a file to pydicom."""
    lenient = [row for row in INDEXED if row.purpose not in (Purpose.PIXELS, Purpose.SCALE)]
    assert lenient
    assert not {row.form for row in lenient} & {Form.PIXEL_DATA, Form.OFFSETS, Form.LUT}
