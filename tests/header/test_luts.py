"""Modality LUTs and palettes: descriptors, entries, segments."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian
from support.builders import (
    element,
    encode,
    file_of,
    image_elements,
    make_dataset,
    make_item,
    set_raw,
)
from support.header_checks import (
    RAMP,
    SYNTAXES,
    assert_no_rescale,
    assert_refused,
    file_raw,
    file_with,
    note_texts,
    open_odd,
    us,
)

import fastpix
from fastpix import PixelHeaderError
from fastpix.header.luts import expand_segments
from fastpix.standard.tags import Tag

# ModalityLUTSequence


def lut_item(descriptor: bytes | None, data: bytes | None, vr: str = "US") -> Dataset:
    """An item of a Modality LUT Sequence, little endian."""
    item = make_item(ModalityLUTType="US")
    if descriptor is not None:
        set_raw(item, Tag.LUTDescriptor, vr, descriptor)
    if data is not None:
        set_raw(item, Tag.LUTData, "OW", data)
    return item


def test_modality_lut_maps_and_clips() -> None:
    item = lut_item(us(3, 1, 16), us(100, 200, 60000))
    image = fastpix.open(file_with(ModalityLUTSequence=[item]))
    assert image.header.modality_lut is not None
    assert image.read().tolist() == [[100, 100, 200], [60000, 60000, 60000]]
    np.testing.assert_array_equal(image.read(rescale=False), RAMP)
    assert note_texts(image) == []


@pytest.mark.parametrize(("vr", "entries"), [("US", [100, 200, 60000]), ("SS", [100, 200, -5536])])
def test_a_lut_of_numbers(vr: str, entries: list[int]) -> None:
    """A Dataset made in memory may hold them converted; they are 16-bit words all the same."""
    item = make_item(ModalityLUTType="US")
    item.add_new(Tag.LUTDescriptor, "US", [3, 1, 16])
    item.add_new(Tag.LUTData, vr, entries)
    dataset = make_dataset(ModalityLUTSequence=[item])
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.set_original_encoding(False, True)
    assert fastpix.imread(dataset).tolist() == [[100, 100, 200], [60000, 60000, 60000]]


def test_modality_lut_takes_the_place_of_slope_and_intercept() -> None:
    item = lut_item(us(1, 0, 16), us(7))
    source = file_with(ModalityLUTSequence=[item], RescaleSlope="3", RescaleIntercept="-1024")
    image = open_odd(source, "takes the place of Rescale Slope and Intercept")
    assert image.read().tolist() == [[7, 7, 7], [7, 7, 7]]


def test_modality_lut_spares_an_unusable_slope() -> None:
    item = lut_item(us(1, 0, 16), us(7))
    source = file_raw(Tag.RescaleSlope, "DS", b"nan ", ModalityLUTSequence=[item])
    assert open_odd(source, "takes the place").read().tolist() == [[7, 7, 7], [7, 7, 7]]


@pytest.mark.parametrize(
    ("vr", "first", "signed", "settled"),
    [
        ("SS", -2, True, -2),
        ("US", -2, True, -2),  # the sign is Pixel Representation's, not the VR's
        ("SS", -2, False, 65534),
        ("US", 2, True, 2),
        ("SS", 2, False, 2),
    ],
)
def test_modality_lut_first_has_the_sign_of_the_pixels(
    vr: str, first: int, signed: bool, settled: int
) -> None:
    cells = np.array([[-3, -2, -1, 0, 1, 2]], np.int16)
    item = lut_item(us(2, first & 0xFFFF, 16), us(10, 20), vr)
    source = file_with(cells, ModalityLUTSequence=[item], PixelRepresentation=int(signed))
    lut = fastpix.open(source).header.modality_lut
    assert lut is not None
    assert (lut.first, lut.bits, len(lut.entries) // 8) == (settled, 16, 2)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_modality_lut_of_0_entries_has_65536(syntax: str) -> None:
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    item = make_item(ModalityLUTType="US")
    set_raw(item, Tag.LUTDescriptor, "US", struct.pack(f"{order}3H", 0, 0, 16))
    set_raw(item, Tag.LUTData, "OW", np.arange(65536)[::-1].astype(f"{order}u2").tobytes())
    image = fastpix.open(encode(make_dataset(ModalityLUTSequence=[item]), syntax))
    np.testing.assert_array_equal(image.read(), 65535 - RAMP.astype(np.float32))


@pytest.mark.parametrize(
    ("descriptor", "data"), [(b"", us(1)), (None, us(1)), (None, None)], ids=["empty", "none", "no"]
)
def test_modality_lut_with_an_empty_descriptor_is_absent(
    descriptor: bytes | None, data: bytes | None
) -> None:
    source = file_with(ModalityLUTSequence=[lut_item(descriptor, data)], RescaleSlope="2")
    image = open_odd(source, "ModalityLUTSequence (0028,3000) has no LUT Descriptor")
    assert image.header.modality_lut is None
    np.testing.assert_array_equal(image.read(), RAMP * 2)


def test_modality_lut_sequence_without_items_is_absent() -> None:
    image = fastpix.open(file_with(ModalityLUTSequence=[], RescaleSlope="2"))
    assert image.header.modality_lut is None
    assert image.header.rescales[0].slope == 2


@pytest.mark.parametrize(
    ("descriptor", "data", "tag", "value", "reason"),
    [
        (us(3, 0, 16), us(1, 2), Tag.LUTData, "2 entries", "promises 3"),
        (us(0, 0, 16), us(1, 2), Tag.LUTData, "2 entries", "promises 65536"),
        (us(3, 0, 16), None, Tag.LUTData, "0 entries", "promises 3"),
        (us(3, 0, 16), b"", Tag.LUTData, "0 entries", "promises 3"),
        (us(5, 0, 8), b"\1\2\3\4", Tag.LUTData, "2 entries", "promises 5"),
        (us(3, 0), us(1, 2, 3), Tag.LUTDescriptor, [3, 0], "3 values"),
        (us(3, 0, 7), us(1, 2, 3), Tag.LUTDescriptor, 7, "8 to 16 bits"),
        (us(3, 0, 17), us(1, 2, 3), Tag.LUTDescriptor, 17, "8 to 16 bits"),
    ],
)
def test_modality_lut_error(
    descriptor: bytes, data: bytes | None, tag: Tag, value: object, reason: str
) -> None:
    source = file_with(ModalityLUTSequence=[lut_item(descriptor, data)])
    assert_no_rescale(source, tag, value, reason)


def test_modality_lut_of_two_items() -> None:
    items = [lut_item(us(1, 0, 16), us(1)), lut_item(us(1, 0, 16), us(2))]
    source = file_with(ModalityLUTSequence=items)
    assert_no_rescale(source, Tag.ModalityLUTSequence, "2 items", "one")


def test_modality_lut_of_float_data() -> None:
    source = file_with(
        np.zeros((1, 2), np.float32), ModalityLUTSequence=[lut_item(us(1, 0, 16), us(1))]
    )
    assert_no_rescale(source, Tag.ModalityLUTSequence, "present", "float")


@pytest.mark.parametrize(
    ("count", "data"),
    [(4, b"\x0a\x14\x1e\x28"), (3, b"\x0a\x14\x1e\0"), (3, us(10, 20, 30))],
    ids=["packed", "packed, odd", "a word each"],
)
def test_modality_lut_of_8_bit_entries(count: int, data: bytes) -> None:
    item = lut_item(us(count, 0, 8), data)
    image = fastpix.open(file_with(ModalityLUTSequence=[item]))
    assert image.read()[0].tolist() == [10, 20, 30]


def test_modality_lut_with_too_many_entries() -> None:
    item = lut_item(us(2, 0, 16), us(1, 2, 3, 4))
    image = open_odd(file_with(ModalityLUTSequence=[item]), "holds 4 entries")
    assert image.read().tolist() == [[1, 2, 2], [2, 2, 2]]


def test_modality_lut_with_entries_beyond_its_bits() -> None:
    item = lut_item(us(2, 0, 10), us(1, 1024))
    image = open_odd(file_with(ModalityLUTSequence=[item]), "larger entries")
    assert image.read().tolist() == [[1, 1024, 1024], [1024, 1024, 1024]]


@pytest.mark.parametrize("vr", ["LO", "UN", "OB"])
def test_modality_lut_that_is_no_sequence(vr: str) -> None:
    source = file_of(
        *image_elements(extra=[element(0x00283000, vr, b"abcd")]),
        element(0x7FE00010, "OW", RAMP.tobytes()),
    )
    image = fastpix.open(source)
    with pytest.raises(PixelHeaderError) as caught:
        image.read()
    assert caught.value.tag == Tag.ModalityLUTSequence
    assert caught.value.keyword == "ModalityLUTSequence"
    assert image.read(rescale=False).tolist() == image.stored().tolist() == RAMP.tolist()


def test_modality_lut_as_un_is_implicit_vr() -> None:
    """PS3.5 6.2.2, note 2: a sequence that was unknown to whoever made the file explicit."""
    parts = [
        element(Tag.LUTDescriptor, "", us(1, 0, 16), implicit=True),
        element(Tag.LUTData, "", us(9), implicit=True),
    ]
    item = b"".join(parts)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item
    source = file_of(
        *image_elements(extra=[element(0x00283000, "UN", item)]),
        element(0x7FE00010, "OW", RAMP.tobytes()),
    )
    assert fastpix.imread(source).tolist() == [[9, 9, 9], [9, 9, 9]]


def test_a_broken_modality_lut_of_colour_does_not_matter() -> None:
    cells = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    source = file_with(cells, SamplesPerPixel=3, ModalityLUTSequence=[lut_item(us(3, 0, 16), None)])
    assert fastpix.imread(source).tolist() == cells.tolist()


ANGIOGRAPHY = "1.2.840.10008.5.1.4.1.1.12."


@pytest.mark.parametrize(
    ("sop_class", "modality"),
    [(f"{ANGIOGRAPHY}1", "XA"), (f"{ANGIOGRAPHY}2", "RF"), (f"{ANGIOGRAPHY}3", "XA"),
     (None, "XA"), (None, "RF")],
)  # fmt: skip
@pytest.mark.parametrize("data", [us(9), None], ids=["sound", "broken"])
def test_modality_lut_of_fluoroscopy_is_reported(
    sop_class: str | None, modality: str, data: bytes | None
) -> None:
    """It leads back to beam intensity (PS3.3 C.8.7.1.1.2)."""
    attributes: dict[str, Any] = {
        "SOPClassUID": sop_class,
        "Modality": modality,
        "RescaleSlope": "2",
    }
    item = lut_item(us(1, 0, 16), data)
    image = open_odd(
        file_with(ModalityLUTSequence=[item], **attributes), "beam intensity: reported, not applied"
    )
    assert image.header.modality_lut is None
    assert image.read().tolist() == (2 * RAMP).tolist()
    assert image.plan().to_dict()["modality_lut"] is False


@pytest.mark.parametrize(
    ("sop_class", "modality"),
    [("1.2.840.10008.5.1.4.1.1.7", "XA"), ("1.2.840.10008.5.1.4.1.1.1", "CR"), (None, "CR")],
)
def test_modality_lut_of_other_images_is_applied(sop_class: str | None, modality: str) -> None:
    attributes: dict[str, Any] = {"SOPClassUID": sop_class, "Modality": modality}
    source = file_with(ModalityLUTSequence=[lut_item(us(1, 0, 16), us(9))], **attributes)
    assert fastpix.imread(source).tolist() == [[9, 9, 9], [9, 9, 9]]


# Palettes


def with_palette(
    descriptor: bytes | None, data: bytes, *, segmented: bool = False, **attributes: Any
) -> Dataset:
    """A PALETTE COLOR image whose three tables are the same."""
    dataset = make_dataset(
        np.array([[0, 1, 2]], np.uint8), PhotometricInterpretation="PALETTE COLOR", **attributes
    )
    first = Tag.RedPaletteColorLookupTableData
    if segmented:
        first = Tag.SegmentedRedPaletteColorLookupTableData
    for color in range(3):
        if descriptor is not None:
            set_raw(dataset, Tag.RedPaletteColorLookupTableDescriptor + color, "US", descriptor)
        set_raw(dataset, first + color, "OW", data)
    return dataset


@pytest.mark.parametrize(
    ("descriptor", "data"),
    [
        (us(3, 0, 16), us(100, 200, 300)),
        (us(3, 0, 16), us(100, 200, 300, 0)),  # a word of padding
    ],
)
def test_palette(descriptor: bytes, data: bytes) -> None:
    image = fastpix.open(encode(with_palette(descriptor, data)))
    assert image.read().tolist() == [[[100] * 3, [200] * 3, [300] * 3]]
    assert image.stored().tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("units", "entries"),
    [
        ((0, 3, 10, 20, 30), [10, 20, 30]),
        ((0, 1, 10, 1, 2, 30), [10, 20, 30]),
        ((0, 1, 30, 1, 2, 10), [30, 20, 10]),
        ((0, 2, 10, 20, 1, 2, 40), [10, 20, 30, 40]),
        ((0, 3, 10, 20, 30, 2, 1, 0, 0), [10, 20, 30, 10, 20, 30]),
        ((0, 2, 10, 20, 0, 1, 5, 2, 1, 8, 0), [10, 20, 5, 5]),
        ((0, 2, 10, 20, 0, 1, 5, 2, 2, 0, 0), [10, 20, 5, 10, 20, 5]),
        ((0, 2, 10, 20, 2, 1, 0, 0, 0, 1, 5), [10, 20, 10, 20, 5]),
    ],
    ids=[
        "discrete",
        "linear",
        "falling",
        "from the last",
        "indirect",
        "indirect, offset",
        "indirect, two",
        "indirect, more",
    ],
)
def test_palette_segmented(units: tuple[int, ...], entries: list[int]) -> None:
    source = encode(with_palette(us(len(entries), 0, 16), us(*units), segmented=True))
    palette = fastpix.open(source).header.palette
    assert palette is not None
    for lut in palette:
        assert np.frombuffer(lut.entries).tolist() == entries


def test_palette_segmented_of_8_bits() -> None:
    data = bytes([0, 1, 10, 1, 2, 30])
    source = encode(with_palette(us(3, 0, 8), data, segmented=True))
    assert fastpix.imread(source).tolist() == [[[10] * 3, [20] * 3, [30] * 3]]


def test_offsets_of_8_bit_segments() -> None:
    """Four bytes, the lowest first."""
    tag = Tag.SegmentedRedPaletteColorLookupTableData
    data = [0, 2, 10, 20, 2, 1, 0, 0, 0, 0, 0, 1, 5]
    assert expand_segments(data, False, tag) == [10, 20, 10, 20, 5]
    long = [0, 255, *range(255), 0, 1, 7, 2, 1, 1, 1, 0, 0, 0, 1, 9]  # from byte 257
    assert expand_segments(long, False, tag) == [*range(255), 7, 7, 9]


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        ((1, 2, 30), "cannot begin"),
        ((0, 5, 1, 2), "past the data"),
        ((3, 1, 0, 0), "no such palette segment"),
        ((0, 1, 1, 2, 1, 3, 0), "odd"),
        ((0, 1, 1, 2, 1, 6, 0), "no such palette segment"),  # it would point at itself
        ((0, 1, 1, 2, 1), "past the data"),
        ((0, 1, 1, 1, 65535, 2, 1, 65535, 3), "more entries"),
    ],
)
def test_palette_segmented_error(units: tuple[int, ...], reason: str) -> None:
    tag = Tag.SegmentedRedPaletteColorLookupTableData
    source = encode(with_palette(us(3, 0, 16), us(*units), segmented=True))
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.open(source)
    assert (caught.value.tag, caught.value.keyword) == (tag, tag.name)
    assert reason in caught.value.reason


class _Metered(list[int]):
    """A list that fails the test when it is asked too often."""

    budget = 500_000

    def __getitem__(self, key: Any) -> Any:
        self.budget -= 1
        if self.budget < 0:
            pytest.fail("segments that give no entries are walked again and again")
        return super().__getitem__(key)


def test_palette_segmented_cannot_stall() -> None:
    """Indirect segments over empty ones: work without entries to show for it must be bounded."""
    empty = [0, 0] * 5000
    indirect = [2, 5000, 0, 0] * 1000
    tag = Tag.SegmentedRedPaletteColorLookupTableData
    with contextlib.suppress(PixelHeaderError):
        assert expand_segments(_Metered([*empty, *indirect]), True, tag) == []


def test_palette_missing() -> None:
    source = encode(with_palette(None, us(1, 2, 3)))
    tag = Tag.RedPaletteColorLookupTableDescriptor
    assert_refused(source, tag, None, "three tables")


def test_palette_with_too_few_entries() -> None:
    source = encode(with_palette(us(4, 0, 16), us(1, 2, 3)))
    assert_refused(source, Tag.RedPaletteColorLookupTableData, "3 entries", "promises 4")


def test_palette_whose_tables_differ() -> None:
    dataset = with_palette(us(3, 0, 16), us(1, 2, 3))
    set_raw(dataset, Tag.BluePaletteColorLookupTableDescriptor, "US", us(3, 1, 16))
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.open(encode(dataset))
    assert caught.value.keyword == "BluePaletteColorLookupTableDescriptor"
    assert "differ" in caught.value.reason


def test_palette_over_float_data_is_refused() -> None:
    dataset = make_dataset(np.ones((1, 2), np.float32), PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(PixelHeaderError) as caught:
        fastpix.open(encode(dataset))
    assert caught.value.keyword == "PhotometricInterpretation"


def test_modality_lut_of_monochrome1() -> None:
    """invert="range" mirrors in what the bits of an entry can hold, "max" in what occurs."""
    item = lut_item(us(3, 0, 12), us(100, 200, 4000))
    attributes = {"PhotometricInterpretation": "MONOCHROME1", "ModalityLUTSequence": [item]}
    image = fastpix.open(encode(make_dataset(np.array([[0, 1]], np.uint16), **attributes)))
    assert image.read(invert="none").tolist() == [[100, 200]]
    assert image.read(invert="max").tolist() == [[100, 0]]
    assert image.read(invert="range").tolist() == [[3995, 3895]]


@pytest.mark.parametrize(("bits", "dtype"), [(8, "uint8"), (9, "uint16"), (16, "uint16")])
def test_the_range_of_a_palette(bits: int, dtype: str) -> None:
    plan = fastpix.open(encode(with_palette(us(3, 0, bits), us(1, 2, 3)))).plan(dtype="auto")
    assert (plan.dtype, plan.unit) == (dtype, f"RGB, 0..{2**bits - 1}")


# Label maps

LABEL_MAPS: list[dict[str, Any]] = [
    {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.7", "Modality": "SEG"},
    {"SegmentationType": "LABELMAP"},
]


@pytest.mark.parametrize("attributes", LABEL_MAPS, ids=["SOP Class", "Segmentation Type"])
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("is_broken", [False, True])
def test_the_values_of_a_label_map_are_numbers(
    attributes: dict[str, Any], kind: str, is_broken: bool
) -> None:
    """Whatever palette it carries (PS3.3 C.8.20.2)."""
    cells = np.array([[0, 1, 254]], kind)
    dataset = with_palette(us(256, 0, 8), bytes(range(8 if is_broken else 256)), **attributes)
    dataset.PixelData = cells.tobytes() + bytes(cells.nbytes % 2)
    dataset.BitsAllocated = dataset.BitsStored = 8 * cells.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    image = fastpix.open(encode(dataset))
    assert image.header.palette is None
    assert note_texts(image) == ["PALETTE COLOR of a label map: its values are segment numbers"]
    for values in (image.read(dtype="auto"), image.stored()):
        assert values.dtype == kind
        assert values.tolist() == cells.tolist()
    assert image.read().tolist() == cells.tolist()
    assert image.plan().to_dict()["photometric"] == "PALETTE COLOR"


def test_a_segmentation_of_another_type_has_its_palette() -> None:
    dataset = with_palette(us(256, 0, 8), bytes(range(256)), SegmentationType="BINARY")
    assert fastpix.imread(encode(dataset)).tolist() == [[[0, 0, 0], [1, 1, 1], [2, 2, 2]]]
