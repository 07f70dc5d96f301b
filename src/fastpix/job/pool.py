"""Worker processes that may die: a death costs the file being read, and no other."""

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
from fastpix.job.names import Names
from fastpix.job.one_file import Job, Outcome, convert_file

_AHEAD = 2  # files that a worker holds, so that it need not wait for the parent between two
_MOST_FAILED_STARTS = 10  # one after the other
_GRACE = 0.5  # seconds that all workers together have to leave by themselves
_READY = "ready"


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    ready: bool = False
    held: deque[SourceFile] = field(default_factory=deque)
    since: float = 0.0  # when it began with the first of them


def convert_in_workers(
    files: Sequence[SourceFile], job: Job, workers: int, timeout: float
) -> Generator[tuple[SourceFile, Outcome], None, None]:
    """Convert files in processes, yielding outcomes as they come.

    Parameters
    ----------
    files : sequence of SourceFile
    job : Job
    workers : int
    timeout : float
        Seconds after which a worker is taken for hung, and killed.

    Raises
    ------
    FastpixError
        Workers cannot start at all, or no longer.
    """
    waiting = deque(files)
    team: list[_Worker] = []
    names = Names(job.key, job.root)
    started = False  # whether any worker ever has
    failed_starts = 0  # since one has
    try:
        team += [_start(job) for _ in range(min(workers, len(files)))]
        while waiting or any(worker.held for worker in team):
            for worker in team:
                _hand_out(worker, waiting)
            handles = [w.pipe for w in team] + [w.process.sentinel for w in team]
            wait(handles, timeout=min(1.0, timeout))
            for position, worker in enumerate(team):
                yield from _take_in(worker)
                if worker.ready:
                    started, failed_starts = True, 0
                reason = _reason_to_replace(worker, timeout)
                if not reason:
                    continue
                worker.process.kill()
                worker.process.join()
                yield from _take_in(worker)  # what it finished before it died
                if not started:
                    raise FastpixError(
                        "worker processes cannot start; a script that calls fastpix.convert needs "
                        "its main code under: if __name__ == '__main__':"
                    )
                failed_starts += not worker.ready
                if failed_starts == _MOST_FAILED_STARTS:
                    raise FastpixError(
                        f"worker processes no longer start ({reason}): free some memory or use "
                        f"fewer workers, and run again for the rest"
                    )
                if worker.held:
                    lost = worker.held.popleft()
                    yield lost, Outcome(names.of_path(lost.path), "failed", "WorkerDied", reason)
                waiting.extendleft(reversed(worker.held))
                worker.pipe.close()
                team[position] = _start(job)
    finally:
        for worker in team:
            worker.pipe.close()  # the end of its input: it leaves behind the file it is at
        deadline = time.monotonic() + _GRACE
        for worker in team:
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
    """Have a process start with SIGINT blocked: Ctrl-C goes to all, and is for the parent alone."""
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
    while waiting and len(worker.held) < _AHEAD and worker.ready:
        if not worker.held:
            worker.since = time.monotonic()
        try:
            worker.pipe.send(waiting[0])
        except OSError:  # it has just died: seen in a moment
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
    """Return the name of a signal that has ended a process."""
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return f"signal {number}"


def _work(pipe: Connection, job: Job) -> None:
    """Convert what comes through the pipe until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    threading.Thread(target=leave_with_parent, daemon=True).start()
    silence()
    try:
        pipe.send(_READY)
        while True:
            pipe.send(convert_file(pipe.recv(), job))
    except (EOFError, OSError):
        return


def leave_with_parent() -> None:
    """End this process with its parent, which nobody else would do if it hangs."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def silence() -> None:
    """Let nothing that a library says about a file reach the log: it may quote the file."""
    logging.disable(logging.CRITICAL)
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
