"""Grids: the affine through the slices, tilts, gaps, and what is said of spacing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from support.planes import (
    AXIAL,
    OBLIQUE,
    ORIGIN,
    SPACING,
    make_planes,
    make_volumes,
    normal_of,
    stack_of,
)

from fastpix.series.clusters import clusters_of

ORIENTATIONS = {"oblique": OBLIQUE, "axial": AXIAL}


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS)
@pytest.mark.parametrize("gap", [0.003, 0.6, 3.3, 12.0])
@pytest.mark.parametrize("slices", [2, 3, 40])
def test_affine(orientation: Sequence[float], gap: float, slices: int) -> None:
    """PS3.3 C.7.6.2.1.1: a step of a row follows the second direction, with the first spacing."""
    stack = stack_of(make_planes(slices, gap=gap, orientation=orientation))
    expected = np.eye(4)
    expected[:3, 0] = gap * normal_of(orientation)
    expected[:3, 1] = SPACING[0] * np.array(orientation[3:])
    expected[:3, 2] = SPACING[1] * np.array(orientation[:3])
    expected[:3, 3] = ORIGIN
    assert stack.affine is not None
    np.testing.assert_allclose(stack.affine, expected, atol=1e-9)
    assert stack.kind == "grid"
    assert not stack.findings
    assert stack.complete == (0,)


def test_the_origin_is_that_of_the_first_slice_to_the_last_bit() -> None:
    planes = make_volumes(3, 4, of_volume={"temporal_position": lambda volume: volume})
    stack = stack_of(planes)
    assert stack.affine is not None
    assert tuple(stack.affine[:3, 3]) == stack.each("position")[0][0]


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS)
@pytest.mark.parametrize("degrees", [-30.0, -0.5, 0.5, 12.0])
def test_tilt(orientation: Sequence[float], degrees: float) -> None:
    """The slice column is the step between origins, not its part along the normal."""
    drift = (0.0, float(np.tan(np.radians(degrees))))
    planes = make_planes(20, gap=5.0, orientation=orientation, drift=drift)
    stack = stack_of(planes)
    assert stack.kind == "sheared"
    assert stack.codes == {"tilt"}
    assert f"{abs(degrees):.3g} degrees" in stack.text("tilt")
    first, last = np.array(planes[0].position), np.array(planes[-1].position)
    assert stack.affine is not None
    np.testing.assert_allclose(stack.affine[:3, 0], (last - first) / 19, atol=1e-12)


@pytest.mark.parametrize("digits", [1, 2, 3, 6])
@pytest.mark.parametrize("slices", [2, 3, 12, 100])
def test_rounded_positions_are_no_tilt(digits: int, slices: int) -> None:
    stack = stack_of(make_planes(slices, gap=4.0, digits=digits))
    assert stack.kind == "grid"
    assert stack.codes <= {"rounded_positions"}


def test_rounded_cosines_are_no_tilt() -> None:
    a, b, c, d, e, f = (round(cosine, 3) for cosine in OBLIQUE)
    planes = [plane._replace(orientation=(a, b, c, d, e, f)) for plane in make_planes(50)]
    assert stack_of(planes).kind == "grid"


def test_rounded_positions_are_noted() -> None:
    stack = stack_of(make_planes(30, gap=0.7, orientation=AXIAL, digits=2, origin=(0, 0, 0.003)))
    assert not stack.codes
    stack = stack_of(make_planes(30, gap=1.25, orientation=AXIAL, digits=1))
    assert stack.codes == {"rounded_positions"}
    assert not stack.findings[0].is_warning


MISSING: dict[str, tuple[list[float], int]] = {
    "one": ([0, 1, 2, 4, 5, 6], 7),
    "the second of few": ([0, 2, 3, 4], 5),
    "one before the last": ([0, 1, 2, 3, 5], 6),
    "several at one place": ([0, 1, 2, 3, 7, 8, 9, 10], 11),
    "at several places": ([0, 1, 3, 4, 5, 6, 9, 10, 11, 13], 14),
    "a long gap": ([0, 1, 2, 150, 151, 152], 153),
}


@pytest.mark.parametrize("drift", [(0.0, 0.0), (0.1, -0.2)], ids=["straight", "tilted"])
@pytest.mark.parametrize(("depths", "count"), MISSING.values(), ids=MISSING)
def test_missing_slices(depths: list[float], count: int, drift: tuple[float, float]) -> None:
    """The affine is that of the true grid, on which the places are marked."""
    planes = make_planes(depths, gap=2.5, drift=drift)
    stack = stack_of(planes)
    assert stack.codes - {"tilt"} == {"missing_slices"}
    assert stack.kind == ("sheared" if any(drift) else "grid")
    assert stack.shape == (1, count)
    assert [k for k, plane in enumerate(stack.planes[0]) if plane] == depths
    assert stack.affine is not None
    assert stack.affine[:3, 0] @ normal_of() == pytest.approx(2.5)
    assert stack.complete == (0,)
    assert f"{count - len(depths)} slice" in stack.text("missing_slices")


def test_missing_slices_of_several_volumes() -> None:
    planes = [
        plane
        for k, plane in enumerate(make_volumes(3, 6, of_volume={"temporal_position": lambda v: v}))
        if k % 6 != 2
    ]
    stack = stack_of(planes)
    assert stack.shape == (3, 6)
    assert stack.codes == {"missing_slices"}
    assert stack.complete == (0, 1, 2)


def test_missing_slices_with_rounded_positions() -> None:
    stack = stack_of(make_planes([0, 1, 2, 3, 6, 7], gap=3.0, digits=1))
    assert stack.codes == {"missing_slices", "rounded_positions"}
    assert stack.shape == (1, 8)


def test_missing_slices_with_positions_rounded_to_a_twelfth_of_the_gap() -> None:
    """A gap of two slices is 2.5 mm, the median 1.3 mm."""
    planes = make_planes([0, 1, 2, 3, 4, 6, 7, 9], gap=1.25, orientation=AXIAL, digits=1)
    assert stack_of(planes).codes == {"missing_slices", "rounded_positions"}


@pytest.mark.parametrize("name", ["between", "thickness"])
def test_every_other_slice_missing(name: str) -> None:
    """The median gap is two slices: Spacing Between Slices or Slice Thickness tells."""
    own: dict[str, Any] = {"thickness": None, name: 2.0}
    stack = stack_of(make_planes([0, 1, 3, 5, 7], gap=2.0, **own))
    assert stack.shape == (1, 8)
    assert stack.codes == {"missing_slices"}


IRREGULAR: dict[str, list[float]] = {
    "one off by a fifth": [0, 1, 2.2, 3, 4],
    "one off by a sixteenth": [0, 1, 2.06, 3, 4],
    "half a gap": [0, 1, 1.5, 2.5, 3.5],
    "growing": [0, 1, 2.1, 3.3, 4.6],
    "two spacings": [0, 1, 2, 3, 4.5, 6, 7.5],
    "far beyond": [0, 1, 2, 1e7],
}


@pytest.mark.parametrize("depths", IRREGULAR.values(), ids=IRREGULAR)
def test_irregular(depths: list[float]) -> None:
    stack = stack_of(make_planes(depths))
    assert stack.codes == {"irregular"}
    assert stack.kind == "irregular"
    assert stack.affine is None
    assert stack.shape == (1, len(depths))


def test_gaps_are_irregular_where_thickness_varies() -> None:
    planes = make_planes([0, 1, 2, 4, 6], thickness=lambda k: 3.0 if k < 3 else 6.0)
    assert stack_of(planes).codes == {"irregular"}


def test_origins_off_a_line_are_irregular() -> None:
    planes = make_planes(6)
    shift = 0.3 * np.array(OBLIQUE[:3])
    moved = tuple((np.array(planes[2].position) + shift).tolist())
    planes[2] = planes[2]._replace(position=moved)
    stack = stack_of(planes)
    assert stack.codes == {"irregular"}
    assert "0.3 mm off a line" in stack.text("irregular")


@pytest.mark.parametrize("tolerance", [0.01, 0.2])
def test_tolerance(tolerance: float) -> None:
    depths = [0, 1, 2 + 0.9 * tolerance, 3, 4]
    assert stack_of(make_planes(depths), tolerance=tolerance).kind == "grid"
    depths[2] = 2 + 1.1 * tolerance
    assert stack_of(make_planes(depths), tolerance=tolerance).kind == "irregular"


SINGLE: dict[str, tuple[dict[str, Any], float]] = {
    "between": ({"between": 4.0, "thickness": 3.0}, 4.0),
    "negative": ({"between": -4.0, "thickness": 3.0}, 4.0),
    "zero": ({"between": 0.0, "thickness": 3.0}, 3.0),
    "thickness": ({"between": None, "thickness": 3.0}, 3.0),
}


@pytest.mark.parametrize(("own", "width"), SINGLE.values(), ids=SINGLE)
def test_single_slice(own: dict[str, Any], width: float) -> None:
    """Its axis is the cross product of row and column."""
    stack = stack_of(make_planes(1, **own))
    assert stack.kind == "single_slice"
    assert stack.codes == {"single_slice"}
    assert stack.affine is not None
    np.testing.assert_allclose(stack.affine[:3, 0], width * normal_of())
    assert not stack.findings[0].is_warning


@pytest.mark.parametrize("own", [{}, {"between": 0.0}])
def test_single_slice_without_any_width(own: dict[str, Any]) -> None:
    stack = stack_of(make_planes(1, **{"thickness": None, **own}))
    assert stack.affine is not None
    assert np.isnan(stack.affine[:3, 0]).all()
    assert np.isfinite(stack.affine[:, 1:]).all()
    assert stack.codes == {"single_slice", "no_thickness"}
    assert next(f for f in stack.findings if f.code == "no_thickness").is_warning


@pytest.mark.parametrize("between", [-3.0, 1.0, 0.0, 3.3])
def test_spacing_between_slices_that_contradicts_positions(between: float) -> None:
    """Positions count."""
    stack = stack_of(make_planes(5, between=between))
    assert stack.codes == {"spacing_between_slices"}
    assert not stack.findings[0].is_warning
    assert f"{between:.4g} mm" in stack.findings[0].text
    assert stack.affine is not None
    assert stack.affine[:3, 0] @ normal_of() == pytest.approx(3.0)


@pytest.mark.parametrize("between", [3.0, 3.01])
def test_spacing_between_slices_that_fits(between: float) -> None:
    assert not stack_of(make_planes(5, between=between)).codes
    assert stack_of(make_planes([0, 1, 3], between=between)).codes == {"missing_slices"}


def test_spacing_between_slices_along_a_tilt() -> None:
    """Some write the distance along the normal, some that of the origins."""
    for between in (5.0, 5.0 * np.hypot(1, 0.4)):
        stack = stack_of(make_planes(5, gap=5.0, drift=(0.0, 0.4), between=between))
        assert stack.codes == {"tilt"}


def test_detector_spacing_is_a_warning() -> None:
    stack = stack_of(make_planes(5, is_detector_spacing=True))
    assert stack.codes == {"detector_plane"}
    assert stack.affine is not None
    assert stack.findings[0].is_warning


def test_no_pixel_spacing() -> None:
    """Slices have an order, and no affine."""
    stack = stack_of(make_planes([2, 0, 1], spacing=None))
    assert stack.kind == "no_geometry"
    assert stack.affine is None
    assert stack.codes == {"no_geometry"}
    assert stack.each("instance_number") == [[2, 3, 1]]


@pytest.mark.parametrize("noise", [0.0005, 0.009])
def test_positions_at_one_place_that_differ_by_noise(noise: float) -> None:
    planes = make_planes(5)
    for volume in range(1, 4):
        shifted = [k + noise * volume / 3 / 3.0 for k in range(5)]
        planes += make_planes(shifted, first=1 + 5 * volume)
    stack = stack_of(planes)
    assert stack.shape == (4, 5)
    assert stack.kind == "grid"


def test_thin_slices_are_not_at_one_place() -> None:
    """Micro-CT of 4 um, and a microscope of half a micrometre."""
    depths = [*range(20), *range(80, 100)]
    stack = stack_of(make_planes(depths, gap=0.004, spacing=(0.004, 0.004)))
    assert stack.shape == (1, 100)
    assert stack_of(make_planes(30, gap=0.0005, spacing=(0.0003, 0.0003))).shape == (1, 30)


def test_thin_slices_of_wide_pixels_are_not_at_one_place() -> None:
    assert stack_of(make_planes(30, gap=0.005)).shape == (1, 30)


@pytest.mark.parametrize("seed", range(3))
def test_clusters_hold_no_points_further_apart_than_the_tolerance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 0.02, (300, 3))
    labels = clusters_of(points, 1e-3)
    for label in np.unique(labels):
        assert np.ptp(points[labels == label], axis=0).max() < 1e-3
    order = rng.permutation(300)
    assert (clusters_of(points[order], 1e-3) == labels[order]).all()


def test_clusters_of_a_chain_whose_end_rounds_onto_the_tolerance() -> None:
    """In floats, the last less the first is 1e-3, but the first and 1e-3 are beyond the last."""
    first, last = -2.4962556165751375e-05, 0.0009750374438342485
    assert last - first >= 1e-3
    assert first + 1e-3 > last
    points = np.array([[first], [0.0004], [last]])
    assert clusters_of(points, 1e-3).tolist() == [0, 0, 1]
    assert (clusters_of(np.empty((0, 2)), 1.0) == np.empty(0)).all()
