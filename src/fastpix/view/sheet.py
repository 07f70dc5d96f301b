"""Pictures on one sheet, and a sheet as the bytes of a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BACKGROUND = 24
GAP = 8  # pixels between pictures, and around them


class Corner(NamedTuple):
    """Where a picture begins on a sheet."""

    row: int
    column: int


def lay_out(
    pictures: Sequence[NDArray[np.uint8]],
    columns: int,
    below: int = 0,
    cell: tuple[int, int] | None = None,
) -> tuple[NDArray[np.uint8], list[Corner]]:
    """Lay pictures out in rows, each in the middle of its cell.

    Parameters
    ----------
    pictures : sequence of ndarray
        ``(rows, columns)``, or ``(rows, columns, 3)`` for colour.
    columns : int
        How many stand side by side.
    below : int
        Pixels that are left free under each, for a caption.
    cell : (int, int), optional
        Height and width of a cell; those of the largest picture if not given.

    Returns
    -------
    sheet : ndarray of uint8
        ``(rows, columns, 3)``.
    corners : list of Corner
    """
    height, width = cell or (
        max((picture.shape[0] for picture in pictures), default=0),
        max((picture.shape[1] for picture in pictures), default=0),
    )
    rows = -(-len(pictures) // columns)
    step = height + below + GAP, width + GAP
    shape = (rows * step[0] + GAP, columns * step[1] + GAP, 3)
    sheet = np.full(shape, BACKGROUND, np.uint8)
    corners = []
    for k, picture in enumerate(pictures):
        row, column = divmod(k, columns)
        top = GAP + row * step[0] + (height - picture.shape[0]) // 2
        left = GAP + column * step[1] + (width - picture.shape[1]) // 2
        shown = picture if picture.ndim == 3 else picture[:, :, np.newaxis]
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = shown
        corners.append(Corner(top, left))
    return sheet, corners


def side_by_side(sheets: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return sheets beside each other, their upper edges in line."""
    height = max(len(sheet) for sheet in sheets)
    padded = [
        np.pad(
            sheet, ((0, height - len(sheet)), (0, 0), (0, 0)), constant_values=BACKGROUND
        )
        for sheet in sheets
    ]  # fmt: skip
    return np.concatenate(padded, axis=1)


def png_bytes(sheet: NDArray[np.uint8]) -> bytes:
    """Return a sheet as a PNG, which holds pixels and nothing else."""
    import imagecodecs

    return bytes(imagecodecs.png_encode(sheet))
