"""Ctrl-C at any step of imread_many: no thread is left half-started, or waits for ever."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.many_files import write_series
from support.waiting import wait_until

import fastpix
from fastpix.runs.uninterrupted import uninterrupted


class Stop(BaseException):
    pass


def interrupted_at(step: int, call: Callable[[], object]) -> str | None:
    """Call a function, interrupt it at a step, and return where that was.

    The steps are where Python runs signal handlers: as functions begin, and as compiled ones end.
    """
    place = None

    def stop(frame: Any, event: str, argument: Any) -> None:
        nonlocal step, place
        begins = event == "call" and not frame.f_code.co_flags & inspect.CO_GENERATOR
        step -= begins or event == "c_return"
        if step == 0 and place is None:
            place = f"{event} in {frame.f_code.co_filename}:{frame.f_lineno}"
            raise Stop

    with contextlib.suppress(Stop):
        sys.setprofile(stop)
        try:
            call()
        finally:
            sys.setprofile(None)
    return place


def test_an_interrupt_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Python drops interrupts in the callbacks of weak references.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    paths = write_series(tmp_path, 6)

    def read() -> None:
        assert len(list(fastpix.imread_many(paths, threads=2))) == 6

    read()  # imports what is imported late
    before = set(threading.enumerate())
    for step in itertools.count(1):
        place = interrupted_at(step, read)
        if place is None:
            break
        assert wait_until(lambda: set(threading.enumerate()) <= before), place
    assert step > 100


def test_results_and_errors_come_from_another_thread() -> None:
    assert uninterrupted(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        uninterrupted(lambda: 1 // 0)
