"""Sequences that decide about pixels: bytes in them that are no items refuse rescaled values."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from support.builders import encode, make_dataset
from support.header_checks import RAMP, us
from support.jobs import row_of
from support.matrices import every

import fastpix
from fastpix import PixelHeaderError
from fastpix.errors import tag_text
from fastpix.header.rescale import RescaleError
from fastpix.recipe import Recipe
from fastpix.standard.tags import Tag

SHARED = Tag.SharedFunctionalGroupsSequence
FRAMES = Tag.PerFrameFunctionalGroupsSequence
INNER = Tag.PixelValueTransformationSequence
TABLE = Tag.ModalityLUTSequence
ITEM, END_OF_ITEM, END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
GARBAGE = b"garbage!"


class Writer(NamedTuple):
    """Elements and items in one encoding."""

    syntax: str = ExplicitVRLittleEndian

    @property
    def order(self) -> str:
        return ">" if self.syntax == ExplicitVRBigEndian else "<"

    def head(self, tag: int, length: int) -> bytes:
        return struct.pack(f"{self.order}HHI", tag >> 16, tag & 0xFFFF, length)

    def element(self, tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
        length = len(value) if length is None else length
        if self.syntax == ImplicitVRLittleEndian:
            return self.head(tag, length) + value
        if vr in (b"SQ", b"UN", b"OW"):
            return self.head(tag, 0)[:4] + vr + struct.pack(f"{self.order}HI", 0, length) + value
        return self.head(tag, 0)[:4] + vr + struct.pack(f"{self.order}H", length) + value

    def item(self, content: bytes, length: int | None = None) -> bytes:
        return self.head(ITEM, len(content) if length is None else length) + content

    def open_item(self, content: bytes) -> bytes:
        return self.item(content, UNDEFINED) + self.head(END_OF_ITEM, 0)

    def sequence(self, tag: int, value: bytes, vr: bytes = b"SQ") -> bytes:
        return self.element(tag, vr, value)

    def open_sequence(self, tag: int, value: bytes, vr: bytes = b"SQ") -> bytes:
        return self.element(tag, vr, value + self.head(END, 0), UNDEFINED)

    def slope(self) -> bytes:
        return self.element(Tag.RescaleSlope, b"DS", b"2 ")

    def file(self, part: bytes, **attributes: Any) -> bytes:
        """An image with these bytes before its pixels."""
        whole = encode(make_dataset(**attributes), self.syntax)
        at = whole.rindex(self.head(Tag.PixelData, 0)[:4])
        return whole[:at] + part + whole[at:]


PLAIN = Writer()


def values(source: bytes) -> list[list[float]]:
    with warnings.catch_warnings(action="ignore"):
        found: list[list[float]] = fastpix.imread(source).tolist()
    return found


def assert_refused(source: bytes, tag: int) -> None:
    """Check that rescaled values are refused, and stored ones are not."""
    with warnings.catch_warnings(action="ignore"):
        image = fastpix.open(source)
        with pytest.raises(RescaleError) as caught:
            image.read()
    error = caught.value
    assert (error.tag, error.keyword) == (tag, Tag(tag).name)
    assert error.reason == "its items cannot be parsed"
    assert "pass rescale=False" in error.remedy
    assert tag_text(tag) in str(error)
    assert image.stored().tolist() == image.read(rescale=False).tolist() == RAMP.tolist()
    assert image.route == "pydicom"


def group(writer: Writer, content: bytes) -> bytes:
    return writer.sequence(INNER, writer.item(content))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("tag", [SHARED, FRAMES, TABLE])
@every("vr", [b"SQ", b"UN"])
@every("value", [GARBAGE, b"garb\0\0\0\0", bytes(8), bytes(200), b"more garbage than one item"])
def test_bytes_that_are_no_item(syntax: str, tag: Tag, vr: bytes, value: bytes) -> None:
    writer = Writer(syntax)
    assert_refused(writer.file(writer.sequence(tag, value, vr)), tag)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("tag", [SHARED, FRAMES])
@pytest.mark.parametrize("form", ["defined", "open items", "open"])
def test_a_group_whose_transformation_is_no_item(syntax: str, tag: Tag, form: str) -> None:
    writer = Writer(syntax)
    outer, item = {
        "defined": (writer.sequence, writer.item),
        "open items": (writer.sequence, writer.open_item),
        "open": (writer.open_sequence, writer.open_item),
    }[form]
    for value in (GARBAGE, bytes(24), writer.item(writer.slope()[:-2])):
        assert_refused(writer.file(outer(tag, item(writer.sequence(INNER, value)))), INNER)


def cut(writer: Writer, name: str) -> bytes:
    """The value of a functional group sequence that is wrong in one way."""
    whole = group(writer, writer.slope())
    return {
        "item longer than its sequence": writer.item(whole, len(whole) + 2),
        "item shorter than its elements": writer.item(whole, len(whole) - 2) + whole[-2:],
        "bytes behind the elements": writer.item(whole + b"ab"),
        "an element cut off": writer.item(writer.element(0x00080070, b"LO", b"AB", 4) + whole[:0]),
        "bytes behind the items": writer.item(b"") + GARBAGE,
        "a few bytes behind the items": writer.item(b"") + b"ab",
        "bytes behind a delimiter": writer.item(b"") + writer.head(END, 0) + writer.item(whole),
        "bytes behind the end of an item": writer.item(writer.head(END_OF_ITEM, 0) + whole),
        "no end of an item": writer.item(writer.element(0x00080070, b"LO", b"AB"), UNDEFINED),
        "end of the sequence in an item": writer.item(writer.head(END, 0) + whole),
        "zeros for elements": writer.item(bytes(40)),
        "an odd number of zeros, and another item": writer.item(bytes(6)) + writer.item(whole),
        "zeros for items": writer.item(b"") + bytes(40),
    }[name]


CUT = (
    "item longer than its sequence",
    "item shorter than its elements",
    "bytes behind the elements",
    "an element cut off",
    "bytes behind the items",
    "a few bytes behind the items",
    "bytes behind a delimiter",
    "bytes behind the end of an item",
    "no end of an item",
    "end of the sequence in an item",
    "zeros for elements",
    "an odd number of zeros, and another item",
    "zeros for items",
)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("tag", [SHARED, FRAMES])
@every("name", CUT)
def test_items_that_are_cut_off_or_leave_bytes_over(syntax: str, tag: Tag, name: str) -> None:
    writer = Writer(syntax)
    value = cut(writer, name)
    wrong = INNER if name == "item shorter than its elements" else tag
    assert_refused(writer.file(writer.sequence(tag, value)), wrong)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("tag", [SHARED, FRAMES, TABLE])
@pytest.mark.parametrize("value", [b"garb\0\0\0\0", bytes(8)], ids=["no item", "zeros"])
def test_sequences_of_undefined_length(syntax: str, tag: Tag, value: bytes) -> None:
    """pydicom has parsed their items before anyone asks."""
    writer = Writer(syntax)
    item = writer.item(b"")
    for part in (value, item + value, value + item, writer.item(value + bytes(24))):
        assert_refused(writer.file(writer.open_sequence(tag, part)), tag)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_an_open_transformation_in_open_groups(syntax: str) -> None:
    writer = Writer(syntax)
    slope = writer.slope()
    for value in (writer.item(slope + bytes(24)), b"garb\0\0\0\0", writer.item(b"") + bytes(24)):
        inner = writer.open_sequence(INNER, value)
        for part in (
            writer.open_sequence(SHARED, writer.open_item(inner)),
            writer.open_sequence(SHARED, writer.item(inner)),
            writer.sequence(SHARED, writer.open_item(inner)),
            writer.sequence(SHARED, writer.item(inner)),
        ):
            assert_refused(writer.file(part), INNER)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("tag", [SHARED, FRAMES])
def test_items_in_every_form_are_read(syntax: str, tag: Tag) -> None:
    writer = Writer(syntax)
    other = writer.element(0x00080070, b"LO", b"AB")
    for inner_item in (writer.item, writer.open_item):
        for inner in (writer.sequence, writer.open_sequence):
            for item in (writer.item, writer.open_item):
                for outer in (writer.sequence, writer.open_sequence):
                    part = outer(tag, item(other + inner(INNER, inner_item(writer.slope()))))
                    assert values(writer.file(part)) == (2 * RAMP).tolist()
                    parts = outer(tag, item(other + inner(INNER, b"")))
                    assert values(writer.file(parts)) == RAMP.tolist()


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("tag", [SHARED, FRAMES, TABLE])
def test_empty_sequences_are_what_they_are(syntax: str, tag: Tag) -> None:
    writer = Writer(syntax)
    for part in (
        writer.sequence(tag, b""),
        writer.sequence(tag, b"", b"UN"),
        writer.open_sequence(tag, b""),
        writer.sequence(tag, writer.head(END, 0)),
        writer.sequence(tag, writer.item(b"")),
        writer.sequence(tag, writer.open_item(b"")),
        writer.open_sequence(tag, writer.item(b"")),
        writer.open_sequence(tag, writer.open_item(b"")),
    ):
        assert values(writer.file(part)) == RAMP.tolist()


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_few_zeros_are_padding(syntax: str) -> None:
    writer = Writer(syntax)
    whole = group(writer, writer.slope())
    padded = group(writer, writer.slope() + bytes(4))
    for value in (
        writer.item(whole + bytes(2)),
        writer.item(whole + bytes(8)),
        writer.item(whole + bytes(16)),
        writer.item(whole + bytes(8)) + writer.head(END, 0),
        writer.item(whole) + writer.head(END, 0) + bytes(16),
        writer.item(whole + writer.head(END_OF_ITEM, 0)),
        writer.item(padded),
        writer.open_item(whole + bytes(8)),
    ):
        part = writer.sequence(SHARED, value)
        assert values(writer.file(part)) == (2 * RAMP).tolist()
    part = writer.sequence(FRAMES, writer.item(whole) + bytes(16))
    assert values(writer.file(part)) == (2 * RAMP).tolist()


def test_items_of_un_and_items_that_change_to_implicit_vr() -> None:
    """As pydicom reads them: the first element of an item tells whether it has VRs (6.2.2)."""
    for writer in (Writer(ImplicitVRLittleEndian), PLAIN):
        for vr in (b"UN", b"SQ"):
            for inner in (writer.sequence, writer.open_sequence):
                item = writer.item(inner(INNER, writer.item(writer.slope())))
                for build in (PLAIN.sequence, PLAIN.open_sequence):
                    assert values(PLAIN.file(build(SHARED, item, vr))) == ((2 * RAMP).tolist())
                    broken = item[:-18] + GARBAGE + item[-18 + len(GARBAGE) :]
                    if inner == writer.sequence:
                        assert_refused(PLAIN.file(build(SHARED, broken, vr)), INNER)


def test_an_implicit_table_in_an_explicit_file() -> None:
    """Its length looks like a VR: pydicom knows from the first element that there is none."""
    bare = Writer(ImplicitVRLittleEndian)
    count = 0x4142 // 2
    descriptor = bare.element(Tag.LUTDescriptor, b"US", us(count, 0, 16))
    entries = us(*(n % 65536 for n in range(7, 7 + count)))
    item = bare.item(descriptor + bare.element(Tag.LUTData, b"OW", entries))
    assert values(PLAIN.file(PLAIN.sequence(TABLE, item))) == (RAMP + 7).tolist()


def test_a_table_that_is_cut_off() -> None:
    descriptor = PLAIN.element(Tag.LUTDescriptor, b"US", us(6, 0, 16))
    data = PLAIN.element(Tag.LUTData, b"OW", us(*range(6)))
    whole = PLAIN.item(descriptor + data)
    assert values(PLAIN.file(PLAIN.sequence(TABLE, whole))) == RAMP.tolist()
    for size in range(1, len(whole)):
        assert_refused(PLAIN.file(PLAIN.sequence(TABLE, whole[:size])), TABLE)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_groups_that_are_cut_anywhere(syntax: str) -> None:
    writer = Writer(syntax)
    whole = writer.item(group(writer, writer.slope()))
    for size in range(1, len(whole)):
        with pytest.raises(PixelHeaderError, match="its items cannot be parsed"):
            values(writer.file(writer.sequence(SHARED, whole[:size])))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("tag", [SHARED, FRAMES])
def test_a_length_that_leaves_items_out(syntax: str, tag: Tag) -> None:
    """They are then elements of the data set to pydicom."""
    writer = Writer(syntax)
    whole = writer.item(group(writer, writer.slope()))
    for value in (b"", writer.item(b"")):
        part = writer.element(tag, b"SQ", value + whole, len(value))
        assert_refused(writer.file(part), tag)
    part = writer.element(tag, b"SQ", writer.head(END, 0), 0)
    assert_refused(writer.file(part), tag)


def test_other_sequences_may_hold_anything() -> None:
    content = 0x00209111  # Frame Content Sequence, in a group
    other = PLAIN.sequence(content, GARBAGE) + group(PLAIN, PLAIN.slope())
    part = PLAIN.sequence(SHARED, PLAIN.item(other))
    assert values(PLAIN.file(part)) == (2 * RAMP).tolist()
    reported = 0x00409096  # Real World Value Mapping Sequence
    assert values(PLAIN.file(PLAIN.sequence(reported, GARBAGE))) == RAMP.tolist()


def test_a_broken_group_that_no_frame_needs_is_no_error() -> None:
    own = PLAIN.sequence(FRAMES, PLAIN.item(group(PLAIN, PLAIN.slope())))
    part = PLAIN.sequence(SHARED, GARBAGE) + own
    assert values(PLAIN.file(part)) == (2 * RAMP).tolist()


def test_a_table_that_leads_back_to_beam_intensity_may_be_broken() -> None:
    data = PLAIN.file(PLAIN.sequence(TABLE, GARBAGE), Modality="XA", SOPClassUID="")
    assert values(data) == RAMP.tolist()


def test_datasets_of_pydicom() -> None:
    """As long as pydicom has not converted the items."""
    for tag, value in ((SHARED, GARBAGE), (INNER, GARBAGE)):
        part = PLAIN.sequence(tag, value)
        if tag == INNER:
            part = PLAIN.open_sequence(SHARED, PLAIN.item(part))
        dataset = dcmread(BytesIO(PLAIN.file(part)))
        with pytest.raises(RescaleError, match="its items cannot be parsed") as caught:
            fastpix.dicom_to_array(dataset)
        assert caught.value.tag == tag
    short = dcmread(BytesIO(encode(make_dataset())))
    lacking = RawDataElement(BaseTag(SHARED), "SQ", 100, PLAIN.item(b""), 0, False, True)
    short[SHARED] = lacking
    with pytest.raises(RescaleError, match="its items cannot be parsed"):
        fastpix.dicom_to_array(short)


def test_a_job_for_stored_values_takes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(PLAIN.file(PLAIN.sequence(SHARED, GARBAGE)))
    for rescale, status in ((True, "failed"), (False, "done")):
        assert row_of(path, Recipe(rescale=rescale))["status"] == status
