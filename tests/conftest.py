"""Settings of all tests."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from fastpix.cli import main

if TYPE_CHECKING:
    from support.jobs import Folders

pytest.register_assert_rewrite("support")

# The gate runs the same examples every time; elsewhere each run tries new ones. No deadline: other
# workers of pytest-xdist take the processor away from an example.
settings.register_profile("tests", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("tests")


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Share out the rewriting of asserts among the workers of pytest-xdist, in a fresh clone.

    It takes seconds, and its results are cached beside the tests. Each worker begins with a part of
    the modules that the others have not begun with, and later finds theirs in the cache.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None or session.config.args != ["tests"]:
        return
    modules = sorted(Path(__file__).parent.rglob("test_*.py"))
    first = int(worker["workerid"].removeprefix("gw")) * len(modules) // worker["workercount"]
    for module in modules[first:] + modules[:first]:
        sys.path.insert(0, str(module.parent))
        with (
            suppress(Exception, pytest.skip.Exception),  # the collection meets them again
            warnings.catch_warnings(action="error"),
        ):
            importlib.import_module(module.stem)
        sys.path.remove(str(module.parent))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Let the garbage collector pass over modules and thousands of tests, which stay."""
    gc.collect()
    gc.freeze()


# A shell that starts the tests in the background ignores SIGINT for them, and for what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command in this process; return what it printed, after a look at the exit code."""

    def call_main(*arguments: object, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["fastpix", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capfd.readouterr()
        assert caught.value.code == code, out + err
        return out + err

    return call_main


@pytest.fixture(scope="module")
def quick_processes() -> Iterator[None]:
    """Start the workers of this process quickly; as users have them, in the gate."""
    from support.quick_processes import start_quickly
    from support.sizes import is_quick

    with pytest.MonkeyPatch.context() as patch:
        if is_quick() and "forkserver" in multiprocessing.get_all_start_methods():
            start_quickly(patch)
        yield


@pytest.fixture
def no_threads_left() -> Iterator[None]:
    """Check that a test ends the threads that it starts."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Folders of a small job."""
    from support.jobs import Folders

    made = Folders(tmp_path / "src", tmp_path / "dst")
    made.src.mkdir()
    return made


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are worked on here, as a worker does it: where workers are not what is tested."""
    from fastpix.job.batch_conversion import convert_batch
    from fastpix.job.engines import driving

    def work(
        batch: Any, job: Any, report: Any = None, functions: tuple[str, str] | None = None
    ) -> Any:
        if functions is None:
            return convert_batch(batch, job, report=report)
        module, _, name = functions[0].partition(":")
        function = getattr(importlib.import_module(module), name)
        return function(batch, job, report=report or (lambda _: None))

    monkeypatch.setattr(driving, "run_guarded", work)
    monkeypatch.setattr("fastpix.audit.auditing.run_guarded", work)
    monkeypatch.setattr("fastpix.deidentification.run.deidentifying.run_guarded", work)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    from support.browser import started_chromium

    with started_chromium() as browser:
        yield browser
