"""A process for each reader: if it crashes or hangs, only one result is lost."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
import warnings
from importlib import import_module
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from time import perf_counter_ns
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.compare.readers import Read, Reader
from fastpix.errors import NoPixelDataError, NotDicomError
from fastpix.processes import interrupts_held_back, leave_with_parent, signal_name, silence

_IMPORT_SECONDS = 120.0  # within which the module of a reader must be imported
_EXIT_SECONDS = 0.5  # within which a process must end by itself once its pipe is closed
_CRASH_SECONDS = 10.0  # within which a crashed process must be gone, core dump included
_TIMED_NANOSECONDS = 5e6  # a fast read is repeated for this long, to measure more than noise
_MOST_READS = 20  # in one measurement
_MOST_CHARACTERS = 300  # of an error message


class Failure(NamedTuple):
    """Why a reader returned no values.

    Attributes
    ----------
    kind : str
        In a word or two: the class of the error, or how the process ended.
    reason : str
        The message of the error; may quote the file.
    is_image : bool
        False if fastpix finds that the file holds no image: then no other reader is asked.
    """

    kind: str
    reason: str
    is_image: bool = True


class Values(NamedTuple):
    """What a reader returned for a file.

    Attributes
    ----------
    array : ndarray of float32
    dtype : str
        The dtype that the reader returned.
    """

    array: NDArray[np.float32]
    dtype: str


class _Task(NamedTuple):
    kind: Literal["values", "time"]
    read: Read
    path: str


class ReaderProcess:
    """A reader in a process of its own; if it has died, the next question starts a new one.

    Use it as a context manager. The process starts at once, and the first question waits until it
    is ready.

    Parameters
    ----------
    reader : Reader
    timeout : float
        Seconds within which a question must be answered.
    """

    def __init__(self, reader: Reader, timeout: float) -> None:
        self.reader = reader
        self._timeout = timeout
        self._process: SpawnProcess | None = None
        self._pipe: Any  # a Connection, of another class on Windows
        self._is_ready = False
        self._has_been_ready = False
        self._unusable: Failure | None = None

    def __enter__(self) -> ReaderProcess:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(_EXIT_SECONDS)

    def values(self, path: str, read: Read | None = None) -> Values | Failure:
        """Return what the reader returns for a file; or another function, in its process."""
        answer = self._ask(_Task("values", read or self.reader.read, path))
        if isinstance(answer, Failure):
            return answer
        shape, dtype = answer
        try:
            data = self._pipe.recv_bytes()
        except (EOFError, OSError):
            return self._died()
        return Values(np.frombuffer(data, np.float32).reshape(shape), dtype)

    def time(self, path: str) -> float | Failure:
        """Return how many nanoseconds one read of a file takes: a mean if it is fast."""
        answer: float | Failure = self._ask(_Task("time", self.reader.read, path))
        return answer

    def _ask(self, task: _Task) -> Any:
        if self._unusable is not None:
            return self._unusable
        if self._process is None:
            self._start()
        if not self._is_ready and (failure := self._wait_until_ready()):
            return failure
        try:
            self._pipe.send(task)
        except OSError:
            return self._died()
        return self._answer(self._timeout)

    def _answer(self, timeout: float) -> Any:
        try:
            if self._pipe.poll(timeout):
                return self._pipe.recv()
        except (EOFError, OSError):
            return self._died()
        self._end(0.0)
        return Failure("timeout", f"still busy after {timeout:g} seconds")

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, self.reader.module), daemon=True
        )
        if sys.platform != "win32":
            resource_tracker.ensure_running()  # its own start would unblock the signal
        with interrupts_held_back():
            self._process.start()
        theirs.close()
        self._is_ready = False

    def _wait_until_ready(self) -> Failure | None:
        failure: Failure | None = self._answer(_IMPORT_SECONDS)
        if failure is None:
            self._is_ready = self._has_been_ready = True
            return None
        self._end(0.0)
        if not self._has_been_ready:  # nor will it start for the next file
            self._unusable = failure
        return failure

    def _died(self) -> Failure:
        code = self._end(_CRASH_SECONDS) or 0
        if code < 0:
            return Failure(signal_name(-code), f"its process was killed by {signal_name(-code)}")
        return Failure(f"exit code {code}", f"its process ended with exit code {code}")

    def _end(self, grace: float) -> int | None:
        if self._process is None:
            return None
        process, self._process = self._process, None
        self._pipe.close()  # the process ends when its input does
        process.join(grace)
        if process.is_alive():
            process.kill()
            process.join()
        return process.exitcode


def _work(pipe: Connection, module: str) -> None:
    """Answer the questions that come through the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C, and ends us
    threading.Thread(target=leave_with_parent, daemon=True).start()
    silence()
    warnings.simplefilter("ignore")
    try:
        pipe.send(_import(module))
        while True:
            _do(pipe.recv(), pipe)
    except (EOFError, OSError):
        return


def _import(module: str) -> Failure | None:
    try:
        import_module(module)
    except Exception as error:  # a broken installation may raise anything
        return _failure_of(error)
    return None


def _do(task: _Task, pipe: Connection) -> None:
    try:
        if task.kind == "time":
            pipe.send(_time(task.read, task.path))
            return
        given = task.read(task.path)
        values = np.ascontiguousarray(given.astype(np.float32, copy=False))
        if not values.size:
            raise ValueError("it gives an array of no values")
        described = (given.shape, str(given.dtype))
    except Exception as error:  # each reader has its own classes of errors
        pipe.send(_failure_of(error))
        return
    pipe.send(described)
    pipe.send_bytes(values.reshape(-1).view(np.uint8).data)


def _time(read: Read, path: str) -> float:
    """Return how many nanoseconds it takes to read a file as float32.

    For a slow reader this is the time of one read. For a fast one it is the mean of several more
    reads: the first only fills the caches of the processor, which another process has used since.
    """
    start = perf_counter_ns()
    read(path).astype(np.float32, copy=False)
    taken = perf_counter_ns() - start
    if taken > _TIMED_NANOSECONDS:
        return float(taken)
    reads = max(1, min(_MOST_READS, int(_TIMED_NANOSECONDS / taken)))
    start = perf_counter_ns()
    for _ in range(reads):
        read(path).astype(np.float32, copy=False)
    return (perf_counter_ns() - start) / reads


def _failure_of(error: Exception) -> Failure:
    is_image = not isinstance(error, NotDicomError)
    if isinstance(error, NoPixelDataError):
        is_image = error.describes_image
    text = " ".join(str(error).split())
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return Failure(type(error).__name__, printable[:_MOST_CHARACTERS], is_image)
