"""Caches of one spacing: the very bits of `Volume.resample`, whatever the format."""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from support.jobs import Folders
from support.libraries import library
from support.series_files import cells_of, slice_dataset, write_slices
from typer.testing import CliRunner

import fastpix
from fastpix import ArgumentError, Recipe
from fastpix.cli.commands import app
from fastpix.job.cache_block import read_cache_block
from fastpix.job.settings import Settings
from fastpix.series.volume import Volume

pytestmark = pytest.mark.usefixtures("in_this_process")

library("scipy")

SPACING = (1.25, 1.0, 0.5)
NEEDS = {"zarr": "zarr"}


def add_series(folders: Folders, count: int = 5, **attributes: Any) -> None:
    """Write slices of 2.5 x 0.75 x 0.5 mm, of a tilted gantry, with a slope each."""
    slices = [
        slice_dataset(
            k, drift=0.9, cells=cells_of(k, 8, 7), **{"RescaleSlope": str(1 + k), **attributes}
        )
        for k in range(count)
    ]
    write_slices(folders.src, slices)
    for path in folders.src.iterdir():
        folders.add(path.name, path.read_bytes())  # as if they had not been touched for a while


def read(folders: Folders, **options: Any) -> Volume:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fastpix.read_series(folders.src, **options)


def convert(folders: Folders, **options: Any) -> None:
    summary = folders.convert(**{"unit": "series", "spacing": SPACING, **options})
    assert summary.failed == 0


@pytest.mark.parametrize(
    ("form", "order"),
    [("b2nd", 0), ("b2nd", 1), ("b2nd", 3), ("tar", 0), ("tar", 1), ("npz", 0), ("npz", 1),
     ("nifti", 0), ("nifti", 1), ("zarr", 0), ("zarr", 1)],
)  # fmt: skip
def test_values_are_those_of_resample(folders: Folders, form: str, order: Any) -> None:
    if form in NEEDS:
        library(NEEDS[form])
    add_series(folders)
    wanted = read(folders).resample(SPACING, order=order)
    convert(folders, format=form, order=order)
    cache = folders.cache()
    found = cache.volume(0)
    assert found.array.dtype == wanted.array.dtype
    assert found.array.tobytes() == wanted.array.tobytes()
    assert found.affine is not None
    assert wanted.affine is not None
    assert found.affine.tobytes() == wanted.affine.tobytes()
    assert (found.kind, found.unit) == ("sheared", "HU")
    row = cache.row(0)
    assert tuple(row["shape"]) == wanted.array.shape == (11, 6, 7)
    assert tuple(row["spacing"]) == wanted.spacing
    assert row["position"] == wanted.affine[:3, 3].tolist()
    assert row["dtype"] == ("int16" if order == 0 else "float32")
    assert any(text.startswith("resampled from 5 x 8 x 7 voxels") for text in row["notes"])
    block = read_cache_block(cache, 0, (2, 1, 0), (9, 4, 6))
    assert block.tobytes() == wanted.array[2:9, 1:4, :6].tobytes()


@pytest.mark.parametrize(
    "recipe",
    [Recipe("int32"), Recipe("auto"), Recipe("float64"), Recipe(rescale=False),
     Recipe("float32", padding=-2000.0)],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("order", [0, 1])
def test_recipes(folders: Folders, recipe: Recipe, order: Any) -> None:
    add_series(folders, 4, RescaleSlope="1", PixelPaddingValue=int(cells_of(1, 8, 7)[0, 0]))
    wanted = read(folders, recipe=recipe).resample(SPACING, order=order).array
    convert(folders, format="tar", order=order, recipe=recipe)
    found = folders.cache()[0]
    assert found.dtype == wanted.dtype
    assert found.tobytes() == wanted.tobytes()


def test_the_maximum_is_that_of_all_planes(folders: Folders) -> None:
    add_series(folders, 4, PhotometricInterpretation="MONOCHROME1")
    for order in (0, 1):
        wanted = read(folders).resample((5, 3, 2), order=order).array
        convert(folders, format="tar", order=order, spacing=(5, 3, 2), replace=True)
        assert folders.cache()[0].tobytes() == wanted.tobytes()


def test_nearest_voxels_of_normalized_values(folders: Folders) -> None:
    add_series(folders)
    recipe = Recipe(normalize=(-1000.0, 3000.0))
    wanted = read(folders, recipe=recipe).resample(SPACING, order=0).array
    convert(folders, format="tar", order=0, recipe=recipe)
    assert folders.cache()[0].tobytes() == wanted.tobytes()


def test_filled_gaps_stay_gaps(folders: Folders) -> None:
    add_series(folders, 6)
    for path in folders.src.iterdir():
        if fastpix.dcmread(path).InstanceNumber == 3:
            path.unlink()
            break
    wanted = read(folders, gaps="fill").resample(SPACING).array
    convert(folders, format="tar", gaps="fill")
    assert np.isnan(wanted).any()
    assert np.isfinite(wanted).any()
    assert folders.cache()[0].tobytes() == wanted.tobytes()


def test_a_series_without_a_grid_fails(folders: Folders) -> None:
    add_series(folders, 1, SliceThickness=None)
    summary = folders.convert(unit="series", spacing=SPACING)
    assert summary.failed == 1
    (row,) = (row for row in folders.rows().values() if row["kind"] == "volume")
    assert "no spacing along each axis" in row["reason"]


def test_a_cache_has_one_spacing(folders: Folders) -> None:
    add_series(folders)
    convert(folders, spacing=[1, 1, 1], order=0)
    assert folders.cache().settings.spacing == (1.0, 1.0, 1.0)
    assert folders.convert(unit="series", spacing=(1.0, 1.0, 1.0), order=0).present == 5
    others: list[dict[str, Any]] = [{"spacing": SPACING, "order": 0}, {"spacing": (1, 1, 1)}, {}]
    for other in others:
        with pytest.raises(ArgumentError, match=r"dst: .* (spacing|order) is .* is asked for"):
            folders.convert(unit="series", **other)


def test_what_is_refused(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    add_series(folders, 2)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"unit": "file"}, "spacing: volumes alone are resampled: pass unit='series'"),
        ({"spacing": None, "order": 3}, "order: it is that of resampling: pass spacing="),
        ({"spacing": (1, 1)}, r"spacing: \(1, 1\) is not three numbers above 0"),
        ({"order": 2}, "order: 2 is not 0"),
        ({"recipe": Recipe(normalize=(0, 1))}, "normalize: statistics are of values before it"),
    ]
    for options, said in cases:
        with pytest.raises(ArgumentError, match=said):
            convert(folders, **options)
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match=r"pip install 'fastpix\[resample\]'"):
        convert(folders)
    assert not (folders.dst / "dataset.json").exists()
    convert(folders, order=0)


def test_older_caches_keep_their_ids() -> None:
    kept = Settings(unit="series").to_dict()
    for name in ("duplicates", "spacing", "order", "redaction"):
        del kept[name]
    text = json.dumps(kept, sort_keys=True)
    assert Settings(unit="series").id == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert Settings.from_dict(kept) == Settings(unit="series")
    made = Settings(unit="series", spacing=(1, 1, 1))
    assert Settings.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert made.id == Settings(unit="series", spacing=(1.0, 1.0, 1.0)).id
    assert made.id != Settings(unit="series", spacing=(1.0, 1.0, 1.0), order=0).id


def test_the_command(folders: Folders) -> None:
    add_series(folders)
    arguments = [
        "convert",
        str(folders.src),
        str(folders.dst),
        "--unit",
        "series",
        "--workers",
        "1",
    ]
    done = CliRunner().invoke(app, [*arguments, "--spacing", "1.25", "1", "0.5", "--order", "3"])
    assert done.exit_code == 0, done.output
    wanted = read(folders).resample(SPACING, order=3).array
    assert folders.cache()[0].tobytes() == wanted.tobytes()
