"""Functions in processes that die, hang, shout and are left alone: none of it reaches this one."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sizes import in_the_gate
from support.waiting import wait_until

from fastpix import processes
from fastpix.errors import FastpixError
from fastpix.processes import Child, ChildDiedError, ChildHungError, signal_name

FUNCTIONS = "support.child_functions"
on_linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it reads /proc")


@pytest.fixture(scope="module")
def kept() -> Iterator[Child]:
    """A process for tests that leave it alive."""
    child = Child()
    yield child
    child.close()


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return status.rpartition(b")")[2].split()[0] not in (b"Z", b"X")


def wait_until_gone(pid: int) -> None:
    assert wait_until(lambda: not is_alive(pid)), "it did not end"


def test_results_and_messages(kept: Child) -> None:
    said: list[object] = []
    assert kept.call(f"{FUNCTIONS}:add", 2, 3, on_message=said.append) == 5
    assert said == [("adding", 2, 3)]
    assert len(kept.call(f"{FUNCTIONS}:big", 3 * 2**20)) == 3 * 2**20
    assert kept.call(f"{FUNCTIONS}:pid") == kept.pid != os.getpid()


def test_errors_come_back(kept: Child) -> None:
    with pytest.raises(ValueError, match="some words"):
        kept.call(f"{FUNCTIONS}:fail", "some words")
    with pytest.raises(RuntimeError, match="OddError in a worker process"):
        kept.call(f"{FUNCTIONS}:fail_oddly")
    with pytest.raises(ModuleNotFoundError):
        kept.call("no_such_module:add")
    assert kept.call(f"{FUNCTIONS}:add", 1, 1) == 2


def test_what_is_printed_is_discarded(kept: Child, capfd: pytest.CaptureFixture[str]) -> None:
    assert kept.call(f"{FUNCTIONS}:shout", "DOE^JOHN") == "DOE^JOHN"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("SIGKILL", "was killed by SIGKILL"),
        ("SIGSEGV", "was killed by SIGSEGV"),
        ("exit", "ended with exit code 3"),
    ],
)
def test_deaths_are_told(how: str, said: str) -> None:
    child = Child()
    with pytest.raises(ChildDiedError, match=said):
        child.call(f"{FUNCTIONS}:die", how)
    assert not is_alive(child.pid)
    with pytest.raises(ChildDiedError):
        child.call(f"{FUNCTIONS}:add", 1, 1)
    child.close()


def test_a_process_that_says_nothing_is_killed_and_one_that_reports_is_not() -> None:
    child = Child()
    assert child.call(f"{FUNCTIONS}:talk", 8, 0.2, timeout=1.5) == "done"
    with pytest.raises(ChildHungError, match=r"was still busy after 0\.3 seconds"):
        child.call(f"{FUNCTIONS}:sleep", 60, timeout=0.3)
    assert not is_alive(child.pid)


def test_a_busy_process_is_closed_from_another_thread() -> None:
    child = Child()
    threading.Timer(0.2, child.close).start()
    with pytest.raises(ChildDiedError):
        child.call(f"{FUNCTIONS}:sleep", 60)
    assert not is_alive(child.pid)


@on_linux
def test_nothing_is_left_of_a_process() -> None:
    gc.collect()  # what earlier tests left would be closed meanwhile
    before = len(list(Path("/proc/self/fd").iterdir()))
    threads = set(threading.enumerate())
    child = Child()
    child.close()
    child.close()
    assert not Path(f"/proc/{child.pid}").exists()  # no zombie
    assert len(list(Path("/proc/self/fd").iterdir())) <= before  # those of other tests may end
    assert set(threading.enumerate()) <= threads


SCRIPT = """
import sys, time
from fastpix.processes import Child
child = Child()
print(child.pid, flush=True)
try:
    child.call("support.child_functions:sleep", 60)
except KeyboardInterrupt:
    child.close()
    sys.exit(7)
"""


@on_linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_process_ends_with_its_parent(how: signal.Signals) -> None:
    """Also if it is busy. Ctrl-C reaches both, and the parent alone answers."""
    tests = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, env=os.environ | {"PYTHONPATH": tests},
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.1)
        assert is_alive(pid)
        if how == signal.SIGINT:
            os.killpg(parent.pid, how)
        else:
            parent.kill()
        _, errors = parent.communicate(timeout=120)
        wait_until_gone(pid)
    assert errors == b""
    assert parent.returncode == (7 if how == signal.SIGINT else -signal.SIGKILL)


def test_a_process_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(sys, "executable", "/nothing/python")
    with pytest.raises(FastpixError, match="worker processes do not start"):
        Child()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(FastpixError, match="exit code 1"):
        Child()


def test_starts_that_are_killed_by_chance_are_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One start that was killed must not end a job of a million files."""
    starts = tmp_path / "starts"
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\necho >> {starts}\n[ $(wc -l < {starts}) -gt 3 ] || kill -9 $$\n"
        f'exec {sys.executable} "$@"\n'
    )
    python.chmod(0o700)
    monkeypatch.setattr(processes, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(sys, "executable", str(python))
    child = Child()
    assert child.call(f"{FUNCTIONS}:add", 1, 1) == 2
    assert len(starts.read_text()) == 4
    child.close()


def test_too_many_threads_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    before = set(threading.enumerate())
    monkeypatch.setattr(processes, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(processes, "_MOST_FAILED_STARTS", 2)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(FastpixError, match="too many threads"):
        Child()
    assert set(threading.enumerate()) <= before


@in_the_gate
@on_linux
def test_a_process_that_is_not_called_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_IDLE_SECONDS", 0.6)
    child = Child()
    assert child.call(f"{FUNCTIONS}:talk", 4, 0.2) == "done"  # it is busy, however long
    assert child.is_usable
    time.sleep(0.4)
    assert not child.is_usable
    # Not even a zombie is left.
    assert wait_until(lambda: not Path(f"/proc/{child.pid}").exists()), "it did not end"
    child.close()


def test_names_of_signals() -> None:
    assert signal_name(9) == "SIGKILL"
    assert signal_name(50) == "signal 50"
