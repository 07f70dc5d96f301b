"""A batch in a process of its own, whatever engine calls for it: if it dies, it is done again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from fastpix.errors import FastpixError
from fastpix.processes import Child, ChildDiedError

CONVERT = "fastpix.job.engines.in_child:convert"
CONVERT_ISOLATED = "fastpix.job.engines.in_child:convert_isolated"
_TRIES = 10  # of a batch whose items are read by other processes, and whose own was killed

Report = Callable[[Any], object]


class Running(Protocol):
    """What is asked here of a job."""

    @property
    def run(self) -> str:
        """Unique to this run."""

    @property
    def timeout(self) -> float:
        """Seconds that one item may take."""


class _Own(threading.local):
    """The process that a thread uses, for one batch after the other."""

    child: Child | None = None


_own = _Own()
_lock = threading.Lock()
_children: dict[Child, str] = {}  # all that are alive, and the run that each works for
_ended: set[str] = set()  # runs that start no more of them


def run_guarded(
    batch: object,
    job: Running,
    report: Report | None = None,
    functions: tuple[str, str] = (CONVERT, CONVERT_ISOLATED),
) -> Any:
    """Work on a batch in a process that this thread keeps for the next.

    Parameters
    ----------
    batch : Batch, or what other functions take
    job : Job, or what other functions take
    report : callable, optional
        Is given what the function reports, some times a second: the counts so far.
    functions : (str, str)
        What converts a batch, and one whose process has died, for `Child.call`.

    Returns
    -------
    Counts, or what other functions return

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
    function: str, batch: object, job: Running, timeout: float | None, report: Report | None
) -> Any:
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
        result = child.call(function, batch, job, timeout=timeout, on_message=report)
    except ChildDiedError:
        with _lock:
            _children.pop(child, None)
        _own.child = None
        _check(job.run)
        raise
    return result


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
