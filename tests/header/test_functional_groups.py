"""Functional groups: per frame beats shared beats the top level."""

from __future__ import annotations

import numpy as np
import pytest
from support.builders import (
    element,
    encode,
    file_of,
    image_elements,
    make_dataset,
    make_group,
    make_item,
    sequence,
)
from support.header_checks import (
    ONES,
    RAMP,
    SYNTAXES,
    assert_no_rescale,
    file_raw,
    file_with,
    open_odd,
)

import fastpix
from fastpix import PixelHeaderError
from fastpix.source.opening import SourceLike
from fastpix.standard.tags import Tag

# Functional groups


def slopes_of(source: SourceLike) -> list[float]:
    """The slope of each frame, by what it does to the pixels."""
    with fastpix.open(source) as image:
        return [image.plan().frame_steps(frame).slope for frame in range(len(image))]


@pytest.mark.parametrize(
    ("top", "shared", "per_frame", "slopes"),
    [
        (None, None, [2, 3, 4], [2, 3, 4]),
        (9, None, [2, 3, 4], [2, 3, 4]),
        (9, 8, [2, 3, 4], [2, 3, 4]),
        (9, 8, None, [8, 8, 8]),
        (None, 8, None, [8, 8, 8]),
        (9, None, None, [9, 9, 9]),
        (9, 8, [None, None, None], [8, 8, 8]),
        (9, None, [None, None, None], [9, 9, 9]),
        (None, None, [2, 2, 2], [2, 2, 2]),
        (None, None, None, [1, 1, 1]),
    ],
)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_groups_per_frame_beat_shared_beat_top_level(
    top: int | None,
    shared: int | None,
    per_frame: list[int | None] | None,
    slopes: list[int],
    syntax: str,
) -> None:
    dataset = make_dataset(ONES)
    if top is not None:
        dataset.RescaleSlope = str(top)
    if shared is not None:
        dataset.SharedFunctionalGroupsSequence = [make_group(RescaleSlope=str(shared))]
    if per_frame is not None:
        dataset.PerFrameFunctionalGroupsSequence = [
            make_item() if slope is None else make_group(RescaleSlope=str(slope))
            for slope in per_frame
        ]
    source = encode(dataset, syntax)
    assert slopes_of(source) == slopes
    assert fastpix.imread(source)[:, 0, 0].tolist() == slopes
    assert fastpix.imread(source, frames=2)[0, 0] == slopes[2]


@pytest.mark.parametrize(("base", "fallback"), [("shared", 8), ("top level", 9), ("none", 1)])
@pytest.mark.parametrize("empty", ["no group", "no item", "no values"])
def test_groups_a_frame_without_falls_back(base: str, fallback: int, empty: str) -> None:
    dataset = make_dataset(ONES)
    if base != "none":
        dataset.RescaleSlope = "9"
    if base == "shared":
        dataset.SharedFunctionalGroupsSequence = [make_group(RescaleSlope="8")]
    without = {
        "no group": make_item(),
        "no item": make_item(PixelValueTransformationSequence=[]),
        "no values": make_group(RescaleType="US"),
    }[empty]
    dataset.PerFrameFunctionalGroupsSequence = [
        make_group(RescaleSlope="2"),
        without,
        make_group(RescaleSlope="4"),
    ]
    image = open_odd(encode(dataset), "1 of 3 frames have no Pixel Value Transformation")
    assert [r.slope for r in image.header.rescales] == [2, fallback, 4]


def test_groups_replace_slope_and_intercept_together() -> None:
    groups = [make_group(RescaleIntercept="5")]
    source = file_with(
        RescaleSlope="9", RescaleIntercept="7", SharedFunctionalGroupsSequence=groups
    )
    assert fastpix.open(source).header.rescales[0][:2] == (1, 5)


def test_groups_more_than_frames() -> None:
    groups = [make_group(RescaleSlope=str(slope)) for slope in (2, 3, 4, 5)]
    source = file_with(ONES, PerFrameFunctionalGroupsSequence=groups)
    image = open_odd(source, "has 4 items, NumberOfFrames (0028,0008) says 3")
    assert [r.slope for r in image.header.rescales] == [2, 3, 4]


def test_groups_fewer_than_frames() -> None:
    groups = [make_group(RescaleSlope=str(slope)) for slope in (2, 3)]
    source = file_with(ONES, PerFrameFunctionalGroupsSequence=groups)
    assert_no_rescale(source, Tag.PerFrameFunctionalGroupsSequence, "2 items", "3 frames")


def test_groups_shared_by_two_items_that_differ() -> None:
    """Which of the two is meant would be a guess."""
    groups = [make_group(RescaleSlope="2"), make_group(RescaleSlope="3")]
    image = fastpix.open(file_with(SharedFunctionalGroupsSequence=groups))
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert caught.value.tag == Tag.SharedFunctionalGroupsSequence


def test_groups_with_two_transformations_that_differ() -> None:
    two = [make_item(RescaleSlope="2"), make_item(RescaleSlope="3")]
    group = make_item(PixelValueTransformationSequence=two)
    image = fastpix.open(file_with(SharedFunctionalGroupsSequence=[group]))
    with pytest.raises(PixelHeaderError) as caught:
        image.plan()
    assert caught.value.tag == Tag.PixelValueTransformationSequence


@pytest.mark.parametrize("top", [b"nan ", b"0 ", b"2,5 "])
def test_groups_beat_a_top_level_value_that_is_odd(top: bytes) -> None:
    """What no frame uses needs no warning, and is no reason to refuse."""
    source = file_raw(
        Tag.RescaleSlope, "DS", top, SharedFunctionalGroupsSequence=[make_group(RescaleSlope="2")]
    )
    assert slopes_of(source) == [2]


# Sequences that are raw bytes to us


def test_sequences_encoded_by_hand() -> None:
    item = element(Tag.RescaleIntercept, "DS", b"5") + element(Tag.RescaleSlope, "DS", b"2")
    group = sequence(Tag.PixelValueTransformationSequence, [item])
    shared = sequence(Tag.SharedFunctionalGroupsSequence, [group])
    source = file_of(*image_elements(extra=[shared]), element(0x7FE00010, "OW", RAMP.tobytes()))
    np.testing.assert_array_equal(fastpix.imread(source), RAMP * 2 + 5)


@pytest.mark.parametrize(
    "groups", [Tag.SharedFunctionalGroupsSequence, Tag.PerFrameFunctionalGroupsSequence]
)
@pytest.mark.parametrize("kind", ["no sequence", "slope twice"])
def test_broken_groups_are_no_matter_of_stored_values(groups: Tag, kind: str) -> None:
    slopes = element(Tag.RescaleSlope, "DS", b"2 ") + element(Tag.RescaleSlope, "DS", b"3 ")
    broken = {
        "no sequence": element(groups, "LO", b"no sequence at all"),
        "slope twice": sequence(groups, [sequence(Tag.PixelValueTransformationSequence, [slopes])]),
    }[kind]
    data = bytes(range(12))
    file = file_of(*image_elements(extra=[broken]), element(Tag.PixelData, "OW", data))
    image = fastpix.open(file)
    assert any("what it may report is not known" in note.text for note in image.header.notes)
    assert image.stored().tobytes() == data
    assert image.read(rescale=False).astype(np.uint16).tobytes() == data
    with pytest.raises(PixelHeaderError, match="pass rescale=False for stored values") as caught:
        image.read()
    assert caught.value.tag == (groups if kind == "no sequence" else Tag.RescaleSlope)


def test_a_broken_group_that_no_frame_needs_is_a_warning() -> None:
    shared = element(Tag.SharedFunctionalGroupsSequence, "LO", b"no sequence at all")
    own = sequence(
        Tag.PerFrameFunctionalGroupsSequence,
        [sequence(Tag.PixelValueTransformationSequence, [element(Tag.RescaleSlope, "DS", b"2 ")])],
    )
    pixels = element(Tag.PixelData, "OW", RAMP.tobytes())
    image = open_odd(file_of(*image_elements(extra=[shared, own]), pixels), "not known")
    assert image.read().tolist() == (2 * RAMP).tolist()
