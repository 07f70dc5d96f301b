"""Many files to arrays, in order, read ahead by threads."""

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
from numpy.typing import DTypeLike

from fastpix.errors import ArgumentError, FastpixError
from fastpix.image.frame_selection import Frames
from fastpix.image.frame_threads import checked_threads, cores
from fastpix.image.limits import MAX_BYTES, checked_limit
from fastpix.recipe import Invert, Recipe, one_recipe
from fastpix.runs.alike import BYTES, FILES, Allocate, Outcome, SeriesReader
from fastpix.runs.array_memory import Blocks
from fastpix.source.lent_buffers import Buffer, borrow, give_back
from fastpix.source.opening import SourceLike
from fastpix.source.pydicom_types import is_dataset

OnError: TypeAlias = Literal["raise", "yield"]
NewReader: TypeAlias = Callable[[Buffer, Allocate], SeriesReader]

_TASKS_AHEAD = 2  # for each thread, so that what waits to be taken is bounded
_blocks = Blocks()


def imread_many(
    sources: Iterable[SourceLike],
    *,
    dtype: DTypeLike = "float32",
    rescale: bool = True,
    invert: Invert = "max",
    normalize: tuple[float, float] | None = None,
    padding: float | None = None,
    frames: Frames = None,
    recipe: Recipe | None = None,
    max_bytes: int = MAX_BYTES,
    decoder: str | None = None,
    threads: int | None = None,
    on_error: OnError = "raise",
) -> Iterator[Any]:
    """Read many DICOM images, several at a time, and yield their arrays in order.

    Files are read ahead of what is taken by a bounded number: no more than about 4 MiB of arrays
    for each thread, or two arrays where they are larger. Threads are started when the first array
    is asked for, and have ended when the iteration has, by whatever means. They use the kernel that
    was in use when this was called.

    Parameters
    ----------
    sources : iterable of path, bytes-like, binary file or pydicom Dataset
        Taken from as files are read, by whoever takes the arrays, so that it may be long, or not
        end. What it raises comes when its turn has come, behind the arrays before.
    dtype, rescale, invert, normalize, padding, frames, recipe, max_bytes, decoder
        See `imread`; the same for all.
    threads : int, optional
        How many files are read at a time; as many as there are cores if not given.
    on_error : {"raise", "yield"}
        What to do about a file that cannot be read: raise its error when its turn comes, which ends
        the iteration, or yield the error, a `FastpixError` or OSError, in place of an array.

    Yields
    ------
    ndarray
        See `Image.read`.

    Raises
    ------
    FastpixError
        An argument cannot be used; or see `on_error`. Also in a process forked since the first
        array was asked for, which has no threads.

    Examples
    --------
    >>> for array in fastpix.imread_many(sorted(folder.glob("*.dcm"))):    # doctest: +SKIP
    ...     train_on(array)
    """
    asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder)
    if on_error not in get_args(OnError):
        raise ArgumentError("on_error", f"{on_error!r} is not 'raise' or 'yield'")
    count = cores() if threads is None else checked_threads(threads)
    new_reader = partial(
        SeriesReader, asked, frames, checked_limit(max_bytes), 1 if count > 1 else None
    )
    workers = _Workers(new_reader, count)
    return _yielded(_in_order(workers, _iterator(sources)), on_error)


def _iterator(sources: Iterable[SourceLike]) -> Iterator[SourceLike]:
    one = isinstance(sources, (str, bytes, bytearray, memoryview, os.PathLike))
    if one or is_dataset(sources) or hasattr(sources, "read"):  # some of them are iterable
        raise ArgumentError("sources", f"one {type(sources).__name__}: use imread, or a list of it")
    try:
        return iter(sources)
    except TypeError as error:
        raise ArgumentError("sources", f"a {type(sources).__name__} is not iterable") from error


def _yielded(outcomes: Generator[Outcome, None, None], on_error: OnError) -> Iterator[Outcome]:
    with closing(outcomes):
        for outcome in outcomes:
            expected = on_error == "yield" and isinstance(outcome, (FastpixError, OSError))
            if isinstance(outcome, BaseException) and not expected:
                try:
                    raise outcome
                finally:
                    del outcome  # which would hold this frame, which holds it
            yield outcome


class _Task:
    """Files that one thread reads one after the other."""

    __slots__ = ("done", "outcomes", "sources")

    def __init__(self, sources: list[SourceLike]) -> None:
        self.sources = sources
        self.outcomes: list[Outcome] = []  # of the first of them, at least one
        self.done = Lock()  # held until the outcomes are there
        self.done.acquire()


class _Workers:
    """Threads that read, and the tasks that wait for them.

    Lighter than an executor, whose futures take as long as a small file does.
    """

    def __init__(self, new_reader: NewReader, count: int) -> None:
        self.count = count
        self._new_reader = new_reader
        self._context = copy_context()  # the kernel in use is a context variable
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._process = os.getpid()

    def start(self) -> None:
        """Start the threads."""
        self._process = os.getpid()
        _started.add(self)
        for _ in range(self.count):
            run = self._context.copy().run
            thread = Thread(target=run, args=(_work, self._new_reader, self._tasks), daemon=True)
            thread.start()
            self._threads.append(thread)

    def put(self, task: _Task) -> None:
        """Have a task done."""
        self._tasks.put(task)

    def outcomes_of(self, task: _Task) -> list[Outcome]:
        """Wait until a task is done, and return its outcomes.

        Raises
        ------
        FastpixError
            There are no threads to do it.
        """
        if self._process != os.getpid() or not self._threads:
            raise FastpixError("imread_many does not go on in a forked process, or at exit")
        task.done.acquire()
        return task.outcomes

    def stop(self) -> None:
        """End the threads; what they have not begun to read is not read."""
        with suppress(Empty):
            while True:
                self._tasks.get_nowait()
        threads, self._threads = self._threads, []
        for _ in range(self.count):
            self._tasks.put(None)
        for thread in threads:
            if thread is not current_thread():  # where garbage is collected in one of them
                thread.join()


_started: WeakSet[_Workers] = WeakSet()


@atexit.register
def _stop_all() -> None:
    """End all threads while there is an interpreter that they can end in."""
    for workers in list(_started):
        workers.stop()


def _in_order(workers: _Workers, sources: Iterator[SourceLike]) -> Generator[Outcome, None, None]:
    waiting: deque[_Task] = deque()
    files = 1  # of a task
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
            outcomes = workers.outcomes_of(task)
            if rest := task.sources[len(outcomes) :]:
                waiting.appendleft(_Task(rest))
                workers.put(waiting[0])
            del task, rest  # what is taken is not held
            files = _files_of_next(outcomes)
            outcomes.reverse()
            while outcomes:
                yield outcomes.pop()
        if failure is not None:
            raise failure
    finally:
        workers.stop()
        _blocks.trim()


def _work(new_reader: NewReader, tasks: SimpleQueue[_Task | None]) -> None:
    buffer = borrow()
    try:
        reader = None
        while (task := tasks.get()) is not None:
            try:
                reader = reader or new_reader(buffer, _blocks.array)
                task.outcomes = reader.read(task.sources)
            except BaseException as error:
                task.outcomes = [error]
            finally:
                task.done.release()
            del task
    finally:
        give_back(buffer, leave=True)


def _files_of_next(outcomes: list[Outcome]) -> int:
    """Return how many files like these make a task."""
    sizes = [outcome.nbytes for outcome in outcomes if isinstance(outcome, np.ndarray)]
    if not sizes:
        return len(outcomes)
    return max(1, min(FILES, BYTES // max(1, max(sizes))))
