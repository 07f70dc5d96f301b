"""Mosaics and grids, made in memory from the slices of a volume that lies askew in space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from support.builders import make_dataset, make_item
from support.series_files import DIRECTIONS, ROOT, decimal

ROWS, COLUMNS = 4, 6  # of a tile
SPACING = (3.0, 2.0)  # between rows, and between columns
BETWEEN = 4.5
FIRST = np.array([-20.5, 31.25, 12.0])  # where the first tile begins


def tiles(count: int) -> NDArray[np.int16]:
    """Return the stored values of the slices, all different."""
    size = count * ROWS * COLUMNS
    return np.arange(1, size + 1, dtype=np.int16).reshape(count, ROWS, COLUMNS)


def arranged(cells: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """Return the frame that has slices as tiles, row by row; what is left over is 0."""
    count, height, width = cells.shape[:3]
    frame = np.zeros((rows * height, columns * width, *cells.shape[3:]), cells.dtype)
    for k in range(count):
        row, column = k // columns * height, k % columns * width
        frame[row : row + height, column : column + width] = cells[k]
    return frame


def centre_of(k: int, sign: int = 1) -> NDArray[np.float64]:
    """Return the centre of a slice; the first is that of the first tile."""
    across = (COLUMNS / 2) * SPACING[1] * DIRECTIONS[:, 0]
    down = (ROWS / 2) * SPACING[0] * DIRECTIONS[:, 1]
    return np.asarray(position_of(k, sign) + across + down)


def position_of(k: int, sign: int = 1) -> NDArray[np.float64]:
    """Return where the tile of a number begins."""
    return np.asarray(FIRST + sign * k * BETWEEN * DIRECTIONS[:, 2])


def mosaic_dataset(count: int, *, cells: NDArray[Any] | None = None, **attributes: Any) -> Dataset:
    """Return a Siemens mosaic without anything private.

    Parameters
    ----------
    count : int
        How many slices.
    cells : ndarray, optional
        The frame.
    **attributes
        By keyword, in place of the usual ones; None leaves one out.
    """
    side = math.ceil(math.sqrt(count))
    surplus = (side - 1) / 2
    corner = FIRST - surplus * COLUMNS * SPACING[1] * DIRECTIONS[:, 0]
    corner = corner - surplus * ROWS * SPACING[0] * DIRECTIONS[:, 1]
    values: dict[str, Any] = {
        "SOPClassUID": MRImageStorage,
        "SOPInstanceUID": f"{ROOT}.5",
        "SeriesInstanceUID": f"{ROOT}.6",
        "Modality": "MR",
        "Manufacturer": "SIEMENS",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
        "ImagePositionPatient": list(map(decimal, corner)),
        "ImageOrientationPatient": [decimal(n) for n in DIRECTIONS[:, :2].T.ravel()],
        "PixelSpacing": list(map(decimal, SPACING)),
        "SpacingBetweenSlices": decimal(BETWEEN),
        "SliceThickness": "3",
    }
    values |= attributes
    frame = arranged(tiles(count), side, side) if cells is None else cells
    return make_dataset(frame, **values)


def add_private(
    dataset: Dataset, group: int, creator: str, elements: Sequence[tuple[int, str, Any]],
    block: int = 0x10,
) -> Dataset:  # fmt: skip
    """Add a private block; without Private Creator if that is empty."""
    if creator:
        dataset.add_new(group << 16 | block, "LO", creator)
    for element, vr, value in elements:
        dataset.add_new(group << 16 | block << 8 | element, vr, value)
    return dataset


def grid_dataset(count: int, positions: Sequence[Sequence[float]] | None = None) -> Dataset:
    """Return a UIH grid: positions of slices in a sequence, and none of the whole."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    dataset = mosaic_dataset(
        count,
        cells=arranged(tiles(count), rows, columns),
        Manufacturer="UIH",
        ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"],
        ImagePositionPatient=None,
    )
    if positions is None:
        positions = [tuple(position_of(k)) for k in range(count)]
    items = [make_item(ImagePositionPatient=list(map(decimal, p))) for p in positions]
    elements = [(0x50, "DS", str(count)), (0x51, "SQ", items)]
    return add_private(dataset, 0x0065, "Image Private Header", elements)
