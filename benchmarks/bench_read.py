"""Files in the page cache to float32 arrays in modality units, beside other readers.

Series of slices, written here, under headers as large as scanners write: CT of 512 x 512, MR of
128 x 128 and 64 x 64, and one like PET, with a slope for each slice; and a radiograph of 12
megapixels. Every reader returns a new array, which is held against the values that the file was
made from before it is timed. The floor reads the bytes unbuffered into memory that is used again
and again, and converts 16-bit integers to a new float32 array, no header looked at. Here each
reader is timed on one file of each kind; `ratios.py --read` does so over whole series, in
interleaved rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from headers import ELEMENTS, UID_ROOT, fill_to, header, mr_header, pet_header
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian
from pytest_benchmark.fixture import BenchmarkFixture

from fastpix.compare import READERS as ALL_READERS
from fastpix.compare.readers import Read

FLOOR = "read + np.copyto"
SLICES = 200
LARGEST_HEADER = 2**16


@dataclass(frozen=True, slots=True)
class File:
    """A DICOM file of the benchmark's making.

    Attributes
    ----------
    name : str
    path : Path
    cells : type
        Of the stored values.
    expected : ndarray of float32
    """

    name: str
    path: Path
    cells: type[np.integer[Any]]
    expected: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Kind:
    """What files hold.

    Attributes
    ----------
    header : callable
    rows, columns, bits : int
    cells : type
        Of the stored values.
    files : int
        Of a series.
    slope : callable
        From the number of a slice, or None where the header has no rescale.
    intercept : int
    """

    header: Callable[[], Dataset]
    rows: int
    columns: int
    bits: int
    cells: type[np.integer[Any]]
    files: int = SLICES
    slope: Callable[[int], float] | None = None
    intercept: int = 0


def _radiograph_header() -> Dataset:
    dataset = header()
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.Modality = "DX"
    return dataset


def _one(_: int) -> float:
    return 1.0


def _pet_slope(k: int) -> float:
    """Return another slope for each slice: fractions of so few bits that float32 is exact.

    Readers that compute in float32 would else differ in the last bit from those that round once.
    """
    return (257 + k) / 1024


KINDS = {
    "CT, 512 x 512": Kind(header, 512, 512, 16, np.int16, slope=_one, intercept=-1024),
    "radiograph, 3000 x 4000": Kind(
        _radiograph_header, 3000, 4000, 16, np.uint16, files=1, slope=_one
    ),
    "MR, 128 x 128": Kind(mr_header, 128, 128, 12, np.uint16),
    "MR, 64 x 64": Kind(mr_header, 64, 64, 12, np.uint16),
    "like PET, 128 x 128": Kind(pet_header, 128, 128, 16, np.int16, slope=_pet_slope),
}
NAMES = tuple(KINDS)


def write_series(
    name: str,
    folder: Path,
    files: int | None = None,
    series: int = 0,
    stored_of: Callable[[int], NDArray[Any]] | None = None,
) -> list[File]:
    """Write a series of one of the kinds of `NAMES`: made-up values, nobody's data.

    Parameters
    ----------
    name : str
    folder : Path
    files : int, optional
    series : int
        Other series have other UIDs and values.
    stored_of : callable, optional
        Returns the stored values of a file, by its number; noise if not given.
    """
    kind = KINDS[name]
    random = np.random.default_rng(20 + series)
    dataset = kind.header()
    if series:
        dataset.SeriesInstanceUID = f"{dataset.SeriesInstanceUID}.{series}"
    dataset.Rows, dataset.Columns = kind.rows, kind.columns
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, kind.bits, kind.bits - 1
    dataset.PixelRepresentation = int(kind.cells is np.int16)
    if kind.slope is not None:
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, kind.intercept
    dataset.PixelData = b""
    dataset["PixelData"].VR = "OW"
    fill_to(dataset, ELEMENTS)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    written = []
    for k in range(kind.files if files is None else files):
        if stored_of is None:
            stored = random.integers(0, 2 ** min(kind.bits, 15), (kind.rows, kind.columns))
        else:
            stored = stored_of(k).astype(np.int64)
        if dataset.Modality == "CT" and stored_of is None:
            stored >>= 3
            stored[:40] = -2000  # outside the circle that the scanner reconstructs
        dataset.SOPInstanceUID = f"{UID_ROOT}10101010.{series}.{20202020202020 + k}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = str(k + 1)
        dataset.ImagePositionPatient = ["-180.000", "-162.500", f"{0.625 * k - 301.875:.3f}"]
        dataset.SliceLocation = f"{0.625 * k - 301.875:.3f}"
        slope = 1.0
        if kind.slope is not None:
            slope = kind.slope(k)
            dataset.RescaleSlope = f"{slope:g}" if slope == 1 else f"{slope:.10f}"
        dataset.PixelData = stored.astype(f"<{np.dtype(kind.cells).str[1:]}").tobytes()
        path = folder / f"{dataset.Modality}-{kind.rows}-{k}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        expected = (stored * np.float64(slope) + kind.intercept).astype(np.float32)
        written.append(File(name, path, kind.cells, expected))
    return written


def write_file(name: str, folder: Path) -> File:
    """Write the first file of a series."""
    return write_series(name, folder, 1)[0]


@cache
def _buffer(size: int) -> bytearray:
    return bytearray(size)


def read_floor(file: File) -> NDArray[np.float32]:
    """Return the stored values: no header is looked at."""
    pixels = file.expected.size
    buffer = _buffer(2 * pixels + LARGEST_HEADER)
    with open(file.path, "rb", buffering=0) as binary:
        size = binary.readinto(buffer)
    cells = np.frombuffer(buffer, file.cells, pixels, size - 2 * pixels)
    out = np.empty(file.expected.shape, np.float32)
    np.copyto(out, cells.reshape(out.shape))
    return out


def _read(file: File, *, read: Read) -> NDArray[np.float32]:
    values: NDArray[np.float32] = read(str(file.path)).astype(np.float32, copy=False)
    return values


READERS: dict[str, Callable[[File], NDArray[np.float32]]] = {
    FLOOR: read_floor,
    **{
        name: partial(_read, read=reader.read)
        for name, reader in ALL_READERS.items()
        if reader.is_present()
    },
}


def read_series(files: Sequence[File], name: str) -> None:
    """Read files one after the other."""
    read = READERS[name]
    for file in files:
        read(file)


def check(file: File, name: str) -> None:
    """Read the file once and compare dtype, shape and every value with what it was made from."""
    values = READERS[name](file)
    if name == FLOOR:  # it knows no slope and no intercept
        dataset = dcmread(file.path, stop_before_pixels=True)
        slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
        values = (values * np.float64(slope) + np.float64(intercept)).astype(np.float32)
    if values.dtype != np.float32 or not np.array_equal(values, file.expected):
        raise AssertionError(f"{name} reads {file.name} wrong")


@pytest.fixture(scope="module", params=NAMES)
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> File:
    return write_file(request.param, tmp_path_factory.mktemp("read"))


@pytest.mark.benchmark(max_time=0.5, min_rounds=5)
@pytest.mark.parametrize("reader", READERS)
def test_read(benchmark: BenchmarkFixture, file: File, reader: str) -> None:
    benchmark.group = file.name
    check(file, reader)
    benchmark(READERS[reader], file)
