"""`fastpix stats`: the statistics of a cache are those of the images that it holds now."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.builders import encode, make_dataset
from typer.testing import CliRunner

import fastpix
import fastpix.cli.stats_command
from fastpix.cli.commands import app
from fastpix.errors import ArgumentError
from fastpix.job.patient_split import SPLITS
from fastpix.job.statistics.batch_statistics import recount
from fastpix.job.statistics.cache_statistics import CacheStatistics, read_statistics

pytestmark = pytest.mark.usefixtures("quick_processes")


def write(folder: Path, k: int, values: NDArray[Any], **attributes: Any) -> None:
    data = make_dataset(
        Rows=values.shape[0], Columns=values.shape[1], BitsAllocated=16, BitsStored=16, HighBit=15,
        PixelRepresentation=1, Modality="CT", Manufacturer="GE", PatientID=f"patient {k // 2}",
        RescaleSlope=1, RescaleIntercept=-1024, PixelData=values.astype("<i2").tobytes(),
        **attributes,
    )  # fmt: skip
    (folder / f"{k}.dcm").write_bytes(encode(data))


def image(k: int) -> NDArray[Any]:
    return np.random.default_rng(k).integers(0, 3000, (16, 16))


def convert(src: Path, dst: Path, **options: Any) -> None:
    old = 1_600_000_000  # files that have just been written would be left for the next run
    for path in src.iterdir():
        os.utime(path, (old + path.stat().st_size, old + sum(path.read_bytes()) % 10**6))
    key_file = src.parent / "key"  # the same key in each run, so that patients fall alike
    if not key_file.exists():
        key_file.touch(0o600)
        key_file.write_text(bytes(range(32)).hex())
    fastpix.convert(src, dst, workers=1, key_file=key_file, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("made")
    src, dst = folder / "src", folder / "dst"
    src.mkdir()
    for k in range(24):
        write(src, k, image(k))
    convert(src, dst)
    return src, dst


def check(found: CacheStatistics, values: NDArray[Any], images: int) -> None:
    (result,) = found.groups
    assert (result.images, result.pixels) == (images, values.size)
    assert (result.min, result.max) == (values.min(), values.max())
    assert result.mean == pytest.approx(values.mean(), rel=1e-14)
    assert result.percentile(95) == np.percentile(values, 95, method="inverted_cdf")


def test_statistics_are_those_of_the_values(made: tuple[Path, Path]) -> None:
    found = read_statistics(made[1])
    assert found.recounted == 0
    check(found, np.stack([image(k) for k in range(24)]) - 1024, 24)


@pytest.mark.parametrize("statistics", [b"", recount([]).to_bytes()])
def test_parts_whose_statistics_are_of_other_images_are_counted_again(
    made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, statistics: bytes
) -> None:
    from fastpix.job import manifest

    read_parts = manifest.read_parts

    def without_statistics(*arguments: Any) -> Iterator[Any]:
        for facts, table in read_parts(*arguments):
            yield facts._replace(statistics=statistics), table

    monkeypatch.setattr(manifest, "read_parts", without_statistics)
    found = read_statistics(made[1])
    assert found.recounted == 24
    check(found, np.stack([image(k) for k in range(24)]) - 1024, 24)


def test_splits_share_the_patients_out(made: tuple[Path, Path]) -> None:
    read: list[int] = []
    found = {split: read_statistics(made[1], split, read.append) for split in SPLITS}
    images = {split: sum(r.images for r in each.groups) for split, each in found.items()}
    assert sum(images.values()) == 24
    assert images["train"] > 8
    assert all(count % 2 == 0 for count in images.values())  # both images of each patient
    pixels = sum(result.pixels for each in found.values() for result in each.groups)
    assert pixels == 24 * 256
    assert read
    with pytest.raises(ArgumentError, match="train, val, test"):
        read_statistics(made[1], "all")


def test_images_that_changed_count_once(tmp_path: Path) -> None:
    src, dst = tmp_path / "src", tmp_path / "dst"
    src.mkdir()
    for k in range(6):
        write(src, k, image(k))
    convert(src, dst)
    write(src, 3, image(99), ImageComments="another size")
    convert(src, dst)
    found = read_statistics(dst)
    values = np.stack([image(k) for k in (0, 1, 2, 99, 4, 5)]) - 1024
    check(found, values, 6)
    assert found.recounted == 5


def test_groups_are_those_before_normalize(tmp_path: Path) -> None:
    src, dst = tmp_path / "src", tmp_path / "dst"
    src.mkdir()
    for k in range(9):
        write(src, k, image(k) if k else image(k) + 29000)
    convert(src, dst, recipe=fastpix.Recipe(normalize=(0, 100)))
    found = read_statistics(dst)
    assert list(found.outliers) == [found.groups[0].group]
    assert found.groups[0].group.unit == "HU"


def test_the_command(made: tuple[Path, Path], tmp_path: Path) -> None:
    dst, png = str(made[1]), tmp_path / "stats.png"
    done = CliRunner().invoke(app, ["stats", dst, "--png", str(png), "--histograms"])
    assert done.exit_code == 0
    assert "CT GE, HU" in done.output
    assert "--normalize " in done.output
    assert "█" in done.output
    assert png.read_bytes().startswith(b"\x89PNG")
    done = CliRunner().invoke(app, ["stats", dst, "--json"])
    assert json.loads(done.output)["groups"][0]["images"] == 24
    assert (Path(dst) / "stats.json").read_text() == done.output
