"""What people do with datasets besides the documented loop: wrappers, flags, odd labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode
from support.jobs import Folders
from support.libraries import library
from support.many_files import write_series
from support.training import indices_of, patient_file

torch = library("torch")
library("pyarrow")

from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset  # noqa: E402

from fastpix.errors import ArgumentError, FastpixError  # noqa: E402
from fastpix.torch import CacheDataset, DicomDataset, Loader, ShardDataset, collate  # noqa: E402

pytestmark = pytest.mark.usefixtures("in_this_process")


def test_a_filter_leaves_a_list_in_its_order(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 4)[::-1]
    dataset = DicomDataset(paths, filter=lambda row: True, labels=[3, 2, 1, 0])
    assert dataset.names == [str(path) for path in paths]
    assert dataset.labels == [3, 2, 1, 0]


def test_subsets_by_flags(tmp_path: Path) -> None:
    dataset = DicomDataset(write_series(tmp_path, 4), labels=np.array([0, 1, 1, 0]))
    assert dataset.subset(np.array([0, 1, 1, 0]) == 1).names == dataset.names[1:3]
    assert dataset.subset([False, False, False, True]).names == dataset.names[3:]
    assert len(dataset.subset([])) == 0
    for numbers in ([True, False], [0.5], [[0, 1]]):
        with pytest.raises(ArgumentError, match="numbers"):
            dataset.subset(numbers)  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        dataset.__getitems__([4])


def test_single_items(tmp_path: Path) -> None:
    dataset = DicomDataset(write_series(tmp_path, 3))
    for loader in (Loader(dataset, None), DataLoader(dataset, None, collate_fn=collate)):
        items = list(loader)
        assert [item["index"] for item in items] == [0, 1, 2]
        assert all(torch.equal(item["image"], dataset[k]["image"]) for k, item in enumerate(items))


def test_an_item_may_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(encode(patient_file(0, 0)))
    dataset = DicomDataset(tmp_path)
    before = dataset[0]
    kept = {key: before[key].clone() for key in ("image", "spacing")}
    for key in kept:
        before[key].fill_(-1)
    assert all(torch.equal(dataset[0][key], value) for key, value in kept.items())


class Doubled(Dataset[Any]):  # type: ignore[misc]
    """A user's own wrapper, which changes the items that it was given."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitems__(self, numbers: list[int]) -> Any:
        items = self.dataset.__getitems__(numbers)
        items.reverse()
        items[0]["image"] = 2 * items[0]["image"]
        return items


def test_wrappers_that_change_items(tmp_path: Path) -> None:
    dataset = DicomDataset(write_series(tmp_path, 4))
    batch = next(iter(Loader(Doubled(dataset), 4)))
    assert batch["index"].tolist() == [3, 2, 1, 0]
    for k, factor in ((3, 2), (2, 1), (1, 1), (0, 1)):
        assert torch.equal(batch["image"][3 - k], factor * dataset[k]["image"])


def test_what_is_skipped_is_told_through_wrappers(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 4)
    paths[1].write_bytes(b"nothing of the kind")
    dataset = DicomDataset(paths, on_error="skip")
    for wrapped in (Subset(dataset, [0, 1, 2]), Subset(Subset(dataset, [0, 1, 2, 3]), [1, 0, 2])):
        with pytest.warns(UserWarning, match=r"1 source .*0001\.dcm"):
            assert sorted(indices_of(Loader(wrapped, 2))) == [0, 2]
    with pytest.warns(UserWarning, match="1 source "):  # what an earlier epoch met is forgotten
        indices_of(Loader(ConcatDataset([dataset.subset([0]), Subset(dataset, [1])]), 2,
                          sampler=[0], collate_fn=told(dataset)))  # fmt: skip
    with pytest.raises(FastpixError):
        indices_of(Loader(ConcatDataset([dataset, dataset]), 2))


def told(dataset: Any) -> Any:
    """Skip an image while a batch is collated."""

    def collating(items: Any) -> Any:
        assert dataset.skipped == []
        dataset.__getitems__([1])
        return collate(items)

    return collating


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_subsets_keep_no_files_open(tmp_path: Path) -> None:
    dataset = DicomDataset(write_series(tmp_path, 2))
    before = len(os.listdir("/proc/self/fd"))
    parts = [dataset.subset([k % 2]) for k in range(50)]
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    assert parts[1].names == dataset.names[1:]


@pytest.mark.parametrize(
    ("labels", "dtype", "wanted"),
    [
        (np.array([3, 1, 2], np.int16), torch.int16, [3, 1, 2]),
        (np.array([0.5, np.nan, 2], np.float32), torch.float32, [0.5, 2]),
        (np.array([True, False, True]), torch.bool, [True, False, True]),
        (np.array([[1, 0], [0, 1], [1, 1]]), torch.int64, [[1, 0], [0, 1], [1, 1]]),
        (torch.tensor([0.5, torch.nan, 2]), torch.float32, [0.5, 2]),
        (torch.eye(3), torch.float32, torch.eye(3).tolist()),
        ([1, 2.5, None], torch.float64, [1.0, 2.5]),
        ([1, 2, 3], torch.int64, [1, 2, 3]),
        ([2**62, None, -1], torch.int64, [2**62, -1]),
        ([True, None, False], torch.bool, [True, False]),
    ],
)
@pytest.mark.filterwarnings("ignore:1 of 3 sources have no label")
def test_labels_of_all_kinds(tmp_path: Path, labels: Any, dtype: Any, wanted: Any) -> None:
    dataset = DicomDataset(write_series(tmp_path, 3), labels=labels, unlabelled="drop")
    found = collate(dataset.__getitems__(range(len(dataset))))["label"]
    assert found.dtype == dtype
    assert found.tolist() == wanted
    assert next(iter(Loader(dataset, 1)))["label"].dtype == dtype
    if not isinstance(labels, list):
        labels[:] = 0  # the dataset has its own
        assert collate(dataset.__getitems__(range(len(dataset))))["label"].tolist() == wanted


def test_labels_that_no_array_holds(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 3)
    for labels in ([2**63, -1, 0], [2**70, 0, 1], [2**60 + 1, 0.5, 1], [True, 2, 3], [(1, 2)] * 3):
        found = DicomDataset(paths, labels=labels).labels
        assert found == labels
        assert [type(label) for label in found] == [type(label) for label in labels]
    texts = DicomDataset(paths, labels=np.array(["a", "", "c"]))
    assert texts.labels == ["a", "", "c"]


def test_labels_by_names_of_something_else(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 2)
    with pytest.raises(ArgumentError, match="none of 2 sources has one: names must be"):
        DicomDataset(tmp_path, labels=dict.fromkeys(paths, 1), unlabelled="drop")


def test_an_empty_cache(folders: Folders) -> None:
    folders.src.mkdir(exist_ok=True)
    (folders.src / "notes.txt").write_text("no image")
    folders.convert()
    for kind in (CacheDataset, ShardDataset):
        with pytest.raises(ArgumentError, match="is empty"):
            kind(folders.dst)


def image_of(item: dict[str, Any]) -> Any:
    return item["image"]


def pair_of(item: dict[str, Any]) -> Any:
    return item["image"], item["index"]


@pytest.mark.parametrize("workers", [0, 1])
def test_transforms_that_give_no_dictionary(tmp_path: Path, workers: int) -> None:
    paths = write_series(tmp_path, 3)
    wanted = next(iter(Loader(DicomDataset(paths), 3)))["image"]
    images: Any = next(iter(Loader(DicomDataset(paths, transform=image_of), 3,
                                   num_workers=workers)))  # fmt: skip
    assert torch.equal(images, wanted)
    images, indices = next(iter(Loader(DicomDataset(paths, transform=pair_of), 3,
                                       num_workers=workers)))  # fmt: skip
    assert torch.equal(images, wanted)
    assert indices.tolist() == [0, 1, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_that_drops_a_batch_leaves_it_to_its_parent(tmp_path: Path) -> None:
    dataset = DicomDataset(write_series(tmp_path, 24, shape=(512, 512)))
    batches = iter(Loader(dataset, 2, num_workers=1))
    held = {"image": next(batches)["image"]}
    wanted = held["image"].clone()
    next(batches)  # the loader itself holds the last one
    child = os.fork()
    if not child:
        held.clear()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(list(batches)) == 10
    assert torch.equal(held["image"], wanted)


class NAType:
    """As pandas has it: neither None nor a float."""


class Series:
    """What is looked at of a pandas Series."""

    def __init__(self, values: list[Any], index: Any) -> None:
        self.index = index
        self._values = values

    def __iter__(self) -> Any:
        return iter(self._values)

    def items(self) -> Any:
        return zip(self.index, self._values, strict=True)


def test_labels_of_pandas(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 3)
    names = [str(path) for path in paths]
    assert DicomDataset(paths, labels=Series([3, 2, 1], names[::-1])).labels == [1, 2, 3]
    assert DicomDataset(paths, labels=Series([3, 2, 1], range(3))).labels == [3, 2, 1]
    with pytest.warns(UserWarning, match="1 of 3"):
        some = DicomDataset(paths, labels=[1, NAType(), 3], unlabelled="drop")
    assert some.labels == [1, 3]


def test_seeds_of_any_size(tmp_path: Path) -> None:
    dataset = DicomDataset(write_series(tmp_path, 8))
    seeds: list[Any] = [-1, 0, np.int64(5), 2**62 + 1, 2**64 - 1]
    orders = [indices_of(Loader(dataset, 8, shuffle=True, seed=seed)) for seed in seeds]
    assert orders[0] == orders[-1]  # the same 64 bits
    assert len({tuple(order) for order in orders}) == 4
    wrong: list[Any] = [2**64, 1.5, "a"]
    for seed in wrong:
        with pytest.raises(ArgumentError, match="seed"):
            Loader(dataset, 8, seed=seed)
