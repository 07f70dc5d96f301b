"""Cells that wait for the maximum of the instance, in the memory of the values that they become.

Under ``invert="max"`` no value is known before every cell has been seen. So that a file is read
once, and no second copy of its cells is held, the cells of a frame are read to the beginning of the
memory of its values: a value is at least as wide as its cell. The values are then worked out block
by block from the end, so that none takes the place of a cell that is still to come. The cells that
were read last come first, and are still in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.cells import PIECE, Cells
from fastpix.image.values import inexact_error
from fastpix.kernel import reference
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps
from fastpix.plan.plan import Plan
from fastpix.source.stored import Pixels


def may_wait(cells: Cells, plan: Plan) -> bool:
    """Whether cells have to wait for the maximum, and have room to do so.

    Parameters
    ----------
    cells : Cells
    plan : Plan
    """
    if not (plan.needs_peak and cells.are_in_file()):
        return False
    # Floats would need a maximum of all cells at once: of parts, 0 and -0 may change places.
    cell = plan.steps[0].cell
    return cell in ("u1", "u2", "u4") and _width(plan.steps[0]) <= np.dtype(plan.dtype).itemsize


def take_in(
    cells: Cells, pixels: Pixels, frame: int, out: NDArray[Any], plan: Plan
) -> float | None:
    """Read the cells of a frame to the beginning of `out`, and return the maximum of their y.

    Parameters
    ----------
    cells : Cells
    pixels : Pixels
        From `Cells.opened`.
    frame : int
    out : ndarray, C-contiguous
        For the values of the frame.
    plan : Plan

    Returns
    -------
    float or None
        None: all of them are padding.
    """
    steps = plan.frame_steps(frame)
    flat = out.reshape(-1)
    waiting = flat.view(np.uint8)[: flat.size * _width(steps)]
    peaks = []
    for start in range(0, waiting.size, PIECE):
        piece = waiting[start : start + PIECE]
        cells.fill(pixels, frame, start, piece)
        peaks.append(current_kernel().peak(piece, piece.size // _width(steps), steps))
    return max((peak for peak in peaks if peak is not None), default=None)


def peak_of_frame(cells: Cells, pixels: Pixels, frame: int, plan: Plan) -> float | None:
    """Return the maximum of y over a frame that is not wanted, and keep none of its cells."""
    steps = plan.frame_steps(frame)
    peaks = [
        current_kernel().peak(piece.cells, piece.cells.size // _width(steps), steps)
        for piece in cells.pieces(pixels, frame)
    ]
    return max((peak for peak in peaks if peak is not None), default=None)


def work_out(frame: int, out: NDArray[Any], plan: Plan, peak: float | None) -> None:
    """Turn the cells at the beginning of `out` into values.

    Parameters
    ----------
    frame : int
    out : ndarray, C-contiguous
        As `take_in` has left it.
    plan : Plan
    peak : float or None
        The maximum of the instance.

    Raises
    ------
    InexactError
        The first value that the output dtype cannot hold.
    """
    steps = plan.frame_steps(frame)._replace(peak=0.0 if peak is None else peak)
    width = _width(steps)
    flat = out.reshape(-1)
    waiting = flat.view(np.uint8)
    error = None
    end = flat.size
    while end:
        start = max(0, end - PIECE // width)
        block = waiting[start * width : end * width]
        if start * flat.itemsize < end * width:  # the values come to lie where these cells are
            block = block.copy()
        bad = current_kernel().scale(block, flat[start:end], steps)
        if bad >= 0:
            exact = np.empty(end - start, np.float64)
            reference.scale(block, exact, steps)
            error = inexact_error(frame, start + bad, float(exact[bad]), plan)
        end = start
    if error is not None:  # of the first value: the last that was found
        raise error


def _width(steps: Steps) -> int:
    """Return the bytes of a cell."""
    return int(steps.cell[1])
