"""Segmentations as masks: each voxel of a label is the voxel of the volume, or it is an error."""

from __future__ import annotations

import math
import pickle
import re
import warnings
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from support.builders import encode, make_dataset, make_item
from support.label_files import (
    LEFT_OUT,
    contour,
    referenced,
    segment,
    segmentation,
    structure_set,
)
from support.libraries import library
from support.series_files import FRAME, GAP, affine_of, slice_dataset, write_slices
from support.sizes import cases, first_case, some

import fastpix
from fastpix.errors import (
    ArgumentError,
    FastpixError,
    HeaderWarning,
    LabelMismatchError,
    PixelDataError,
    PixelHeaderError,
    SeriesError,
)
from fastpix.interop.masks import Masks, read_masks
from fastpix.series.volume import PlaneSource, Volume

SHAPE = (4, 6, 5)
AFFINE = affine_of()
TILTED = affine_of(drift=0.6)


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    folder = tmp_path_factory.mktemp("series") / "ct"
    write_slices(folder, [slice_dataset(k) for k in range(SHAPE[0])])
    return fastpix.read_series(folder)


def a_volume(affine: Any = AFFINE, shape: tuple[int, ...] = SHAPE, **facts: Any) -> Volume:
    """Return a volume that no file is known of."""
    facts = {"frame_of_reference": FRAME} | facts
    return Volume(np.zeros(shape, np.int16), affine, **facts)


def read(made: Dataset, volume: Volume, **keywords: Any) -> Masks:
    """Read a label from the bytes of its file."""
    return read_masks(encode(made), volume, **keywords)


def blobs(*numbers: int, seed: int = 1, shape: tuple[int, ...] = SHAPE) -> dict[int, Any]:
    made = np.random.default_rng(seed)
    return {number: made.random(shape) < 0.4 for number in numbers or (1, 2)}


def assert_masks(found: Masks, wanted: dict[int, NDArray[Any]]) -> None:
    assert found.numbers == tuple(wanted)
    assert found.array.dtype == np.bool_
    assert found.array.shape == (len(wanted), *found.shape)
    for mask, one, expected in zip(found.array, found, wanted.values(), strict=True):
        assert np.array_equal(mask, expected)
        assert np.array_equal(one, expected)


# Where frames lie


def test_binary(volume: Volume) -> None:
    masks = blobs()
    found = read_masks(encode(segmentation(masks, AFFINE)), volume)
    assert_masks(found, masks)
    assert found.names == ("segment 1", "segment 2")
    assert volume.affine is not None
    assert np.array_equal(found.affine, volume.affine)
    assert found.notes == ()


def test_frames_that_are_left_out_are_false(volume: Volume) -> None:
    masks = blobs(3, 7)
    masks[3][1:3] = False
    masks[7][:] = False
    found = read(segmentation(masks, AFFINE), volume)
    assert_masks(found, masks)
    assert_masks(read(segmentation(masks, AFFINE, empty=True), volume), masks)


@pytest.mark.parametrize("axes", list(permutations(range(3))))
def test_any_turn_of_the_grid_is_exact(volume: Volume, axes: tuple[int, int, int]) -> None:
    masks = blobs(seed=sum(axes[:2]) + 10)
    for flips in some(list(product((False, True), (False, True), (False, True)))):
        made = segmentation(masks, AFFINE, axes=axes, flips=flips)
        assert_masks(read(made, volume), masks)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_a_part_of_the_volume(volume: Volume, kind: str) -> None:
    inside = (slice(1, 3), slice(2, 6), slice(0, 3))
    part = np.random.default_rng(5).integers(0, 2, (2, 4, 3))
    begin = AFFINE.copy()
    begin[:3, 3] = AFFINE[:3, :3] @ [1, 2, 0] + AFFINE[:3, 3]
    whole = np.zeros(SHAPE, bool)
    whole[inside] = part
    made = segmentation({int(kind == "BINARY"): part.astype(np.uint8)}, begin, kind)
    assert_masks(read(made, volume), {1: whole})
    turned = segmentation(
        {int(kind == "BINARY"): part.astype(np.uint8)}, begin, kind, axes=(2, 0, 1),
        flips=(True, False, True),
    )  # fmt: skip
    assert_masks(read(turned, volume), {1: whole})


def test_a_tilted_gantry() -> None:
    """The grid is sheared, and each frame still lies on a slice."""
    masks = blobs()
    volume = a_volume(TILTED, kind="sheared")
    assert_masks(read(segmentation(masks, TILTED), volume), masks)


def test_slices_that_are_a_little_off_the_affine(tmp_path: Path) -> None:
    """Volumes allow 5 % of the gap; a label on the very slices fits, whatever the affine says."""
    places = [0, 1.03, 1.98, 3]
    write_slices(tmp_path, [slice_dataset(p, number=k) for k, p in enumerate(places)])
    volume = fastpix.read_series(tmp_path)
    masks = blobs(1)
    made = segmentation(masks, AFFINE, empty=True)
    for place, group in zip(places, made.PerFrameFunctionalGroupsSequence, strict=True):
        origin = affine_of(first=place)[:3, 3]
        group.PlanePositionSequence[0].ImagePositionPatient = [f"{x:.8f}" for x in origin]
    assert_masks(read(made, volume), masks)
    with pytest.raises(LabelMismatchError, match="along the slices"):
        read(made, a_volume())


def test_one_slice(tmp_path: Path) -> None:
    write_slices(tmp_path, [slice_dataset(2, SliceThickness=None)])
    with pytest.warns(HeaderWarning, match="is NaN"):
        volume = fastpix.read_series(tmp_path)
    masks = blobs(1, shape=(1, 6, 5))
    made = segmentation(masks, affine_of(first=2), ReferencedSeriesSequence=referenced([2]))
    assert_masks(read(made, volume), masks)
    with pytest.raises(LabelMismatchError, match="beyond the slices"):
        read(segmentation(masks, affine_of(first=2.5)), volume)


def test_a_fourth_axis() -> None:
    volume = a_volume(
        shape=(3, *SHAPE), axes=("b_value",), coords={"b_value": (0.0, 500.0, 1000.0)}
    )
    masks = blobs()
    assert_masks(read(segmentation(masks, AFFINE), volume), masks)


# What does not fit


def moved(by: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the affine, moved by so many voxels."""
    affine = AFFINE.copy()
    affine[:3, 3] += affine[:3, :3] @ by
    return affine


def scaled(axis: int, factor: float) -> NDArray[np.float64]:
    affine = AFFINE.copy()
    affine[:3, axis] *= factor
    return affine


def turned(degrees: float) -> NDArray[np.float64]:
    """Return the affine, turned about the direction of the slices."""
    affine = AFFINE.copy()
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rows, columns = affine[:3, 1] / 0.75, affine[:3, 2] / 0.5
    affine[:3, 1], affine[:3, 2] = 0.75 * (c * rows - s * columns), 0.5 * (c * columns + s * rows)
    return affine


MISFITS = {
    "between rows": (moved((0, 0.5, 0)), "position", 0.375, "along the rows"),
    "between columns": (moved((0, 0, 0.1)), "position", 0.05, "along the columns"),
    "between slices": (moved((0.2, 0, 0)), "position", 0.5, "along the slices"),
    "past the last slice": (moved((1, 0, 0)), "extent", 1, "1 voxels beyond the slices"),
    "before the first row": (moved((0, -2, 0)), "extent", 2, "2 voxels beyond the rows"),
    "elsewhere": (moved((90, 0, 0)), "extent", 90, "beyond the slices"),
    "finer columns": (scaled(2, 0.5), "spacing", 0.5, "0.25 mm apart along the columns"),
    "coarser rows": (scaled(1, 1.01), "spacing", 0.01, "along the rows"),
    "turned": (turned(30), "orientation", None, "direction cosines"),
    "hardly turned": (turned(0.5), "orientation", None, "direction cosines"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_misfit_is_an_error(volume: Volume, name: str) -> None:
    affine, aspect, off, said = MISFITS[name]
    made = segmentation(blobs(1), affine, empty=True)
    with pytest.raises(LabelMismatchError, match=said) as caught:
        read(made, volume)
    error = caught.value
    assert error.aspect == aspect
    assert off is None or error.off == pytest.approx(off, rel=1e-4)
    assert "fastpix never does" in error.remedy or "whole series" in error.remedy
    assert error.storable == str(error)  # no text of the file
    assert pickle.loads(pickle.dumps(error)).off == error.off


def test_small_differences_may_not_add_up() -> None:
    shape = (1, 1, 400)
    volume = a_volume(shape=shape)
    masks = blobs(1, shape=shape)
    assert_masks(read(segmentation(masks, scaled(2, 1.0002)), volume), masks)
    with pytest.raises(LabelMismatchError, match="carry its last voxel") as caught:
        read(segmentation(masks, scaled(2, 1.0009)), volume)
    assert caught.value.off == pytest.approx(399 * 0.0009 * 0.5, rel=1e-3)


@pytest.mark.parametrize("off", [0.004, 0.009])
def test_rounded_places_fit(volume: Volume, off: float) -> None:
    """Within 0.01 mm."""
    affine = AFFINE.copy()
    affine[:3, 3] += affine[:3, 1] / 0.75 * off
    assert_masks(read(segmentation(blobs(), affine), volume), blobs())


def test_another_distance_of_planes(volume: Volume) -> None:
    """Planes twice as far apart meet slices, and would leave every second one empty."""
    masks = blobs(1, shape=(2, 6, 5))
    made = segmentation(masks, scaled(0, 2), empty=True)
    measures = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.SpacingBetweenSlices = 2 * GAP
    with pytest.raises(LabelMismatchError, match="SpacingBetweenSlices") as caught:
        read(made, volume)
    assert caught.value.aspect == "spacing"
    assert caught.value.off == pytest.approx(1)
    measures.SpacingBetweenSlices = -GAP  # some planes of the volume, and a sign that says nothing
    wanted = np.zeros(SHAPE, bool)
    wanted[::2] = masks[1]
    assert_masks(read(made, volume), {1: wanted})


def test_a_wrong_distance_of_planes_that_are_neighbours(volume: Volume) -> None:
    made = segmentation(blobs(1), AFFINE, empty=True)
    measures = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.SpacingBetweenSlices = 2 * GAP
    with pytest.warns(HeaderWarning, match="their positions count"):
        assert_masks(read(made, volume), blobs(1))


def test_another_frame_of_reference(volume: Volume) -> None:
    made = segmentation(blobs(1), AFFINE, FrameOfReferenceUID="1.2.3")
    with pytest.raises(LabelMismatchError, match="another one") as caught:
        read(made, volume)
    assert caught.value.aspect == "frame of reference"
    assert caught.value.off is None


def test_an_unknown_frame_of_reference(volume: Volume) -> None:
    """Images or series must tie the two then, where both name them."""
    nowhere = replace(volume, frame_of_reference="")
    made = segmentation(blobs(1), AFFINE)
    assert_masks(read(made, nowhere), blobs(1))
    made.ReferencedSeriesSequence = referenced([100, 101])
    with pytest.raises(LabelMismatchError, match="all images that the label refers to are others"):
        read(made, nowhere)
    assert_masks(read(made, replace(nowhere, sources=())), blobs(1))


def test_other_images(volume: Volume) -> None:
    made = segmentation(blobs(1), AFFINE, ReferencedSeriesSequence=referenced([2, 3, 4]))
    found = read(made, volume)
    assert_masks(found, blobs(1))
    assert [note.text[:53] for note in found.notes] == [
        "1 of the 3 images that the label refers to are not of"
    ]
    made.ReferencedSeriesSequence = referenced([], "1.2.3")
    assert "1 of the 1 series" in read(made, volume).notes[0].text


def test_files_that_are_gone(tmp_path: Path) -> None:
    paths = write_slices(tmp_path, [slice_dataset(k) for k in range(SHAPE[0])])
    volume = fastpix.read_series(tmp_path)
    for path in paths:
        path.unlink()
    assert_masks(read(segmentation(blobs(1), AFFINE), volume), blobs(1))


def test_two_points_in_time(volume: Volume) -> None:
    made = segmentation(blobs(1), AFFINE, empty=True)
    frames = made.PerFrameFunctionalGroupsSequence
    frames[3].PlanePositionSequence = frames[2].PlanePositionSequence
    with pytest.raises(LabelMismatchError, match="frames 2 and 3 are of one segment") as caught:
        read(made, volume)
    assert caught.value.aspect == "time"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"affine": None, "kind": "irregular"}, "not evenly spaced"),
        ({"affine": None, "kind": "no_geometry"}, "no geometry"),
        ({"affine": np.diag([1.0, 0, 1, 1])}, "same place"),
        ({"affine": np.diag([1.0, 1, np.nan, 1])}, "same place, or none"),
    ],
)
def test_a_volume_without_a_place(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(SeriesError, match=said):
        read(segmentation(blobs(1), AFFINE), a_volume(**facts))


# Kinds of segmentations


def shares(number: int, largest: int = 255) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, largest + 1, SHAPE, np.uint8)


def test_fractional_needs_a_threshold(volume: Volume) -> None:
    with pytest.raises(ArgumentError, match=r"threshold: .*threshold=0\.5"):
        read(segmentation({1: shares(1)}, AFFINE, "FRACTIONAL"), volume)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7, 1, 1e-9])
@pytest.mark.parametrize("largest", [255, 10, 100, 1])
def test_fractional(volume: Volume, threshold: float, largest: int) -> None:
    cells = {1: shares(1, largest), 4: shares(2, largest)}
    made = segmentation(cells, AFFINE, "FRACTIONAL", MaximumFractionalValue=largest)
    wanted = {n: np.divide(c, largest, dtype=np.float64) >= threshold for n, c in cells.items()}
    assert_masks(read(made, volume, threshold=threshold), wanted)


@pytest.mark.parametrize("threshold", [0, -0.5, 1.5, math.nan, True, "0.5"])
def test_thresholds_that_are_none(volume: Volume, threshold: Any) -> None:
    with pytest.raises(ArgumentError, match="threshold"):
        read(segmentation(blobs(1), AFFINE), volume, threshold=threshold)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_label_map(volume: Volume, dtype: Any) -> None:
    values = np.array([0, 1, 5, 200 if dtype is np.uint8 else 40000])
    cells = values[np.random.default_rng(9).integers(0, 4, SHAPE)].astype(dtype)
    cells[2] = 0
    wanted = {int(value): cells == value for value in values[1:]}
    found = read(segmentation({0: cells}, AFFINE, "LABELMAP"), volume)
    assert_masks(found, wanted)
    assert np.array_equal(found.label_map(), cells)
    assert found.label_map().dtype == dtype
    only = read(segmentation({0: cells}, AFFINE, "LABELMAP"), volume, names="segment 5")
    assert_masks(only, {5: cells == 5})


def test_label_map_with_a_background(volume: Volume) -> None:
    """Pixel Padding Value is the background (PS3.3 C.8.20.2.3.1), and is no segment."""
    cells = np.random.default_rng(9).integers(1, 4, SHAPE, np.uint8)
    made = segmentation({0: cells}, AFFINE, "LABELMAP", PixelPaddingValue=3)
    assert_masks(read(made, volume), {1: cells == 1, 2: cells == 2})


def test_values_that_no_segment_describes(volume: Volume) -> None:
    cells = np.random.default_rng(9).integers(0, 3, SHAPE, np.uint8)
    made = segmentation({0: cells}, AFFINE, "LABELMAP", SegmentSequence=[segment(1, "one")])
    with pytest.warns(HeaderWarning, match="does not describe"):
        assert_masks(read(made, volume), {1: cells == 1})


def test_frames_that_no_segment_describes(volume: Volume) -> None:
    masks = blobs(1, 2)
    made = segmentation(masks, AFFINE, SegmentSequence=[segment(2, "two")])
    with pytest.warns(HeaderWarning, match="4 frames of segments"):
        assert_masks(read(made, volume), {2: masks[2]})


def test_a_frame_that_names_no_segment(volume: Volume) -> None:
    made = segmentation(blobs(1), AFFINE)
    for group in made.PerFrameFunctionalGroupsSequence:
        del group.SegmentIdentificationSequence
    with pytest.warns(HeaderWarning, match="frames are those of the only segment"):
        assert_masks(read(made, volume), blobs(1))
    made.SegmentSequence.append(segment(2, "two"))
    with pytest.raises(PixelHeaderError, match="which segment"):
        read(made, volume)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"SegmentationType": "OTHER"}, "not BINARY, FRACTIONAL or LABELMAP"),
        ({"SegmentationType": LEFT_OUT}, "SegmentationType .* is missing"),
        ({"SegmentSequence": []}, "there are no segments"),
        ({"SegmentSequence": [segment(1, "a"), segment(1, "b")]}, "share a number"),
        ({"SegmentSequence": [make_item(SegmentLabel="a")]}, "has no number"),
        ({"PerFrameFunctionalGroupsSequence": LEFT_OUT}, "no place in the patient"),
        ({"SharedFunctionalGroupsSequence": LEFT_OUT}, "no place in the patient"),
    ],
)
def test_damaged_headers(volume: Volume, attributes: dict[str, Any], said: str) -> None:
    with pytest.raises(PixelHeaderError, match=said):
        read(segmentation(blobs(1), AFFINE, **attributes), volume)


@pytest.mark.parametrize("largest", [0, None])
def test_fractional_of_nothing(volume: Volume, largest: Any) -> None:
    made = segmentation({1: shares(1)}, AFFINE, "FRACTIONAL", MaximumFractionalValue=largest)
    with pytest.raises(PixelHeaderError, match="MaximumFractionalValue"):
        read(made, volume, threshold=0.5)


# Names, and forms of the result


def test_names(volume: Volume) -> None:
    masks = blobs(1, 2, 3)
    made = segmentation(masks, AFFINE, names={1: "Liver", 2: "Spleen ", 3: "Liver"})
    found = read(made, volume, names=["Spleen", "Liver"])
    assert found.names == ("Spleen", "Liver", "Liver")
    assert_masks(found, {n: masks[n] for n in (2, 1, 3)})
    assert np.array_equal(found["Spleen"], masks[2])
    with pytest.raises(KeyError, match="several labels"):
        found["Liver"]
    with pytest.raises(KeyError, match="no label"):
        found["Heart"]
    with pytest.raises(IndexError):
        found[3]
    with pytest.raises(TypeError):
        found[0:2]  # type: ignore[index]
    with pytest.raises(ArgumentError, match=r"no label 'Heart': .*'Liver', 'Spleen'") as caught:
        read(made, volume, names=["Heart"])
    assert "Liver" not in caught.value.storable


@pytest.mark.parametrize("names", [[], 5, [5], ["a", "a"]])
def test_names_that_are_none(volume: Volume, names: Any) -> None:
    with pytest.raises(ArgumentError, match="names"):
        read(segmentation(blobs(1), AFFINE), volume, names=names)


def test_label_map_of_masks_that_overlap(volume: Volume) -> None:
    masks = blobs(1, 2)
    found = read(segmentation(masks, AFFINE, names={1: "DOE", 2: "JANE"}), volume)
    voxels = int((masks[1] & masks[2]).sum())
    with pytest.raises(FastpixError, match=f"in {voxels} voxels .*DOE") as caught:
        found.label_map()
    assert "DOE" not in caught.value.storable
    masks[2] &= ~masks[1]
    apart = read(segmentation(masks, AFFINE), volume).label_map()
    assert np.array_equal(apart, masks[1] + 2 * masks[2])


@pytest.mark.parametrize("numbers", [(0,), (1, 1), (70000,), (-1,)])
def test_numbers_that_no_label_map_holds(volume: Volume, numbers: tuple[int, ...]) -> None:
    found = read(segmentation(blobs(*range(1, len(numbers) + 1)), AFFINE), volume)
    with pytest.raises(FastpixError, match="cannot hold the number"):
        replace(found, numbers=numbers).label_map()


def test_masks_are_new_each_time_and_can_be_pickled(volume: Volume) -> None:
    found = read(segmentation(blobs(), AFFINE), volume)
    found[0][:] = True
    assert_masks(pickle.loads(pickle.dumps(found)), blobs())
    assert len(found) == 2
    assert "Box" not in repr(found)


def test_memory(volume: Volume) -> None:
    """What is kept is the box around a label."""
    masks = {n: np.zeros(SHAPE, bool) for n in range(1, 41)}
    for n, mask in masks.items():
        mask[n % 4, n % 6, n % 5] = True
    made = segmentation(masks, AFFINE)
    found = read(made, volume, max_bytes=1000)
    assert sum(box.array.size for box in found.boxes) == 40
    assert np.array_equal(found[17], masks[18])
    with pytest.raises(PixelDataError, match=r"take 4800 bytes.*one at a time"):
        found.array  # noqa: B018
    full = {n: np.ones(SHAPE, bool) for n in range(1, 4)}
    with pytest.raises(PixelDataError, match="choose fewer labels"):
        read(segmentation(full, AFFINE), volume, max_bytes=300)


# Sources


def test_sources(volume: Volume, tmp_path: Path) -> None:
    made = segmentation(blobs(), AFFINE)
    path = tmp_path / "seg.dcm"
    path.write_bytes(encode(made))
    assert_masks(read_masks(path, volume), blobs())
    assert_masks(read_masks(encode(made, ImplicitVRLittleEndian), volume), blobs())
    assert_masks(read_masks(encode(made, ExplicitVRBigEndian), volume), blobs())
    assert_masks(read_masks(pydicom.dcmread(path), volume), blobs())


@pytest.mark.parametrize(
    "made", [slice_dataset(1), make_dataset(Modality="SR", PixelData=None, SOPClassUID=None)]
)
def test_no_label(volume: Volume, made: Dataset) -> None:
    with pytest.raises(FastpixError, match="neither a segmentation"):
        read(made, volume)


def test_no_volume() -> None:
    with pytest.raises(ArgumentError, match=r"volume: a ndarray is not a fastpix\.Volume"):
        read(segmentation(blobs(1), AFFINE), np.zeros(SHAPE))  # type: ignore[arg-type]


def test_errors_name_the_file(volume: Volume, tmp_path: Path) -> None:
    path = tmp_path / "seg.dcm"
    path.write_bytes(encode(segmentation(blobs(1), moved((0, 0.5, 0)))))
    with pytest.raises(LabelMismatchError) as caught:
        read_masks(path, volume)
    assert caught.value.source == path or str(path) == str(caught.value.source)


def test_liver_of_pydicom() -> None:
    """A real segmentation, on the grid that its own header tells."""
    found = pydicom.dcmread(str(get_testdata_file("liver_1frame.dcm")))
    cells = found.pixel_array.astype(bool)
    affine = np.diag([0.0, 0, 0, 1])
    shared = found.SharedFunctionalGroupsSequence[0]
    spacing = shared.PixelMeasuresSequence[0].PixelSpacing
    frame = found.PerFrameFunctionalGroupsSequence[0]
    position = [float(x) for x in frame.PlanePositionSequence[0].ImagePositionPatient]
    affine[0, 2], affine[1, 1], affine[2, 0] = float(spacing[1]), float(spacing[0]), -1
    affine[:3, 3] = position - 2 * affine[:3, 0]
    volume = a_volume(affine, (4, *cells.shape), frame_of_reference=found.FrameOfReferenceUID)
    with pytest.warns(HeaderWarning, match="NumberOfFrames .* says 1"):
        masks = read_masks(str(get_testdata_file("liver_1frame.dcm")), volume)
    assert masks.names == ("Liver",)
    assert masks.array.sum(axis=(0, 2, 3)).tolist() == [0, 0, int(cells.sum()), 0]
    assert np.array_equal(masks["Liver"][2], cells)


def mutant(data: bytes, number: int) -> bytes:
    """Return a file with bytes that were changed, lost or put in."""
    made = np.random.default_rng(number)
    for _ in range(int(made.integers(1, 4))):
        at, count = int(made.integers(132, len(data))), int(made.integers(1, 16))
        put = made.integers(0, 256, count, np.uint8).tobytes()
        data = data[:at] + (b"", put, put)[number % 3] + data[at + (count, 0, count)[number % 3] :]
    return data


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP", "RTSTRUCT"])
def test_broken_files(kind: str) -> None:
    """They give masks of the volume, or an error of ours."""
    if kind == "RTSTRUCT":
        library("skimage")
        points = AFFINE[:3, 3] + np.array([[0, 0, 0], [0, 1, 4], [0, 5, 2]]) @ AFFINE[:3, :3].T
        whole = encode(structure_set({"a": [contour(points)] * 2, "b": [contour(points, "POINT")]}))
    else:
        cells = {0: shares(2, 3)} if kind == "LABELMAP" else {1: shares(1)}
        whole = encode(segmentation(cells, AFFINE, kind))
    seen: set[type] = set()
    for number in range(first_case(), first_case() + cases(600)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = read_masks(mutant(whole, number), a_volume(), threshold=0.5)
        except FastpixError as error:
            seen.add(type(error))
        else:
            seen.add(Masks)
            assert found.array.shape == (len(found), *SHAPE)
    assert {Masks, PixelHeaderError} <= seen


# highdicom


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_what_highdicom_writes_and_reads(kind: str, tmp_path: Path) -> None:
    highdicom = library("highdicom")
    slices = [
        slice_dataset(k, PatientID="1", PatientName="A", PatientBirthDate="", PatientSex="",
                      StudyDate="20200101", StudyTime="000000", AccessionNumber="", StudyID="",
                      ReferringPhysicianName="")
        for k in range(SHAPE[0])
    ]  # fmt: skip
    paths = write_slices(tmp_path, slices)
    volume = fastpix.read_series(tmp_path)
    pixels = np.zeros((*SHAPE, 2), np.uint8)
    masks = blobs(1, 2)
    masks[2] &= ~masks[1]
    masks[2][0] = masks[1][0] = False
    for n in masks:
        pixels[..., n - 1] = masks[n]
    wanted = {n: mask.copy() for n, mask in masks.items()}
    given: Any = pixels
    if kind == "FRACTIONAL":
        given = np.random.default_rng(1).random(pixels.shape)
        wanted = {n: np.round(given[..., n - 1] * 255) / 255 >= 0.6 for n in wanted}
    code = highdicom.sr.CodedConcept("85756007", "SCT", "Tissue")
    descriptions = [
        highdicom.seg.SegmentDescription(
            segment_number=n, segment_label=f"part {n}", segmented_property_category=code,
            segmented_property_type=code, algorithm_type="MANUAL",
        )
        for n in (1, 2)
    ]  # fmt: skip
    sources = [pydicom.dcmread(path) for path in paths]
    sources.sort(key=lambda each: each.InstanceNumber)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = highdicom.seg.Segmentation(
            source_images=sources, pixel_array=given, segmentation_type=kind,
            segment_descriptions=descriptions, series_instance_uid="1.2.3", series_number=1,
            sop_instance_uid="1.2.4", instance_number=1, manufacturer="m",
            manufacturer_model_name="m", software_versions="1", device_serial_number="1",
            omit_empty_frames=True,
        )  # fmt: skip
        made.save_as(tmp_path / "seg.dcm")
        theirs = highdicom.seg.segread(tmp_path / "seg.dcm").get_volume(rescale_fractional=True)
    found = read_masks(tmp_path / "seg.dcm", volume, threshold=0.6)
    assert found.names == ("part 1", "part 2")
    assert_masks(found, wanted)
    assert_masks(read_masks(made, volume, threshold=0.6), wanted)  # its own class is a data set
    assert volume.affine is not None
    placed = np.linalg.inv(volume.affine) @ theirs.affine
    assert np.allclose(np.abs(placed[:3, :3]), np.eye(3), atol=1e-6)
    start = np.round(placed[:3, 3]).astype(int)
    sign = int(np.sign(placed[0, 0]))
    count = theirs.array.shape[0]
    for k in range(2):
        own = found[k][start[0] :: sign][:count]
        least = 0.6 - 1e-6 if kind == "FRACTIONAL" else 1  # highdicom's shares are float32
        assert np.array_equal(own, theirs.array[..., k] >= least)


def test_sources_of_a_volume_that_was_cut(volume: Volume) -> None:
    """Its planes are not those of the files any more, so the affine counts."""
    assert volume.affine is not None
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, 1]
    cut = replace(volume, array=volume.array[:, 1:], affine=affine)
    assert all(isinstance(each, PlaneSource) for each in cut.sources)
    masks = blobs(1)
    masks[1][:, 0] = False
    begin = AFFINE.copy()
    begin[:3, 3] += AFFINE[:3, 1]
    made = segmentation({1: masks[1][:, 1:]}, begin)
    assert_masks(read(made, cut), {1: masks[1][:, 1:]})
    with pytest.raises(LabelMismatchError, match=re.escape("1 voxels beyond the rows")):
        read(segmentation(masks, AFFINE), cut)
