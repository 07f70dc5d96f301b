"""MONAI's LoadImage with fastpix's reader, beside the same with MONAI's own.

A CT slice of 512 x 512, the file of bench_read.py, and a folder of 16 such slices; from the page
cache to a float32 MetaTensor with its affine. Each result is held against the values that the files
were made from, and its affine against that of MONAI's reader, before it is timed. The floor reads
the bytes of the files unbuffered and converts 16-bit integers to float32, with no header looked at.
Run as a script it measures the same in interleaved rounds, as ratios.py does.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import bench_read
import numpy as np
import paired_timing
import pydicom
import pytest
import ratios
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

pytest.importorskip("monai", reason="needs MONAI: pip install 'fastpix[monai]'")

import torch
from monai.data import PydicomReader
from monai.transforms import LoadImage

from fastpix.interop.monai_reader import FastpixReader

# LoadImage makes one of each of MONAI's readers, and this one warns where its library is missing.
pytestmark = pytest.mark.filterwarnings("ignore:NvImgCodecPydicomReader:UserWarning")

SLICES = 16


@dataclass(frozen=True, slots=True)
class Source:
    """What LoadImage is given.

    Attributes
    ----------
    name : str
    path : Path
        A file or a folder.
    files : list of bench_read.File
        In the order of the stack.
    expected : ndarray of float32
        In MONAI's order of axes: columns, rows, slices.
    """

    name: str
    path: Path
    files: list[bench_read.File]
    expected: NDArray[np.float32]


NAMES = ("CT, 512 x 512", f"CT, {SLICES} slices of 512 x 512")


def make_source(name: str, folder: Path) -> Source:
    """Write the slice, or a series of its pixels, each with an intercept of its own."""
    file = bench_read.write_file(bench_read.NAMES[0], folder)
    if name == NAMES[0]:
        return Source(name, file.path, [file], file.expected.T)
    dataset = pydicom.dcmread(file.path)
    files = []
    for k in range(SLICES):
        dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.10.4.{k}"
        dataset.InstanceNumber = k + 1
        dataset.ImagePositionPatient = [-180, -162.5, 0.625 * k]
        dataset.RescaleIntercept = -1024 + k
        path = folder / f"{k}.dcm"
        dataset.save_as(path)
        files.append(bench_read.File(name, path, file.cells, file.expected + np.float32(k)))
    file.path.unlink()
    expected = np.stack([each.expected.T for each in files], axis=-1)
    return Source(name, folder, files, expected)


def read_floor(source: Source) -> list[NDArray[np.float32]]:
    return [bench_read.read_floor(file) for file in source.files]


def check(source: Source, image: Any) -> None:
    """Compare dtype, shape, every value and the affine with what they must be."""
    theirs = LoadImage(reader=PydicomReader())(source.path)
    if image.dtype != torch.float32 or not np.array_equal(image.numpy(), source.expected):
        raise AssertionError(f"{source.name} is read wrong")
    if not torch.allclose(image.affine, theirs.affine, rtol=0, atol=1e-9):
        raise AssertionError(f"{source.name}: the affine is another")


READERS: dict[str, Callable[[], Any]] = {
    "PydicomReader": PydicomReader,
    "FastpixReader": FastpixReader,
}


def make_members(source: Source) -> dict[str, Callable[[], object]]:
    """Return what is timed, by name, each held against the right answer."""
    for file in source.files:
        bench_read.check(file, bench_read.FLOOR)
    members: dict[str, Callable[[], object]] = {bench_read.FLOOR: partial(read_floor, source)}
    for name, reader in READERS.items():
        members[name] = partial(LoadImage(reader=reader()), source.path)
        check(source, members[name]())
    return members


@pytest.fixture(scope="module", params=NAMES)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    return make_source(request.param, tmp_path_factory.mktemp("monai"))


@pytest.mark.benchmark(max_time=0.5, min_rounds=5)
@pytest.mark.parametrize("reader", [bench_read.FLOOR, *READERS])
def test_load_image(benchmark: BenchmarkFixture, source: Source, reader: str) -> None:
    benchmark.group = source.name
    benchmark(make_members(source)[reader])


def measured(
    name: str, folder: Path, rounds: int, seconds: float
) -> dict[str, paired_timing.Timing]:
    """Return the times of the readers of one source, which is written into a folder."""
    members = make_members(make_source(name, folder))
    return paired_timing.measure(members, "FastpixReader", rounds, seconds)


def main() -> None:
    """Print what each reader takes, and how much longer than ours."""
    rounds, seconds = 21, 12.0
    warnings.filterwarnings("ignore", "NvImgCodecPydicomReader", UserWarning)
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            found = measured(name, Path(folder), rounds, seconds)
            for reader, timing in found.items():
                print(f"{name:30}{reader:20}{timing.microseconds:10.0f} µs{timing.ratio:8.2f}×")
    print(ratios.describe_run(["fastpix", "monai", "torch", "pydicom"], rounds))


if __name__ == "__main__":
    main()
