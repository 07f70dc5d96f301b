"""Files that were copied, sent again under a new UID, or hold other pixels under one UID."""

from __future__ import annotations

from typing import Any

import pytest
from support.planes import SERIES, make_planes, make_volumes, stack_of, stacks_of

from fastpix.series.plane import Plane


def same(one: Plane, other: Plane) -> bool:
    return True


def different(one: Plane, other: Plane) -> bool:
    return False


def copied(plane: Plane, **changes: Any) -> Plane:
    """Return a plane of another file, with the same SOP Instance UID."""
    return plane._replace(**{"source": plane.source + 100, **changes})


def sent_again(plane: Plane, **changes: Any) -> Plane:
    uid = f"{plane.sop_uid}.9"
    return plane._replace(**{"source": plane.source + 100, "sop_uid": uid, **changes})


@pytest.mark.parametrize("same_pixels", [None, same])
@pytest.mark.parametrize("which", [[0], [2], [1, 3], [0, 1, 2, 3, 4], [2, 2]])
def test_files_that_were_copied_are_left_out(which: list[int], same_pixels: Any) -> None:
    planes = make_planes(5)
    copies = [copied(planes[k], source=100 + n) for n, k in enumerate(which)]
    stack = stack_of(planes + copies, same_pixels=same_pixels)
    assert stack.shape == (1, 5)
    assert stack.codes == {"duplicates"}
    assert len(stack.dropped) == len(which)
    assert ("not compared" in stack.text("duplicates")) == (same_pixels is None)
    assert not stack.findings[0].is_warning


def test_a_multi_frame_file_that_was_copied() -> None:
    planes = [p._replace(source=1, sop_uid="1.2", frame=k) for k, p in enumerate(make_planes(5))]
    stack = stack_of(planes + [copied(plane) for plane in planes], same_pixels=same)
    assert stack.shape == (1, 5)
    assert len(stack.dropped) == 5


def test_a_copy_with_fewer_digits() -> None:
    planes = make_planes(5)
    x, y, z = planes[2].position or (0.0, 0.0, 0.0)
    copy = copied(planes[2], position=(round(x, 4), round(y, 4), round(z, 4)))
    assert stack_of([*planes, copy], same_pixels=same).codes == {"duplicates"}


def test_a_copied_file_of_several_stacks() -> None:
    """Each stack drops its own copies, and those without say nothing of it."""
    planes = make_volumes(2, 4, of_volume={"echo_time": lambda v: 5.0 + v})
    copies = [copied(plane) for plane in planes[1:3]]
    first, second = stacks_of(planes + copies, same_pixels=same)
    assert len(first.dropped) == 2
    assert first.codes == {"duplicates"}
    assert not second.dropped
    assert not second.codes


def test_one_uid_with_other_pixels_is_a_conflict() -> None:
    planes = make_planes(5)
    stack = stack_of([*planes, copied(planes[2])], same_pixels=different)
    assert stack.shape == (1, 5)
    assert stack.codes == {"sop_conflict"}
    assert stack.findings[0].is_refused
    assert "1 plane" in stack.text("sop_conflict")


@pytest.mark.parametrize("same_pixels", [None, same, different])
def test_one_uid_at_two_places_is_a_conflict(same_pixels: Any) -> None:
    """As an anonymiser leaves it that writes one UID into all files."""
    planes = [plane._replace(sop_uid="1.2") for plane in make_planes(5)]
    stack = stack_of(planes, shuffles=1, same_pixels=same_pixels)
    assert stack.shape == (1, 5)
    assert stack.codes == {"sop_conflict"}


def test_one_uid_in_two_stacks_is_a_conflict_of_both() -> None:
    planes = make_planes(4)
    other = make_planes(4, first=5, identity=SERIES._replace(rows=65))
    other[0] = other[0]._replace(sop_uid=planes[0].sop_uid)
    assert [s.codes for s in stacks_of(planes + other)] == [{"sop_conflict"}] * 2


def test_one_uid_in_two_series_is_none() -> None:
    """A study and its copy under other series UIDs."""
    planes = make_planes(4)
    copy = [p._replace(identity=SERIES._replace(series_uid="1.3")) for p in make_planes(4)]
    assert [s.codes for s in stacks_of(planes + copy)] == [set()] * 2


def test_files_without_uid_are_not_one_instance() -> None:
    planes = [plane._replace(sop_uid="") for plane in make_planes(5)]
    assert stack_of(planes, shuffles=1).codes == set()


@pytest.mark.parametrize("changes", [{}, {"instance_number": 77}, {"content_time": "1300"}])
@pytest.mark.parametrize("which", [[1], [0, 3]])
def test_planes_sent_again_are_left_out(which: list[int], changes: dict[str, Any]) -> None:
    planes = make_planes(5, content_time="1200")
    again = [sent_again(planes[k], **changes) for k in which]
    stack = stack_of(planes + again, same_pixels=same)
    assert stack.shape == (1, 5)
    assert stack.codes == {"duplicates"}
    assert len(stack.dropped) == len(which)


def test_planes_of_an_interrupted_scan_sent_again() -> None:
    planes = make_volumes(3, 4, of_volume={"temporal_position": lambda v: v})[:-1]
    stack = stack_of([*planes, sent_again(planes[5])], same_pixels=same)
    assert stack.shape == (3, 4)
    assert stack.codes == {"duplicates", "incomplete"}
    assert stack.complete == (0, 1)


def test_a_series_sent_again_whole() -> None:
    planes = make_planes(5)
    stack = stack_of(planes + [sent_again(plane) for plane in planes], same_pixels=same)
    assert stack.shape == (1, 5)
    assert stack.codes == {"duplicates"}
    assert len(stack.dropped) == 5


def test_without_pixels_repeats_are_kept_and_said() -> None:
    planes = make_planes(5)
    stack = stack_of([*planes, sent_again(planes[1])])
    assert stack.codes == {"not_compared", "uneven"}
    stack = stack_of(planes + [sent_again(plane) for plane in planes])
    assert stack.shape == (2, 5)
    assert stack.codes == {"not_compared", "mixed"}


def test_planes_alike_with_other_pixels_are_uneven() -> None:
    planes = make_planes(5)
    stack = stack_of([*planes, sent_again(planes[1])], same_pixels=different)
    assert stack.codes == {"uneven"}
    assert not stack.dropped


def test_empty_slices_of_several_volumes_are_no_repeats() -> None:
    """Equal pixels, as of air, but times that differ."""
    planes = make_volumes(3, 4, of_volume={"acquisition_time": lambda v: f"12000{v}"})[:-1]
    stack = stack_of(planes, same_pixels=same)
    assert stack.codes == {"incomplete"}
    assert not stack.dropped


def test_pixels_are_compared_for_seeming_repeats_alone() -> None:
    asked: list[set[str]] = []

    def compare(one: Plane, other: Plane) -> bool:
        asked.append({one.sop_uid, other.sop_uid})
        return True

    planes = make_volumes(40, 4, of_volume={"temporal_position": lambda v: v})
    stack_of([*planes, sent_again(planes[9])], shuffles=1, same_pixels=compare)
    assert asked == [{planes[9].sop_uid, f"{planes[9].sop_uid}.9"}]
    asked.clear()
    stack_of(planes, shuffles=1, same_pixels=compare)
    assert not asked


def test_no_more_than_a_few_planes_of_a_place_are_compared() -> None:
    """250 volumes that only Instance Number tells apart would be 30,000 pairs a place."""
    planes = make_volumes(40, 2, of_volume={})[:-1]
    stack_of(planes, shuffles=1, same_pixels=lambda one, other: pytest.fail("compared"))
