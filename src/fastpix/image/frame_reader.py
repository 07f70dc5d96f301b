"""Frames into an array: each decoded and scaled where it belongs, many small ones in one step."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.cells import NOT_CHECKED, Cells, FrameCells
from fastpix.frames.codecs import CheckedFrame
from fastpix.frames.color_evidence import AS_PLANNED
from fastpix.image.frame_threads import in_parts
from fastpix.image.gathered_frames import fill_gathered, gains_by_gathering, in_file_order
from fastpix.image.values import fill_frame, fill_pieces, frame_peak
from fastpix.notes import Note
from fastpix.plan.plan import Plan
from fastpix.source.stored import Pixels

KEPT_BYTES = 2**28
"""Bytes of decoded frames that are kept from the search for the maximum, at the most."""

_OBJECTS = 2**9  # bytes of the objects that hold a frame
_SHARE = 64  # compressed frames that a thread takes at a time, at the most
_WINDOW = 2**16  # indices that are looked at together
_SHARES = 8  # parts for each thread, at least, so that all end at about the same time


class FrameReader:
    """Reads frames of one image into arrays.

    Native frames that follow each other in the file and in the result, and take the same steps, are
    read many at a time, so that their number costs nothing.

    Parameters
    ----------
    cells : Cells
    pixels : Pixels
        From `Cells.opened`.
    plan : Plan
    threads : int
    pinned : str, optional
        The one decoder to use.
    as_stored : bool
        The samples of colour are wanted as they are, whatever their colours.
    checked : mapping of int to CheckedFrame
        From `Cells.check`.

    Attributes
    ----------
    decoders : dict of str to None
        What has decoded frames, in this order.
    odd : dict of Note to None
        What was odd about frames.
    """

    def __init__(
        self,
        cells: Cells,
        pixels: Pixels,
        plan: Plan,
        threads: int,
        pinned: str | None = None,
        as_stored: bool = False,
        checked: Mapping[int, CheckedFrame] = NOT_CHECKED,
    ) -> None:
        self._cells = cells
        self._pixels = pixels
        self._plan = plan
        self._threads = threads
        self._pinned = pinned
        self._as_stored = as_stored
        self._checked = checked
        self._kept: dict[int, FrameCells] = {}
        alike = plan.is_by_cell and not plan.has_own_rescales
        self._run = cells.run_length if alike else 1
        self._by_pieces = cells.comes_in_pieces() and plan.is_by_cell
        self.decoders: dict[str, None] = {}
        self.odd: dict[Note, None] = {}

    def fill(self, frames: Sequence[int], result: NDArray[Any], peak: float | None) -> None:
        """Fill `result` with the values of frames.

        Parameters
        ----------
        frames : sequence of int
        result : ndarray
            ``(len(frames), *plan.shape[1:])``, of ``plan.dtype``.
        peak : float or None
            The maximum of the instance, where the plan inverts by it.
        """
        count = len(frames)
        may_gather = not self._kept and gains_by_gathering(self._cells, self._plan, frames)
        if may_gather and self._gather(frames, result, peak):
            return  # else there is a value that does not fit: the first is found frame by frame
        inner = self._threads if count == 1 else 1

        def work(start: int, stop: int) -> None:
            for at, end in runs_of(frames, start, stop, self._run):
                frame, out = frames[at], result[at:end]
                source = self._kept.get(frame)
                if source is None and self._by_pieces:
                    pieces = self._cells.pieces(self._pixels, frame, end - at)
                    fill_pieces(frame, pieces, out, self._plan, peak)
                else:
                    source = source or self._source(frame, end - at, inner)
                    fill_frame(frame, source, out, self._plan, peak)

        for _ in in_parts(work, count, self._threads, self._share(count)):
            pass

    def _gather(self, frames: Sequence[int], result: NDArray[Any], peak: float | None) -> bool:
        """Fill `result` in the order of the file; False where a value does not fit."""
        numbers, places = in_file_order(frames)

        def work(start: int, stop: int) -> bool:
            some = numbers[start:stop], places[start:stop]
            return fill_gathered(self._cells, self._pixels, *some, result, self._plan, peak)

        share = -(-len(frames) // self._threads)
        return all([*in_parts(work, len(frames), self._threads, share)])

    def peak(self, count: int, wanted: Sequence[int]) -> float | None:
        """Return the maximum of y over all frames.

        Parameters
        ----------
        count : int
            How many frames there are.
        wanted : sequence of int
            Frames that will be read next: some of them are kept, so that they are decoded once.
        """
        inner = self._threads if count == 1 else 1
        kept = self._keepable(wanted) if self._run == 1 else ()

        def work(start: int, stop: int) -> float | None:
            best: float | None = None
            for at, end in runs_of(range(count), start, stop, self._run):
                source = self._source(at, end - at, inner)
                if at in kept:
                    self._kept[at] = source
                peak = frame_peak(at, source, self._plan, end - at)
                if peak is not None and (best is None or peak > best):
                    best = peak
            return best

        parts = in_parts(work, count, self._threads, self._share(count))
        return max((peak for peak in parts if peak is not None), default=None)

    def _source(self, frame: int, count: int, threads: int) -> FrameCells:
        if self._run > 1:
            return self._cells.run(self._pixels, frame, count)
        source = self._cells.frame(self._pixels, frame, self._pinned, threads, self._checked)
        if source.decoder:
            self.decoders[source.decoder] = None
        for note in source.notes:
            self.odd[note] = None
        if self._as_stored:
            return source._replace(colors=AS_PLANNED)
        if source.colors.error is not None:
            raise source.colors.error
        if self._plan.color_range is not None and source.colors.error_of_range is not None:
            raise source.colors.error_of_range
        return source

    def _share(self, count: int) -> int:
        """Return how many frames a thread takes at a time."""
        if self._run > 1:
            return -(-count // self._threads)
        return max(1, min(_SHARE, count // (_SHARES * self._threads)))

    def _keepable(self, wanted: Sequence[int]) -> Container[int]:
        """Return those frames of `wanted` that may be kept."""
        cell = self._plan.frame_steps(0).cell
        size = math.prod(self._plan.shape[1:]) * (1 if cell == "bit" else int(cell[1]))
        some = wanted[: KEPT_BYTES // (size + _OBJECTS)]
        return some if isinstance(some, range) else frozenset(map(int, some))


def runs_of(frames: Sequence[int], start: int, stop: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where frames that follow each other begin and end in `frames`, `size` at the most.

    Parameters
    ----------
    frames : sequence of int
    start, stop : int
        The part of `frames` that is looked at.
    size : int
    """
    if size == 1:
        yield from ((at, at + 1) for at in range(start, stop))
        return
    step = stop - start if isinstance(frames, range) and frames.step == 1 else _WINDOW
    for first in range(start, stop, max(step, 1)):
        some = frames[first : min(first + step, stop)]
        ends = [len(some)]
        if step == _WINDOW:
            ends = [*(np.flatnonzero(np.diff(np.asarray(some)) != 1) + 1).tolist(), len(some)]
        at = 0
        for end in ends:
            while at < end:
                last = min(at + size, end)
                yield first + at, first + last
                at = last
