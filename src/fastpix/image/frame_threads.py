"""How many threads work on frames, and how their work is shared out."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

import numpy as np

from fastpix.errors import ArgumentError
from fastpix.plan.plan import Plan

T = TypeVar("T")

# Pixels from which threads gain more than it takes to start them: ours for several frames, those of
# a codec for a single one.
_DECODED, _NATIVE, SINGLE = 2**19, 2**22, 2**16
_WAITING = 2  # parts for each thread that are under way


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


def in_parts(work: Callable[[int, int], T], count: int, threads: int, share: int) -> Iterator[T]:
    """Yield what work makes of parts of 0..count, in order; the first part to fail ends it.

    Few parts wait at a time, however many there are.

    Parameters
    ----------
    work : callable
        Takes where a part begins and ends.
    count, threads : int
    share : int
        The size of a part, where there are several threads.
    """
    if threads == 1 or count <= share:
        yield work(0, count)
        return
    with ThreadPoolExecutor(min(threads, -(-count // share))) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for start in range(0, count, share):
                if len(waiting) == _WAITING * threads:
                    yield waiting.popleft().result()
                # Each with a context of its own: the kernel in use is a context variable.
                part = partial(work, start, min(start + share, count))
                waiting.append(pool.submit(copy_context().run, part))
            while waiting:
                yield waiting.popleft().result()
        finally:
            for task in waiting:
                task.cancel()
