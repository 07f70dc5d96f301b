"""A batch in a process of its own, whatever engine calls for it: if it dies, it is done again."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fastpix.errors import FastpixError
from fastpix.job.counts import Counts
from fastpix.job.items import Batch
from fastpix.job.settings import Job
from fastpix.processes import Child, ChildDiedError

CONVERT = "fastpix.job.engines.in_child:convert"
CONVERT_ISOLATED = "fastpix.job.engines.in_child:convert_isolated"
_TRIES = 10  # of a batch whose items are read by other processes, and whose own was killed

Report = Callable[[Counts], object]


class _Own(threading.local):
    """The process that a thread uses, for one batch after the other."""

    child: Child | None = None


_own = _Own()
_lock = threading.Lock()
_children: dict[Child, str] = {}  # all that are alive, and the run that each works for
_ended: set[str] = set()  # runs that start no more of them


def run_guarded(
    batch: Batch,
    job: Job,
    report: Report | None = None,
    functions: tuple[str, str] = (CONVERT, CONVERT_ISOLATED),
) -> Counts:
    """Convert a batch in a process that this thread keeps for the next.

    Parameters
    ----------
    batch : Batch
    job : Job
    report : callable, optional
        Is given the counts so far, some times a second.
    functions : (str, str)
        What converts a batch, and one whose process has died, for `Child.call`.

    Raises
    ------
    FastpixError
        Processes do not start, or are killed whatever they do.
    OSError
        The cache cannot be written.
    """
    convert, convert_isolated = functions
    try:
        return _call(convert, batch, job, job.timeout, report)
    except ChildDiedError as error:
        died = error
    for _ in range(_TRIES):
        try:
            # It watches over the processes that read, so it may be silent for as long as they are.
            return _call(convert_isolated, batch, job, None, report)
        except ChildDiedError as error:
            died = error
    raise FastpixError(
        f"a worker process {died.reason}, and so did those that tried again: free some memory or "
        f"use fewer workers, and run again for the rest"
    )


def _call(
    function: str, batch: Batch, job: Job, timeout: float | None, report: Report | None
) -> Counts:
    child = _own.child
    if child is not None and not child.is_usable:
        with _lock:
            _children.pop(child, None)
        child.close()
    if child is None or child not in _children:
        child = _own.child = _start(job.run)
    with _lock:
        _children[child] = job.run
    try:
        counts: Counts = child.call(function, batch, job, timeout=timeout, on_message=report)
    except ChildDiedError:
        with _lock:
            _children.pop(child, None)
        _own.child = None
        _check(job.run)
        raise
    return counts


def _start(run: str) -> Child:
    _check(run)
    child = Child()
    with _lock:
        _children[child] = run
    if run in _ended:  # meanwhile
        end_children(run)
        _check(run)
    return child


def _check(run: str) -> None:
    if run in _ended:
        raise FastpixError("the job has ended")


def end_children(run: str) -> None:
    """End the processes of this one that work for a run, whatever they do; it starts no more.

    Parameters
    ----------
    run : str
        `Job.run`.
    """
    with _lock:
        _ended.add(run)
        own = [child for child, worked_for in _children.items() if worked_for == run]
        for child in own:
            del _children[child]
    for child in own:
        child.close()
