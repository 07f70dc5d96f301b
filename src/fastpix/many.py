"""Many files to arrays, in order, read ahead by threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from contextvars import copy_context
from functools import partial
from itertools import islice
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import DTypeLike

from fastpix.blocks import Blocks
from fastpix.codecs import check_pin
from fastpix.errors import ArgumentError, FastpixError
from fastpix.image import MAX_BYTES, checked_limit, one_recipe
from fastpix.reading import checked_threads, cores
from fastpix.recipe import Invert, Recipe
from fastpix.selection import Frames
from fastpix.series import FILES, Empty, Outcome, SeriesReader
from fastpix.source import Buffer, SourceLike, borrow, give_back

OnError: TypeAlias = Literal["raise", "yield"]
NewReader: TypeAlias = Callable[[Buffer, Empty], SeriesReader]

# A task of a thread is several files where they are small, so that handing them over costs little
# beside reading them, and tasks are few, so that what waits to be taken is bounded: memory that is
# used again at once is much cheaper than new memory.
_TASK_BYTES = 2 * 2**20  # of arrays
_TASKS_AHEAD = 2  # for each thread
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
    for each thread, or two arrays where they are larger.

    Parameters
    ----------
    sources : iterable of path, bytes-like, binary file or pydicom Dataset
        Taken from as files are read, so that it may be long, or not end.
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
        An argument cannot be used; or see `on_error`.

    Examples
    --------
    >>> for array in fastpix.imread_many(sorted(folder.glob("*.dcm"))):    # doctest: +SKIP
    ...     train_on(array)
    """
    asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding)
    if on_error not in get_args(OnError):
        raise ArgumentError("on_error", f"{on_error!r} is not 'raise' or 'yield'")
    if isinstance(sources, (str, bytes)):
        raise ArgumentError("sources", f"one {type(sources).__name__}: use imread, or a list of it")
    count = cores() if threads is None else checked_threads(threads)
    new_reader = partial(
        SeriesReader, asked, frames, checked_limit(max_bytes), check_pin(decoder),
        1 if count > 1 else None,
    )  # fmt: skip
    return _yielded(_in_order(new_reader, iter(sources), count), on_error)


def _yielded(outcomes: Generator[Outcome, None, None], on_error: OnError) -> Iterator[Outcome]:
    with closing(outcomes):
        for outcome in outcomes:
            expected = on_error == "yield" and isinstance(outcome, (FastpixError, OSError))
            if isinstance(outcome, Exception) and not expected:
                raise outcome
            yield outcome


class _Task:
    """Files that one thread reads one after the other."""

    __slots__ = ("done", "outcomes", "sources")

    def __init__(self, sources: list[SourceLike]) -> None:
        self.sources = sources
        self.outcomes: list[Outcome] = []
        self.done = Lock()  # held until the outcomes are there
        self.done.acquire()


def _in_order(
    new_reader: NewReader, sources: Iterator[SourceLike], threads: int
) -> Generator[Outcome, None, None]:
    # Lighter than an executor, whose futures take as long as a small file does.
    tasks: SimpleQueue[_Task | None] = SimpleQueue()
    workers = [
        # Each in a context like this one: the kernel in use is a context variable.
        Thread(target=copy_context().run, args=(_work, new_reader, tasks), daemon=True)
        for _ in range(threads)
    ]
    for worker in workers:
        worker.start()
    waiting: deque[_Task] = deque()
    files = 1  # of a task
    try:
        while True:
            while len(waiting) < _TASKS_AHEAD * threads and (some := list(islice(sources, files))):
                waiting.append(_Task(some))
                tasks.put(waiting[-1])
            if not waiting:
                return
            task = waiting.popleft()
            task.done.acquire()
            outcomes = task.outcomes
            files = _files_of_next(outcomes)
            outcomes.reverse()
            while outcomes:  # what is taken is not held
                yield outcomes.pop()
    finally:
        for task in waiting:  # what nobody will take is not read
            task.sources = []
        for _ in workers:
            tasks.put(None)
        for worker in workers:
            worker.join()
        _blocks.trim()


def _work(new_reader: NewReader, tasks: SimpleQueue[_Task | None]) -> None:
    buffer = borrow()
    reader = new_reader(buffer, _blocks.array)
    while (task := tasks.get()) is not None:
        try:
            task.outcomes = reader.read(task.sources)
        finally:
            task.done.release()
    give_back(buffer, leave=True)


def _files_of_next(outcomes: list[Outcome]) -> int:
    """Return how many files like these make a task."""
    sizes = [outcome.nbytes for outcome in outcomes if isinstance(outcome, np.ndarray)]
    if not sizes:
        return len(outcomes)
    return max(1, min(FILES, _TASK_BYTES // max(1, max(sizes))))
