"""Many files to arrays, in order, read ahead by threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from itertools import islice
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastpix.codecs import check_pin
from fastpix.errors import ArgumentError, FastpixError
from fastpix.image import MAX_BYTES, checked_limit, one_recipe
from fastpix.loaders import imread
from fastpix.reading import checked_threads, cores
from fastpix.recipe import Invert, Recipe
from fastpix.selection import Frames
from fastpix.source import SourceLike

OnError: TypeAlias = Literal["raise", "yield"]
Outcome: TypeAlias = "NDArray[Any] | FastpixError | OSError"

# A task of a thread is several files, so that handing them over costs little beside reading them,
# and tasks are few, so that what waits to be taken is bounded.
_TASK_BYTES = 4 * 2**20  # of arrays
_TASK_FILES = 32
_TASKS_AHEAD = 2  # for each thread


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

    Files are read ahead of what is taken by a bounded number: no more than about 8 MiB of arrays
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
    read = partial(
        imread, frames=frames, recipe=asked, max_bytes=checked_limit(max_bytes),
        decoder=check_pin(decoder), threads=1 if threads != 1 else None,
    )  # fmt: skip
    count = cores() if threads is None else checked_threads(threads)
    outcomes = _in_order(read, iter(sources), count)
    return _without_errors(outcomes) if on_error == "raise" else outcomes


def _without_errors(outcomes: Iterator[Outcome]) -> Iterator[NDArray[Any]]:
    for outcome in outcomes:
        if not isinstance(outcome, np.ndarray):
            raise outcome
        yield outcome


def _in_order(
    read: Callable[[SourceLike], NDArray[Any]], sources: Iterator[SourceLike], threads: int
) -> Iterator[Outcome]:
    files = 1  # of a task
    waiting: deque[Future[list[Outcome]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                while len(waiting) < _TASKS_AHEAD * threads:
                    task = list(islice(sources, files))
                    if not task:
                        break
                    # Each with a context of its own: the kernel in use is a context variable.
                    waiting.append(pool.submit(copy_context().run, _read_all, read, task))
                if not waiting:
                    return
                outcomes = waiting.popleft().result()
                files = _files_of_next(outcomes)
                outcomes.reverse()
                while outcomes:  # what is taken is not held
                    yield outcomes.pop()
        finally:
            for future in waiting:
                future.cancel()


def _read_all(
    read: Callable[[SourceLike], NDArray[Any]], sources: list[SourceLike]
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for source in sources:
        try:
            outcomes.append(read(source))
        except (FastpixError, OSError) as error:
            outcomes.append(error)
    return outcomes


def _files_of_next(outcomes: list[Outcome]) -> int:
    """Return how many files like these make a task."""
    sizes = [outcome.nbytes for outcome in outcomes if isinstance(outcome, np.ndarray)]
    if not sizes:
        return len(outcomes)
    return max(1, min(_TASK_FILES, _TASK_BYTES // max(1, max(sizes))))
