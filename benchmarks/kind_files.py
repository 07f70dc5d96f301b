"""Files of the kinds that `kind_table.py` times: one image each, of every encoding that is slow.

Made-up values under headers that belong to nobody. What a file must give is worked out here from
the values that it was made from.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from headers import ELEMENTS, UID_ROOT, fill_to, header, mr_header
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ParametricMapStorage,
    RTDoseStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

from fastpix.kernel.reference import ybr_to_rgb

Values = NDArray[Any]
Floor = Callable[[Path], object]
_FRESH = b"\x28\x00\x52\x10DS\x0a\x00" + b"0" * 10  # the first Rescale Intercept of ten digits


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Files of one kind, alike but for what differs in a series.

    Attributes
    ----------
    paths : list of Path
    expected : ndarray of float32
        What the first must give.
    floor : callable or None
        The least that a reader of a file has to do, no header looked at.
    others : dict of str to ndarray
        What else the first may give a reader that does less, or inverts in its own way.
    fresh : int or None
        Where ten digits are that decide about pixels: other digits make a file that nobody has read
        before.
    """

    paths: list[Path]
    expected: Values
    floor: Floor | None = None
    others: dict[str, Values] = field(default_factory=dict)
    fresh: int | None = None


def random(limit: int, *shape: int, seed: int = 20) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, limit, shape)


def describe_cells(dataset: Dataset, stored: Values, bits: int | None = None) -> None:
    """Set what the header says of the cells of monochrome frames."""
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    if stored.ndim == 3:
        dataset.NumberOfFrames = len(stored)
    allocated = 8 * stored.dtype.itemsize
    dataset.BitsAllocated, dataset.BitsStored = allocated, bits or allocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")


def save(
    dataset: Dataset,
    path: Path,
    cells: bytes,
    syntax: UID = ExplicitVRLittleEndian,
    elements: int | None = ELEMENTS,
) -> Path:
    """Write a file with these bytes as Pixel Data, and as many elements as scanners write."""
    dataset.PixelData = cells + bytes(len(cells) % 2)
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated <= 8 else "OW"
    if elements is not None and len(dataset) < elements:
        fill_to(dataset, elements)
    return write(dataset, path, syntax)


def write(dataset: Dataset, path: Path, syntax: UID = ExplicitVRLittleEndian) -> Path:
    """Write a file."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return path


def place_of_fresh(path: Path) -> int:
    """Return where the ten digits are that a reading may change."""
    return path.read_bytes().index(_FRESH) + 8


@cache
def _buffer(size: int) -> bytearray:
    return bytearray(size)


def read_bytes(path: Path) -> memoryview:
    """Read a file unbuffered into memory that is used again and again."""
    buffer = _buffer(path.stat().st_size)
    with open(path, "rb", buffering=0) as file:
        size = file.readinto(buffer)
    return memoryview(buffer)[:size]


def converted(cells: Values, shape: tuple[int, ...]) -> Values:
    """Return a new float32 array of cells."""
    out = np.empty(shape, np.float32)
    np.copyto(out, cells.reshape(shape))
    return out


def floor_of(stored: Values) -> Floor:
    """Return the floor of a native file: its bytes, and the conversion of its last cells."""
    dtype, count, shape = stored.dtype, stored.size, stored.shape

    def read(path: Path) -> Values:
        data = read_bytes(path)
        start = len(data) - count * dtype.itemsize
        return converted(np.frombuffer(data, dtype, count, start & -dtype.itemsize), shape)

    return read


def deflated_floor_of(stored: Values, path: Path, data_set: int) -> Floor:
    """Return the floor of a deflated file: its bytes, the fastest inflater, and the conversion.

    That inflater wants a header and a checksum around the data, so it has a copy with them.
    """
    import imagecodecs

    inflated = zlib.decompress(path.read_bytes()[data_set:], wbits=-zlib.MAX_WBITS)
    start = (len(inflated) - stored.nbytes) & -stored.itemsize
    wrapped = zlib.compress(inflated)

    def read(path: Path) -> Values:
        read_bytes(path)
        data = imagecodecs.deflate_decode(wrapped, out=len(inflated))
        return converted(np.frombuffer(data, stored.dtype, stored.size, start), stored.shape)

    return read


def _of_ct(rows: int, columns: int) -> tuple[Dataset, NDArray[np.int16], Values]:
    stored = (random(2**12, rows, columns) - 1024).astype(np.int16)
    dataset = header()
    describe_cells(dataset, stored)
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    return dataset, stored, stored.astype(np.float32) - 1024


def modality_lut(folder: Path) -> Made:
    stored = random(2**12, 512, 512).astype(np.uint16)
    table = np.sort(random(2**16, 2**12, seed=21)).astype(np.uint16)
    dataset = header()
    describe_cells(dataset, stored, 12)
    item = Dataset()
    item.add_new(0x00283002, "US", [len(table), 0, 16])
    item.ModalityLUTType = "US"
    item.add_new(0x00283006, "OW", table.tobytes())
    dataset.ModalityLUTSequence = Sequence([item])
    expected = table[stored].astype(np.float32)
    path = save(dataset, folder / "modality-lut.dcm", stored.tobytes())
    return Made([path], expected, floor_of(stored), {"stored": stored})


def palette(folder: Path, *, segmented: bool) -> Made:
    stored = random(2**8, 512, 512).astype(np.uint8)
    lines = np.stack([np.arange(256) * step % 2**16 for step in (257, 128, 64)], axis=1)
    dataset = header()
    dataset.SOPClassUID = UltrasoundImageStorage
    dataset.Modality, dataset.PhotometricInterpretation = "US", "PALETTE COLOR"
    describe_cells(dataset, stored)
    for k, color in enumerate(("Red", "Green", "Blue")):
        entries = lines[:, k].astype(np.uint16)
        setattr(dataset, f"{color}PaletteColorLookupTableDescriptor", [256, 0, 16])
        if segmented:  # two entries by themselves, and a line to the last
            segments = np.array([0, 2, *entries[:2], 1, 254, entries[-1]], np.uint16)
            setattr(dataset, f"Segmented{color}PaletteColorLookupTableData", segments.tobytes())
        else:
            setattr(dataset, f"{color}PaletteColorLookupTableData", entries.tobytes())
    path = save(dataset, folder / f"palette-{segmented}.dcm", stored.tobytes())
    table = lines.astype(np.float32)

    def floor(path: Path) -> Values:
        cells = np.frombuffer(read_bytes(path)[-stored.size :], np.uint8)
        return table.take(cells, axis=0)

    return Made([path], table[stored], floor, {"stored": stored})


def big_endian(folder: Path) -> Made:
    dataset, stored, expected = _of_ct(512, 512)
    swapped = stored.astype(">i2")
    path = save(dataset, folder / "big-endian.dcm", swapped.tobytes(), ExplicitVRBigEndian)
    return Made([path], expected, floor_of(swapped))


def ybr_full_422(folder: Path) -> Made:
    pairs = random(2**8, 512 * 256, 4).astype(np.uint8)
    dataset = header()
    dataset.SOPClassUID = UltrasoundImageStorage
    dataset.Modality, dataset.PhotometricInterpretation = "US", "YBR_FULL_422"
    describe_cells(dataset, np.empty((512, 512), np.uint8))
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    path = save(dataset, folder / "ybr-422.dcm", pairs.tobytes())
    samples = pairs[:, [0, 2, 3, 1, 2, 3]].reshape(-1, 3).astype(np.float64)
    expected = ybr_to_rgb(samples, 8).reshape(512, 512, 3).astype(np.float32)
    rgb = expected.astype(np.uint8)

    def floor(path: Path) -> Values:
        read_bytes(path)
        return converted(rgb, rgb.shape)

    others = {"stored": samples.reshape(512, 512, 3)}
    return Made([path], expected, floor, others)


def float_pixel_data(folder: Path) -> Made:
    stored = np.random.default_rng(20).normal(0, 100, (512, 512)).astype(np.float32)
    dataset = mr_header()
    dataset.SOPClassUID = ParametricMapStorage
    dataset.Rows, dataset.Columns, dataset.BitsAllocated = 512, 512, 32
    dataset.FloatPixelData = stored.tobytes()
    fill_to(dataset, ELEMENTS)
    path = write(dataset, folder / "float.dcm")
    return Made([path], stored, floor_of(stored))


def deflated(folder: Path, *, side: int) -> Made:
    dataset, stored, expected = _of_ct(side, side)
    smooth = np.add.outer(np.arange(side), np.arange(side)) // 8 % 1024
    stored = (smooth + (stored & 15)).astype(np.int16)
    path = folder / f"deflated-{side}.dcm"
    save(dataset, path, stored.tobytes(), DeflatedExplicitVRLittleEndian)
    data_set = 144 + int.from_bytes(path.read_bytes()[140:144], "little")  # after the group length
    expected = stored.astype(np.float32) - 1024
    return Made([path], expected, deflated_floor_of(stored, path, data_set))


def rt_dose(folder: Path) -> Made:
    stored = random(2**22, 60, 100, 120).astype(np.uint32)
    dataset = header()
    dataset.SOPClassUID, dataset.Modality = RTDoseStorage, "RTDOSE"
    describe_cells(dataset, stored)
    dataset.DoseUnits, dataset.DoseType, dataset.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    dataset.DoseGridScaling = "0.0009765625"  # 1/1024: exact in float32 too
    dataset.FrameIncrementPointer = 0x3004000C
    dataset.GridFrameOffsetVector = [2.5 * k for k in range(60)]
    path = save(dataset, folder / "dose.dcm", stored.tobytes(), elements=None)
    expected = (stored / 1024).astype(np.float32)
    return Made([path], expected, floor_of(stored), {"stored": stored})


def radiograph(folder: Path, *, photometric: str) -> Made:
    stored = random(2**14, 3000, 4000).astype(np.uint16)
    dataset = header()
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.Modality, dataset.PhotometricInterpretation = "DX", photometric
    describe_cells(dataset, stored)
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    path = save(dataset, folder / f"radiograph-{photometric}.dcm", stored.tobytes())
    expected = stored.astype(np.float32)
    if photometric == "MONOCHROME1":
        expected = expected.max() - expected
    return Made([path], expected, floor_of(stored), others_of(stored, 2**16 - 1))


def others_of(stored: Values, top: int) -> dict[str, Values]:
    """Return what readers make of MONOCHROME1 that do not subtract it from its maximum."""
    values = stored.astype(np.float32)
    return {"stored": stored, "mirrored": top - values, "negated": -values}


def slices(
    folder: Path, *, photometric: str = "MONOCHROME2", frames: int = 1, side: int = 128,
    count: int = 100,
) -> Made:  # fmt: skip
    """Write a series of MR slices of 12 bits, or of small volumes."""
    dataset = mr_header()
    dataset.PhotometricInterpretation = photometric
    stored = random(2**12, count, frames, side, side).astype(np.uint16)
    if frames == 1:
        stored = stored[:, 0]
    describe_cells(dataset, stored[0], 12)
    paths = []
    for k, cells in enumerate(stored):
        dataset.SOPInstanceUID = f"{UID_ROOT}10101010.0.{20202020202020 + k}"
        dataset.InstanceNumber = str(k + 1)
        dataset.ImagePositionPatient = ["-180.000", "-162.500", f"{0.625 * k - 301.875:.3f}"]
        paths.append(save(dataset, folder / f"{photometric}-{frames}-{k}.dcm", cells.tobytes()))
    expected = stored[0].astype(np.float32)
    if photometric == "MONOCHROME1":
        expected = expected.max() - expected
    return Made(paths, expected, floor_of(stored[0]), others_of(stored[0], 2**12 - 1))
