"""imread_many: what a loop over imread gives, in its order, whatever the files are."""

from __future__ import annotations

import io
import itertools
import os
import random
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import config
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from support.builders import (
    element,
    encode,
    make_dataset,
)
from support.many_files import KINDS, LIMITED, assert_same, slice_of, went_alike, write_series
from support.real_files import WHEEL, corpus_files, files_under
from support.sizes import some

import fastpix
from fastpix.errors import ArgumentError, HeaderWarning
from fastpix.header.dataset import parse_dataset
from fastpix.kernel.registry import get_kernel, kernel_name
from fastpix.source.stored import RESIDENT

pytestmark = pytest.mark.usefixtures("no_threads_left")

# The same as a loop


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


ARGUMENTS: list[dict[str, Any]] = [
    {}, {"dtype": "auto"}, {"dtype": "int16"}, {"dtype": "float64", "rescale": False},
    {"invert": "none", "normalize": (0, 255)}, {"frames": 0}, {"padding": -5.0},
]  # fmt: skip


@pytest.mark.parametrize(
    ("times", "arguments"),
    [*itertools.product([1], ARGUMENTS), *itertools.product([4], some(ARGUMENTS))],
    ids=str,
)
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
@pytest.mark.parametrize("other", some(list(OTHERS)))
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


# Arguments


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


# Kernels and pydicom's configuration


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
