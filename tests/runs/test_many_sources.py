"""imread_many: sources are taken lazily, one by one."""

from __future__ import annotations

import errno
import itertools
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.many_files import KINDS, slice_of, write_series

import fastpix
from fastpix.runs.alike import RUN_FILES

pytestmark = pytest.mark.usefixtures("no_threads_left")


def test_sources_are_taken_lazily(tmp_path: Path) -> None:
    """By a bounded number ahead of what is yielded, in the thread that takes the arrays."""
    paths = write_series(tmp_path, 3)
    taken: list[int] = []

    def endless() -> Iterator[Path]:
        for k in itertools.count():
            assert threading.current_thread() is threading.main_thread()
            taken.append(k)
            yield paths[k % 3]

    reader = fastpix.imread_many(endless(), threads=2)
    assert taken == []
    for k in range(500):
        next(reader)
        assert k < len(taken) <= k + (2 * 2 + 1) * RUN_FILES
    reader.close()  # type: ignore[attr-defined]


def test_large_files_are_taken_one_by_one() -> None:
    data = slice_of(1, (1200, 1200))  # 5.8 MB as float32
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        for k in itertools.count():
            taken.append(k)
            yield data

    reader = fastpix.imread_many(endless(), threads=2)
    for k in range(12):
        next(reader)
        assert k < len(taken) <= k + 1 + 2 * 2
    reader.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("threads", [1, 3])
def test_large_files_behind_small_ones(tmp_path: Path, threads: int) -> None:
    """Tasks of many small files meet large ones: no more of them are read ahead than else."""
    paths = write_series(tmp_path, 64)
    large = tmp_path / "large"
    large.write_bytes(slice_of(1, (700, 700)))  # 980 kB, 3.9 MB as float64
    one = 700 * 700 * 8
    sources = [*paths, *[large] * 100, *paths[:5]]
    wanted = [fastpix.imread(path, dtype="float64").tobytes() for path in (*paths[:5], large)]
    tracemalloc.start()
    try:
        reader = fastpix.imread_many(sources, dtype="float64", threads=threads)
        for k, array in enumerate(reader):
            if k >= 64:
                time.sleep(0.002)
            if k < 5 or k >= 164:
                assert array.tobytes() == wanted[k % 164]
            elif k >= 64:
                assert array.tobytes() == wanted[5]
        del array
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert k == 168
    assert peak < one * (5 * threads + 6) + 2**23


@pytest.mark.parametrize("count", [0, 1, 2, 33, 50])
def test_sources_that_raise(count: int) -> None:
    """All that came before is yielded, as in a loop; then it is raised, once."""
    data = slice_of(1)

    def sources() -> Iterator[bytes]:
        for _ in range(count):
            yield data
        raise OSError(errno.EIO, "the disk is gone")

    reader = fastpix.imread_many(sources(), threads=2, on_error="yield")
    taken = list(itertools.islice(reader, count))
    assert [array.tobytes() for array in taken] == [fastpix.imread(data).tobytes()] * count
    with pytest.raises(OSError, match="the disk is gone"):
        next(reader)
    with pytest.raises(StopIteration):
        next(reader)


def test_sources_are_not_asked_again_behind_their_end() -> None:
    class Sources:
        ended = 0

        def __init__(self) -> None:
            self.left = 40

        def __iter__(self) -> Sources:
            return self

        def __next__(self) -> bytes:
            if not self.left:
                self.ended += 1
                raise StopIteration
            self.left -= 1
            return KINDS["plain"]

    sources = Sources()
    assert len(list(fastpix.imread_many(sources, threads=2))) == 40
    assert sources.ended == 1
