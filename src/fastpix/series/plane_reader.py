"""The pixels of planes into one array: each plane by its own header, straight to its place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError, add_source
from fastpix.frames.cells import Cells
from fastpix.header.instance import Instance
from fastpix.image.frame_reader import FrameReader
from fastpix.image.frame_threads import checked_threads, cores, in_parts, thread_count
from fastpix.image.reading import plan_of_alike
from fastpix.kernel.registry import current_kernel
from fastpix.notes import Note
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe
from fastpix.series.plain_run import FILES_PER_CALL, PlainImage, PlainRun, plain_image, same_steps
from fastpix.series.plane import Plane
from fastpix.series.series_files import SeriesFile

_DECODED_TOGETHER = 4  # files that a thread takes at a time, where frames are compressed
_THREADED = 2**19  # pixels from which several threads gain more than they cost
_HELD = 4  # files of several frames that are held while their planes alternate
_PIECE = 2**26  # bytes of float64 values that a search for the maximum holds at a time


def plans_of(files: Sequence[SeriesFile], used: Sequence[int], recipe: Recipe) -> dict[int, Plan]:
    """Return the plan of each file that is used, all with one dtype.

    Parameters
    ----------
    files : sequence of SeriesFile
    used : sequence of int
        Numbers of files.
    recipe : Recipe
        For ``dtype="auto"``, the dtype is one that holds the values of all files.

    Raises
    ------
    FastpixError
        A header cannot give what is asked; the error names the file.
    """
    plans: dict[int, Plan] = {}
    for number in used:
        try:
            plans[number] = plan_of_alike(files[number].header, recipe)
        except FastpixError as error:
            add_source(error, files[number].name)
            raise
    dtypes = {plan.dtype for plan in plans.values()}
    if len(dtypes) > 1:
        common = np.result_type(*dtypes).name
        return plans_of(files, used, replace(recipe, dtype=common))
    return plans


class PlaneReader:
    """Reads the planes of a stack into one array.

    Parameters
    ----------
    files : sequence of SeriesFile
    planes : sequence of (Plane or None)
        In the order of the array; None for a plane that is missing.
    recipe : Recipe
    threads : int or None
        None: as many as help.

    Attributes
    ----------
    files, planes, recipe
        As they were given.
    plans : dict of int to Plan
        By the number of the file.
    decoders : dict of str to None
        What has decoded frames, in this order.
    odd : dict of Note to None
        What was odd about frames.
    """

    def __init__(
        self,
        files: Sequence[SeriesFile],
        planes: Sequence[Plane | None],
        recipe: Recipe,
        threads: int | None = None,
    ) -> None:
        self.files = files
        self.planes = planes
        self.recipe = recipe
        self._threads = threads
        self._is_compiled = hasattr(current_kernel(), "scale_files")
        used = dict.fromkeys(plane.source for plane in planes if plane is not None)
        self.plans = plans_of(files, list(used), recipe)
        self.decoders: dict[str, None] = {}
        self.odd: dict[Note, None] = {}
        self._held: dict[int, Instance] = {}
        self._compared: dict[tuple[int, int], NDArray[Any]] = {}
        self._lock = Lock()

    @property
    def plan(self) -> Plan:
        """The plan of the first plane; dtype and unit are those of all."""
        return next(iter(self.plans.values()))

    def fill(self, out: NDArray[Any]) -> None:
        """Fill an array with the values of the planes.

        Parameters
        ----------
        out : ndarray, C-contiguous
            ``(len(planes), rows, columns)``, colour with a last axis of 3; of the plan's dtype.

        Raises
        ------
        FastpixError
            A file cannot be read; the error names it.
        """
        needs_peak = any(plan.needs_peak for plan in self.plans.values())
        peak = self._peak() if needs_peak else None
        count = len(self.planes)
        threads, share = self._shares(out)
        inner = 1 if threads > 1 else self._threads

        def work(start: int, stop: int) -> None:
            at = start
            while at < stop:
                at = self._fill_some(at, stop, out, peak, inner)

        try:
            for _ in in_parts(work, count, threads, share):
                pass
        finally:
            self._held.clear()

    def _shares(self, out: NDArray[Any]) -> tuple[int, int]:
        """Return how many threads there are, and how many planes one takes at a time."""
        count = len(self.planes)
        if len(self.plans) == 1:  # the reader of its frames shares them out
            return 1, count
        if self._threads is not None:
            threads = checked_threads(self._threads)
        else:
            threads = cores() if out.size >= _THREADED else 1
        is_decoded = any(self.files[number].header.encapsulated for number in self.plans)
        most = _DECODED_TOGETHER if is_decoded else FILES_PER_CALL
        return threads, max(1, min(-(-count // threads), most))

    def _fill_some(
        self, at: int, stop: int, out: NDArray[Any], peak: float | None, threads: int | None
    ) -> int:
        """Fill planes from number `at` on, at least one; return the number of the next."""
        plane = self.planes[at]
        if plane is None:
            out[at] = np.nan
            return at + 1
        run = self._plain_run(at, stop)
        if run is not None:
            done = run.fill(out[at : at + run.count], peak)
            if done:
                return at + done
        end = at + 1
        if plane.tile is None:
            while end < stop and _is_of(self.planes[end], plane.source):
                end += 1
            frames = [p.frame for p in self.planes[at:end] if p is not None]
            self._read(plane.source, frames, out[at:end], peak, threads)
            return end
        while end < stop and _is_of(self.planes[end], plane.source, plane.frame):
            end += 1
        plan = self.plans[plane.source]
        whole = np.empty((1, *plan.shape[1:]), plan.dtype)
        self._read(plane.source, [plane.frame], whole, peak, threads)
        for k in range(at, end):
            out[k] = _cut(whole[0], self.planes[k])
        return end

    def _read(
        self,
        source: int,
        frames: Sequence[int],
        out: NDArray[Any],
        peak: float | None,
        threads: int | None,
        plan: Plan | None = None,
    ) -> None:
        """Read frames of one file into an array, one after the other."""
        file = self.files[source]
        plan = plan or self.plans[source]
        try:
            instance = self._instance(source)
            cells = Cells(instance.header, instance.pixels)
            pixels = cells.opened()
            decoder = self.recipe.decoder
            try:
                notes = [*cells.notes, *cells.find(pixels, frames)]
                checked = cells.check(pixels, frames, decoder)
                count = thread_count(threads, plan, len(frames), file.header.encapsulated)
                reader = FrameReader(cells, pixels, plan, count, decoder, checked=checked)
                reader.fill(frames, out, peak)
                pixels.stored.check()
            except FastpixError:
                pixels.stored.check()  # if the file has changed, that is the reason
                raise
            finally:
                cells.release(pixels)
        except Exception as error:
            add_source(error, file.name)
            raise
        self.decoders |= reader.decoders
        for note in (*notes, *reader.odd):
            self.odd[note] = None

    def values_of(self, plane: Plane) -> NDArray[Any]:
        """Return the values of one plane, without what depends on the others."""
        key = plane.source, plane.frame
        if key not in self._compared:  # the next may be another tile of the same frame
            plan = self.plans[plane.source]
            whole = np.empty((1, *plan.shape[1:]), plan.dtype)
            self._read(plane.source, [plane.frame], whole, None, 1)
            self._compared[key] = whole[0]
            _keep_last(self._compared, 2)
        return _cut(self._compared[key], plane)

    def _instance(self, source: int) -> Instance:
        """Return a file, ready to be read; one that has to be parsed again is held for a while."""
        file = self.files[source]
        if file.kept is not None or file.header.frames == 1:
            return file.instance()
        with self._lock:
            held = self._held.get(source)
        if held is None:
            held = file.instance()
            with self._lock:
                self._held[source] = held
                _keep_last(self._held, _HELD)
        return held

    def _peak(self) -> float:
        """Return the maximum of all planes before inversion; 0 where all is padding."""
        # Values as they are before step 5; padding that is set apart is NaN, which is left out.
        padding = None if self.recipe.padding is None else math.nan
        plain = replace(
            self.recipe, dtype="float64", invert="none", normalize=None, padding=padding
        )
        plans = plans_of(self.files, list(self.plans), plain)
        best = -math.inf
        for source, planes in _by_source(self.planes):
            plan = plans[source]
            step = max(1, _PIECE // (8 * math.prod(plan.shape[1:])))
            frames = list(dict.fromkeys(plane.frame for plane in planes))
            for k in range(0, len(frames), step):
                some = frames[k : k + step]
                values = np.empty((len(some), *plan.shape[1:]))
                self._read(source, some, values, None, None, plan)
                for plane in planes:
                    if plane.tile is not None and plane.frame in some:
                        best = max(best, _maximum(_cut(values[some.index(plane.frame)], plane)))
                if planes[0].tile is None:
                    best = max(best, _maximum(values))
        return 0.0 if best == -math.inf else best

    def _plain_run(self, at: int, stop: int) -> PlainRun | None:
        """Return planes that compiled code can read alone, one file each; None if one cannot."""
        first = self._plain(at)
        if first is None:
            return None
        (image, plan), images = first, [first[0]]
        for number in range(at + 1, min(stop, at + FILES_PER_CALL)):
            other = self._plain(number)
            if other is None or other[0].size != image.size:
                break
            if other[1] is not plan and not same_steps(other[1].steps, plan.steps):
                break
            images.append(other[0])
        return PlainRun(images, plan)

    def _plain(self, number: int) -> tuple[PlainImage, Plan] | None:
        plane = self.planes[number]
        if plane is None or plane.tile is not None or not self._is_compiled:
            return None
        file, plan = self.files[plane.source], self.plans[plane.source]
        if file.kept is None or not plan.is_by_cell:
            return None
        image = plain_image(file.header, file.kept.pixels)
        return None if image is None else (image, plan)


def _keep_last(held: dict[Any, Any], count: int) -> None:
    while len(held) > count:
        del held[next(iter(held))]


def _is_of(plane: Plane | None, source: int, frame: int | None = None) -> bool:
    """Whether a plane is of a file, and of a frame where one is given, or else no tile."""
    if plane is None or plane.source != source:
        return False
    return plane.tile is None if frame is None else plane.frame == frame


def _cut(values: NDArray[Any], plane: Plane | None) -> NDArray[Any]:
    """Return the part of a frame that is a plane."""
    if plane is None or plane.tile is None:
        return values
    row, column = plane.tile
    rows, columns = plane.identity.rows, plane.identity.columns
    return values[row : row + rows, column : column + columns]


def _by_source(planes: Sequence[Plane | None]) -> Iterator[tuple[int, list[Plane]]]:
    found: dict[int, list[Plane]] = {}
    for plane in planes:
        if plane is not None:
            found.setdefault(plane.source, []).append(plane)
    return iter(found.items())


def _maximum(values: NDArray[Any]) -> float:
    """Return the greatest value that is a number; minus infinity where there is none."""
    return float(np.fmax.reduce(values, axis=None, initial=-math.inf))
