"""Phantoms as DICOM files, so that the examples need no data set.

A chest is described once, in millimetres of patient space: fat, muscle, lungs, heart, spine, ribs
and a nodule. Slices are cut out of it. Patients, IDs and UIDs are made up, and everything is the
same in each run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

Floats = NDArray[np.float64]

WIDTH = 320.0  # millimetres that a slice covers


@dataclass(frozen=True)
class Nodule:
    """A ball of soft tissue in a lung: centre and radius in millimetres, LPS."""

    x: float
    y: float
    z: float
    radius: float


@dataclass(frozen=True)
class Patient:
    """A made-up patient; `number` decides size, noise and UIDs."""

    number: int
    nodule: Nodule | None = None

    @property
    def patient_id(self) -> str:
        """As the hospital has it: what must not get into a cache."""
        return f"MADE-UP-{self.number:03d}"

    def uid(self, *what: object) -> str:
        """Return a UID that is the same in each run."""
        return generate_uid(entropy_srcs=["fastpix examples", str(self.number), *map(str, what)])


def make_patients(count: int) -> list[Patient]:
    """Return patients, each with a nodule in a lung."""
    patients = []
    for number in range(count):
        random = np.random.default_rng(number)
        side = 1 if random.random() < 0.5 else -1
        x, y, z = random.uniform((50, -25, -30), (70, 25, 30))
        nodule = Nodule(side * x, y, z, random.uniform(13, 18))
        patients.append(Patient(number, nodule))
    return patients


def chest(patient: Patient, z: Floats, y: Floats, x: Floats) -> Floats:
    """Return Hounsfield units, without noise, at points in millimetres; their arrays broadcast."""
    build = np.random.default_rng(patient.number).uniform(0.92, 1.02)
    from_axis = np.hypot(x / (145 * build), y / (105 * build))
    body = np.select([from_axis < 0.86, from_axis < 1], [40.0, -100.0], -1000.0)  # fat outside
    body = np.broadcast_to(body, np.broadcast_shapes(z.shape, y.shape, x.shape)).copy()
    for side in (-1, 1):
        lung = ((x - side * 59) / 40) ** 2 + (y / 68) ** 2 + (z / 130) ** 2
        body[lung < 1] = -850
    heart = np.hypot(np.hypot(x - 18, y + 30), z + 10) < 45
    body[heart] = 50
    body[np.broadcast_to(np.hypot(x / 18, (y - 68) / 16) < 1, body.shape)] = 350  # spine
    is_rib = np.sin(z / 9 + 2 * np.arctan2(y, x)) > 0.3
    body[(from_axis > 0.74) & (from_axis < 0.82) & is_rib] = 500
    if patient.nodule is not None:
        body[inside(patient.nodule, z, y, x)] = 60
    return body


def inside(nodule: Nodule, z: Floats, y: Floats, x: Floats) -> NDArray[np.bool_]:
    """Return which points lie in a nodule."""
    away = (x - nodule.x) ** 2 + (y - nodule.y) ** 2 + (z - nodule.z) ** 2
    return np.asarray(away < nodule.radius**2)


def chest_slices(
    patient: Patient, depths: Sequence[float], size: int, noise: float = 25
) -> list[Dataset]:
    """Return CT slices of a chest, at places along z in millimetres."""
    random = np.random.default_rng([patient.number, size])
    slices = []
    for number, (values, place) in enumerate(_cut(patient, depths, size)):
        values += random.normal(0, noise, values.shape)
        stored = np.clip(np.rint(values) + 1024, 0, 4095).astype(np.uint16)
        slices.append(dicom_slice(stored, patient, number, RescaleIntercept="-1024", **place))
    return slices


def mr_slices(
    patient: Patient, depths: Sequence[float], size: int, maker: str, scale: float
) -> list[Dataset]:
    """Return MR slices, whose numbers mean nothing but on the scale of their maker."""
    random = np.random.default_rng([patient.number, size])
    slices = []
    for number, (values, place) in enumerate(_cut(patient, depths, size)):
        is_tissue = [values < -900, values < -500, values < 0, values < 200]
        signal = np.select(is_tissue, [5.0, 40.0, 900.0, 450.0], 90.0)  # air, lung, fat, muscle
        signal += random.normal(0, 15, signal.shape)
        stored = np.clip(np.rint(signal * scale), 0, 4095).astype(np.uint16)
        slices.append(
            dicom_slice(stored, patient, number, Modality="MR", Manufacturer=maker, **place)
        )
    return slices


def _cut(
    patient: Patient, depths: Sequence[float], size: int
) -> Iterator[tuple[Floats, dict[str, Any]]]:
    """Yield Hounsfield units of slices, and attributes that say where they lie."""
    pixel = WIDTH / size
    line = (np.arange(size, dtype=np.float64) - (size - 1) / 2) * pixel
    thickness = float(np.median(np.diff(depths))) if len(depths) > 1 else 5.0
    for depth in depths:
        yield (
            chest(patient, np.array([[depth]]), line[:, None], line[None, :]),
            {
                "ImagePositionPatient": [f"{line[0]:.6g}", f"{line[0]:.6g}", f"{depth:.6g}"],
                "PixelSpacing": [f"{pixel:.6g}", f"{pixel:.6g}"],
                "SliceThickness": f"{thickness:.6g}",
            },
        )


def dicom_slice(
    stored: NDArray[Any], patient: Patient, number: int = 0, **attributes: Any
) -> Dataset:
    """Return a slice of these stored pixels: CT, 12 bits in 16, unless attributes say otherwise."""
    slice_ = Dataset()
    slice_.file_meta = FileMetaDataset()
    slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    slice_.SOPClassUID = CTImageStorage
    slice_.SOPInstanceUID = patient.uid("slice", number)
    slice_.StudyInstanceUID = patient.uid("study")
    slice_.SeriesInstanceUID = patient.uid("series")
    slice_.FrameOfReferenceUID = patient.uid("frame of reference")
    slice_.PatientID = patient.patient_id
    slice_.PatientName = f"Phantom^Number {patient.number}"
    slice_.Modality = "CT"
    slice_.Manufacturer = "SIEMENS"
    slice_.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    slice_.InstanceNumber = number + 1
    slice_.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    slice_.ImagePositionPatient = ["0", "0", str(5 * number)]
    slice_.PixelSpacing = ["1", "1"]
    slice_.SliceThickness = "5"
    slice_.Rows, slice_.Columns = stored.shape
    slice_.SamplesPerPixel = 1
    slice_.PhotometricInterpretation = "MONOCHROME2"
    slice_.BitsAllocated = 16
    slice_.BitsStored = 12
    slice_.HighBit = 11
    slice_.PixelRepresentation = int(stored.dtype.kind == "i")
    slice_.RescaleSlope = "1"
    slice_.RescaleIntercept = "0"
    slice_.PixelData = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    for keyword, value in attributes.items():
        setattr(slice_, keyword, value)
    if slice_.Modality == "MR":
        slice_.SOPClassUID = MRImageStorage
        del slice_.RescaleSlope, slice_.RescaleIntercept
    slice_.file_meta.MediaStorageSOPClassUID = slice_.SOPClassUID
    slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID
    return slice_


def write(folder: Path, slices: Sequence[Dataset]) -> list[Path]:
    """Write slices under names that say nothing of their order, as archives have them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for slice_ in slices:
        path = folder / f"{slice_.SOPInstanceUID[-12:]}.dcm"
        slice_.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def write_known_key(cache: Path) -> None:
    """Write a key that anybody can read here, so that each run has the same names and splits.

    Never do so with real patients: ``fastpix convert`` makes a secret key on first use.
    """
    key = cache.with_name(f"{cache.name}.key")
    key.write_text(bytes(range(32)).hex())
    key.chmod(0o600)
