"""Images of a patient with markers in every place: native ones, and ones of given codestreams."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydicom
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian

from support.planted_files import planted

CT = "1.2.840.10008.5.1.4.1.1.2"
FRAMES, ROWS, COLUMNS = 2, 5, 6


def image(
    photometric: str = "MONOCHROME2",
    syntax: str = ExplicitVRLittleEndian,
    stored: int = 12,
    **values: Any,
) -> pydicom.Dataset:
    """Return an image of two frames with garbage in its unused bits."""
    dataset = planted(CT, syntax)
    del dataset[0x60003000]
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = FRAMES, ROWS, COLUMNS
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, stored, stored - 1
    dataset.PhotometricInterpretation = photometric
    cells = np.random.default_rng(3).integers(0, 2**16, (FRAMES, ROWS, COLUMNS), dtype="<u2")
    order = ">u2" if syntax == ExplicitVRBigEndian else "<u2"
    dataset.add_new(0x7FE00010, "OW", cells.astype(order).tobytes())
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def compressed(
    frames: list[bytes],
    syntax: str,
    bits: int = 8,
    stored: int | None = None,
    shape: tuple[int, int] = (24, 30),
) -> pydicom.Dataset:
    """Return an image of codestreams of 24 x 30 pixels."""
    dataset = image()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.NumberOfFrames, (dataset.Rows, dataset.Columns) = len(frames), shape
    dataset.BitsAllocated, dataset.BitsStored = bits, stored or bits
    dataset.HighBit = dataset.BitsStored - 1
    dataset.add_new(0x7FE00010, "OB", encapsulate(frames))
    return dataset


def with_overlay_in_cells(dataset: pydicom.Dataset, bit: int) -> pydicom.Dataset:
    """Say that an overlay is kept in a bit of the cells (retired)."""
    dataset.add_new(0x60000010, "US", dataset.Rows)
    dataset.add_new(0x60000011, "US", dataset.Columns)
    dataset.add_new(0x60000100, "US", dataset.BitsAllocated)
    dataset.add_new(0x60000102, "US", bit)
    return dataset
