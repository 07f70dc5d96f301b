"""What never stands in one volume, and what splits planes only where it differs at one place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.planes import (
    AXIAL,
    OBLIQUE,
    SERIES,
    SPACING,
    make_planes,
    make_volumes,
    normal_of,
    stack_of,
    stacks_of,
)

from fastpix.series.plane import Orientation

TURNED = (*OBLIQUE[3:], *OBLIQUE[:3])


def nearly(by: float) -> Orientation:
    """Return the oblique orientation, a cosine changed."""
    a, b, c, d, e, f = OBLIQUE
    return (a + by, b, c, d, e, f)


APART: dict[str, dict[str, Any]] = {
    "series": {"identity": SERIES._replace(series_uid="1.2.1.2")},
    "study": {"identity": SERIES._replace(study_uid="1.2.2")},
    "sop class": {"identity": SERIES._replace(sop_class="1.2.840.10008.5.1.4.1.1.7")},
    "rows": {"identity": SERIES._replace(rows=65)},
    "columns": {"identity": SERIES._replace(columns=65)},
    "samples": {"identity": SERIES._replace(samples=3)},
    "photometric": {"identity": SERIES._replace(photometric="MONOCHROME1")},
    "unit": {"identity": SERIES._replace(unit="HU")},
    "frame of reference": {"identity": SERIES._replace(frame_of_reference="1.2.1.10")},
    "localizer": {"identity": SERIES._replace(is_localizer=True)},
    "stack id": {"stack_id": "2"},
    "segment": {"segment": 2},
    "component": {"component": "P"},
    "orientation": {"orientation": TURNED},
    "a cosine of 1e-3": {"orientation": nearly(1.01e-3)},
    "row spacing of 0.1 %": {"spacing": (SPACING[0] * 1.0011, SPACING[1])},
    "column spacing of 0.1 %": {"spacing": (SPACING[0], SPACING[1] * 1.0011)},
    "kind of spacing": {"is_detector_spacing": True},
    "no spacing": {"spacing": None},
    "no position": {"position": None},
    "no orientation": {"orientation": None},
}


@pytest.mark.parametrize("other", APART.values(), ids=APART)
def test_never_in_one_volume(other: dict[str, Any]) -> None:
    """Neither between the others, nor at their places."""
    for depths in ([0, 1, 2, 3], [4, 5, 6, 7]):
        others = [plane._replace(**other) for plane in make_planes(depths, first=5)]
        planes = make_planes(4) + others
        stacks = stacks_of(planes)
        assert [stack.shape for stack in stacks] == [(1, 4), (1, 4)]
        for stack in stacks:
            assert len({plane.sop_uid > "1.2.1.1.4" for plane in stack.planes[0] if plane}) == 1


ALIKE: dict[str, dict[str, Any]] = {
    "a cosine of 9e-4": {"orientation": nearly(0.9e-3)},
    "noise in the sixth decimal": {"orientation": nearly(1e-6)},
    "spacing of 0.09 %": {"spacing": (SPACING[0] * 1.0009, SPACING[1])},
    "acquisition number": {"acquisition_number": 2},
    "image type": {"image_type": ("DERIVED", "PRIMARY", "AXIAL")},
    "content time": {"content_time": "120000"},
    "thickness": {"thickness": 7.0},
}


@pytest.mark.parametrize("other", ALIKE.values(), ids=ALIKE)
def test_one_volume_whatever_else_differs(other: dict[str, Any]) -> None:
    stack = stack_of(make_planes([0, 2, 4]) + make_planes([1, 3], first=4, **other))
    assert stack.shape == (1, 5)
    assert stack.kind == "grid"
    assert not stack.codes
    assert stack.each("instance_number") == [[1, 4, 2, 5, 3]]


@pytest.mark.parametrize("noise", [1e-6, 4e-4])
def test_noise_of_orientation(noise: float) -> None:
    """As GE writes it: each slice its own last digit."""
    rng = np.random.default_rng(1)
    planes = [
        plane._replace(
            orientation=tuple((np.array(OBLIQUE) + rng.uniform(-noise, noise, 6)).tolist())
        )
        for plane in make_planes(30, gap=1.0)
    ]
    stack = stack_of(planes)
    assert stack.shape == (1, 30)
    assert stack.kind == "grid"


def test_slowly_turning_planes_are_cut_into_stacks() -> None:
    """Neighbours are alike, but no stack holds planes a cosine of 1e-3 apart."""
    planes = [
        plane._replace(orientation=nearly(3e-4 * k)) for k, plane in enumerate(make_planes(40))
    ]
    for stack in stacks_of(planes):
        (cosines,) = stack.each("orientation")
        assert np.ptp(np.array(cosines), axis=0).max() < 1e-3


def test_radial_planes_are_stacks_of_their_own() -> None:
    angles = np.linspace(0, np.pi, 36, endpoint=False)
    planes = [
        plane._replace(orientation=(np.cos(a), np.sin(a), 0.0, 0.0, 0.0, -1.0), position=(0, 0, 0))
        for a, plane in zip(angles, make_planes(36), strict=True)
    ]
    assert [stack.kind for stack in stacks_of(planes)] == ["single_slice"] * 36


@pytest.mark.parametrize("orientation", [OBLIQUE, AXIAL])
def test_stacks_come_in_the_order_of_their_numbers(orientation: tuple[float, ...]) -> None:
    planes = make_planes(3, first=7, stack_id="1") + make_planes(
        3, first=4, stack_id="2", orientation=orientation
    )
    planes += make_planes(3, first=1, stack_id="3")
    assert [s.each("stack_id")[0][0] for s in stacks_of(planes)] == ["3", "2", "1"]


def test_stacks_without_numbers_come_in_order_of_what_they_are() -> None:
    planes = []
    for k, echo in enumerate((30.0, 10.0, 20.0)):
        planes += make_planes(3, first=1 + 3 * k, instance_number=None, echo_time=echo)
    stacks = stacks_of(planes)
    assert [stack.each("echo_time")[0][0] for stack in stacks] == [10.0, 20.0, 30.0]


def test_series_follow_each_other() -> None:
    planes = []
    for k in range(4):
        identity = SERIES._replace(series_uid=f"1.2.1.{k % 2}", rows=32 + k)
        planes += make_planes(3, first=1 + 3 * k, identity=identity)
    stacks = stacks_of(planes)
    uids = [next(p.identity.series_uid for p in s.planes[0] if p) for s in stacks]
    assert uids == sorted(uids)


SPLITTING: dict[str, tuple[str, list[Any]]] = {
    "echo time": ("echo_time", [4.92, 7.38]),
    "three echo times": ("echo_time", [4.92, 7.38, 9.84]),
    "echo time or none": ("echo_time", [4.92, None]),
    "image type": ("image_type", [("ORIGINAL", "PRIMARY", "WATER"), ("DERIVED", "PRIMARY", "FAT")]),
    "ge maps": ("ge_image_type", [0, 2]),
    "ge map and others": ("ge_image_type", [1, 17]),
    "magnitude and phase": ("component", ["M", "P"]),
    "real and imaginary": ("component", ["R", "I"]),
    "all components": ("component", ["M", "P", "R", "I"]),
}


@pytest.mark.parametrize(("name", "values"), SPLITTING.values(), ids=SPLITTING)
@pytest.mark.parametrize("interleaved", [False, True])
def test_what_differs_at_one_place_splits(name: str, values: list[Any], interleaved: bool) -> None:
    planes = make_volumes(len(values), 4, of_volume={name: lambda volume: values[volume]})
    if interleaved:  # all of a place, then all of the next
        planes = [
            plane._replace(instance_number=(k % 4) * len(values) + k // 4)
            for k, plane in enumerate(planes)
        ]
    stacks = stacks_of(planes)
    assert [stack.shape for stack in stacks] == [(1, 4)] * len(values)
    assert [stack.each(name) for stack in stacks] == [[[value] * 4] for value in values]
    assert not any(stack.codes for stack in stacks)


def test_echoes_of_several_volumes() -> None:
    planes = make_volumes(
        6, 4, of_volume={"echo_time": lambda v: 5.0 + v % 2, "acquisition_number": lambda v: v // 2}
    )
    first, second = stacks_of(planes)
    assert first.shape == second.shape == (3, 4)
    assert first.coords["acquisition_number"] == [0, 1, 2]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_do_not_hang(value: float) -> None:
    planes = make_planes(4, echo_time=value, spacing=(value, 0.8)) + make_planes(4, first=5)
    assert sorted(stack.kind for stack in stacks_of(planes)) == ["grid", "no_geometry"]


def test_echo_times_that_differ_by_noise_are_one() -> None:
    planes = make_volumes(2, 4, of_volume={"echo_time": lambda v: 4.92 + 0.004 * v})
    stack = stack_of(planes)
    assert stack.shape == (2, 4)
    assert not stack.codes


@pytest.mark.parametrize("kind", [3, 7, None])
def test_other_kinds_of_ge_images_do_not_split(kind: int | None) -> None:
    planes = make_volumes(2, 4, of_volume={"ge_image_type": lambda v: [4, kind][v]})
    assert stack_of(planes).shape == (2, 4)


@pytest.mark.parametrize(
    "name", ["acquisition_number", "image_type"], ids=["acquisition number", "image type"]
)
def test_what_changes_per_slice_of_a_ge_scan_does_not_split(name: str) -> None:
    """It is the same at each place in all volumes."""
    of_slice: dict[str, Any] = {
        "acquisition_number": lambda k: 1 + k // 2,
        "image_type": lambda k: ("ORIGINAL", "PRIMARY", ("AXIAL", "HELICAL")[k % 2]),
    }
    assert stack_of(make_planes(6, **{name: of_slice[name]})).codes == set()
    planes = make_volumes(3, 6, of_volume={}, **{name: of_slice[name]})
    stack = stack_of(planes)
    assert stack.shape == (3, 6)
    assert not stack.codes


MIXED: dict[str, tuple[str, list[Any]]] = {
    "echo time": ("echo_time", [5.0, 6.0]),
    "b-value": ("b_value", [0.0, 1000.0]),
    "temporal position": ("temporal_position", [1, 2]),
    "kernel": ("kernel", ["B30f", "B70f"]),
    "kvp": ("kvp", [100.0, 120.0]),
    "b-value or none": ("b_value", [1000.0, None]),
}


@pytest.mark.parametrize(("name", "values"), MIXED.values(), ids=MIXED)
def test_a_change_on_the_way_is_a_warning(name: str, values: list[Any]) -> None:
    own: dict[str, Any] = {name: lambda k: values[k // 3]}
    stack = stack_of(make_planes(6, **own))
    assert stack.shape == (1, 6)
    assert stack.codes == {"mixed"}
    (finding,) = stack.findings
    assert finding.is_warning
    assert not finding.is_refused


DRIFTS = {"straight": (0.0, 0.0), "tilted": (0.05, 0.3)}
FIELDS = {
    "along a row": ((30.0, 0.0), (-40.0, 0.0)),
    "along a column": ((0.0, 1.5), (0.0, 0.0)),
    "along both": ((2.0, 7.0), (-2.0, 7.0)),
    "three": ((0.0, 0.0), (5.0, 0.0), (10.0, 0.0)),
}


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("fewer", [0, 2, 4])
def test_fields_of_view_at_the_same_depths(
    drift: tuple[float, float], fields: tuple[tuple[float, float], ...], fewer: int
) -> None:
    """Also where one of them covers less, or begins elsewhere."""
    planes = []
    axes = np.array(OBLIQUE).reshape(2, 3)
    for k, field in enumerate(fields):
        origin = np.array([5.0, 6.0, 7.0]) + np.array(field) @ axes
        depths = np.arange(fewer, 9) if k == 1 else np.arange(9)
        planes += make_planes(
            depths.tolist(), origin=origin.tolist(), drift=drift, first=1 + 20 * k, gap=5.0
        )
    stacks = stacks_of(planes)
    assert [s.shape for s in stacks] == [
        (1, 9 - fewer if k == 1 else 9) for k in range(len(fields))
    ]
    assert {stack.kind for stack in stacks} == ({"sheared"} if any(drift) else {"grid"})
    assert not any(stack.codes - {"tilt"} for stack in stacks)


def test_fields_of_view_in_several_volumes() -> None:
    planes = []
    shift = 20.0 * np.array(OBLIQUE[:3])
    for volume in range(3):
        for k in range(2):
            first = 1 + (2 * volume + k) * 5
            origin = (k * shift).tolist()
            planes += make_planes(5, origin=origin, first=first, temporal_position=volume)
    assert [stack.shape for stack in stacks_of(planes)] == [(3, 5), (3, 5)]


def test_a_shift_of_a_few_hundredths_is_no_other_field_of_view() -> None:
    planes = make_planes(5)
    shifted = np.array([-103.7, 58.31, -12.625]) + 0.02 * np.array(OBLIQUE[:3])
    planes += make_planes(5, origin=shifted.tolist(), first=6)
    stack = stack_of(planes)
    assert stack.shape == (2, 5)
    assert stack.kind == "grid"


def test_shifts_that_add_up_are_no_other_field_of_view() -> None:
    """Each volume lies 0.1 mm beside the one before: all within 5 % of a grid."""
    planes = []
    for volume in range(3):
        origin = (0.1 * volume * np.array(OBLIQUE[:3])).tolist()
        planes += make_planes(5, origin=origin, first=1 + 5 * volume)
    assert stack_of(planes).shape == (3, 5)


def test_localizers_do_not_disturb_the_volume() -> None:
    localizer = SERIES._replace(is_localizer=True)
    planes = make_planes(8, first=4)
    for k, orientation in enumerate((AXIAL, TURNED, OBLIQUE)):
        planes += make_planes([3.5], first=1 + k, identity=localizer, orientation=orientation)
    stacks = stacks_of(planes)
    assert [stack.shape for stack in stacks] == [(1, 1)] * 3 + [(1, 8)]


def test_slices_ascend_along_the_normal() -> None:
    for sign in (1, -1):
        orientation = (*OBLIQUE[:3], *(sign * np.array(OBLIQUE[3:])).tolist())
        stack = stack_of(make_planes([3, 0, 2, 1], orientation=orientation))
        positions = np.array(stack.each("position")[0])
        assert (np.diff(positions @ normal_of(orientation)) > 0).all()
