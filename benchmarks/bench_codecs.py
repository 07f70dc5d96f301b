"""A compressed file in the page cache to a float32 array in modality units, beside other readers.

The files are those of `encoded_files.py`: two images in every syntax that can be written here, and
60 frames in two of them. The floor reads the bytes unbuffered and calls the fastest bare decoder
that is installed, on one thread: no header is looked at, and nothing is converted.

Of a lossless syntax a reader must give the values that were encoded; of a lossy one, those of one
of the bare decoders, to the last bit. Sound decoders of lossy syntaxes round differently, so a
reader that brings one of its own may be off by 1 from all of them: that is told, and timed. What
gives other values, or an error, is not timed. `ratios.py --codecs` measures the same in
interleaved rounds.
"""

from __future__ import annotations

import os
import warnings
from functools import partial
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pydicom
import pytest
from bare_decoders import Decode, decoders_of, fastest, fastest_decoder, quiet
from encoded_files import BY_NAME, NAMES, NATIVE, SYNTAXES, VOLUME, File, write_file
from numpy.typing import NDArray
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID
from pytest_benchmark.fixture import BenchmarkFixture

import fastpix
from fastpix.compare import readers

FASTPIX = "fastpix"
PYDICOM = "pydicom"
FRAMES = ("JPEG 2000 lossless", "JPEG-LS lossless")
"""The syntaxes that many frames are read in."""
FRAME = 30
"""The one of them that is read alone."""
THREADS = "threads" in signature(fastpix.imread).parameters
"""Whether this fastpix can be told how many threads to decode on."""

Verdict = Literal["right", "±1", "wrong", "-"]
"""What a reader makes of a file; "-" is an error."""


class Read(Protocol):
    """A reader: all frames of a file, or one of them, as float32 in modality units."""

    def __call__(self, file: File, frame: int | None = None) -> NDArray[Any]: ...


def read_floor(file: File, frame: int | None = None, *, decode: Decode) -> NDArray[Any]:
    """Return the stored values of the last frame that was decoded."""
    places = list(zip(file.offsets, map(len, file.frames), strict=True))
    if frame is not None:
        at, size = places[frame]
        descriptor = os.open(file.path, os.O_RDONLY)
        try:
            return decode(memoryview(os.pread(descriptor, size, at)), file)
        finally:
            os.close(descriptor)
    with open(file.path, "rb", buffering=0) as binary:
        data = memoryview(binary.read())
    for at, size in places:
        values = decode(data[at : at + size], file)
    return values


def read_floor_float32(file: File, *, decode: Decode) -> NDArray[np.float32]:
    """Do what the floor does and convert, which is the least that float32 can cost."""
    cells = read_floor(file, decode=decode)
    out = np.empty(cells.shape, np.float32)
    np.copyto(out, cells)
    return out


def read_fastpix(file: File, frame: int | None = None) -> NDArray[Any]:
    return fastpix.imread(file.path, frames=frame)


def read_fastpix_threads(file: File, frame: int | None = None, *, threads: int) -> NDArray[Any]:
    settings: dict[str, Any] = {"threads": threads}
    return fastpix.imread(file.path, frames=frame, **settings)


def read_pydicom(file: File, frame: int | None = None, *, plugin: str = "") -> NDArray[Any]:
    dataset = pydicom.dcmread(file.path)
    stored = pixel_array(dataset, index=frame, decoding_plugin=plugin)
    values: NDArray[Any] = apply_modality_lut(stored, dataset)
    return values.astype(np.float32)


def read_dicomsdl(file: File, frame: int | None = None) -> NDArray[Any]:
    if frame is None:
        return readers.read_dicomsdl(str(file.path))
    import dicomsdl

    values: NDArray[Any] = dicomsdl.open(str(file.path)).pixelData(index=frame)
    return values


def read_simpleitk(file: File, frame: int | None = None) -> NDArray[Any]:
    if frame is None:
        return readers.read_simpleitk(str(file.path)).astype(np.float32, copy=False)
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(file.path))
    rows, columns = file.pixels.shape[1:]
    reader.SetExtractIndex([0, 0, frame])
    reader.SetExtractSize([columns, rows, 1])
    values: NDArray[Any] = SimpleITK.GetArrayFromImage(reader.Execute())
    return np.asarray(values[0], np.float32)


def read_pydcm(file: File, frame: int | None = None) -> NDArray[Any]:
    if frame is None:
        return readers.read_pydcm(str(file.path))
    import pydcm

    values: NDArray[Any] = pydcm.decode(file.path, frame + 1, rescale=True)
    return np.asarray(values[0], np.float32)


PEERS: dict[str, Read] = {
    name: read
    for name, module, read in (
        ("dicomsdl", "dicomsdl", read_dicomsdl),
        ("SimpleITK", "SimpleITK", read_simpleitk),
        ("pydcm", "pydcm", read_pydcm),
    )
    if find_spec(module)
}
READERS = (FASTPIX, PYDICOM, *PEERS)


def judge(read: Read, file: File, frame: int | None = None) -> Verdict:
    """Read the file once and compare dtype, shape and every value.

    An error of fastpix is one, unless it is that it has no decoder for the syntax.
    """
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = read(file, frame)
    except fastpix.UnsupportedTransferSyntaxError:
        return "-"
    except fastpix.FastpixError:
        raise
    except Exception:  # each reader has errors of its own
        return "-"
    pixels = file.pixels if frame is None else file.pixels[frame]
    shape = pixels.shape[1:] if frame is None and len(file.frames) == 1 else pixels.shape
    if values.dtype != np.float32 or values.shape != shape:
        return "wrong"
    stored = values.ravel() - np.float32(file.intercept)
    if file.syntax.lossless:
        return "right" if np.array_equal(stored, pixels.ravel()) else "wrong"
    assert len(file.frames) == 1
    differences = [
        np.abs(stored - decode(memoryview(file.frames[0]), file).ravel()).max()
        for decode in decoders_of(file).values()
    ]
    least = min(differences)
    return "right" if least == 0 else "±1" if least <= 1 else "wrong"


def fastest_plugin(file: File, frame: int | None = None) -> tuple[str, Verdict]:
    """Return which plugin of pydicom is the fastest of those that read the file best."""
    plugins = [""]
    if file.syntax.uid != NATIVE:
        try:
            plugins = list(get_decoder(UID(file.syntax.uid)).available_plugins)
        except NotImplementedError:
            plugins = []
    found: dict[str, Verdict] = {}
    for plugin in plugins:
        found[plugin] = judge(partial(read_pydicom, plugin=plugin), file, frame)
    ranks: tuple[Verdict, ...] = ("right", "±1", "wrong")
    best: Verdict = next((verdict for verdict in ranks if verdict in found.values()), "-")
    if best == "-":
        return "", best
    equals = {
        plugin: partial(read_pydicom, file, frame, plugin=plugin)
        for plugin, verdict in found.items()
        if verdict == best
    }
    return fastest(equals), best


def reader_of(name: str, file: File, frame: int | None = None) -> tuple[str, Read, Verdict]:
    """Return what a reader is called, itself, and how it does on the file.

    pydicom comes with the plugin that suits the file best.
    """
    if name == PYDICOM:
        plugin, verdict = fastest_plugin(file, frame)
        return plugin, partial(read_pydicom, plugin=plugin), verdict
    read = read_fastpix if name == FASTPIX else PEERS[name]
    return "", read, judge(read, file, frame)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("codecs")


@pytest.fixture(
    scope="module",
    params=[(name, syntax.name) for name in NAMES for syntax in SYNTAXES],
    ids=lambda param: f"{param[0]}, {param[1]}",
)
def file(request: pytest.FixtureRequest, folder: Path) -> File:
    name, syntax = request.param
    return write_file(name, BY_NAME[syntax], folder)


@pytest.fixture(scope="module", params=FRAMES)
def volume(request: pytest.FixtureRequest, folder: Path) -> File:
    return write_file(VOLUME, BY_NAME[request.param], folder)


def time_reader(
    benchmark: BenchmarkFixture, name: str, file: File, frame: int | None = None
) -> None:
    """Time one reader, unless the file is beyond it; fastpix must be right where it decodes."""
    _, read, verdict = reader_of(name, file, frame)
    if name == FASTPIX:
        assert verdict in ("right", "-")
    if verdict in ("wrong", "-"):
        pytest.skip(f"{name} {'reads it wrong' if verdict == 'wrong' else 'does not read it'}")
    benchmark(read, file, frame)


@pytest.mark.benchmark(max_time=0.3, min_rounds=3)
@pytest.mark.parametrize("reader", ["floor", *READERS])
def test_read(benchmark: BenchmarkFixture, file: File, reader: str) -> None:
    benchmark.group = f"{file.name}, {file.syntax.name}"
    if reader == "floor":
        benchmark(read_floor, file, decode=fastest_decoder(file)[1])
    else:
        time_reader(benchmark, reader, file)


@pytest.mark.benchmark(max_time=0.3, min_rounds=3)
@pytest.mark.parametrize("frame", [None, FRAME], ids=["all", "one"])
@pytest.mark.parametrize("reader", ["floor", *READERS])
def test_read_frames(
    benchmark: BenchmarkFixture, volume: File, reader: str, frame: int | None
) -> None:
    what = "all frames" if frame is None else f"frame {frame}"
    benchmark.group = f"{volume.name}, {volume.syntax.name}, {what}"
    if reader == "floor":
        benchmark(read_floor, volume, frame, decode=fastest_decoder(volume)[1])
    else:
        time_reader(benchmark, reader, volume, frame)


@pytest.mark.skipif(not THREADS, reason="this fastpix has no threads=")
@pytest.mark.benchmark(max_time=0.3, min_rounds=3)
def test_read_frames_on_one_thread(benchmark: BenchmarkFixture, volume: File) -> None:
    benchmark.group = f"{volume.name}, {volume.syntax.name}, all frames"
    read = partial(read_fastpix_threads, threads=1)
    assert judge(read, volume) == "right"
    benchmark(read, volume)
