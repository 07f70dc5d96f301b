"""Many files to arrays, in order: threads read ahead of the caller."""

from __future__ import annotations

import atexit
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from contextvars import copy_context
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Lock, Thread, current_thread
from typing import Any, Literal, TypeAlias, get_args
from weakref import WeakSet

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastpix.errors import ArgumentError, FastpixError, SourceName, warn_caller
from fastpix.image.frame_selection import Frames
from fastpix.image.frame_threads import checked_threads, cores
from fastpix.image.limits import MAX_BYTES, checked_limit
from fastpix.recipe import Invert, Recipe, one_recipe
from fastpix.runs.alike import RUN_BYTES, RUN_FILES, Allocate, ArrayOrError, RunReader, Warned
from fastpix.runs.array_memory import ArrayMemory
from fastpix.runs.uninterrupted import uninterrupted
from fastpix.source.lent_buffers import Buffer, borrow, give_back
from fastpix.source.naming import name_of
from fastpix.source.opening import SourceLike
from fastpix.source.pydicom_types import is_dataset

OnError: TypeAlias = Literal["raise", "yield"]
NewReader: TypeAlias = Callable[[Buffer, Allocate], RunReader]

_TASKS_AHEAD = 2  # for each thread: bounds how many arrays wait for the caller
_array_memory = ArrayMemory()


def imread_many(
    sources: Iterable[SourceLike],
    *,
    dtype: DTypeLike = "float32",
    rescale: bool = True,
    invert: Invert = "max",
    normalize: tuple[float, float] | None = None,
    padding: float | None = None,
    color_range: tuple[float, float] | None = None,
    frames: Frames = None,
    recipe: Recipe | None = None,
    max_bytes: int = MAX_BYTES,
    decoder: str | None = None,
    threads: int | None = None,
    on_error: OnError = "raise",
) -> Iterator[Any]:
    """Read many DICOM images, several at a time, and yield their arrays in order.

    Threads read ahead of the caller, but not far: each thread holds at most about 4 MiB of arrays,
    or two arrays if they are larger. The threads start when the caller asks for the first array,
    and end when the iteration ends, however it ends. They use the kernel that was in use when
    `imread_many` was called.

    Parameters
    ----------
    sources : iterable of path, bytes-like, binary file or pydicom Dataset
        Read step by step, in the thread that takes the arrays, so it may be long, or endless. An
        error that it raises is raised after the arrays of the sources before it.
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
        Which frames; an int drops the frame axis, None reads all.
    recipe : Recipe, optional
        In place of the six keywords from `dtype` to `color_range`.
    max_bytes : int
        The most bytes that one image may decode to, deflated data sets included.
    decoder : str, optional
        The one package that may decode compressed frames; if not given, the fastest is tried first.
    threads : int, optional
        How many files are read at a time; as many as there are cores if not given.
    on_error : {"raise", "yield"}
        What to do with a file that cannot be read: raise its error when its turn comes, which ends
        the iteration, or yield the error, a `FastpixError` or OSError, in place of an array.

    Yields
    ------
    ndarray
        ``(rows, columns)``, ``(frames, rows, columns)``, and with a last axis of 3 for colour.

    Warns
    -----
    HeaderWarning
        Before the array of a file with an oddity, at the line that asks for the array. The text
        and the attribute `source` name the file.

    Raises
    ------
    FastpixError
        An argument cannot be used; or a file cannot be read (see `on_error`). Also in a process
        that was forked after the first array was asked for: it has no threads.

    Examples
    --------
    >>> for array in fastpix.imread_many(sorted(folder.glob("*.dcm"))):    # doctest: +SKIP
    ...     train_on(array)
    """
    asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder, color_range)
    if on_error not in get_args(OnError):
        raise ArgumentError("on_error", f"{on_error!r} is not 'raise' or 'yield'")
    count = cores() if threads is None else checked_threads(threads)
    new_reader = partial(
        RunReader, asked, frames, checked_limit(max_bytes), 1 if count > 1 else None
    )
    workers = _Workers(new_reader, count)
    return _yielded(_in_order(workers, sources_of(sources)), on_error)


def sources_of(sources: Iterable[SourceLike]) -> Iterator[SourceLike]:
    """Return an iterator over sources; a single source is refused, though it may be iterable.

    Parameters
    ----------
    sources : iterable of path, bytes-like, binary file or pydicom Dataset

    Raises
    ------
    ArgumentError
    """
    one = isinstance(sources, (str, bytes, bytearray, memoryview, os.PathLike))
    # One source, though some kinds of source are iterable.
    if one or is_dataset(sources) or hasattr(sources, "read"):
        raise ArgumentError("sources", f"one {type(sources).__name__}: use imread, or a list of it")
    try:
        return iter(sources)
    except TypeError as error:
        raise ArgumentError("sources", f"a {type(sources).__name__} is not iterable") from error


def _yielded(
    results: Generator[ArrayOrError, None, None], on_error: OnError
) -> Iterator[ArrayOrError]:
    with closing(results):
        for result in results:
            expected = on_error == "yield" and isinstance(result, (FastpixError, OSError))
            if isinstance(result, BaseException) and not expected:
                try:
                    raise result
                finally:
                    del result  # breaks the circle: the error refers to this frame, which holds it
            yield result


class _Task:
    """Files that one thread reads one after the other."""

    __slots__ = ("done", "results", "sources", "warned")

    def __init__(self, sources: list[SourceLike]) -> None:
        self.sources = sources
        self.results: list[ArrayOrError] = []  # of the first source, and of some that follow
        self.warned: Warned = {}  # what the threads would have warned of
        self.done = Lock()  # held until the results are there
        self.done.acquire()


class _Workers:
    """Threads that read, and the queue of their tasks.

    This is lighter than an executor: one of its futures costs as much time as a small file.
    """

    def __init__(self, new_reader: NewReader, count: int) -> None:
        self.count = count
        self._new_reader = new_reader
        self._context = copy_context()  # the kernel in use is a context variable
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._starting = Lock()  # held while threads are started
        self._is_stopped = False
        self._process = os.getpid()

    def start(self) -> None:
        """Start the threads."""
        self._process = os.getpid()
        _started.add(self)
        uninterrupted(self._start_threads)

    def _start_threads(self) -> None:
        with self._starting:
            for _ in range(self.count):
                if self._is_stopped:  # whoever asked for the threads was interrupted
                    return
                run = self._context.copy().run
                arguments = _work, self._new_reader, self._tasks
                thread = Thread(target=run, args=arguments, daemon=True)
                thread.start()
                self._threads.append(thread)

    def put(self, task: _Task) -> None:
        """Hand a task to the threads."""
        self._tasks.put(task)

    def results_of(self, task: _Task) -> list[ArrayOrError]:
        """Wait until a task is done, and return its results.

        Raises
        ------
        FastpixError
            There are no threads: this process was forked, or Python is about to exit.
        """
        if self._process != os.getpid() or self._is_stopped:
            raise FastpixError("imread_many does not go on in a forked process, or at exit")
        task.done.acquire()
        return task.results

    def stop(self) -> None:
        """End the threads; tasks that no thread has begun are dropped.

        It may be called again, by another thread, too, and after an interrupt.
        """
        if self._process != os.getpid():
            return  # this process was forked: the threads are those of its parent
        self._is_stopped = True
        with self._starting:
            threads = list(self._threads)
        with suppress(Empty):
            while True:
                self._tasks.get_nowait()
        for _ in range(self.count):
            self._tasks.put(None)
        for thread in threads:
            if thread is not current_thread():  # the garbage collector may call this in any thread
                thread.join()


_started: WeakSet[_Workers] = WeakSet()


@atexit.register
def _stop_all() -> None:
    """End all threads before the interpreter goes, which they need in order to end."""
    for workers in list(_started):
        workers.stop()


def _in_order(
    workers: _Workers, sources: Iterator[SourceLike]
) -> Generator[ArrayOrError, None, None]:
    waiting: deque[_Task] = deque()
    files = 1  # in the next task
    more, failure = True, None
    try:
        workers.start()
        while True:
            while more and len(waiting) < _TASKS_AHEAD * workers.count:
                some: list[SourceLike] = []
                try:
                    some.extend(islice(sources, files))
                except Exception as error:
                    failure = error
                more = len(some) == files
                if some:
                    waiting.append(_Task(some))
                    workers.put(waiting[-1])
            if not waiting:
                break
            task = waiting.popleft()
            results = workers.results_of(task)
            if rest := task.sources[len(results) :]:
                waiting.appendleft(_Task(rest))
                workers.put(waiting[0])
            warned = {k: (name_of(task.sources[k]), texts) for k, texts in task.warned.items()}
            del task, rest  # only the caller holds an array that it has taken
            files = _files_of_next(results)
            results.reverse()
            for place in range(len(results)):
                _warn(*warned.get(place, ("", ())))
                yield results.pop()
        if failure is not None:
            raise failure
    finally:
        try:
            workers.stop()
        except BaseException:  # an interrupt, while it waited for the threads
            workers.stop()
            raise
        _array_memory.trim()


def _warn(source: SourceName, texts: Iterable[str]) -> None:
    """Warn of a source, in the thread and at the line of the caller."""
    for text in texts:
        warn_caller(text, source=source)


def _work(new_reader: NewReader, tasks: SimpleQueue[_Task | None]) -> None:
    buffer = borrow()
    try:
        reader = None
        while (task := tasks.get()) is not None:
            try:
                reader = reader or new_reader(buffer, _new_array)
                task.results = reader.read(task.sources, task.warned)
            except BaseException as error:
                task.results = [error]
            finally:
                task.done.release()
            del task
    finally:
        give_back(buffer, leave=True)


def _new_array(_: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    return _array_memory.array(shape, dtype)


def _files_of_next(results: list[ArrayOrError]) -> int:
    """Return how many files the next task should have, if they are as large as these."""
    sizes = [result.nbytes for result in results if isinstance(result, np.ndarray)]
    if not sizes:
        return len(results)
    return max(1, min(RUN_FILES, RUN_BYTES // max(1, max(sizes))))
