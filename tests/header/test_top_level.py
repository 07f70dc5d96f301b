"""What the bytes say that a Dataset does not: elements that occur twice, files that are cut off."""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from support.builders import (
    element,
    encapsulated_element,
    encode,
    file_of,
    image_elements,
    make_dataset,
    make_group,
    sequence,
)
from support.file_structures import mutated
from support.header_checks import RAMP, open_odd, us
from support.jobs import row_of
from support.real_files import WHEEL, files_under
from support.seed_files import irregular_files, regular_files
from support.sizes import cases

import fastpix
from fastpix import FastpixError, NoPixelDataError, NotDicomError, PixelHeaderError
from fastpix._top_level import top_level
from fastpix.header.top_level import _WANTED, data_set_start, look_over
from fastpix.standard.tags import Tag

PIXELS = element(Tag.PixelData, "OW", RAMP.tobytes())
MOST = 4096


def twice(first: bytes, second: bytes, *, big: bool = False) -> bytes:
    """An image with two elements of one tag, where the first belongs."""
    (tag,) = struct.unpack(">I" if big else "<I", first[:4])
    tag = tag if big else (tag & 0xFFFF) << 16 | tag >> 16
    if tag == Tag.PixelData:
        return file_of(*image_elements(), first, second)
    extra = image_elements(extra=[first])
    place = extra.index(first)
    return file_of(*extra[: place + 1], second, *extra[place + 1 :], PIXELS)


# Elements that occur twice

DIFFERENT = {
    "Rows": (element(Tag.Rows, "US", us(2)), element(Tag.Rows, "US", us(1))),
    "BitsStored": (element(Tag.BitsStored, "US", us(16)), element(Tag.BitsStored, "US", us(12))),
    "PixelRepresentation": (
        element(Tag.PixelRepresentation, "US", us(0)),
        element(Tag.PixelRepresentation, "US", us(1)),
    ),
    "PhotometricInterpretation": (
        element(Tag.PhotometricInterpretation, "CS", b"MONOCHROME2"),
        element(Tag.PhotometricInterpretation, "CS", b"MONOCHROME1"),
    ),
    "NumberOfFrames": (
        element(Tag.NumberOfFrames, "IS", b"1"),
        element(Tag.NumberOfFrames, "IS", b""),
    ),
    "Modality": (element(Tag.Modality, "CS", b"PT"), element(Tag.Modality, "CS", b"CT")),
    "PixelData": (PIXELS, element(Tag.PixelData, "OW", RAMP[::-1].tobytes())),
}


@pytest.mark.parametrize("keyword", DIFFERENT)
@pytest.mark.parametrize("turned", [False, True])
def test_two_that_differ_are_refused(keyword: str, turned: bool) -> None:
    first, second = DIFFERENT[keyword][:: -1 if turned else 1]
    data = twice(first, second)
    with pytest.raises(PixelHeaderError, match=r"more than once \(PS3.5 7.1\)") as caught:
        fastpix.open(data)
    assert (caught.value.keyword, caught.value.tag) == (keyword, Tag[keyword])
    assert "nothing says which one is right" in caught.value.remedy


@pytest.mark.parametrize("keyword", sorted(DIFFERENT.keys() - {"Modality"}))
def test_pixel_array_refuses_them_too(keyword: str, tmp_path: Path) -> None:
    """pydicom takes the first Pixel Data, and the last of other elements."""
    data = twice(*DIFFERENT[keyword])
    path = tmp_path / "twice.dcm"
    path.write_bytes(data)
    for source in (path, BytesIO(data)):
        for read in (fastpix.pixel_array, lambda each: list(fastpix.iter_pixels(each))):
            with pytest.raises(PixelHeaderError, match="more than once") as caught:
                read(source)
            assert caught.value.keyword == keyword


@pytest.mark.parametrize("keyword", DIFFERENT)
def test_two_that_are_equal_are_one(keyword: str) -> None:
    first = DIFFERENT[keyword][0]
    data = twice(first, first)
    image = open_odd(data, f"{keyword} ({Tag[keyword] >> 16:04X},{Tag[keyword] & 0xFFFF:04X}) ")
    assert image.read().tolist() == RAMP.tolist()
    assert fastpix.pixel_array(BytesIO(data)).tolist() == RAMP.tolist()


def test_padding_is_no_difference() -> None:
    first = element(Tag.RescaleSlope, "DS", b"2 ")
    data = twice(first, element(Tag.RescaleSlope, "DS", b"2   "))
    assert open_odd(data, "RescaleSlope (0028,1053) occurs").read().tolist() == (2 * RAMP).tolist()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (element(Tag.RescaleIntercept, "DS", b"-1024"), element(Tag.RescaleIntercept, "DS", b"0")),
        (
            sequence(Tag.ModalityLUTSequence, [element(Tag.LUTDescriptor, "US", us(1, 0, 16))]),
            sequence(Tag.ModalityLUTSequence, [element(Tag.LUTDescriptor, "US", us(2, 0, 16))]),
        ),
    ],
    ids=["intercept", "table"],
)
def test_two_scales_refuse_rescaled_values_alone(first: bytes, second: bytes) -> None:
    image = fastpix.open(twice(first, second))
    with pytest.raises(PixelHeaderError, match="more than once") as caught:
        image.read()
    assert "rescale=False" in caught.value.remedy
    assert image.read(rescale=False).tolist() == image.stored().tolist() == RAMP.tolist()


def test_two_paddings_refuse_padding_alone() -> None:
    values = [element(Tag.PixelPaddingValue, "US", us(n)) for n in (0, 5)]
    image = open_odd(twice(*values), "PixelPaddingValue (0028,0120): it occurs more than once")
    assert image.read().tolist() == RAMP.tolist()
    with pytest.raises(PixelHeaderError, match="more than once"):
        image.read(padding=7)


def transformation(*slopes: bytes) -> bytes:
    return sequence(
        Tag.PixelValueTransformationSequence,
        [b"".join(element(Tag.RescaleSlope, "DS", slope) for slope in slopes)],
    )


def undefined(tag: int, vr: bytes, item: bytes) -> bytes:
    """A sequence of undefined length with one item of undefined length."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr + struct.pack("<HI", 0, 0xFFFFFFFF)
    ends = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    return head + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + item + ends


def in_groups(*slopes: bytes) -> list[bytes]:
    """Functional groups in every form, the repeated slope in the second of two items."""
    parts = []
    for tag in (Tag.SharedFunctionalGroupsSequence, Tag.PerFrameFunctionalGroupsSequence):
        own = transformation(*slopes)
        parts += [sequence(tag, [own]), undefined(tag, b"SQ", own)]
    parts.append(
        undefined(
            Tag.SharedFunctionalGroupsSequence, b"SQ",
            undefined(Tag.PixelValueTransformationSequence, b"SQ", own[20:]),
        )
    )  # fmt: skip
    return parts


def table(*entries: bytes) -> bytes:
    parts = [
        element(Tag.LUTDescriptor, "US", us(1, 0, 16)),
        element(Tag.ModalityLUTType, "LO", b""),
    ]
    return b"".join(parts + [element(Tag.LUTData, "OW", each) for each in entries])


@pytest.mark.parametrize("number", range(5))
def test_two_slopes_in_an_item(number: int) -> None:
    def file(*slopes: bytes) -> bytes:
        return file_of(*image_elements(), in_groups(*slopes)[number], PIXELS)

    assert fastpix.imread(file(b"2")).tolist() == (2 * RAMP).tolist()
    assert open_odd(file(b"2", b"2"), "RescaleSlope").read().tolist() == (2 * RAMP).tolist()
    with pytest.raises(PixelHeaderError, match="more than once") as caught:
        fastpix.imread(file(b"2", b"3"))
    assert caught.value.tag == Tag.RescaleSlope


@pytest.mark.parametrize("form", ["SQ", "undefined", "UN"])
def test_two_tables_in_an_item(form: str) -> None:
    def file(*entries: bytes) -> bytes:
        item = table(*entries)
        if form == "UN":  # its items have no VRs (PS3.5 6.2.2)
            item = element(Tag.LUTDescriptor, "", us(1, 0, 16), implicit=True) + b"".join(
                element(Tag.LUTData, "", each, implicit=True) for each in entries
            )
            head = struct.pack("<HHI", 0xFFFE, 0xE000, len(item))
            part = element(Tag.ModalityLUTSequence, "UN", head + item)
        elif form == "SQ":
            part = sequence(Tag.ModalityLUTSequence, [item])
        else:
            part = undefined(Tag.ModalityLUTSequence, b"SQ", item)
        return file_of(*image_elements(extra=[part]), PIXELS)

    assert fastpix.imread(file(us(7))).tolist() == [[7] * 3] * 2
    assert open_odd(file(us(7), us(7)), "LUTData").read().tolist() == [[7] * 3] * 2
    image = fastpix.open(file(us(7), us(8)))
    with pytest.raises(PixelHeaderError, match="more than once") as caught:
        image.read()
    assert caught.value.tag == Tag.LUTData
    assert image.stored().tolist() == RAMP.tolist()


def test_groups_within_groups_are_not_followed_for_ever() -> None:
    part = b""
    for _ in range(3000):
        part = sequence(Tag.PixelValueTransformationSequence, [part])
    seen = look_over(
        file_of(sequence(Tag.SharedFunctionalGroupsSequence, [part])), implicit=False, little=True
    )
    assert not seen.contradictory


def test_elements_that_do_not_decide_may_differ() -> None:
    names = [element(0x00100010, "PN", name) for name in (b"A", b"B")]
    assert fastpix.imread(twice(*names)).tolist() == RAMP.tolist()


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, ImplicitVRLittleEndian])
def test_two_that_differ_in_every_encoding(syntax: str) -> None:
    big, implicit = syntax == ExplicitVRBigEndian, syntax == ImplicitVRLittleEndian
    whole = encode(make_dataset(), syntax)
    order = ">" if big else "<"
    first = element(Tag.Rows, "US", struct.pack(f"{order}H", 2), big_endian=big, implicit=implicit)
    second = element(Tag.Rows, "US", struct.pack(f"{order}H", 1), big_endian=big, implicit=implicit)
    assert first in whole
    for data in (whole.replace(first, first + second), whole.replace(first, second + first)):
        for source in (data, data[132:]):  # without a preamble
            with pytest.raises(PixelHeaderError, match="more than once"):
                fastpix.open(source)


def test_compressed_pixels_that_differ() -> None:
    parts = [encapsulated_element(bytes([n] * 8)) for n in (1, 2)]
    data = file_of(*image_elements(), *parts, syntax="1.2.840.10008.1.2.5")
    with pytest.raises(PixelHeaderError, match="more than once") as caught:
        fastpix.open(data)
    assert caught.value.tag == Tag.PixelData


def test_more_than_are_looked_at() -> None:
    """The list of places does not grow with the file."""
    rows = element(Tag.Rows, "US", us(2))
    found, end = top_level(rows * 10_000, 0, False, False, _WANTED)
    assert (len(found), end) == (MOST, 10_000 * len(rows))


# Files that are cut off

IMAGE = make_dataset(
    PatientName="A^B", StudyInstanceUID="1.2.3", WindowCenter="4",
    SharedFunctionalGroupsSequence=[make_group(RescaleSlope="2", RescaleType="US")],
)  # fmt: skip


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_an_image_that_is_cut_anywhere_fails_by_name(syntax: str, tmp_path: Path) -> None:
    """Between two elements or within one; a job must not leave it out as no image."""
    whole = encode(IMAGE, syntax)
    for size in range(132, len(whole), 7):
        path = tmp_path / "cut"
        path.write_bytes(whole[:size])
        assert row_of(path)["status"] == "failed", size


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_an_image_cut_between_two_elements(syntax: str) -> None:
    whole = encode(IMAGE, syntax)
    start = data_set_start(whole)
    implicit, big = syntax == ImplicitVRLittleEndian, syntax == ExplicitVRBigEndian
    every = frozenset(int(each.tag) for each in dcmread(BytesIO(whole)))
    places, end = top_level(whole, start, implicit, big, every)
    assert (len(places), end) == (len(every), len(whole))
    for _, _, _, last in places[:-1]:
        with pytest.raises(NoPixelDataError) as caught:
            fastpix.open(whole[:last])
        assert caught.value.describes_image
        assert caught.value.sop_class == "Secondary Capture Image Storage"


REPORT = [element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.88.11\0"),
          element(0x00080060, "CS", b"SR"), element(0x0040A730, "SQ", b"")]  # fmt: skip


def describes_image(data: bytes) -> bool:
    with pytest.raises(NoPixelDataError) as caught:
        fastpix.open(data)
    return caught.value.describes_image


def test_a_report_is_no_image_unless_it_is_cut_off() -> None:
    whole = file_of(*REPORT)
    assert not describes_image(whole)
    assert not describes_image(whole + bytes(512))  # padded
    assert not describes_image(whole[: -len(REPORT[2])])
    for lost in (5, 6, 7, 8, 9, 10, 11):
        assert describes_image(whole[:-lost])
    for lost in (1, 2, 3, 4):  # pydicom finds no length
        with pytest.raises(PixelHeaderError, match="cannot be parsed"):
            fastpix.open(whole[:-lost])
    assert describes_image(whole + b"\x41\0\x10\0")  # a tag, and nothing more


DOSE = element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.481.2\0")


def test_a_dose_of_histograms_alone_is_no_image() -> None:
    assert describes_image(file_of(DOSE))
    assert not describes_image(file_of(DOSE, sequence(0x30040050, [])))


def test_the_sop_class_of_file_meta_stands_in() -> None:
    dataset = make_dataset()
    del dataset.SOPClassUID, dataset.PixelData, dataset.Rows
    assert describes_image(encode(dataset))


def test_bytes_that_are_no_file_are_none_still() -> None:
    for data in (b"GIF89a" + bytes(200), bytes(400), b""):
        with pytest.raises(NotDicomError):
            fastpix.open(data)


# The walk


def walk(
    data: bytes, start: int, implicit: bool, big: bool
) -> tuple[list[tuple[int, int, int]], int]:
    """What `top_level` does, in Python."""
    order = ">" if big else "<"
    long = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT",
            b"UV", b"OX"}  # fmt: skip

    def head(at: int, bare: bool) -> tuple[int, int, int] | None:
        if at + 8 > len(data):
            return None
        group, number, length = struct.unpack_from(f"{order}HHI", data, at)
        vr = data[at + 4 : at + 6]
        size = 8
        if not bare and b"AA" <= vr <= b"ZZ":
            (length,) = struct.unpack_from(f"{order}H", data, at + 6)
            if vr in long:
                if at + 12 > len(data):
                    return None
                (length,) = struct.unpack_from(f"{order}I", data, at + 8)
                size = 12
        return group << 16 | number, size, length

    def items(at: int, bare: bool, depth: int) -> int:
        while True:
            if depth >= 256 or at + 8 > len(data):
                return -1
            group, number, length = struct.unpack_from(f"{order}HHI", data, at)
            at += 8
            if (group, number) == (0xFFFE, 0xE0DD):
                return at
            if (group, number) != (0xFFFE, 0xE000):
                return -1
            if length == 0xFFFFFFFF:
                at = item(at, bare, depth + 1)
                if at < 0:
                    return -1
            else:
                at += length

    def item(at: int, bare: bool, depth: int) -> int:
        if depth >= 256 or at + 8 > len(data):
            return -1
        bare = bare or not b"AA" <= data[at + 4 : at + 6] <= b"ZZ"
        while True:
            if at + 8 > len(data):
                return -1
            if struct.unpack_from(f"{order}HH", data, at) == (0xFFFE, 0xE00D):
                return at + 8
            found = head(at, bare)
            if found is None:
                return -1
            at += found[1]
            if found[2] == 0xFFFFFFFF:
                at = items(at, bare, depth + 1)
                if at < 0:
                    return -1
            else:
                at += found[2]

    places = []
    at = start
    while (found := head(at, implicit)) is not None and found[0] >> 16 != 0xFFFE:
        tag, size, length = found
        value = at + size
        end = items(value, implicit, 1) if length == 0xFFFFFFFF else value + length
        if not at < end <= len(data):
            break
        places.append((tag, value, end))
        at = end
    return places, at


def test_the_walk_is_that_of_the_reference() -> None:
    """Over mutations, in every encoding that they can be taken for; cut anywhere."""
    seeds = [*regular_files(), *irregular_files()]
    every = set()
    for number in range(cases(6000)):
        random = Random(number)
        data = mutated(seeds[number % len(seeds)], random, seeds)
        data = data[: random.choice([len(data), random.randrange(len(data) + 1)])]
        implicit, big = random.random() < 0.3, random.random() < 0.3
        start = data_set_start(data)
        expected, end = walk(data, start, implicit, big)
        wanted = frozenset(tag for tag, _, _ in expected)
        found, found_end = top_level(data, start, implicit, big, wanted)
        assert found_end == end
        assert [(tag, first, last) for tag, _, first, last in found] == expected[:MOST]
        every.add((implicit, big, end == len(data)))
    assert len(every) == 8


@pytest.mark.parametrize("start", [-1, 100, 2**40])
def test_a_start_outside_the_bytes(start: int) -> None:
    assert top_level(bytes(100), start, False, False, _WANTED) == ([], start)


def test_the_places_are_pydicoms() -> None:
    """Of every element of the files in pydicom's wheel that pydicom has not converted."""
    compared = 0
    for path in files_under(WHEEL):
        data = path.read_bytes()
        with warnings.catch_warnings(action="ignore"):
            try:
                image = fastpix.open(data)
            except FastpixError:
                continue
            dataset = image.dataset
        implicit, little = dataset.original_encoding
        if image.header.transfer_syntax == "1.2.840.10008.1.2.1.99":
            continue
        every = frozenset(map(int, dataset.keys()))
        found, end = top_level(data, data_set_start(data), bool(implicit), not little, every)
        places = {tag: (first, last) for tag, _, first, last in found}
        assert places.keys() == every
        assert end == len(data)
        assert not look_over(data, bool(implicit), bool(little)).contradictory
        for tag in every:
            raw = dataset.get_item(tag)
            if isinstance(raw, RawDataElement):
                first, last = places[tag]
                assert raw.value_tell == first
                assert data[first:last].startswith(raw.value or b"")
                compared += 1
    assert compared > 1000


def test_a_deflated_data_set_is_looked_over_too() -> None:
    rows = [element(Tag.Rows, "US", us(n)) for n in (2, 1)]
    plain = twice(*rows)
    start = data_set_start(plain)
    deflater = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflater.compress(plain[start:]) + deflater.flush()
    data = file_of(body, syntax="1.2.840.10008.1.2.1.99")
    with pytest.raises(PixelHeaderError, match="more than once"):
        fastpix.open(data)
