"""Work that may be mostly waiting, as on network file systems: threads do it where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from time import perf_counter, thread_time
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_PROBED = 64  # things that tell whether work on one is mostly waiting
_WAITERS = 16  # threads, where it is
_LEAST = 0.01  # seconds of waiting that threads are not worth


def map_waiting(work: Callable[[T], R], things: Iterable[T], together: int = 256) -> Iterator[R]:
    """Yield what work gives for each thing, in order.

    Parameters
    ----------
    work : callable
    things : iterable
        Taken as results are taken.
    together : int
        How many threads work on at a time.
    """
    rest = iter(things)
    start, busy = perf_counter(), thread_time()
    probed = [work(thing) for thing in islice(rest, _PROBED)]
    waits = perf_counter() - start > 2 * (thread_time() - busy) + _LEAST
    yield from probed
    if not waits:
        yield from map(work, rest)
        return
    with ThreadPoolExecutor(_WAITERS) as pool:
        while some := list(islice(rest, together)):
            yield from pool.map(work, some)
