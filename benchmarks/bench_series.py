"""Series in the page cache to float32 volumes with an affine, beside other readers.

The files are made here: 300 CT slices of 512 x 512 under headers as large as scanners write; an
enhanced MR of 60 frames; 10,000 small files of 30 series, of which the headers are read. The
floor of a volume reads each file and converts it into one new array, in the right order, no header
looked at. Every reader's volume is held against the values that the files were made from before it
is timed. ``ratios.py --series`` prints the table; here each reader is timed by pytest-benchmark.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench_read import File, write_series
from headers import UID_ROOT
from kind_frames import enhanced_mr as write_enhanced_mr
from numpy.typing import NDArray
from pydicom import dcmread
from pytest_benchmark.fixture import BenchmarkFixture

import fastpix
from fastpix.compare import READERS, Reader
from fastpix.compare.volume_differences import turned_like
from fastpix.compare.volume_readers import VOLUME_READERS, GivenVolume, SeriesFiles

FLOOR = "read + np.copyto"
FASTPIX = "fastpix"
SLICES, FRAMES, SERIES, FILES = 300, 60, 30, 10_000
SEED = 20

Read = Callable[[], NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes
    ----------
    name : str
    folder : Path
        Removed by who made the case.
    members : dict of str to callable
        Each gives the volume as an array or a `GivenVolume`, or the number of files of which
        headers were read.
    expected : ndarray or int
    affine : ndarray or None
        Of the volume, to LPS.
    targets : dict of str to float
        By the name of a member: the most that fastpix may cost, in its time.
    """

    name: str
    folder: Path
    members: Mapping[str, Callable[[], Any]]
    expected: Any
    targets: dict[str, float] = field(default_factory=dict)
    affine: NDArray[np.float64] | None = None


def _paths(files: Sequence[File]) -> list[str]:
    paths = [str(file.path) for file in files]
    random.Random(SEED).shuffle(paths)
    return paths


def _floor(files: Sequence[File]) -> NDArray[np.float32]:
    rows, columns = files[0].expected.shape
    out = np.empty((len(files), rows, columns), np.float32)
    buffer = _buffer(2 * rows * columns + 2**16)
    for k, file in enumerate(files):
        with open(file.path, "rb", buffering=0) as binary:
            size = binary.readinto(buffer)
        cells = np.frombuffer(buffer, file.cells, rows * columns, size - 2 * rows * columns)
        np.copyto(out[k], cells.reshape(rows, columns))
    return out


@cache
def _buffer(size: int) -> bytearray:
    return bytearray(size)


def _fastpix(source: Any) -> NDArray[Any]:
    return fastpix.read_series(source).array


def _given(reader: Reader, series: SeriesFiles) -> GivenVolume:
    volume: GivenVolume = reader.read(series)[0]
    return volume._replace(array=volume.array.astype(np.float32, copy=False))


PEERS = ("SimpleITK", "dcm2niix", "highdicom", "MONAI PydicomReader", "pydcm")


def _peers(folder: Path, paths: Sequence[str]) -> dict[str, Callable[[], GivenVolume]]:
    series = SeriesFiles(str(folder), tuple(paths))
    readers = [VOLUME_READERS[name] for name in PEERS]
    return {
        reader.name: partial(_given, reader, series) for reader in readers if reader.is_present()
    }


VOLUME_TARGETS = {
    "dcm2niix": 0.5, "SimpleITK": 0.2, "pydcm": 0.2, "highdicom": 0.2, "MONAI PydicomReader": 0.2,
}  # fmt: skip


def ct_from_list(folder: Path) -> Case:
    """300 slices from a list of files."""
    files = write_series("CT, 512 x 512", folder, SLICES)
    paths = _paths(files)
    expected = np.stack([file.expected for file in files])
    members: dict[str, Callable[[], Any]] = {
        FLOOR: partial(_floor, files),
        FASTPIX: partial(_fastpix, paths),
        **_peers(folder, paths),
    }
    name = f"CT, {SLICES} x 512 x 512, a list of files"
    affine = fastpix.read_series(paths).affine
    return Case(name, folder, members, expected, {FLOOR: 1.6, **VOLUME_TARGETS}, affine)


def ct_from_folder(folder: Path) -> Case:
    """300 slices from a folder."""
    files = write_series("CT, 512 x 512", folder, SLICES)
    expected = np.stack([file.expected for file in files])
    members = {FLOOR: partial(_floor, files), FASTPIX: partial(_fastpix, folder)}
    return Case(f"CT, {SLICES} x 512 x 512, a folder", folder, members, expected, {FLOOR: 1.8})


def enhanced_mr(folder: Path) -> Case:
    """60 frames of an enhanced MR."""
    made = write_enhanced_mr(folder, frames=FRAMES, side=256)
    path = str(made.paths[0])
    members: dict[str, Read] = {FASTPIX: partial(_fastpix, path)}
    members["imread, no geometry"] = partial(fastpix.imread, path)
    for name, reader in plain_readers().items():
        members[name] = partial(reader, path)
    expected = made.expected
    targets = dict.fromkeys(("dicomsdl", "pydcm"), 1.3)
    return Case(f"enhanced MR, {FRAMES} frames, with geometry", folder, members, expected, targets)


def plain_readers() -> dict[str, Callable[[str], NDArray[Any]]]:
    """Return the plain readers that are installed here."""
    return {
        name: READERS[name].read for name in ("dicomsdl", "pydcm") if READERS[name].is_present()
    }


TAGS = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns",
    "InstanceNumber", "AcquisitionNumber", "EchoTime", "ImageType", "SliceThickness",
)  # fmt: skip


def many_headers(folder: Path) -> Case:
    """Headers of 10,000 files of 30 series."""
    count = FILES // SERIES
    first = write_series("MR, 64 x 64", folder, count)
    for number in range(1, SERIES):
        for k, file in enumerate(first):
            data = file.path.read_bytes()
            old = f"{UID_ROOT}10101010.2.20202020202020".encode()
            new = f"{UID_ROOT}10101010.2.{20202020202020 + number}".encode()
            assert data.count(old) == 1
            (folder / f"{number:02d}-{k:04d}.dcm").write_bytes(data.replace(old, new))
    paths = sorted(map(str, folder.glob("*.dcm")))

    def by_fastpix() -> int:
        stacks = fastpix.open_series(paths)
        return sum(stack.shape[0] for stack in stacks) * (len(stacks) == SERIES)

    def by_pydicom() -> int:
        headers = [
            dcmread(path, specific_tags=list(TAGS), stop_before_pixels=True) for path in paths
        ]
        return len([header.ImagePositionPatient for header in headers])

    members = {FASTPIX: by_fastpix, "pydicom, specific_tags": by_pydicom}
    name = f"open_series, {len(paths)} files of {SERIES} series"
    return Case(name, folder, members, len(paths), {"pydicom, specific_tags": 0.2})


CASES: dict[str, Callable[[Path], Case]] = {
    "list": ct_from_list,
    "folder": ct_from_folder,
    "enhanced": enhanced_mr,
    "headers": many_headers,
}


def check(case: Case, name: str) -> str:
    """Return what is wrong with a member's volume; empty if nothing is.

    Raises
    ------
    AssertionError
        It is fastpix that is wrong, or the floor.
    """
    values = case.members[name]()
    if isinstance(case.expected, int):
        right = values == case.expected
    else:
        expected = case.expected
        if name == FLOOR:  # it knows no slope and no intercept
            values = values - 1024
        if isinstance(values, GivenVolume):  # readers turn axes round as they like
            values = turned_like(values, GivenVolume(expected, case.affine)).array
        right = values.shape == expected.shape and np.array_equal(values, expected)
    if not right and name in (FLOOR, FASTPIX):
        raise AssertionError(f"{name} reads {case.name} wrong")
    return "" if right else "wrong"


@pytest.fixture(scope="module")
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("series")
    yield CASES[request.param](folder)
    shutil.rmtree(folder)


TIMED = [(name, FASTPIX) for name in CASES] + [("list", FLOOR), ("folder", FLOOR)]


@pytest.mark.benchmark(max_time=0.5, min_rounds=3)
@pytest.mark.parametrize(("case", "name"), sorted(TIMED), indirect=["case"])
def test_series(benchmark: BenchmarkFixture, case: Case, name: str) -> None:
    benchmark.group = case.name
    check(case, name)
    benchmark(case.members[name])
