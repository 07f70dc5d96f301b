"""Blocks of volumes in a cache: the bits of `Cache.read`, or an error, and little that is read."""

from __future__ import annotations

import math
import os
import pickle
import random
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.builders import encode
from support.jobs import Folders
from support.libraries import library
from support.series_files import ROOT, cells_of, enhanced, slice_dataset
from support.sizes import cases

import fastpix
from fastpix import Cache, Recipe
from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.batch_conversion import convert_batch
from fastpix.job.cache_block import read_cache_block
from fastpix.job.engines import driving
from fastpix.job.formats import blosc2_frames, blosc2_parts, sample_bytes, zarr_arrays
from fastpix.job.storage.local_storage import LocalStorage

FORMATS = ["b2nd none", "b2nd zstd", "tar none", "tar zstd", "npz none", "nifti none", "zarr zstd"]
PADDING = 2**12
RECIPE = Recipe(padding=-2000.5)  # no value of a plane


def plain(k: int) -> dict[str, Any]:
    return {}


def of_pet(k: int) -> dict[str, Any]:
    return {"RescaleSlope": f"{1 + k / 7:.8f}", "RescaleIntercept": "0"}


def repeated(k: int) -> dict[str, Any]:
    """Three volumes of four slices; each plane has a slope of its own."""
    return {"Modality": "MR", "TemporalPositionIdentifier": k // 4 + 1,
            "RescaleSlope": f"{1 + k / 3:.8f}"}  # fmt: skip


def padded(k: int) -> dict[str, Any]:
    cells = cells_of(k)
    cells[k % 6] = PADDING
    return {"PixelPaddingValue": PADDING, "cells": cells}


def inverted(k: int) -> dict[str, Any]:
    return padded(k) | {"PhotometricInterpretation": "MONOCHROME1", "RescaleSlope": "1.25"}


def colored(k: int) -> dict[str, Any]:
    cells = np.random.default_rng(k).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    return {"cells": cells, "SamplesPerPixel": 3, "RescaleSlope": None, "RescaleIntercept": None}


VOLUMES: dict[str, tuple[Callable[[int], dict[str, Any]], int, tuple[int, ...]]] = {
    "plain": (plain, 7, (7, 6, 5)),
    "slope per plane": (of_pet, 7, (7, 6, 5)),
    "four axes": (repeated, 12, (3, 4, 6, 5)),
    "padding": (padded, 5, (5, 6, 5)),
    "inverted": (inverted, 5, (5, 6, 5)),
    "colour": (colored, 5, (5, 6, 5, 3)),
}


def series_uid(kind: str) -> str:
    return f"{ROOT}.60.{list(VOLUMES).index(kind)}"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A series of each kind."""
    folder = tmp_path_factory.mktemp("sources")
    for kind, (made, count, shape) in VOLUMES.items():
        uid = series_uid(kind)
        for k in range(count):
            dataset = slice_dataset(
                k % shape[-3 - (kind == "colour")], number=k, SeriesInstanceUID=uid, **made(k)
            )
            dataset.SOPInstanceUID = f"{uid}.{k}"
            path = folder / kind / f"{k}.dcm"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encode(dataset))
            os.utime(path, (1e9, 1e9))
    return folder


@pytest.fixture(scope="module")
def converted(
    sources: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Folders]]:
    """Convert the series, once for each format; small volumes have several blocks, and chunks."""

    @lru_cache
    def convert(format_: str) -> Folders:
        form, compress = format_.split()
        folders = Folders(sources, tmp_path_factory.mktemp(form) / "dst")
        summary = folders.convert(unit="series", format=form, compress=compress, recipe=RECIPE)
        assert summary.failed == 0
        return folders

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blosc2_frames, "_VOLUME_CHUNK", (3, 4, 4))
        patch.setattr(blosc2_frames, "_VOLUME_BLOCK", (2, 2, 3))
        patch.setattr(zarr_arrays, "_CHUNK", (2, 4, 3))
        patch.setattr(driving, "run_guarded", convert_batch)  # in this process
        yield convert


@pytest.fixture(params=FORMATS)
def folders(
    request: pytest.FixtureRequest, converted: Callable[[str], Folders], tmp_path: Path
) -> Folders:
    """A job that has converted the series; a test may change what it has written."""
    if request.param.startswith("zarr"):
        library("zarr")
    made = converted(request.param)
    shutil.copytree(made.dst, tmp_path / "dst")
    shutil.copy(made.dst.with_name("dst.key"), tmp_path)
    return Folders(made.src, tmp_path / "dst")


@lru_cache
def volume_bytes(folder: Path) -> bytes:
    return fastpix.read_series(folder, recipe=RECIPE).array.tobytes()


def sample_of(folders: Folders, kind: str) -> str:
    return f"{folders.names().of_uid(series_uid(kind))}-0"


def random_blocks(shape: tuple[int, ...], count: int) -> Iterator[tuple[list[int], list[int]]]:
    """Blocks of an array, the whole of it first."""
    yield [0] * len(shape), list(shape)
    chooser = random.Random(str(shape))
    for _ in range(count):
        pairs = [sorted(chooser.sample(range(n + 1), 2)) for n in shape]
        yield [a for a, _ in pairs], [b for _, b in pairs]


def assert_is_part(
    part: NDArray[Any], whole: NDArray[Any], starts: list[int], stops: list[int]
) -> None:
    wanted = np.ascontiguousarray(whole[tuple(map(slice, starts, stops))])
    assert part.shape == wanted.shape
    assert part.dtype == wanted.dtype
    assert part.flags.c_contiguous
    assert part.flags.writeable
    assert part.tobytes() == wanted.tobytes(), (starts, stops)


def test_blocks_are_parts_of_what_read_gives(folders: Folders) -> None:
    cache = folders.cache()
    assert len(cache) == len(VOLUMES)
    for kind, (_, _, shape) in VOLUMES.items():
        name = sample_of(folders, kind)
        whole = cache.read(name)
        assert whole.shape == shape
        assert whole.tobytes() == volume_bytes(folders.src / kind)
        axes = len(shape) - cache.is_color(name)  # that of colours may be left out
        for starts, stops in random_blocks(shape[:axes], cases(60)):
            assert_is_part(read_cache_block(cache, name, starts, stops), whole, starts, stops)
        for starts, stops in random_blocks(shape, cases(24)):
            number = cache.place(name) - len(cache)
            assert_is_part(read_cache_block(cache, number, starts, stops), whole, starts, stops)


def test_blocks_are_normalized_as_read_does(folders: Folders) -> None:
    cache, interval = folders.cache(), (-700.0, 1100.0)
    for kind, (_, _, shape) in VOLUMES.items():
        name = sample_of(folders, kind)
        has_padding = kind in ("padding", "inverted") and cache.holds_values
        if kind == "colour" or has_padding:
            why = "padding" if has_padding else "colour"
            with pytest.raises(ArgumentError, match=why):
                cache.read(name, normalize=interval)
            with pytest.raises(ArgumentError, match=why):
                read_cache_block(cache, name, (0,) * 3, (1,) * 3, interval)
            continue
        whole = cache.read(name, normalize=interval)
        assert whole.max() <= 1
        is_low = whole == -2000.5 if kind in ("padding", "inverted") else whole < 0
        assert is_low.any() == (kind in ("padding", "inverted"))
        for starts, stops in random_blocks(shape, cases(36)):
            part = read_cache_block(cache, name, starts, stops, interval)
            assert_is_part(part, whole, starts, stops)
        assert np.array_equal(cache.read(name, normalize=[*interval]), whole)  # type: ignore[arg-type]


WRONG: list[tuple[Any, Any]] = [
    ((0, 0, 0), (8, 6, 5)), ((-1, 0, 0), (2, 6, 5)), ((2, 0, 0), (2, 6, 5)),
    ((3, 0, 0), (2, 6, 5)), ((0, 0), (7, 6)), ((0, 0, 0), (7, 6)), ((0, 0), (7, 6, 5)),
    ((0, 0, 0, 0), (1, 7, 6, 5)), ((), ()), ((0.0, 0, 0), (7, 6, 5)), ((0, 0, 0), ("7", 6, 5)),
    (0, 7),
]  # fmt: skip


@pytest.mark.parametrize("folders", ["b2nd zstd", "tar none"], indirect=True)
def test_a_block_that_does_not_lie_in_the_volume_is_refused(folders: Folders) -> None:
    cache = folders.cache()
    for starts, stops in WRONG:
        with pytest.raises(ArgumentError, match="starts"):
            read_cache_block(cache, sample_of(folders, "plain"), starts, stops)
    for kind in ("four axes", "colour"):
        # What has three numbers is not all volumes of four axes, nor part of a colour.
        starts = (0, 0, 0) if kind == "four axes" else (0, 0)
        with pytest.raises(ArgumentError, match="starts"):
            read_cache_block(cache, sample_of(folders, kind), starts, [n + 1 for n in starts])
    with pytest.raises(FastpixError, match="no sample"):
        read_cache_block(cache, "nobody", (0, 0, 0), (1, 1, 1))
    with pytest.raises(ArgumentError, match="normalize"):
        read_cache_block(cache, sample_of(folders, "plain"), (0,) * 3, (1,) * 3, (1, 0))
    whole = cache.read(sample_of(folders, "plain"))
    for dtype in ("uint8", "int64"):
        numbers: list[Any] = [np.array(n, dtype) for n in ([5, 1, 2], [7, 6, 5])]
        part = read_cache_block(cache, sample_of(folders, "plain"), *numbers)
        assert_is_part(part, whole, *(n.tolist() for n in numbers))


def test_damage_is_told_in_words(folders: Folders) -> None:
    """Of raw cells, what is damaged is only found where it is cut off: see `Cache.verify`."""
    cache = folders.cache()
    name = sample_of(folders, "plain")
    row = cache.where(cache.place(name))
    path, end = folders.dst / row["file"], row["offset"] + row["length"]
    last = (6, 5, 4), (7, 6, 5)
    wanted = read_cache_block(cache, name, *last)
    data = path.read_bytes()
    for at in [*range(0, row["length"], max(1, row["length"] // cases(120))), row["length"] - 1]:
        if cache.settings.format == "tar" and cache.settings.compress == "none":
            break
        flipped = bytearray(data)
        flipped[row["offset"] + at] ^= 0x10
        path.write_bytes(flipped)
        os.utime(path, ns=(at, at))
        with pytest.raises(FastpixError, match="damaged"):
            read_cache_block(cache, name, *last)
    for length in (end - 1, row["offset"] + row["length"] // 2, row["offset"], 0):
        path.write_bytes(data[:length])
        with pytest.raises(FastpixError, match="cut off"):
            read_cache_block(cache, name, *last)
    path.write_bytes(data)
    assert read_cache_block(cache, name, *last).tobytes() == wanted.tobytes()
    path.unlink()
    with pytest.raises(FastpixError, match="missing"):
        read_cache_block(cache, name, *last)


@pytest.mark.parametrize("folders", ["b2nd zstd"], indirect=True)
def test_a_file_of_another_run_is_not_taken_for_that_of_a_manifest(folders: Folders) -> None:
    """Its array has the same shape, and this process has found it sound, for another cache."""
    old, name = folders.cache(), sample_of(folders, "plain")
    block = (1, 1, 1), (3, 3, 3)
    before = read_cache_block(old, name, *block)
    again = {"unit": "series", "format": "b2nd", "compress": "zstd", "replace": True}
    folders.convert(**again, recipe=Recipe(rescale=False))
    changed = read_cache_block(folders.cache(), name, *block)
    assert changed.tobytes() != before.tobytes()
    with pytest.raises(FastpixError, match="damaged"):
        old.read(name)
    with pytest.raises(FastpixError, match="damaged"):
        read_cache_block(old, name, *block)


@pytest.mark.parametrize("folders", ["b2nd zstd", "tar none", "npz none"], indirect=True)
def test_threads_and_copies_share_a_cache(folders: Folders) -> None:
    cache = folders.cache()
    copy: Cache = pickle.loads(pickle.dumps(cache))
    wholes = {name: cache.read(name) for name in cache.names}

    def check(number: int) -> None:
        name = cache.names[number % len(cache)]
        for starts, stops in random_blocks(cache.shape(name), 3):
            part = read_cache_block((cache, copy)[number % 2], name, starts, stops)
            assert_is_part(part, wholes[name], starts, stops)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(check, range(36))) == [None] * 36


@pytest.mark.parametrize("folders", ["b2nd zstd"], indirect=True)
def test_few_arrays_stay_open(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blosc2_parts, "_MOST_OPEN", 2)
    monkeypatch.setattr(blosc2_parts, "_MOST_CHECKED", 2)
    monkeypatch.setattr(blosc2_parts, "_opened", blosc2_parts._Opened())
    monkeypatch.setattr(blosc2_parts, "_checked", {})
    cache, held = folders.cache(), len(os.listdir("/dev/fd"))
    for name in cache.names * 2:
        whole = cache.read(name)
        part = read_cache_block(cache, name, [0] * whole.ndim, [1] * whole.ndim)
        assert part.ravel()[0] == whole.ravel()[0]
        assert len(blosc2_parts._opened.arrays) <= 2
        assert len(blosc2_parts._checked) <= 2
    assert len(os.listdir("/dev/fd")) <= held + 2


@pytest.mark.parametrize("folders", ["tar none", "b2nd zstd", "npz none"], indirect=True)
def test_little_is_read(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two planes of seven; of a ``.b2nd``, all once, for its checksum. No array keeps the rest."""
    lengths: list[int] = []
    plain_read = LocalStorage.read

    def counted(self: LocalStorage, key: str, offset: int = 0, length: int | None = None) -> bytes:
        data = plain_read(self, key, offset, length)
        lengths.append(len(data))
        return data

    cache, name = folders.cache(), sample_of(folders, "plain")
    monkeypatch.setattr(LocalStorage, "read", counted)
    for _ in range(2):
        part = read_cache_block(cache, name, (3, 1, 1), (5, 3, 3))
        owner = part if part.base is None else part.base
        assert memoryview(owner).nbytes == part.nbytes  # type: ignore[arg-type]
    size = cache.where(cache.place(name))["length"]
    form = cache.settings.format
    two_planes = 2 * math.prod(cache.shape(name)[1:]) * 2
    assert lengths == {"tar": [two_planes] * 2, "b2nd": [size], "npz": [size] * 2}[form]


@pytest.mark.parametrize("form", ["b2nd", "npz"])
@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        (Recipe(normalize=(-500, 500)), "has normalized"),
        (Recipe(padding=-7.0), "padding"),
        (Recipe(padding=float("nan")), ""),
    ],
    ids=["normalized", "padding", "NaN"],
)
def test_a_volume_with_filled_gaps(
    form: str, recipe: Recipe, why: str, tmp_path: Path, sources: Path, in_this_process: None
) -> None:
    """It is stored as values: they are normalized, and padding is a number, once and for all."""
    folders = Folders(tmp_path / "src", tmp_path / "dst")
    folders.src.mkdir()
    for k in (0, 1, 3, 4):
        os.link(sources / "padding" / f"{k}.dcm", folders.src / f"{k}.dcm")
    folders.convert(unit="series", format=form, gaps="fill", recipe=recipe)
    cache, block = folders.cache(), ([1, 2, 1], [4, 6, 5])
    part = read_cache_block(cache, 0, *block)
    assert_is_part(part, cache.read(0), *block)
    assert np.isnan(part[1]).all()
    if why:
        with pytest.raises(ArgumentError, match=why):
            cache.read(0, normalize=(0, 1))
        with pytest.raises(ArgumentError, match=why):
            read_cache_block(cache, 0, *block, (0, 1))
        return
    whole = fastpix.read_series(
        folders.src, gaps="fill", recipe=Recipe(padding=float("nan"), normalize=(-500, 500))
    )
    assert_is_part(read_cache_block(cache, 0, *block, (-500, 500)), whole.array, *block)


@pytest.mark.parametrize("folders", ["b2nd zstd"], indirect=True)
def test_a_file_that_changes_while_it_is_read_is_an_error(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, name = folders.cache(), sample_of(folders, "plain")
    path = folders.dst / cache.where(cache.place(name))["file"]
    open_array = blosc2_parts._array

    def replaced(stamp: Any, row: dict[str, Any]) -> Any:
        other = path.with_name("other")
        shutil.copy(path, other)
        os.replace(other, path)
        return open_array(stamp, row)

    monkeypatch.setattr(blosc2_parts, "_array", replaced)
    with pytest.raises(FastpixError, match="changed"):
        read_cache_block(cache, name, (0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize("form", ["tar", "b2nd", "index"])
def test_blocks_of_images(form: str, tmp_path: Path, in_this_process: None) -> None:
    """Also of several frames, each with a rescale of its own."""
    folders = Folders(tmp_path / "src", tmp_path / "dst")
    folders.src.mkdir()
    paths = [folders.add("grey", encode(slice_dataset(1)))]
    paths += [folders.add("frames", encode(enhanced()))]
    if form != "index":
        paths += [folders.add("colour", encode(slice_dataset(2, **colored(2))))]
    folders.convert(format=form, recipe=Recipe(dtype="float64"))
    cache = folders.cache()
    for path in paths:
        name = folders.name(path)
        whole = fastpix.imread(path, dtype="float64")
        for starts, stops in random_blocks(whole.shape, 6):
            assert_is_part(read_cache_block(cache, name, starts, stops), whole, starts, stops)


def test_the_error_of_a_missing_file_is_one(tmp_path: Path) -> None:
    row = {"file": "a.b2nd", "offset": 0, "length": 1, "checksum": 0, "shape": (1,)}
    for call in (
        lambda: sample_bytes.read_bytes(LocalStorage(tmp_path), row, verify=True),
        lambda: blosc2_parts.read_part(LocalStorage(tmp_path), row, (0,), (1,)),
    ):
        with pytest.raises(FastpixError, match=r"a\.b2nd is missing .*run the job again"):
            call()
