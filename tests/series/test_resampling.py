"""Volumes on another grid: true places, the values of other libraries, the bits of the whole."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.libraries import library
from support.series_files import affine_of, slice_dataset, write_slices
from support.sizes import some

import fastpix
from fastpix.errors import ArgumentError, PixelDataError, SeriesError
from fastpix.series import interpolation
from fastpix.series.interpolation import cubic_weights, linear_weights
from fastpix.series.resampling import (
    Interpolation,
    nearest_places,
    resampled_affine,
    resampled_block,
    resampled_dtype,
    resampled_shape,
)
from fastpix.series.volume import Volume

library("scipy")

SHAPE = (7, 9, 8)
REVERSED = affine_of() @ np.diag([-1.0, 1, -1, 1])
GRIDS = {
    "axial": np.array(
        [[0, 0, 0.5, -31.25], [0, 0.75, 0, 17.5], [2.5, 0, 0, 204.125], [0, 0, 0, 1]]
    ),
    "oblique": affine_of(),
    "tilted": affine_of(drift=0.9),
    "reversed": REVERSED,
}
ORDERS: tuple[Interpolation, ...] = (0, 1, 3)
SPACINGS = [(1.0, 1.0, 1.0), (1.25, 0.375, 0.25), (6.0, 2.0, 1.7), (2.5, 0.31, 1.1)]


def values(shape: tuple[int, ...] = SHAPE, dtype: Any = np.float64) -> NDArray[Any]:
    made = np.random.default_rng(len(shape)).normal(0, 500, shape)
    return made.astype(dtype)


def a_volume(array: NDArray[Any] | None = None, grid: str = "axial", **facts: Any) -> Volume:
    return Volume(values() if array is None else array, GRIDS[grid], **facts)


def indices(shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).astype(float)


def positions(affine: NDArray[Any], places: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(places @ affine[:3, :3].T + affine[:3, 3])


def affine_in(volume: Volume) -> NDArray[np.float64]:
    assert volume.affine is not None
    return volume.affine


def spacing_in(volume: Volume) -> tuple[float, float, float]:
    assert volume.spacing is not None
    return volume.spacing


def old_places(volume: Volume, new: Volume) -> NDArray[np.float64]:
    """Return where new voxels are in old ones, by the two affines alone."""
    way = np.linalg.inv(affine_in(volume)) @ affine_in(new)
    return positions(way, indices(new.array.shape))


def block_of(array: NDArray[Any], new: Any, start: Any, stop: Any, order: Any) -> NDArray[Any]:
    def read(starts: tuple[int, ...], stops: tuple[int, ...]) -> NDArray[Any]:
        assert all(0 <= a < b <= n for a, b, n in zip(starts, stops, array.shape, strict=True))
        return array[tuple(map(slice, starts, stops))]

    return resampled_block(read, array.shape, (1, 1, 1), new, start, stop, order)


def whole(array: NDArray[Any], new: Any, order: Any) -> NDArray[Any]:
    shape = resampled_shape(array.shape, (1, 1, 1), new)
    return block_of(array, new, [0] * len(shape), shape, order)


# The grid


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_affine_is_where_values_are_sampled(grid: str, spacing: Any, order: Any) -> None:
    """A linear field of the patient's space stays that field; beyond the edge, it is the edge's."""
    slope = np.array([3.0, -2.0, 5.0])
    volume = a_volume(grid=grid)
    volume = replace(volume, array=positions(affine_in(volume), indices(SHAPE)) @ slope + 7)
    new = volume.resample(spacing, order=order)
    at = old_places(volume, new).clip(0, np.array(SHAPE) - 1.0)
    if order == 0:
        nearest = np.floor(at.round(9) + 0.5)
        assert np.abs(nearest - at).max() <= 0.5 + 1e-9
        at = nearest
    wanted = positions(affine_in(volume), at) @ slope + 7
    assert np.abs(new.array - wanted).max() < 1e-8  # of 1000; places are of 1e-11 voxels
    single = replace(volume, array=volume.array.astype(np.float32)).resample(spacing, order=order)
    assert single.array.dtype == np.float32
    assert np.abs(single.array - wanted).max() <= 1.01 * np.spacing(
        np.float32(np.abs(wanted).max())
    )


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_axes_and_middle_stay(grid: str, spacing: Any) -> None:
    volume = a_volume(grid=grid, kind="sheared" if grid == "tilted" else "grid")
    new = volume.resample(spacing)
    old = spacing_in(volume)
    np.testing.assert_allclose(
        spacing_in(new), [o if s == o else s for s, o in zip(spacing, old, strict=True)], rtol=1e-15
    )
    one, other = (affine_in(v)[:3, :3] / spacing_in(v) for v in (volume, new))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-15)
    middle, same = (
        positions(affine_in(v), (np.array(v.array.shape) - 1) / 2) for v in (volume, new)
    )
    np.testing.assert_allclose(middle, same, rtol=0, atol=1e-12)
    extents = [np.array(v.array.shape) * spacing_in(v) for v in (volume, new)]
    assert (np.abs(extents[0] - extents[1]) <= np.array(spacing_in(new)) / 2 + 1e-9).all()
    assert new.kind == volume.kind


@pytest.mark.parametrize(
    ("size", "old", "new", "wanted"),
    [(4, 2.5, 1.25, 8), (4, 1.25, 2.5, 2), (3, 1, 2, 2), (5, 1, 2, 3), (1, 5, 1, 5), (1, 1, 5, 1),
     (512, 0.7, 1, 358), (10, 1, 1e9, 1), (10, 0.1 * 3, 0.3, 10), (77, 1, 1.000009, 77),
     (3, 0.5, 0.6, 3), (5, 0.7, 1.4, 3)],
)  # fmt: skip
def test_how_many_voxels(size: int, old: float, new: float, wanted: int) -> None:
    assert resampled_shape((size, 1, 1), (old, 1, 1), (new, 1, 1)) == (wanted, 1, 1)
    assert resampled_shape((2, 1, size, 1), (1, old, 1), (1, new, 1)) == (2, 1, wanted, 1)


@pytest.mark.parametrize("order", ORDERS[1:])
def test_nothing_depends_on_the_direction_in_which_an_axis_is_stored(order: Any) -> None:
    volume = a_volume(grid="oblique")
    turned = affine_in(volume) @ np.diag([1.0, -1, -1, 1])
    turned[:3, 3] = positions(affine_in(volume), np.array([0, SHAPE[1] - 1, SHAPE[2] - 1]))
    other = Volume(volume.array[:, ::-1, ::-1], turned)
    new, same = (v.resample((1, 1.1, 0.3), order=order) for v in (volume, other))
    np.testing.assert_allclose(same.array[:, ::-1, ::-1], new.array, rtol=0, atol=1e-7)
    last = np.array(new.array.shape) - 1
    np.testing.assert_allclose(
        positions(affine_in(same), np.array([0, *last[1:]])), affine_in(new)[:3, 3], 0, 1e-12
    )


def test_the_affine_of_a_block_of_numbers() -> None:
    affine = resampled_affine(np.eye(4), (4, 4, 5, 6), (2, 0.5, 1))
    assert affine.tolist() == [[2, 0, 0, 0.5], [0, 0.5, 0, -0.25], [0, 0, 1, 0], [0, 0, 0, 1]]


# Values


@pytest.mark.parametrize("spacing", [(0.4, 1.3, 0.9), (2.2, 0.7, 1.0), (1 / 3, 3.0, 0.5)])
def test_linear_values_are_those_of_ndimage(spacing: Any) -> None:
    array = values((11, 12, 13))
    volume = Volume(array, np.eye(4))
    new = volume.resample(spacing)
    at = np.moveaxis(old_places(volume, new), -1, 0)
    wanted = library("scipy.ndimage").map_coordinates(array, at, order=1, mode="nearest")
    assert np.abs(new.array - wanted).max() < 1e-7  # of 1500


@pytest.mark.parametrize("size", [2, 3, 5, 30, 31, 32, 33, 40, 75])
def test_cubic_values_are_those_of_the_natural_spline(size: int) -> None:
    interpolate = library("scipy.interpolate")
    array = values((size, 2, 1))
    new = Volume(array, np.eye(4)).resample((0.37, 1, 1), order=3)
    at = (size - 1) / 2 + (np.arange(len(new.array)) - (len(new.array) - 1) / 2) * 0.37
    spline = interpolate.CubicSpline(np.arange(size), array, bc_type="natural")
    assert np.abs(new.array - spline(at.clip(0, size - 1))).max() < 1e-7


@pytest.mark.parametrize("order", ORDERS)
def test_voxels_of_the_old_grid_keep_their_values(order: Any) -> None:
    array = values(dtype=np.float32)
    thirds = Volume(array, np.eye(4)).resample((1 / 3, 1 / 3, 1), order=order).array
    assert thirds.shape == (21, 27, 8)
    assert thirds[1::3, 1::3].tobytes() == array.tobytes()


def test_labels() -> None:
    labels = np.array([[[2**62 + 1, -5, 7]]])
    volume = Volume(labels, np.eye(4))
    doubled = volume.resample((0.5, 1, 0.5), order=0).array
    assert doubled.dtype == np.int64
    assert doubled.tolist() == [[[2**62 + 1, 2**62 + 1, -5, -5, 7, 7]]] * 2
    assert volume.resample((1, 1, 3), order=0).array.tolist() == [[[-5]]]
    halves = Volume(np.arange(8).reshape(1, 1, 8), np.eye(4)).resample((1, 1, 2), order=0).array
    assert halves.tolist() == [[[1, 3, 5, 7]]]  # halfway: the later one, all along the axis
    assert nearest_places(8, 0.7, 1.4).tolist() == [1, 3, 5, 7]
    assert nearest_places(3, 1, 1.000001).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [("float32", "float32"), ("float64", "float64"), ("float16", "float32"), ("int16", "float32"),
     ("uint16", "float32"), ("uint8", "float32"), ("bool", "float32"), ("int32", "float64"),
     (">f4", "float32"), (">i2", "float32")],
)  # fmt: skip
def test_dtypes(dtype: str, wanted: str) -> None:
    array = (np.arange(24).reshape(2, 3, 4) % 2).astype(dtype)
    volume = Volume(array, np.eye(4))
    wide = Volume(array.astype(np.float64), np.eye(4))
    for order in ORDERS[1:]:
        new = volume.resample((0.5, 1, 1), order=order).array
        assert new.dtype == resampled_dtype(dtype, order) == np.dtype(wanted)
        exact = wide.resample((0.5, 1, 1), order=order).array
        assert new.tobytes() == exact.astype(wanted).tobytes()
        kept = volume.resample((1, 1, 1), order=order).array
        assert kept.tobytes() == array.astype(wanted).tobytes()
    assert volume.resample((0.5, 1, 1), order=0).array.dtype == np.dtype(dtype)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("grid", GRIDS)
def test_the_same_spacing_keeps_every_bit(order: Any, grid: str) -> None:
    array = values(dtype=np.float32)
    array[0, 0] = [np.nan, -0.0, np.inf, -np.inf, 1e-45, 3e38, 0, 1]
    volume = a_volume(array, grid)
    for factor in (1, 1 + 9e-6, 1 - 9e-6):  # files round theirs
        new = volume.resample([factor * s for s in spacing_in(volume)], order=order)
        assert new.array.tobytes() == array.tobytes()
        assert new.array is not array
        assert affine_in(new).tolist() == affine_in(volume).tolist()
    once = a_volume(grid=grid).resample((1, 1, 1), order=order)
    assert once.resample((1, 1, 1), order=order).array.tobytes() == once.array.tobytes()


def test_what_is_missing_stays_missing_alone() -> None:
    array = values((5, 4, 4), np.float32)
    array[2] = np.nan
    array[0, 1, 1] = np.inf
    volume = Volume(array, np.eye(4))
    in_planes = volume.resample((1, 0.5, 0.5)).array
    assert np.isnan(in_planes).any(axis=(1, 2)).tolist() == [False, False, True, False, False]
    thirds = volume.resample((1 / 3, 1, 1)).array
    assert np.isnan(thirds).all(axis=(1, 2)).tolist() == [5 <= k <= 9 for k in range(15)]
    assert thirds[4].tobytes() == array[1].tobytes()
    assert np.isinf(thirds).sum() == 4  # at itself, beyond the edge, and twice towards the next
    with pytest.raises(ArgumentError, match="order: 3 needs finite values"):
        volume.resample((0.5, 1, 1), order=3)


def test_volumes_of_a_fourth_axis_one_by_one() -> None:
    array = values((3, 5, 6, 7), np.float32)
    facts: dict[str, Any] = {"axes": ("b_value",), "coords": {"b_value": [0, 5, 9]}}
    volume = Volume(array, affine_of(), **facts)
    for order in ORDERS:
        new = volume.resample((1, 1, 1), order=order)
        assert new.coords == volume.coords
        for k in range(3):
            alone = Volume(array[k], affine_of()).resample((1, 1, 1), order=order)
            assert new.array[k].tobytes() == alone.array.tobytes()
            assert np.array_equal(affine_in(new), affine_in(alone))


def test_threads_and_slabs_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = a_volume(values((70, 9, 8)))
    wanted = [volume.resample((1.9, 1, 0.3), order=order).array for order in ORDERS[1:]]
    monkeypatch.setattr(interpolation, "_SLAB", 100)
    monkeypatch.setattr(interpolation, "_PASS", 64)
    for threads in (1, 3):
        for order, array in zip(ORDERS[1:], wanted, strict=True):
            new = volume.resample((1.9, 1, 0.3), order=order, threads=threads)
            assert new.array.tobytes() == array.tobytes()


@pytest.mark.parametrize("weights", [linear_weights, cubic_weights])
def test_weights_add_up(weights: Any) -> None:
    for size in (1, 2, 5, 31, 80):
        places = np.linspace(0, size - 1, 97)
        made = weights(places, size)
        assert made.weights is not None
        assert np.abs(made.weights.sum(axis=1) - 1).max() < 1e-14
        assert made.needed == (0, size)


# Blocks


@pytest.mark.parametrize("size", some([1, 2, 3, 5, 7, 29, 30, 31, 32, 33, 61, 90]))
@pytest.mark.parametrize("new", [0.7, 1.9, 1.0])
def test_a_block_has_the_bits_of_the_whole(size: int, new: float) -> None:
    array = values((size, 4, 3), np.float32)
    for order in ORDERS:
        spacing = (new, 1.3, 1)
        made = whole(array, spacing, order)
        count = len(made)
        for start in range(0, count, max(count // 12, 1)):
            for stop in {start + 1, min(start + 7, count)}:
                for row in (0, 2):
                    block = block_of(array, spacing, (start, row, 0), (stop, row + 1, 2), order)
                    wanted = made[start:stop, row : row + 1, :2]
                    assert block.tobytes() == wanted.tobytes()


def test_a_block_reads_its_surroundings_alone() -> None:
    array = values((200, 200, 200), np.float32)
    asked: list[Any] = []

    def read(starts: Any, stops: Any) -> NDArray[Any]:
        asked.append((starts, stops))
        return array[tuple(map(slice, starts, stops))]

    new = (0.5, 2.0, 1.0)
    places = ((100, 40, 50), (110, 50, 60))
    margins: dict[Interpolation, int] = {0: 0, 1: 1, 3: 30}
    for order, margin in margins.items():
        resampled_block(read, array.shape, (1, 1, 1), new, *places, order)
        ((starts, stops),) = asked
        asked.clear()
        assert starts[0] >= 49 - margin
        assert stops[0] <= 55 + margin + 1
        assert starts[1] >= 80 - margin
        assert stops[1] <= 100 + margin + 1
        assert (starts[2], stops[2]) == (50, 60)


def test_blocks_of_several_volumes() -> None:
    array = values((3, 6, 5, 4), np.int16)
    new = (0.6, 1.0, 1.7)
    for order in ORDERS:
        made = whole(array, new, order)
        block = block_of(array, new, (1, 2, 0, 1), (3, 9, 4, 2), order)
        assert block.dtype == made.dtype
        assert block.tobytes() == made[1:3, 2:9, :4, 1:2].tobytes()


def test_a_block_lies_in_the_new_grid() -> None:
    for start, stop in [((0, 0, 0), (15, 9, 8)), ((0, 0, 3), (1, 1, 3)), ((-1, 0, 0), (1, 1, 1)),
                        ((0, 0), (1, 1))]:  # fmt: skip
        with pytest.raises(ArgumentError, match=r"start: .* is no part of \(14, 9, 8\)"):
            block_of(values(), (0.5, 1, 1), start, stop, 1)


# What is refused


@pytest.mark.parametrize(
    "spacing", [(1, 1), 1, None, "1 1 1", (1, 1, 0), (1, -1, 1), (1, np.nan, 1), (np.inf, 1, 1)]
)
def test_a_spacing_is_three_numbers(spacing: Any) -> None:
    with pytest.raises(ArgumentError, match=r"spacing: .* is not three numbers above 0"):
        a_volume().resample(spacing)


@pytest.mark.parametrize("order", [2, True, 1.0, "1", None, -1])
def test_an_order_is_known(order: Any) -> None:
    with pytest.raises(ArgumentError, match=r"order: .* is not 0 .*, 1 .* or 3"):
        a_volume().resample((1, 1, 1), order=order)


def test_volumes_that_have_no_grid() -> None:
    no_thickness = GRIDS["axial"].copy()
    no_thickness[:3, 0] = np.nan
    cases: list[tuple[Any, Any]] = [(None, "no_geometry"), (no_thickness, "single_slice")]
    for affine, kind in cases:
        with pytest.raises(SeriesError, match=r"no spacing along each axis.*replace\(") as caught:
            Volume(values(), affine, kind=kind).resample((1, 1, 1))
        assert caught.value.codes == (kind,)
    with pytest.raises(SeriesError, match="colours are not resampled"):
        Volume(values((*SHAPE, 3)), GRIDS["axial"]).resample((1, 1, 1))


def test_sizes_are_limited() -> None:
    with pytest.raises(PixelDataError, match="takes 16128 bytes, more than max_bytes=16127"):
        a_volume().resample((1.25, 0.375, 0.5), max_bytes=16127)
    with pytest.raises(ArgumentError, match=r"spacing: 1e-06 mm makes 1\.75e"):
        a_volume().resample((1e-6, 1, 1))


def test_scipy_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match=r"pip install 'fastpix\[resample\]'"):
        a_volume().resample((1, 1, 1))
    assert a_volume().resample((1, 1, 1), order=0).array.shape == (18, 7, 4)
    assert a_volume().resample((2.5, 0.75, 0.5)).array.shape == SHAPE


# A series of files


def test_a_tilted_series(tmp_path: Path) -> None:
    write_slices(tmp_path, [slice_dataset(k, drift=0.9) for k in range(5)])
    volume = fastpix.read_series(tmp_path)
    new = volume.resample((1, 0.5, 0.75))
    assert (volume.kind, new.kind) == ("sheared", "sheared")
    assert (new.unit, new.modality) == (volume.unit, "CT")
    assert new.frame_of_reference == volume.frame_of_reference
    assert not new.sources
    assert [note.text for note in new.notes if note not in volume.notes] == [
        "resampled from 5 x 6 x 5 voxels of 2.65707 x 0.75 x 0.5 mm, order 1"
    ]
    assert volume.array.shape == (5, 6, 5)  # as it was


def test_one_slice_with_an_extent_becomes_several(tmp_path: Path) -> None:
    write_slices(tmp_path, [slice_dataset(0)])
    volume = fastpix.read_series(tmp_path)
    new = volume.resample((0.5, 0.75, 0.5), order=3)
    assert (volume.kind, new.kind) == ("single_slice", "grid")
    assert new.array.shape == (5, 6, 5)
    assert all(plane.tobytes() == volume.array[0].tobytes() for plane in new.array)
    assert volume.resample((2.5, 0.75, 0.5)).kind == "single_slice"
