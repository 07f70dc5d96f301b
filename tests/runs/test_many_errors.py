"""imread_many: errors and warnings come in the place of their file."""

from __future__ import annotations

import gc
import itertools
import os
import threading
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import (
    encode,
    make_dataset,
)
from support.many_files import assert_same, slice_of, write_series

import fastpix
from fastpix.errors import HeaderWarning, InexactError
from fastpix.runs.alike import RunReader
from fastpix.runs.array_memory import ArrayMemory

pytestmark = pytest.mark.usefixtures("no_threads_left")


def test_an_error_is_raised_in_its_place(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 60)
    paths[41].write_bytes(b"no DICOM")
    reader = fastpix.imread_many(paths, threads=3)
    taken = [array.tobytes() for array in itertools.islice(reader, 41)]
    with pytest.raises(fastpix.NotDicomError):
        next(reader)
    assert taken == [fastpix.imread(path).tobytes() for path in paths[:41]]


@pytest.mark.parametrize("threads", [1, 3])
def test_a_value_that_does_not_fit_in_the_middle(tmp_path: Path, threads: int) -> None:
    paths = write_series(tmp_path, 60, RescaleSlope="0.5", RescaleIntercept="0")
    cells = np.arange(0, 384, 2, dtype=np.uint16).reshape(16, 12)
    for k, path in enumerate(paths):
        cells[3, 4] = 81 if k == 37 else 80
        path.write_bytes(encode(make_dataset(cells, BitsStored=12, HighBit=11, RescaleSlope="0.5",
                                             RescaleIntercept="0")))  # fmt: skip
    found = assert_same(paths, threads, dtype="int16")
    assert [k for k, outcome in enumerate(found) if outcome[0] is InexactError] == [37]
    reader = fastpix.imread_many(paths, dtype="int16", threads=threads)
    assert len(list(itertools.islice(reader, 37))) == 37
    with pytest.raises(InexactError) as caught:
        next(reader)
    assert (caught.value.index, caught.value.value) == ((0, 3, 4), 40.5)
    with pytest.raises(StopIteration):
        next(reader)


class Raising(os.PathLike[str]):
    """A path that cannot be asked for."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __fspath__(self) -> str:
        raise self.error


class RaisingFile:
    """A file whose read fails."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def read(self) -> bytes:
        raise self.error

    def seek(self, place: int) -> int:
        return place

    def tell(self) -> int:
        return 0


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("kind", [Raising, RaisingFile])
@pytest.mark.parametrize(
    "error",
    [SystemExit(3), KeyboardInterrupt(), MemoryError(), ZeroDivisionError(), GeneratorExit()],
    ids=repr,
)  # fmt: skip
def test_what_is_no_error_of_a_file_is_raised(
    tmp_path: Path, error: BaseException, kind: type[Any], threads: int
) -> None:
    """In its place, and whatever `on_error` says; no file is lost without a word."""
    paths: list[Any] = write_series(tmp_path)
    paths.insert(20, kind(error))
    reader = fastpix.imread_many(paths, threads=threads, on_error="yield")
    assert len(list(itertools.islice(reader, 20))) == 20
    with pytest.raises(type(error)) as caught:
        next(reader)
    assert caught.value is error


def test_a_reader_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> RunReader:
        raise MemoryError

    monkeypatch.setattr("fastpix.runs.many.RunReader", fail)
    with pytest.raises(MemoryError):
        list(fastpix.imread_many([slice_of(1)] * 9))


def test_threads_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = threading.Thread.start
    started: list[threading.Thread] = []

    def start(self: threading.Thread) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(self)
        plain(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="new thread"):
        list(fastpix.imread_many([slice_of(1)] * 9, threads=5))
    assert len(started) == 2


def test_warnings_as_errors_are_raised_in_their_place(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 12)
    paths[7].write_bytes(slice_of(7, RescaleSlope="0"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reader = fastpix.imread_many(paths, on_error="yield")
        assert len(list(itertools.islice(reader, 7))) == 7
        with pytest.raises(HeaderWarning):
            next(reader)


def test_errors_hold_no_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of errors is not a list of all that was read beside them."""
    without = ArrayMemory()  # which would keep memory for the next call
    without._reuses = False
    monkeypatch.setattr("fastpix.runs.many._array_memory", without)
    big = slice_of(1, (400, 400))
    bad = slice_of(2, (8, 8))[:-3]
    sources = [big, bad] * 40
    gc.collect()
    tracemalloc.start()
    try:
        errors = [
            outcome
            for outcome in fastpix.imread_many(sources, on_error="yield", threads=2)
            if isinstance(outcome, Exception)
        ]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(errors) == 40
    assert held < 20 * 400 * 400 * 4  # of 40 arrays; the readers' own buffers are in it
