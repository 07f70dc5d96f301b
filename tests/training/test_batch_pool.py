"""Batches in memory that is used again: nobody's batch changes while somebody looks at it."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.libraries import library
from support.many_files import slice_of
from support.training import indices_of

torch = library("torch")

import fastpix  # noqa: E402
from fastpix.torch import DicomDataset, Loader  # noqa: E402
from fastpix.torch.batch_pool import BatchPool, WorkerSlots, can_pool  # noqa: E402

pytestmark = pytest.mark.skipif(not can_pool(), reason="needs Linux's /proc and memfd_create")

SHAPE = (256, 256)  # four of them, in float32, are a batch that is worth a slot
COUNT = 24


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("slices")
    made = [folder / f"{k:02}.dcm" for k in range(COUNT)]
    for k, path in enumerate(made):
        path.write_bytes(slice_of(k, SHAPE))
    return made


@pytest.fixture(scope="module")
def images(paths: list[Path]) -> Any:
    return fastpix.imread_batch(paths)


def assert_right(batch: dict[str, Any], images: Any) -> None:
    assert np.array_equal(batch["image"][:, 0].numpy(), images[batch["index"].numpy()])


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_batches_are_right_whoever_keeps_them(
    paths: list[Path], images: Any, persistent: bool, method: str
) -> None:
    loader = Loader(
        DicomDataset(paths), 4, num_workers=2, persistent_workers=persistent, shuffle=True, seed=1,
        multiprocessing_context=method,
    )  # fmt: skip
    kept, views = [], []
    for epoch in range(3 if method == "fork" else 2):
        for number, batch in enumerate(loader):
            assert_right(batch, images)
            if epoch == 0:
                kept.append(batch)  # more than there are slots
            elif number % 2:
                views.append((batch["image"][1, 0, 3], batch["index"][1].item()))  # a row of one
        for batch in kept:
            assert_right(batch, images)
    for row, index in views:
        assert np.array_equal(row.numpy(), images[index][3])


def pool_of(loader: Any) -> Any:
    return loader._pool


def test_memory_is_used_again(paths: list[Path], images: Any) -> None:
    loader = Loader(DicomDataset(paths), 4, num_workers=1, persistent_workers=True)
    places = []
    for _ in range(4):
        for batch in loader:
            assert not batch["image"].is_shared()  # not by torch's own memory
            assert batch["image"].is_contiguous()
            batch["image"] += 1  # it is the caller's
            places.append(batch["image"].data_ptr())
            del batch
    assert len(set(places)) <= pool_of(loader).flags.numel() == 4
    assert not pool_of(loader).flags.any()


def test_slots_come_back_when_the_last_view_is_gone(paths: list[Path]) -> None:
    loader = Loader(DicomDataset(paths), 4, num_workers=1, persistent_workers=True)
    batches = iter(loader)
    batch = next(batches)
    view = batch["image"][2, 0, 5:9]
    flags = pool_of(loader).flags
    taken = int(flags.sum())
    assert taken >= 1
    del batch
    gc.collect()
    assert int(flags.sum()) >= 1
    rest = [b["name"] for b in batches]
    assert len(rest) == 5
    assert int(flags.sum()) == 1
    del view
    assert int(flags.sum()) == 0


def test_an_epoch_that_is_broken_off(paths: list[Path], images: Any) -> None:
    for persistent in (False, True):
        loader = Loader(DicomDataset(paths), 4, num_workers=2, persistent_workers=persistent)
        for _ in range(6):
            for batch in loader:
                assert_right(batch, images)
                break
        assert sorted(indices_of(loader)) == list(range(COUNT))


kept_in_worker: list[Any] = []


def keep(item: dict[str, Any]) -> dict[str, Any]:
    """A transform that keeps what it is given, as a cache in a worker does."""
    kept_in_worker.append((item["image"], item["image"].clone()))
    for image, copy in kept_in_worker:
        assert torch.equal(image, copy)
    return item


def test_a_transform_that_keeps_images(paths: list[Path], images: Any) -> None:
    loader = Loader(DicomDataset(paths, transform=keep), 4, num_workers=1, persistent_workers=True)
    for _ in range(2):
        for batch in loader:
            assert_right(batch, images)


def begin(worker: int) -> None:
    torch.set_default_dtype(torch.float64)  # something that a batch shows


def stacked(items: list[dict[str, Any]]) -> dict[str, Any]:
    image = torch.stack([item["image"] for item in items])
    return {"image": image, "index": torch.tensor([item["index"] for item in items]),
            "begun": torch.zeros(1).dtype == torch.float64}  # fmt: skip


def test_what_users_give_is_called(paths: list[Path], images: Any) -> None:
    loader = Loader(DicomDataset(paths), 4, num_workers=1, worker_init_fn=begin, collate_fn=stacked)
    for batch in loader:
        assert batch["begun"]
        assert_right(batch, images)


def test_batches_of_other_sizes(tmp_path: Path) -> None:
    paths = []
    for k in range(12):
        paths.append(tmp_path / f"{k}.dcm")
        paths[-1].write_bytes(slice_of(k, (300, 300 + 100 * (k // 4))))
    loader = Loader(DicomDataset(paths), 4, num_workers=1, persistent_workers=True)
    for _ in range(2):
        for number, batch in enumerate(loader):
            wanted = fastpix.imread_batch(paths[4 * number : 4 * number + 4])
            assert np.array_equal(batch["image"][:, 0].numpy(), wanted)


def test_skipped_images(paths: list[Path], images: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(b"no image")
    dataset = DicomDataset([*paths[:5], broken, *paths[6:]], on_error="skip")
    loader = Loader(dataset, 4, num_workers=1)
    with pytest.warns(UserWarning, match="1 source"):
        found = list(loader)
    assert [len(batch["image"]) for batch in found] == [4, 3, 4, 4, 4, 4]
    for batch in found:
        assert_right(batch, images)


def test_slots() -> None:
    pool = BatchPool(2, 2)
    slots = WorkerSlots(pool.key, pool.flags, 1)
    dtype = np.dtype("float32")
    assert slots.empty((10,), dtype) is None  # too small
    arrays = [slots.empty((2**18,), dtype), slots.empty((2**18,), dtype)]
    assert slots.empty((2**18,), dtype) is None  # all are in use
    first, second = arrays
    assert first is not None
    assert second is not None
    first[:], second[:] = 1, 2
    assert set(first) == {1}
    view = first[5:]
    arrays.clear()
    del first
    assert slots.empty((2**18,), dtype) is None
    del view
    again = slots.empty((2**19,), dtype)  # it grows
    assert again is not None
    del second
    pool.flags[1, 1] = 1  # the main process has it
    assert slots.empty((2**18,), dtype) is None
