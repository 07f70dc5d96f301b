"""CacheDataset: the arrays of the cache in batches, labels and splits, normalized by group."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.jobs import Folders
from support.libraries import library
from support.many_files import slice_of
from support.training import assert_item, epoch_of, patient_file, write_volumes

torch = library("torch")
library("pyarrow")

import fastpix  # noqa: E402
from fastpix import Recipe  # noqa: E402
from fastpix.errors import ArgumentError, FastpixError  # noqa: E402
from fastpix.job.label_join import join_labels  # noqa: E402
from fastpix.torch import CacheDataset, Loader, ShardDataset, collate  # noqa: E402

FORMATS = [
    {"format": "tar"},
    {"format": "tar", "compress": "zstd"},
    {"format": "npz"},
    {"format": "index"},
    {"format": "b2nd"},
]

pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.mark.parametrize("options", FORMATS, ids=lambda o: "-".join(o.values()))
def test_items_are_what_imread_gives(folders: Folders, options: dict[str, Any]) -> None:
    paths = {
        folders.name(path): path
        for path in [folders.add(f"{k}.dcm", encode(patient_file(k, k // 2))) for k in range(5)]
    }
    recipe = Recipe(normalize=(-1000, 400))
    folders.convert(recipe=recipe, **options)
    dataset = CacheDataset(folders.dst)
    assert sorted(dataset.names) == sorted(paths)
    rows = folders.rows()
    for k, name in enumerate(dataset.names):
        image = fastpix.imread(paths[name], recipe=recipe)
        assert_item(dataset[k], image, name=name, patient=rows[name]["patient"], index=k)
        assert dataset[k]["spacing"].tolist() == [0.75, 0.5]
    batch = collate(dataset.__getitems__([3, 0]))
    assert batch["name"] == [dataset.names[3], dataset.names[0]]
    items = epoch_of(Loader(dataset, 2, num_workers=2))
    assert [item["name"] for item in items] == dataset.names
    for k, item in enumerate(items):
        assert torch.equal(item["image"], dataset[k]["image"])


def test_normalize(folders: Folders) -> None:
    path = folders.add("a.dcm", slice_of(1))
    folders.convert()
    dataset = CacheDataset(folders.dst, normalize=(-500, 700))
    assert_item(dataset[0], fastpix.imread(path, normalize=(-500, 700)))
    with pytest.raises(ArgumentError, match="normalize"):
        CacheDataset(folders.dst, normalize="groups")  # type: ignore[arg-type]
    with pytest.raises(FastpixError, match="fastpix stats"):
        CacheDataset(folders.dst, normalize="group")


def test_colour_beside_monochrome_images(folders: Folders, call: Any) -> None:
    """Each has a range of its own, whatever the dataset normalizes by."""
    cells = np.random.default_rng(3).integers(0, 2**12, (14, 11, 3), np.uint16)
    color = folders.add("color.dcm", encode(make_dataset(
        cells, SamplesPerPixel=3, BitsStored=12, PatientID="P99", StudyInstanceUID="1.2.99"
    )))  # fmt: skip
    for k in range(6):
        folders.add(f"{k}.dcm", encode(patient_file(k, k)))
    folders.convert(recipe=Recipe(color_range=(0, 1)))
    wanted = np.moveaxis(fastpix.imread(color, color_range=(0, 1)), -1, 0)
    call("stats", folders.dst, "--split", "train")
    for normalize in (None, (-500, 700), "group"):
        plain = CacheDataset(folders.dst, normalize=normalize)
        place = plain.names.index(folders.name(color))
        assert plain[place]["image"].numpy().tobytes() == wanted.tobytes()
        gray = plain[place - 1]["image"]
        assert gray.shape[0] == 1
        assert (gray.max() <= 1) == (normalize is not None)
        shards = ShardDataset(
            folders.dst, normalize=normalize, shuffle=False, filter="photometric = RGB"
        )
        (item,) = shards
        assert item["image"].numpy().tobytes() == wanted.tobytes()


def test_colour_without_a_range_is_not_normalized(folders: Folders) -> None:
    cells = np.zeros((4, 5, 3), np.uint8)
    folders.add("color.dcm", encode(make_dataset(cells, SamplesPerPixel=3)))
    folders.convert()
    with pytest.raises(ArgumentError, match="color_range"):
        CacheDataset(folders.dst, normalize=(0, 1))[0]


def test_normalize_by_group(folders: Folders, call: Any) -> None:
    for k in range(24):
        modality = "CT" if k % 2 else "MR"
        folders.add(f"{k}.dcm", encode(patient_file(k, k, Modality=modality)))
    folders.convert()
    call("stats", folders.dst, "--split", "train")
    dataset = CacheDataset(folders.dst, normalize="group")
    plain = CacheDataset(folders.dst)
    found: dict[str, set[tuple[float, float]]] = {}
    for k in range(24):
        values = dataset[k]["image"]
        assert 0 <= float(values.min()) <= float(values.max()) <= 1
        modality = dataset.cache.row(k)["modality"]
        lo, hi = dataset._intervals[k]  # type: ignore[index, misc]
        found.setdefault(modality, set()).add((lo, hi))
        again = CacheDataset(folders.dst, normalize=(lo, hi))[k]["image"]
        assert torch.equal(again, values)
        assert not torch.equal(plain[k]["image"], values)
    assert {modality: len(pairs) for modality, pairs in found.items()} == {"CT": 1, "MR": 1}
    assert found["CT"] != found["MR"]


def test_joined_labels(folders: Folders, tmp_path: Path) -> None:
    for k in range(6):
        folders.add(f"{k}.dcm", encode(patient_file(k, k // 2)))
    folders.convert()
    lines = ["PatientID,diagnosis,grade", "P0,benign,1", " P1 ,malignant,3"]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    columns = ["diagnosis", "grade"]
    join_labels(folders.dst, tmp_path / "labels.csv", on="PatientID", columns=columns)
    with pytest.warns(UserWarning, match="2 of 6 sources"):
        dataset = CacheDataset(folders.dst, labels="diagnosis", unlabelled="drop")
    assert sorted(dataset.labels or []) == ["benign", "benign", "malignant", "malignant"]
    with pytest.warns(UserWarning, match="2 of 6 sources"):
        graded = CacheDataset(folders.dst, labels="grade", unlabelled="drop")
    of_patient = {item["patient"]: item["label"] for item in graded}
    assert sorted(of_patient.values()) == [1, 3]
    with pytest.raises(ArgumentError, match="2 of 6 sources"):
        CacheDataset(folders.dst, labels="diagnosis")
    assert CacheDataset(folders.dst, labels="modality").labels == ["CT"] * 6
    with pytest.raises(ArgumentError, match=r"no column 'stage' \(joined: .*diagnosis"):
        CacheDataset(folders.dst, labels="stage")


def test_no_patient_is_in_two_parts(folders: Folders) -> None:
    """IDs are trimmed, an issuer tells patients apart, files without an ID are one group."""
    of_file = {}
    for k in range(60):
        patient = k % 20
        data = patient_file(k, k)
        data.PatientID = [f"P{patient}", f" P{patient} "][k % 2]
        who = f"P{patient}"
        if patient >= 15:
            data.PatientID, who = None if k % 2 else "", "nobody"
        elif patient >= 12:
            data.IssuerOfPatientID = f"I{k % 3}"
            who += f" of I{k % 3}"
        path = folders.add(f"{k}.dcm", encode(data))
        of_file[folders.name(path)] = who
    folders.convert()
    dataset = CacheDataset(folders.dst)
    for seed in range(4):
        parts = dataset.split((0.5, 0.25, 0.25), seed=seed)
        assert list(parts) == ["train", "val", "test"]
        whose = [{of_file[name] for name in part.names} for part in parts.values()]
        assert sum(map(len, whose)) == len(set(of_file.values()))
        keys = [set(part.patients) for part in parts.values()]
        assert sum(map(len, keys)) == len(set(dataset.patients))
        assert sorted(n for part in parts.values() for n in part.names) == sorted(of_file)
    again = dataset.split((0.5, 0.25, 0.25), seed=3)
    assert [part.names for part in again.values()] == [part.names for part in parts.values()]
    half = dataset.subset([5, 3]).split(seed=3)
    assert sum(map(len, half.values())) == 2


def test_filter_and_subset(folders: Folders) -> None:
    for k in range(6):
        folders.add(f"{k}.dcm", encode(patient_file(k, k, Modality=("CT", "MR")[k % 2])))
    folders.convert()
    dataset = CacheDataset(folders.dst, filter="modality = MR")
    assert len(dataset) == 3
    part = dataset.subset([2, 0])
    assert part.names == [dataset.names[2], dataset.names[0]]
    assert part[0]["index"] == 2
    assert torch.equal(part[1]["image"], dataset[0]["image"])
    some = CacheDataset(dataset.cache, filter=lambda row: row["instance_number"] > 2)
    assert len(some) == 2


def test_other_caches_are_refused(folders: Folders, tmp_path: Path) -> None:
    write_volumes(folders.src, [3])
    folders.convert(unit="series", format="b2nd")
    with pytest.raises(ArgumentError, match="use VolumeDataset"):
        CacheDataset(folders.dst)
    with pytest.raises(FastpixError, match="is not a fastpix cache"):
        CacheDataset(tmp_path)


def test_a_damaged_sample(folders: Folders) -> None:
    for k in range(4):
        folders.add(f"{k}.dcm", slice_of(k))
    folders.convert(compress="zstd")
    (shard,) = (folders.dst / "shards").iterdir()
    cache = folders.cache()
    data = bytearray(shard.read_bytes())
    data[cache.where(2)["offset"] + 40] ^= 255
    shard.write_bytes(data)
    for workers in (0, 1):
        with pytest.raises(FastpixError, match=cache.names[2]):
            epoch_of(Loader(CacheDataset(folders.dst), 4, num_workers=workers))
    dataset = CacheDataset(folders.dst, on_error="skip")
    with pytest.warns(UserWarning, match="1 source could not"):
        assert len(epoch_of(Loader(dataset, 4))) == 3
    assert dataset.skipped == [cache.names[2]]


def test_pickled_and_spawned(folders: Folders) -> None:
    for k in range(3):
        folders.add(f"{k}.dcm", slice_of(k))
    folders.convert()
    dataset = CacheDataset(folders.dst, normalize=(0, 1000), labels=np.array([1, 2, 3]))
    again = pickle.loads(pickle.dumps(dataset))
    items = epoch_of(Loader(dataset, 2, num_workers=1, multiprocessing_context="spawn"))
    for k in range(3):
        assert torch.equal(again[k]["image"], dataset[k]["image"])
        assert torch.equal(items[k]["image"], dataset[k]["image"])
        assert int(items[k]["label"]) == k + 1
