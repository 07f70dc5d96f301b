"""Batches out of a cache: `Cache.read` of each sample at its place, and errors by their places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.builders import encode, make_dataset
from support.jobs import Folders
from support.series_files import cells_of

from fastpix import Cache, Recipe
from fastpix.errors import ArgumentError, FastpixError
from fastpix.job import cache_batch
from fastpix.job.cache_batch import cache_to_places
from fastpix.runs.batch_places import Places

IMAGES = 8
THREADS = [1, 2, None]
FORMATS = ["tar", "b2nd", "npz", "png"]


@pytest.fixture(params=FORMATS)
def cache(request: pytest.FixtureRequest, folders: Folders, in_this_process: None) -> Cache:
    """Images of one size but the last, which is in colour."""
    for k in range(IMAGES):
        add(folders, k)
    cells = np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    colored = make_dataset(cells, SamplesPerPixel=3, SOPInstanceUID="1.2.99")
    folders.add(f"{IMAGES}", encode(colored))
    folders.convert(format=request.param)
    return in_order(folders)


def add(folders: Folders, k: int, rows: int = 6, columns: int = 5, **attributes: Any) -> None:
    values = {"SOPInstanceUID": f"1.2.{k}", "RescaleSlope": f"{1 + k / 7:.6f}"} | attributes
    folders.add(f"{k}", encode(make_dataset(cells_of(k, rows, columns), **values)))


def in_order(folders: Folders) -> Cache:
    """The cache, its samples in the order of their files."""
    cache = folders.cache()
    return cache.subset(
        [cache.names.index(folders.name(folders.src / f"{k}")) for k in range(len(cache))]
    )


@pytest.fixture(autouse=True)
def few_samples_are_worth_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_batch, "_WORTH_THREADS", 1)
    monkeypatch.setattr(cache_batch, "_SHARE", 2)
    monkeypatch.setattr(cache_batch, "cores", lambda: 3)


def batch(
    cache: Cache, keys: Sequence[int | str], wanted: dict[int, NDArray[Any]], wrong: Sequence[int],
    size: tuple[int, int] | None = None, **how: Any,
) -> dict[int, Exception]:  # fmt: skip
    """Read a batch by one thread and by several, and check which places have which values."""
    for threads in THREADS:
        places = Places(len(keys), size, -1, None)
        errors = cache_to_places(cache, keys, places, threads=threads, **how)
        assert sorted(errors | places.misfits(cache.names)) == list(wrong)
        for k, values in wanted.items():
            assert places.result.dtype == values.dtype
            assert places.result[k].tobytes() == values.tobytes()
        if wanted:
            masked = places.masked(errors, cache.names)
            assert [*np.flatnonzero(~masked.read)] == list(wrong)
            assert all((masked.array[k] == -1).all() for k in wrong)
    return errors


def test_a_batch_is_a_stack_of_what_read_gives(cache: Cache) -> None:
    keys: list[int | str] = [*range(IMAGES), -2, cache.names[3], 0]
    wanted = {k: cache.read(key) for k, key in enumerate(keys)}
    assert batch(cache, keys, wanted, []) == {}
    out = np.full((len(keys), 6, 5), np.nan, np.float32)
    places = Places(len(keys), None, 0, out)
    assert cache_to_places(cache, keys, places) == {}
    assert places.result is out
    assert out.tobytes() == np.stack(list(wanted.values())).tobytes()


@pytest.mark.parametrize("cache", ["tar", "npz"], indirect=True)
def test_each_sample_has_an_interval_of_its_own(cache: Cache) -> None:
    intervals = [(0.0, 100.0 + k) if k % 3 else None for k in range(IMAGES)]
    wanted = {k: cache.read(k, normalize=intervals[k]) for k in range(IMAGES)}
    assert wanted[1].max() <= 1 < wanted[0].max()
    assert batch(cache, range(IMAGES), wanted, [], normalize=intervals) == {}


@pytest.mark.parametrize("cache", ["tar", "npz"], indirect=True)
def test_colour_does_not_fit_among_grey_nor_is_it_normalized(cache: Cache) -> None:
    wanted = {k: cache.read(k) for k in (0, 1, IMAGES)}
    assert batch(cache, [0, IMAGES, 1], {0: wanted[0], 2: wanted[1]}, [1]) == {}
    assert batch(cache, [IMAGES, 1, IMAGES], {0: wanted[IMAGES], 2: wanted[IMAGES]}, [1]) == {}
    one = cache.read(1, normalize=(0, 9))
    for order, at in (([1, IMAGES, 1], 1), ([IMAGES, 1, 1], 0)):
        errors = batch(cache, order, {2: one}, [at], normalize=[(0.0, 9.0)] * 3)
        assert isinstance(errors[at], ArgumentError)
        assert "colour" in str(errors[at])


def test_images_of_several_sizes(folders: Folders, in_this_process: None) -> None:
    sizes = [(6, 5), (8, 3), (6, 5), (3, 9), (6, 5), (4, 4)]
    for k, (rows, columns) in enumerate(sizes):
        add(folders, k, rows, columns)
    folders.convert()
    cache = in_order(folders)
    read = {k: cache.read(k) for k in range(6)}
    batch(cache, range(6), {k: read[k] for k in (0, 2, 4)}, [1, 3, 5])
    wanted = {}
    for k, (rows, columns) in enumerate(sizes):
        wanted[k] = np.full((6, 5), -1, np.float32)
        r, c = max(0, (6 - rows) // 2), max(0, (5 - columns) // 2)
        y, x = max(0, (rows - 6) // 2), max(0, (columns - 5) // 2)
        part = read[k][y : y + 6, x : x + 5]
        wanted[k][r : r + part.shape[0], c : c + part.shape[1]] = part
    assert batch(cache, range(6), wanted, [], size=(6, 5)) == {}


@pytest.mark.parametrize(
    ("form", "broken"),
    [("tar", (0, 1, 5)), ("tar", (3,)), ("tar", tuple(range(6))), ("b2nd", (0,))],
)
def test_errors_are_those_of_their_places(
    folders: Folders, in_this_process: None, form: str, broken: tuple[int, ...]
) -> None:
    """An image that cannot be read does not decide about the shape of a batch."""
    for k in range(6):
        add(folders, k, *((9, 9) if k in broken else (6, 5)))
    folders.convert(format=form, recipe=Recipe(dtype="float64"))
    cache = in_order(folders)
    wanted = {k: cache.read(k) for k in range(6) if k not in broken}
    cache._offsets = cache._offsets.copy()
    for k in broken:
        if form == "tar":
            cache._offsets[k] = 10**6  # as if the shard ended before it
        else:
            (folders.dst / cache.where(k)["file"]).unlink()
    errors = batch(cache, range(6), wanted, broken)
    for k, error in errors.items():
        assert isinstance(error, FastpixError)
        assert ("cut off" if form == "tar" else "missing") in str(error)
        assert error.__notes__ == [f"The sample is {cache.names[k]}"]


@pytest.mark.parametrize("cache", ["tar"], indirect=True)
def test_arguments(cache: Cache) -> None:
    with pytest.raises(FastpixError, match="no sample"):
        cache_to_places(cache, [0, "nobody"], Places(2, None, 0, None))
    with pytest.raises(IndexError):
        cache_to_places(cache, [0, 99], Places(2, None, 0, None))
    for shape, dtype in (((2, 6, 4), "float32"), ((2, 6, 5), "float64")):
        with pytest.raises(ArgumentError, match="out"):
            cache_to_places(cache, [0, 1], Places(2, None, 0, np.empty(shape, dtype)))
    with pytest.raises(ArgumentError, match="fill"):
        cache_to_places(cache, [0, 1], Places(2, (9, 9), "x", None))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="threads"):
        cache_to_places(cache, [0, 1], Places(2, None, 0, None), threads=0)
