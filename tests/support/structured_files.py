"""Small files with functional groups, tables, floats, big-endian or deflated elements."""

from __future__ import annotations

import struct

from fastpix.standard.indexed import INDEXED, Form, Place
from fastpix.standard.tags import Tag
from support.file_structures import IMPLICIT, Element, File, Item, big_endian, deflated, encode
from support.regular_files import BOTH, CODE, data_set, image, meta, sample, text, us

Elements = list[Element]


def items(tag: int, *contents: Elements, undefined: bool = False) -> Element:
    """A sequence, it and its items of defined or undefined length."""
    return Element(tag, b"SQ", b"", [Item(list(each), undefined) for each in contents], undefined)


def doubles(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def scale(slope: bytes, intercept: bytes = b"0", kind: bytes = b"US") -> Elements:
    return [
        text(Tag.RescaleIntercept, b"DS", intercept),
        text(Tag.RescaleSlope, b"DS", slope),
        text(Tag.RescaleType, b"LO", kind),
    ]


def geometry(z: int, undefined: bool) -> Elements:
    """The functional groups of a frame that say where it lies, and what it is."""
    return [
        items(Tag.MREchoSequence, [Element(Tag.EffectiveEchoTime, b"FD", doubles(z))],
              undefined=undefined),
        items(Tag.MRDiffusionSequence, [
            text(Tag.DiffusionDirectionality, b"CS", b"DIRECTIONAL"),
            items(Tag.DiffusionGradientDirectionSequence,
                  [Element(Tag.DiffusionGradientOrientation, b"FD", doubles(1, 0, z))],
                  undefined=undefined),
            Element(Tag.DiffusionBValue, b"FD", doubles(1000)),
        ], undefined=undefined),
        items(Tag.FrameContentSequence, [
            text(Tag.FrameAcquisitionDateTime, b"DT", b"20260102101112"),
            text(Tag.StackID, b"SH", b"1"),
            Element(Tag.InStackPositionNumber, b"UL", struct.pack("<I", z)),
            us(Tag.FrameAcquisitionNumber, z),
            Element(Tag.DimensionIndexValues, b"UL", struct.pack("<2I", 1, z)),
        ], undefined=undefined),
        items(Tag.PlanePositionSequence,
              [text(Tag.ImagePositionPatient, b"DS", b"0\\0\\%d" % z)], undefined=undefined),
        items(Tag.PlaneOrientationSequence,
              [text(Tag.ImageOrientationPatient, b"DS", b"1\\0\\0\\0\\1\\0")], undefined=undefined),
        items(0x00209171, CODE, undefined=undefined),  # of no interest
        items(Tag.PixelMeasuresSequence, [text(Tag.PixelSpacing, b"DS", b"0.5\\0.5")],
              undefined=undefined),
    ]  # fmt: skip


def group(z: int, *values: Elements, undefined: bool = False, window: bool = False) -> Elements:
    """The functional groups of a frame, with Pixel Value Transformations."""
    found = geometry(z, undefined)
    if window:
        found.append(items(Tag.FrameVOILUTSequence, [text(Tag.WindowCenter, b"DS", b"1")]))
    if values:
        found.append(items(Tag.PixelValueTransformationSequence, *values, undefined=undefined))
    return found


def grouped(shared: list[Elements], frames: list[Elements], undefined: bool = False) -> Elements:
    """An image of as many frames as there are groups, of 1 x 1 words at least."""
    return [
        text(Tag.NumberOfFrames, b"IS", b"%d" % max(1, len(frames))),
        us(Tag.Rows, 1),
        us(Tag.Columns, 1),
        Element(Tag.PixelData, b"OW", bytes(range(2 * max(1, len(frames))))),
        items(Tag.SharedFunctionalGroupsSequence, *shared, undefined=undefined),
        items(Tag.PerFrameFunctionalGroupsSequence, *frames, undefined=undefined),
    ]


def lut_item(descriptor: tuple[int, int, int], *entries: int) -> Elements:
    return [
        Element(Tag.LUTDescriptor, b"US", struct.pack("<3H", *descriptor)),
        text(Tag.ModalityLUTType, b"LO", b"OD"),
        Element(Tag.LUTData, b"OW", struct.pack(f"<{len(entries)}H", *entries)),
    ]


def palette(first: int = 0, segments: bytes = b"") -> Elements:
    """The attributes of a palette image of 2 x 3 bytes."""
    tables = (
        [(Tag.SegmentedRedPaletteColorLookupTableData + k, segments) for k in range(3)]
        if segments
        else [(Tag.RedPaletteColorLookupTableData + k, bytes(range(k, k + 8))) for k in range(3)]
    )
    return [
        text(Tag.PhotometricInterpretation, b"CS", b"PALETTE COLOR"),
        us(Tag.BitsAllocated, 8), us(Tag.BitsStored, 8), us(Tag.HighBit, 7),
        *(Element(Tag.RedPaletteColorLookupTableDescriptor + k, b"US",
                  struct.pack("<3H", 4, first, 16)) for k in range(3)),
        *(Element(tag, b"OW", value) for tag, value in tables),
        Element(Tag.PixelData, b"OB", bytes([0, 1, 2, 3, 4, 0])),
    ]  # fmt: skip


def floats(double: bool = False) -> Elements:
    code, vr = ("d", b"OD") if double else ("f", b"OF")
    tag = Tag.DoubleFloatPixelData if double else Tag.FloatPixelData
    padding = Tag.DoubleFloatPixelPaddingValue if double else Tag.FloatPixelPaddingValue
    return [
        us(Tag.BitsAllocated, 64 if double else 32),
        Element(padding, b"FD" if double else b"FL", struct.pack(f"<{code}", -1.5)),
        Element(tag, vr, struct.pack(f"<6{code}", 1, 2.5, -1.5, 1e30, 0, float("nan"))),
    ]


def all_at(place: Place) -> Elements:
    """An element for each row of the table at a place, and for all places within."""
    found = []
    for row in INDEXED:
        if row.place != place:
            continue
        if row.form in (Form.SEQUENCE, Form.FRAMES):
            found.append(items(row.first, all_at(row.items)))
        elif row.form == Form.PRESENCE:
            found.append(items(row.first, CODE))
        else:
            found.append(text(row.first, row.vrs[0].encode(), sample(row)))
    return found


MANY = [group(z, scale(b"1.%d" % z, b"-%d" % z)) for z in range(1, 20)]
ODD = [scale(b"0"), scale(b"1,5"), scale(b"-0", b"-0"), scale(b"1e-400"), scale(b"2", b"")]
STRUCTURES = {
    "shared groups": grouped([group(0, scale(b"2"))], []),
    "groups of frames": grouped([group(0, scale(b"2"))], [geometry(1, False), geometry(2, False)]),
    "groups that scale frames": grouped([[]], [group(1, scale(b"2")), group(2, scale(b"3", b"4"))]),
    "groups that scale frames alike": grouped([[]], [group(k, scale(b"2")) for k in range(5)]),
    "groups of undefined length": grouped(
        [group(0, scale(b"2"), undefined=True)],
        [group(k, scale(b"%d" % (k + 1)), undefined=True) for k in range(3)],
        undefined=True,
    ),
    "many groups": grouped([[]], MANY),
    "many groups, some empty": grouped([group(0, scale(b"7"))], [*MANY, [], group(3)]),
    "many groups with windows": grouped(
        [[]], [group(z, scale(b"1.%d" % z), window=z > 3) for z in range(12)]
    ),
    **{
        f"many groups, one odd ({k})": grouped([[]], [*MANY, group(3, values)])
        for k, values in enumerate(ODD)
    },
    "many groups of two items": grouped(
        [[]], [group(z, scale(b"1.%d" % z), scale(b"1.%d" % z)) for z in range(12)]
    ),
    "many groups with differing units": grouped(
        [[]], [group(z, scale(b"1.%d" % z, b"0", b"U%d" % (z % 2))) for z in range(12)]
    ),
    "more groups than frames": [*grouped([[]], MANY), text(Tag.NumberOfFrames, b"IS", b"5")],
    "two shared groups alike": grouped([group(0, scale(b"2")), group(0, scale(b"2"))], []),
    "no shared group": grouped([], [group(1, scale(b"2"))]),
    "mapped to the real world": grouped(
        [[items(Tag.RealWorldValueMappingSequence, CODE)]], [geometry(1, False)]
    ),
    "all groups": grouped([all_at(Place.GROUPS)], [all_at(Place.GROUPS)] * 2),
    "detectors": [items(Tag.DetectorInformationSequence, *[all_at(Place.DETECTOR)] * 2)],
    "dimensions": [items(Tag.DimensionIndexSequence, all_at(Place.DIMENSION))],
    "Modality LUT": [items(Tag.ModalityLUTSequence, lut_item((4, 0, 16), 5, 6, 7, 9000))],
    "open Modality LUT": [
        items(Tag.ModalityLUTSequence, lut_item((2, 1, 16), 5, 6), undefined=True)
    ],
    "Modality LUT of 65536": [
        items(Tag.ModalityLUTSequence, lut_item((0, 0, 16), *range(65535, -1, -1)))
    ],
    "Modality LUT without a descriptor": [items(Tag.ModalityLUTSequence, CODE)],
    "Modality LUT without an item": [items(Tag.ModalityLUTSequence)],
    "palette": palette(),
    "palette from 1": palette(1),
    "segmented palette": palette(
        segments=struct.pack("<8H", 0, 1, 7, 1, 2, 100, 0, 1) + struct.pack("<H", 9)
    ),
}  # fmt: skip
FLOATS = {"float": floats(), "double float": floats(double=True)}


def float_image(extra: Elements, syntax: bytes) -> bytes:
    elements = data_set(*extra, pixels=None)
    return encode(File([*meta(syntax), *elements]))


EXPLICIT_FILES = {name: image(*extra) for name, extra in STRUCTURES.items()}
EXPLICIT_FILES |= {
    name: float_image(extra, b"1.2.840.10008.1.2.1") for name, extra in FLOATS.items()
}
STRUCTURED = {
    **EXPLICIT_FILES,
    **{
        f"{name}, implicit": image(*extra, syntax=IMPLICIT)
        for name, extra in STRUCTURES.items()
        if "65536" not in name
    },
    **{f"{name}, big endian": big_endian(data) for name, data in EXPLICIT_FILES.items()},
    **{
        f"{name}, big endian": big_endian(image(*extra))
        for name, extra in BOTH.items()
        if not name.startswith("charset")
    },
    **{
        f"{name}, deflated": deflated(data)
        for name, data in EXPLICIT_FILES.items()
        if name in ("many groups", "Modality LUT", "palette", "float")
    },
    "plain, deflated": deflated(image()),
    "sample of each group, explicit": image(*grouped([[]], MANY[:1])),
}
