"""`drive`: hand batches to an engine, a few at a time, and add up what came of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from functools import partial

from fastpix.errors import FastpixError
from fastpix.job.counts import Counts
from fastpix.job.engines.executors import DaskSubmitter, Engine, Submitter, submitter_of
from fastpix.job.engines.guarded import end_children, run_guarded
from fastpix.job.items import Batch
from fastpix.job.settings import Job

_IN_FLIGHT = 2  # batches a worker of our own; it holds one, and another waits
_IN_FLIGHT_ELSEWHERE = 4  # where handing over takes longer
_TOLD = 0.1  # seconds between two looks at what workers report
_TRIES = 20  # of a batch whose workers are lost

OnCounts = Callable[[Counts], object]


def drive(
    batches: Iterator[Batch], job: Job, engine: Engine, workers: int, on_counts: OnCounts
) -> Counts:
    """Convert batches, and return what came of all.

    Parameters
    ----------
    batches : iterator of Batch
        Taken as workers need them.
    job : Job
    engine : Executor, distributed.Client, str or None
    workers : int
        Batches that are converted at a time; a cluster of Dask that has more threads uses all.
    on_counts : callable
        Is given the counts so far, ten times a second.

    Raises
    ------
    FastpixError
        Workers do not start, or are lost again and again.
    OSError
        The cache cannot be written.
    """
    try:
        with submitter_of(engine, workers) as submitter:
            driver = _Driver(batches, job, submitter, workers)
            try:
                while driver.has_work():
                    driver.hand_out()
                    driver.take_in()
                    on_counts(driver.counts())
                return driver.done
            finally:
                driver.cancel()
                end_children(job.run)
    finally:
        end_children(job.run)  # of an executor of the caller's that had threads


class _Driver:
    """The batches in flight, and what came of those that are done."""

    def __init__(
        self, batches: Iterator[Batch], job: Job, submitter: Submitter, workers: int
    ) -> None:
        self.done = Counts()
        self._batches = batches
        self._job = job
        self._submitter = submitter
        self._workers = workers
        self._in_flight: dict[Future[Counts], Batch] = {}
        self._again: list[Batch] = []  # whose workers were lost
        self._tries: dict[str, int] = {}
        self._is_at_end = False
        self._reported: dict[str, Counts] = {}
        self._lock = threading.Lock()

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
            run: Callable[..., Counts] = run_guarded
            if self._submitter.is_own:
                run = partial(run_guarded, report=partial(self._report, batch.id))
            self._in_flight[self._submitter.submit(run, batch, self._job)] = batch

    def take_in(self) -> None:
        """Wait a moment for batches, and add up those that are done."""
        if not self._in_flight:
            return
        finished, _ = wait(self._in_flight, timeout=_TOLD, return_when=FIRST_COMPLETED)
        for future in finished:
            batch = self._in_flight.pop(future)
            with self._lock:
                self._reported.pop(batch.id, None)
            try:
                self.done += future.result()
            except BrokenExecutor as error:
                raise FastpixError(
                    "the processes of the executor have died: run the same command again for the "
                    "rest; what is done stays"
                ) from error
            except (CancelledError, Exception) as error:
                if not self._submitter.is_lost(error):
                    raise
                self._lose(batch, error)
        if isinstance(self._submitter, DaskSubmitter) and self._submitter.is_away:
            for batch in self._in_flight.values():
                self._lose(batch, FastpixError("the scheduler of Dask went away"))
            self._in_flight.clear()

    def _lose(self, batch: Batch, error: BaseException) -> None:
        """Let a batch be done again whose worker was lost."""
        self._tries[batch.id] = self._tries.get(batch.id, 0) + 1
        if self._tries[batch.id] > _TRIES:
            raise FastpixError(
                f"workers were lost again and again ({type(error).__name__}): run the same command "
                f"again for the rest; what is done stays"
            ) from error
        self._again.append(batch)

    def counts(self) -> Counts:
        """Return the counts so far, of batches in flight too."""
        total = Counts()
        total += self.done
        with self._lock:
            for counts in self._reported.values():
                total += counts
        return total

    def cancel(self) -> None:
        """Take back what has not begun."""
        for future in self._in_flight:
            future.cancel()

    def _report(self, batch: str, counts: Counts) -> None:
        with self._lock:
            self._reported[batch] = counts
