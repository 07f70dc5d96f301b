"""Places that repeat: which planes make a volume, in which order, and what the axis is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.matrices import every
from support.planes import SERIES, make_planes, make_volumes, stack_of

from fastpix.series.grouping import group_planes
from fastpix.series.plane import Part, Plane, Tile

GRADIENTS = [(0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.6, 0.8, 0.0), (1.0, 0.0, 0.0)]

ORDERED: dict[str, dict[str, Callable[[int], Any]]] = {
    "temporal_position": {"temporal_position": lambda v: v + 1},
    "trigger_time": {"trigger_time": lambda v: 40.5 * v},
    "time_offset": {"time_offset": lambda v: 1.5 * v},
    "inversion_time": {"inversion_time": lambda v: 100.0 + v},
    "b_value": {"b_value": lambda v: 500.0 * v},
    "gradient": {"b_value": lambda v: 1000.0, "gradient": lambda v: GRADIENTS[v]},
    "acquisition_number": {"acquisition_number": lambda v: v + 1},
    "acquisition_time": {"acquisition_time": lambda v: f"1200{v:02}.5"},
    "content_time": {"content_time": lambda v: f"1200{v:02}.5"},
    "kvp": {"kvp": lambda v: 80.0 + 20 * v},
    "kernel": {"kernel": lambda v: f"B{30 + v}f"},
}

# Instance Number counts volume by volume, slice by slice, the other way round, or not at all.
NUMBERED: dict[str, Callable[[int, int], int | None]] = {
    "by volume": lambda volume, place: 4 * volume + place,
    "by slice": lambda volume, place: 3 * place + volume,
    "reversed slices": lambda volume, place: 4 * volume + 3 - place,
    "absent": lambda volume, place: None,
    "equal": lambda volume, place: 7,
}


def numbered(
    volumes: int, slices: int, of_volume: dict[str, Callable[[int], Any]], rule: str
) -> list[Plane]:
    planes = make_volumes(volumes, slices, of_volume=of_volume)
    return [
        plane._replace(instance_number=NUMBERED[rule](k // slices, k % slices))
        for k, plane in enumerate(planes)
    ]


@pytest.mark.parametrize("axis", ORDERED)
@every("rule", NUMBERED)
def test_volumes(axis: str, rule: str) -> None:
    stack = stack_of(numbered(3, 4, ORDERED[axis], rule))
    values = [ORDERED[axis][axis](volume) for volume in range(3)]
    assert stack.axes == (axis,)
    assert stack.coords[axis] == values
    assert stack.each(axis) == [[value] * 4 for value in values]
    assert not stack.codes
    assert stack.complete == (0, 1, 2)


@pytest.mark.parametrize("axis", ORDERED)
def test_volumes_whose_numbers_run_backwards(axis: str) -> None:
    """A volume still holds what belongs together."""
    planes = make_volumes(3, 4, of_volume=ORDERED[axis])
    planes = [plane._replace(instance_number=99 - k) for k, plane in enumerate(planes)]
    stack = stack_of(planes)
    assert stack.shape == (3, 4)
    assert all(len(set(values)) == 1 for values in stack.each(axis))
    assert not stack.codes


@pytest.mark.parametrize("axis", ORDERED)
def test_numbers_that_are_shuffled_at_each_place(axis: str) -> None:
    """What volumes share decides: the third of one place is the first of another."""
    planes = [
        plane._replace(instance_number=10 * (k % 4) + (k // 4 + k % 4) % 3)
        for k, plane in enumerate(make_volumes(3, 4, of_volume=ORDERED[axis]))
    ]
    stack = stack_of(planes)
    assert all(len(set(values)) == 1 for values in stack.each(axis))
    assert len(set(stack.coords[axis])) == 3
    assert not stack.codes


@pytest.mark.parametrize("rule", ["by volume", "by slice", "reversed slices"])
def test_instance_numbers_alone(rule: str) -> None:
    stack = stack_of(numbered(3, 4, {}, rule))
    assert stack.shape == (3, 4)
    assert stack.axes == ("repetition",)
    assert stack.coords == {"repetition": [0, 1, 2]}
    order = [[NUMBERED[rule](volume, place) for place in range(4)] for volume in range(3)]
    assert stack.each("instance_number") == order


@pytest.mark.parametrize("rule", ["absent", "equal"])
def test_nothing_orders_the_planes(rule: str) -> None:
    """The result is the same whatever the order of files, and a reader is warned."""
    stack = stack_of(numbered(3, 4, {}, rule), same_pixels=lambda one, other: False)
    assert stack.shape == (3, 4)
    assert stack.codes == {"mixed"}
    assert "nothing in the headers" in stack.text("mixed")


def test_b_values_with_directions() -> None:
    """Two volumes without diffusion, then four directions of two b-values each."""
    weights = [(0.0, None), *[(b, g) for b in (700.0, 1000.0) for g in GRADIENTS], (0.0, None)]
    planes = make_volumes(
        10, 5, of_volume={"b_value": lambda v: weights[v][0], "gradient": lambda v: weights[v][1]}
    )
    planes = [p._replace(instance_number=(k % 5) * 10 + k // 5) for k, p in enumerate(planes)]
    stack = stack_of(planes)
    assert stack.shape == (10, 5)
    assert stack.axes == ("b_value",)
    assert stack.coords == {"b_value": [b for b, _ in weights], "gradient": [g for _, g in weights]}


def test_all_that_differs_is_a_coordinate() -> None:
    planes = make_volumes(
        3,
        4,
        of_volume={
            "trigger_time": lambda v: 30.0 * v,
            "temporal_position": lambda v: v + 1,
            "acquisition_number": lambda v: 5,
            "content_time": lambda v: f"12000{v}",
        },
    )
    stack = stack_of(planes)
    assert stack.axes == ("trigger_time",)
    assert stack.coords == {"trigger_time": [0.0, 30.0, 60.0], "temporal_position": [1, 2, 3]}


def test_times_of_slices_that_follow_each_other() -> None:
    """Each slice has a time of its own: that of a volume is the first."""
    planes = make_volumes(3, 4, of_volume={})
    planes = [plane._replace(acquisition_time=f"1200{k:02}") for k, plane in enumerate(planes)]
    stack = stack_of(planes)
    assert stack.axes == ("acquisition_time",)
    assert stack.coords["acquisition_time"] == ["120000", "120004", "120008"]


def test_times_of_slices_that_overlap_are_no_coordinate() -> None:
    planes = numbered(3, 4, {}, "by slice")
    planes = [
        p._replace(trigger_time=100.0 * (k // 4) + 60 * (k % 4)) for k, p in enumerate(planes)
    ]
    assert stack_of(planes).axes == ("repetition",)


def test_cardiac_phases_slice_by_slice() -> None:
    """Instance Number counts phases, then slices; nominal times differ a little between slices."""
    planes = []
    for place in range(4):
        for phase in range(5):
            time = 40.0 * phase + 0.5 * place
            planes += make_planes([place], first=1 + 5 * place + phase, trigger_time=time)
    stack = stack_of(planes)
    assert stack.shape == (5, 4)
    assert stack.axes == ("trigger_time",)
    assert stack.coords["trigger_time"] == [0.0, 40.0, 80.0, 120.0, 160.0]


DIMENSIONS = SERIES._replace(
    dimension_names=("temporal_position_index", "diffusion_b_value"), frame_of_reference="1.9"
)


def test_dimension_indices_order_frames() -> None:
    """Frames of one file, in any order, with one Instance Number."""
    planes = []
    rng = np.random.default_rng(3)
    frames = rng.permutation(24).tolist()
    for k, plane in enumerate(make_volumes(6, 4, of_volume={}, identity=DIMENSIONS)):
        volume = k // 4
        planes.append(
            plane._replace(
                source=1, sop_uid="1.2", frame=frames[k], instance_number=1,
                dimension_index=(1 + volume // 3, 1 + volume % 3),
            )
        )  # fmt: skip
    stack = stack_of(planes)
    assert stack.shape == (6, 4)
    assert not stack.codes
    assert stack.axes == ("temporal_position_index",)
    assert stack.coords == {
        "temporal_position_index": [1, 1, 1, 2, 2, 2],
        "diffusion_b_value": [1, 2, 3, 1, 2, 3],
    }


def test_private_dimensions() -> None:
    """An index whose pointer has no name is an axis all the same."""
    identity = SERIES._replace(dimension_names=("",))
    planes = make_volumes(
        3, 4, of_volume={"dimension_index": lambda v: (v + 1,)}, identity=identity
    )
    assert stack_of(planes).axes == ("dimension_index",)


def test_concatenated_files() -> None:
    """Frames of several files: temporal positions go on from file to file."""
    planes = []
    for k, plane in enumerate(make_volumes(6, 4, of_volume={"temporal_position": lambda v: v})):
        file, frame = divmod(k, 7)
        planes.append(plane._replace(source=file, sop_uid=f"1.2.{file}", frame=frame))
    stack = stack_of(planes)
    assert stack.shape == (6, 4)
    assert stack.coords["temporal_position"] == list(range(6))


@pytest.mark.parametrize("name", ["b_value", "temporal_position", "acquisition_number"])
def test_what_differs_within_a_volume_is_a_warning(name: str) -> None:
    """At one place 0 and 1, at another 0 and 2."""
    first: dict[str, Any] = {name: 0}
    second: dict[str, Any] = {name: lambda k: 1 + k % 2}
    planes = make_planes(4, **first) + make_planes(4, first=5, **second)
    stack = stack_of(planes)
    assert stack.shape == (2, 4)
    assert stack.codes == {"mixed"}


INTERRUPTED: dict[str, dict[str, Callable[[int], Any]]] = {
    name: of_volume for name, of_volume in ORDERED.items() if name not in ("kvp", "kernel")
}


@pytest.mark.parametrize("name", INTERRUPTED)
@every("rule", NUMBERED)
def test_last_volume_interrupted(name: str, rule: str) -> None:
    planes = numbered(3, 4, INTERRUPTED[name], rule)[:-2]
    stack = stack_of(planes, same_pixels=lambda one, other: False)
    assert stack.shape == (3, 4)
    assert stack.codes == {"incomplete"}
    assert stack.complete == (0, 1)
    assert stack.each(name)[2] == [INTERRUPTED[name][name](2)] * 2 + [None] * 2
    assert stack.axes == (name,)
    assert stack.kind == "grid"
    assert "1 of 3 volumes" in stack.text("incomplete")


@pytest.mark.parametrize("lost", [[5], [0], [4, 9], [2, 3, 4]])
def test_planes_lost_in_the_middle(lost: list[int]) -> None:
    planes = numbered(4, 4, ORDERED["temporal_position"], "by volume")
    stack = stack_of([plane for k, plane in enumerate(planes) if k not in lost])
    assert stack.codes == {"incomplete"}
    assert stack.complete == tuple(v for v in range(4) if not {k // 4 for k in lost} & {v})


@pytest.mark.parametrize("start", [0, 1, 101])
@pytest.mark.parametrize("kept", [[*range(14)], [*range(6), *range(7, 16)]])
def test_interrupted_with_instance_numbers_alone(kept: list[int], start: int) -> None:
    """They count the slices in the same order each time."""
    planes = numbered(4, 4, {}, "reversed slices")
    planes = [
        planes[k]._replace(instance_number=start + int(planes[k].instance_number or 0))
        for k in kept
    ]
    stack = stack_of(planes, same_pixels=lambda one, other: False)
    assert stack.codes == {"incomplete"}
    assert stack.shape == (4, 4)
    assert len(stack.complete) == 3


def test_an_interrupted_scan_with_huge_instance_numbers() -> None:
    """They are not exact as floats: no place is told by them."""
    planes = numbered(4, 4, {}, "by volume")[:-1]
    planes = [p._replace(instance_number=2**60 + (p.instance_number or 0)) for p in planes]
    assert "uneven" in stack_of(planes).codes


UNEVEN: dict[str, Callable[[Plane, int], Plane]] = {
    "nothing tells": lambda plane, k: plane._replace(instance_number=None),
    "numbers by slice": lambda plane, k: plane._replace(instance_number=3 * (k % 4) + k // 4),
    "a time for each": lambda plane, k: plane._replace(
        instance_number=None, acquisition_time=f"1200{(7 * k) % 16:02}"
    ),
}


@pytest.mark.parametrize("change", UNEVEN.values(), ids=UNEVEN)
def test_uneven(change: Callable[[Plane, int], Plane]) -> None:
    planes = [change(plane, k) for k, plane in enumerate(make_volumes(3, 4, of_volume={}))]
    del planes[5]
    stack = stack_of(planes, same_pixels=lambda one, other: False)
    assert "uneven" in stack.codes
    assert stack.complete == ()
    assert stack.shape == (3, 4)
    assert "hold 2 to 3 planes" in stack.text("uneven")


def test_one_place_with_one_plane_too_many() -> None:
    planes = [*make_planes(4), *make_planes([2], first=5)]
    assert "uneven" in stack_of(planes).codes
    planes = [*make_planes(4, acquisition_number=1), *make_planes([2], first=5)]
    assert stack_of(planes).complete == (0,)


def test_many_planes_at_one_of_many_places() -> None:
    """No matrix of places and repeats is made, which would be the square of the planes."""
    planes = make_planes([*range(100), *[7] * 100], instance_number=None)
    stack = stack_of(planes, shuffles=2)
    assert "uneven" in stack.codes
    assert stack.shape == (1, 200)
    assert stack.kind == "irregular"
    assert stack.affine is None
    planes = make_planes([*range(100), *[7] * 100], acquisition_number=lambda k: max(0, k - 99))
    assert stack_of(planes, shuffles=2).shape == (1, 200)


def test_a_single_place_that_repeats() -> None:
    """One slice over time."""
    stack = stack_of(make_volumes(5, 1, of_volume={"temporal_position": lambda v: v}))
    assert stack.shape == (5, 1)
    assert stack.kind == "single_slice"
    assert stack.axes == ("temporal_position",)


def test_mosaics_are_volumes() -> None:
    """A file is a volume: its planes are tiles, and share the header."""
    planes = []
    for k, plane in enumerate(
        make_volumes(3, 4, of_volume={"acquisition_time": lambda v: f"12{v}"})
    ):
        volume, tile = divmod(k, 4)
        planes.append(
            plane._replace(
                source=volume, sop_uid=f"1.2.{volume}", instance_number=volume + 1,
                tile=Tile(64 * (tile // 2), 48 * (tile % 2)),
            )
        )  # fmt: skip
    stack = stack_of(planes)
    assert stack.shape == (3, 4)
    assert stack.axes == ("acquisition_time",)
    assert stack.each("source") == [[p.source for p in row if p] for row in stack.planes]
    assert not stack.codes


@pytest.mark.parametrize("total", [2, None])
@pytest.mark.parametrize("there", [(1,), (2,), (1, 2)])
def test_a_concatenation_that_lacks_a_file_is_incomplete(
    total: int | None, there: tuple[int, ...]
) -> None:
    """PS3.3 C.7.6.16.2.2.4: the number of files may be left out; their numbers begin with 1."""
    planes = [
        plane._replace(source=k // 3, part=Part("1.2.3", k // 3 + 1, total))
        for k, plane in enumerate(make_planes(6))
    ]
    some = [plane for plane in planes if plane.part and plane.part.number in there]
    (arrangement,) = group_planes(some)
    knows = total == 2 or there == (2,)
    is_whole = there == (1, 2) or not knows
    codes = [finding.code for finding in arrangement.findings]
    assert codes == ([] if is_whole else ["incomplete"])
    assert arrangement.complete == ((0,) if is_whole else ())
