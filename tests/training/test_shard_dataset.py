"""ShardDataset: every image once, evenly shared out, in another order each epoch; it goes on."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.jobs import Folders
from support.libraries import library
from support.many_files import slice_of
from support.training import epoch_of, indices_of

torch = library("torch")
library("pyarrow")

import fastpix  # noqa: E402
from fastpix.errors import ArgumentError, FastpixError  # noqa: E402
from fastpix.torch import CacheDataset, Loader, ShardDataset  # noqa: E402
from fastpix.torch.shard_order import (  # noqa: E402
    Reader,
    rows_of_reader,
    runs_of,
    shuffled_within,
)

MANY_WORKERS = "ignore:This DataLoader will create:UserWarning"

pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.fixture
def shards(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of 30 images in several shards."""
    for k in range(30):
        folders.add(f"{k:02}.dcm", slice_of(k))
    for k in range(3):
        folders.convert(shard=(k, 3))
    assert len(folders.cache().shards) == 3
    return folders.dst


def test_items_are_those_of_the_cache(shards: Path) -> None:
    known = CacheDataset(shards, labels=list(range(30)))
    for dataset in (
        ShardDataset(shards, labels=list(range(30)), buffer=4),
        ShardDataset(shards, labels=list(range(30)), shuffle=False),
    ):
        items = list(dataset)
        assert sorted(item["index"] for item in items) == list(range(30))
        for item in items:
            wanted = known[item["index"]]
            assert item.keys() == wanted.keys()
            assert torch.equal(item["image"], wanted["image"])
            for key in ("name", "patient", "label"):
                assert item[key] == wanted[key]


def test_batches(shards: Path) -> None:
    for workers in (0, 2):
        dataset = ShardDataset(shards, batch_size=4, buffer=8)
        loader = Loader(dataset, batch_size=None, num_workers=workers)
        batches = list(loader)
        assert sum(len(batch["name"]) for batch in batches) == 30
        assert batches[0]["image"].shape == (4, 1, 16, 12)
        assert sorted(indices_of(loader)) == list(range(30))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_order(shards: Path, workers: int) -> None:
    def epochs(seed: int) -> list[list[int]]:
        dataset = ShardDataset(shards, buffer=8, seed=seed)
        loader = Loader(dataset, 5, num_workers=workers, persistent_workers=workers > 0)
        return [indices_of(loader) for _ in range(3)]

    first = epochs(1)
    assert all(sorted(epoch) == list(range(30)) for epoch in first)
    assert len(set(map(tuple, first))) == 3
    assert epochs(1) == first
    assert epochs(2) != first
    plain = ShardDataset(shards, shuffle=False)
    assert indices_of(Loader(plain, 5)) == indices_of(Loader(plain, 5))


@pytest.mark.filterwarnings(MANY_WORKERS)
@pytest.mark.parametrize("world_size", [1, 2, 4])
@pytest.mark.parametrize("workers", [0, 3])
def test_processes_and_workers_share_the_images_out(
    shards: Path, world_size: int, workers: int
) -> None:
    found: list[int] = []
    for rank in range(world_size):
        dataset = ShardDataset(shards, rank=rank, world_size=world_size, buffer=4)
        own = indices_of(Loader(dataset, 3, num_workers=workers))
        assert len(own) == dataset.count == 30 // world_size
        found += own
    assert len(found) == len(set(found)) == 30 // world_size * world_size


def test_the_environment_says_who_reads(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "3")
        dataset = pickle.loads(pickle.dumps(ShardDataset(shards)))
        monkeypatch.setenv("RANK", "0")  # a worker that is started anew may see another one
        found += [item["index"] for item in dataset]
    assert sorted(found) == list(range(30))


def test_a_group_of_torch(shards: Path, tmp_path: Path) -> None:
    torch.multiprocessing.spawn(read_in_group, (shards, tmp_path), nprocs=2)
    found = [
        int(number)
        for rank in range(2)
        for number in (tmp_path / f"rank-{rank}").read_text().split()
    ]
    assert sorted(found) == list(range(30))


def read_in_group(rank: int, shards: Path, place: Path) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{place}/group", rank=rank, world_size=2
    )
    loader = Loader(ShardDataset(shards), 4, num_workers=1)
    (place / f"rank-{rank}").write_text(" ".join(map(str, indices_of(loader))))
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_stream_goes_on_where_it_stood(shards: Path, shuffle: bool) -> None:
    dataset = ShardDataset(shards, shuffle=shuffle, buffer=7, seed=4)
    dataset.set_epoch(2)
    whole = [item["index"] for item in dataset]
    for taken in (0, 1, 11, 29, 30):
        stream = iter(dataset)
        assert [next(stream)["index"] for _ in range(taken)] == whole[:taken]
        state = dataset.state_dict()
        again = ShardDataset(shards, shuffle=shuffle, buffer=7, seed=4)
        again.load_state_dict(pickle.loads(pickle.dumps(state)))
        assert [item["index"] for item in again] == whole[taken:]
        assert sorted(item["index"] for item in again) == list(range(30))
    with pytest.raises(ArgumentError, match="seed 4"):
        ShardDataset(shards, seed=5).load_state_dict(state)


def test_a_loader_goes_on_in_the_epoch_of_its_stream(shards: Path) -> None:
    dataset = ShardDataset(shards, batch_size=4, buffer=7, seed=4)
    loader = Loader(dataset, None)
    epochs = [[batch["index"].tolist() for batch in loader]]
    stream = iter(loader)
    next(stream)
    state = dataset.state_dict()
    epochs += [[batch["index"].tolist() for batch in each] for each in (stream, loader)]
    resumed = ShardDataset(shards, batch_size=4, buffer=7, seed=4)
    resumed.load_state_dict(state)
    again = Loader(resumed, None)
    assert [[batch["index"].tolist() for batch in again] for _ in range(2)] == epochs[1:]
    assert again.epoch == 3


def test_a_stream_goes_on_with_the_same_readers_alone(shards: Path) -> None:
    dataset = ShardDataset(shards, seed=4)
    next(iter(dataset))
    state = dataset.state_dict()
    for workers in (1, 2):
        again = ShardDataset(shards, seed=4)
        again.load_state_dict(state)
        with pytest.raises(FastpixError, match=rf"of 0 workers, here are {workers}"):
            indices_of(Loader(again, 4, num_workers=workers))
    for arguments, message in (
        ({"rank": 0, "world_size": 2}, "of 1 processes, here are 2"),
        ({"filter": lambda row: row["name"] != dataset.cache.names[0]}, "30 images, here are 29"),
    ):
        again = ShardDataset(shards, seed=4, **arguments)
        again.load_state_dict(state)
        with pytest.raises(ArgumentError, match=message):
            next(iter(again))


def test_a_rank_of_no_group(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")
    with pytest.raises(ArgumentError, match="RANK=3 and WORLD_SIZE=1"):
        list(ShardDataset(shards))
    monkeypatch.setenv("WORLD_SIZE", "5")
    assert len(list(ShardDataset(shards))) == 6


def test_seeds_below_zero(shards: Path) -> None:
    assert sorted(item["index"] for item in ShardDataset(shards, seed=-1)) == list(range(30))
    with pytest.raises(ArgumentError, match="seed"):
        ShardDataset(shards, seed=2**64)


@pytest.mark.filterwarnings("ignore:.*deprecated:UserWarning")
def test_a_stateful_loader(shards: Path) -> None:
    stateful = library("torchdata.stateful_dataloader").StatefulDataLoader
    dataset = ShardDataset(shards, buffer=7, seed=4)
    for workers in (0, 2):
        whole = [b["index"].tolist() for b in stateful(dataset, 3, num_workers=workers)]
        loader = stateful(dataset, 3, num_workers=workers)
        stream = iter(loader)
        begun = [next(stream)["index"].tolist() for _ in range(4)]
        state = loader.state_dict()
        again = stateful(ShardDataset(shards, buffer=7, seed=4), 3, num_workers=workers)
        again.load_state_dict(state)
        assert begun + [b["index"].tolist() for b in again] == whole
        assert sorted(number for batch in whole for number in batch) == list(range(30))


def test_few_reads(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = ShardDataset(shards, buffer=8)
    reads = []
    storage = dataset.cache.storage
    read = type(storage).read

    def counted(self: Any, *arguments: Any) -> Any:
        reads.append(arguments)
        return read(self, *arguments)

    monkeypatch.setattr(type(storage), "read", counted)
    assert len(list(dataset)) == 30
    assert len(reads) == 3


@pytest.mark.parametrize("compress", ["none", "zstd"])
def test_damage(folders: Folders, compress: str) -> None:
    for k in range(6):
        folders.add(f"{k}.dcm", slice_of(k))
    folders.convert(compress=compress)
    (shard,) = (folders.dst / "shards").iterdir()
    cache = folders.cache()
    last = max(range(6), key=lambda k: cache.where(k)["offset"])
    row = cache.where(last)
    shard.write_bytes(shard.read_bytes()[: row["offset"] + row["length"] // 2])
    with pytest.raises(FastpixError, match="cut off"):
        list(ShardDataset(folders.dst))
    dataset = ShardDataset(folders.dst, on_error="skip")
    with pytest.warns(UserWarning, match="1 source could not be read"):
        assert len(epoch_of(Loader(dataset, 4, num_workers=1))) == 5
    assert dataset.skipped == [cache.names[last]]


def test_compressed_and_normalized(folders: Folders) -> None:
    paths = {}
    for k in range(5):
        path = folders.add(f"{k}.dcm", slice_of(k))
        paths[folders.name(path)] = path
    folders.convert(compress="zstd")
    for item in ShardDataset(folders.dst, normalize=(-1000, 1000)):
        wanted = fastpix.imread(paths[item["name"]], normalize=(-1000, 1000))
        assert item["image"][0].numpy().tobytes() == wanted.tobytes()


def test_other_sizes(folders: Folders) -> None:
    folders.add("a.dcm", slice_of(1))
    folders.add("b.dcm", slice_of(2, (9, 30)))
    folders.convert()
    assert sorted(tuple(item["image"].shape) for item in ShardDataset(folders.dst)) == [
        (1, 9, 30), (1, 16, 12),
    ]  # fmt: skip
    with pytest.raises(FastpixError, match=r"give size="):
        list(ShardDataset(folders.dst, batch_size=2))
    (batch,) = ShardDataset(folders.dst, batch_size=2, size=(10, 10))
    assert [tuple(item["image"].shape) for item in batch] == [(1, 10, 10)] * 2


@pytest.mark.usefixtures("in_this_process")
def test_in_an_object_store(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folders.src.parent)  # the paths of sources are kept there
    library("obstore")
    library("fsspec")
    for k in range(6):
        folders.add(f"{k}.dcm", slice_of(k))
    url = "memory:///training-shards"
    fastpix.convert(folders.src, url, workers=1, key_file=folders.dst.with_name("a.key"))
    assert sorted(indices_of(Loader(ShardDataset(url), 4))) == list(range(6))
    assert sorted(indices_of(Loader(CacheDataset(url), 4))) == list(range(6))


def test_bad_arguments(folders: Folders, shards: Path) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"buffer": 0}, "buffer"),
        ({"batch_size": 0}, "batch_size"),
        ({"rank": 2, "world_size": 2}, "rank"),
        ({"rank": 0}, "rank"),
        ({"size": (1,)}, "size"),
        ({"on_error": "mask"}, "on_error"),
    ]
    for arguments, name in wrong:
        with pytest.raises(ArgumentError, match=name):
            ShardDataset(shards, **arguments)
    other = Folders(folders.src, folders.dst.with_name("other"))
    other.convert(format="npz")
    with pytest.raises(ArgumentError, match="use CacheDataset"):
        ShardDataset(other.dst)


@given(
    sizes=st.lists(st.integers(0, 9), max_size=6),
    processes=st.integers(1, 4),
    workers=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_readers_have_every_row_once(
    sizes: list[int], processes: int, workers: int, seed: int
) -> None:
    ends = np.cumsum([0, *sizes])
    shards = [np.arange(a, b) for a, b in pairwise(ends)]
    order = np.random.default_rng(seed).permutation(len(shards)).tolist()
    shares = [
        [rows_of_reader(shards, order, Reader(p, processes, w, workers)) for w in range(workers)]
        for p in range(processes)
    ]
    found = [int(row) for own in shares for part in own for row in part]
    assert len(found) == len(set(found)) == sum(sizes) // processes * processes
    counts = [sum(map(len, own)) for own in shares]
    assert len(set(counts)) == 1
    for own in shares:
        lengths = [len(part) for part in own]
        assert max(lengths) - min(lengths) <= 1


@given(count=st.integers(0, 60), buffer=st.integers(1, 70), seed=st.integers(0, 99))
def test_a_buffer_gives_each_once(count: int, buffer: int, seed: int) -> None:
    order = shuffled_within(count, buffer, np.random.default_rng(seed)).tolist()
    assert sorted(order) == list(range(count))
    assert all(place < k + buffer for k, place in enumerate(order))
    if buffer == 1:
        assert order == list(range(count))


@given(
    lengths=st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 9), st.integers(0, 6)), max_size=30
    ),
    most=st.integers(1, 30),
)
def test_runs(lengths: list[tuple[int, int, int]], most: int) -> None:
    files = np.cumsum([new == 2 for new, _, _ in lengths]).astype(np.int64)
    starts, stops, at = [], [], 0
    for _, length, gap in lengths:
        starts.append(at + gap)
        stops.append(at + gap + length)
        at = stops[-1]
    runs = list(runs_of(files, np.array(starts, np.int64), np.array(stops, np.int64), most, 3))
    assert [place for run in runs for place in run] == list(range(len(lengths)))
    for run in runs:
        assert len({files[place] for place in run}) == 1
        assert len(run) == 1 or stops[run[-1]] - starts[run[0]] <= most
        assert all(starts[b] - stops[a] <= 3 for a, b in pairwise(run))
