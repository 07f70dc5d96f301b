"""Files to one array: a batch for a model, filled by threads, image by image in its place."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from math import inf
from time import perf_counter
from typing import Any, Literal, NamedTuple, TypeAlias, get_args, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastpix.errors import ArgumentError, warn_caller
from fastpix.image.frame_selection import Frames
from fastpix.image.frame_threads import checked_threads, cores
from fastpix.image.limits import MAX_BYTES, checked_limit
from fastpix.recipe import Invert, Recipe, one_recipe
from fastpix.runs.alike import RUN_FILES, ReaderState, RunReader, Warned
from fastpix.runs.batch_places import MaskedBatch, Places
from fastpix.runs.many import sources_of
from fastpix.source.lent_buffers import Buffer, borrow, give_back
from fastpix.source.naming import name_of
from fastpix.source.opening import SourceLike

OnBatchError: TypeAlias = Literal["raise", "mask"]
_How: TypeAlias = tuple[Recipe, Frames, int]

_WORTH_THREADS = 2e-3  # seconds of reading that several threads share out at a gain
_PARTS = 4  # for each thread, so that a slow file keeps the others waiting less


@overload
def imread_batch(
    sources: Iterable[SourceLike],
    *,
    dtype: DTypeLike = ...,
    rescale: bool = ...,
    invert: Invert = ...,
    normalize: tuple[float, float] | None = ...,
    padding: float | None = ...,
    color_range: tuple[float, float] | None = ...,
    frames: Frames = ...,
    size: tuple[int, int] | None = ...,
    fill: float = ...,
    out: NDArray[Any] | None = ...,
    recipe: Recipe | None = ...,
    max_bytes: int = ...,
    decoder: str | None = ...,
    threads: int | None = ...,
    on_error: Literal["raise"] = ...,
) -> NDArray[Any]: ...


@overload
def imread_batch(
    sources: Iterable[SourceLike],
    *,
    dtype: DTypeLike = ...,
    rescale: bool = ...,
    invert: Invert = ...,
    normalize: tuple[float, float] | None = ...,
    padding: float | None = ...,
    color_range: tuple[float, float] | None = ...,
    frames: Frames = ...,
    size: tuple[int, int] | None = ...,
    fill: float = ...,
    out: NDArray[Any] | None = ...,
    recipe: Recipe | None = ...,
    max_bytes: int = ...,
    decoder: str | None = ...,
    threads: int | None = ...,
    on_error: Literal["mask"],
) -> MaskedBatch: ...


def imread_batch(
    sources: Iterable[SourceLike],
    *,
    dtype: DTypeLike = "float32",
    rescale: bool = True,
    invert: Invert = "max",
    normalize: tuple[float, float] | None = None,
    padding: float | None = None,
    color_range: tuple[float, float] | None = None,
    frames: Frames = None,
    size: tuple[int, int] | None = None,
    fill: float = 0,
    out: NDArray[Any] | None = None,
    recipe: Recipe | None = None,
    max_bytes: int = MAX_BYTES,
    decoder: str | None = None,
    threads: int | None = None,
    on_error: OnBatchError = "raise",
) -> NDArray[Any] | MaskedBatch:
    """Read DICOM images into one array, each at its place: the values that `imread` gives.

    Parameters
    ----------
    sources : iterable of path, bytes-like, binary file or pydicom Dataset
        At least one; read in any order, by several threads.
    dtype : str or numpy dtype
        float32, float64, an integer dtype (exact or an error), or "auto", chosen by the header.
    rescale : bool
        Apply Rescale Slope and Intercept, or the Modality LUT; False leaves stored values.
    invert : {"max", "range", "none"}
        MONOCHROME1: subtract from the image's maximum, mirror in the possible range, or leave.
    normalize : (float, float), optional
        Clip to this interval, in output units, and map it to 0..1.
    padding : float, optional
        What pixels marked by Pixel Padding Value become; if not given, they stay as they are.
    color_range : (float, float), optional
        Colour: bring it to 8 bits, and map 0..255 to this interval; monochrome images stay.
    frames : int, slice, sequence of int or None
        Which frames of each image; an int drops the frame axis, None reads all.
    size : (int, int), optional
        Rows and columns of the batch. Larger images lose their edges, smaller ones are surrounded
        by `fill`; both are centred, and nothing is interpolated. Of n rows where m are asked for,
        the first that is kept is ``(n - m) // 2``, or the first of the image stands in row
        ``(m - n) // 2``. If not given, all images must be as large as the first.
    fill : float
        What surrounds smaller images, and stands for images that cannot be read.
    out : ndarray, optional
        Filled and returned; C-contiguous, writable, of the right shape and dtype: a part of a
        larger array, say, or the NumPy view of a torch tensor in pinned memory.
    recipe : Recipe, optional
        In place of the six keywords from `dtype` to `color_range`.
    max_bytes : int
        The most bytes that one image may decode to, deflated data sets included.
    decoder : str, optional
        The one package that may decode compressed frames; if not given, the fastest is tried first.
    threads : int, optional
        How many threads read; as many as help, up to all cores, if not given.
    on_error : {"raise", "mask"}
        What to do with a file that cannot be read, or does not fit: raise the error of the first
        one, or fill its place and go on.

    Returns
    -------
    ndarray
        ``(N, rows, columns)``, or ``(N, frames, rows, columns)``; with a last axis of 3 for colour.
        With ``on_error="mask"`` a `MaskedBatch`: this array, which images were read, and errors.

    Warns
    -----
    HeaderWarning
        Of files with an oddity, in the order of sources; the text names the file.

    Raises
    ------
    FastpixError
        An argument cannot be used; images differ in size (the error names them); a file cannot be
        read; or, with ``on_error="mask"``, none can.

    Examples
    --------
    >>> batch = fastpix.imread_batch(paths, normalize=(-1000, 400))             # doctest: +SKIP
    >>> tensor = torch.from_numpy(batch)[:, None]           # (N, 1, rows, columns) # doctest: +SKIP
    """
    asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder, color_range)
    if on_error not in get_args(OnBatchError):
        raise ArgumentError("on_error", f"{on_error!r} is not 'raise' or 'mask'")
    most = None if threads is None else checked_threads(threads)
    files = list(sources_of(sources))
    places = Places(len(files), size, fill, out)
    how = asked, frames, checked_limit(max_bytes)
    errors = read_to_places(files, places, *how, most, goes_on=on_error == "mask")
    names = [name_of(source) for source in files]
    if on_error == "mask":
        return places.masked(errors, names)
    for place in sorted(errors):
        raise errors[place]
    places.check_all_fit(names)
    return places.result


def read_to_places(
    files: Sequence[SourceLike],
    places: Places,
    recipe: Recipe,
    frames: Frames,
    max_bytes: int,
    threads: int | None,
    *,
    goes_on: bool,
    exchanges: bool = False,
) -> dict[int, Exception]:
    """Read images to their places in a batch, and warn of oddities.

    Parameters
    ----------
    files : sequence of path, bytes-like, binary file or pydicom Dataset
    places : Places
    recipe : Recipe
    frames : int, slice, sequence of int or None
    max_bytes : int
        Of one image.
    threads : int or None
        None: as many as help.
    goes_on : bool
        Whether files after one that cannot be read are read.
    exchanges : bool
        Read all files with MONOCHROME1 and MONOCHROME2 exchanged.

    Returns
    -------
    dict of int to Exception
        Why images could not be read, by their places.
    """
    reading = _BatchReading(files, places, recipe, frames, max_bytes, goes_on, exchanges)
    try:
        reading.run(threads)
    finally:
        for number in sorted(reading.warned):
            for text in reading.warned[number]:
                warn_caller(text, source=name_of(files[number]))
    errors: dict[int, Exception] = {}
    for place, error in reading.errors.items():
        if not isinstance(error, Exception):  # an interrupt is no fault of a file
            raise error
        errors[place] = error
    return errors


class _BatchReading:
    """Reads the files of a batch, in parts, by several threads.

    Parameters
    ----------
    files : sequence
    places : Places
    recipe : Recipe
    frames : int, slice, sequence of int or None
    max_bytes : int
        Of one image.
    goes_on : bool
        Whether files are read after one that cannot be.
    exchanges : bool
        MONOCHROME1 and MONOCHROME2 are exchanged.
    """

    def __init__(
        self,
        files: Sequence[SourceLike],
        places: Places,
        recipe: Recipe,
        frames: Frames,
        max_bytes: int,
        goes_on: bool,
        exchanges: bool,
    ) -> None:
        self._files = files
        self._places = places
        self._how = recipe, frames, max_bytes
        self._key = recipe, max_bytes, exchanges
        self._exchanges = exchanges
        self._goes_on = goes_on
        self._lock = threading.Lock()
        self._next = 0  # the first file that no thread has taken
        self._share = 1  # files that a thread takes at a time
        self._stop = len(files)  # files from here on are not read: there was an error
        self.errors: dict[int, BaseException] = {}
        self.warned: Warned = {}

    def run(self, threads: int | None) -> None:
        """Read all files; or, up to the first error, and some after it.

        Parameters
        ----------
        threads : int or None
            None: as many as help.
        """
        buffer = borrow()
        try:
            reader = self._reader(buffer, threads)
            if _last.key == self._key:
                reader.runs.follow(_last.state)
            start = perf_counter()
            while self._is_left() and not self._places.is_begun:  # the shape of all is that of one
                self._take(reader)
            count = self._count(threads, perf_counter() - start)
            if count > 1:
                self._take(reader)  # files like the first two need no settling by other threads
                self._work_together(reader, count)
            else:
                self._share = len(self._files)
                self._work(reader)
            _last.key, _last.state = self._key, reader.runs.state
        except BaseException:
            self._stop = 0
            raise
        finally:
            give_back(buffer)

    def _reader(self, buffer: Buffer, threads: int | None) -> _Reader:
        inner = threads if len(self._files) == 1 else 1
        here = _Here(self._places)
        # The memory of the batch is there already, however many files a call reads.
        runs = RunReader(*self._how, inner, buffer, here.array, inf, self._exchanges)
        return _Reader(here, runs)

    def _is_left(self) -> bool:
        return self._next < self._stop

    def _count(self, threads: int | None, first: float) -> int:
        """Return how many threads read what is left, where the first took so many seconds."""
        rest = len(self._files) - self._next
        if threads is None:
            threads = cores() if rest * first > _WORTH_THREADS else 1
        return min(threads, rest - 1)  # one more file is read before they start

    def _work_together(self, reader: _Reader, count: int) -> None:
        rest = len(self._files) - self._next
        self._share = max(1, min(RUN_FILES, -(-rest // (_PARTS * count))))
        state = reader.runs.state
        with ThreadPoolExecutor(count - 1) as pool:
            # Each with a context of its own: the kernel in use is a context variable.
            tasks = [
                pool.submit(copy_context().run, self._work_along, state) for _ in range(count - 1)
            ]
            try:
                self._work(reader)
            except BaseException:  # an interrupt: the others end after the file at hand
                self._stop = 0
                raise
        for task in tasks:
            task.result()

    def _work_along(self, state: ReaderState) -> None:
        buffer = borrow()
        try:
            reader = self._reader(buffer, 1)
            reader.runs.follow(state)
            self._work(reader)
        finally:
            give_back(buffer, leave=True)

    def _work(self, reader: _Reader) -> None:
        """Read parts as long as there are any."""
        while self._is_left():
            self._take(reader)

    def _take(self, reader: _Reader) -> None:
        """Read the files of the next part, each into its place."""
        with self._lock:
            at = self._next
            stop = self._next = min(at + self._share, len(self._files))
        while at < min(stop, self._stop):
            warned: Warned = {}
            reader.here.at = at
            results = reader.runs.read(self._files[at:stop], warned)
            self.warned |= {at + k: texts for k, texts in warned.items()}
            for k, (result, is_color) in enumerate(zip(results, reader.runs.colors, strict=True)):
                if isinstance(result, np.ndarray):
                    self._places.put(at + k, result, is_color)
                    continue
                self.errors[at + k] = result
                if not self._goes_on or not isinstance(result, Exception):
                    self._stop = min(self._stop, at + k)
            at += len(results)


class _Here:
    """Where in the batch a reader is: it knows no reader, so that nothing outlives a batch."""

    def __init__(self, places: Places) -> None:
        self.at = 0  # the place of the first file of a call
        self._places = places

    def array(self, k: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        return self._places.array(self.at + k, shape, dtype)


class _Reader(NamedTuple):
    """A reader of files for one thread, and where in the batch it is."""

    here: _Here
    runs: RunReader


class _Last(threading.local):
    """What the last batch of this thread has left: the next one mostly has files like its."""

    key: tuple[Recipe, int, bool] | None = None
    state: ReaderState = ReaderState()


_last = _Last()
