"""What a plane is, besides where it lies: what it shows, when, and which one it is."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_item, set_raw
from support.file_structures import Element
from support.index_and_pydicom import serves
from support.plane_files import (
    SHARED,
    add_private,
    content,
    floats,
    frames_of,
    grouped,
    plane_from,
    planes_by_both,
    planes_from,
    position,
    slice_of,
)
from support.real_files import corpus_parameters, file_id
from support.regular_files import CODE, image, sequence, text

from fastpix._index import entries_of
from fastpix.header.index import find_elements
from fastpix.header.instance import _read_by_pydicom, _read_regular
from fastpix.image.limits import MAX_BYTES
from fastpix.series.plane import Identity, Plane
from fastpix.series.plane_values import component, moment, snake_case
from fastpix.series.planes import planes_of
from fastpix.source.stored import Memory
from fastpix.standard.private import Private
from fastpix.standard.tags import Tag

# An ordinary file.


def test_a_plane() -> None:
    plane = plane_from(
        slice_of(
            StudyInstanceUID="1.2", SeriesInstanceUID="1.3", SOPInstanceUID="1.4",
            FrameOfReferenceUID="1.5", ImageType=["ORIGINAL", "PRIMARY", "M", "ND"],
            EchoTime="4.5", InversionTime="900", TriggerTime="12.5", KVP="120",
            ConvolutionKernel=["B30f", "I"], DiffusionBValue=700.0,
            DiffusionGradientOrientation=[0.0, 0.6, 0.8], TemporalPositionIdentifier="3",
            StackID=" 2 ", InstanceNumber="17", AcquisitionNumber="2",
            AcquisitionDate="20260102", AcquisitionTime="101112.5",
            ContentDate="20260103", ContentTime="1314",
        )
    )  # fmt: skip
    assert plane == Plane(
        Identity("1.2", "1.3", "1.2.840.10008.5.1.4.1.1.4", "1.5", 2, 3, modality="MR"),
        source=7, sop_uid="1.4", position=(-1.5, 2.25, 3), orientation=(1, 0, 0, 0, 1, 0),
        spacing=(0.75, 0.5), stack_id="2", component="M",
        image_type=("ORIGINAL", "PRIMARY", "M", "ND"), echo_time=4.5, b_value=700.0,
        inversion_time=900.0, kvp=120.0, gradient=(0.0, 0.6, 0.8), kernel="B30f\\I",
        temporal_position=3, trigger_time=12.5, instance_number=17, acquisition_number=2,
        acquisition_time="20260102101112500000", content_time="20260103131400000000",
    )  # fmt: skip


def test_a_plane_of_which_the_file_says_nothing() -> None:
    none = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SOPInstanceUID")
    plane = plane_from(slice_of(**dict.fromkeys(none)))
    sop_class = "1.2.840.10008.5.1.4.1.1.4"
    assert plane == Plane(Identity(sop_class=sop_class, rows=2, columns=3, modality="MR"), 7)


def test_values_that_are_none() -> None:
    dataset = slice_of(ImageType=["ORIGINAL", "PRIMARY"])
    for tag in (Tag.EchoTime, Tag.InversionTime, Tag.TriggerTime, Tag.KVP):
        set_raw(dataset, tag, "DS", b"long")
    for tag in (Tag.InstanceNumber, Tag.AcquisitionNumber, Tag.TemporalPositionIdentifier):
        set_raw(dataset, tag, "IS", b"1.5 ")
    set_raw(dataset, Tag.DiffusionBValue, "FD", struct.pack("<d", float("nan")))
    set_raw(dataset, Tag.DiffusionGradientOrientation, "FD", bytes(24))
    (plane,) = planes_by_both(encode(dataset))
    assert (plane.echo_time, plane.inversion_time, plane.trigger_time, plane.kvp) == (None,) * 4
    assert plane.instance_number is plane.acquisition_number is plane.temporal_position is None
    assert (plane.b_value, plane.gradient) == (None, None)


def test_another_temporal_position() -> None:
    assert plane_from(slice_of(TemporalPositionIndex=4)).temporal_position == 4


def test_planes_of_one_series_share_what_they_have_in_common() -> None:
    planes = [plane_from(slice_of(SOPInstanceUID=f"1.{k}")) for k in range(2)]
    assert planes[0].identity is planes[1].identity
    assert planes[0].orientation is planes[1].orientation


@pytest.mark.parametrize(
    ("kinds", "is_localizer"),
    [(["ORIGINAL", "PRIMARY", "LOCALIZER"], True), (["ORIGINAL", "PRIMARY", "AXIAL"], False)],
)
def test_localizer(kinds: list[str], is_localizer: bool) -> None:
    assert plane_from(slice_of(ImageType=kinds)).identity.is_localizer == is_localizer


@pytest.mark.parametrize("number", ["7", "7.1", "7.2", "7.3", "7.4"])
def test_secondary_captures(number: str) -> None:
    sop_class = f"1.2.840.10008.5.1.4.1.1.{number}"
    assert plane_from(slice_of(SOPClassUID=sop_class)).identity.is_secondary
    assert not plane_from(slice_of()).identity.is_secondary


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("ORIGINAL\\PRIMARY\\M\\ND", "M"),
        ("ORIGINAL\\PRIMARY\\P\\ND", "P"),
        ("ORIGINAL\\PRIMARY\\OTHER\\R", "R"),
        ("ORIGINAL\\PRIMARY\\OTHER\\I", "I"),
        ("ORIGINAL\\PRIMARY\\MAGNITUDE", "M"),
        ("ORIGINAL\\PRIMARY\\PHASE", "P"),
        ("ORIGINAL\\PRIMARY\\REAL", "R"),
        ("ORIGINAL\\PRIMARY\\imaginary", "I"),
        ("ORIGINAL\\PRIMARY\\M_FFE\\M\\FFE", "M"),
        ("ORIGINAL\\PRIMARY\\PHASE MAP\\P\\FFE", "P"),
        ("ORIGINAL\\PRIMARY\\I_IR", "I"),
        ("ORIGINAL\\PRIMARY\\OTHER", ""),
        ("ORIGINAL\\PRIMARY\\MPR", ""),
        ("M\\P", ""),  # the first two say something else
        ("", ""),
    ],
)
def test_component_by_image_type(kinds: str, expected: str) -> None:
    value = kinds.encode() + b" " * (len(kinds) % 2)
    (plane,) = planes_by_both(encode(set_raw(slice_of(), Tag.ImageType, "CS", value)))
    assert plane.component == expected


def test_component_by_what_it_is_for() -> None:
    kinds = ("ORIGINAL", "PRIMARY", "M")
    assert component(b"PHASE ", kinds, "R") == "P"
    assert component(b"MIXED ", kinds, "R") == "R"
    assert component(b"MIXED ", kinds, "") == "M"
    assert component(None, kinds[:2], "") == ""


@pytest.mark.parametrize(
    ("whole", "date", "time", "expected"),
    [
        (None, b"20260102", b"101112.123456", "20260102101112123456"),
        (None, b"20260102", b"10", "20260102100000000000"),
        (None, b"2026.01.02", b"10:11:12.5", "20260102101112500000"),
        (None, None, b"101112 ", "00000000101112000000"),
        (None, b"20260102", b"", ""),
        (None, b"20260102", None, ""),
        (None, b"20260102", b"noon", ""),
        (b"20260102101112.5+0100", None, None, "20260102101112500000"),
        (b"20260102101112", b"20250101", b"01", "20260102101112000000"),
        (b"20260102", b"20250101", b"01", "20250101010000000000"),
        (b"2026", None, None, ""),
    ],
)
def test_moments(
    whole: bytes | None, date: bytes | None, time: bytes | None, expected: str
) -> None:
    """They sort as text."""
    assert moment(whole, date, time) == expected


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("TemporalPositionIndex", "temporal_position_index"),
        ("DiffusionBValue", "diffusion_b_value"),
        ("RRInterval", "rr_interval"),
        ("KVP", "kvp"),
    ],
)
def test_snake_case(keyword: str, expected: str) -> None:
    assert snake_case(keyword) == expected


# Odd values: the file is served by the index, which leaves them out, or by pydicom.


@pytest.mark.parametrize("vr", ["UN", "LO", "FD", "FL"])
def test_numbers_of_another_vr(vr: str) -> None:
    value = {"FD": struct.pack("<2d", 0.5, 2), "FL": floats(0.5, 2)}.get(vr, b"0.5\\2 ")
    (plane,) = planes_by_both(encode(set_raw(slice_of(), Tag.PixelSpacing, vr, value)))
    assert plane.spacing == (0.5, 2)


def test_binary_numbers_of_another_vr() -> None:
    dataset = set_raw(slice_of(), Tag.DiffusionBValue, "DS", b"800 ")
    set_raw(dataset, Tag.TemporalPositionIndex, "US", b"\2\0")
    (plane,) = planes_by_both(encode(dataset))
    assert (plane.b_value, plane.temporal_position) == (800, 2)
    set_raw(dataset, Tag.TemporalPositionIndex, "SL", struct.pack("<i", -2))
    set_raw(dataset, Tag.DiffusionBValue, "LO", b"high")
    (plane,) = planes_by_both(encode(dataset))
    assert (plane.b_value, plane.temporal_position) == (None, None)


def test_binary_where_text_belongs() -> None:
    dataset = set_raw(slice_of(), Tag.PixelSpacing, "FD", b"ABCDEF")
    set_raw(dataset, Tag.StackID, "US", b"A\0")
    (plane,) = planes_by_both(encode(dataset))
    assert plane.stack_id == "A"
    assert plane.spacing is None
    assert [fault.tag for fault in plane.faults] == [Tag.PixelSpacing]


def test_a_sequence_where_a_value_belongs() -> None:
    elements = [sequence(CODE, tag=tag, vr=b"SQ") for tag in (Tag.StackID, Tag.PixelSpacing)]
    (plane,) = planes_by_both(image(*elements))
    assert (plane.stack_id, plane.spacing) == ("", None)
    assert [fault.tag for fault in plane.faults] == [Tag.PixelSpacing]


def test_text_that_is_not_ascii() -> None:
    dataset = set_raw(slice_of(), Tag.ConvolutionKernel, "SH", b"\xe9\xe8")
    (plane,) = planes_by_both(encode(dataset))
    assert plane.kernel == "\xe9\xe8"


def test_values_that_are_too_short() -> None:
    dataset = set_raw(slice_of(), Tag.DiffusionBValue, "FD", b"\1\2")
    set_raw(dataset, Tag.TemporalPositionIndex, "UL", b"\1\2")
    set_raw(dataset, Tag.DiffusionGradientOrientation, "FD", bytes(8))
    (plane,) = planes_by_both(encode(dataset))
    assert (plane.b_value, plane.temporal_position, plane.gradient) == (None, None, None)


# Vendors (PS3.5 7.8.1).

SIEMENS = "SIEMENS MR HEADER"
DIRECTION = [0.0, 0.6, 0.8]


def siemens(creator: str = SIEMENS, block: int = 0x10, **attributes: Any) -> Any:
    dataset = slice_of(**attributes)
    add = add_private(dataset, 0x0019, creator, block)
    add(0x0C, "IS", "1000")
    add(0x0E, "FD", DIRECTION)
    return dataset


def test_siemens() -> None:
    plane = plane_from(siemens())
    assert (plane.b_value, plane.gradient) == (1000.0, (0.0, 0.6, 0.8))


@pytest.mark.parametrize("block", [0x11, 0x42, 0xFF])
def test_a_block_anywhere(block: int) -> None:
    dataset = siemens(block=block)
    dataset.add_new((0x0019, 0x10), "LO", "OTHER")
    dataset.add_new((0x0019, 0x100C), "IS", "5")
    plane = plane_from(dataset)
    assert (plane.b_value, plane.gradient) == (1000.0, (0.0, 0.6, 0.8))


def test_the_block_of_another_vendor() -> None:
    plane = plane_from(siemens("GEMS_ACQU_01", Manufacturer="SIEMENS"))
    assert (plane.b_value, plane.gradient) == (None, None)


def test_creators_that_were_lost() -> None:
    """De-identified files may have private elements and no creators."""
    assert plane_from(siemens("")).b_value is None
    assert plane_from(siemens("", Manufacturer="Siemens Healthineers")).b_value == 1000
    assert plane_from(siemens("", Manufacturer="GE MEDICAL SYSTEMS")).b_value is None
    assert plane_from(siemens("", 0x11, Manufacturer="SIEMENS")).b_value is None


def test_private_elements_of_another_modality() -> None:
    assert plane_from(siemens(Modality="CT")).b_value is None


def test_standard_attributes_come_first() -> None:
    plane = plane_from(siemens(DiffusionBValue=5.0, DiffusionGradientOrientation=[1.0, 0.0, 0.0]))
    assert (plane.b_value, plane.gradient) == (5.0, (1, 0, 0))


def test_no_diffusion_has_no_direction() -> None:
    dataset = siemens()
    dataset.add_new((0x0019, 0x100C), "IS", "0")
    plane = plane_from(dataset)
    assert (plane.b_value, plane.gradient) == (0.0, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("800\\8\\0\\0", 800), ("1000000700\\8\\0\\0", 700), ("0\\1\\0\\0", 0), ("-1", -1)],
)
def test_ge(value: str, expected: float) -> None:
    dataset = slice_of(ImageType=["ORIGINAL", "PRIMARY", "OTHER"])
    add = add_private(dataset, 0x0043, "GEMS_PARM_01")
    add(0x2F, "SS", 1)
    add(0x30, "SS", 17)
    add(0x39, "IS", value.split("\\"))
    add = add_private(dataset, 0x0019, "GEMS_ACQU_01")
    for element, cosine in zip((0xBB, 0xBC, 0xBD), DIRECTION, strict=True):
        add(element, "DS", str(cosine))
    plane = plane_from(dataset)
    assert (plane.component, plane.ge_image_type, plane.b_value) == ("P", 17, expected)
    assert plane.gradient == (None if expected == 0 else (0.0, 0.6, 0.8))


@pytest.mark.parametrize(("number", "expected"), list(enumerate(["M", "P", "R", "I", "", ""])))
def test_ge_component(number: int, expected: str) -> None:
    dataset = slice_of()
    add_private(dataset, 0x0043, "GEMS_PARM_01")(0x2F, "SS", number if number < 5 else -1)
    assert plane_from(dataset).component == expected


def test_philips() -> None:
    dataset = slice_of()
    add_private(dataset, 0x2001, "Philips Imaging DD 001")(0x03, "FL", 500.0)
    add = add_private(dataset, 0x2005, "Philips MR Imaging DD 001", 0x12)
    for element, cosine in zip((0xB0, 0xB1, 0xB2), (0.0, 0.5, 0.25), strict=True):
        add(element, "FL", cosine)
    plane = plane_from(dataset)
    assert (plane.b_value, plane.gradient) == (500.0, (0.0, 0.5, 0.25))


def test_part_of_a_direction_is_none() -> None:
    dataset = slice_of()
    add_private(dataset, 0x2001, "Philips Imaging DD 001")(0x03, "FL", 500.0)
    add_private(dataset, 0x2005, "Philips MR Imaging DD 001")(0xB0, "FL", 1.0)
    plane = plane_from(dataset)
    assert (plane.b_value, plane.gradient) == (500.0, None)


def test_uih() -> None:
    dataset = slice_of()
    add = add_private(dataset, 0x0065, "Image Private Header")
    add(0x09, "FD", 929.5)
    add(0x37, "FD", DIRECTION)
    plane = plane_from(dataset)
    assert (plane.b_value, plane.gradient) == (929.5, (0.0, 0.6, 0.8))


@pytest.mark.parametrize(
    ("vr", "value"),
    [("UN", struct.pack("<d", 900)), ("OB", struct.pack("<d", 900)), ("DS", b"900 "),
     ("US", b"\x84\3"), ("FL", floats(900))],
)  # fmt: skip
def test_private_elements_of_another_vr(vr: str, value: bytes) -> None:
    """A binary element without VR is read as its vendor writes it."""
    dataset = slice_of()
    add_private(dataset, 0x0065, "Image Private Header")
    set_raw(dataset, 0x00651009, vr, value)
    (plane,) = planes_by_both(encode(dataset))
    assert plane.b_value == 900


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        (b"FD", bytes(6)),
        (b"FD", struct.pack("<d", float("inf"))),
        (b"DS", b"high"),
        (b"FD", b""),
    ],
)
def test_private_elements_that_cannot_be_read(vr: bytes, value: bytes) -> None:
    creator = text(0x00650010, b"LO", b"Image Private Header")
    modality = text(Tag.Modality, b"CS", b"MR")
    (plane,) = planes_by_both(image(modality, creator, Element(0x00651009, vr, value)))
    assert plane.b_value is None


def test_a_private_element_without_value() -> None:
    dataset = siemens()
    dataset.add_new((0x0019, 0x100C), "IS", None)
    assert plane_from(dataset).b_value is None


def test_private_elements_of_a_dataset_that_are_no_numbers() -> None:
    dataset = siemens()
    dataset.add_new((0x0019, 0x100E), "FD", [1.0, 2.0, float("inf")])
    (plane,) = planes_of(_read_by_pydicom(dataset, MAX_BYTES), 0)
    assert (plane.b_value, plane.gradient) == (1000, None)


def test_a_private_sequence_is_no_value() -> None:
    dataset = slice_of()
    add_private(dataset, 0x0065, "Image Private Header")(0x09, "SQ", [make_item(KVP="1")])
    assert plane_from(dataset).b_value is None


@pytest.mark.parametrize("private", Private, ids=lambda private: private.name)
def test_the_index_takes_private_elements(private: Private) -> None:
    blocks = (0x10, 0x11, 0xFF)
    elements = [
        *(text(private.group << 16 | block, b"LO", private.creator.encode()) for block in blocks),
        *(text(private.tag(block), b"UN", b"1") for block in blocks),
        text(private.tag(0x11) ^ 0x80, b"UN", b"2"),
    ]
    data = image(*elements)
    assert serves(Memory(data))
    index = find_elements(Memory(data))
    assert index is not None
    assert index.is_complete
    taken = {tag for tag, *_ in entries_of(index.identity_entries)}
    assert {private.tag(block) for block in blocks} <= taken
    assert private.tag(0x11) ^ 0x80 not in taken


def test_a_long_private_element_is_left_to_pydicom() -> None:
    dataset = siemens()
    set_raw(dataset, 0x0019110C, "OB", bytes(1026))
    data = encode(dataset)
    index = find_elements(Memory(data))
    assert index is not None
    assert not index.is_complete
    assert planes_by_both(data)[0].b_value == 1000


# Functional groups (PS3.3 C.7.6.16).


def item(sequence: str, **attributes: Any) -> dict[str, Any]:
    return {sequence: [make_item(**attributes)]}


def diffusion(b_value: float, *cosines: float) -> dict[str, Any]:
    values: dict[str, Any] = {"DiffusionBValue": b_value}
    if cosines:
        values |= item(
            "DiffusionGradientDirectionSequence", DiffusionGradientOrientation=list(cosines)
        )
    return item("MRDiffusionSequence", **values)


def test_frames() -> None:
    frames = [
        {
            **position(0, 0, k),
            **content(
                FrameAcquisitionDateTime=f"2026010210111{k}", StackID="A",
                TemporalPositionIndex=k + 1, FrameAcquisitionNumber=k + 5, InStackPositionNumber=1,
            ),
            **item("MREchoSequence", EffectiveEchoTime=4.5 * (k + 1)),
            **item("MRModifierSequence", InversionTimes=[100.0 + k, 7.0]),
            **item("CardiacSynchronizationSequence", NominalCardiacTriggerDelayTime=20.0 * k),
            **item("TemporalPositionSequence", TemporalPositionTimeOffset=0.5 * k),
            **item("CTReconstructionSequence", ConvolutionKernel=f"B{k}"),
            **item("CTXRayDetailsSequence", KVP=str(100 + k)),
            **item("SegmentIdentificationSequence", ReferencedSegmentNumber=k + 1),
            **item("MRImageFrameTypeSequence", ComplexImageComponent="PHASE" if k else "MAGNITUDE",
                   FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]),
            **(diffusion(1000.0, 0.0, 0.6, 0.8) if k else diffusion(0.0)),
        }
        for k in range(2)
    ]  # fmt: skip
    first, second = planes_from(grouped(frames, InstanceNumber="3", ContentTime="1213"))
    assert second == Plane(
        first.identity, source=7, frame=1, sop_uid=first.sop_uid, position=(0, 0, 1),
        orientation=(1, 0, 0, 0, 1, 0), spacing=(0.75, 0.5), thickness=2.0, stack_id="A",
        segment=2, component="P", image_type=("ORIGINAL", "PRIMARY", "VOLUME", "NONE"),
        echo_time=9.0, b_value=1000.0, inversion_time=101.0, kvp=101.0, gradient=(0, 0.6, 0.8),
        kernel="B1", temporal_position=2, time_offset=0.5, trigger_time=20.0, instance_number=3,
        acquisition_number=6, acquisition_time="20260102101111000000",
        content_time="00000000121300000000",
    )  # fmt: skip
    assert (first.component, first.b_value, first.gradient) == ("M", 0.0, None)
    assert first.identity is second.identity


def test_frames_that_have_what_the_data_set_says() -> None:
    top: dict[str, Any] = {
        "EchoTime": "1", "InversionTime": "2", "KVP": "3", "DiffusionBValue": 4.0,
        "ConvolutionKernel": "K", "TriggerTime": "5", "AcquisitionNumber": "6", "StackID": "S",
        "TemporalPositionIdentifier": "7", "AcquisitionDateTime": "20260102101112",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "NONE"],
    }  # fmt: skip
    # One frame has something of its own: the others keep to the top.
    own = {
        **content(StackID="T", FrameReferenceDateTime="20270102101112"),
        **item("MREchoSequence", EffectiveEchoTime=11.0),
        **item("MRImageFrameTypeSequence", FrameType=["DERIVED", "PRIMARY", "P", "NONE"]),
    }
    first, second = planes_from(grouped([position(0, 0, 0), {**position(0, 0, 1), **own}], **top))
    found = ("component", "echo_time", "b_value", "inversion_time", "kvp", "kernel")
    assert [getattr(first, name) for name in found] == ["M", 1.0, 4.0, 2.0, 3.0, "K"]
    assert [getattr(second, name) for name in found] == ["P", 11.0, 4.0, 2.0, 3.0, "K"]
    assert (first.temporal_position, first.trigger_time, first.acquisition_number) == (7, 5.0, 6)
    assert (first.stack_id, second.stack_id) == ("S", "T")
    assert first.acquisition_time == "20260102101112000000"
    assert second.acquisition_time == "20270102101112000000"
    assert second.image_type == ("DERIVED", "PRIMARY", "P", "NONE")


def test_frames_of_which_some_are_localizers() -> None:
    kinds = ["AXIAL", "LOCALIZER", "AXIAL"]
    frames = [
        item("CTImageFrameTypeSequence", FrameType=["ORIGINAL", "PRIMARY", kind, "NONE"])
        for kind in kinds
    ]
    planes = planes_from(grouped(frames))
    assert [plane.identity.is_localizer for plane in planes] == [False, True, False]
    assert planes[0].identity is planes[2].identity


def test_shared_groups_of_all_kinds() -> None:
    shared = {**SHARED, **diffusion(50.0, 1.0, 0.0, 0.0), **content(StackID="9")}
    planes = planes_from(grouped([position(0, 0, 0), position(0, 0, 1)], shared))
    assert {(p.b_value, p.gradient, p.stack_id) for p in planes} == {(50.0, (1, 0, 0), "9")}
    none = [make_item(DiffusionBValue=1.0, DiffusionGradientDirectionSequence=[])]
    planes = planes_from(grouped([{"MRDiffusionSequence": none}]))
    assert (planes[0].b_value, planes[0].gradient) == (1.0, None)


def dimension(pointer: int, group: int | None = None) -> Any:
    return make_item(DimensionIndexPointer=pointer, FunctionalGroupPointer=group or pointer)


def test_dimensions() -> None:
    """What says where a frame lies is no dimension here; the name of a private one is unknown."""
    pointers = [Tag.StackID, Tag.InStackPositionNumber, 0x2005140F, Tag.DiffusionBValue]
    frames = [content(DimensionIndexValues=[1, k, 2 * k, 3 * k]) for k in range(3)]
    planes = planes_from(
        grouped(frames, DimensionIndexSequence=[dimension(pointer) for pointer in pointers])
    )
    names = ("dimension_3", "diffusion_b_value")
    assert {plane.identity.dimension_names for plane in planes} == {names}
    assert [plane.dimension_index for plane in planes] == [(0, 0), (2, 3), (4, 6)]


def test_dimensions_that_all_frames_share() -> None:
    pointers = [Tag.TemporalPositionIndex, 0x0020FFFF]
    shared = {**SHARED, **content(DimensionIndexValues=[4, 5])}
    planes = planes_from(
        grouped(
            [position(0, 0, 0)] * 2, shared,
            DimensionIndexSequence=[dimension(pointer) for pointer in pointers],
        )
    )  # fmt: skip
    assert planes[0].identity.dimension_names == ("temporal_position_index", "dimension_2")
    assert [plane.dimension_index for plane in planes] == [(4, 5)] * 2


@pytest.mark.parametrize(
    ("pointers", "values"),
    [
        ([Tag.StackID, Tag.InStackPositionNumber], [[1, 1], [1, 2]]),  # spatial ones alone
        ([Tag.TemporalPositionIndex], [[1], [1, 2]]),  # other numbers of values
        ([Tag.TemporalPositionIndex], [[1], None]),
        ([Tag.TemporalPositionIndex], [None, None]),
        ([], [[1], [2]]),
    ],
)
def test_no_dimensions(pointers: list[int], values: list[list[int] | None]) -> None:
    frames = [
        content(StackID="1") if each is None else content(DimensionIndexValues=each)
        for each in values
    ]
    items = [dimension(pointer) for pointer in pointers]
    planes = planes_from(grouped(frames, DimensionIndexSequence=items))
    assert {(p.identity.dimension_names, p.dimension_index) for p in planes} == {((), ())}


def test_an_item_of_dimensions_without_pointer() -> None:
    frames = [content(DimensionIndexValues=[k]) for k in range(2)]
    planes = planes_from(grouped(frames, DimensionIndexSequence=[make_item(KVP="1")]))
    assert planes[0].identity.dimension_names == ("dimension_1",)


def test_groups_of_frames_by_runs() -> None:
    """Frames that follow each other and have the same groups are one run in the index."""
    frames = [content(StackID=name) for name in "aaabbc"]
    assert "".join(plane.stack_id for plane in planes_from(grouped(frames))) == "aaabbc"


def test_frames_without_groups_are_frames() -> None:
    planes = planes_from(frames_of(3, StackID="X"))
    assert [(p.frame, p.position, p.stack_id) for p in planes] == [(k, None, "X") for k in range(3)]


# By both routes, real files.


@pytest.mark.corpus
@pytest.mark.parametrize("path", corpus_parameters(), ids=file_id)
def test_corpus(path: Any) -> None:
    stored = Memory(path.read_bytes())
    by_index = _read_regular(stored, MAX_BYTES)
    if by_index is not None:
        expected = planes_of(_read_by_pydicom(stored, MAX_BYTES), 1)
        found = planes_of(by_index, 1)
        assert found == expected
        if found[0].tile is None:  # a mosaic has more planes than frames
            assert len(found) == by_index.header.frames
        numbers = [each for plane in found for each in plane.position or ()]
        assert np.isfinite(numbers).all()
