"""Frames into an array: each decoded and scaled where it belongs, several at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError
from fastpix.frames.cells import Cells, FrameCells
from fastpix.image.values import fill_frame, fill_pieces, frame_peak
from fastpix.image.waiting_cells import peak_of_frame, take_in, work_out
from fastpix.plan.plan import Plan
from fastpix.source.stored import Pixels

T = TypeVar("T")

# Pixels from which threads gain more than it takes to start them: ours for several frames, those of
# a codec for a single one.
_DECODED, _NATIVE, SINGLE = 2**19, 2**22, 2**16


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def checked_threads(threads: int) -> int:
    """Return `threads` if it is a number of threads."""
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise ArgumentError("threads", f"{threads!r} is not a positive number of threads")
    return int(threads)


def thread_count(threads: int | None, plan: Plan, frames: int, encapsulated: bool) -> int:
    """Return how many threads to use: as many as asked for, or as help.

    Parameters
    ----------
    threads : int or None
        What the caller asks for.
    plan : Plan
    frames : int
        How many will be read.
    encapsulated : bool

    Raises
    ------
    ArgumentError
        `threads` is no positive number.
    """
    if threads is not None:
        return checked_threads(threads)
    least = _NATIVE
    if encapsulated:
        least = SINGLE if frames == 1 else _DECODED
    return cores() if frames * plan.shape[1] * plan.shape[2] >= least else 1


def read_pieces(
    pieces: Callable[[int], Iterable[FrameCells]],
    plan: Plan,
    indices: Sequence[int],
    result: NDArray[Any],
    threads: int,
    peak: float | None = None,
) -> None:
    """Fill `result` with the values of native frames that come in pieces.

    Parameters
    ----------
    pieces : callable
        A frame to its pieces.
    plan : Plan
        One that takes pieces.
    indices, result, threads, peak
        As in `read_frames`.
    """

    def fill(position: int) -> None:
        fill_pieces(indices[position], pieces(indices[position]), result[position], plan, peak)

    for _ in _each(fill, range(len(indices)), threads):
        pass


def read_frames(
    decode: Callable[[int, int], FrameCells],
    plan: Plan,
    indices: Sequence[int],
    result: NDArray[Any],
    peak: float | None,
    kept: dict[int, FrameCells],
    threads: int,
) -> None:
    """Fill `result` with the values of frames.

    Parameters
    ----------
    decode : callable
        ``(frame, threads)`` to its cells.
    plan : Plan
    indices : sequence of int
    result : ndarray
        ``(len(indices), *plan.shape[1:])``, of ``plan.dtype``.
    peak : float or None
        The maximum of the instance, where the plan inverts by it.
    kept : dict of int to FrameCells
        Frames that are decoded already.
    threads : int
    """
    inner = threads if len(indices) == 1 else 1

    def fill(position: int) -> None:
        index = indices[position]
        source = kept.get(index) or decode(index, inner)
        fill_frame(index, source, result[position], plan, peak)

    for _ in _each(fill, range(len(indices)), threads):
        pass


def read_peak(
    decode: Callable[[int, int], FrameCells],
    plan: Plan,
    frames: int,
    wanted: set[int],
    threads: int,
) -> tuple[float | None, dict[int, FrameCells]]:
    """Return the maximum of y over all frames, and the cells of those that are wanted."""
    kept: dict[int, FrameCells] = {}
    inner = threads if frames == 1 else 1

    def find(index: int) -> float | None:
        source = decode(index, inner)
        if index in wanted:
            kept[index] = source
        return frame_peak(index, source, plan)

    peaks = [peak for peak in _each(find, range(frames), threads) if peak is not None]
    return max(peaks, default=None), kept


def read_waiting(
    cells: Cells,
    pixels: Pixels,
    plan: Plan,
    indices: Sequence[int],
    result: NDArray[Any],
    threads: int,
) -> float | None:
    """Fill `result` with values that need the maximum of y over all frames, and return it.

    Parameters
    ----------
    cells : Cells
        Those that `may_wait`.
    pixels : Pixels
        From `Cells.opened`.
    plan, indices, result, threads
        As in `read_frames`.
    """

    def take(position: int) -> float | None:
        return take_in(cells, pixels, indices[position], result[position], plan)

    def fill(position: int) -> None:
        work_out(indices[position], result[position], plan, peak)

    positions = range(len(indices))
    wanted = set(indices)
    others = [frame for frame in range(plan.shape[0]) if frame not in wanted]
    peaks = [
        *_each(take, positions, threads),
        *_each(partial(peak_of_frame, cells, pixels, plan=plan), others, threads),
    ]
    peak = max((peak for peak in peaks if peak is not None), default=None)
    for _ in _each(fill, positions, threads):
        pass
    return peak


def _each(work: Callable[[int], T], items: Sequence[int], threads: int) -> Iterator[T]:
    """Yield what `work` makes of items, in order; what the first to fail raises ends it."""
    if threads == 1 or len(items) <= 1:
        yield from map(work, items)
        return

    with ThreadPoolExecutor(min(threads, len(items))) as pool:
        # Each with a context of its own: the kernel in use is a context variable.
        tasks = [pool.submit(copy_context().run, work, item) for item in items]
        try:
            for task in tasks:
                yield task.result()
        finally:
            for task in tasks:
                task.cancel()
