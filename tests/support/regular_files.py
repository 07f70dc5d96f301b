"""Small files: those that are regular in every respect, and those that are not in one."""

from __future__ import annotations

import struct
from dataclasses import replace

from fastpix.standard.indexed import INDEXED, Form, Indexed, Place, Purpose
from fastpix.standard.tags import PHILIPS_CREATORS, Tag
from support.file_structures import (
    END_OF_ITEM,
    END_OF_SEQUENCE,
    EXPLICIT,
    IMPLICIT,
    ITEM,
    PIXEL_DATA,
    UNDEFINED,
    Element,
    File,
    Item,
    encode,
    encode_element,
)

JPEG = b"1.2.840.10008.1.2.4.50"
WORD = struct.Struct("<H").pack


# What is regular. Every file has an image of 2 x 3 words.


def us(tag: int, value: int) -> Element:
    return Element(tag, b"US", WORD(value))


HEADER = [
    Element(Tag.SOPClassUID, b"UI", b"1.2.840.10008.5.1.4.1.1.7\0"),
    Element(Tag.Modality, b"CS", b"OT"),
    us(Tag.SamplesPerPixel, 1),
    Element(Tag.PhotometricInterpretation, b"CS", b"MONOCHROME2 "),
    us(Tag.Rows, 2),
    us(Tag.Columns, 3),
    us(Tag.BitsAllocated, 16),
    us(Tag.BitsStored, 16),
    us(Tag.HighBit, 15),
    us(Tag.PixelRepresentation, 0),
]
PIXELS = Element(PIXEL_DATA, b"OW", bytes(range(12)))
FRAGMENTS = Element(PIXEL_DATA, b"OB", b"", [Item(b""), Item(b"\xff\xd8\xff\xd9")], True)


def implicit(element: Element) -> Element:
    """An element without its VR, and all within it."""
    items = None
    if element.items is not None:
        items = [
            item
            if isinstance(item.content, bytes)
            else Item(list(map(implicit, item.content)), item.undefined, item.forged, item.tag)
            for item in element.items
        ]
    return Element(element.tag, b"", element.value, items, element.undefined, element.forged)


def meta(syntax: bytes, *others: Element) -> list[Element]:
    uid = Element(Tag.TransferSyntaxUID, b"UI", syntax + b"\0" * (len(syntax) % 2))
    elements = sorted([uid, *others], key=lambda element: element.tag)
    size = sum(len(encode_element(element)) for element in elements)
    return [Element(Tag.FileMetaInformationGroupLength, b"UL", struct.pack("<I", size)), *elements]


def data_set(*extra: Element, pixels: Element | None = PIXELS) -> list[Element]:
    """The elements of the image and others, which take the place of those of the same tag."""
    elements = {each.tag: each for each in [*HEADER, *([pixels] if pixels else []), *extra]}
    return [elements[tag] for tag in sorted(elements)]


def image(*extra: Element, syntax: bytes = EXPLICIT, pixels: Element | None = PIXELS) -> bytes:
    elements = data_set(*extra, pixels=pixels)
    if syntax == IMPLICIT:
        elements = list(map(implicit, elements))
    return encode(File([*meta(syntax), *elements]))


def text(tag: int, vr: bytes, value: bytes) -> Element:
    return Element(tag, vr, value + b" " * (len(value) % 2))


SAMPLES = {
    Tag.Modality: b"CT", Tag.PhotometricInterpretation: b"RGB", Tag.PixelPresentation: b"COLOR",
    Tag.RescaleType: b"HU", Tag.BurnedInAnnotation: b"YES", Tag.Units: b"BQML",
    Tag.SegmentationType: b"BINARY", Tag.PresentationLUTShape: b"INVERSE", Tag.DoseUnits: b"GY",
}  # fmt: skip
SAMPLES_OF_VRS = {
    "UI": b"1.2", "CS": b"A_B", "IS": b"1", "DS": b"1", "LO": b"A", "SH": b"A", "DA": b"20260102",
    "TM": b"101112", "DT": b"20260102101112", "FD": struct.pack("<d", 0.5), "UL": b"\1\0\0\0",
    "US": b"\1\0", "SS": b"\xff\xff", "AT": b"\x20\0\x32\0",
}  # fmt: skip


def sample(row: Indexed) -> bytes:
    """A value of an element of the table, without what makes its length even."""
    known = {int(tag): value for tag, value in SAMPLES.items()}
    value = known.get(row.first, SAMPLES_OF_VRS[row.vrs[0]])
    if row.multiplicity.isdigit():
        value = (b"" if row.form == Form.BINARY else b"\\").join([value] * int(row.multiplicity))
    return value


# Elements that do not bear on pixels: identity, geometry, grouping; and private ones of any VR.
DATA_SET = [row for row in INDEXED if row.place == Place.DATA_SET and row.vrs]
PRIVATE = [
    row
    for row in INDEXED
    if row.place == Place.DATA_SET and row.purpose == Purpose.GROUPING and not row.vrs
]
IDENTITY = [
    row
    for row in DATA_SET
    if row.purpose not in (Purpose.PIXELS, Purpose.SCALE) and row.form != Form.SEQUENCE
]
CODE = [text(0x00080100, b"SH", b"T-04000"), text(0x00080104, b"LO", b"Breast")]
REFERENCE = [Element(0x00081155, b"UI", b"1.2.3\0")]


def sequence(
    *items: list[Element], tag: int = 0x00081140, vr: bytes = b"SQ", open_items: bool = False
) -> Element:
    return Element(tag, vr, b"", [Item(item, open_items) for item in items], True)


def nested(levels: int, open_items: bool = True) -> Element:
    content = REFERENCE
    for _ in range(levels):
        content = [sequence(content, open_items=open_items)]
    return content[0]


def icon(pixels: Element, undefined: bool, open_items: bool = False) -> Element:
    return Element(0x00880200, b"SQ", b"", [Item(data_set(pixels=pixels), open_items)], undefined)


EMPTY = [
    Element(Tag.SpecificCharacterSet, b"CS"),
    Element(Tag.Manufacturer, b"LO"),
    Element(Tag.ManufacturerModelName, b"LO"),
    Element(Tag.ImageOrientationPatient, b"DS"),
    Element(Tag.NumberOfFrames, b"IS"),
    Element(Tag.PixelSpacing, b"DS"),
    us(Tag.PlanarConfiguration, 0),
    Element(Tag.PixelPaddingValue, b"US"),
    Element(Tag.WindowCenter, b"DS"),
    Element(Tag.RescaleIntercept, b"DS"),
    Element(Tag.RescaleSlope, b"DS"),
    Element(Tag.RescaleType, b"LO"),
    Element(Tag.RealWorldValueMappingSequence, b"SQ", b"", []),
]
VALUES = [
    text(Tag.SOPInstanceUID, b"UI", b"1.2.3\0"),
    text(Tag.Modality, b"CS", b"CT"),
    text(Tag.Manufacturer, b"LO", b"Maker"),
    text(Tag.ManufacturerModelName, b"LO", b"A\\B"),
    text(Tag.StudyInstanceUID, b"UI", b"1.2.4\0"),
    text(Tag.ImageOrientationPatient, b"DS", b"1\\0\\0\\0\\1\\0"),
    text(Tag.NumberOfFrames, b"IS", b"1"),
    text(Tag.PixelSpacing, b"DS", b"0.5\\0.5"),
    text(Tag.BurnedInAnnotation, b"CS", b"YES"),
    text(Tag.WindowCenter, b"DS", b"1\\2"),
    text(Tag.RescaleIntercept, b"DS", b"-1024"),
    text(Tag.RescaleSlope, b"DS", b"1.5"),
    text(Tag.RescaleType, b"LO", b"HU"),
    text(Tag.PresentationLUTShape, b"CS", b"INVERSE"),
]
PHILIPS = [
    text(PHILIPS_CREATORS[0], b"LO", b"Philips MR Imaging DD 001"),
    Element(0x2005100E, b"FL", bytes(4)),
]
LIKE_A_VR = int.from_bytes(b"LO", "little")  # a length
TABLES = [
    Element(Tag.ExtendedOffsetTable, b"OV", bytes(8)),
    Element(Tag.ExtendedOffsetTableLengths, b"OV", b"\4" + bytes(7)),
]
BEHIND = [
    text(0x7FE10010, b"LO", b"Maker"), Element(0x7FE11001, b"OB", bytes(6)),
    Element(0xFFFCFFFC, b"OB", bytes(100)),
]  # fmt: skip
LENGTHS = [Element(group << 16, b"UL", bytes(4)) for group in (0x0008, 0x0028, 0x7FE0)]
CHARSETS = [
    b"ISO_IR 100", b"ISO_IR 192", b"ISO_IR 6", b"GB18030 ", b"GBK ", b"ISO 2022 IR 6 ",
    b"\\ISO 2022 IR 87", b"ISO 2022 IR 6\\ISO 2022 IR 149", b"ISO 2022 IR 13\\ISO 2022 IR 87 ",
    b"\\ISO 2022 IR 58\\ISO 2022 IR 149 ",
]  # fmt: skip

BOTH = {
    "plain": [],
    "sequence": [sequence(CODE, REFERENCE)],
    "open items": [sequence(CODE, REFERENCE, open_items=True)],
    "no item": [sequence()],
    "empty items": [sequence([], [])],
    "empty open items": [sequence([], [], open_items=True)],
    "defined, of open items": [Element(0x00081140, b"SQ", b"", [Item(CODE, True)])],
    "nested": [nested(3)],
    "nested in items of defined length": [nested(3, open_items=False)],
    "as deep as it goes": [nested(16)],
    "several": [sequence(CODE), sequence(CODE, tag=0x00082112), sequence(CODE, tag=0x00400275)],
    "private": [sequence(CODE, tag=0x00091001), sequence(CODE, tag=0x00291010, open_items=True)],
    "icon": [icon(PIXELS, undefined=False)],
    "icon in a sequence of undefined length": [icon(PIXELS, undefined=True)],
    "icon in an open item": [icon(PIXELS, undefined=True, open_items=True)],
    "behind the pixels": BEHIND,
    "group lengths": LENGTHS,
    "without values": EMPTY,
    "values": VALUES,
    "identity": [text(row.first, row.vrs[0].encode(), sample(row)) for row in IDENTITY],
    "empty identity": [text(row.first, row.vrs[0].encode(), b"") for row in IDENTITY],
    "padding": [us(Tag.PixelPaddingValue, 0x8000), us(Tag.PixelPaddingRangeLimit, 0xFFFF)],
    "real world values": [sequence(CODE, tag=Tag.RealWorldValueMappingSequence)],
    "the scale of Philips": PHILIPS,
    "oddities": [
        Element(Tag.SamplesPerPixel, b"US"),
        us(Tag.HighBit, 40),
        text(Tag.RescaleSlope, b"DS", b"0"),
    ],
    "an error of rescaling": [text(Tag.RescaleSlope, b"DS", b"nan")],
    "a range of padding without an end": [
        us(Tag.PixelPaddingValue, 1),
        Element(Tag.PixelPaddingRangeLimit, b"SS"),
    ],
    "the longest value": [text(Tag.Manufacturer, b"LO", b"x" * 1024)],
    **{
        f"charset {name.decode()}": [text(Tag.SpecificCharacterSet, b"CS", name)]
        for name in CHARSETS
    },
}
REGULAR = {
    **{f"{name}": image(*extra) for name, extra in BOTH.items()},
    **{f"{name}, implicit": image(*extra, syntax=IMPLICIT) for name, extra in BOTH.items()},
    **{
        f"{name}, encapsulated": image(*extra, syntax=JPEG, pixels=FRAGMENTS)
        for name, extra in BOTH.items()
    },
    "UN": image(sequence(list(map(implicit, CODE)), tag=0x00091001, vr=b"UN")),
    "UN of open items": image(
        sequence(list(map(implicit, CODE)), tag=0x00091001, vr=b"UN", open_items=True)
    ),
    "UN with nested ones": image(sequence([implicit(nested(3))], tag=0x00091001, vr=b"UN")),
    "UN in a sequence": image(sequence([sequence([implicit(CODE[0])], vr=b"UN")])),
    "UN without items": image(sequence(tag=0x00091001, vr=b"UN")),
    "private without items, implicit": image(sequence(tag=0x00081140), syntax=IMPLICIT),
    "encapsulated icon": image(icon(FRAGMENTS, undefined=True)),
    "encapsulated icon as OW": image(icon(replace(FRAGMENTS, vr=b"OW"), undefined=True)),
    "fragments as OW": image(syntax=JPEG, pixels=replace(FRAGMENTS, vr=b"OW")),
    "encapsulated icon in an open item": image(icon(FRAGMENTS, undefined=True, open_items=True)),
    "encapsulated icon, unseen": image(icon(FRAGMENTS, undefined=False)),
    "two encapsulated": image(icon(FRAGMENTS, undefined=True), syntax=JPEG, pixels=FRAGMENTS),
    "Extended Offset Table": image(*TABLES, syntax=JPEG, pixels=FRAGMENTS),
    "an empty Extended Offset Table": image(
        Element(Tag.ExtendedOffsetTable, b"OV"),
        Element(Tag.ExtendedOffsetTableLengths, b"OV"),
        syntax=JPEG,
        pixels=FRAGMENTS,
    ),
    "half an Extended Offset Table": image(TABLES[0], syntax=JPEG, pixels=FRAGMENTS),
    "Extended Offset Table of native pixels": image(*TABLES),
    "no fragments": image(syntax=JPEG, pixels=Element(PIXEL_DATA, b"OB", b"", [], True)),
    "a fragment with a delimiter": image(
        syntax=JPEG,
        pixels=Element(
            PIXEL_DATA, b"OB", b"", [Item(b""), Item(struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))], True
        ),
    ),
    "an odd fragment": image(
        syntax=JPEG, pixels=Element(PIXEL_DATA, b"OB", b"", [Item(b""), Item(b"abc")], True)
    ),
    "pixels as OB": image(pixels=Element(PIXEL_DATA, b"OB", bytes(12))),
    "signed padding": image(
        Element(Tag.PixelPaddingValue, b"SS", WORD(0x8000)), us(Tag.PixelRepresentation, 1)
    ),
    "long form": image(Element(0x00400244, b"UT", b"x" * 70000)),
    "File Meta without a group length": encode(
        File(
            [
                Element(Tag.FileMetaInformationVersion, b"OB", b"\0\1"),
                *meta(EXPLICIT)[1:],
                *data_set(),
            ]
        )
    ),
    "a wrong group length of File Meta": encode(
        File(
            [
                Element(Tag.FileMetaInformationGroupLength, b"UL", b"\xff" * 4),
                *meta(EXPLICIT)[1:],
                *data_set(),
            ]
        )
    ),
    "a preamble": bytes(range(128)) + image()[128:],
}


# What is irregular: each by one step from what is regular.


def elements_of(*elements: Element, syntax: bytes = EXPLICIT) -> bytes:
    """A file of these elements, in this order."""
    return encode(File([*meta(syntax), *elements]))


def delimiter(tag: int, length: int = 0) -> Element:
    return Element(tag, forged=length)


SINGLE = [
    (row.first, row.vrs[0].encode(), sample(row))
    for row in DATA_SET
    if row.form == Form.TEXT and row.purpose in (Purpose.PIXELS, Purpose.SCALE)
]
MANY = [(PHILIPS_CREATORS[0], b"LO", b"A")]
WORDS = [row.first for row in DATA_SET if row.form == Form.WORD and row.purpose == Purpose.PIXELS]
UNSIGNED = [row.first for row in DATA_SET if row.first in WORDS and row.vrs == ("US",)]
OTHER_VR = {b"UI": b"LO", b"CS": b"SH", b"IS": b"DS", b"DS": b"LO", b"LO": b"SH"}
OPEN = Element(PIXEL_DATA, b"OB", b"", [Item(b""), Item(bytes(12))], True)
PLAIN = image()
FIRST = meta(EXPLICIT)

IRREGULAR = {
    # The file and its File Meta.
    "no prefix": PLAIN[:128] + b"DICN" + PLAIN[132:],
    "no preamble": PLAIN[132:],
    "nothing but the prefix": PLAIN[:132],
    "nothing but File Meta": elements_of(),
    "no bytes": b"",
    "File Meta in implicit VR": encode(File([*map(implicit, FIRST), *data_set()])),
    "no File Meta": encode(File(data_set())),
    "no transfer syntax": encode(File([FIRST[0], *data_set()])),
    "two transfer syntaxes": encode(File([*FIRST, FIRST[1], *data_set()])),
    "another first element": encode(
        File([Element(0x00020002, b"UI", b"1.2\0"), *FIRST[1:], *data_set()])
    ),
    "group length as US": encode(
        File(
            [Element(Tag.FileMetaInformationGroupLength, b"US", b"\x1e\0"), *FIRST[1:], *data_set()]
        )
    ),
    "group length of 8 bytes": encode(
        File(
            [Element(Tag.FileMetaInformationGroupLength, b"UL", bytes(8)), *FIRST[1:], *data_set()]
        )
    ),
    "File Meta descending": encode(File([FIRST[1], FIRST[0], *data_set()])),
    "odd File Meta": encode(
        File([*meta(EXPLICIT, Element(0x00020016, b"AE", b"ABC")), *data_set()])
    ),
    "syntax as LO": encode(
        File([FIRST[0], Element(Tag.TransferSyntaxUID, b"LO", EXPLICIT + b" "), *data_set()])
    ),
    "syntax with a space": elements_of(*data_set(), syntax=EXPLICIT + b" "),
    "syntax with two NULs": elements_of(*data_set(), syntax=EXPLICIT + b"\0\0\0"),
    "unknown syntax": elements_of(*data_set(), syntax=b"1.2.840.10008.1.2.9"),
    "private syntax": elements_of(*data_set(), syntax=b"1.2.826.0.1.3680043.2"),
    "no syntax but a UID": elements_of(*data_set(), syntax=b"1.2.840.10008.5.1.4.1.1.2"),
    "deflated by name alone": image(syntax=b"1.2.840.10008.1.2.1.99"),
    "big endian by name alone": image(syntax=b"1.2.840.10008.1.2.2"),
    "command set": elements_of(Element(0x00000002, b"", b"1.2\0"), *data_set()),
    "implicit in an explicit syntax": elements_of(*map(implicit, data_set())),
    "explicit in an implicit syntax": elements_of(*data_set(), syntax=IMPLICIT),
    # The order and form of elements.
    "descending": elements_of(*data_set()[1:], data_set()[0]),
    "repeated": elements_of(*data_set()[:2], *data_set()[1:]),
    "File Meta again": elements_of(FIRST[1], *data_set(), FIRST[1]),
    "odd length": image(Element(Tag.Manufacturer, b"LO", b"ABC")),
    "odd length, implicit": image(Element(Tag.Manufacturer, b"LO", b"ABC"), syntax=IMPLICIT),
    "odd pixels": image(pixels=Element(PIXEL_DATA, b"OB", bytes(13))),
    "beyond the end": PLAIN[:-2],
    "bytes behind": PLAIN + b"\0\0",
    "zeros behind": PLAIN + bytes(8),
    "cut in a head": PLAIN[:-14],
    "unknown VR": image(Element(0x00091001, b"ZZ", b"AB")),
    "no VR": image(Element(0x00091001, b"", b"AB")),
    "lower case VR": image(Element(0x00091001, b"lo", b"AB")),
    "reserved bytes": image(Element(0x00091001, b"OB", b"AB", reserved=b"\0\1")),
    "reserved bytes, nested": image(sequence([Element(0x00091001, b"OB", b"", reserved=b"\1\0")])),
    # Delimiters and items.
    **{
        f"stray {tag:08X}": elements_of(*data_set()[:2], delimiter(tag), *data_set()[2:])
        for tag in (ITEM, END_OF_ITEM, END_OF_SEQUENCE)
    },
    "delimiter at the end": elements_of(*data_set(), delimiter(END_OF_SEQUENCE)),
    **{
        f"{tag:08X} at the end, implicit": elements_of(
            *map(implicit, data_set()), delimiter(tag), syntax=IMPLICIT
        )
        for tag in (ITEM, END_OF_ITEM, END_OF_SEQUENCE)
    },
    "delimiter in an item": image(
        Element(0x00081140, b"SQ", b"", [Item([delimiter(END_OF_SEQUENCE)], True)], True)
    ),
    "end of an item of defined length": image(sequence([*CODE, delimiter(END_OF_ITEM)])),
    "delimiter with a length": image(
        Element(
            0x00081140,
            b"SQ",
            b"",
            [Item(CODE), Item(b"", forged=4, tag=END_OF_SEQUENCE)],
            forged=UNDEFINED,
        )
    ),
    "item end with a length": image(
        Element(
            0x00081140,
            b"SQ",
            b"",
            [Item([*CODE, delimiter(END_OF_ITEM, 4)], forged=UNDEFINED)],
            True,
        )
    ),
    "no item but an element": image(
        Element(0x00081140, b"SQ", b"", [Item(b"", tag=Tag.ImageType)], True)
    ),
    "an item beyond its elements": image(
        Element(0x00081140, b"SQ", b"", [Item(CODE, forged=18)], True)
    ),
    "an odd item": image(Element(0x00081140, b"SQ", b"", [Item(CODE, forged=17)], True)),
    "an item beyond the file": image(
        Element(0x00081140, b"SQ", b"", [Item(CODE, forged=0xFFFF0)], True)
    ),
    "a sequence without an end": elements_of(
        *data_set(), Element(0xFFFA0010, b"SQ", b"", [Item(CODE)], forged=UNDEFINED)
    ),
    "fragments without an end": image(
        syntax=JPEG,
        pixels=Element(PIXEL_DATA, b"OB", b"", [Item(b""), Item(b"ab")], forged=UNDEFINED),
    ),
    "a fragment beyond the file": image(
        syntax=JPEG,
        pixels=Element(PIXEL_DATA, b"OB", b"", [Item(b""), Item(b"ab", forged=99)], True),
    ),
    "an open fragment": image(
        syntax=JPEG, pixels=Element(PIXEL_DATA, b"OB", b"", [Item(b"", forged=UNDEFINED)], True)
    ),
    "no fragment but an element": image(
        syntax=JPEG, pixels=Element(PIXEL_DATA, b"OB", b"", [Item(b"", tag=Tag.ImageType)], True)
    ),
    "too deep": image(nested(17)),
    "zeros where an element of an item begins": image(
        sequence([Element(0, b"UL", bytes(4))], tag=Tag.SharedFunctionalGroupsSequence)
    ),
    "explicit items in UN": image(sequence(CODE, tag=0x00091001, vr=b"UN")),
    "implicit items in SQ": image(sequence(list(map(implicit, CODE)))),
    "items in UN that look explicit": image(
        sequence([Element(Tag.ImageType, b"", b"x" * LIKE_A_VR)], tag=0x00091001, vr=b"UN")
    ),
    "a data set that looks explicit": image(
        Element(Tag.ImageType, b"CS", b"x" * LIKE_A_VR), syntax=IMPLICIT
    ),
    "open OB": image(Element(0x00091001, b"OB", b"", [Item(CODE)], True)),
    "open LO": image(Element(0x00091001, b"LO", b"ab", forged=0xFFFF)),
    "open text, implicit": image(sequence(CODE, tag=Tag.Manufacturer), syntax=IMPLICIT),
    "open numbers, implicit": image(sequence(CODE, tag=Tag.SliceThickness), syntax=IMPLICIT),
    "open without an item, private and implicit": image(sequence(tag=0x00091001), syntax=IMPLICIT),
    "too many open ones, implicit": image(
        *(sequence(CODE, tag=0x00091001 + k) for k in range(65)), syntax=IMPLICIT
    ),
    "unknown VR, nested": image(sequence([Element(0x00091001, b"ZZ", b"AB")])),
    "odd length, nested": image(sequence([Element(Tag.Manufacturer, b"LO", b"ABC"), CODE[0]])),
    "odd length in an open item": image(
        sequence([Element(Tag.Manufacturer, b"LO", b"ABC")], open_items=True)
    ),
    "beyond the end, nested": image(sequence([Element(0x00091001, b"OB", forged=0xFFFF0)])),
    "open without an item, implicit": image(
        Element(0x00091001, b"", b"ab", undefined=True), syntax=IMPLICIT
    ),
    "an open item at the end": elements_of(
        *data_set(),
        Element(0xFFFA0010, b"SQ", b"", [Item([], forged=UNDEFINED)], forged=UNDEFINED),
    ),
    "the end of a sequence in an item": image(
        sequence([*CODE, delimiter(END_OF_SEQUENCE)], open_items=True)
    ),
    "cut in the head of a nested element": elements_of(
        *data_set(),
        Element(
            0xFFFA0010,
            b"SQ",
            b"",
            [Item(encode_element(CODE[0]) + b"\x09\0\1\x10OB\0\0", forged=UNDEFINED)],
            forged=UNDEFINED,
        ),
    ),
    "an item at the end": elements_of(
        *data_set(),
        Element(0xFFFA0010, b"SQ", b"", [Item(b"\x08\0\0\1")], forged=UNDEFINED),
    ),
    # Values.
    **{
        f"{tag:08X} repeated": image(text(tag, vr, value + b"\\" + value))
        for tag, vr, value in SINGLE
    },
    **{
        f"{tag:08X} not ASCII": image(text(tag, vr, value + b"\xe9"))
        for tag, vr, value in [*SINGLE, *MANY]
    },
    **{
        f"{tag:08X} of another VR": image(text(tag, OTHER_VR[vr], value))
        for tag, vr, value in [*SINGLE, *MANY]
    },
    **{f"{tag:08X} open": image(sequence(CODE, tag=tag, vr=b"UN")) for tag in WORDS},
    **{f"{tag:08X} of two words": image(Element(tag, b"US", bytes(4))) for tag in WORDS},
    **{f"{tag:08X} as UL": image(Element(tag, b"UL", bytes(4))) for tag in WORDS},
    **{f"{tag:08X} as SS": image(Element(tag, b"SS", b"\1\0")) for tag in UNSIGNED},
    **{
        f"{tag:08X} of four bytes, implicit": image(Element(tag, b"US", bytes(4)), syntax=IMPLICIT)
        for tag in WORDS
    },
    "a long value": image(text(Tag.RescaleType, b"LO", b"x" * 1026)),
    "WindowCenter as LO": image(text(Tag.WindowCenter, b"LO", b"1")),
    "real world values as UN": image(Element(Tag.RealWorldValueMappingSequence, b"UN", b"ab")),
    "open real world values as UN": image(
        sequence([implicit(CODE[0])], tag=Tag.RealWorldValueMappingSequence, vr=b"UN")
    ),
    **{
        f"charset {name.decode('latin-1')!r}": image(text(Tag.SpecificCharacterSet, b"CS", name))
        for name in [
            b"ISO_IR 999",
            b"latin1",
            b"ISO-IR 100",
            b"iso_ir 100",
            b"ISO_IR 100\\ISO_IR 144",
            b"ISO_IR 192\\ISO 2022 IR 87",
            b"\xe9",
            b"ISO_IR 100\0\0",
            b"ISO 2022 IR 6\\",
            b" ISO_IR 100",
            b"ISO 2022 IR 87\\\\ISO 2022 IR 149",
        ]
    },
    "charset as LO": image(text(Tag.SpecificCharacterSet, b"LO", b"ISO_IR 100")),
    "charset in an item": image(
        sequence([text(Tag.SpecificCharacterSet, b"CS", b"ISO_IR 100"), *CODE])
    ),
    # Pixel Data.
    "no pixels": image(pixels=None),
    "no bytes of pixels": image(pixels=Element(PIXEL_DATA, b"OW")),
    "pixels as UN": image(pixels=Element(PIXEL_DATA, b"UN", bytes(12))),
    "open pixels as UN": image(
        syntax=JPEG, pixels=Element(PIXEL_DATA, b"UN", b"", OPEN.items, True)
    ),
    "fragments in a native syntax": image(pixels=OPEN),
    "fragments in implicit VR": image(pixels=OPEN, syntax=IMPLICIT),
    "native in an encapsulated syntax": image(syntax=JPEG),
    "offsets as OB": image(
        Element(Tag.ExtendedOffsetTable, b"OB", bytes(8)), TABLES[1], syntax=JPEG, pixels=FRAGMENTS
    ),
    # What is an error by our own rules; pydicom's route is to raise it.
    "no rows": elements_of(*(each for each in data_set() if each.tag != Tag.Rows)),
    "two samples": image(us(Tag.SamplesPerPixel, 2)),
    "frames by a comma": image(text(Tag.NumberOfFrames, b"IS", b"1,5")),
}
