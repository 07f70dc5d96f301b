"""`drive`: hand batches to an engine, a few at a time, and gather what came of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from contextlib import contextmanager
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from fastpix.errors import FastpixError
from fastpix.job.counts import Counts
from fastpix.job.engines.executors import DaskSubmitter, Engine, Submitter, submitter_of
from fastpix.job.engines.guarded import Running, end_children, run_guarded
from fastpix.job.items import Batch

_IN_FLIGHT = 2  # batches a worker of our own; it holds one, and another waits
_IN_FLIGHT_ELSEWHERE = 4  # where handing over takes longer
_TOLD = 0.1  # seconds between two looks at what workers report
_TRIES = 20  # of a batch whose workers are lost

OnCounts = Callable[[Counts], object]


class Numbered(Protocol):
    """What a batch needs to be handed out: an id of its own."""

    @property
    def id(self) -> str:
        """The same batch has the same id anywhere."""


B = TypeVar("B", bound=Numbered)
B_contra = TypeVar("B_contra", contravariant=True)


class Gathered(Protocol[B_contra]):
    """What gathers the results of batches."""

    def take(self, batch: B_contra, result: Any) -> None:
        """Take what came of a batch, in the order in which batches are done."""

    def report(self, batch: str, part: Any) -> None:
        """Take what a worker reports of the batch of an id; called in other threads."""

    def tell(self) -> None:
        """Tell how far the work is; called ten times a second."""


def drive(
    batches: Iterator[Batch],
    job: Running,
    engine: Engine,
    workers: int,
    on_counts: OnCounts,
    run: Callable[..., Any] | None = None,
) -> Counts:
    """Convert batches, and return what came of all.

    Parameters
    ----------
    batches : iterator of Batch
        Taken as workers need them.
    job : Job, or what `run` takes
    engine : Executor, distributed.Client, str or None
    workers : int
        Batches that are converted at a time; a cluster of Dask that has more threads uses all.
    on_counts : callable
        Is given the counts so far, ten times a second.
    run : callable, optional
        Works on a batch: `run_guarded` if not given, which converts it.

    Raises
    ------
    FastpixError
        Workers do not start, or are lost again and again.
    OSError
        The cache cannot be written.
    """
    counts = _CountsSoFar(on_counts)
    with at_work(engine, workers, job.run) as submitter:
        run_batches(batches, job, submitter, workers, run or run_guarded, counts)
    return counts.done


@contextmanager
def at_work(engine: Engine, workers: int, run: str) -> Iterator[Submitter]:
    """Give what submits work to an engine, and end the processes of a run at last.

    Parameters
    ----------
    engine : Executor, distributed.Client, str or None
    workers : int
    run : str
        Unique to the run.
    """
    try:
        with submitter_of(engine, workers) as submitter:
            try:
                yield submitter
            finally:
                end_children(run)
    finally:
        end_children(run)  # of an executor of the caller's that had threads


def run_batches(
    batches: Iterator[B],
    job: Any,
    submitter: Submitter,
    workers: int,
    run: Callable[..., Any],
    gathered: Gathered[B],
) -> None:
    """Have batches worked on, and gather what comes of each.

    Parameters
    ----------
    batches : iterator
        Taken as workers need them.
    job : object
        What a worker needs besides its batch. It can be pickled.
    submitter : Submitter
    workers : int
    run : callable
        Works on a batch: `run_guarded`, or a `functools.partial` of it.
    gathered : Gathered

    Raises
    ------
    FastpixError
        Workers do not start, or are lost again and again.
    """
    driver = _Driver(batches, job, submitter, workers, run, gathered)
    try:
        while driver.has_work():
            driver.hand_out()
            driver.take_in()
            gathered.tell()
    finally:
        driver.cancel()


class _CountsSoFar:
    """The counts of a job, of batches in flight too."""

    def __init__(self, on_counts: OnCounts) -> None:
        self.done = Counts()
        self._on_counts = on_counts
        self._reported: dict[str, Counts] = {}
        self._lock = threading.Lock()

    def take(self, batch: Batch, result: Counts) -> None:
        with self._lock:
            self._reported.pop(batch.id, None)
        self.done += result

    def report(self, batch: str, part: Counts) -> None:
        with self._lock:
            self._reported[batch] = part

    def tell(self) -> None:
        total = Counts()
        total += self.done
        with self._lock:
            for counts in self._reported.values():
                total += counts
        self._on_counts(total)


class _Driver(Generic[B]):
    """The batches in flight, and those that are to be done again."""

    def __init__(
        self,
        batches: Iterator[B],
        job: Any,
        submitter: Submitter,
        workers: int,
        run: Callable[..., Any],
        gathered: Gathered[B],
    ) -> None:
        self._batches = batches
        self._job = job
        self._submitter = submitter
        self._workers = workers
        self._run = run
        self._gathered = gathered
        self._in_flight: dict[Future[Any], B] = {}
        self._again: list[B] = []  # whose workers were lost
        self._tries: dict[str, int] = {}
        self._is_at_end = False

    def has_work(self) -> bool:
        """Whether batches are in flight, or more are to come."""
        return bool(self._in_flight or self._again) or not self._is_at_end

    def hand_out(self) -> None:
        """Submit batches up to as many as may be in flight."""
        each = _IN_FLIGHT if self._submitter.is_own else _IN_FLIGHT_ELSEWHERE
        while len(self._in_flight) < each * self._submitter.workers(self._workers):
            batch = self._again.pop() if self._again else next(self._batches, None)
            if batch is None:
                self._is_at_end = True
                return
            self._submitter.check()
            run = self._run
            if self._submitter.is_own:
                run = partial(run, report=partial(self._gathered.report, batch.id))
            self._in_flight[self._submitter.submit(run, batch, self._job)] = batch

    def take_in(self) -> None:
        """Wait a moment for batches, and gather what came of those that are done."""
        if not self._in_flight:
            return
        finished, _ = wait(self._in_flight, timeout=_TOLD, return_when=FIRST_COMPLETED)
        for future in finished:
            batch = self._in_flight.pop(future)
            try:
                result = future.result()
            except BrokenExecutor as error:
                raise FastpixError(
                    "the processes of the executor have died: run the same command again for the "
                    "rest; what is done stays"
                ) from error
            except (CancelledError, Exception) as error:
                if not self._submitter.is_lost(error):
                    raise
                self._lose(batch, error)
            else:
                self._gathered.take(batch, result)
        if isinstance(self._submitter, DaskSubmitter) and self._submitter.is_away:
            for batch in self._in_flight.values():
                self._lose(batch, FastpixError("the scheduler of Dask went away"))
            self._in_flight.clear()

    def _lose(self, batch: B, error: BaseException) -> None:
        """Let a batch be done again whose worker was lost."""
        self._tries[batch.id] = self._tries.get(batch.id, 0) + 1
        if self._tries[batch.id] > _TRIES:
            raise FastpixError(
                f"workers were lost again and again ({type(error).__name__}): run the same command "
                f"again for the rest; what is done stays"
            ) from error
        self._again.append(batch)

    def cancel(self) -> None:
        """Take back what has not begun."""
        for future in self._in_flight:
            future.cancel()
