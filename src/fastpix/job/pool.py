"""Worker processes that may die: only the file that a worker was reading is lost."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from fastpix.errors import FastpixError
from fastpix.job.files import SourceFile
from fastpix.pseudonyms import Names
from fastpix.job.one_file import Job, Outcome, convert_file

_FILES_HELD = 2  # by a worker, so that it need not wait for the parent between two files
_MOST_FAILED_STARTS = 10  # one after the other
_EXIT_SECONDS = 0.5  # within which all workers must end by themselves
_READY = "ready"


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    ready: bool = False
    held: deque[SourceFile] = field(default_factory=deque)
    since: float = 0.0  # when it began with the first file that it holds


def convert_in_workers(
    files: Sequence[SourceFile], job: Job, workers: int, timeout: float
) -> Generator[tuple[SourceFile, Outcome], None, None]:
    """Convert files in worker processes, and yield each outcome once it is known.

    Parameters
    ----------
    files : sequence of SourceFile
    job : Job
    workers : int
    timeout : float
        Seconds after which a worker that is still busy with a file is killed.

    Raises
    ------
    FastpixError
        Workers cannot start at all, or no longer.
    """
    team = _Team(files, job, workers, timeout)
    try:
        team.start()
        while team.has_work():
            team.hand_out()
            team.wait()
            for position in range(len(team.workers)):
                yield from team.attend_to(position)
    finally:
        team.end()


class _Team:
    """The worker processes of a job, and the files that wait for them."""

    def __init__(self, files: Sequence[SourceFile], job: Job, workers: int, timeout: float) -> None:
        self.workers: list[_Worker] = []
        self._waiting = deque(files)
        self._count = min(workers, len(files))
        self._job = job
        self._timeout = timeout
        self._names = Names(job.key, job.root)
        self._has_started = False  # whether any worker ever has
        self._failed_starts = 0  # since a worker last started

    def start(self) -> None:
        """Start the workers."""
        for _ in range(self._count):
            self.workers.append(_start(self._job))

    def has_work(self) -> bool:
        """Whether files wait, or workers have not finished theirs."""
        return bool(self._waiting) or any(worker.held for worker in self.workers)

    def hand_out(self) -> None:
        """Give each worker that has room the files that come next."""
        for worker in self.workers:
            _hand_out(worker, self._waiting)

    def wait(self) -> None:
        """Wait until a worker says something or dies, or it is time to look at their clocks."""
        pipes = [worker.pipe for worker in self.workers]
        sentinels = [worker.process.sentinel for worker in self.workers]
        wait([*pipes, *sentinels], timeout=min(1.0, self._timeout))

    def attend_to(self, position: int) -> Iterator[tuple[SourceFile, Outcome]]:
        """Yield what a worker has done; if it is dead or hung, replace it."""
        worker = self.workers[position]
        yield from _take_in(worker)
        if worker.ready:
            self._has_started, self._failed_starts = True, 0
        reason = _reason_to_replace(worker, self._timeout)
        if not reason:
            return
        worker.process.kill()
        worker.process.join()
        yield from _take_in(worker)  # what it finished before it died
        self._check_that_workers_start(worker, reason)
        if worker.held:
            lost = worker.held.popleft()
            name = self._names.of_path(lost.path)
            yield lost, Outcome(name, "failed", "WorkerDied", reason)
        self._waiting.extendleft(reversed(worker.held))
        worker.pipe.close()
        self.workers[position] = _start(self._job)

    def _check_that_workers_start(self, dead: _Worker, reason: str) -> None:
        if not self._has_started:
            raise FastpixError(
                "worker processes cannot start; a script that calls fastpix.convert needs "
                "its main code under: if __name__ == '__main__':"
            )
        self._failed_starts += not dead.ready
        if self._failed_starts == _MOST_FAILED_STARTS:
            raise FastpixError(
                f"worker processes no longer start ({reason}): free some memory or use "
                f"fewer workers, and run again for the rest"
            )

    def end(self) -> None:
        """Let workers finish the file they are reading, for a moment; then kill them."""
        for worker in self.workers:
            worker.pipe.close()  # a worker ends when its input does
        deadline = time.monotonic() + _EXIT_SECONDS
        for worker in self.workers:
            worker.process.join(timeout=max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def _start(job: Job) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, job), daemon=True)
    with interrupts_held_back():
        process.start()
    theirs.close()
    return _Worker(process, ours, since=time.monotonic())


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Start processes with SIGINT blocked: Ctrl-C reaches all, but only the parent handles it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # its own start would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _hand_out(worker: _Worker, waiting: deque[SourceFile]) -> None:
    while waiting and len(worker.held) < _FILES_HELD and worker.ready:
        if not worker.held:
            worker.since = time.monotonic()
        try:
            worker.pipe.send(waiting[0])
        except OSError:  # it has just died: attend_to will find out
            return
        worker.held.append(waiting.popleft())


def _take_in(worker: _Worker) -> Iterator[tuple[SourceFile, Outcome]]:
    try:
        while worker.pipe.poll():
            message = worker.pipe.recv()
            if message == _READY:
                worker.ready = True
                continue
            worker.since = time.monotonic()
            yield worker.held.popleft(), message
    except (EOFError, OSError):
        return


def _reason_to_replace(worker: _Worker, timeout: float) -> str:
    if not worker.process.is_alive():
        code = worker.process.exitcode or 0
        if code < 0:
            return f"the worker reading it was killed by {signal_name(-code)}"
        return f"the worker reading it ended with exit code {code}"
    if worker.held and time.monotonic() - worker.since > timeout:
        return f"the worker reading it was still busy after {timeout:g} seconds"
    return ""


def signal_name(number: int) -> str:
    """Return the name of the signal that ended a process."""
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return f"signal {number}"


def _work(pipe: Connection, job: Job) -> None:
    """Convert the files that come through the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C, and ends us
    threading.Thread(target=leave_with_parent, daemon=True).start()
    silence()
    try:
        pipe.send(_READY)
        while True:
            pipe.send(convert_file(pipe.recv(), job))
    except (EOFError, OSError):
        return


def leave_with_parent() -> None:
    """End this process when its parent ends: if it hangs, nobody else would end it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def silence() -> None:
    """Discard all that libraries print or log about a file: it may quote the file."""
    logging.disable(logging.CRITICAL)
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
