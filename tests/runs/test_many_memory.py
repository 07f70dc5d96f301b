"""imread_many: memory is used again, and what is kept never changes."""

from __future__ import annotations

import pickle
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.many_files import slice_of, write_series

import fastpix
from fastpix.runs.alike import RUN_BYTES
from fastpix.runs.array_memory import ArrayMemory

pytestmark = pytest.mark.usefixtures("no_threads_left")

BIG = (200, 200)  # arrays whose memory is used again


def test_what_is_kept_never_changes(tmp_path: Path) -> None:
    """Whatever holds an array holds its memory: views of every kind, and what is made of them."""
    paths = write_series(tmp_path, 60, shape=BIG)
    wanted = [fastpix.imread(path) for path in paths]
    holders: list[Callable[[Any], Any]] = [
        lambda a: a,
        lambda a: a[3:50, ::2],
        lambda a: a.T,
        lambda a: memoryview(a),
        lambda a: memoryview(a).cast("B"),
        lambda a: a.reshape(-1)[5:6],
        lambda a: np.asarray(memoryview(a)),
        lambda a: a.view(np.uint32).view(np.float32),
        lambda a: iter(a),
        lambda a: a.flat,
        lambda a: a.__array_interface__ and np.ndarray(a.shape, a.dtype, a),
        lambda a: pickle.PickleBuffer(a),
        lambda a: np.from_dlpack(a),
        lambda a: pickle.loads(pickle.dumps(a)),
        lambda a: a.base,
        lambda a: np.lib.stride_tricks.as_strided(a, (10, 10)),
        lambda a: a.diagonal(),
    ]

    def values(k: int, held: Any) -> NDArray[Any]:
        made = holders[k % len(holders)]
        if made is holders[8]:
            return np.stack(list(held))
        return np.array(held)

    kept = []
    for _ in range(3):
        for k, array in enumerate(fastpix.imread_many(paths, threads=2)):
            if k % 2 == 0:
                kept.append((k, holders[(k // 2) % len(holders)](array)))
        del array
    for k, held in kept:
        same = holders[(k // 2) % len(holders)](wanted[k])
        if same is None:  # only arrays of a reader have a base
            same = wanted[k].view(np.uint8).reshape(-1)
        found, expected = values(k // 2, held), values(k // 2, same)
        assert found.tobytes() == expected.tobytes(), k


def test_kept_arrays_at_random(tmp_path: Path) -> None:
    """Arrays are kept and let go of in no order, here and in a thread; sizes change between."""
    paths = write_series(tmp_path, 30, shape=BIG)
    others = [tmp_path / f"other{k}" for k in range(30)]
    for k, path in enumerate(others):
        path.write_bytes(slice_of(k + 100, (220, 190)))
    order = random.Random(3)
    sources = [order.choice(paths if (k // 20) % 2 else others) for k in range(600)]
    wanted = {path: fastpix.imread(path).tobytes() for path in (*paths, *others)}
    held: list[tuple[Path, Any]] = []
    for path, array in zip(sources, fastpix.imread_many(sources, threads=3), strict=True):
        assert array.tobytes() == wanted[path]
        held.append((path, array if order.random() < 0.5 else array[None].T))
        while len(held) > 12 or (held and order.random() < 0.4):
            path, array = held.pop(order.randrange(len(held)))
            same = array if array.ndim == 2 else array.T[0]
            assert same.tobytes() == wanted[path]
    for path, array in held:
        assert (array if array.ndim == 2 else array.T[0]).tobytes() == wanted[path]


def test_writing_into_what_is_taken_harms_nothing(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 40, shape=BIG)
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    kept = []
    for k, array in enumerate(fastpix.imread_many(paths, threads=2)):
        assert array.tobytes() == wanted[k]
        kept.append(array)
        array[:] = -k
        if len(kept) == 5:
            kept.clear()


def test_memory_is_used_again(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 60, shape=BIG)
    addresses = set()
    for array in fastpix.imread_many(paths * 4, threads=1):
        addresses.add(array.ctypes.data)
    assert len(addresses) < 130


def test_memory_of_another_size_makes_room() -> None:
    """Blocks of a size that is asked for no more are not kept for ever, nor too many."""
    memory = ArrayMemory()
    for rows in (6000, 4000, 2000, 300, 40, 5):
        size = rows * 4000
        for _ in range(3):
            held = [memory.array((rows, 1000), "float32") for _ in range(12)]
            del held
        again = [memory.array((rows, 1000), "float32") for _ in range(4)]
        assert sum(map(len, memory._blocks)) <= max(2**24, 12 * size)
        del again
        memory.trim()
        assert sum(map(len, memory._blocks)) <= 2**24


def test_a_block_is_one_array_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the count is taken: the interpreter optimises what runs often."""
    memory = ArrayMemory()
    first = memory.array((200, 200), "float32")
    for _ in range(5000):
        second = memory.array((200, 200), "float32")
        assert not np.shares_memory(first, second)
        held = second.data
        del second
        third = memory.array((200, 200), "float32")
        assert not np.shares_memory(np.asarray(held), third)
        del held, third


def test_memory_stays_bounded(tmp_path: Path) -> None:
    """2000 arrays of 640 kB are taken and let go of."""
    paths = write_series(tmp_path, 20, shape=(400, 400))
    tracemalloc.start()
    try:
        for array in fastpix.imread_many(paths * 40, threads=2):
            assert array.shape == (400, 400)
        del array
        left, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * (RUN_BYTES + 2**24)
    assert left < 2**24 + 2**20  # what is kept for the next call
