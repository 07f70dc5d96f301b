"""Normalization by group knows the images that a model is trained on, and no others."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.builders import encode, make_dataset
from support.jobs import Folders

import fastpix
from fastpix import Recipe
from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.patient_split import SPLITS, split
from fastpix.job.statistics.counted_images import Counted, counted_of
from fastpix.job.statistics.group_counts import Group
from fastpix.job.statistics.group_normalization import GroupNormalization

HALVES = {"train": 0.5, "test": 0.5}
COUNT = 32
MAKERS = {"CT": ("GE", -1024), "MR": ("SIEMENS", 0)}

Call = Callable[..., str]


def cells_of(k: int) -> NDArray[np.int16]:
    """Cells that say which image they are of, so that one too many shows."""
    return np.random.default_rng(k).integers(10 * k, 10 * k + 1000, (6, 7)).astype(np.int16)


def file_of_image(k: int, **attributes: Any) -> bytes:
    modality = "MR" if k % 4 == 3 else "CT"
    maker, intercept = MAKERS[modality]
    values = {
        "Modality": modality, "Manufacturer": maker, "PatientID": f"patient {k // 2}",
        "SOPInstanceUID": f"1.2.3.{k}", "StudyInstanceUID": f"1.2.4.{k}",
        "RescaleSlope": 1, "RescaleIntercept": intercept,
        "RescaleType": "HU" if modality == "CT" else "US",
    }  # fmt: skip
    return encode(make_dataset(cells_of(k), **values | attributes))


def convert(folders: Folders, **options: Any) -> None:
    key = folders.dst.with_name("dst.key")
    if not key.exists():
        key.touch(0o600)
        key.write_text(bytes(range(32)).hex())
    folders.convert(**options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folders]:
    from fastpix.job.batch_conversion import convert_batch
    from fastpix.job.engines import driving

    root = tmp_path_factory.mktemp("groups")
    folders = Folders(root / "src", root / "dst")
    for k in range(COUNT):
        folders.add(f"{k}.dcm", file_of_image(k))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driving, "run_guarded", convert_batch)
        convert(folders)
    yield folders
    shutil.rmtree(root)


@pytest.fixture
def dst(made: Folders) -> Iterator[Path]:
    """A cache without statistics."""
    yield made.dst
    for path in made.dst.glob("stats*.json"):
        path.unlink()


def number_of(folders: Folders) -> dict[str, int]:
    return {folders.name(folders.src / f"{k}.dcm"): k for k in range(COUNT)}


def expected(folders: Folders, rows: NDArray[np.int64], modality: str) -> tuple[float, float]:
    """Percentiles by numpy, of the values of these images of a modality."""
    cache, numbers = folders.cache(), number_of(folders)
    own = [numbers[cache.names[row]] for row in rows.tolist()]
    cells = [cells_of(k) for k in own if ("MR" if k % 4 == 3 else "CT") == modality]
    values = np.stack(cells).astype(np.float64) + MAKERS[modality][1]
    low, high = np.percentile(values, [0.5, 99.5], method="inverted_cdf")
    return float(low), float(high)


def test_intervals_are_percentiles_of_the_training_split(
    made: Folders, dst: Path, call: Call
) -> None:
    call("stats", dst, "--split", "train", "--fractions", "train=0.5,test=0.5", "--seed", 3)
    cache = made.cache()
    found = GroupNormalization.of(cache, fractions=HALVES, seed=3)
    assert found == GroupNormalization.count(cache, fractions=HALVES, seed=3)
    parts = split(cache, fractions=HALVES, seed=3)
    assert min(map(len, parts.values())) > 4
    by_modality = {group.modality: interval for group, interval in found.intervals.items()}
    assert by_modality == {each: expected(made, parts["train"], each) for each in MAKERS}
    every = np.arange(COUNT)
    assert by_modality != {each: expected(made, every, each) for each in MAKERS}
    assert (found.counted.images, found.counted.split) == (len(parts["train"]), "train")
    # Images of all splits are normalized by what the training split has.
    of_rows = found.intervals_of(cache.table)
    assert of_rows.shape == (COUNT, 2)
    for row in range(COUNT):
        interval = by_modality[cache.row(row)["modality"]]
        assert tuple(of_rows[row]) == found.interval(cache.row(row)) == interval
    k = 5
    path = made.src / f"{k}.dcm"
    low, high = found.interval(made.row(path))
    values = fastpix.imread(path, normalize=(low, high))
    assert values.tobytes() == fastpix.imread(path, recipe=Recipe(normalize=(low, high))).tobytes()
    assert (values.min(), values.max()) >= (0.0, 0.5)


def test_a_subset_is_normalized_by_the_whole(made: Folders, dst: Path, call: Call) -> None:
    call("stats", dst, "--split", "train")
    cache = made.cache()
    parts = split(cache)
    whole = GroupNormalization.of(cache)
    for rows in parts.values():
        assert GroupNormalization.of(cache.subset(rows)) == whole
        assert GroupNormalization.count(cache.subset(rows)) == whole
    assert whole.counted.images == len(parts["train"])


def test_statistics_of_all_images_are_not_taken_unasked(
    made: Folders, dst: Path, call: Call
) -> None:
    call("stats", dst)
    cache = made.cache()
    with pytest.raises(FastpixError, match=r"no stats-train\.json: run fastpix stats DST --split"):
        GroupNormalization.of(cache)
    stats = json.loads((dst / "stats.json").read_text())
    with pytest.raises(FastpixError, match="those that a model is tested on included"):
        GroupNormalization.from_stats(stats)
    found = GroupNormalization.of(cache, split=None)
    assert found == GroupNormalization.count(cache, split=None)
    assert found == GroupNormalization.from_stats(stats, is_of_all=True)
    assert found.counted == Counted(None, None, None, None, COUNT, found.counted.digest)
    every = {group.modality: interval for group, interval in found.intervals.items()}
    assert every == {each: expected(made, np.arange(COUNT), each) for each in MAKERS}


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ({}, []),
        ({"split": "val"}, ["--split", "val"]),
        ({"fractions": (0.6, 0.2, 0.2), "seed": 7}, ["--fractions", "0.6,0.2,0.2", "--seed", "7"]),
        ({"fractions": {"test": 0.5, "train": 0.5}}, ["--fractions", "test=0.5,train=0.5"]),
        ({"by": "image", "seed": -1, "fractions": HALVES},
         ["--by", "image", "--seed", "-1", "--fractions", "train=0.5,test=0.5"]),
    ],
)  # fmt: skip
def test_the_error_names_the_command(
    arguments: dict[str, Any], options: list[str], made: Folders, dst: Path, call: Call
) -> None:
    """And the command makes what was missed; statistics of one split are never those of another."""
    call("stats", dst, "--split", "train", "--seed", 99)
    cache = made.cache()
    with pytest.raises(FastpixError, match="run fastpix stats DST") as caught:
        GroupNormalization.of(cache, **arguments)
    command = str(caught.value).partition("run fastpix ")[2].split()
    assert "--split" in options or "train" in command
    call(*[str(dst) if word == "DST" else word for word in command])
    found = GroupNormalization.of(cache, **arguments)
    wanted = {name: value for name, value in arguments.items() if name != "split"}
    rows = split(cache, **wanted)[arguments.get("split", "train")]
    assert found.counted.images == len(rows)
    for path in dst.glob("stats*.json"):
        path.unlink()
    call("stats", dst, *(options if "--split" in options else ["--split", "train", *options]))
    assert GroupNormalization.of(cache, **arguments) == found


def test_names_of_files(made: Folders) -> None:
    cache = made.cache()
    keys = {
        counted_of(cache, *each)[0].key
        for each in (
            (None,),
            ("train",),
            ("test",),
            ("train", "study"),
            ("train", "patient", HALVES),
            ("train", "patient", dict(reversed(HALVES.items()))),
            ("train", "patient", SPLITS, 1),
            ("train", "patient", (0.8, 0.1, 0.1)),
        )
    }
    assert {"stats.json", "stats-train.json", "stats-test.json"} < keys
    others = keys - {"stats.json", "stats-train.json", "stats-test.json"}
    assert all(re.fullmatch(r"stats-train-[0-9a-f]{8}\.json", key) for key in others)
    assert len(keys) == 7  # that of the shares of SPLITS is stats-train.json
    with pytest.raises(ArgumentError, match="'all' is not one of train, val, test"):
        counted_of(cache, "all")


@pytest.mark.usefixtures("in_this_process")
def test_statistics_of_other_images_are_refused(folders: Folders, call: Call) -> None:
    for k in range(8):
        folders.add(f"{k}.dcm", file_of_image(k))
    convert(folders)
    call("stats", folders.dst, "--split", "all", "--fractions", "all=1")
    arguments: Any = {"split": "all", "fractions": {"all": 1}}
    found = GroupNormalization.of(folders.cache(), **arguments)
    folders.add("8.dcm", file_of_image(8))
    convert(folders)
    message = "was counted on 8 images, which are not the 9"
    with pytest.raises(FastpixError, match=message) as caught:
        GroupNormalization.of(folders.cache(), **arguments)
    assert str(caught.value).endswith("run fastpix stats DST --split all --fractions all=1.0 again")
    (folders.src / "8.dcm").unlink()
    convert(folders, prune=True)
    assert GroupNormalization.of(folders.cache(), **arguments) == found
    folders.add("7.dcm", file_of_image(7, ImageComments="another size"))
    convert(folders)
    with pytest.raises(FastpixError, match="counted on 8 images, which are not the 8"):
        GroupNormalization.of(folders.cache(), **arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda stats: {**stats, "version": 99}, "another version of fastpix"),
        (lambda stats: {k: v for k, v in stats.items() if k != "counted"}, "another version"),
        (lambda stats: {**stats, "counted": {"split": "train"}}, "damaged"),
        (lambda stats: {**stats, "groups": [{"modality": "CT"}]}, "damaged"),
        (lambda stats: {**stats, "groups": 5}, "damaged"),
        (lambda _: [], "damaged"),
    ],
)
def test_damaged_statistics(
    change: Callable[[Any], Any], message: str, made: Folders, dst: Path, call: Call
) -> None:
    call("stats", dst, "--split", "train")
    path = dst / "stats-train.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(FastpixError, match=message):
        GroupNormalization.of(made.cache())
    path.write_text("{")
    with pytest.raises(FastpixError, match="damaged: run fastpix stats DST --split train again"):
        GroupNormalization.of(made.cache())


def test_groups_that_cannot_be_normalized() -> None:
    counted = Counted("train", "patient", dict(SPLITS), 0, 2, "0" * 32)
    flat, color = Group("CT", "GE", "", "HU"), Group("US", "GE", "", "RGB")
    both: Any = {Group("MR", "GE", "", ""): (0.0, 1.0), flat: None, color: (0.0, 255.0)}
    found = GroupNormalization(both, counted)
    row = {"modality": "MR", "manufacturer": "GE", "model": None, "unit": None}
    assert found.interval(row) == (0.0, 1.0)
    for change, message in (
        ({"modality": "CT", "unit": "HU"}, "CT GE, HU have one value"),
        ({"modality": "US", "unit": "RGB"}, "US GE, RGB: colour is not normalized by group"),
        ({"modality": "PT"}, r"no image of PT GE was counted \(split train\)"),
        ({"unit": "BQML"}, r"no image of MR GE, BQML was counted"),
    ):
        with pytest.raises(FastpixError, match=message):
            found.interval(row | change)
    assert found.interval({**row, "unit": "0..1, from 0..40 "}) == (0.0, 1.0)
    again = GroupNormalization.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found


@pytest.mark.usefixtures("in_this_process")
def test_caches_that_hold_normalized_values(folders: Folders, call: Call) -> None:
    for k in range(4):
        folders.add(f"{k}.dcm", file_of_image(k))
    convert(folders, format="npz", recipe=Recipe(normalize=(0, 100)))
    call("stats", folders.dst)
    with pytest.raises(ArgumentError, match="npz holds values that have been normalized"):
        GroupNormalization.of(folders.cache(), split=None)
    with pytest.raises(ArgumentError, match="npz holds values that have been normalized"):
        GroupNormalization.count(folders.cache())
