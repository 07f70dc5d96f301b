"""Cells that wait for the maximum of the instance, in the memory of the values that they become.

Under ``invert="max"`` no value is known before every cell has been seen. So that a file is read
once, and no second copy of its cells is held, the cells of a frame are read to the beginning of the
memory of its values: a value is at least as wide as its cell. The values are then worked out block
by block from the end, so that none takes the place of a cell that is still to come. The cells that
were read last come first, and are still in the cache.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.cells import PIECE, Cells
from fastpix.image.frame_reader import runs_of
from fastpix.image.frame_threads import in_parts
from fastpix.image.values import inexact_error
from fastpix.kernel import reference
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps
from fastpix.plan.plan import Plan
from fastpix.source.stored import Pixels

_BLOCK = 2**18
"""Bytes of cells that become values at a time: both stay in the second-level cache."""


def may_wait(cells: Cells, plan: Plan) -> bool:
    """Whether cells have to wait for the maximum, and have room to do so.

    Parameters
    ----------
    cells : Cells
    plan : Plan
    """
    if not (plan.needs_peak and cells.comes_in_pieces()):
        return False
    # Floats would need a maximum of all cells at once: of parts, 0 and -0 may change places.
    cell = plan.steps.cell
    return cell in ("u1", "u2", "u4") and _width(plan.steps) <= np.dtype(plan.dtype).itemsize


def read_waiting(
    cells: Cells,
    pixels: Pixels,
    plan: Plan,
    frames: Sequence[int],
    result: NDArray[Any],
    threads: int,
) -> float | None:
    """Fill `result` with the values of frames, and return the maximum of y over all frames.

    Parameters
    ----------
    cells : Cells
        Those that `may_wait`.
    pixels : Pixels
        From `Cells.opened`.
    plan : Plan
    frames : sequence of int
    result : ndarray
        ``(len(frames), *plan.shape[1:])``, of ``plan.dtype``.
    threads : int

    Raises
    ------
    InexactError
        The first value that the output dtype cannot hold.
    """
    size = 1 if plan.has_own_rescales else cells.run_length
    others = _others(frames, plan.shape[0])

    def take(start: int, stop: int) -> float | None:
        runs = runs_of(frames, start, stop, size)
        return _highest(_take_in(cells, pixels, frames[at], result[at:end], plan)
                        for at, end in runs)  # fmt: skip

    def look(start: int, stop: int) -> float | None:
        runs = runs_of(others, start, stop, size)
        return _highest(_peak_of(cells, pixels, others[at], end - at, plan) for at, end in runs)

    def fill(start: int, stop: int) -> None:
        for at, end in runs_of(frames, start, stop, size):
            _work_out(frames[at], result[at:end], plan, peak)

    peaks = [
        *in_parts(take, len(frames), threads, _share(frames, threads)),
        *in_parts(look, len(others), threads, _share(others, threads)),
    ]
    peak = _highest(peaks)
    for _ in in_parts(fill, len(frames), threads, _share(frames, threads)):
        pass
    return peak


def _share(frames: Sequence[int], threads: int) -> int:
    return max(1, -(-len(frames) // threads))


def _others(frames: Sequence[int], count: int) -> Sequence[int]:
    """Return the frames that are not wanted."""
    if isinstance(frames, range) and len(frames) == count:
        return ()
    wanted = np.zeros(count, np.bool_)
    wanted[np.asarray(frames, np.int64)] = True
    return array("q", np.flatnonzero(~wanted).astype(np.int64).tobytes())


def _highest(peaks: Iterable[float | None]) -> float | None:
    return max((peak for peak in peaks if peak is not None), default=None)


def _take_in(
    cells: Cells, pixels: Pixels, first: int, out: NDArray[Any], plan: Plan
) -> float | None:
    """Read the cells of frames to the beginning of `out`, and return the maximum of their y."""
    steps = plan.frame_steps(first)
    flat = out.reshape(-1)
    waiting = flat.view(np.uint8)[: flat.size * _width(steps)]
    peaks = []
    for start in range(0, waiting.size, PIECE):
        piece = waiting[start : start + PIECE]
        cells.read_into(pixels, first, start, piece)
        peaks.append(current_kernel().peak(piece, piece.size // _width(steps), steps))
    return _highest(peaks)


def _peak_of(cells: Cells, pixels: Pixels, first: int, count: int, plan: Plan) -> float | None:
    """Return the maximum of y over frames that are not wanted, and keep none of their cells."""
    steps = plan.frame_steps(first)
    return _highest(
        current_kernel().peak(piece.cells, piece.cells.size // _width(steps), steps)
        for piece in cells.pieces(pixels, first, count)
    )


def _work_out(first: int, out: NDArray[Any], plan: Plan, peak: float | None) -> None:
    """Turn the cells at the beginning of `out` into values.

    Parameters
    ----------
    first : int
        The frame that `out` begins with.
    out : ndarray, C-contiguous
        As `_take_in` has left it.
    plan : Plan
    peak : float or None
        The maximum of the instance.

    Raises
    ------
    InexactError
        The first value that the output dtype cannot hold.
    """
    steps = plan.frame_steps(first)._replace(peak=0.0 if peak is None else peak)
    width = _width(steps)
    flat = out.reshape(-1)
    waiting = flat.view(np.uint8)
    error = None
    end = flat.size
    while end:
        start = max(0, end - _BLOCK // width)
        block = waiting[start * width : end * width]
        if start * flat.itemsize < end * width:  # the values come to lie where these cells are
            block = block.copy()
        bad = current_kernel().scale(block, flat[start:end], steps)
        if bad >= 0:
            exact = np.empty(end - start, np.float64)
            reference.scale(block, exact, steps)
            error = inexact_error(first, start + bad, float(exact[bad]), plan)
        end = start
    if error is not None:  # of the first value: the last that was found
        raise error


def _width(steps: Steps) -> int:
    """Return the bytes of a cell."""
    return int(steps.cell[1])
