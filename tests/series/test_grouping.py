"""Grouping as a whole: what has no geometry, what cannot be used, and what holds for any planes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.planes import (
    AXIAL,
    OBLIQUE,
    SERIES,
    make_planes,
    make_volumes,
    stack_of,
    stacks_of,
)
from support.sizes import cases

from fastpix.series.grouping import group_planes
from fastpix.series.plane import MOSAIC_UNKNOWN, Fault, Orientation, Plane

BARE: dict[str, Any] = {"position": None, "orientation": None, "spacing": None}


def bare(planes: list[Plane], **changes: Any) -> list[Plane]:
    return [plane._replace(**{**BARE, **changes}) for plane in planes]


def test_nothing() -> None:
    assert group_planes([]) == []


def test_no_geometry() -> None:
    """Single files come in the order of their Instance Numbers."""
    planes = bare(make_planes(4))
    planes = [p._replace(instance_number=n) for p, n in zip(planes, (3, 1, 4, 2), strict=True)]
    stack = stack_of(planes)
    assert stack.kind == "no_geometry"
    assert stack.affine is None
    assert stack.shape == (1, 4)
    assert stack.each("instance_number") == [[1, 2, 3, 4]]
    assert stack.complete == (0,)
    assert stack.codes == {"no_geometry"}
    assert not stack.findings[0].is_warning


def test_frames_of_a_file_without_geometry() -> None:
    """Ultrasound: each film is a stack, and frames keep their order."""
    planes = []
    for file in range(3):
        frames = bare(make_planes(5), sop_uid=f"1.2.{file}", instance_number=file, source=file)
        planes += [plane._replace(frame=k) for k, plane in enumerate(frames)]
    stacks = stacks_of(planes)
    assert [stack.shape for stack in stacks] == [(1, 5)] * 3
    assert [stack.each("frame") for stack in stacks] == [[[0, 1, 2, 3, 4]]] * 3


def test_pictures_beside_a_volume() -> None:
    """A table of results does not disturb it."""
    secondary = SERIES._replace(sop_class="1.2.840.10008.5.1.4.1.1.7", is_secondary=True)
    planes = make_planes(5) + bare(make_planes(2, first=6), identity=secondary)
    volume, pictures = stacks_of(planes)
    assert volume.kind == "grid"
    assert not volume.codes
    assert pictures.kind == "no_geometry"


def test_numbers_that_are_not_finite_are_no_position() -> None:
    planes = make_planes(5)
    planes[2] = planes[2]._replace(position=(np.nan, 0.0, 0.0))
    assert {stack.kind for stack in stacks_of(planes)} == {"grid", "no_geometry"}


FAULTS = {
    "orientation": (0x00200037, "is not two right-angled unit vectors", "ImageOrientationPatient"),
    "position": (0x00200032, "is not three numbers", "ImagePositionPatient"),
    "spacing": (0x00280030, "is not greater than 0", "PixelSpacing"),
    "private": (0x00191001, "is not a number", "(0019,1001)"),
}


@pytest.mark.parametrize(("tag", "reason", "name"), FAULTS.values(), ids=FAULTS)
def test_faults_are_warnings_that_name_the_tag(tag: int, reason: str, name: str) -> None:
    planes = bare(make_planes(3), faults=(Fault(tag, reason),))
    stack = stack_of(planes)
    assert stack.affine is None
    text = stack.text("bad_geometry")
    assert name in text
    assert f"({tag >> 16:04X},{tag & 0xFFFF:04X}): {reason}, in 3 planes" in text
    assert not text.startswith(" ")
    assert next(f for f in stack.findings if f.code == "bad_geometry").is_warning


def test_a_mosaic_that_cannot_be_cut_is_refused() -> None:
    stack = stack_of(make_planes(1, faults=(Fault(0x0019100A, MOSAIC_UNKNOWN),)))
    assert "mosaic_unknown" in stack.codes
    assert "bad_geometry" not in stack.codes


def test_the_faults_of_one_plane() -> None:
    """It stands alone, and the volume lacks it."""
    planes = make_planes(5)
    planes[2:3] = bare(planes[2:3], faults=(Fault(0x00200037, "is zero"),))
    volume, alone = stacks_of(planes)
    assert volume.codes == {"missing_slices"}
    assert alone.codes == {"bad_geometry", "no_geometry"}
    assert "in 1 plane" in alone.text("bad_geometry")


def test_findings_are_free_of_text_from_files() -> None:
    planes = make_planes(5, kernel=lambda k: f"KERNEL{k}", between=9.0)
    planes += make_planes([2], first=6, kernel="KERNEL")
    for stack in stacks_of(planes):
        assert "KERNEL" not in str(stack.findings)
        assert "1.2.1" not in str(stack.findings)


def test_time_grows_with_the_number_of_planes() -> None:
    """10,000 planes of 250 volumes."""
    planes = make_volumes(250, 40, of_volume={"temporal_position": lambda v: v})
    assert stack_of(planes, shuffles=1).shape == (250, 40)


vectors = st.sampled_from([OBLIQUE, AXIAL])
few = st.integers(0, 2)
maybe = st.none() | few


@st.composite
def some_planes(draw: st.DrawFn) -> list[Plane]:
    """Draw planes that agree and differ in everything that grouping looks at."""
    planes: list[Plane] = []
    for k in range(draw(st.integers(1, 14))):
        (plane,) = make_planes(
            [draw(st.sampled_from([0, 1, 2, 3, 3.001, 3.5, 6]))],
            first=k + 1,
            orientation=draw(vectors),
            drift=draw(st.sampled_from([(0.0, 0.0), (0.0, 0.2)])),
            identity=SERIES._replace(rows=draw(st.sampled_from([64, 64, 65]))),
            instance_number=draw(maybe),
            temporal_position=draw(maybe),
            acquisition_number=draw(maybe),
            b_value=draw(maybe),
            echo_time=draw(st.sampled_from([None, 1.0, 1.005, 1.01, 1.02])),
            image_type=draw(st.sampled_from([("ORIGINAL",), ("DERIVED",)])),
            component=draw(st.sampled_from(["", "", "M", "P"])),
            thickness=draw(st.sampled_from([None, 3.0, 3.0])),
            between=draw(st.sampled_from([None, 3.0, -3.0])),
            acquisition_time=draw(st.sampled_from(["", "1", "2"])),
            dimension_index=draw(st.sampled_from([(), (1,), (1, 2)])),
            spacing=draw(st.sampled_from([(0.9, 0.8), (0.9, 0.8), None])),
        )
        if draw(st.integers(0, 9)) == 0:
            plane = plane._replace(position=None)
        planes.append(plane)
        if draw(st.integers(0, 7)) == 0:
            planes.append(plane._replace(source=100 + k))
    return planes


TELLING: dict[str, Any] = {
    "temporal_position": lambda v: v + 1,
    "trigger_time": lambda v: 33.3 * v,
    "b_value": lambda v: 250.0 * v,
    "acquisition_time": lambda v: f"1200{v:02}",
    "acquisition_number": lambda v: v + 1,
}


@settings(max_examples=cases(960), deadline=None)
@given(
    volumes=st.integers(2, 5),
    slices=st.integers(2, 7),
    orientation=vectors,
    drift=st.sampled_from([(0.0, 0.0), (0.1, -0.3)]),
    name=st.sampled_from(sorted(TELLING)),
    echoes=st.integers(1, 2),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_series_of_volumes(
    volumes: int,
    slices: int,
    orientation: Orientation,
    drift: tuple[float, float],
    name: str,
    echoes: int,
    seed: int,
    data: st.DataObject,
) -> None:
    """Whatever Instance Numbers say: each volume has its planes, and those that were lost none."""
    rng = np.random.default_rng(seed)
    count = volumes * slices
    lost = data.draw(st.sets(st.integers(slices, count - 1), max_size=slices - 1))
    planes = []
    for echo in range(echoes):
        made = make_volumes(
            volumes, slices, of_volume={name: TELLING[name]}, orientation=orientation, drift=drift
        )
        numbers = rng.permutation(count).tolist()
        planes += [
            plane._replace(
                echo_time=5.0 + echo, instance_number=numbers[k],
                source=echo * count + k, sop_uid=f"1.2.{echo}.{k}",
            )
            for k, plane in enumerate(made)
            if k not in lost
        ]  # fmt: skip
    stacks = stacks_of(planes, shuffles=2, same_pixels=lambda one, other: False)
    assert len(stacks) == echoes
    for stack in stacks:
        assert stack.kind == ("sheared" if any(drift) else "grid")
        assert stack.shape == (volumes, slices)
        assert stack.codes - {"tilt"} == ({"incomplete"} if lost else set())
        assert sorted(stack.coords[name]) == [TELLING[name](v) for v in range(volumes)]
        for row, value in zip(stack.planes, stack.coords[name], strict=True):
            assert {getattr(plane, name) for plane in row if plane} == {value}
            assert all(
                plane is None or int(plane.sop_uid.split(".")[-1]) % slices == place
                for place, plane in enumerate(row)
            )


@settings(max_examples=cases(1200), deadline=None)
@given(planes=some_planes(), compared=st.sampled_from([None, True, False]))
def test_any_planes(planes: list[Plane], compared: bool | None) -> None:
    """The order of input does not matter, planes are used once, and grids are true."""
    same_pixels = None if compared is None else lambda one, other: compared
    stacks_of(planes, shuffles=3, same_pixels=same_pixels)
