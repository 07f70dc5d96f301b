"""What a header says that is reported and never applied; the unit of the values."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from support.builders import encode, make_dataset, make_group, make_item, set_raw
from support.header_checks import ONES, RAMP, file_with, note_texts

import fastpix
from fastpix.standard.tags import Tag

# Reported, never applied


def real_world_item() -> Dataset:
    """An item of a Real World Value Mapping Sequence that would change every value."""
    return make_item(RealWorldValueSlope=100.0, RealWorldValueIntercept=7.0, LUTLabel="x")


@pytest.mark.parametrize("place", ["top level", "shared", "first frame", "last frame"])
def test_real_world_value_mapping_is_reported(place: str) -> None:
    dataset = make_dataset(ONES)
    holder = make_item(RealWorldValueMappingSequence=[real_world_item()])
    if place == "top level":
        dataset.RealWorldValueMappingSequence = [real_world_item()]
    elif place == "shared":
        dataset.SharedFunctionalGroupsSequence = [holder]
    else:
        groups = [make_item(), make_item(), make_item()]
        groups[0 if place == "first frame" else 2] = holder
        dataset.PerFrameFunctionalGroupsSequence = groups
    image = fastpix.open(encode(dataset))
    (text,) = note_texts(image)
    assert text.startswith("RealWorldValueMappingSequence (0040,9096)")
    assert "not applied" in text
    np.testing.assert_array_equal(image.read(), ONES)


@pytest.mark.parametrize("block", [0x10, 0x11, 0xE1])
def test_philips_private_scale_is_reported(block: int) -> None:
    dataset = set_raw(make_dataset(), 0x20050000 + block, "LO", b"Philips MR Imaging DD 001 ")
    set_raw(dataset, 0x20050000 + (block << 8) + 0x0E, "FL", struct.pack("<f", 100))
    image = fastpix.open(encode(dataset))
    (text,) = note_texts(image)
    assert "Philips" in text
    assert "not applied" in text
    np.testing.assert_array_equal(image.read(), RAMP)


def test_philips_private_scale_is_told_from_other_vendors() -> None:
    dataset = set_raw(make_dataset(), 0x20050010, "LO", b"ACME")
    set_raw(dataset, 0x2005100E, "FL", struct.pack("<f", 100))
    assert note_texts(fastpix.open(encode(dataset))) == []


@pytest.mark.parametrize("center", [b"40", b"40\\400", b"broken"])
def test_window_is_reported(center: bytes) -> None:
    dataset = set_raw(make_dataset(), Tag.WindowCenter, "DS", center)
    set_raw(dataset, 0x00281051, "DS", center)
    image = fastpix.open(encode(dataset))
    (text,) = note_texts(image)
    assert text.startswith("WindowCenter (0028,1050)")
    np.testing.assert_array_equal(image.read(), RAMP)


def test_window_of_a_functional_group_is_reported() -> None:
    window = make_item(FrameVOILUTSequence=[make_item(WindowCenter="40", WindowWidth="400")])
    image = fastpix.open(file_with(SharedFunctionalGroupsSequence=[window]))
    assert [text for text in note_texts(image) if text.startswith("WindowCenter (0028,1050)")]
    np.testing.assert_array_equal(image.read(), RAMP)


def test_presentation_lut_shape_is_reported() -> None:
    image = fastpix.open(file_with(PresentationLUTShape="INVERSE"))
    (text,) = note_texts(image)
    assert text.startswith("PresentationLUTShape (2050,0020) is INVERSE")
    np.testing.assert_array_equal(image.read(), RAMP)


@pytest.mark.parametrize("shape", ["IDENTITY", "INVERSE"])
def test_presentation_lut_shape_that_photometric_interpretation_implies(shape: str) -> None:
    photometric = "MONOCHROME1" if shape == "INVERSE" else "MONOCHROME2"
    image = fastpix.open(
        file_with(PresentationLUTShape=shape, PhotometricInterpretation=photometric)
    )
    assert note_texts(image) == []


@pytest.mark.parametrize("presentation", ["COLOR", "MIXED"])
def test_pixel_presentation_is_reported(presentation: str) -> None:
    image = fastpix.open(file_with(PixelPresentation=presentation))
    (text,) = note_texts(image)
    assert presentation in text
    np.testing.assert_array_equal(image.read(), RAMP)


@pytest.mark.parametrize("presentation", ["MONOCHROME", "TRUE_COLOR"])
def test_pixel_presentation_that_says_nothing(presentation: str) -> None:
    assert note_texts(fastpix.open(file_with(PixelPresentation=presentation))) == []


def test_fractional_segmentation_is_reported() -> None:
    source = file_with(SegmentationType="FRACTIONAL", MaximumFractionalValue=255)
    image = fastpix.open(source)
    (text,) = note_texts(image)
    assert "MaximumFractionalValue" in text
    np.testing.assert_array_equal(image.read(), RAMP)


@pytest.mark.parametrize("top", [b"", b"abc"])
def test_fractional_segmentation_with_a_broken_maximum_is_read(top: bytes) -> None:
    """It is reported only: no reason to refuse the image."""
    dataset = set_raw(make_dataset(SegmentationType="FRACTIONAL"), 0x0062000E, "US", top)
    np.testing.assert_array_equal(fastpix.imread(encode(dataset)), RAMP)


# Units


@pytest.mark.parametrize(
    ("attributes", "unit"),
    [
        ({}, "unspecified"),
        ({"Modality": "CT"}, "HU"),
        ({"Modality": "CT", "RescaleType": "HU_MOD"}, "HU_MOD"),
        ({"Modality": "PT", "Units": "BQML"}, "BQML"),
        ({"Modality": "PT"}, "unspecified"),
        ({"RescaleType": "OD"}, "OD"),
        ({"Modality": "RTDOSE", "DoseGridScaling": "2"}, "unspecified"),
    ],
)
def test_unit(attributes: dict[str, Any], unit: str) -> None:
    image = fastpix.open(file_with(**attributes))
    assert image.plan().unit == unit
    assert image.plan(rescale=False).unit == "stored values"


@pytest.mark.parametrize(
    ("types", "unit"), [(("HU", "HU"), "HU"), (("HU", "OD"), "differs from frame to frame")]
)
def test_unit_of_frames(types: tuple[str, str], unit: str) -> None:
    groups = [make_group(RescaleSlope="1", RescaleIntercept="0", RescaleType=t) for t in types]
    cells = np.zeros((2, 1, 1), np.uint16)
    image = fastpix.open(file_with(cells, PerFrameFunctionalGroupsSequence=groups))
    assert image.plan().unit == unit
