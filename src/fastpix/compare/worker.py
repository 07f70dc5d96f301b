"""A process for each reader: if it crashes or hangs, only one result is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from time import perf_counter_ns
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.compare.readers import Read, Reader
from fastpix.compare.volume_readers import GivenVolume
from fastpix.errors import NoPixelDataError, NotDicomError
from fastpix.processes import interrupts_held_back, leave_with_parent, signal_name, silence

_IMPORT_SECONDS = 120.0  # within which the module of a reader must be imported
_EXIT_SECONDS = 0.5  # within which a process must end by itself once its pipe is closed
_CRASH_SECONDS = 10.0  # within which a crashed process must be gone, core dump included
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
    """What a reader returned: of an image or a batch, one array; of a series, its volumes.

    Attributes
    ----------
    volumes : tuple of GivenVolume
        Of float32. Volumes of a series have no axis of volumes; an array has no affine.
    dtype : str
        The dtype that the reader returned, of the first of them.
    """

    volumes: tuple[GivenVolume, ...]
    dtype: str

    @property
    def array(self) -> NDArray[np.float32]:
        """The array of an image or a batch."""
        return self.volumes[0].array

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each."""
        return tuple(volume.array.shape for volume in self.volumes)


class _Task(NamedTuple):
    kind: Literal["values", "times"]
    read: Read
    given: Sequence[Any]  # to the reader, one after the other


class ReaderProcess:
    """A reader in a process of its own; if it has died, the next question starts a new one.

    Use it as a context manager. The process starts at once, and the first question waits until it
    is ready.

    Parameters
    ----------
    reader : Reader
    timeout : float
        Seconds within which it must be done with an item.
    folder : str, optional
        For its temporary files; the caller removes it.
    """

    def __init__(self, reader: Reader, timeout: float, folder: str | None = None) -> None:
        self.reader = reader
        self._timeout = timeout
        self._folder = folder
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

    def values(self, given: Any, read: Read | None = None) -> Values | Failure:
        """Return what the reader returns for an item; or another function, in its process."""
        answer = self._ask(_Task("values", read or self.reader.read, [given]))
        if isinstance(answer, Failure):
            return answer
        described, dtype = answer
        volumes = []
        for shape, affine, is_color in described:
            try:
                data = self._pipe.recv_bytes()
            except (EOFError, OSError):
                return self._died()
            array = np.frombuffer(data, np.float32).reshape(shape)
            volumes.append(GivenVolume(array, affine, is_color=is_color))
        return Values(tuple(volumes), dtype)

    def times(self, given: Sequence[Any]) -> Iterator[float | Failure]:
        """Yield how many nanoseconds one read takes of each item, as they are done.

        The process goes from item to item by itself: nobody is waited for between two reads.
        """
        done = 0
        while done < len(given):
            answer = self._ask(_Task("times", self.reader.read, given[done:]))
            done += 1
            yield answer
            while self._process is not None and done < len(given):  # it has not died of the last
                answer = self._answer(self._timeout)
                done += 1
                yield answer

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
            target=_work, args=(theirs, self.reader.modules, self._folder), daemon=True
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
            _kill(process)
            process.join()
        return process.exitcode


def _kill(process: SpawnProcess) -> None:
    """End a process, and the programs that it runs."""
    if sys.platform != "win32" and process.pid is not None:
        with suppress(OSError):  # it has not come so far as to have a group
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _work(pipe: Connection, modules: Sequence[str], folder: str | None) -> None:
    """Answer the questions that come through the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C, and ends us
    if sys.platform != "win32":
        os.setpgid(0, 0)  # so that a program that we run ends with us
    threading.Thread(target=leave_with_parent, daemon=True).start()
    silence()
    warnings.simplefilter("ignore")
    tempfile.tempdir = folder
    try:
        pipe.send(_import(modules))
        while True:
            _do(pipe.recv(), pipe)
    except (EOFError, OSError):
        return


def _import(modules: Sequence[str]) -> Failure | None:
    try:
        for module in modules:
            import_module(module)
    except Exception as error:  # a broken installation may raise anything
        return _failure_of(error)
    return None


def _do(task: _Task, pipe: Connection) -> None:
    if task.kind == "times":
        for given in task.given:
            try:
                answer: float | Failure = _time(task.read, given)
            except Exception as error:  # each reader has its own classes of errors
                answer = _failure_of(error)
            pipe.send(answer)
        return
    try:
        volumes = _volumes_of(task.read(task.given[0]))
        dtype = str(volumes[0].array.dtype)
        arrays = [_as_float32(volume) for volume in volumes]
        if not any(array.size for array in arrays):
            raise ValueError("it gives an array of no values")
        parts = [part for pair in zip(volumes, arrays, strict=True) for part in _unfolded(*pair)]
    except Exception as error:
        pipe.send(_failure_of(error))
        return
    pipe.send(([(array.shape, affine, is_color) for array, affine, _, is_color in parts], dtype))
    for part in parts:
        pipe.send_bytes(np.ascontiguousarray(part.array).reshape(-1).view(np.uint8).data)


def _time(read: Read, given: Any) -> float:
    """Return how many nanoseconds it takes to read an item, once, as float32."""
    start = perf_counter_ns()
    for volume in _volumes_of(read(given)):
        _as_float32(volume)
    return float(perf_counter_ns() - start)


def _volumes_of(given: Any) -> list[GivenVolume]:
    return given if isinstance(given, list) else [GivenVolume(given, None)]


def _as_float32(volume: GivenVolume) -> NDArray[np.float32]:
    return volume.array.astype(np.float32, copy=False)


def _unfolded(volume: GivenVolume, array: NDArray[np.float32]) -> list[GivenVolume]:
    """Return the volumes of an array with an axis of volumes; any other as it is."""
    spatial = 3 + volume.is_color
    if volume.affine is None or array.ndim <= spatial:
        return [volume._replace(array=array)]
    return [
        volume._replace(array=each)
        for each in array.reshape(-1, *array.shape[array.ndim - spatial :])
    ]


def _failure_of(error: Exception) -> Failure:
    is_image = not isinstance(error, NotDicomError)
    if isinstance(error, NoPixelDataError):
        is_image = error.describes_image
    text = " ".join(str(error).split())
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return Failure(type(error).__name__, printable[:_MOST_CHARACTERS], is_image)
