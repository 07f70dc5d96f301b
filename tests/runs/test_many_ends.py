"""imread_many: an early end of any kind leaves no thread and no open file."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.many_files import write_series
from support.scripts import run_script
from support.sizes import in_the_gate, rounds
from support.waiting import wait_until

import fastpix

pytestmark = pytest.mark.usefixtures("no_threads_left")


def workers_now() -> int:
    return sum("run" in thread.name for thread in threading.enumerate())


def end_by_close(reader: Any) -> None:
    reader.close()


def end_by_drop(reader: Any) -> None:
    """The caller's name is the last."""


def end_by_throw(reader: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        reader.throw(ZeroDivisionError())


def end_by_interrupt(reader: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        reader.throw(KeyboardInterrupt())


@pytest.mark.parametrize("end", [end_by_close, end_by_drop, end_by_throw, end_by_interrupt])
@pytest.mark.parametrize("taken", [0, 1, 5, 50])
def test_an_early_end(tmp_path: Path, end: Callable[[Any], None], taken: int) -> None:
    before = threading.active_count()
    opened = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    paths = write_series(tmp_path, 60)
    reader = fastpix.imread_many(paths * 20, threads=3)
    kept = list(itertools.islice(reader, taken))
    assert threading.active_count() == before + (3 if taken else 0)
    end(reader)
    del reader
    assert threading.active_count() == before
    if opened:
        assert len(os.listdir("/proc/self/fd")) == opened
    for array, path in zip(kept, paths, strict=False):
        assert array.tobytes() == fastpix.imread(path).tobytes()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers")
def test_interrupts_at_any_time(tmp_path: Path) -> None:
    """Ctrl-C ends the iteration, wherever it comes; what was taken is whole."""

    class Stop(BaseException):
        pass

    def stop(*arguments: Any) -> None:
        raise Stop

    paths = write_series(tmp_path, 50)
    wanted = [fastpix.imread(path).tobytes() for path in paths]
    before = signal.signal(signal.SIGALRM, stop)
    try:
        for k in range(0, 60, 60 // rounds(60)):
            with contextlib.suppress(Stop):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.0003 + 0.0003 * k)
                    for n, array in enumerate(fastpix.imread_many(paths * 40, threads=2)):
                        assert array.tobytes() == wanted[n % 50]
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            gc.collect()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    wait_until(lambda: workers_now() == 0)


def test_collected_in_a_thread_of_its_own(tmp_path: Path) -> None:
    """A generator in a cycle is closed by whichever thread collects garbage."""
    paths = write_series(tmp_path, 10)
    collected = threading.Event()
    go = threading.Event()

    class Collecting(os.PathLike[str]):
        def __fspath__(self) -> str:
            if threading.current_thread() is not threading.main_thread() and go.wait(60):
                gc.collect()
                collected.set()
            return str(paths[0])

    def leave_in_a_cycle() -> None:
        class Holder:
            pass

        holder: Any = Holder()
        holder.myself = holder
        holder.reader = fastpix.imread_many([*paths[:1], *[Collecting()] * 50], threads=2)
        next(holder.reader)

    caught: list[Any] = []
    hook, sys.unraisablehook = sys.unraisablehook, caught.append
    gc.disable()
    try:
        leave_in_a_cycle()
        go.set()
        assert collected.wait(60)
        wait_until(lambda: workers_now() == 0)
    finally:
        gc.enable()
        sys.unraisablehook = hook
    assert caught == []
    assert workers_now() == 0


SUSPENDED = """
import sys, fastpix
readers = [fastpix.imread_many(sys.argv[1:] * 200, threads=n) for n in (1, 2, 4)]
for reader in readers:
    next(reader), next(reader)
holder = type("Holder", (), {})()
holder.myself, holder.readers = holder, readers
sys.holder = holder
print("end")
"""


@in_the_gate
def test_exit_while_suspended(tmp_path: Path) -> None:
    for _ in range(3):
        assert run_script(SUSPENDED, *write_series(tmp_path, 40, shape=(100, 100))) == "end\n"


FORKED = """
import os, sys, warnings, fastpix
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork while there are threads
reader = fastpix.imread_many(sys.argv[1:] * 50, threads=2)
next(reader)
unused = fastpix.imread_many(sys.argv[1:], threads=2)
child = os.fork()
if not child:
    try:
        list(reader)
    except fastpix.FastpixError as error:
        print(error)
    print(len(list(unused)), len(list(fastpix.imread_many(sys.argv[1:]))), flush=True)
    sys.exit(0)
print(os.waitpid(child, 0)[1], sum(1 for _ in reader))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_while_in_use(tmp_path: Path) -> None:
    """The child has no threads to wait for, and is told; all else works there."""
    out = run_script(FORKED, *write_series(tmp_path)).splitlines()
    assert "forked process" in out[0]
    assert out[1:] == ["40 40", "0 1999"]
