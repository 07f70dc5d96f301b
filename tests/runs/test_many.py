"""imread_many: what a loop over imread gives, in its order, whatever is between the files."""

from __future__ import annotations

import contextlib
import errno
import gc
import io
import itertools
import os
import pickle
import random
import signal
import sys
import threading
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import config
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless
from support.builders import (
    element,
    encode,
    encode_frames,
    file_of,
    image_elements,
    make_dataset,
    set_raw,
)
from support.codestream_cases import rle
from support.real_files import WHEEL, corpus_files, files_under
from support.scripts import run_script
from support.sizes import rounds, some

import fastpix
from fastpix.errors import ArgumentError, FastpixError, HeaderWarning, InexactError
from fastpix.header.dataset import parse_dataset
from fastpix.kernel.registry import get_kernel, kernel_name
from fastpix.runs.alike import RUN_BYTES, RUN_FILES, RunReader
from fastpix.runs.array_memory import ArrayMemory
from fastpix.source.stored import RESIDENT

RNG = np.random.default_rng(7)
LIMITED = 2**26  # max_bytes for files that promise more than they hold


def slice_of(k: int, shape: tuple[int, ...] = (16, 12), **attributes: Any) -> bytes:
    """One file of a series: 12-bit CT, its cells made from its number."""
    cells = np.random.default_rng(k).integers(0, 4096, shape).astype(np.uint16)
    given = {"BitsStored": 12, "HighBit": 11, "RescaleSlope": "1", "RescaleIntercept": "-1024"}
    return encode(make_dataset(cells, **(given | attributes)))


def write_series(folder: Path, count: int = 40, **attributes: Any) -> list[Path]:
    paths = [folder / f"{k:04}.dcm" for k in range(count)]
    for k, path in enumerate(paths):
        path.write_bytes(slice_of(k, **attributes))
    return paths


Outcome = tuple[Any, ...]


def outcome_of(value: Any) -> Outcome:
    """What can be compared of an array or an error."""
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous
        assert value.flags.writeable
        assert value.dtype.isnative
        return value.shape, value.dtype.str, value.tobytes()
    assert isinstance(value, Exception)
    return type(value), str(value)


def looped(sources: Iterable[Any], **arguments: Any) -> tuple[list[Outcome], list[str]]:
    """Outcomes and warnings of a loop over imread."""
    outcomes = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for source in sources:
            try:
                outcomes.append(outcome_of(fastpix.imread(source, **arguments)))
            except (FastpixError, OSError) as error:
                outcomes.append(outcome_of(error))
    return outcomes, sorted(f"{w.category}: {w.message}" for w in caught)


def read_ahead(
    sources: Iterable[Any], threads: int | None = 2, **arguments: Any
) -> tuple[list[Outcome], list[str]]:
    """The same of imread_many."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcomes = [
            outcome_of(value)
            for value in fastpix.imread_many(
                sources, threads=threads, on_error="yield", **arguments
            )
        ]
    return outcomes, sorted(f"{w.category}: {w.message}" for w in caught)


def assert_same(sources: list[Any], threads: int | None = 2, **arguments: Any) -> list[Outcome]:
    """Read sources both ways, compare, and return the outcomes."""
    wanted, wanted_warnings = looped(sources, **arguments)
    found, found_warnings = read_ahead(sources, threads, **arguments)
    assert len(found) == len(wanted)
    for k, (one, other) in enumerate(zip(found, wanted, strict=True)):
        assert one == other, f"outcome {k} differs: {sources[k]!r:.200}"
    assert found_warnings == wanted_warnings
    return found


def went_alike(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have the lengths of runs that were read past the interpreter recorded."""
    runs: list[int] = []
    plain = RunReader._read_alike

    def recorded(self: RunReader, sources: Any) -> Any:
        some = plain(self, sources)
        runs.append(len(some))
        return some

    monkeypatch.setattr(RunReader, "_read_alike", recorded)
    return runs


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


# --- the same as a loop --------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 5, None])
def test_a_series(tmp_path: Path, threads: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = went_alike(monkeypatch)
    assert_same(write_series(tmp_path, 100), threads)
    if kernel_name() != "numpy":
        assert sum(runs) > 50


def test_arrays_are_in_order(tmp_path: Path) -> None:
    """The first of each task takes the longest."""
    paths = write_series(tmp_path)

    class Slow(os.PathLike[str]):
        def __init__(self, path: Path, pause: float) -> None:
            self.path, self.pause = path, pause

        def __fspath__(self) -> str:
            time.sleep(self.pause)
            return str(self.path)

    sources = [Slow(path, 0.004 * (k % 5 == 0)) for k, path in enumerate(paths)]
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    assert [array.tobytes() for array in fastpix.imread_many(sources, threads=4)] == wanted


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize(
    "arguments",
    [{}, {"dtype": "auto"}, {"dtype": "int16"}, {"dtype": "float64", "rescale": False},
     {"invert": "none", "normalize": (0, 255)}, {"frames": 0}, {"padding": -5.0}],
    ids=str,
)  # fmt: skip
def test_wheel(times: int, arguments: dict[str, Any]) -> None:
    """All files that pydicom ships, in no order; four times in a row, a file is like the last."""
    paths = [path for path in files_under(WHEEL) if path.suffix not in (".py", ".pyc")]
    random.Random(times).shuffle(paths)
    sources = [path for path in some(paths) for _ in range(times)]
    found = assert_same(sources, max_bytes=LIMITED, **arguments)
    assert sum(isinstance(outcome[0], tuple) for outcome in found) > 0.3 * len(sources)


@pytest.mark.corpus
@pytest.mark.skipif("FASTPIX_CORPUS" not in os.environ, reason="FASTPIX_CORPUS names no folder")
@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("arguments", [{}, {"dtype": "auto", "padding": -1.0}], ids=str)
def test_corpus(times: int, arguments: dict[str, Any]) -> None:
    paths = corpus_files()
    random.Random(times).shuffle(paths)
    sources = [path for path in paths for _ in range(times)]
    assert_same(sources, max_bytes=LIMITED, **arguments)


KINDS: dict[str, bytes] = {
    "plain": slice_of(1),
    "signed": encode(make_dataset(RNG.integers(-2048, 2048, (9, 7)).astype(np.int16),
                                  BitsStored=12, HighBit=11, RescaleSlope="0.5",
                                  RescaleIntercept="3")),
    "8 bits, odd": encode(make_dataset(RNG.integers(0, 256, (5, 7)).astype(np.uint8))),
    "32 bits": encode(make_dataset(RNG.integers(0, 2**32, (5, 7), np.uint32))),
    "1 bit": encode(make_dataset(np.arange(16, dtype=np.uint8).reshape(2, 8), Rows=16,
                                 BitsAllocated=1, BitsStored=1, HighBit=0)),
    "several frames": slice_of(2, (3, 8, 6)),
    "MONOCHROME1": slice_of(3, PhotometricInterpretation="MONOCHROME1"),
    "padding": slice_of(4, PixelPaddingValue=17, PixelPaddingRangeLimit=20),
    "RGB": encode(make_dataset(RNG.integers(0, 256, (6, 5, 3)).astype(np.uint8),
                               SamplesPerPixel=3)),
    "RGB, planar": encode(make_dataset(RNG.integers(0, 256, (6, 5, 3)).astype(np.uint8),
                                       SamplesPerPixel=3, PlanarConfiguration=1)),
    "YBR": encode(make_dataset(RNG.integers(0, 256, (6, 5, 3)).astype(np.uint8),
                               SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL")),
    "float": encode(make_dataset(RNG.normal(size=(4, 5)).astype(np.float32))),
    "double": encode(make_dataset(RNG.normal(size=(4, 5)))),
    "implicit": encode(make_dataset(), ImplicitVRLittleEndian),
    "big endian": encode(make_dataset(), ExplicitVRBigEndian),
    "RLE": encode_frames(make_dataset(), RLELossless,
                         [rle(np.arange(6, dtype="u2").reshape(2, 3))]),
    "palette": encode(
        set_raw(set_raw(set_raw(
            make_dataset(
                np.arange(6, dtype=np.uint8).reshape(2, 3),
                PhotometricInterpretation="PALETTE COLOR",
                RedPaletteColorLookupTableDescriptor=[6, 0, 16],
                GreenPaletteColorLookupTableDescriptor=[6, 0, 16],
                BluePaletteColorLookupTableDescriptor=[6, 0, 16],
            ), 0x00281201, "OW", np.arange(6, dtype="<u2").tobytes()),
            0x00281202, "OW", np.arange(6, 12, dtype="<u2").tobytes()),
            0x00281203, "OW", np.arange(12, 18, dtype="<u2").tobytes())
    ),
    "too long": encode(make_dataset(PixelData=bytes(range(12)) + b"\1" * 2)),
    "slope 0": slice_of(5, RescaleSlope="0"),
    "fraction": slice_of(6, RescaleSlope="0.37", RescaleIntercept="1e-3"),
    "high bit": slice_of(7, BitsStored=12, HighBit=15),
}  # fmt: skip
RECIPES: list[dict[str, Any]] = [
    {}, {"dtype": "auto"}, {"dtype": "float64"}, {"dtype": "uint8"}, {"dtype": "int16"},
    {"rescale": False}, {"invert": "none"}, {"normalize": (-100, 900)}, {"padding": -9.0},
    {"recipe": fastpix.Recipe(dtype="int32", invert="none")}, {"frames": 0}, {"frames": [0, 0]},
    {"frames": slice(0, 2)}, {"decoder": "fastpix"}, {"decoder": "imagecodecs"}, {"max_bytes": 100},
]  # fmt: skip


@pytest.mark.parametrize("arguments", RECIPES, ids=str)
def test_every_kind(tmp_path: Path, arguments: dict[str, Any]) -> None:
    """Six files of each kind, so that those that can be are read past the interpreter."""
    sources: list[Any] = []
    for k, data in enumerate(KINDS.values()):
        sources += [tmp_path / f"{k}.{n}" for n in range(6)]
        for path in sources[-6:]:
            path.write_bytes(data)
    assert_same(sources, **arguments)
    random.Random(1).shuffle(sources)
    assert_same(sources, threads=1, **arguments)
    assert_same(list(KINDS.values()) * 2, **arguments)


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_fails(kind: str) -> None:
    """The files above are what they are called."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeaderWarning)
        assert fastpix.imread(KINDS[kind]).size
    odd = {"too long", "slope 0"}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(fastpix.imread_many([KINDS[kind]] * 5))
    assert len(caught) == (5 if kind in odd else 0), [str(w.message) for w in caught]


def with_byte(data: bytes, place: int, value: int) -> bytes:
    return data[:place] + bytes([value]) + data[place + 1 :]


OTHERS: dict[str, bytes] = {
    "another slope": slice_of(90, RescaleSlope="2"),
    "a slope as long": slice_of(90, RescaleIntercept="-1000"),
    "another size": slice_of(90, (12, 16)),
    "larger": slice_of(90, (600, 1000)),
    "bits": slice_of(90, BitsStored=11, HighBit=10),
    "implicit": encode(make_dataset(BitsStored=12, HighBit=11), ImplicitVRLittleEndian),
    "big endian": encode(make_dataset(BitsStored=12, HighBit=11), ExplicitVRBigEndian),
    "MONOCHROME1": slice_of(90, PhotometricInterpretation="MONOCHROME1"),
    "padding": slice_of(90, PixelPaddingValue=3),
    "cut off": slice_of(90)[:-1],
    "cut off in the header": slice_of(90)[:300],
    "cut off by half": slice_of(90)[:-200],
    "a byte more": slice_of(90) + b"\0",
    "elements behind": slice_of(90) + element(0x7FE10010, "LO", b"x"),
    "longer pixel data": encode(
        make_dataset(np.zeros((16, 12), np.uint16), BitsStored=12, HighBit=11,
                     RescaleSlope="1", RescaleIntercept="-1024", PixelData=bytes(386))),
    "irregular": slice_of(90)[:132] + element(0x00090010, "LO", b"x") + slice_of(90)[132:],
    "empty": b"",
    "text": b"not DICOM at all",
    "no preamble": slice_of(90)[132:],
    "large": slice_of(90, (800, 800)),
}  # fmt: skip


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("other", OTHERS)
def test_one_that_is_not_like_the_others(
    tmp_path: Path, other: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_series(tmp_path, 70)
    for k in (0, 1, 2, 33, 34, 50, 69):
        paths[k].write_bytes(OTHERS[other])
    runs = went_alike(monkeypatch)
    assert_same(paths, threads)
    if kernel_name() != "numpy":
        assert sum(runs)
    assert_same(paths, threads, dtype="int16")


@pytest.mark.parametrize("threads", [1, 3])
def test_one_that_is_no_file(tmp_path: Path, threads: int) -> None:
    paths: list[Any] = write_series(tmp_path, 80)
    paths[10].unlink()
    paths[20].unlink()
    paths[20].mkdir()
    paths[30] = str(paths[30])
    paths[31] = paths[31].read_bytes()
    paths[32] = f"{paths[32]}\0"
    paths[33] = "\ud800"  # text that no file name has
    paths[34] = 5
    paths[35] = None
    paths[36] = os.fsencode(paths[36])  # bytes are the file, not its name
    paths[37] = ""
    paths[40].unlink()
    paths[40].symlink_to(paths[41])
    paths[42].unlink()
    paths[42].symlink_to(paths[42])
    found = assert_same(paths, threads)
    kinds = {k: outcome[0] for k, outcome in enumerate(found) if not isinstance(outcome[0], tuple)}
    assert kinds[10] is FileNotFoundError
    assert kinds[20] is IsADirectoryError
    assert kinds[32] is ArgumentError
    assert kinds[33] is ArgumentError
    assert kinds[34] is ArgumentError
    assert kinds[42] is OSError
    assert set(kinds) == {10, 20, 32, 33, 34, 35, 36, 37, 42}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read it")
def test_one_that_may_not_be_read(tmp_path: Path) -> None:
    paths = write_series(tmp_path)
    paths[20].chmod(0)
    assert assert_same(paths)[20][0] is PermissionError


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_among_files(tmp_path: Path) -> None:
    """It is opened once: who writes into it finds one reader, which reads all."""
    paths = write_series(tmp_path)
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    data = paths[20].read_bytes()
    paths[20].unlink()
    os.mkfifo(paths[20])

    def write() -> None:
        with open(paths[20], "wb", buffering=0) as pipe:
            time.sleep(0.05)
            pipe.write(data)

    for _ in range(2):
        writer = threading.Thread(target=write)
        writer.start()
        found = [array.tobytes() for array in fastpix.imread_many(paths, threads=2)]
        writer.join()
        assert found == wanted


def test_names_of_every_kind(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 12)
    names: list[Any] = [os.fsdecode(bytes(tmp_path) + b"/%d\xff\xfe.dcm" % k) for k in range(6)]
    names += [f"{tmp_path}/\N{SNOWMAN} {k}\n.dcm" for k in range(6)]
    for path, name in zip(paths, names, strict=True):
        path.rename(name)
    found = assert_same([*names, *map(Path, names)])
    assert all(isinstance(outcome[0], tuple) for outcome in found)


def test_files_of_each_size_around_the_buffer(tmp_path: Path) -> None:
    """Up to RESIDENT bytes they are read in one call."""
    paths = []
    small = len(slice_of(0, (512, 1000)))
    for k, extra in enumerate([-2, 0, 2, 0, 0, 2, 2, -2, -2, -2]):
        tail = RESIDENT - small + extra - 12
        data = slice_of(k, (512, 1000)) + element(0x7FE10010, "OB", bytes(tail))
        assert len(data) == RESIDENT + extra
        paths.append(tmp_path / str(k))
        paths[-1].write_bytes(data)
    assert_same(paths)
    assert_same(paths, threads=1)


# --- errors ---------------------------------------------------------------------------------------


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


# --- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sources",
    ["slice.dcm", b"slice.dcm", bytearray(b"x"), memoryview(b"x"), Path("slice.dcm"),
     make_dataset(), io.BytesIO(b"x"), None, 5],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_one_source_by_mistake(sources: Any) -> None:
    with pytest.raises(ArgumentError, match="sources") as caught:
        fastpix.imread_many(sources)
    assert caught.value.argument == "sources"


@pytest.mark.parametrize(
    "arguments",
    [{"threads": 0}, {"threads": True}, {"threads": 1.5}, {"on_error": "ignore"},
     {"max_bytes": 0}, {"dtype": "complex64"}, {"decoder": "nobody"}, {"invert": "maybe"},
     {"recipe": 5}, {"recipe": fastpix.Recipe(), "dtype": "auto"}],
    ids=str,
)  # fmt: skip
def test_arguments_are_checked_at_once(arguments: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        fastpix.imread_many([], **arguments)


def test_no_sources() -> None:
    assert list(fastpix.imread_many([])) == []
    assert list(fastpix.imread_many(iter(()))) == []


@pytest.mark.parametrize("threads", [1, 7, 40])
def test_fewer_sources_than_threads(threads: int) -> None:
    data = slice_of(1)
    found = list(fastpix.imread_many([data, data], threads=threads))
    assert [array.tobytes() for array in found] == [fastpix.imread(data).tobytes()] * 2


# --- sources --------------------------------------------------------------------------------------


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


# --- ends, of every kind --------------------------------------------------------------------------


def workers_now() -> int:
    return sum("run" in thread.name for thread in threading.enumerate())


def end_by_close(reader: Any) -> None:
    reader.close()


def end_by_drop(reader: Any) -> None:
    """The caller's name is the last."""


def end_by_throw(reader: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        reader.throw(ZeroDivisionError())


def end_by_interrupt(reader: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        reader.throw(KeyboardInterrupt())


@pytest.mark.parametrize("end", [end_by_close, end_by_drop, end_by_throw, end_by_interrupt])
@pytest.mark.parametrize("taken", [0, 1, 5, 50])
def test_an_early_end(tmp_path: Path, end: Callable[[Any], None], taken: int) -> None:
    before = threading.active_count()
    opened = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    paths = write_series(tmp_path, 60)
    reader = fastpix.imread_many(paths * 20, threads=3)
    kept = list(itertools.islice(reader, taken))
    assert threading.active_count() == before + (3 if taken else 0)
    end(reader)
    del reader
    assert threading.active_count() == before
    if opened:
        assert len(os.listdir("/proc/self/fd")) == opened
    for array, path in zip(kept, paths, strict=False):
        assert array.tobytes() == fastpix.imread(path).tobytes()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers")
def test_interrupts_at_any_time(tmp_path: Path) -> None:
    """Ctrl-C ends the iteration, wherever it comes; what was taken is whole."""

    class Stop(BaseException):
        pass

    def stop(*arguments: Any) -> None:
        raise Stop

    paths = write_series(tmp_path, 50)
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    before = signal.signal(signal.SIGALRM, stop)
    try:
        for k in range(0, 60, 60 // rounds(60)):
            with contextlib.suppress(Stop):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.0003 + 0.0003 * k)
                    for n, array in enumerate(fastpix.imread_many(paths * 40, threads=2)):
                        assert array.tobytes() == wanted[n % 50]
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            gc.collect()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    deadline = time.monotonic() + 5
    while (
        workers_now() and time.monotonic() < deadline
    ):  # one may be interrupted while it ends them
        time.sleep(0.01)


def test_collected_in_a_thread_of_its_own(tmp_path: Path) -> None:
    """A generator in a cycle is closed by whichever thread collects garbage."""
    paths = write_series(tmp_path, 10)
    collected = threading.Event()
    go = threading.Event()

    class Collecting(os.PathLike[str]):
        def __fspath__(self) -> str:
            if threading.current_thread() is not threading.main_thread() and go.wait(5):
                gc.collect()
                collected.set()
            return str(paths[0])

    def leave_in_a_cycle() -> None:
        class Holder:
            pass

        holder: Any = Holder()
        holder.myself = holder
        holder.reader = fastpix.imread_many([*paths[:1], *[Collecting()] * 50], threads=2)
        next(holder.reader)

    caught: list[Any] = []
    hook, sys.unraisablehook = sys.unraisablehook, caught.append
    gc.disable()
    try:
        leave_in_a_cycle()
        go.set()
        assert collected.wait(5)
        deadline = time.monotonic() + 5
        while workers_now() and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        gc.enable()
        sys.unraisablehook = hook
    assert caught == []
    assert workers_now() == 0


SUSPENDED = """
import sys, fastpix
readers = [fastpix.imread_many(sys.argv[1:] * 200, threads=n) for n in (1, 2, 4)]
for reader in readers:
    next(reader), next(reader)
holder = type("Holder", (), {})()
holder.myself, holder.readers = holder, readers
sys.holder = holder
print("end")
"""


def test_exit_while_suspended(tmp_path: Path) -> None:
    for _ in range(3):
        assert run_script(SUSPENDED, *write_series(tmp_path, 40, shape=(100, 100))) == "end\n"


FORKED = """
import os, sys, warnings, fastpix
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork while there are threads
reader = fastpix.imread_many(sys.argv[1:] * 50, threads=2)
next(reader)
unused = fastpix.imread_many(sys.argv[1:], threads=2)
child = os.fork()
if not child:
    try:
        list(reader)
    except fastpix.FastpixError as error:
        print(error)
    print(len(list(unused)), len(list(fastpix.imread_many(sys.argv[1:]))), flush=True)
    sys.exit(0)
print(os.waitpid(child, 0)[1], sum(1 for _ in reader))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_while_in_use(tmp_path: Path) -> None:
    """The child has no threads to wait for, and is told; all else works there."""
    out = run_script(FORKED, *write_series(tmp_path)).splitlines()
    assert "forked process" in out[0]
    assert out[1:] == ["40 40", "0 1999"]


# --- kernels and pydicom's configuration ----------------------------------------------------------


@pytest.mark.parametrize("kernel", fastpix.kernels())
def test_the_kernel_of_the_call(
    tmp_path: Path, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the one in use when imread_many is called, whichever is when arrays are taken."""
    used = set()

    def current() -> Any:
        used.add(kernel_name())
        return get_kernel(kernel_name())

    for module in ("image.values", "runs.alike"):
        monkeypatch.setattr(f"fastpix.{module}.current_kernel", current)
    paths = [*write_series(tmp_path), *write_series(tmp_path)]
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    used.clear()
    with fastpix.use_kernel(kernel):
        reader = fastpix.imread_many(paths, threads=2)
    found = []
    for name in itertools.cycle(fastpix.kernels()):
        with fastpix.use_kernel(name):
            array = next(reader, None)
        if array is None:
            break
        found.append(array.tobytes())
    assert found == wanted
    assert used == {kernel}


@pytest.mark.parametrize("kernel", fastpix.kernels())
def test_every_kernel_gives_the_same(tmp_path: Path, kernel: str) -> None:
    paths = write_series(tmp_path, shape=(67, 45), RescaleSlope="0.3")
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    with fastpix.use_kernel(kernel):
        assert [a.tobytes() for a in fastpix.imread_many(paths, threads=2)] == wanted


def test_pydicom_is_configured_in_another_way_midway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From then on files are left to pydicom."""
    paths = write_series(tmp_path, 300)
    parsed: list[int] = []
    plain = parse_dataset

    def counted(data: bytes, limit: int) -> Any:
        parsed.append(1)
        return plain(data, limit)

    monkeypatch.setattr("fastpix.header.by_pydicom.parse_dataset", counted)
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    reader = fastpix.imread_many(paths, threads=1)
    found = [next(reader).tobytes() for _ in range(100)]
    assert not parsed
    monkeypatch.setattr(config, "use_none_as_empty_text_VR_value", True)
    found += [array.tobytes() for array in reader]
    assert found == wanted
    assert len(parsed) > 100


# --- memory ---------------------------------------------------------------------------------------

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


# --- uses of other calls beside it ----------------------------------------------------------------


def test_several_at_once(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 90)
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    readers = [fastpix.imread_many(paths[k:], threads=2) for k in range(6)]
    for n in range(84):
        for k, reader in enumerate(readers):
            assert next(reader).tobytes() == wanted[k + n]
    for reader in readers:
        reader.close()  # type: ignore[attr-defined]


def test_imread_in_the_loop(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 90)
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    for k, array in enumerate(fastpix.imread_many(paths, threads=2)):
        assert fastpix.imread(paths[-k]).tobytes() == wanted[-k]
        if k % 30 == 0:
            nested = fastpix.imread_many(paths[k : k + 20], threads=2)
            assert [a.tobytes() for a in nested] == wanted[k : k + 20]
        assert array.tobytes() == wanted[k]


def test_imread_where_a_warning_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook that reads other files does not disturb the one that is being read."""
    odd = [tmp_path / f"odd{k}" for k in range(6)]
    for k, path in enumerate(odd):
        path.write_bytes(slice_of(50 + k, RescaleSlope="0"))
    paths = write_series(tmp_path, 10)
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    shown: list[bool] = []

    def show(*arguments: Any) -> None:
        k = len(shown) % 10
        shown.append(fastpix.imread(paths[k]).tobytes() == wanted[k])
        shown.append(fastpix.imread(paths[3]).tobytes() == wanted[3])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [fastpix.imread(path).tobytes() for path in odd]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        assert [fastpix.imread(path).tobytes() for path in odd] == expected
        for threads in (1, 2):
            found = fastpix.imread_many(odd, threads=threads)
            assert [array.tobytes() for array in found] == expected
    assert len(shown) == 6 * 2 * 3
    assert all(shown)


def test_taken_by_several_threads(tmp_path: Path) -> None:
    """One at a time, under a lock of theirs."""
    paths = write_series(tmp_path, 90)
    wanted = sorted(fastpix.imread(path).tobytes() for path in paths)
    reader, lock, found = fastpix.imread_many(paths, threads=2), threading.Lock(), []

    def take() -> None:
        while True:
            with lock:
                array = next(reader, None)
            if array is None:
                return
            found.append(array.tobytes())

    takers = [threading.Thread(target=take) for _ in range(4)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert sorted(found) == wanted


# --- audit hooks ----------------------------------------------------------------------------------

AUDITED = """
import sys, fastpix
opened, refused = [], sys.argv[11]
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".dcm"):
        opened.append(str(arguments[0]))
        if arguments[0] == refused:
            raise PermissionError("not this one")
sys.addaudithook(hook)
paths = sys.argv[1:]
for threads in (1, 2):
    opened.clear()
    outcomes = list(fastpix.imread_many(paths, threads=threads, on_error="yield"))
    assert set(opened) == set(paths)
    assert [k for k, x in enumerate(outcomes) if isinstance(x, Exception)] == [10], outcomes
    assert str(outcomes[10]) == "not this one"
print("end")
"""


def test_audit_hooks_see_each_file_and_may_refuse_it(tmp_path: Path) -> None:
    assert run_script(AUDITED, *write_series(tmp_path, 30)) == "end\n"


def test_the_alike_are_only_taken_for_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers that are the same bytes but for their lengths, order or VR are not alike."""
    pixels = element(0x7FE00010, "OW", bytes(range(12)))
    plain = file_of(*image_elements(), pixels)
    variants = [
        plain,
        file_of(*image_elements(), element(0x7FE00010, "OW", bytes(range(14)))),
        file_of(*image_elements(rows=3, columns=2), pixels),
        file_of(*image_elements(extra=[element(0x00281052, "DS", b"5 "),
                                       element(0x00281053, "DS", b"1 ")]), pixels),
        file_of(*image_elements(extra=[element(0x00281052, "DS", b"1 "),
                                       element(0x00281053, "DS", b"5 ")]), pixels),
        file_of(*image_elements(extra=[element(0x00281053, "DS", b"5 ")]), pixels),
        file_of(*image_elements(extra=[element(0x00280103, "US", b"\1\0")]), pixels),
        file_of(*image_elements(extra=[element(0x00280120, "US", b"\1\0")]), pixels),
        file_of(*image_elements(extra=[element(0x00280008, "IS", b"1")]), pixels),
        with_byte(plain, len(plain) - 1, 9),
    ]  # fmt: skip
    paths = [tmp_path / str(k) for k in range(len(variants))]
    for path, data in zip(paths, variants, strict=True):
        path.write_bytes(data)
    order = random.Random(5)
    sources = [path for _ in range(150) for path in [order.choice(paths)] * order.randrange(1, 6)]
    runs = went_alike(monkeypatch)
    assert_same(sources)
    assert_same(sources, dtype="auto", padding=-1.0)
    if kernel_name() != "numpy":
        assert sum(runs) > 50
