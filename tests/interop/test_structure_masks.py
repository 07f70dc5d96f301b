"""Structure sets as masks, beside the plain rule at each voxel: inside an odd number, or on a line.

Corners lie on eighths of voxels, so that the rule is computed in whole numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from support.builders import encode, make_item
from support.label_files import contour, image_uid, structure_set
from support.libraries import library
from support.series_files import FRAME, GAP, ROOT, affine_of, slice_dataset, write_slices

import fastpix
from fastpix.errors import (
    ArgumentError,
    HeaderWarning,
    LabelMismatchError,
    PixelDataError,
    PixelHeaderError,
)
from fastpix.interop.masks import Masks, read_masks
from fastpix.series.volume import Volume

library("skimage")

from fastpix.interop.masks.contour_filling import fill_outlines  # noqa: E402

SHAPE = (5, 40, 30)
AFFINE = affine_of()
SAGITTAL = np.array([[3.0, 0, 0, -40], [0, 0, 0.8, -100], [0, -0.9, 0, 300], [0, 0, 0, 1]])
LEFT_HANDED = AFFINE @ np.diag([-1, 1, 1, 1])
GRIDS = {
    "oblique": AFFINE,
    "sagittal": SAGITTAL,
    "left-handed": LEFT_HANDED,
    "tilted gantry": affine_of(drift=0.6),
}
EIGHTHS = 8

Corners = Sequence[tuple[int, int]]
"""Rows and columns, in eighths of voxels."""


def a_volume(affine: Any = AFFINE, shape: tuple[int, ...] = SHAPE, **facts: Any) -> Volume:
    facts = {"frame_of_reference": FRAME} | facts
    return Volume(np.zeros(shape, np.int16), affine, **facts)


def read(made: Dataset, volume: Volume, **keywords: Any) -> Masks:
    return read_masks(encode(made), volume, **keywords)


def at(affine: NDArray[np.float64], k: float, corners: Any) -> NDArray[np.float64]:
    """Return corners on slice `k` in millimetres."""
    corners = np.asarray(corners, np.float64) / EIGHTHS
    indices = np.column_stack([np.full(len(corners), k), corners])
    return np.asarray(indices @ affine[:3, :3].T + affine[:3, 3])


def on(k: float, corners: Any, kind: str = "CLOSED_PLANAR", **more: Any) -> Dataset:
    """Return a contour on a slice of the oblique grid."""
    return contour(at(AFFINE, k, corners), kind, **more)


def place_of(row: int, column: int, corners: Corners) -> tuple[bool, bool]:
    """Return whether a point is inside a polygon, by the crossings of a ray, and on its line.

    A line that goes there and back is none: it has the same on both sides.
    """
    inside, lines = False, 0
    for (r0, c0), (r1, c1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        side = (r1 - r0) * (column - c0) - (c1 - c0) * (row - r0)
        if side == 0 and min(r0, r1) <= row <= max(r0, r1) and min(c0, c1) <= column <= max(c0, c1):
            lines += 1
        elif (r0 > row) != (r1 > row) and (side > 0) == (r1 > r0):
            inside = not inside
    if (row, column) in corners or lines % 2:
        return False, True
    return inside, False


def filled(shape: tuple[int, int], outlines: Sequence[Corners]) -> NDArray[np.bool_]:
    plane = np.zeros(shape, bool)
    for row, column in np.ndindex(shape):
        found = [place_of(EIGHTHS * row, EIGHTHS * column, corners) for corners in outlines]
        is_odd = sum(inside for inside, _ in found) % 2 == 1
        plane[row, column] = is_odd or any(on_line for _, on_line in found)
    return plane


def random_corners(made: np.random.Generator, step: int = 1) -> Corners:
    """Return a polygon within the slice, on multiples of a step.

    It may cross itself, but not on a centre, where either answer would do.
    """
    count = int(made.integers(3, 12)) if step < EIGHTHS else 3
    most = ((SHAPE[1] - 1) * EIGHTHS // step, (SHAPE[2] - 1) * EIGHTHS // step)
    return [(int(r), int(c)) for r, c in made.integers(0, np.array(most) + 1, (count, 2)) * step]


SQUARE: Corners = [(20, 20), (20, 140), (180, 140), (180, 20)]
INNER: Corners = [(60, 60), (60, 100), (120, 100), (120, 60)]


def test_the_rule_itself() -> None:
    """A square of 2.5 to 22.5 rows has 20 of them."""
    plane = filled((40, 30), [SQUARE])
    assert plane.sum() == 20 * 15
    assert plane[3:23, 3:18].all()
    spike = [*SQUARE, SQUARE[0], (20, 0), SQUARE[0]]
    assert np.array_equal(filled((40, 30), [spike]), plane)
    on_corners = filled((40, 30), [[(16, 16), (16, 32), (32, 32), (32, 16)]])
    assert on_corners.sum() == 3 * 3


# Filling


@pytest.mark.parametrize("step", [1, 3, 4, 8])
def test_filling_is_exact(step: int) -> None:
    """Steps of 4 and 8 put corners and lines on centres."""
    made = np.random.default_rng(step)
    for _ in range(10):
        outlines = [random_corners(made, step) for _ in range(int(made.integers(1, 4)))]
        plane = np.zeros(SHAPE[1:], bool)
        fill_outlines(plane, [np.array(corners) / EIGHTHS for corners in outlines])
        assert np.array_equal(plane, filled((SHAPE[1], SHAPE[2]), outlines))


def test_many_corners_change_nothing() -> None:
    """Rows are tested against the corners near them alone, with the same answer."""
    from skimage.measure import grid_points_in_poly

    made = np.random.default_rng(3)
    turns = np.linspace(0, 2 * np.pi, 900, endpoint=False)
    for _ in range(4):
        radius = 30 + 8 * np.cos(turns * int(made.integers(3, 30))) + made.random(900) * 3
        outline = 48 + radius[:, None] * np.column_stack([np.sin(turns), np.cos(turns)])
        outline = np.round(outline, 2)
        plane = np.zeros((97, 97), bool)
        fill_outlines(plane, [outline])
        assert np.array_equal(plane, grid_points_in_poly((97, 97), outline, binarize=False) > 0)
        assert plane.sum() > 1000


def test_corners_that_just_miss_centres() -> None:
    """As programs write them that draw through centres, and compute in float32."""
    diamond = np.array([[2, 8], [8, 14], [14, 8], [8, 2]], np.float64)
    missed = diamond + 2e-4 * np.array([[1, 1], [-1, -1], [-1, 1], [1, 1]])
    exact, close, apart = np.zeros((3, 20, 20), bool)
    fill_outlines(exact, [diamond])
    fill_outlines(close, [missed])
    fill_outlines(apart, [diamond + 20 * (missed - diamond)])
    assert exact.sum() == 85
    assert np.array_equal(close, exact)
    assert apart.sum() < exact.sum()


def test_outlines_past_the_edge_fill_what_is_there() -> None:
    plane = np.zeros((6, 5), bool)
    fill_outlines(plane, [np.array([[-3, -3], [-3, 2.5], [2.5, 2.5], [2.5, -3]])])
    assert np.argwhere(plane).max(axis=0).tolist() == [2, 2]
    assert plane.sum() == 9
    fill_outlines(plane, [np.array([[10, 10], [10, 12], [12, 11.0]])])
    assert plane.sum() == 9


# Structure sets


@pytest.mark.parametrize("name", GRIDS)
def test_any_grid(name: str) -> None:
    affine = GRIDS[name]
    made = np.random.default_rng(len(name))
    wanted = np.zeros((2, *SHAPE), bool)
    contours: list[list[Dataset]] = [[], []]
    for roi in range(2):
        for k in (0, 1 + roi, 2 + roi, 4):
            outlines = [random_corners(made, 2) for _ in range(1 + roi)]
            wanted[roi, k] = filled((SHAPE[1], SHAPE[2]), outlines)
            contours[roi] += [contour(at(affine, k, corners)) for corners in outlines]
    label = structure_set({"one": contours[0], "two": contours[1]})
    found = read(label, a_volume(affine))
    assert (found.names, found.numbers) == (("one", "two"), (11, 12))
    assert np.array_equal(found.array, wanted)
    assert np.array_equal(found.affine, affine)


def test_a_hole() -> None:
    outlines = [SQUARE, INNER, [(72, 72), (72, 88), (88, 80)]]  # and an island in it
    wanted = filled((SHAPE[1], SHAPE[2]), outlines)
    assert not wanted[8, 12]
    assert wanted[10, 10]
    for kind in ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR"):
        label = structure_set({"ring": [on(2, corners, kind) for corners in outlines]})
        assert np.array_equal(read(label, a_volume())["ring"][2], wanted)


def test_a_keyhole() -> None:
    """One contour goes to the hole, around it and back on the same line (PS3.3 C.8.8.6.3)."""
    keyhole = [*SQUARE, SQUARE[0], INNER[0], INNER[3], INNER[2], INNER[1], INNER[0]]
    found = read(structure_set({"ring": [on(2, keyhole)]}), a_volume())
    assert np.array_equal(found["ring"][2], filled((SHAPE[1], SHAPE[2]), [SQUARE, INNER]))
    assert not found["ring"][2, 11, 10]


def test_a_contour_that_comes_twice_is_read_once() -> None:
    label = structure_set({"a": [on(1, SQUARE), on(1, SQUARE)]})
    with pytest.warns(HeaderWarning, match="ROI 11: a contour comes twice"):
        found = read(label, a_volume())
    assert found.array.sum() == 20 * 15


def test_slices_without_contours() -> None:
    found = read(structure_set({"a": [on(0, SQUARE), on(3, SQUARE)]}), a_volume())
    assert found.array[0].any(axis=(1, 2)).tolist() == [True, False, False, True, False]
    assert [note.text for note in found.notes] == [
        "ROI 11 has no contour on 2 slices between its first and its last: False there"
    ]


def test_contours_that_enclose_nothing() -> None:
    regions = {
        "body": [on(1, SQUARE), on(1, SQUARE[:2]), on(1, SQUARE[:1], "POINT")],
        "isocentre": [on(1.3, SQUARE[:1], "POINT")],
        "wire": [on(1, SQUARE, "OPEN_PLANAR"), on(1, SQUARE, "JOHN_DOE")],
        "nothing": [],
    }
    found = read(structure_set(regions), a_volume())
    assert found.names == ("body",)
    assert {note.text for note in found.notes} == {
        "ROI 11: 1 contour of less than 3 points, which enclose nothing: left out",
        "ROI 11: 1 contour of POINT, which enclose nothing: left out",
        "ROI 12 has no closed contour: left out",
        "ROI 13 has no closed contour: left out",
        "ROI 14 has no closed contour: left out",
    }
    asked = read(structure_set(regions), a_volume(), names=["wire", "body"])
    assert asked.names == ("wire", "body")
    assert not asked["wire"].any()
    assert {note.text for note in asked.notes} >= {
        "ROI 13 has no closed contour: its mask is empty",
        "ROI 13: 1 contour of OPEN_PLANAR, which enclose nothing: left out",
        "ROI 13: 1 contour of an unknown type, which enclose nothing: left out",
    }


def test_names() -> None:
    regions = {"a": [on(0, SQUARE)], "b": [on(1, INNER)]}
    found = read(structure_set(regions), a_volume(), names="b")
    assert (found.names, found.numbers) == (("b",), (12,))
    with pytest.raises(ArgumentError, match="no label 'c'"):
        read(structure_set(regions), a_volume(), names="c")


def test_a_mask_of_other_regions_need_not_fit() -> None:
    regions = {"a": [on(0, SQUARE)], "b": [on(9, SQUARE)]}
    with pytest.raises(LabelMismatchError, match="ROI 12"):
        read(structure_set(regions), a_volume())
    assert read(structure_set(regions), a_volume(), names="a").array.any()


# What does not fit

MISFITS: dict[str, tuple[list[Dataset], str, float | None, str]] = {
    "between slices": ([on(1.5, SQUARE)], "position", 0.5 * GAP, "1.25 mm off the nearest slice"),
    "a little off": ([on(1.06, SQUARE)], "position", 0.06 * GAP, "never moved to another plane"),
    "beyond the slices": ([on(6, SQUARE)], "extent", 2 * GAP, "5 mm beyond the nearest slice"),
    "tilted": (
        [contour(at(AFFINE, 1, SQUARE) + np.outer([0, 0, 1, 1], AFFINE[:3, 0]))],
        "orientation", GAP, "is tilted, or runs over several slices",
    ),
    "beyond the rows": (
        [on(1, [(-8, 20), (-8, 140), (180, 140)])], "extent", 0.5 * 0.75,
        "0.375 mm beyond the voxels of the volume along its rows",
    ),
    "beyond the columns": (
        [on(1, [(8, 20), (8, 30 * 8 + 8), (180, 140)])], "extent", 1.5 * 0.5,
        "0.75 mm beyond the voxels of the volume along its columns",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISFITS)
def test_a_misfit_is_an_error(name: str) -> None:
    contours, aspect, off, said = MISFITS[name]
    with pytest.raises(LabelMismatchError, match=said) as caught:
        read(structure_set({"JOHN DOE": [on(0, SQUARE), *contours]}), a_volume())
    assert caught.value.aspect == aspect
    assert caught.value.off == pytest.approx(off, rel=1e-6)
    assert "DOE" not in str(caught.value)


def test_contours_to_the_very_edge() -> None:
    edge = [(-4, -4), (-4, 236), (316, 236), (316, -4)]
    assert read(structure_set({"a": [on(0, edge)]}), a_volume()).array[0, 0].all()


def test_rounded_coordinates_are_told() -> None:
    found = read(structure_set({"a": [on(1.003, SQUARE)]}), a_volume())
    assert found.notes == ()
    with pytest.warns(HeaderWarning, match=r"ROI 11: contours lie up to 0\.1 mm off their slices"):
        found = read(structure_set({"a": [on(1.04, SQUARE)]}), a_volume())
    assert np.array_equal(found["a"][1], filled((SHAPE[1], SHAPE[2]), [SQUARE]))


def test_another_frame_of_reference() -> None:
    with pytest.raises(LabelMismatchError, match="another one") as caught:
        read(structure_set({"a": [on(1, SQUARE)]}, frame="1.2.3"), a_volume())
    assert caught.value.aspect == "frame of reference"
    assert caught.value.off is None


def test_one_slice() -> None:
    volume = a_volume(shape=(1, *SHAPE[1:]))
    assert read(structure_set({"a": [on(0, SQUARE)]}), volume).array.sum() == 300
    with pytest.raises(LabelMismatchError, match="off the nearest slice"):
        read(structure_set({"a": [on(0.5, SQUARE)]}), volume)


def test_images_that_contours_name(tmp_path: Path) -> None:
    small = (4, 6, 5)
    write_slices(tmp_path, [slice_dataset(k) for k in range(small[0])])
    volume = fastpix.read_series(tmp_path)
    triangle = [(4, 4), (4, 30), (36, 20)]

    def label(*images: int) -> Dataset:
        named = [on(k, triangle, image=image_uid(number)) for k, number in enumerate(images)]
        return structure_set({"a": named})

    found = read(label(0, 1, 2), volume)
    assert found.notes == ()
    wanted = filled((6, 5), [triangle])
    assert [np.array_equal(plane, wanted) for plane in found["a"]] == [True, True, True, False]
    with pytest.warns(HeaderWarning, match="ROI 11: 2 contours on another slice than the image"):
        swapped = read(label(1, 0, 2), volume)
    assert np.array_equal(swapped.array, found.array)
    strange = read(label(0, 1, 77), volume)
    assert "1 of the 3 images" in strange.notes[0].text
    other = structure_set({"a": [on(0, triangle)]}, series=f"{ROOT}.99")
    assert "1 of the 1 series" in read(other, volume).notes[0].text
    nowhere = replace(volume, frame_of_reference="")
    assert np.array_equal(read(label(0, 1, 2), nowhere).array, found.array)
    with pytest.raises(LabelMismatchError, match="nothing says"):
        read(other, nowhere)


# Damaged files


def changed(**attributes: Any) -> Dataset:
    made = structure_set({"a": [on(0, SQUARE)]})
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_a_structure_set_of_nothing() -> None:
    found = read(changed(StructureSetROISequence=[], ROIContourSequence=[]), a_volume())
    assert (len(found), found.array.shape) == (0, (0, *SHAPE))
    assert not found.label_map().any()


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"StructureSetROISequence": [make_item(ROIName="a")]}, "an ROI has no number"),
        ({"ROIContourSequence": [make_item()]}, "an ROI has no number"),
        (
            {"StructureSetROISequence": [make_item(ROINumber=1), make_item(ROINumber=1)]},
            "two ROIs have it",
        ),
    ],
)
def test_damaged_numbers(attributes: dict[str, Any], said: str) -> None:
    with pytest.raises(PixelHeaderError, match=said):
        read(changed(**attributes), a_volume())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"1\\2\\3\\4\\5\\6\\7\\8\\9\\1 ", "10 numbers are no points of three"),
        (b"1\\2\\3\\4\\JOHN\\6\\7\\8\\9 ", "ROI 11"),
        (b"1\\2\\3\\4\\nan\\6\\7\\8\\9", "ROI 11"),
    ],
)
def test_damaged_points(data: bytes, said: str) -> None:
    """As other programs write them: pydicom would refuse to."""
    made = structure_set({"a": [on(0, [(1, 1), (1, 2), (2, 2)])]})
    points = made.ROIContourSequence[0].ContourSequence[0]
    was = "\\".join(map(str, points.ContourData)).encode()
    was += b" " * (len(was) % 2)
    whole = encode(made)
    assert whole.count(was) == 1
    whole = whole.replace(was, data.ljust(len(was)))
    with pytest.raises(PixelHeaderError, match=said) as caught:
        read_masks(whole, a_volume())
    assert "JOHN" not in caught.value.storable


def test_memory() -> None:
    regions = {name: [on(k, SQUARE) for k in range(5)] for name in "abc"}
    box = 5 * 20 * 15
    assert len(read(structure_set(regions), a_volume(), max_bytes=3 * box)) == 3
    with pytest.raises(PixelDataError, match="choose fewer labels"):
        read(structure_set(regions), a_volume(), max_bytes=3 * box - 1)


def test_sources(tmp_path: Path) -> None:
    made = structure_set({"a": [on(0, SQUARE)]})
    path = tmp_path / "rtss.dcm"
    path.write_bytes(encode(made))
    for source in (
        path, str(path), path.read_bytes(), encode(made, ImplicitVRLittleEndian),
        encode(made, ExplicitVRBigEndian), pydicom.dcmread(path), made,
    ):  # fmt: skip
        assert read_masks(source, a_volume()).array.sum() == 300


def test_structure_set_of_pydicom() -> None:
    """A file without preamble: a phantom on three slices, and two points."""
    path = str(get_testdata_file("rtstruct.dcm"))
    dataset = pydicom.dcmread(path, force=True)
    frame = dataset.StructureSetROISequence[0].ReferencedFrameOfReferenceUID
    outlines = [
        np.array(item.ContourData, float).reshape(-1, 3)
        for item in dataset.ROIContourSequence[0].ContourSequence
    ]
    heights = sorted(float(points[0, 2]) for points in outlines)
    gap = heights[1] - heights[0]
    affine = np.array(
        [[0, 0, 10, -245], [0, 10, 0, -245], [gap, 0, 0, heights[0]], [0, 0, 0, 1]], np.float64
    )
    count = round((heights[-1] - heights[0]) / gap) + 1
    volume = a_volume(affine, (count, 50, 50), frame_of_reference=frame)
    found = read_masks(path, volume)
    assert found.names == ("patient",)
    wanted = np.zeros(found.shape, bool)
    for points in outlines:
        k = round((points[0, 2] - heights[0]) / gap)
        corners = [(round(y) + 245, round(x) + 245) for x, y, _ in points]
        for row, column in np.ndindex(50, 50):
            inside, on_line = place_of(10 * row, 10 * column, corners)
            wanted[k, row, column] |= inside or on_line
    assert np.array_equal(found["patient"], wanted)


def test_scikit_image_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("skimage", "skimage.measure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install 'fastpix\[masks\]'"):
        read(structure_set({"a": [on(0, SQUARE)]}), a_volume())
