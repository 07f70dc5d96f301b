"""Who waits for a person, and what that person is shown."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image as PillowImage
from support.builders import encode, make_dataset

import fastpix
from fastpix.deidentification.pixels.review_kinds import reason_to_wait
from fastpix.deidentification.pixels.review_pictures import (
    BLANKED,
    DETECTED,
    outlined,
    review_picture,
)
from fastpix.redaction import ImageDescription, Region

CLASSES = "1.2.840.10008.5.1.4.1.1."
CT = ImageDescription(
    512, 512, modality=("CT",), sop_class=(CLASSES + "2",), photometric=("MONOCHROME2",),
    image_type=("ORIGINAL", "PRIMARY", "AXIAL"), burned_in_annotation=("NO",),
)  # fmt: skip


@pytest.mark.parametrize("modality", ["US", "us ", "XA", "RF", "ES", "SC", "OT", "IVUS", "XC"])
def test_kinds_that_carry_text_wait_with_a_rule_or_without(modality: str) -> None:
    assert reason_to_wait(CT._replace(modality=(modality,)), has_rule=True)


@pytest.mark.parametrize(
    "number", ["6.1", "3.1", "7", "7.4", "12.1", "12.2", "12.1.1", "77.1.1", "77.1.4", "77.1.5.1"]
)
def test_sop_classes_that_carry_text_wait_whatever_their_modality(number: str) -> None:
    described = CT._replace(sop_class=(CLASSES + number,))
    assert reason_to_wait(described, has_rule=True)
    assert reason_to_wait(described._replace(modality=()), has_rule=True)


@pytest.mark.parametrize(
    ("modality", "number"), [("CR", "1"), ("DX", "1.1"), ("", "1.1.1"), ("DX", "")]
)
def test_radiographs_wait_without_a_rule(modality: str, number: str) -> None:
    described = CT._replace(modality=(modality,), sop_class=(CLASSES + number,))
    assert "no rule" in reason_to_wait(described, has_rule=False)
    assert not reason_to_wait(described, has_rule=True)


def test_sections_do_not_wait() -> None:
    for modality, number in (("CT", "2"), ("MR", "4"), ("PT", "128"), ("MG", "1.2"), ("MR", "4.1")):
        described = CT._replace(modality=(modality,), sop_class=(CLASSES + number,))
        assert not reason_to_wait(described, has_rule=False)


def test_burned_in_annotation_is_evidence_where_it_says_yes_alone() -> None:
    assert reason_to_wait(CT._replace(burned_in_annotation=("YES",)), has_rule=True)
    assert not reason_to_wait(CT._replace(burned_in_annotation=()), has_rule=True)
    assert reason_to_wait(
        CT._replace(modality=("US",), burned_in_annotation=("NO",)), has_rule=True
    )


def test_screens_labels_colours_and_unknown_kinds_wait() -> None:
    assert reason_to_wait(CT._replace(image_type=("DERIVED", "SECONDARY", "SCREEN SAVE")), True)
    assert reason_to_wait(CT._replace(photometric=("RGB",)), True)
    assert reason_to_wait(CT._replace(modality=(), sop_class=()), True)
    slides = CT._replace(
        modality=("SM",), sop_class=(CLASSES + "77.1.6",), photometric=("YBR_FULL_422",)
    )
    assert not reason_to_wait(slides, True)
    assert reason_to_wait(slides._replace(image_type=("ORIGINAL", "PRIMARY", "LABEL")), True)


def test_outlines_lie_just_outside_of_regions() -> None:
    gray = np.zeros((6, 7), np.uint8)
    drawn = outlined(gray, [Region(2, 2, 2, 2), Region(0, 5, 1, 1)], BLANKED)
    marked = (drawn == BLANKED).all(axis=2)
    expected = np.zeros((6, 7), bool)
    expected[1:5, 1:5] = True
    expected[2:4, 2:4] = False
    expected[4, 0:2] = expected[5, 1] = True
    assert (marked == expected).all()
    assert not gray.any()
    assert (outlined(drawn, [], DETECTED) == drawn).all()


def picture_of(data: bytes, **more: object) -> np.ndarray:
    png = review_picture(fastpix.open(data), **more)  # type: ignore[arg-type]
    return np.asarray(PillowImage.open(BytesIO(png)))


def test_boxes_are_seen_at_full_size() -> None:
    cells = np.random.default_rng(1).integers(0, 255, (200, 300)).astype(np.uint8)
    shown = picture_of(encode(make_dataset(cells)), blanked=[Region(10, 20, 50, 30)],
                       detected=[Region(100, 100, 40, 20), Region(7, 8, 5, 5)])  # fmt: skip
    assert shown.shape[0] > 200
    assert shown.shape[1] >= 300
    for color, perimeter in ((BLANKED, 2 * (52 + 30)), (DETECTED, 2 * (42 + 20) + 2 * (7 + 5))):
        assert (shown == color).all(axis=2).sum() == perimeter


@pytest.mark.parametrize("color", [False, True])
def test_text_in_one_of_many_frames_is_seen(color: bool) -> None:
    """In the highest and the lowest value over all frames."""
    shape = (60, 40, 50, 3) if color else (60, 40, 50)
    cells = np.full(shape, 100, np.uint8)
    cells[13, 10:14, 10:30] = 255
    cells[17, 20:24, 10:30] = 1
    more = {"SamplesPerPixel": 3} if color else {}
    shown = picture_of(encode(make_dataset(cells, **more)))
    bright = picture_of(encode(make_dataset(np.full(shape, 100, np.uint8), **more)))
    assert shown.shape == bright.shape
    assert (shown[-200:] != bright[-200:]).any()
