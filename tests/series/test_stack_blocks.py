"""Blocks of a stack: the bits of `Stack.read`, from the files of their planes alone."""

from __future__ import annotations

import os
import pickle
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless
from support.builders import compress, encode
from support.mosaic_files import COLUMNS, ROWS, arranged, grid_dataset, tiles
from support.series_files import SERIES, cells_of, enhanced, slice_dataset
from support.sizes import cases

from fastpix import HeaderWarning, Recipe, Stack, open_series
from fastpix.errors import ArgumentError, PixelDataError, SeriesError
from fastpix.series import stack_blocks
from fastpix.series.stack_blocks import StackBlocks

SLICES = 7
PADDING = 2**12


def native(k: int, **attributes: Any) -> bytes:
    return encode(slice_dataset(k, **attributes))


def padded(k: int) -> bytes:
    cells = cells_of(k)
    cells[k % 6] = PADDING
    return native(k, cells=cells, PixelPaddingValue=PADDING)


def repeated(k: int) -> bytes:
    """Three volumes of four slices, each plane with a slope of its own."""
    slope = f"{1 + k / 3:.6f}"
    made = slice_dataset(k % 4, number=k, Modality="MR", RescaleSlope=slope)
    made.TemporalPositionIdentifier = k // 4 + 1
    return encode(made)


def colored(k: int) -> bytes:
    cells = np.random.default_rng(k).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    plain = {"RescaleSlope": None, "RescaleIntercept": None}
    return native(k, cells=cells, SamplesPerPixel=3, **plain)


def signed_or_not(k: int) -> bytes:
    return native(k, cells=cells_of(k) - 900 if k % 2 else cells_of(k, dtype=np.uint16))


def with_gaps(k: int) -> bytes:
    return b"" if k in (2, 5) else native(k)


def several_mosaics(k: int) -> bytes:
    """Seven slices as tiles of one frame, at several times."""
    made = grid_dataset(7)
    made.SOPInstanceUID, made.TemporalPositionIdentifier = f"1.2.3.{k}", k + 1
    cells = arranged(tiles(7) * (k + 1), made.Rows // ROWS, made.Columns // COLUMNS)
    made.PixelData = cells.tobytes()
    return encode(made)


def one_file(how: Callable[[Dataset], bytes], k: int) -> bytes:
    return how(enhanced())


Made = Callable[[int], bytes]
INVERTED = partial(native, PhotometricInterpretation="MONOCHROME1")

KINDS: dict[str, tuple[Made, int, Recipe]] = {
    "plain": (native, SLICES, Recipe()),
    "slope per slice": (lambda k: native(k, RescaleSlope=f"{1 + k / 7:.6f}"), SLICES, Recipe()),
    "padding": (padded, SLICES, Recipe(padding=-2000.5, normalize=(-700, 400))),
    "mirrored": (INVERTED, SLICES, Recipe(invert="range")),
    "as stored": (INVERTED, SLICES, Recipe(invert="none", dtype="float64")),
    "auto": (signed_or_not, SLICES, Recipe(dtype="auto", rescale=False)),
    "integers": (native, SLICES, Recipe(dtype="int32")),
    "gaps": (with_gaps, SLICES, Recipe()),
    "four axes": (repeated, 12, Recipe()),
    "colour": (colored, SLICES, Recipe()),
    "deflated": (
        lambda k: encode(slice_dataset(k), DeflatedExplicitVRLittleEndian), SLICES, Recipe(),
    ),
    "RLE": (
        lambda k: compress(slice_dataset(k, cells=cells_of(k, 12, 11)), RLELossless), 4, Recipe(),
    ),
    "mosaic": (several_mosaics, 1, Recipe()),
    "mosaics": (several_mosaics, 3, Recipe()),
    "frames": (partial(one_file, encode), 1, Recipe()),
    "RLE frames": (partial(one_file, lambda d: compress(d, RLELossless)), 1, Recipe()),
    "deflated frames": (
        partial(one_file, lambda d: encode(d, DeflatedExplicitVRLittleEndian)), 1, Recipe(),
    ),
}  # fmt: skip


def write(folder: Path, kind: str) -> list[Path]:
    made, count, _ = KINDS[kind]
    paths = []
    for k in range(count):
        path = folder / f"{(k * 5) % count:03d}.dcm"
        if data := made(k):
            path.write_bytes(data)
        paths.append(path)
    return paths


def opened(folder: Path, kind: str) -> tuple[Stack, StackBlocks, NDArray[Any]]:
    """The stack of a kind, its blocks, and the whole of it."""
    recipe = KINDS[kind][2]
    (stack,) = open_series(folder)
    how: dict[str, Any] = {"gaps": "fill"} if kind == "gaps" else {}
    return stack, stack.blocks(recipe, **how), stack.read(recipe, **how).array


def random_blocks(shape: tuple[int, ...], count: int) -> Iterator[tuple[list[int], list[int]]]:
    """Blocks of an array, the whole of it first, then all of its last plane."""
    yield [0] * len(shape), list(shape)
    yield [*(n - 1 for n in shape[:-2]), 0, 0], list(shape)
    chooser = random.Random(str(shape))
    for _ in range(count):
        pairs = [sorted(chooser.sample(range(n + 1), 2)) for n in shape]
        yield [a for a, _ in pairs], [b for _, b in pairs]


def assert_blocks(blocks: StackBlocks, whole: NDArray[Any], count: int) -> None:
    axes = whole.ndim - blocks.is_color
    for starts, stops in random_blocks(whole.shape[:axes], count):
        part = blocks.read(starts, stops)
        wanted = np.ascontiguousarray(whole[tuple(map(slice, starts, stops))])
        assert (part.shape, part.dtype) == (wanted.shape, wanted.dtype)
        assert part.flags.c_contiguous
        assert part.flags.writeable
        assert part.tobytes() == wanted.tobytes(), (starts, stops)


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_are_parts_of_what_read_gives(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, kind)
    stack, blocks, whole = opened(tmp_path, kind)
    assert blocks.shape == whole.shape
    assert blocks.dtype == whole.dtype.name
    assert blocks.is_color == (kind == "colour")
    assert stack.affine is not None
    assert blocks.affine is not None
    assert np.array_equal(blocks.affine, stack.affine)
    assert np.isnan(whole).any() == (kind == "gaps")
    assert_blocks(blocks, whole, cases(96))
    monkeypatch.setattr(stack_blocks, "_PIECE", 3 * whole[0].nbytes)
    assert_blocks(blocks, whole, cases(36))
    copy: StackBlocks = pickle.loads(pickle.dumps(blocks))
    assert (copy.shape, copy.dtype, copy.is_color) == (blocks.shape, blocks.dtype, blocks.is_color)
    assert_blocks(copy, whole, 2)


@pytest.mark.parametrize("kind", ["plain", "deflated", "RLE", "four axes", "gaps", "mosaics"])
def test_files_of_other_planes_are_not_opened(tmp_path: Path, kind: str) -> None:
    paths = write(tmp_path, kind)
    _, blocks, whole = opened(tmp_path, kind)
    starts, stops = {
        "four axes": ((1, 2, 1, 2), (2, 4, 3, 5)),
        "gaps": ((1, 1, 2), (4, 3, 5)),
        "mosaics": ((1, 0, 1, 2), (2, 7, 3, 5)),
    }.get(kind, ((1, 1, 2), (3, 3, 5)))
    needed = {"four axes": {6, 7}, "gaps": {1, 3}, "mosaics": {1}}.get(kind, {1, 2})
    for k, path in enumerate(paths):
        if k not in needed:
            path.unlink(missing_ok=True)
    part = blocks.read(starts, stops)
    assert np.array_equal(part, whole[tuple(map(slice, starts, stops))], equal_nan=True)
    paths[min(needed)].unlink()
    with pytest.raises(FileNotFoundError):
        blocks.read(starts, stops)


def test_a_copy_takes_no_other_files_along(tmp_path: Path) -> None:
    write(tmp_path, "plain")
    (alone,) = open_series(tmp_path)
    for k in range(12):
        (tmp_path / f"a{k}").write_bytes(native(k, SeriesInstanceUID=f"{SERIES}.7"))
    paths = sorted(tmp_path.iterdir(), reverse=True)
    (stack,) = (each for each in open_series(paths) if each.shape[0] == SLICES)
    small = pickle.dumps(stack.blocks())
    assert len(small) < 1.1 * len(pickle.dumps(alone.blocks()))
    assert_blocks(pickle.loads(small), alone.read().array, 2)


@pytest.mark.parametrize("kind", ["plain", "RLE", "deflated frames", "mosaics"])
def test_threads_share_blocks(tmp_path: Path, kind: str) -> None:
    write(tmp_path, kind)
    _, blocks, whole = opened(tmp_path, kind)
    with ThreadPoolExecutor(6) as pool:
        results = pool.map(lambda _: assert_blocks(blocks, whole, 3), range(12))
        assert list(results) == [None] * 12


WRONG: list[tuple[Any, Any]] = [
    ((0, 0, 0), (8, 6, 5)), ((0, -1, 0), (2, 6, 5)), ((2, 0, 0), (2, 6, 5)),
    ((3, 0, 0), (2, 6, 5)), ((0, 0), (7, 6)), ((0, 0, 0), (7, 6)), ((0, 0, 0, 0), (1, 7, 6, 5)),
    ((0, 0, 0, 0), (7, 6, 5, 1)), ((), ()), ((0.0, 0, 0), (7, 6, 5)), ("000", (7, 6, 5)), (0, 7),
]  # fmt: skip


def test_a_block_that_does_not_lie_in_the_volume_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "plain")
    _, blocks, whole = opened(tmp_path, "plain")
    for starts, stops in WRONG:
        with pytest.raises(ArgumentError, match="starts"):
            blocks.read(starts, stops)
    numbers: list[Any] = [np.array(n, np.uint8) for n in ([5, 1, 2], [7, 6, 5])]
    assert blocks.read(*numbers).tobytes() == whole[5:7, 1:6, 2:5].tobytes()


def test_an_axis_of_volumes_is_not_left_out(tmp_path: Path) -> None:
    write(tmp_path, "four axes")
    _, blocks, _ = opened(tmp_path, "four axes")
    with pytest.raises(ArgumentError, match="starts"):
        blocks.read((0, 0, 0), (1, 1, 1))


def test_what_parts_do_not_tell_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "mirrored")
    (stack,) = open_series(tmp_path)
    with pytest.raises(ArgumentError, match=r"invert='range'"):
        stack.blocks()
    path = tmp_path / "000.dcm"
    path.write_bytes(native(0))  # now the planes are of two kinds
    with pytest.raises(ArgumentError, match="maximum"):
        next(s for s in open_series(tmp_path) if s.shape[0] > 1).blocks()
    assert open_series(path)[0].blocks().read((0, 0, 0), (1, 6, 5)).shape == (1, 6, 5)


def test_gaps(tmp_path: Path) -> None:
    write(tmp_path, "gaps")
    (stack,) = open_series(tmp_path)
    with pytest.raises(SeriesError, match="gaps"):
        stack.blocks()
    with pytest.raises(ArgumentError, match="float dtype"):
        stack.blocks(Recipe(dtype="int32"), gaps="fill")
    blocks = stack.blocks(gaps="fill")
    assert np.isnan(blocks.read((2, 1, 1), (3, 4, 5))).all()
    assert np.isnan(blocks.read((1, 0, 0), (3, 6, 5))).any(axis=(1, 2)).tolist() == [False, True]


@pytest.mark.parametrize("kind", ["plain", "RLE", "deflated"])
def test_files_that_change_are_errors_that_name_them(tmp_path: Path, kind: str) -> None:
    paths = write(tmp_path, kind)
    _, blocks, whole = opened(tmp_path, kind)
    data = paths[2].read_bytes()
    paths[2].write_bytes(data[: len(data) // 2])
    with pytest.raises(PixelDataError, match=r"changed|fetch it again") as caught:
        blocks.read((1, 1, 1), (4, 3, 3))
    assert str(caught.value.source) == str(paths[2])
    assert blocks.read((0, 1, 1), (2, 3, 3)).tobytes() == whole[0:2, 1:3, 1:3].tobytes()
    paths[2].unlink()
    with pytest.raises(FileNotFoundError):
        blocks.read((1, 1, 1), (4, 3, 3))


def test_oddities_are_told_when_blocks_are_made(tmp_path: Path) -> None:
    for k in range(3):
        made = slice_dataset(k, PixelSpacing=None, ImagerPixelSpacing=["0.5", "0.5"])
        (tmp_path / f"{k}.dcm").write_bytes(encode(made))
    (stack,) = open_series(tmp_path)
    with pytest.warns(HeaderWarning, match="detector") as told:
        blocks = stack.blocks()
    assert [warning.filename for warning in told] == [__file__]
    assert blocks.read((0, 0, 0), (2, 2, 2)).shape == (2, 2, 2)  # and not again


def test_nobody_else_has_the_affine(tmp_path: Path) -> None:
    write(tmp_path, "plain")
    stack, blocks, _ = opened(tmp_path, "plain")
    assert blocks.affine is not None
    blocks.affine[:] = 0
    assert stack.affine is not None
    assert stack.affine.any()


def test_no_file_stays_open(tmp_path: Path) -> None:
    write(tmp_path, "plain")
    held = set(os.listdir("/dev/fd"))
    _, blocks, _ = opened(tmp_path, "plain")
    blocks.read((0, 0, 0), (7, 2, 2))
    assert set(os.listdir("/dev/fd")) <= held
