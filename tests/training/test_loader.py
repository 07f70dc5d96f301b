"""Loader: the same order for the same seed, another one in each epoch, memory that stays."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from support.libraries import library
from support.many_files import write_series
from support.training import indices_of

torch = library("torch")

from fastpix.errors import ArgumentError  # noqa: E402
from fastpix.torch import DicomDataset, Loader  # noqa: E402


def drawn(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"drawn": torch.rand(())}


@pytest.mark.parametrize("workers", [0, 2])
def test_seeds(tmp_path: Path, workers: int) -> None:
    write_series(tmp_path, 12)
    dataset = DicomDataset(tmp_path, transform=drawn)

    def epochs(seed: int, count: int = 2) -> list[list[Any]]:
        loader = Loader(dataset, 3, shuffle=True, num_workers=workers, seed=seed)
        return [[(b["index"].tolist(), b["drawn"].tolist()) for b in loader] for _ in range(count)]

    first, second = epochs(1)
    assert first != second
    if workers:  # without workers, what is drawn is the caller's
        assert epochs(1) == [first, second]
    assert [b[0] for b in epochs(1)[0]] == [b[0] for b in first]
    assert epochs(2)[0] != first
    resumed = Loader(dataset, 3, shuffle=True, num_workers=workers, seed=1)
    resumed.epoch = 1
    assert [b["index"].tolist() for b in resumed] == [b[0] for b in second]


def test_workers_draw_other_numbers(tmp_path: Path) -> None:
    write_series(tmp_path, 8)
    dataset = DicomDataset(tmp_path, transform=drawn)
    found = [x for b in Loader(dataset, 2, num_workers=2) for x in b["drawn"].tolist()]
    assert len(set(found)) == 8


def test_options(tmp_path: Path) -> None:
    write_series(tmp_path, 5)
    dataset = DicomDataset(tmp_path)
    assert len(Loader(dataset, 2)) == 3
    assert len(Loader(dataset, 2, drop_last=True)) == 2
    sampler = torch.utils.data.BatchSampler([4, 0, 3], 2, drop_last=False)
    assert indices_of(Loader(dataset, batch_sampler=sampler)) == [4, 0, 3]
    assert len(Loader(dataset, 2, batch_sampler=None)) == 3
    distributed = torch.utils.data.DistributedSampler(dataset, 2, 0, shuffle=True)
    loader = Loader(dataset, 3, sampler=distributed)
    assert indices_of(loader) != indices_of(loader) or distributed.epoch == 1
    with pytest.raises(ArgumentError, match="seed or a generator"):
        Loader(dataset, 2, seed=1, generator=torch.Generator())


def test_no_worker_outlives_an_error(tmp_path: Path) -> None:
    dataset = DicomDataset([tmp_path / "missing.dcm"] * 8)
    for workers in (1, 2):
        before = set(multiprocessing.active_children())
        with pytest.raises(FileNotFoundError, match=r"(?s)Traceback.*missing\.dcm") as caught:
            indices_of(Loader(dataset, 2, num_workers=workers))
        del caught
        assert not set(multiprocessing.active_children()) - before


def test_a_list_of_anything() -> None:
    loader = Loader([{"image": torch.ones(2), "name": "a"}] * 4, 2)
    assert [b["image"].shape for b in loader] == [(2, 2), (2, 2)]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory_of_a_worker_stays(tmp_path: Path) -> None:
    write_series(tmp_path, 64, shape=(64, 64))
    loader = Loader(DicomDataset(tmp_path), 8, num_workers=1, persistent_workers=True)
    sizes = []
    for _ in range(10):
        assert len(indices_of(loader)) == 64
        (worker,) = loader._iterator._workers
        lines = Path(f"/proc/{worker.pid}/status").read_text(encoding="ascii").splitlines()
        sizes.append(next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")))
    assert sizes[-1] - sizes[2] < 512  # KiB: less than two batches
