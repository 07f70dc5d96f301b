"""Made radiographs of made chests, for the pictures of docs/audit.md: nobody was X-rayed for them.

A chest is a few bodies of known attenuation. A radiograph is what remains of a beam through them,
with the noise of its quanta, as a detector of 12 bits stores it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)

Floats = NDArray[np.float64]

ROWS, COLUMNS = 416, 352
PIXEL = 1.0  # millimetres
MOST = 4095
WATER, BONE, LUNG = 1.0, 2.1, 0.28  # attenuation, in units of water


@dataclass(frozen=True)
class Device:
    """What makes radiographs, and what its headers say.

    Attributes
    ----------
    modality, manufacturer, model, software : str
    photometric : str
        What the headers say.
    low_is_white : bool
        What the cells hold. A device that says MONOCHROME2 and stores low values as white is wrong.
    more : dict
        Other attributes, by DICOM keyword.
    scale : float
        Of its values, beside those of others.
    garbage : int
        Bits above Bits Stored that it leaves set.
    """

    modality: str
    manufacturer: str
    model: str
    software: str
    photometric: str
    low_is_white: bool
    more: dict[str, Any]
    scale: float = 1.0
    garbage: int = 0


def _blurred(image: Floats, sigma: float) -> Floats:
    """Return an image behind a Gaussian blur of so many pixels."""
    y, x = np.fft.fftfreq(image.shape[0])[:, None], np.fft.rfftfreq(image.shape[1])[None]
    soft = np.exp(-2 * (np.pi * sigma) ** 2 * (y**2 + x**2))
    return np.fft.irfft2(np.fft.rfft2(image) * soft, image.shape)


def _chord(x: Floats, y: Floats, centre: tuple[float, float], radii: tuple[float, ...]) -> Floats:
    """Return how long the way through an ellipsoid is, in millimetres, at every pixel."""
    across, up, deep = radii
    inside = 1 - ((x - centre[0]) / across) ** 2 - ((y - centre[1]) / up) ** 2
    return 2 * deep * np.sqrt(np.clip(inside, 0, None))


def _ribs(random: np.random.Generator, build: float) -> Floats:
    """Return the bone of ten pairs of ribs and the collar bones, in millimetres."""
    bone = np.zeros((ROWS, COLUMNS))
    angles = np.linspace(0, 2 * np.pi, 6000)
    for number in range(10):
        wide = build * 132 * np.sqrt(min(1.0, 0.38 + 0.13 * number))
        slope = 30 + 3.2 * number + random.normal(0, 1)
        top = -138 + 24 * number
        x = wide * np.sin(angles)
        y = top + slope * (0.5 - 0.5 * np.cos(angles)) + 7 * np.sin(angles) ** 2
        closed = np.abs(angles - np.pi) > 0.42  # cartilage in front
        for across in np.linspace(-4, 4, 9):
            _drop(bone, x[closed], (y + across)[closed], 0.05)
    along = np.linspace(18, 125, 1500)
    for side in (-1, 1):
        for across in np.linspace(-4, 4, 9):
            collar = -140 - 0.16 * along + 6 * np.sin(along / 24) + across
            _drop(bone, side * build * along, collar, 0.055)
    return _blurred(bone, 0.9)


def _drop(image: Floats, x: Floats, y: Floats, amount: float) -> None:
    """Add an amount at points in millimetres from the middle."""
    row = np.rint(y / PIXEL + ROWS / 2).astype(int)
    column = np.rint(x / PIXEL + COLUMNS / 2).astype(int)
    there = (row >= 0) & (row < ROWS) & (column >= 0) & (column < COLUMNS)
    np.add.at(image, (row[there], column[there]), amount * 20)


def chest(number: int) -> Floats:
    """Return the attenuation of a made chest from behind, 0 where the beam meets nothing."""
    random = np.random.default_rng(number)
    build = random.uniform(0.94, 1.04)
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float64)
    x = (columns - COLUMNS / 2 + random.normal(0, 4)) * PIXEL / build
    y = (rows - ROWS / 2 + random.normal(0, 5)) * PIXEL / build
    body = np.clip(1 - np.abs(x / 158) ** 2.6, 0, None) ** 0.5 * 205
    shoulder = 1 / (1 + np.exp((np.abs(x) - 58 - np.clip(y + 205, 0, 70) * 1.7) / 5))
    body *= np.where(y < -135, shoulder, 1)
    body += _chord(x, y, (0, 250), (170, 150, 60)) * 0.5
    path = WATER * body
    for side, low, narrow in ((-1, 92, 1.0), (1, 106, 0.93)):
        lung = _chord(x, y, (side * 68, -18), (55 * narrow, 128, 78))
        lung = lung * (1 / (1 + np.exp((y - low + 0.0045 * (x - side * 70) ** 2) / 3)))
        path -= (WATER - LUNG) * np.minimum(lung, body * 0.8)
    heart = _chord(x, y, (25, 48), (58, 52, 42)) + 0.7 * _chord(x, y, (18, -50), (26, 34, 22))
    path += 0.62 * heart
    for side in (-1, 1):  # vessels at the root of the lung
        path += 0.6 * _chord(x, y, (side * 36, 0), (20, 30, 15))
    spine = np.exp(-((np.abs(x) / 15) ** 4)) * (26 + 6 * np.cos(2 * np.pi * y / 22))
    path += (BONE - WATER) * spine
    path -= 0.8 * np.exp(-(((x - 2) / 8) ** 4)) * 16 * (y < -45)  # windpipe
    path += (BONE - WATER) * _ribs(random, build)
    mottle = _blurred(random.normal(0, 1, (ROWS, COLUMNS)), 5)
    path += mottle / mottle.std() * 2.2 * (body > 20)
    return _blurred(np.clip(path, 0, None), 0.7)


def radiograph(number: int) -> NDArray[np.uint16]:
    """Return cells of 12 bits, bone bright, with a side marker of lead."""
    random = np.random.default_rng(1000 + number)
    path = chest(number)
    left = np.exp(-path / 62)
    counted = random.poisson(np.clip(left, 1e-4, None) * 9e4) + 1.0
    cells = -np.log(counted / 9e4) * 62 * 12.5 + 350
    marker = Image.new("L", (COLUMNS, ROWS))
    draw = ImageDraw.Draw(marker)
    draw.text((22, 26), "R", fill=255, font=ImageFont.load_default(34), stroke_width=1)
    cells += np.asarray(marker) / 255.0 * 1900
    cells = np.clip(cells, 0, MOST)
    edge = 10 + number % 3  # the collimator lets nothing through
    cells[:edge] = cells[-edge:] = cells[:, :edge] = cells[:, -edge:] = MOST * 0.93
    return np.rint(cells).astype(np.uint16)


def write_radiographs(folder: Path, device: Device, first: int, count: int) -> None:
    """Write DICOM files of a device, two of every patient, the same in each run."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        cells = (radiograph(number) * device.scale).astype(np.uint16)
        cells = (MOST - cells if device.low_is_white else cells) | np.uint16(device.garbage)
        dataset = _header(device, number)
        dataset.PixelData = cells.tobytes()
        dataset["PixelData"].VR = "OW"
        dataset.save_as(folder / f"IM{number:04d}.dcm", enforce_file_format=True)


def _header(device: Device, number: int) -> Dataset:
    def uid(*what: object) -> str:
        return generate_uid(entropy_srcs=["made radiographs", *map(str, what)])

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = (
        ComputedRadiographyImageStorage
        if device.modality == "CR"
        else DigitalXRayImageStorageForPresentation
    )
    instance = uid("instance", number)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = instance
    patient = number // 2
    dataset.PatientID = f"MADE-UP-{patient:03d}"
    dataset.PatientName = f"Made^Up {patient}"
    dataset.StudyInstanceUID = uid("study", patient)
    dataset.SeriesInstanceUID = uid("series", number)
    dataset.Modality = device.modality
    dataset.Manufacturer = device.manufacturer
    dataset.ManufacturerModelName = device.model
    dataset.SoftwareVersions = device.software
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = device.photometric
    dataset.Rows, dataset.Columns = ROWS, COLUMNS
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.ImagerPixelSpacing = [PIXEL, PIXEL]
    dataset.BodyPartExamined = "CHEST"
    for keyword, value in device.more.items():
        setattr(dataset, keyword, value)
    return dataset
