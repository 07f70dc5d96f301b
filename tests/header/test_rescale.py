"""Slope and intercept, and Dose Grid Scaling: the grammar of numbers, and what is refused."""

from __future__ import annotations

import json
import math
import struct
import warnings
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom import config, dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from support.builders import encode, make_dataset, make_group, make_item, set_raw
from support.header_checks import (
    GRAMMAR,
    RAMP,
    SYNTAXES,
    assert_facts,
    assert_no_rescale,
    file_raw,
    file_with,
    open_odd,
    us,
)
from support.matrices import every

import fastpix
from fastpix import HeaderWarning, PixelHeaderError
from fastpix.source.opening import SourceLike
from fastpix.standard.tags import Tag

# RescaleSlope, RescaleIntercept

BAD_NUMBERS = [
    (b"nan ", "nan", GRAMMAR),
    (b"NaN ", "NaN", GRAMMAR),
    (b"inf ", "inf", GRAMMAR),
    (b"-Infinity ", "-Infinity", GRAMMAR),
    (b"1_0 ", "1_0", GRAMMAR),
    (b"0x10", "0x10", GRAMMAR),
    (b"1e400 ", "inf", "not a finite number"),
    (b"-1e400", "-inf", "not a finite number"),
    (b"abc ", "abc", GRAMMAR),
    (b"1 HU", "1 HU", GRAMMAR),
    (b"1.2.3 ", "1.2.3", GRAMMAR),
    (b"1,2,3 ", "1,2,3", GRAMMAR),
    (b"1.2,3 ", "1.2,3", GRAMMAR),
    (b"1e", "1e", GRAMMAR),
    (b"--1 ", "--1", GRAMMAR),
    (b"1\t", "1\t", GRAMMAR),
    (b".", ".", GRAMMAR),
    (b"\xd9\xa1", "\xd9\xa1", GRAMMAR),  # an Arabic-Indic digit, which float() accepts
    (b"1\\2 ", [1.0, 2.0], "several values that differ"),
    (b"1\\x ", "x", GRAMMAR),
]  # fmt: skip


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("place", ["top level", "shared", "per frame"])
@every(
    ("slope", "intercept", "expected"),
    [
        (b"2.5 ", b"-1024 ", (2.5, -1024)),
        (b" 2.5", b"1\0", (2.5, 1)),
        (b"\x0002.5\0 ", b"  ", (2.5, 0)),
        (None, None, (1, 0)),
        (b"", b"", (1, 0)),
        (None, b"-7", (1, -7)),  # an intercept without slope counts
        (b"", b"-7", (1, -7)),
        (b"3 ", None, (3, 0)),
        (b"-1", b"10", (-1, 10)),
        (b"+1.E+1", b".5", (10, 0.5)),
        (b"1e-3", b"-0", (0.001, 0)),
        (b"0.1\\", b"\\3", (0.1, 3)),  # an empty value is none
    ],
)
def test_rescale(
    slope: bytes | None,
    intercept: bytes | None,
    expected: tuple[float, float],
    syntax: str,
    place: str,
) -> None:
    item = Dataset()
    if slope is not None:
        set_raw(item, Tag.RescaleSlope, "DS", slope)
    if intercept is not None:
        set_raw(item, Tag.RescaleIntercept, "DS", intercept)
    dataset = make_dataset()
    if place == "top level":
        dataset.update(item)
    else:
        group = make_item(PixelValueTransformationSequence=[item])
        name = "SharedFunctionalGroupsSequence"
        name = name if place == "shared" else "PerFrameFunctionalGroupsSequence"
        setattr(dataset, name, [group])
    image = fastpix.open(encode(dataset, syntax))
    assert [rescale[:2] for rescale in image.header.rescales] == [expected]
    assert math.copysign(1, image.header.rescales[0].intercept) == (-1 if expected[1] < 0 else 1)
    want = RAMP.astype(np.float64) * expected[0] + expected[1]
    np.testing.assert_array_equal(image.read(dtype="float64"), want)
    np.testing.assert_array_equal(image.read(rescale=False), RAMP)


@pytest.mark.parametrize("tag", [Tag.RescaleSlope, Tag.RescaleIntercept])
@pytest.mark.parametrize("place", ["top level", "shared", "per frame"])
@every(("raw", "value", "reason"), BAD_NUMBERS)
def test_rescale_error(tag: Tag, raw: bytes, value: object, reason: str, place: str) -> None:
    item = set_raw(Dataset(), tag, "DS", raw)
    dataset = make_dataset()
    if place == "top level":
        dataset.update(item)
    elif place == "shared":
        dataset.SharedFunctionalGroupsSequence = [
            make_item(PixelValueTransformationSequence=[item])
        ]
    else:
        dataset.PerFrameFunctionalGroupsSequence = [
            make_item(PixelValueTransformationSequence=[item])
        ]
    assert_no_rescale(encode(dataset), tag, value, reason)


@pytest.mark.parametrize("raw", [b"nan ", b"1_0 ", b"inf ", b"0x10"])
@pytest.mark.parametrize("route", ["implicit", "big endian", "read", "touched", "made"])
def test_rescale_grammar_is_the_same_by_all_routes(raw: bytes, route: str) -> None:
    dataset = set_raw(make_dataset(), Tag.RescaleSlope, "DS", raw)
    source: SourceLike
    if route == "implicit":
        source = encode(dataset, ImplicitVRLittleEndian)
    elif route == "big endian":
        source = encode(dataset, ExplicitVRBigEndian)
    else:
        parsed = dcmread(BytesIO(encode(dataset)))
        if route == "made":
            text = raw.decode().strip()
            parsed[Tag.RescaleSlope] = (
                DataElement(Tag.RescaleSlope, "DS", text, validation_mode=config.IGNORE)
                if text != "0x10"
                else DataElement(Tag.RescaleSlope, "LO", text)
            )
        elif route == "touched" and raw != b"0x10":  # which pydicom cannot convert
            with warnings.catch_warnings(action="ignore"):
                assert parsed.RescaleSlope is not None
        source = parsed
    with warnings.catch_warnings(action="ignore"):
        image = fastpix.open(source)
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert_facts(caught.value, Tag.RescaleSlope, raw.decode().strip(), GRAMMAR)


@pytest.mark.parametrize("slope", [b"0 ", b"0.0 ", b"-0", b"0e5 "])
@pytest.mark.parametrize("modality", ["CT", "MR", "NM"])
def test_slope_0_is_a_vendors_way_to_say_absent(slope: bytes, modality: str) -> None:
    source = file_raw(Tag.RescaleSlope, "DS", slope, Modality=modality, RescaleIntercept="5")
    image = open_odd(source, "RescaleSlope (0028,1053) is 0")
    assert image.header.rescales[0][:2] == (1, 5)
    np.testing.assert_array_equal(image.read(), RAMP + 5)


def test_slope_0_in_a_functional_group() -> None:
    groups = [make_group(RescaleSlope="0", RescaleIntercept="5")]
    image = open_odd(file_with(SharedFunctionalGroupsSequence=groups), "RescaleSlope (0028,1053)")
    assert image.header.rescales[0][:2] == (1, 5)


@pytest.mark.parametrize("place", ["top level", "shared", "per frame"])
def test_slope_0_of_pt_would_pass_counts_off_as_activity(place: str) -> None:
    attributes: dict[str, Any] = {"RescaleSlope": "0"}
    if place == "shared":
        attributes = {"SharedFunctionalGroupsSequence": [make_group(RescaleSlope="0")]}
    elif place == "per frame":
        attributes = {"PerFrameFunctionalGroupsSequence": [make_group(RescaleSlope="0")]}
    source = file_with(Modality="PT", **attributes)
    assert_no_rescale(source, Tag.RescaleSlope, 0, "counts off as activity")


def test_slope_that_only_underflows_to_0_is_not_0() -> None:
    """1e-400 is no vendor's way to say absent; float64 cannot hold it."""
    image = fastpix.open(file_raw(Tag.RescaleSlope, "DS", b"1e-400"))
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert caught.value.tag == Tag.RescaleSlope


@pytest.mark.parametrize(
    ("vr", "raw", "value"),
    [
        ("LO", b"2.5 ", 2.5),
        ("SH", b"-2.5", -2.5),
        ("CS", b"2 ", 2),
        ("IS", b"2.5 ", 2.5),
        ("UT", b"2.5 ", 2.5),
        ("UN", b"2.5 ", 2.5),
        ("OB", b"2.5\0", 2.5),
        ("FD", struct.pack("<d", 0.1), 0.1),
        ("FL", struct.pack("<f", 2.5), 2.5),
        ("US", us(40000), 40000),
        ("SS", struct.pack("<h", -3), -3),
        ("UL", struct.pack("<I", 70000), 70000),
        ("SL", struct.pack("<i", -70000), -70000),
        ("US", b"2.5", 2.5),  # text that claims to be binary, of a length that binary cannot have
        ("FD", b"-1024 ", -1024),
    ],
)
@pytest.mark.parametrize("tag", [Tag.RescaleSlope, Tag.RescaleIntercept])
def test_rescale_in_another_vr(tag: Tag, vr: str, raw: bytes, value: float) -> None:
    image = open_odd(file_raw(tag, vr, raw), f"{tag.name} ")
    rescale = image.header.rescales[0]
    assert (rescale.slope if tag is Tag.RescaleSlope else rescale.intercept) == value
    assert f"VR {vr}" in image.header.notes[0].text


@pytest.mark.parametrize(("vr", "raw"), [("US", b"25"), ("FL", b"1234"), ("FD", b"2.500000")])
def test_rescale_that_may_be_text_or_binary_is_refused(vr: str, raw: bytes) -> None:
    source = file_raw(Tag.RescaleSlope, vr, raw)
    assert_no_rescale(source, Tag.RescaleSlope, f"{len(raw)} bytes", "may be text")


def test_rescale_in_another_vr_big_endian() -> None:
    dataset = set_raw(make_dataset(), Tag.RescaleSlope, "FD", struct.pack(">d", 2.5))
    image = open_odd(encode(dataset, ExplicitVRBigEndian), "VR FD in place of DS")
    assert image.header.rescales[0].slope == 2.5


@pytest.mark.parametrize(
    ("vr", "raw", "value", "reason"),
    [
        ("LO", b"high", "high", GRAMMAR),
        ("FD", struct.pack("<d", math.nan), "nan", "not a finite number"),
        ("FD", struct.pack("<d", math.inf), "inf", "not a finite number"),
        ("FL", struct.pack("<f", -math.inf), "-inf", "not a finite number"),
        ("FD", b"\1\2\3\4", "4 bytes", "8 bytes a value"),
        ("FD", struct.pack("<2d", 1, 2), [1.0, 2.0], "several values that differ"),
    ],
)
@pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")
def test_rescale_in_another_vr_error(vr: str, raw: bytes, value: object, reason: str) -> None:
    assert_no_rescale(file_raw(Tag.RescaleSlope, vr, raw), Tag.RescaleSlope, value, reason)


def test_rescale_in_another_vr_of_a_dataset_that_pydicom_has_converted() -> None:
    dataset = dcmread(BytesIO(file_raw(Tag.RescaleSlope, "LO", b"2.5 ")))
    assert dataset.RescaleSlope == "2.5"
    image = open_odd(dataset, "VR LO in place of DS")
    assert image.header.rescales[0].slope == 2.5


@pytest.mark.parametrize(("raw", "value"), [(b"0,5 ", 0.5), (b"-1,25 ", -1.25), (b"+2,5e1 ", 25.0)])
@pytest.mark.parametrize("tag", [Tag.RescaleSlope, Tag.RescaleIntercept])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_decimal_comma(tag: Tag, raw: bytes, value: float, syntax: str) -> None:
    source = encode(set_raw(make_dataset(), tag, "DS", raw), syntax)
    rescale = open_odd(source, f"{tag.name} (0028,{tag & 0xFFFF:04X}) has a decimal comma").header
    assert rescale.rescales[0][tag is Tag.RescaleIntercept] == value


@pytest.mark.parametrize("raw", [b"2\\2 ", b"2\\2.0 ", b"2\\2\\2 "])
@pytest.mark.parametrize("tag", [Tag.RescaleSlope, Tag.RescaleIntercept])
def test_equal_repeated_values_are_one(tag: Tag, raw: bytes) -> None:
    image = open_odd(file_raw(tag, "DS", raw), f"repeats one value {raw.count(b'2')} times")
    assert image.header.rescales[0][tag is Tag.RescaleIntercept] == 2


def test_two_oddities_are_two_warnings() -> None:
    dataset = set_raw(make_dataset(), Tag.RescaleSlope, "LO", b"2,5 ")
    with pytest.warns(HeaderWarning) as caught:
        image = fastpix.open(encode(dataset))
    assert sorted(str(w.message) for w in caught) == sorted(
        note.text for note in image.plan().notes if note.oddity
    )
    assert len(caught) == 2
    assert image.header.rescales[0].slope == 2.5


def test_notes_quote_no_text_of_the_file() -> None:
    dataset = make_dataset(RescaleType="Doe^John", WindowCenterWidthExplanation="Doe^John")
    set_raw(dataset, Tag.RescaleSlope, "LO", b"2,5 ")
    with pytest.warns(HeaderWarning):
        image = fastpix.open(encode(dataset))
    assert "Doe" not in json.dumps(image.plan().to_dict(), allow_nan=False)
    assert "2,5" not in json.dumps(image.plan().to_dict())


# DoseGridScaling


@pytest.mark.parametrize(("raw", "scaling"), [(b"0.001 ", 0.001), (b"2e-5", 2e-5), (b" 3", 3)])
@pytest.mark.parametrize("modality", ["RTDOSE", "rtdose "])
def test_dose_grid_scaling_is_the_slope(raw: bytes, scaling: float, modality: str) -> None:
    dataset = make_dataset(DoseUnits="GY")
    set_raw(dataset, Tag.Modality, "CS", modality.encode())
    image = fastpix.open(encode(set_raw(dataset, Tag.DoseGridScaling, "DS", raw)))
    assert [r[:2] for r in image.header.rescales] == [(scaling, 0)]
    assert image.plan().unit == "GY"
    np.testing.assert_array_equal(image.read(dtype="float64"), RAMP * scaling)


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        (None, None, "no dose without it"),
        (b"", None, "no dose without it"),
        (b"0 ", 0, "no dose without it"),
        (b"-1", -1, "no dose without it"),
        *BAD_NUMBERS,
    ],
)
def test_dose_grid_scaling_error(raw: bytes | None, value: object, reason: str) -> None:
    dataset = make_dataset(Modality="RTDOSE")
    if raw is not None:
        set_raw(dataset, Tag.DoseGridScaling, "DS", raw)
    assert_no_rescale(encode(dataset), Tag.DoseGridScaling, value, reason)


def test_dose_grid_scaling_of_another_modality_is_not_applied() -> None:
    image = open_odd(file_with(DoseGridScaling="2"), "no RTDOSE: not applied")
    assert image.header.rescales[0].slope == 1


def test_dose_grid_scaling_with_a_decimal_comma() -> None:
    source = file_raw(Tag.DoseGridScaling, "DS", b"0,5 ", Modality="RTDOSE")
    assert open_odd(source, "DoseGridScaling (3004,000E)").header.rescales[0].slope == 0.5


def test_dose_by_its_sop_class() -> None:
    dose = "1.2.840.10008.5.1.4.1.1.481.2"
    image = open_odd(file_with(SOPClassUID=dose, DoseGridScaling="2"), "read as a dose")
    np.testing.assert_array_equal(image.read(), RAMP * 2.0)


@pytest.mark.parametrize(("vr", "value"), [("SQ", [Dataset()]), ("UV", 10**400)], ids=["SQ", "UV"])
def test_a_slope_that_is_no_number_of_python(vr: str, value: object) -> None:
    """Of a Dataset that is made in memory, a value may be of any type."""
    dataset = make_dataset()
    with warnings.catch_warnings(action="ignore"):
        dataset.add_new(Tag.RescaleSlope, vr, value)
        image = fastpix.open(dataset)
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert caught.value.keyword == "RescaleSlope"
    assert image.read(rescale=False).tolist() == RAMP.tolist()
