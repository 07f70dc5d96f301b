"""Position, orientation and spacing of a slice: strictly read, never made up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_item, set_raw
from support.plane_files import (
    AXIAL,
    SHARED,
    frames_of,
    grouped,
    measures,
    orientation,
    plane_from,
    planes_by_both,
    planes_from,
    position,
    slice_of,
)

import fastpix
from fastpix import HeaderWarning
from fastpix.header.geometry import Fault
from fastpix.series.plane import Plane
from fastpix.standard.tags import Tag

FAR = "a distance beyond 1e+09 mm"
NUMBER = "not a number by the standard's grammar (PS3.5 6.2)"


def raw_plane(tag: int, value: bytes) -> Plane:
    """Return the plane of a slice with a Decimal String as it may stand in a file."""
    padded = value + b" " * (len(value) % 2)
    (plane,) = planes_by_both(encode(set_raw(slice_of(), tag, "DS", padded)))
    return plane


# A slice.


def test_a_slice() -> None:
    plane = plane_from(slice_of(SliceThickness="2", SpacingBetweenSlices="-2.5"))
    assert plane.position == (-1.5, 2.25, 3.0)
    assert plane.orientation == (1, 0, 0, 0, 1, 0)
    assert plane.spacing == (0.75, 0.5)
    assert not plane.is_detector_spacing
    assert (plane.thickness, plane.between, plane.faults) == (2.0, -2.5, ())


def test_nothing() -> None:
    plane = plane_from(
        slice_of(ImagePositionPatient=None, ImageOrientationPatient=None, PixelSpacing=None)
    )
    assert (plane.position, plane.orientation, plane.spacing) == (None, None, None)
    assert plane.faults == ()


@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        (Tag.ImagePositionPatient, b"1\\2", "it has 2 values in place of 3"),
        (Tag.ImagePositionPatient, b"1\\2\\3\\4 ", "it has 4 values in place of 3"),
        (Tag.ImagePositionPatient, b"1\\2\\nan ", NUMBER),
        (Tag.ImagePositionPatient, b"1\\2\\1_0 ", NUMBER),
        (Tag.ImagePositionPatient, b"1\\2\\1e999 ", "not a finite number"),
        (Tag.ImagePositionPatient, b"1\\2\\1e300 ", FAR),
        (Tag.PixelSpacing, b"1\\2e9 ", FAR),
        (Tag.SliceThickness, b"1e308 ", FAR),
        (Tag.SpacingBetweenSlices, b"-1e10 ", FAR),
        (Tag.ImagePositionPatient, b"1\\\\3", "it has 2 values in place of 3"),
        (Tag.ImageOrientationPatient, b"1\\0\\0\\0\\1", "it has 5 values in place of 6"),
        (Tag.ImageOrientationPatient, b"0\\0\\0\\0\\0\\0 ", "a direction of zeros"),
        (Tag.ImageOrientationPatient, b"1\\0\\0\\0\\0\\0 ", "a direction of zeros"),
        (Tag.ImageOrientationPatient, b"1\\0\\0\\0\\2\\0 ", "a direction is no unit vector"),
        (Tag.ImageOrientationPatient, b"1\\0\\0\\0\\1.002\\0 ", "a direction is no unit vector"),
        (Tag.ImageOrientationPatient, b"1\\0\\0\\1\\0\\0 ",
         "row and column are not at a right angle"),
        (Tag.ImageOrientationPatient, b"1\\0\\0\\0.002\\0.999998\\0 ",
         "row and column are not at a right angle"),
        (Tag.ImageOrientationPatient, b"John\\0\\0\\0\\1\\0", NUMBER),
        (Tag.PixelSpacing, b"0.5 ", "it has 1 values in place of 2"),
        (Tag.PixelSpacing, b"0.5\\0 ", "a spacing of 0 or less"),
        (Tag.PixelSpacing, b"-1\\1", "a spacing of 0 or less"),
        (Tag.PixelSpacing, b"a\\1 ", NUMBER),
        (Tag.SliceThickness, b"-2", "it is below 0"),
        (Tag.SliceThickness, b"thin", NUMBER),
        (Tag.SpacingBetweenSlices, b"2\\3 ", "several values that differ, where one belongs"),
    ],
)  # fmt: skip
def test_what_cannot_be_used(tag: Tag, value: bytes, reason: str) -> None:
    plane = raw_plane(tag, value)
    assert plane.faults == (Fault(tag, reason),)
    fields = {
        Tag.ImagePositionPatient: "position", Tag.ImageOrientationPatient: "orientation",
        Tag.PixelSpacing: "spacing", Tag.SliceThickness: "thickness",
        Tag.SpacingBetweenSlices: "between",
    }  # fmt: skip
    for tag_, field in fields.items():
        if tag_ == tag:
            assert getattr(plane, field) is None
        elif field in ("position", "orientation", "spacing"):
            assert getattr(plane, field) is not None


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (Tag.ImageOrientationPatient, b"0.7071\\0.7071\\0\\-0.7071\\0.7071\\0"),  # of 4 digits
        (Tag.ImageOrientationPatient, b"0.707\\0.707\\0\\-0.707\\0.707\\0"),
        (Tag.ImageOrientationPatient, b"1\\0\\0\\0.0009\\1\\0 "),
        (Tag.ImageOrientationPatient, b" 1\\0 \\+0\\-0\\1.0\\0e0\0"),
    ],
)
def test_orientations_as_files_round_them(tag: Tag, value: bytes) -> None:
    """They are taken as they stand, and not brought to unit length."""
    plane = raw_plane(tag, value)
    assert plane.faults == ()
    assert plane.orientation == tuple(float(each.strip(b" \0")) for each in value.split(b"\\"))


def test_a_decimal_comma() -> None:
    assert raw_plane(Tag.ImagePositionPatient, b"1,5\\2\\3 ").position == (1.5, 2, 3)


@pytest.mark.parametrize(("thickness", "expected"), [(b"0 ", None), (b"", None), (b"2\\2 ", 2.0)])
def test_thickness(thickness: bytes, expected: float | None) -> None:
    """0 is how some vendors say that there is none."""
    plane = raw_plane(Tag.SliceThickness, thickness)
    assert (plane.thickness, plane.faults) == (expected, ())


@pytest.mark.parametrize(
    ("attributes", "spacing", "is_detector"),
    [
        ({"ImagerPixelSpacing": [0.2, 0.3]}, (0.2, 0.3), True),
        ({"NominalScannedPixelSpacing": [0.4, 0.5]}, (0.4, 0.5), False),
        ({"ImagerPixelSpacing": [0.2, 0.3], "PixelSpacing": [0.1, 0.1]}, (0.1, 0.1), False),
        ({"ImagerPixelSpacing": [0.2, 0.3], "NominalScannedPixelSpacing": [1, 1]}, (1, 1), False),
    ],
)
def test_spacings(
    attributes: dict[str, Any], spacing: tuple[float, float], is_detector: bool
) -> None:
    plane = plane_from(slice_of(**{"PixelSpacing": None} | attributes))
    assert (plane.spacing, plane.is_detector_spacing) == (spacing, is_detector)
    assert plane.faults == ()


def test_a_wrong_spacing_is_not_made_up_for() -> None:
    dataset = set_raw(slice_of(ImagerPixelSpacing=[1, 1]), Tag.PixelSpacing, "DS", b"0\\0 ")
    (plane,) = planes_by_both(encode(dataset))
    assert plane.spacing is None
    assert plane.faults == (Fault(Tag.PixelSpacing, "a spacing of 0 or less"),)


# Functional groups.


def test_groups_of_frames() -> None:
    shared = {
        **orientation(*AXIAL),
        **measures(PixelSpacing=[0.75, 0.5], SliceThickness=2, SpacingBetweenSlices=-2.5),
    }
    planes = planes_from(grouped([position(0, 0, z) for z in (5, 2.5, 0)], shared))
    assert [plane.position for plane in planes] == [(0, 0, 5), (0, 0, 2.5), (0, 0, 0)]
    assert [plane.frame for plane in planes] == [0, 1, 2]
    assert {plane.orientation for plane in planes} == {(1, 0, 0, 0, 1, 0)}
    assert {(p.spacing, p.thickness, p.between, p.faults) for p in planes} == {
        ((0.75, 0.5), 2.0, -2.5, ())
    }


def test_many_positions() -> None:
    """They are read all at once; one that is odd, by the rules."""
    frames = [position(z / 4, -z, z * 1.5) for z in range(100)]
    planes = planes_from(grouped(frames))
    assert [p.position for p in planes] == [(z / 4, -z, z * 1.5) for z in range(100)]
    item = frames[40]["PlanePositionSequence"][0]
    set_raw(item, Tag.ImagePositionPatient, "DS", b"1\\2 ")
    planes = planes_by_both(encode(grouped(frames)))
    fault = Fault(Tag.ImagePositionPatient, "it has 2 values in place of 3")
    assert [k for k, p in enumerate(planes) if p.position is None] == [40]
    assert [k for k, p in enumerate(planes) if p.faults] == [40]
    assert planes[40].faults == (fault,)
    set_raw(item, Tag.ImagePositionPatient, "DS", b"1\\2\\-1e300")
    planes = planes_by_both(encode(grouped(frames)))
    assert planes[40].faults == (Fault(Tag.ImagePositionPatient, FAR),)
    set_raw(item, Tag.ImagePositionPatient, "DS", b"1\\2\\3\\4 ")
    set_raw(frames[41]["PlanePositionSequence"][0], Tag.ImagePositionPatient, "DS", b"1\\2 ")
    planes = planes_by_both(encode(grouped(frames)))
    assert [k for k, p in enumerate(planes) if p.position is None] == [40, 41]


def test_a_frame_beats_what_all_share() -> None:
    frames = [
        {**position(0, 0, 0), **orientation(0, 1, 0, 0, 0, 1)},
        {**position(0, 0, 1), **measures(PixelSpacing=[2, 2])},
        position(0, 0, 2),
    ]
    planes = planes_from(grouped(frames))
    assert [p.orientation for p in planes] == [(0, 1, 0, 0, 0, 1), *[(1, 0, 0, 0, 1, 0)] * 2]
    assert [p.spacing for p in planes] == [(0.75, 0.5), (2, 2), (0.75, 0.5)]
    assert [p.thickness for p in planes] == [2.0] * 3


def test_the_top_of_the_data_set_stands_in_for_groups() -> None:
    top: dict[str, Any] = {
        "ImageOrientationPatient": AXIAL,
        "PixelSpacing": [3, 3],
        "SliceThickness": "4",
    }
    planes = planes_from(grouped([position(0, 0, 0), position(0, 0, 1)], {}, **top))
    assert {(p.orientation, p.spacing, p.thickness) for p in planes} == {
        ((1, 0, 0, 0, 1, 0), (3, 3), 4.0)
    }


def test_the_position_at_the_top_is_that_of_no_frame() -> None:
    top: dict[str, Any] = {"ImagePositionPatient": [1, 2, 3]}
    assert [p.position for p in planes_from(grouped([{}, {}], **top))] == [None, None]
    assert [p.position for p in planes_from(grouped([{}], **top))] == [(1, 2, 3)]
    assert [p.position for p in planes_from(frames_of(2, **top))] == [None, None]


def test_shared_groups_alone() -> None:
    planes = planes_from(
        frames_of(2, SharedFunctionalGroupsSequence=[make_item(**SHARED, **position(1, 2, 3))])
    )
    assert [p.position for p in planes] == [(1, 2, 3)] * 2
    assert [p.spacing for p in planes] == [(0.75, 0.5)] * 2


def test_a_faulty_shared_orientation() -> None:
    shared = {**orientation(0, 0, 0, 0, 0, 0), **measures(PixelSpacing=[1, 0])}
    planes = planes_from(grouped([position(0, 0, 0), position(0, 0, 1)], shared))
    assert {p.orientation for p in planes} == {None}
    assert {p.faults for p in planes} == {
        (
            Fault(Tag.ImageOrientationPatient, "a direction of zeros"),
            Fault(Tag.PixelSpacing, "a spacing of 0 or less"),
        )
    }


def test_faults_of_frames() -> None:
    frames = [
        {**position(0, 0, k), **orientation(*([0] * 6 if k else AXIAL)),
         **measures(PixelSpacing=[1, k])}
        for k in range(2)
    ]  # fmt: skip
    planes = planes_from(grouped(frames))
    assert [p.faults for p in planes] == [
        (Fault(Tag.PixelSpacing, "a spacing of 0 or less"),),
        (Fault(Tag.ImageOrientationPatient, "a direction of zeros"),),
    ]


def test_a_fault_at_the_top_does_not_matter_where_groups_say_it() -> None:
    top: dict[str, Any] = {"ImageOrientationPatient": [0] * 6, "ImagePositionPatient": [1, 2]}
    planes = planes_from(grouped([position(0, 0, 0), position(0, 0, 1)], **top))
    assert {p.faults for p in planes} == {()}


@pytest.mark.parametrize("count", [0, 2])
def test_a_sequence_without_item_or_with_several(count: int) -> None:
    """Several positions of one frame are a fault."""
    positions = [make_item(ImagePositionPatient=[k, 0, 0]) for k in range(count)]
    frames = [{"PlanePositionSequence": positions}, position(0, 0, 1)]
    planes = planes_from(grouped(frames))
    assert [p.position for p in planes] == [None, (0, 0, 1)]
    fault = Fault(Tag.ImagePositionPatient, "it has 6 values in place of 3")
    assert [p.faults for p in planes] == [(fault,) if count else (), ()]


def test_several_items_alike() -> None:
    same = [make_item(ImagePositionPatient=[1, 2, 3]) for _ in range(2)]
    planes = planes_from(grouped([{"PlanePositionSequence": same}, position(0, 0, 1)]))
    assert planes[0].position == (1, 2, 3)


def test_several_shared_groups() -> None:
    dataset = grouped([position(0, 0, 0)])
    dataset.SharedFunctionalGroupsSequence.append(make_item(**SHARED))
    assert plane_from(dataset).spacing == (0.75, 0.5)
    dataset.SharedFunctionalGroupsSequence.append(make_item(**orientation(0, 1, 0, 0, 0, 1)))
    assert plane_from(dataset).faults == (
        Fault(Tag.ImageOrientationPatient, "it has 12 values in place of 6"),
    )


def test_fewer_and_more_groups_than_frames() -> None:
    dataset = grouped([position(0, 0, z) for z in range(3)])
    dataset.PerFrameFunctionalGroupsSequence.append(make_item(**position(0, 0, 9)))
    with pytest.warns(HeaderWarning, match="has 4 items"):
        fastpix.open(encode(dataset)).plan()
    planes = planes_by_both(encode(dataset))
    assert [p.position for p in planes] == [(0, 0, 0), (0, 0, 1), (0, 0, 2)]
    del dataset.PerFrameFunctionalGroupsSequence[1:]
    planes = planes_by_both(encode(dataset))
    assert [p.position for p in planes] == [(0, 0, 0), None, None]


# A dose grid (PS3.3 C.8.8.3).


def dose(offsets: list[float] | None, **attributes: Any) -> Any:
    count = 3
    return frames_of(
        count, Modality="RTDOSE", SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2",
        DoseGridScaling="0.001", GridFrameOffsetVector=offsets,
        **{"ImagePositionPatient": [-10, -20, 30], "ImageOrientationPatient": AXIAL,
           "PixelSpacing": [2, 2]} | attributes,
    )  # fmt: skip


SAGITTAL = [0, 1, 0, 0, 0, -1]


@pytest.mark.parametrize(
    ("offsets", "attributes", "expected"),
    [
        ([0, 3, 6], {}, [(-10, -20, 30), (-10, -20, 33), (-10, -20, 36)]),
        ([0, -3, -6], {}, [(-10, -20, 30), (-10, -20, 27), (-10, -20, 24)]),
        ([0, 3, 7], {}, [(-10, -20, 30), (-10, -20, 33), (-10, -20, 37)]),
        ([0, 3, 6, 9], {}, [(-10, -20, 30), (-10, -20, 33), (-10, -20, 36)]),
        ([30, 33, 36], {}, [(-10, -20, 30), (-10, -20, 33), (-10, -20, 36)]),
        ([30, 27, 24], {}, [(-10, -20, 30), (-10, -20, 27), (-10, -20, 24)]),
        # Offsets go along row x column, coordinates do not.
        ([0, 3, 6], {"ImageOrientationPatient": [1, 0, 0, 0, -1, 0]},
         [(-10, -20, 30), (-10, -20, 27), (-10, -20, 24)]),
        ([30, 33, 36], {"ImageOrientationPatient": [1, 0, 0, 0, -1, 0]},
         [(-10, -20, 30), (-10, -20, 33), (-10, -20, 36)]),
        ([0, 3, 6], {"ImageOrientationPatient": SAGITTAL},
         [(-10, -20, 30), (-13, -20, 30), (-16, -20, 30)]),
    ],
)  # fmt: skip
def test_dose(
    offsets: list[float], attributes: dict[str, Any], expected: list[tuple[float, ...]]
) -> None:
    planes = planes_from(dose(offsets, **attributes))
    assert [p.position for p in planes] == expected
    assert {p.faults for p in planes} == {()}


@pytest.mark.parametrize(
    ("offsets", "attributes", "reason"),
    [
        (None, {}, "it has 0 values for 3 frames"),
        ([0, 1], {}, "it has 2 values for 3 frames"),
        ([0, 1, 1e300], {}, FAR),
        ([5, 6, 7], {}, "its first value is neither 0 nor the z of Image Position"),
        ([30, 33, 36], {"ImageOrientationPatient": SAGITTAL},
         "it has z coordinates, but the grid is not axial"),
    ],
)  # fmt: skip
def test_a_dose_whose_planes_lie_nowhere(
    offsets: list[float] | None, attributes: dict[str, Any], reason: str
) -> None:
    planes = planes_from(dose(offsets, **attributes))
    assert {p.position for p in planes} == {None}
    assert {p.faults for p in planes} == {(Fault(Tag.GridFrameOffsetVector, reason),)}


def test_a_dose_with_offsets_that_are_no_numbers() -> None:
    dataset = set_raw(dose([0, 1, 2]), Tag.GridFrameOffsetVector, "DS", b"0\\a\\2 ")
    planes = planes_by_both(encode(dataset))
    assert planes[0].faults == (Fault(Tag.GridFrameOffsetVector, NUMBER),)
    assert planes[0].position is None


def test_a_dose_without_position() -> None:
    planes = planes_from(dose([0, 3, 6], ImagePositionPatient=None))
    assert {(p.position, p.spacing) for p in planes} == {(None, (2, 2))}


def test_a_dose_of_one_plane() -> None:
    plane = plane_from(
        slice_of(
            Modality="RTDOSE", DoseGridScaling="1", SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2"
        )
    )
    assert plane.position == (-1.5, 2.25, 3)


# Nuclear medicine (PS3.3 C.8.4).


def nuclear(count: int, vectors: dict[str, list[int]], **attributes: Any) -> Any:
    detector = make_item(ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=AXIAL)
    pointers = [getattr(Tag, name) for name in vectors]
    values: dict[str, Any] = {
        "Modality": "NM", "SpacingBetweenSlices": "4", "PixelSpacing": [2, 2],
        "DetectorInformationSequence": [detector], "FrameIncrementPointer": pointers or None,
    }  # fmt: skip
    return frames_of(count, **values | vectors | attributes)


@pytest.mark.parametrize("step", [4.0, -4.0])
def test_reconstructed_slices(step: float) -> None:
    """The sign of Spacing Between Slices says whether slices ascend."""
    dataset = nuclear(3, {"SliceVector": [1, 2, 3]}, SpacingBetweenSlices=str(step))
    planes = planes_from(dataset)
    assert [p.position for p in planes] == [(1, 2, 3 + k * step) for k in range(3)]
    assert {(p.orientation, p.spacing, p.between) for p in planes} == {
        ((1, 0, 0, 0, 1, 0), (2, 2), abs(step))
    }
    assert {p.identity.dimension_names for p in planes} == {()}


def test_gated_slices() -> None:
    vectors = {"TimeSlotVector": [1, 1, 2, 2], "SliceVector": [1, 2, 1, 2]}
    planes = planes_from(nuclear(4, vectors))
    assert [p.position for p in planes] == [(1, 2, 3), (1, 2, 7)] * 2
    assert [p.dimension_index for p in planes] == [(1,), (1,), (2,), (2,)]
    assert planes[0].identity.dimension_names == ("time_slot",)


def test_energy_windows_and_detectors_are_stacks() -> None:
    detectors = [
        make_item(ImagePositionPatient=[0, 0, z], ImageOrientationPatient=AXIAL) for z in (0, 50)
    ]
    vectors = {
        "EnergyWindowVector": [1, 1, 2, 2], "DetectorVector": [1, 1, 2, 2],
        "SliceVector": [1, 2, 1, 2],
    }  # fmt: skip
    planes = planes_from(nuclear(4, vectors, DetectorInformationSequence=detectors))
    assert [p.stack_id for p in planes] == [
        *["energy_window 1 detector 1"] * 2, *["energy_window 2 detector 2"] * 2,
    ]  # fmt: skip
    assert [p.position for p in planes] == [(0, 0, 0), (0, 0, 4), (0, 0, 50), (0, 0, 54)]
    assert {p.dimension_index for p in planes} == {()}


def test_one_energy_window_is_no_stack() -> None:
    vectors = {"EnergyWindowVector": [1, 1], "SliceVector": [1, 2]}
    assert [p.stack_id for p in planes_from(nuclear(2, vectors))] == ["", ""]


@pytest.mark.parametrize(
    "vectors",
    [
        {"RotationVector": [1, 1], "AngularViewVector": [1, 2]},
        {"PhaseVector": [1, 1], "TimeSliceVector": [1, 2]},
        {"RotationVector": [1, 1], "SliceVector": [1, 2]},
    ],
)
def test_projections_and_planar_images_have_no_position(vectors: dict[str, list[int]]) -> None:
    planes = planes_from(nuclear(2, vectors))
    assert {(p.position, p.faults) for p in planes} == {(None, ())}


def test_names_of_dimensions() -> None:
    vectors = {"RRIntervalVector": [1, 1], "TimeSlotVector": [1, 2], "PhaseVector": [1, 1]}
    planes = planes_from(nuclear(2, vectors))
    assert planes[1].identity.dimension_names == ("rr_interval", "time_slot", "phase")
    assert planes[1].dimension_index == (1, 2, 1)


def test_vectors_without_a_pointer() -> None:
    dataset = nuclear(2, {"SliceVector": [1, 2]}, FrameIncrementPointer=None)
    assert [p.position for p in planes_from(dataset)] == [(1, 2, 3), (1, 2, 7)]


def test_a_vector_that_is_too_short_counts_nothing() -> None:
    planes = planes_from(nuclear(3, {"TimeSlotVector": [1, 2], "SliceVector": [1, 2, 3]}))
    assert [p.position for p in planes] == [(1, 2, 3), (1, 2, 7), (1, 2, 11)]
    assert planes[0].identity.dimension_names == ()
    # Slices alone, which are counted by a vector of one.
    planes = planes_from(nuclear(3, {"SliceVector": [1]}))
    assert [p.position for p in planes] == [(1, 2, 3), (1, 2, 7), (1, 2, 11)]


def test_slices_without_spacing_lie_nowhere() -> None:
    planes = planes_from(nuclear(2, {"SliceVector": [1, 2]}, SpacingBetweenSlices=None))
    fault = Fault(Tag.SpacingBetweenSlices, "absent or 0, and slices lie by it")
    assert {(p.position, p.faults) for p in planes} == {(None, (fault,))}


def test_detectors_with_faults() -> None:
    items = [make_item(ImagePositionPatient=[1, 2], ImageOrientationPatient=[0] * 6)]
    dataset = nuclear(2, {"SliceVector": [1, 2]}, DetectorInformationSequence=items)
    planes = planes_from(dataset)
    assert {p.position for p in planes} == {None}
    assert planes[0].faults == (
        Fault(Tag.ImagePositionPatient, "it has 2 values in place of 3"),
        Fault(Tag.ImageOrientationPatient, "a direction of zeros"),
    )


def test_a_single_slice_of_nuclear_medicine() -> None:
    items = [make_item(ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=AXIAL)]
    dataset = slice_of(
        Modality="NM", ImagePositionPatient=None, ImageOrientationPatient=None,
        DetectorInformationSequence=items,
    )  # fmt: skip
    plane = plane_from(dataset)
    assert (plane.position, plane.orientation) == ((1, 2, 3), (1, 0, 0, 0, 1, 0))


# A single image.


def image_of(dataset: Any) -> fastpix.Image:
    return fastpix.open(encode(dataset))


@pytest.mark.parametrize(
    ("attributes", "step"),
    [
        ({"SliceThickness": "2", "SpacingBetweenSlices": "2.5"}, 2.5),
        ({"SliceThickness": "2", "SpacingBetweenSlices": "-2.5"}, 2.5),
        ({"SliceThickness": "2"}, 2.0),
        ({"SliceThickness": "0"}, math.nan),
        ({}, math.nan),
    ],
)
def test_affine_of_a_slice(attributes: dict[str, Any], step: float) -> None:
    image = image_of(slice_of(ImageOrientationPatient=[0, 1, 0, 0, 0, -1], **attributes))
    expected = np.array([[-step, 0, 0, -1.5], [0, 0, 0.5, 2.25], [0, -0.75, 0, 3], [0, 0, 0, 1]])
    if math.isnan(step):
        expected[:3, 0] = math.nan
    assert image.affine is not None
    np.testing.assert_array_equal(image.affine, expected)
    assert image.affine is image.affine
    assert image.spacing is not None
    np.testing.assert_array_equal(image.spacing, (step, 0.75, 0.5))


def test_affine_of_frames() -> None:
    image = image_of(grouped([position(1, 2, 3 + 1.5 * k) for k in range(4)]))
    assert image.affine is not None
    assert image.affine[:3, 0].tolist() == [0, 0, 1.5]
    assert image.affine[:3, 3].tolist() == [1, 2, 3]
    assert image.spacing == (1.5, 0.75, 0.5)
    image = image_of(grouped([position(1, 2, 3 - 1.5 * k) for k in range(4)]))
    assert image.affine is not None
    assert image.affine[:3, 0].tolist() == [0, 0, -1.5]


def test_affine_of_a_dose() -> None:
    image = image_of(dose([0, 3, 6]))
    assert image.affine is not None
    assert image.affine[:3, 0].tolist() == [0, 0, 3]


@pytest.mark.parametrize(
    "frames",
    [
        [position(0, 0, z) for z in (0, 1, 2, 4)],  # not even
        [position(0, 0, z) for z in (0, 1, 0, 1)],  # repeated
        [position(0, 0, 0)] * 4,
        [{**position(0, 0, z), **orientation(*(AXIAL if z else SAGITTAL))} for z in range(4)],
        [position(0, 0, 0), {}, position(0, 0, 2)],
        [{}, {}],
    ],
)
def test_frames_on_no_grid(frames: list[dict[str, Any]]) -> None:
    image = image_of(grouped(frames))
    assert image.affine is None
    assert image.spacing is not None
    np.testing.assert_array_equal(image.spacing, (math.nan, 0.75, 0.5))


def test_frames_that_share_a_position_but_not_their_spacing() -> None:
    frames = [{**position(0, 0, z), **measures(PixelSpacing=[1, z + 1])} for z in range(2)]
    image = image_of(grouped(frames))
    assert image.affine is None
    assert image.spacing is None


def test_an_image_without_geometry() -> None:
    none = {"ImagePositionPatient": None, "ImageOrientationPatient": None, "PixelSpacing": None}
    image = image_of(slice_of(**none))
    assert image.affine is None
    assert image.spacing is None
    image = image_of(slice_of(**none, ImagerPixelSpacing=[1, 2], SliceThickness="3"))
    assert image.affine is None
    assert image.spacing == (3, 1, 2)


def test_an_image_whose_geometry_cannot_be_used() -> None:
    image = image_of(slice_of(ImageOrientationPatient=[0] * 6))
    text = r"ImageOrientationPatient \(0020,0037\) cannot be used: a direction of zeros"
    with pytest.warns(HeaderWarning, match=text):
        assert image.affine is None
    assert image.affine is None  # warned of once
    frames = [{**position(0, 0, k), **orientation(*[k] * 6)} for k in range(2)]
    with pytest.warns(HeaderWarning, match="cannot be used"):
        assert image_of(grouped(frames)).affine is None


def test_a_mosaic_is_no_slice() -> None:
    image = image_of(slice_of(ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]))
    assert image.affine is None
    assert image.spacing is None
    dataset = slice_of()
    dataset.add_new(0x00650010, "LO", "Image Private Header")
    dataset.add_new(0x00651050, "DS", "20")
    assert image_of(dataset).affine is None
