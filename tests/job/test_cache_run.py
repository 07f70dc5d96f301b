"""Samples that lie next to each other, read by one call: what `Cache.stored` gives of each."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.jobs import Folders
from support.libraries import library
from support.series_files import cells_of
from support.sizes import cases

from fastpix import Cache
from fastpix.errors import FastpixError
from fastpix.job.cache_run import read_cache_run
from fastpix.job.settings import Compress
from fastpix.job.storage.local_storage import LocalStorage

IMAGES = 10


@pytest.fixture(params=["none", "zstd"])
def cache(request: pytest.FixtureRequest, folders: Folders, in_this_process: None) -> Cache:
    """One shard of images of several shapes, in the order that they lie there."""
    compress: Compress = request.param
    for k in range(IMAGES):
        cells = cells_of(k, 6 + k % 3, 5 + k % 2, np.uint8 if k == 4 else np.int16)
        folders.add(f"{k}", encode(make_dataset(cells, SOPInstanceUID=f"1.2.{k}")))
    folders.convert(compress=compress)
    made = folders.cache()
    assert len(set(made.shards)) == 1
    return made.subset(np.argsort([made.where(k)["offset"] for k in range(IMAGES)]))


def assert_is_stored(cache: Cache, places: Sequence[int]) -> None:
    found = read_cache_run(cache, places)
    assert len(found) == len(places)
    for place, one in zip(places, found, strict=True):
        wanted = cache.stored(place)
        assert isinstance(one, np.ndarray), one
        assert (one.shape, one.dtype) == (wanted.shape, wanted.dtype)
        assert one.tobytes() == wanted.tobytes()
        values = cache.remaining(place).values(one)
        assert values.tobytes() == cache.read(place).tobytes()


def test_any_samples_of_a_file(cache: Cache) -> None:
    """Adjacent ones, ones with gaps, in any order, and one twice."""
    assert read_cache_run(cache, []) == []
    assert_is_stored(cache, range(IMAGES))
    assert_is_stored(cache, [4])
    chooser = random.Random(3)
    for _ in range(cases(72)):
        first, last = sorted(chooser.choices(range(IMAGES), k=2))
        assert_is_stored(cache, range(first, last + 1))
        some = chooser.sample(range(IMAGES), chooser.randrange(1, IMAGES))
        assert_is_stored(cache, sorted(some))
        assert_is_stored(cache, [*some, some[0]])


@pytest.mark.parametrize("cache", ["zstd"], indirect=True)
def test_one_call_reads_them(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, calls = LocalStorage.read, list[int]()

    def counted(self: LocalStorage, key: str, offset: int = 0, length: int | None = None) -> bytes:
        calls.append(offset)
        return plain(self, key, offset, length)

    monkeypatch.setattr(LocalStorage, "read", counted)
    read_cache_run(cache, [2, 5, 6])
    assert calls == [cache.where(2)["offset"]]


def test_of_a_run_that_is_cut_off_each_tells_by_itself(cache: Cache, folders: Folders) -> None:
    wanted = [cache.stored(k).tobytes() for k in range(IMAGES)]
    (path,) = folders.dst.glob("shards/*.tar")
    data = path.read_bytes()
    row = cache.where(7)
    path.write_bytes(data[: row["offset"] + row["length"] - 1])
    found = read_cache_run(cache, range(3, 10))
    for place, one in zip(range(3, 10), found, strict=True):
        if place < 7:
            assert isinstance(one, np.ndarray)
            assert one.tobytes() == wanted[place]
            continue
        assert isinstance(one, FastpixError)
        assert "cut off" in str(one)
        assert one.__notes__ == [f"The sample is {cache.names[place]}"]
    assert_is_stored(cache, range(3, 7))
    path.unlink()
    errors = read_cache_run(cache, [0, 1])
    assert ["is missing" in str(error) for error in errors] == [True, True]


@pytest.mark.parametrize("cache", ["zstd"], indirect=True)
def test_a_damaged_frame_is_its_own_error(cache: Cache, folders: Folders) -> None:
    (path,) = folders.dst.glob("shards/*.tar")
    data = bytearray(path.read_bytes())
    row = cache.where(7)
    data[row["offset"] + row["length"] // 2] ^= 1
    path.write_bytes(data)
    found = read_cache_run(cache, range(IMAGES))
    assert [k for k, one in enumerate(found) if isinstance(one, Exception)] == [7]
    assert "checksum" in str(found[7])
    with pytest.raises(FastpixError, match="checksum"):
        cache.stored(7)


@pytest.mark.parametrize("form", ["b2nd", "npz", "zarr", "index"])
def test_samples_in_files_of_their_own(form: str, folders: Folders, in_this_process: None) -> None:
    """They are no run, and none is taken for part of another."""
    if form == "zarr":
        library("zarr")
    for k in range(3):
        folders.add(f"{k}", encode(make_dataset(cells_of(k), SOPInstanceUID=f"1.2.{k}")))
    folders.convert(format=form)
    cache = folders.cache()
    for places in ([0, 1, 2], [2, 0], [1]):
        for place, found in zip(places, read_cache_run(cache, places), strict=True):
            assert isinstance(found, np.ndarray), found
            wanted = cache.read(place) if cache.holds_values else cache.stored(place)
            assert found.tobytes() == wanted.tobytes()
