"""MONOCHROME1 from files that are not held in memory: read once, into the memory of the values."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian
from support.builders import encode, make_dataset, make_group
from support.sizes import some

import fastpix
from fastpix.errors import HeaderWarning, InexactError, PixelDataError
from fastpix.source.stored import File

SHAPES = [(3, 601, 607), (1, 1023, 1031), (2, 1500, 900)]  # not in whole pieces, or blocks
CALLS: list[dict[str, Any]] = [
    {},
    {"dtype": "float64"},
    {"dtype": "auto"},
    {"dtype": "int32"},
    {"dtype": "int8"},
    {"rescale": False, "dtype": "uint16"},
    {"padding": -7.5},
    {"padding": float("nan"), "dtype": "float64"},
    {"normalize": (3.0, 900.0)},
    {"invert": "range"},
]


def instance(kind: str, shape: tuple[int, ...] = SHAPES[0], **attributes: Any) -> Dataset:
    dtype = np.dtype(kind)
    info = np.iinfo(dtype)
    cells = np.random.default_rng(3).integers(info.min, info.max, shape, dtype, endpoint=True)
    cells.flat[::9] = 77
    given = {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 77}
    return make_dataset(cells, **(given | attributes))


def outcome(read: Callable[[], NDArray[Any]]) -> tuple[object, ...]:
    try:
        found = read()
    except (fastpix.FastpixError, OSError) as error:
        return type(error), str(error)
    assert found.flags.c_contiguous
    return found.dtype, found.shape, found.tobytes()


@pytest.mark.filterwarnings("ignore::fastpix.errors.HeaderWarning")
@pytest.mark.parametrize("kind", some(["i2", "u1", "i1", "u2", "u4", "i4"]))
@pytest.mark.parametrize("scale", [("1", "0"), ("-2", "5"), ("0.25", "-0.5"), ("0.1", "1")])
def test_values_are_those_of_the_same_bytes_in_memory(
    tmp_path: Path, kind: str, scale: tuple[str, str]
) -> None:
    slope, intercept = scale
    data = encode(instance(kind, RescaleSlope=slope, RescaleIntercept=intercept))
    path = tmp_path / "a.dcm"
    path.write_bytes(data)
    held = fastpix.open(data)
    for call in CALLS:
        for frames in (None, 1, [2, 0, 2], slice(0, 0)):
            wanted = outcome(lambda c=call, f=frames: held.read(frames=f, **c))  # type: ignore[misc]
            found = outcome(lambda c=call, f=frames: fastpix.imread(path, frames=f, **c))  # type: ignore[misc]
            assert found == wanted, (call, frames)


@pytest.mark.parametrize("kernel", fastpix.kernels())
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_kernels_shapes_and_threads(
    tmp_path: Path, kernel: str, shape: tuple[int, ...], threads: int
) -> None:
    dataset = instance("i2", shape, PixelPaddingValue=None)
    path = tmp_path / "a.dcm"
    path.write_bytes(encode(dataset))
    stored = np.frombuffer(dataset.PixelData, "<i2").reshape(shape)
    wanted = (int(stored.max()) - stored.astype(np.float64)).astype(np.float32)
    with fastpix.use_kernel(kernel):
        image = fastpix.open(path)
        for _ in range(2):  # the maximum is known then
            found = image.read(frames=slice(None), threads=threads)
            np.testing.assert_array_equal(found, wanted)
        found = fastpix.open(path).read(frames=shape[0] - 1, threads=threads)
    np.testing.assert_array_equal(found, wanted[-1])


def test_a_rescale_for_each_frame(tmp_path: Path) -> None:
    groups = [make_group(RescaleSlope=s, RescaleIntercept="0") for s in ("1", "3", "0.5")]
    data = encode(instance("u2", PixelPaddingValue=None, PerFrameFunctionalGroupsSequence=groups))
    path = tmp_path / "a.dcm"
    path.write_bytes(data)
    np.testing.assert_array_equal(fastpix.imread(path), fastpix.imread(data))
    np.testing.assert_array_equal(fastpix.imread(path, frames=1), fastpix.imread(data, frames=1))


@pytest.mark.parametrize("vr", ["OW", "OB"])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_big_endian(tmp_path: Path, kind: str, vr: str) -> None:
    dataset = instance(kind, PixelPaddingValue=None)
    cells = np.frombuffer(dataset.PixelData, kind)
    dataset.PixelData = cells.astype(cells.dtype.newbyteorder(">")).tobytes()
    dataset["PixelData"].VR = vr if kind == "u1" else "OW"
    data = encode(dataset, ExplicitVRBigEndian)
    path = tmp_path / "a.dcm"
    path.write_bytes(data)
    np.testing.assert_array_equal(fastpix.imread(path), fastpix.imread(data))


@pytest.mark.filterwarnings("ignore::fastpix.errors.HeaderWarning")
def test_all_cells_are_padding(tmp_path: Path) -> None:
    dataset = make_dataset(
        np.full((1200, 1200), 5, np.uint16),
        PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=5,
    )  # fmt: skip
    path = tmp_path / "a.dcm"
    path.write_bytes(encode(dataset))
    assert (fastpix.imread(path, padding=-1) == -1).all()
    assert (fastpix.imread(path) == 0).all()


@pytest.mark.parametrize("place", [0, 100, 2**17 - 1, 2**17, 900_000])
def test_the_first_value_that_does_not_fit_is_named(tmp_path: Path, place: int) -> None:
    """Values are worked out from the end: a later one is found before an earlier one."""
    cells = np.zeros(1_000_000, np.uint16)
    cells[[place, 999_999, 500_000 + place // 2]] = 3
    cells[1] = 60_000
    dataset = make_dataset(
        cells.reshape(1000, 1000), PhotometricInterpretation="MONOCHROME1", RescaleSlope="0.5"
    )
    path = tmp_path / "a.dcm"
    path.write_bytes(encode(dataset))
    with pytest.raises(InexactError) as raised:
        fastpix.imread(path, dtype="uint16")
    assert raised.value.index == (0, *divmod(place, 1000))
    assert raised.value.value == 30_000 - 1.5


@pytest.fixture
def bytes_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each read of a file has asked for."""
    asked: list[int] = []
    fill = File.fill

    def counted(self: File, start: int, target: memoryview) -> None:
        asked.append(len(target))
        fill(self, start, target)

    monkeypatch.setattr(File, "fill", counted)
    return asked


def test_a_file_is_read_once(tmp_path: Path, bytes_read: list[int]) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(encode(instance("u2", PixelPaddingValue=None)))
    size = path.stat().st_size
    image = fastpix.open(path)
    for frames, most in ((None, size), (1, size // 3), ([1, 1], 2 * size // 3)):
        bytes_read.clear()
        image.read(frames=frames)
        assert sum(bytes_read) <= most  # with the maximum kept, only what is asked for
        bytes_read.clear()
        fastpix.imread(path, frames=frames)
        assert sum(bytes_read) <= size + (size // 3 if frames == [1, 1] else 0)


def test_the_next_frame_is_read_in_pieces(tmp_path: Path) -> None:
    """Its maximum is known by then."""
    path = tmp_path / "a.dcm"
    path.write_bytes(encode(instance("u2", (2, 1500, 1500), PixelPaddingValue=None)))
    with fastpix.open(path) as image:
        wanted = image.read()
        tracemalloc.start()
        try:
            values = image.read(frames=1)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    np.testing.assert_array_equal(values, wanted[1])
    assert most < values.nbytes + 2 * 2**20


@pytest.mark.parametrize("frames", [None, 1, [1, 2]])
def test_no_second_copy_of_the_cells_is_held(tmp_path: Path, frames: Any) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(encode(instance("u2", (6, 1000, 1000), PixelPaddingValue=None)))
    fastpix.imread(path, frames=frames)
    tracemalloc.start()
    try:
        values = fastpix.imread(path, frames=frames)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < values.nbytes + 3 * 2**20


def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.dcm"
    data = encode(instance("u2", PixelPaddingValue=None))
    path.write_bytes(data)
    image = fastpix.open(path)
    fill = File.fill

    def written_to(self: File, start: int, target: memoryview) -> None:
        fill(self, start, target)
        os.utime(path, ns=(1, 1))

    monkeypatch.setattr(File, "fill", written_to)
    with pytest.raises(PixelDataError, match="changed"):
        image.read()


def test_warnings_are_given(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(encode(instance("u2", PixelPaddingValue=None), ExplicitVRLittleEndian))
    with pytest.warns(HeaderWarning, match="own maximum"):
        fastpix.imread(path, normalize=(0.0, 5.0))
