"""A file in the page cache to a float32 array in modality units, beside other readers.

Two files, written here: a CT slice of 512 x 512 signed 16-bit cells under a header as large as
scanners write, and a radiograph of 12 megapixels. Every reader returns a new array, which is held
against the values that the file was made from before it is timed. The floor reads the bytes
unbuffered and converts 16-bit integers to float32, no header looked at. `ratios.py --read` measures
the same in interleaved rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
)
from pytest_benchmark.fixture import BenchmarkFixture

import fastpix

FLOOR = "read + np.copyto"
ELEMENTS = 258  # of a CT slice as scanners write it
UID_ROOT = "1.2.826.0.1.3680043.8.498."


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


NAMES = ("CT, 512 x 512", "radiograph, 3000 x 4000")


def write_file(name: str, folder: Path) -> File:
    """Write one of the files of `NAMES`: made-up values, nobody's data."""
    random = np.random.default_rng(20)
    dataset = header()
    cells: type[np.integer[Any]]
    if name == NAMES[0]:
        rows, columns, bits, cells, intercept = 512, 512, 16, np.int16, -1024
        stored = random.integers(0, 2**12, (rows, columns)).astype(cells)
        stored[:40] = -2000  # outside the circle that the scanner reconstructs
    else:
        rows, columns, bits, cells, intercept = 3000, 4000, 16, np.uint16, 0
        stored = random.integers(0, 2**15, (rows, columns)).astype(cells)
        dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
        dataset.Modality = "DX"
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits, bits - 1
    dataset.PixelRepresentation = int(cells is np.int16)
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, intercept
    dataset.PixelData = stored.astype("<i2" if cells is np.int16 else "<u2").tobytes()
    fill_to(dataset, ELEMENTS)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    path = folder / f"{dataset.Modality}.dcm"
    dataset.save_as(path, enforce_file_format=True)
    expected = (stored.astype(np.float64) + intercept).astype(np.float32)
    return File(name, path, cells, expected)


def header() -> Dataset:
    """Return the standard's part of a CT header, with values that belong to nobody."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", "HELIX"]
    dataset.SOPClassUID = CTImageStorage
    for k, keyword in enumerate(
        ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
    ):
        setattr(dataset, keyword, f"{UID_ROOT}10101010.{k}.20202020202020")
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(dataset, keyword, "20000101")
    for keyword in ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"):
        setattr(dataset, keyword, "120000.000000")
    for keyword in (
        "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber",
        "ReferringPhysicianName", "StudyID", "InstitutionName", "InstitutionAddress",
        "OperatorsName", "AdditionalPatientHistory", "PerformingPhysicianName",
    ):  # fmt: skip
        setattr(dataset, keyword, "")
    dataset.Modality = "CT"
    dataset.Manufacturer = "A MANUFACTURER"
    dataset.ManufacturerModelName = "A MODEL OF SCANNER"
    dataset.StationName = "STATION01"
    dataset.StudyDescription = "BENCHMARK OF A READER"
    dataset.SeriesDescription = "THIN SLICES, SOFT KERNEL"
    dataset.SoftwareVersions = ["1.2.3", "build 4567", "release 89"]
    dataset.BodyPartExamined = "PHANTOM"
    dataset.ProtocolName = "1.1 A PROTOCOL OF THE PHANTOM"
    dataset.ScanOptions = "HELICAL MODE"
    dataset.SliceThickness, dataset.SpacingBetweenSlices = "0.625", "0.625"
    dataset.KVP, dataset.XRayTubeCurrent, dataset.ExposureTime = "120", "312", "500"
    dataset.Exposure, dataset.GeneratorPower = "156", "37440"
    dataset.DataCollectionDiameter, dataset.ReconstructionDiameter = "500", "360"
    dataset.DistanceSourceToDetector, dataset.DistanceSourceToPatient = "949.075", "541"
    dataset.GantryDetectorTilt, dataset.TableHeight = "0", "162.5"
    dataset.RotationDirection, dataset.FilterType = "CW", "BODY FILTER"
    dataset.FocalSpots, dataset.ConvolutionKernel = "0.7", "STANDARD"
    dataset.PatientPosition = "HFS"
    dataset.RevolutionTime, dataset.SingleCollimationWidth = 0.5, 0.625
    dataset.TotalCollimationWidth, dataset.TableSpeed = 40.0, 78.75
    dataset.TableFeedPerRotation, dataset.SpiralPitchFactor = 39.375, 0.984375
    dataset.CTDIvol = 11.62
    dataset.SeriesNumber, dataset.AcquisitionNumber, dataset.InstanceNumber = "3", "1", "128"
    dataset.ImagePositionPatient = ["-180.000", "-162.500", "-301.875"]
    dataset.ImageOrientationPatient = ["1.000", "0.000", "0.000", "0.000", "1.000", "0.000"]
    dataset.PositionReferenceIndicator, dataset.SliceLocation = "SN", "-301.875"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.PixelSpacing = ["0.703125", "0.703125"]
    dataset.WindowCenter, dataset.WindowWidth = ["40", "-500"], ["400", "1500"]
    dataset.RescaleType = "HU"
    reference = Dataset()
    reference.ReferencedSOPClassUID = CTImageStorage
    reference.ReferencedSOPInstanceUID = f"{UID_ROOT}10101010.9.20202020202020"
    dataset.ReferencedImageSequence = Sequence([reference, reference])
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "123456", "99BENCH"
    code.CodeMeaning = "Computed tomography of a phantom"
    dataset.ProcedureCodeSequence = Sequence([code])
    request = Dataset()
    request.ScheduledProcedureStepDescription, request.RequestedProcedureID = "SCAN", ""
    request.ScheduledProtocolCodeSequence = Sequence([code])
    dataset.RequestAttributesSequence = Sequence([request])
    return dataset


def fill_to(dataset: Dataset, count: int) -> None:
    """Add private elements, as vendors do, until the data set has `count` elements."""
    kinds: tuple[tuple[str, Any], ...] = (
        ("DS", "-12.345678"), ("LO", "A VALUE OF THE VENDOR"), ("SH", "VALUE"), ("SL", 123456),
        ("US", 512), ("FD", [0.5, 1.5, 2.5]), ("DS", ["1.0", "0.5", "-0.25", "0.125"]),
        ("UN", b"\x01\x02\x03\x04" * 8), ("IS", "4711"), ("FL", 3.25), ("OB", bytes(256)),
    )  # fmt: skip
    groups = (0x0009, 0x0019, 0x0021, 0x0027, 0x0029, 0x0043, 0x0045)
    k = 0
    while len(dataset) < count:
        creator = f"A VENDOR {groups[k % len(groups)]:04X}"
        block = dataset.private_block(groups[k % len(groups)], creator, create=True)
        if len(dataset) < count:  # the creator is an element too
            block.add_new(k // len(groups), *kinds[k % len(kinds)])
        k += 1
    assert len(dataset) == count


def read_floor(file: File) -> NDArray[np.float32]:
    with open(file.path, "rb", buffering=0) as binary:
        data = binary.read()
    pixels = file.expected.size
    cells = np.frombuffer(data, file.cells, pixels, len(data) - 2 * pixels)
    out = np.empty(file.expected.shape, np.float32)
    np.copyto(out, cells.reshape(out.shape))
    return out


def read_fastpix(file: File) -> NDArray[np.float32]:
    return fastpix.imread(file.path)


def read_pydicom(file: File) -> NDArray[np.float32]:
    dataset = pydicom.dcmread(file.path)
    values: NDArray[Any] = apply_modality_lut(dataset.pixel_array, dataset)
    return values.astype(np.float32)


def read_dicomsdl(file: File) -> NDArray[np.float32]:
    import dicomsdl

    values: NDArray[Any] = dicomsdl.open(str(file.path)).pixelData()
    return values.astype(np.float32, copy=False)


def read_simpleitk(file: File) -> NDArray[np.float32]:
    import SimpleITK

    volume: NDArray[Any] = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(file.path))
    values: NDArray[Any] = volume[0]
    return values.astype(np.float32, copy=False)


READERS: dict[str, Callable[[File], NDArray[np.float32]]] = {
    FLOOR: read_floor,
    "fastpix": read_fastpix,
    "pydicom": read_pydicom,
}
if find_spec("dicomsdl"):
    READERS["dicomsdl"] = read_dicomsdl
if find_spec("SimpleITK"):
    READERS["SimpleITK"] = read_simpleitk


def check(file: File, name: str) -> None:
    """Read the file once and compare dtype, shape and every value with what it was made from."""
    values = READERS[name](file)
    expected = file.expected
    if name == FLOOR:  # the stored values: it looks at no header, so it knows no intercept
        expected = expected - expected.flat[0] + values.flat[0]
    if values.dtype != np.float32 or not np.array_equal(values, expected):
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
