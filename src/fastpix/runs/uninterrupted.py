"""Calls that no signal handler interrupts.

Python runs signal handlers in the main thread, between any two of its steps. If the handler of
Ctrl-C raises in the midst of `threading.Thread.start`, the new thread may never run and yet be
listed for ever; or it may wait for ever for a lock that the interrupted call holds.
"""

from __future__ import annotations

from _thread import start_new_thread
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

T = TypeVar("T")


def uninterrupted(function: Callable[[], T]) -> T:
    """Call a function in another thread; return its result, or raise its error.

    An interrupt ends the wait for it; the call itself goes on to its end.

    Parameters
    ----------
    function : callable
        It must not ask for the current thread: `threading` would list that one for ever.
    """
    results: list[T] = []
    errors: list[BaseException] = []
    done = Lock()
    done.acquire()

    def call() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)
        finally:
            done.release()

    start_new_thread(call, ())  # one step: it takes place, or it does not
    done.acquire()
    if errors:
        raise errors.pop()
    return results.pop()
