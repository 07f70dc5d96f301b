"""A function in a process of its own, which may die or hang without harm to this one.

A leaf: the job and the comparison of readers stand on it. Processes are started by `subprocess`
and not by `multiprocessing`: they never import the caller's main module, and daemonic processes,
such as the workers of Dask, may start them.
"""

from __future__ import annotations

import importlib
import json
import logging
import multiprocessing
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import IO, Any

from fastpix.errors import FastpixError

_LENGTH = struct.Struct("<Q")
_READY, _MESSAGE, _RESULT, _ERROR, _ENDED = "ready", "message", "result", "error", "ended"
_START_SECONDS = 120.0  # within which a process must have started, on a busy machine, too
_EXIT_SECONDS = 0.5  # within which a process ends by itself when its input does
_IDLE_SECONDS = 60.0  # without a call, after which a process ends by itself
_MOST_FAILED_STARTS = 10  # one after the other
_PAUSE_SECONDS = 0.1  # between two of them
_SMALL = 2**16  # bytes that are sent in one piece with their length
_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from fastpix.processes import serve; serve(float(sys.argv[2]))"
)


class ChildDiedError(Exception):
    """A process died, or was killed, before it gave its result.

    Attributes
    ----------
    reason : str
        In words: by which signal, or with which exit code.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ChildHungError(ChildDiedError):
    """A process was killed since it had said nothing for too long."""


class Child:
    """A process that calls functions, one after the other.

    It ignores Ctrl-C, discards what libraries print, and ends when this process does, or when it
    has not been called for a minute: nobody else ends the idle processes of a cluster's workers.

    Raises
    ------
    FastpixError
        It does not start, however often it is tried: a single start may have been killed by chance.
    """

    def __init__(self) -> None:
        for _ in range(_MOST_FAILED_STARTS):
            reason = self._start()
            if not reason:
                self._used = time.monotonic()
                return
            time.sleep(_PAUSE_SECONDS)
        raise FastpixError(
            f"worker processes do not start ({reason}): free some memory or use fewer workers, "
            f"and run again for the rest"
        )

    def _start(self) -> str:
        """Start the process; return why it does not start, in words, or nothing."""
        self._is_closed = False
        path = [os.path.abspath(entry) for entry in sys.path]  # "" is where the caller was
        command = [sys.executable, "-c", _CODE, json.dumps(path), str(_IDLE_SECONDS)]
        try:
            with interrupts_held_back():
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
                )
        except OSError as error:
            return error.strerror or "the system refuses"
        self._received: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._reader = threading.Thread(target=self._receive, daemon=True)
        try:
            self._reader.start()
        except RuntimeError:  # the limit of processes counts threads
            self.close()
            return "there are too many threads"
        try:
            kind, _ = self._received.get(timeout=_START_SECONDS)
        except Empty:
            kind = _ENDED
        if kind != _READY:
            self.close()
            return self._how_it_ended()
        return ""

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def is_usable(self) -> bool:
        """Whether it is alive, and has not been idle for so long that it may be about to end."""
        idle = time.monotonic() - self._used
        return not self._is_closed and self._process.poll() is None and idle < _IDLE_SECONDS / 2

    def call(
        self,
        function: str,
        *arguments: object,
        timeout: float | None = None,
        on_message: Callable[[Any], object] | None = None,
    ) -> Any:
        """Call a function in the process, and return its result.

        Parameters
        ----------
        function : str
            ``"module:name"``. It is given a keyword ``report``, a function that sends messages.
        *arguments
            They are pickled, and so is the result.
        timeout : float, optional
            Seconds without a message, after which the process is killed.
        on_message : callable, optional
            Called in this thread with each message.

        Raises
        ------
        ChildDiedError, ChildHungError
            There is no result, and the process is gone.
        Exception
            What the function raised.
        """
        if self._is_closed:
            raise ChildDiedError(self._how_it_ended())
        data = pickle.dumps((function, arguments), protocol=5)
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):  # it has died, or was closed: told below
            _send(self._process.stdin, data)
        while True:
            try:
                kind, value = self._received.get(timeout=timeout)
            except Empty:
                self.close()
                raise ChildHungError(f"was still busy after {timeout:g} seconds") from None
            if kind == _MESSAGE:
                if on_message is not None:
                    on_message(value)
            elif kind in (_RESULT, _ERROR):
                self._used = time.monotonic()
                if kind == _ERROR:
                    raise value
                return value
            else:
                self.close()
                raise ChildDiedError(self._how_it_ended())

    def close(self) -> None:
        """End the process: at once if it is busy."""
        self._is_closed = True
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(timeout=0 if process.poll() is None else _EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader.ident is not None:  # it has been started
            self._reader.join()
        process.stdout.close()

    def _receive(self) -> None:
        """Take in what the process sends, until it ends."""
        assert self._process.stdout is not None
        try:
            while (data := _receive(self._process.stdout)) is not None:
                self._received.put(pickle.loads(data))
        except Exception:  # half a message of a process that died
            pass
        self._received.put((_ENDED, None))
        self._process.wait()  # one that ended since it was idle leaves no zombie

    def _how_it_ended(self) -> str:
        code = self._process.returncode
        if code is not None and code < 0:
            return f"was killed by {signal_name(-code)}"
        return f"ended with exit code {code}"


def _send(stream: IO[bytes], data: bytes) -> None:
    head = _LENGTH.pack(len(data))
    # Images are not copied once more: memory may be short when items are read one by one.
    for part in (head + data,) if len(data) < _SMALL else (head, data):
        view = memoryview(part)
        while view:
            view = view[stream.write(view) or 0 :]


def _receive(stream: IO[bytes]) -> bytearray | None:
    """Return the next message; None where the stream ends."""
    head = _read(stream, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    return _read(stream, length)


def _read(stream: IO[bytes], length: int) -> bytearray | None:
    data = bytearray(length)
    view = memoryview(data)
    while view:
        count = stream.readinto(view)  # type: ignore[attr-defined]
        if not count:
            return None
        view = view[count:]
    return data


# In the process.


def serve(idle_seconds: float) -> None:
    """Call the functions that come through standard input, until it ends.

    Parameters
    ----------
    idle_seconds : float
        Without a call, after which this process ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us answers to Ctrl-C
    unblock_interrupts()
    requests, replies = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb", 0)
    silence()
    lock = threading.Lock()

    def reply(kind: str, value: object) -> None:
        data = pickle.dumps((kind, value), protocol=5)
        with lock:
            _send(replies, data)

    waiting: SimpleQueue[bytearray] = SimpleQueue()

    def take_in() -> None:
        while (data := _receive(requests)) is not None:
            waiting.put(data)
        os._exit(0)  # whoever started us is gone, or has closed us

    reply(_READY, None)
    threading.Thread(target=take_in, daemon=True).start()
    try:
        while True:
            function, arguments = pickle.loads(waiting.get(timeout=idle_seconds))
            module, _, name = function.partition(":")
            try:
                call = getattr(importlib.import_module(module), name)
                result = call(*arguments, report=lambda value: reply(_MESSAGE, value))
            except Exception as error:
                _reply_error(reply, error)
            else:
                reply(_RESULT, result)
                del result
    except (Empty, OSError):  # nobody calls, or listens, any more
        os._exit(0)


def _reply_error(reply: Callable[[str, object], None], error: Exception) -> None:
    try:
        reply(_ERROR, error)
    except OSError:
        raise
    except Exception:  # one that cannot be pickled
        reply(_ERROR, RuntimeError(f"{type(error).__name__} in a worker process"))


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Start processes with SIGINT blocked: Ctrl-C reaches all, but only the parent handles it."""
    if sys.platform == "win32":  # which has no such signals
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def unblock_interrupts() -> None:
    """Let SIGINT through again, once it is ignored."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def signal_name(number: int) -> str:
    """Return the name of the signal that ended a process.

    Parameters
    ----------
    number : int
    """
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return f"signal {number}"


def leave_with_parent() -> None:
    """End this process of multiprocessing when its parent ends: nobody else would, if it hangs."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def silence() -> None:
    """Discard all that libraries print or log about a file: it may quote the file."""
    logging.disable(logging.CRITICAL)
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
