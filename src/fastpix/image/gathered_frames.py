"""Many native frames in one call of the kernel: in any order, each by its own rescale.

The frames of a file that is not held in memory are read in the order of the file, as many at a time
as lie within a piece, and each is written to where it belongs in the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.cells import PIECE, Cells
from fastpix.image.values import with_peak
from fastpix.kernel.registry import current_kernel
from fastpix.plan.plan import Plan
from fastpix.source.stored import Pixels

Numbers = NDArray[np.int64]


def gains_by_gathering(cells: Cells, plan: Plan, frames: Sequence[int]) -> bool:
    """Whether frames are read faster by `fill_gathered` than one after the other, or as one.

    Parameters
    ----------
    cells : Cells
    plan : Plan
    frames : sequence of int
    """
    if len(frames) < 2 or not (plan.is_by_cell and cells.frames_fit_a_piece):
        return False
    return plan.has_own_rescales or not (isinstance(frames, range) and frames.step == 1)


def in_file_order(frames: Sequence[int]) -> tuple[Numbers, Numbers]:
    """Return frames in ascending order, and the place that each has in `frames`.

    Parameters
    ----------
    frames : sequence of int
    """
    if isinstance(frames, range) and frames.step > 0:
        numbers = np.arange(frames.start, frames.stop, frames.step, dtype=np.int64)
        return numbers, np.arange(len(frames), dtype=np.int64)
    numbers = np.asarray(frames, np.int64)
    places = np.argsort(numbers, kind="stable").astype(np.int64, copy=False)
    return numbers[places], places


def fill_gathered(
    cells: Cells,
    pixels: Pixels,
    numbers: Numbers,
    places: Numbers,
    result: NDArray[Any],
    plan: Plan,
    peak: float | None,
) -> bool:
    """Fill items of `result` with the values of frames.

    Parameters
    ----------
    cells : Cells
    pixels : Pixels
        From `Cells.opened`.
    numbers, places : ndarray of int64
        Of each frame, in ascending order of the frames: which it is, and its place in `result`.
    result : ndarray, C-contiguous
        ``(items, *plan.shape[1:])``, of ``plan.dtype``.
    plan : Plan
        One that gains by this.
    peak : float or None
        The maximum of the instance, where the plan inverts by it.

    Returns
    -------
    bool
        False: there is a value that the output dtype cannot hold.
    """
    kernel = current_kernel()
    steps = with_peak(plan.steps, plan, peak)
    slopes, intercepts = np.array([steps.slope]), np.array([steps.intercept])
    items = result.reshape(len(result), -1)
    size = items.shape[1]
    buffer = None if cells.are_held else np.empty(PIECE + 1, np.uint8)
    for at, end in _windows(numbers, None if cells.are_held else cells.run_length):
        some = numbers[at:end]
        first = int(some[0])
        source = cells.run(pixels, first, int(some[-1]) - first + 1, buffer)
        if plan.has_own_rescales:
            assert plan.rescales is not None
            slopes, intercepts = plan.rescales.slopes[some], plan.rescales.intercepts[some]
        starts = (some - first) * size + source.skip
        how = starts, places[at:end], slopes, intercepts
        if kernel.scale_frames(source.cells, items, steps, *how) >= 0:
            return False
    return True


def _windows(numbers: Numbers, most: int | None) -> Iterator[tuple[int, int]]:
    """Yield the ends of parts of `numbers` that follow each other, `most` different ones at most.

    A number may occur several times. None: all of them are one part.
    """
    if most is None:
        if len(numbers):
            yield 0, len(numbers)
        return
    at = 0
    for end in (*(np.flatnonzero(np.diff(numbers) > 1) + 1).tolist(), len(numbers)):
        while at < end:
            last = at + int(np.searchsorted(numbers[at:end], numbers[at] + most))
            yield at, last
            at = last
