"""Colour on one scale in caches: the bits of imread, by every way to read a cache."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_dataset, set_raw
from support.jobs import Folders, quiet_imread
from support.libraries import library

import fastpix
from fastpix import ArgumentError, Recipe
from fastpix.job.cache_batch import cache_to_places
from fastpix.job.cache_block import read_cache_block
from fastpix.runs.batch_places import Places
from fastpix.view.contact_sheet import write_contact_sheet

pytestmark = pytest.mark.usefixtures("in_this_process")

RNG = np.random.default_rng(11)
DEEP = RNG.integers(0, 2**12, (6, 8, 3), np.uint16)


def color(samples: Any, **more: Any) -> bytes:
    return encode(make_dataset(samples, SamplesPerPixel=3, **more))


def palette() -> bytes:
    descriptor = {
        f"{name}PaletteColorLookupTableDescriptor": [48, 0, 16] for name in ("Red", "Green", "Blue")
    }
    dataset = make_dataset(
        np.arange(48, dtype=np.uint8).reshape(6, 8),
        PhotometricInterpretation="PALETTE COLOR", **descriptor,
    )  # fmt: skip
    for k in range(3):
        data = RNG.integers(0, 2**16, 48).astype("<u2").tobytes()
        set_raw(dataset, 0x00281201 + k, "OW", data)
    return encode(dataset)


BYTES = RNG.integers(0, 256, (6, 8, 3), np.uint8)
SOURCES = {
    "gray": encode(make_dataset(np.arange(48, dtype=np.int16).reshape(6, 8) - 20, Modality="CT")),
    "deep": color(DEEP, BitsStored=12),
    "bytes": color(BYTES),
    "shallow": color(BYTES >> 3, BitsStored=5),
    "ybr": color(BYTES, PhotometricInterpretation="YBR_FULL"),
    "palette": palette(),
}
RECIPES = [
    Recipe(normalize=(-10, 20), color_range=(0, 1)),
    Recipe("int16", color_range=(0, 255)),
    Recipe("auto", color_range=(-1, 1)),
]


@pytest.fixture
def paths(folders: Folders) -> dict[str, Path]:
    return {name: folders.add(f"{name}.dcm", data) for name, data in SOURCES.items()}


@pytest.mark.parametrize("recipe", RECIPES, ids=["0..1", "int16", "auto"])
@pytest.mark.parametrize("form", ["tar", "b2nd", "npz", "zarr", "png"])
def test_values_are_imreads(
    form: str, recipe: Recipe, folders: Folders, paths: dict[str, Path]
) -> None:
    for name in {"zarr": ["zarr"], "png": ["PIL"]}.get(form, []):
        library(name)
    summary = folders.convert(recipe=recipe, format=form)
    assert (summary.converted, summary.failed) == (len(SOURCES), 0)
    cache = folders.cache()
    for name, path in paths.items():
        key = folders.name(path)
        wanted = quiet_imread(path, recipe)
        assert cache.is_color(key) == (name != "gray")
        for found in (cache[key], cache.read(key, out=np.empty_like(wanted))):
            assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
            assert found.tobytes() == wanted.tobytes()
        if name != "gray" and not cache.holds_values:
            assert cache.stored(key).dtype == np.uint8  # half of what deep colour takes
        part = read_cache_block(cache, key, (1, 2), (5, 8))
        assert part.tobytes() == wanted[1:5, 2:8].tobytes()


def test_batches_of_a_cache(folders: Folders, paths: dict[str, Path]) -> None:
    folders.convert(recipe=RECIPES[0])
    cache = folders.cache()
    names = [name for name in SOURCES if name != "gray"]
    keys = [folders.name(paths[name]) for name in names]
    places = Places(len(keys), None, 0, None)
    assert cache_to_places(cache, keys, places) == {}
    assert places.is_color
    batch = fastpix.imread_batch([paths[name] for name in names], recipe=RECIPES[0])
    assert places.result.tobytes() == batch.tobytes()


@pytest.mark.parametrize("form", ["tar", "zarr"])
def test_normalize_on_reading_leaves_colour_that_has_a_range(
    form: str, folders: Folders, paths: dict[str, Path]
) -> None:
    if form == "zarr":
        library(form)
    folders.convert(recipe=Recipe(color_range=(0, 1)), format=form)
    cache = folders.cache()
    whole = Recipe(normalize=(-10, 20), color_range=(0, 1))
    for name in ("gray", "deep"):
        key = folders.name(paths[name])
        wanted = quiet_imread(paths[name], whole)
        assert cache.read(key, normalize=(-10, 20)).tobytes() == wanted.tobytes()
        part = read_cache_block(cache, key, (0, 0), (6, 8), (-10, 20))
        assert part.tobytes() == wanted.tobytes()


def test_normalize_on_reading_colour_that_has_none(
    folders: Folders, paths: dict[str, Path]
) -> None:
    folders.convert()
    with pytest.raises(ArgumentError, match="color_range"):
        folders.cache().read(folders.name(paths["deep"]), normalize=(0, 1))


def test_what_a_job_says_before_it_reads(folders: Folders, paths: dict[str, Path]) -> None:
    told: list[str] = []
    folders.convert(
        recipe=Recipe(normalize=(0, 1)), on_trouble=lambda found: told.extend(map(str, found))
    )
    assert len(told) == 3  # RGB, YBR_FULL and PALETTE COLOR
    assert all("color_range=(0, 1)" in text for text in told)
    assert "color_range" in folders.row(paths["deep"])["reason"]


def test_a_cache_has_one_range(folders: Folders, paths: dict[str, Path]) -> None:
    folders.convert(recipe=RECIPES[0])
    assert folders.convert(recipe=RECIPES[0]).converted == 0
    assert fastpix.open_cache(folders.dst).settings.recipe == RECIPES[0]
    with pytest.raises(ArgumentError, match=r"color_range is \[0.0, 1.0\] there, and None"):
        folders.convert(recipe=Recipe(normalize=(-10, 20)))
    del paths["gray"]
    write_contact_sheet(folders.cache(), folders.dst.with_suffix(".png"))
    assert folders.dst.with_suffix(".png").stat().st_size > 1000


def test_volumes(folders: Folders) -> None:
    for k in range(3):
        folders.add(f"{k}.dcm", color(
            np.roll(DEEP, k), BitsStored=12, SeriesInstanceUID="1.2.3", PixelSpacing=[1, 1],
            SOPInstanceUID=f"1.2.3.{k}", ImagePositionPatient=[0, 0, k],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        ))  # fmt: skip
    for number, recipe in enumerate(RECIPES):
        folders.convert(unit="series", recipe=recipe, replace=bool(number))
        cache = folders.cache()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            volume = fastpix.read_series(folders.src, recipe=recipe)
        (key,) = cache.names
        assert cache[key].tobytes() == volume.array.tobytes()
        part = read_cache_block(cache, key, (1, 0, 3), (3, 6, 8))
        assert part.tobytes() == volume.array[1:3, :, 3:8].tobytes()
