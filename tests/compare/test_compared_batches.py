"""Readers of batches beside each other: files of one shape to one array."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import fake_volume_readers as fakes
from support.builders import encode, make_dataset
from support.libraries import library

from fastpix.compare import BATCHES, Measurement, Reader, find_batches, listing, part_record
from fastpix.compare.batch_readers import BATCH_READERS, read_batch_fastpix
from fastpix.compare.readers import FASTPIX
from fastpix.errors import ArgumentError

pytestmark = pytest.mark.usefixtures("quick_processes")
OURS = BATCH_READERS[FASTPIX]


def cells(number: int, rows: int = 4, columns: int = 3) -> Any:
    return np.random.default_rng(number).integers(0, 2**12, (rows, columns), np.uint16)


def write(folder: Path, count: int = 3, first: int = 0, **attributes: Any) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(first, first + count):
        path = folder / f"{number}.dcm"
        values = {"BitsStored": 12, "RescaleSlope": "2", "RescaleIntercept": "-1024", **attributes}
        path.write_bytes(encode(make_dataset(cells(number), **values)))
        paths.append(str(path))
    return paths


def unwatched(files: Sequence[str]) -> Iterable[str]:
    return files


def measured(paths: list[str], *readers: Reader, rounds: int = 0) -> Measurement:
    found = find_batches(paths, 32, None, unwatched)
    measurement = Measurement(BATCHES, found.items, [OURS, *readers], rounds=rounds)
    assert [*measurement.steps()]
    return measurement


@pytest.mark.parametrize("name", [name for name in BATCH_READERS if name != FASTPIX])
def test_readers_agree_on_plain_files(name: str, tmp_path: Path) -> None:
    """What a reader does to MONOCHROME1 is no difference."""
    reader = BATCH_READERS[name]
    if not reader.is_present():
        library(reader.module)
        pytest.skip(f"needs {reader.package}")
    paths = write(tmp_path)
    if name != "MONAI LoadImage":  # whose reader leaves it alone, as others do; one file is enough
        paths += write(tmp_path, 1, 7, PhotometricInterpretation="MONOCHROME1")
    measurement = measured(paths, reader, rounds=1)
    assert list(listing(measurement)) == []
    [one] = measurement.compared
    assert one.readings[name].shapes == ((len(paths), 4, 3),)
    assert len(one.readings[name].nanoseconds) == 1
    [group] = part_record(measurement).groups
    assert (group.group, group.items, [*group.ratios]) == ("4 x 3", 1, [name])


def test_every_way_to_be_wrong(tmp_path: Path) -> None:
    paths = write(tmp_path)
    wrong = (fakes.batch_off, fakes.batch_short, fakes.batch_aborting)
    team = [fakes.reader(read, read_batch_fastpix) for read in wrong]
    measurement = measured(paths, *team, rounds=1)
    kinds = {each.reader: dict(each.kinds) for each in part_record(measurement).readers}
    assert kinds == {
        "fastpix": {},
        "batch_off": {"other values": 1},
        "batch_short": {"other shape": 1},
        "batch_aborting": {"failed: SIGABRT": 1},
    }
    [one] = measurement.compared
    timed = [name for name, reading in one.readings.items() if reading.nanoseconds]
    assert timed == ["fastpix", "batch_off"]


def test_batches_are_of_one_shape(tmp_path: Path) -> None:
    plain = write(tmp_path, 7)
    others = []
    for name, values in (
        ("other", cells(1, 5, 3)), ("another", cells(2, 5, 3)), ("alone", cells(3, 9, 9)),
        ("frames", np.stack([cells(4), cells(5)])),
    ):  # fmt: skip
        others.append(tmp_path / name)
        others[-1].write_bytes(encode(make_dataset(values)))
    color = tmp_path / "color"
    rgb = np.zeros((4, 3, 3), np.uint8)
    color.write_bytes(encode(make_dataset(rgb, SamplesPerPixel=3)))
    text = tmp_path / "text"
    text.write_text("no image")
    files = [*plain, *map(str, others), str(color), str(text)]
    seen: list[str] = []

    def watched(paths: Sequence[str]) -> Iterable[str]:
        for path in paths:
            seen.append(path)
            yield path

    found = find_batches(files, 3, None, watched)
    assert seen == files
    sizes = [(len(item.given), item.group) for item in found.items]
    assert sizes == [(3, "4 x 3"), (3, "4 x 3"), (2, "5 x 3")]
    assert found.remarks == ("2 images with no other of the same size",)  # one of 7, and 9 x 9
    members = [path for item in found.items for path in item.given]
    assert len(members) == len(set(members))
    assert found == find_batches(files, 3, None, unwatched)  # the same each time
    assert len(find_batches(files, 3, 2, unwatched).items) == 2


def test_a_batch_is_no_larger_than_memory_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastpix.compare.item_finding.BATCH_BYTES", 2 * 4 * 3 * 4)
    found = find_batches(write(tmp_path, 5), 32, None, unwatched)
    assert [len(item.given) for item in found.items] == [2, 2]


def test_a_batch_has_two_files() -> None:
    with pytest.raises(ArgumentError, match="batch_size: 1 is less than 2"):
        find_batches([], 1, None, unwatched)


def test_command(tmp_path: Path, call: Callable[..., str]) -> None:
    write(tmp_path, 4)
    options = ("--readers", "pydicom", "--rounds", 1, "--markdown")
    log = call("bench", tmp_path, "--what", "images,batches", "--batch-size", 2, *options)
    assert log.count("| fastpix | ") == 2
    assert "| pydicom threads | 3." in log
    assert log.index("ms a file") < log.index("ms a batch")
    log = call("bench", tmp_path, "--what", "batches", "--batch-size", 1, *options, code=1)
    assert "--batch-size: 1 is less than 2" in log
    log = call("bench", tmp_path, "--what", "batches,volumes", code=2)
    assert "'volumes' is none of images, series, batches" in " ".join(log.split())
