"""Every function of `fastpix.pixels` beside pydicom's of the same name.

A case is a function, what it is given, and a size; both libraries get the same arguments, and both
return a new array. What they return is compared before it is timed: bytes, dtype and shape; of YBR
colours the samples that are exact halves are left out, which pydicom rounds either way.
`ratios.py --pixels` measures the same in interleaved rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from headers import ELEMENTS, fill_to, header
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import processing, utils
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)
from pytest_benchmark.fixture import BenchmarkFixture

import fastpix

SIDES = (512, 3072)
OURS, THEIRS = "fastpix", "pydicom"
COUNT = 35  # cases of the smaller size


class Case(NamedTuple):
    """One job.

    Attributes
    ----------
    name : str
    size : str
    ours, theirs : callable
        The same job by either library.
    is_ybr : bool
        Exact halves may differ by one.
    """

    name: str
    size: str
    ours: Callable[[], NDArray[Any]]
    theirs: Callable[[], NDArray[Any]]
    is_ybr: bool = False


def stored(side: int, bits: int, dtype: str, samples: int = 1) -> NDArray[Any]:
    """Return smooth made-up values with a little noise, as pictures have them."""
    rng = np.random.default_rng(side)
    y, x = np.mgrid[:side, :side]
    picture = (np.sin(x / 40) + np.cos(y / 60) + 2) * (2**bits / 4 - 4)
    noisy = picture[..., None] + rng.integers(0, 4, (side, side, samples))
    cells: NDArray[Any] = noisy.astype(dtype)
    return cells[..., 0] if samples == 1 else cells


def dataset(cells: NDArray[Any], bits: int, syntax: str, **attributes: Any) -> Dataset:
    """Return a data set of these cells, read from the bytes of a file."""
    samples = 3 if cells.ndim > 2 and cells.shape[-1] == 3 else 1
    ds = header()
    ds.SamplesPerPixel, ds.PhotometricInterpretation = samples, "MONOCHROME2"
    if samples == 3:
        ds.PhotometricInterpretation, ds.PlanarConfiguration = "RGB", 0
    ds.Rows, ds.Columns = cells.shape[-2:] if samples == 1 else cells.shape[-3:-1]
    if cells.ndim - (samples == 3) == 3:
        ds.NumberOfFrames = len(cells)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8 * cells.itemsize, bits, bits - 1
    ds.PixelRepresentation = int(cells.dtype.kind == "i")
    if syntax == ExplicitVRBigEndian:
        cells = cells.byteswap()
    ds.PixelData = cells.tobytes()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    fill_to(ds, ELEMENTS)
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    ds.SOPClassUID = SecondaryCaptureImageStorage
    ds.file_meta = FileMetaDataset()
    encapsulated = UID(syntax).is_encapsulated
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if encapsulated else UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    if encapsulated:
        ds.compress(UID(syntax), generate_instance_uid=False)
    file = BytesIO()
    ds.save_as(file, enforce_file_format=True)
    file.seek(0)
    return dcmread(file)


def reading_cases(side: int, folder: Path) -> Iterator[Case]:
    """Yield the jobs of `pixel_array` and `iter_pixels`."""
    size = f"{side} x {side}"
    native = ExplicitVRLittleEndian
    twelve, sixteen = stored(side, 12, "u2"), stored(side, 16, "u2")
    rgb = stored(side, 8, "u1", 3)
    files = {
        "16 of 16 bits": dataset(sixteen, 16, native),
        "12 of 16 bits": dataset(twelve, 12, native),
        "signed, 12 of 16 bits": dataset(twelve.astype("i2") - 2048, 12, native),
        "big endian, 12 of 16 bits": dataset(twelve, 12, ExplicitVRBigEndian),
        "1 bit": dataset(
            np.packbits(sixteen > 40000, bitorder="little").reshape(side, side // 8), 1, native,
            BitsAllocated=1, BitsStored=1, HighBit=0, Columns=side,
        ),
        "RGB": dataset(rgb, 8, native),
        "RGB in planes": dataset(
            rgb, 8, native, PlanarConfiguration=1,
            PixelData=np.ascontiguousarray(rgb.transpose(2, 0, 1)).tobytes(),
        ),
        "YBR_FULL": dataset(rgb, 8, native, PhotometricInterpretation="YBR_FULL"),
        "YBR_FULL_422": dataset(
            rgb, 8, native, PhotometricInterpretation="YBR_FULL_422",
            PixelData=rgb.tobytes()[: 2 * side * side],
        ),
        "RLE": dataset(twelve, 12, RLELossless),
    }  # fmt: skip
    if side <= SIDES[0]:
        files["JPEG 2000"] = dataset(twelve, 12, JPEG2000Lossless)
    for name, ds in files.items():
        is_ybr = name.startswith("YBR")
        path = folder / f"{side} {name}.dcm"
        ds.save_as(path)
        yield Case(
            f"pixel_array(path), {name}", size,
            lambda path=path: fastpix.pixel_array(path),  # type: ignore[misc]
            lambda path=path: utils.pixel_array(path),  # type: ignore[misc]
            is_ybr,
        )  # fmt: skip
        yield Case(
            f"pixel_array(dataset), {name}", size,
            lambda ds=ds: fastpix.pixel_array(ds),  # type: ignore[misc]
            lambda ds=ds: utils.pixel_array(ds),  # type: ignore[misc]
            is_ybr,
        )  # fmt: skip
    if side > SIDES[0]:
        return
    frames = np.stack([np.roll(twelve, k, axis=0) for k in range(20)])
    path = folder / "frames.dcm"
    dataset(frames, 12, native).save_as(path)
    yield Case(
        "iter_pixels(path), 12 of 16 bits", f"20 x {size}",
        lambda: np.stack(list(fastpix.iter_pixels(path))),
        lambda: np.stack(list(utils.iter_pixels(path))),
    )  # fmt: skip


def lut(entries: int, bits: int) -> Dataset:
    """Return the item of a LUT sequence: a bent curve."""
    item = Dataset()
    item.LUTDescriptor = [entries, 0, bits]
    curve = np.linspace(0, 1, entries) ** 0.5 * (2**bits - 1)
    item.add_new("LUTData", "OW", curve.astype("<u2").tobytes())
    return item


def processing_cases(side: int) -> Iterator[Case]:
    """Yield the jobs of the other functions."""
    cells = stored(side, 12, "u2")
    values = cells.astype(np.float64) - 1024
    rgb = stored(side, 8, "u1", 3)
    ds = dataset(cells[:16, :16], 12, ExplicitVRLittleEndian)
    ds.RescaleSlope, ds.RescaleIntercept = "0.7", "-1024"
    tables = dataset(cells[:16, :16], 12, ExplicitVRLittleEndian)
    tables.ModalityLUTSequence, tables.VOILUTSequence = [lut(4096, 16)], [lut(4096, 12)]
    sigmoid = dataset(cells[:16, :16], 12, ExplicitVRLittleEndian, VOILUTFunction="SIGMOID")
    palette = dataset(cells[:16, :16], 12, ExplicitVRLittleEndian)
    for color in ("Red", "Green", "Blue"):
        palette.add_new(f"{color}PaletteColorLookupTableDescriptor", "US", [256, 0, 16])
        data = np.arange(0, 65536, 256, dtype="<u2").tobytes()
        palette.add_new(f"{color}PaletteColorLookupTableData", "OW", data)
    jobs: list[tuple[str, str, tuple[Any, ...]]] = [
        ("apply_rescale", "uint16", (cells, ds)),
        ("apply_modality_lut", "uint16, table", (cells, tables)),
        ("apply_voi_lut", "uint16, table", (cells, tables)),
        ("apply_windowing", "uint16, LINEAR", (cells, ds)),
        ("apply_windowing", "float64, LINEAR", (values, ds)),
        ("apply_windowing", "float32, LINEAR", (values.astype(np.float32), ds)),
        ("apply_windowing", "uint16, SIGMOID", (cells, sigmoid)),
        ("apply_windowing", "float64, SIGMOID", (values, sigmoid)),
        ("apply_color_lut", "uint8", (rgb[..., 0].copy(), palette)),
        ("apply_color_lut", "uint8, well-known", (rgb[..., 0].copy(), None, "1.2.840.10008.1.5.1")),
        ("convert_color_space", "RGB to YBR_FULL", (rgb, "RGB", "YBR_FULL")),
        ("convert_color_space", "YBR_FULL to RGB", (rgb, "YBR_FULL", "RGB")),
    ]
    for function, what, arguments in jobs:
        ours, theirs = getattr(fastpix, function), getattr(processing, function)
        yield Case(
            f"{function}, {what}", f"{side} x {side}",
            lambda f=ours, a=arguments: f(*a),  # type: ignore[misc]
            lambda f=theirs, a=arguments: f(*a),  # type: ignore[misc]
            "YBR" in what,
        )  # fmt: skip


def make_cases(side: int, folder: Path) -> list[Case]:
    """Return all jobs of one size."""
    return [*processing_cases(side), *reading_cases(side, folder)]


def check(case: Case) -> None:
    """Compare what the two libraries return."""
    ours, theirs = case.ours(), case.theirs()
    same = (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    if same and case.is_ybr:
        apart = np.abs(ours.astype(np.int16) - theirs)
        same = int(apart.max()) <= 1 and np.count_nonzero(apart) < apart.size / 10000
    elif same:
        same = ours.tobytes() == theirs.tobytes()
    if not same:
        raise AssertionError(f"{case.name}: fastpix and pydicom differ")


@pytest.mark.benchmark(max_time=0.2, min_rounds=3)
@pytest.mark.parametrize("library", [OURS, THEIRS])
@pytest.mark.parametrize("place", range(COUNT))
def test_pixels(benchmark: BenchmarkFixture, cases: list[Case], place: int, library: str) -> None:
    case = cases[place]
    benchmark.group = f"{case.name}, {case.size}"
    check(case)
    benchmark(case.ours if library == OURS else case.theirs)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    made = make_cases(SIDES[0], tmp_path_factory.mktemp("pixels"))
    assert len(made) == COUNT
    return made
