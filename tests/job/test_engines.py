"""Batches on every engine: workers die, hang and are lost, and no item is lost, or done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.child_functions import KILLER
from support.libraries import library
from support.sizes import in_the_gate, is_quick

from fastpix import processes
from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.counts import Counts
from fastpix.job.engines import driving, guarded
from fastpix.job.engines.driving import drive
from fastpix.job.engines.executors import DaskSubmitter
from fastpix.job.engines.guarded import end_children, run_guarded
from fastpix.job.engines.isolated import Isolated
from fastpix.job.items import Batch, Item, SourceFile
from fastpix.job.settings import Job, Settings

MARKED = "support.child_functions:convert_marked"
DYING = "support.child_functions:kill_this_once"


def job_in(folder: Path, timeout: float = 30.0) -> Job:
    run = os.urandom(4).hex()
    return Job(Settings(), str(folder), "", b"k" * 32, 2**30, "numpy", timeout=timeout, run=run)


def batches_of(count: int, size: int, pause: float = 0.0) -> Iterator[Batch]:
    for k in range(count):
        items = tuple(Item(f"{k:05}-{n:03}", str(pause), ()) for n in range(size))
        yield Batch(1, "s", items)


def item(relative: str) -> Item:
    # An old file: one that has just changed would be left for the next run.
    return Item(relative[:8], "0", (SourceFile("/nowhere", relative, 0, 0),))


def nothing(_: Counts) -> None:
    return


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches write a file for each item."""
    monkeypatch.setattr(driving, "run_guarded", partial(run_guarded, functions=(MARKED, MARKED)))


# One item kills


@pytest.mark.parametrize("how", ["always", pytest.param("hang", marks=in_the_gate)])
def test_an_item_that_kills_costs_itself(how: str, tmp_path: Path) -> None:
    job = job_in(tmp_path)
    rows = []
    with Isolated(job.timeout, "support.child_functions:make_or_die") as isolated:
        for name in ("fine", f"{how}:", "good"):
            isolated._timeout = 0.5 if name == "hang:" else 30  # others may start a process
            rows.append(isolated.make(item(name), job).rows[0])
    assert [row["status"] for row in rows] == ["done", "failed", "done"]
    assert rows[1]["error"] == "WorkerDied"
    said = {"always": "was killed by SIGSEGV", "hang": "was still busy after 0.5 seconds"}[how]
    assert rows[1]["reason"] == f"the process reading it {said}"


@pytest.mark.parametrize("times", ["once", pytest.param("twice", marks=in_the_gate)])
def test_an_item_is_not_to_blame_for_a_death_by_chance(times: str, tmp_path: Path) -> None:
    """Twice: in a process that had read others, and once in one of its own."""
    job = job_in(tmp_path)
    with Isolated(job.timeout, "support.child_functions:make_or_die") as isolated:
        isolated.make(item("fine"), job)
        made = isolated.make(item(f"{times}:{tmp_path / 'log'}"), job)
    assert made.rows[0]["status"] == "done"


def test_a_batch_whose_process_died_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_quick():
        monkeypatch.setattr(guarded, "_TRIES", 2)
    job = job_in(tmp_path)
    (batch,) = batches_of(1, 5)
    seen: list[int] = []
    counts = run_guarded(batch, job, lambda c: seen.append(c.converted), functions=(DYING, MARKED))
    assert counts.converted == 5
    assert seen == [1, 2, 3, 4, 5]
    with pytest.raises(FastpixError, match="was killed by SIGKILL, and so did those"):
        run_guarded(batch, job, functions=("support.child_functions:kill_this",) * 2)
    end_children(job.run)
    with pytest.raises(FastpixError, match="has ended"):
        run_guarded(batch, job)


def test_a_process_that_was_idle_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends by itself, since nobody ends those of an executor. No item is suspected."""
    monkeypatch.setattr(processes, "_IDLE_SECONDS", 0.4)
    job = job_in(tmp_path)
    never = "support.child_functions:kill_this"
    for batch in batches_of(2, 3):
        assert run_guarded(batch, job, functions=(MARKED, never)).converted == 3
        time.sleep(0.3)
    end_children(job.run)


# Engines


def in_processes() -> Executor:
    import multiprocessing

    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize("engine", [lambda: None, lambda: ThreadPoolExecutor(2), in_processes])
def test_every_batch_is_done_once(engine: Callable[[], Any], tmp_path: Path) -> None:
    executor = engine()
    seen: list[int] = []
    job = job_in(tmp_path)
    counts = drive(batches_of(6, 5), job, executor, 2, lambda c: seen.append(c.converted))
    assert counts.converted == seen[-1] == 30
    assert seen == sorted(seen)
    assert len(list(tmp_path.iterdir())) == 30
    if executor is not None:
        executor.shutdown()
    assert not living_children()


def living_children() -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            is_ours = int(status[1]) == os.getpid() and b"fastpix.processes" in command
            if is_ours and status[0] not in (b"Z", b"X"):
                found.append(int(entry.name))
    return found


@pytest.mark.usefixtures("marked")
def test_batches_are_taken_as_they_are_needed(tmp_path: Path) -> None:
    taken: list[int] = []
    ahead: list[int] = []

    def watched() -> Iterator[Batch]:
        for batch in batches_of(30, 2):
            taken.append(1)
            yield batch

    def look(counts: Counts) -> None:
        ahead.append(len(taken) - counts.converted // 2)

    drive(watched(), job_in(tmp_path), None, 2, look)
    assert len(taken) == 30
    assert max(ahead) <= 4 + 2


@pytest.mark.usefixtures("marked")
def test_an_interrupt_ends_all(tmp_path: Path) -> None:
    def interrupt(counts: Counts) -> None:
        if counts.converted:
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        drive(batches_of(50, 50, 0.2), job_in(tmp_path), None, 2, interrupt)
    assert time.monotonic() - start < 10
    assert not living_children()


def test_an_error_of_a_batch_ends_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full, say: it is not tried again and again."""
    monkeypatch.setattr(driving, "run_guarded", partial(run_guarded, functions=(MARKED, MARKED)))
    with pytest.raises(FileNotFoundError):
        drive(batches_of(5, 5), job_in(tmp_path / "none"), None, 1, nothing)
    assert not living_children()


def test_an_executor_whose_processes_die_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving, "run_guarded", die_in_executor)
    with in_processes() as executor, pytest.raises(FastpixError, match="run the same command"):
        drive(batches_of(3, 3), job_in(tmp_path), executor, 2, nothing)


def die_in_executor(batch: Batch, job: Job) -> Counts:
    os._exit(1)


def test_what_is_no_engine() -> None:
    with pytest.raises(ArgumentError, match="is not a concurrent"):
        drive(iter([]), job_in(Path()), 3, 1, nothing)
    with pytest.raises(ArgumentError, match="is not a concurrent"):
        drive(iter([]), job_in(Path()), "spark:x", 1, nothing)


# Dask


class OfDask:
    """What `DaskSubmitter` uses of a client."""

    status = "running"

    def get_executor(self, **_: object) -> Executor:
        return ThreadPoolExecutor(1)

    def nthreads(self) -> dict[str, int]:
        return {"one": 8, "other": 4}


def test_all_threads_of_a_cluster_are_used() -> None:
    """The caller's machine has two cores, say, and the cluster a thousand."""
    submitter = DaskSubmitter(OfDask())
    assert submitter.workers(2) == 12
    assert submitter.workers(20) == 20


def test_a_scheduler_is_given_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It makes objects of what it is given, and bytes of these again: for each file of a batch."""
    submitter = DaskSubmitter(OfDask())
    given: list[Any] = []
    submit = submitter.executor.submit

    def watched(function: Callable[..., Any], *arguments: Any) -> Any:
        given.extend(arguments)
        return submit(function, *arguments)

    monkeypatch.setattr(submitter.executor, "submit", watched)
    (batch,) = batches_of(1, 5)
    job = job_in(tmp_path)
    run = partial(run_guarded, functions=(MARKED, MARKED))
    assert submitter.submit(run, batch, job).result().converted == 5
    assert [type(each) for each in given] == [bytes]
    submitter.executor.shutdown()
    end_children(job.run)


def test_errors_of_dask_are_no_errors_of_the_cache() -> None:
    """Lost connections are OSErrors, too; and an error of ours is not tried again and again."""
    library("distributed")
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    submitter = DaskSubmitter(OfDask())
    lost = KilledWorker("task", None, 3)
    for error in (CommClosedError("closed"), lost, CancelledError()):
        assert submitter.is_lost(error)
    for other in (OSError(28, "No space left on device"), FastpixError("x"), TypeError("x")):
        assert not submitter.is_lost(other)


@pytest.mark.filterwarnings("ignore")
def test_dask_whose_workers_are_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is missing after workers were killed at random, and their children end with them."""
    distributed = library("distributed")
    monkeypatch.setattr(driving, "run_guarded", partial(run_guarded, functions=(MARKED, MARKED)))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    batches, size = (24, 10) if is_quick() else (100, 30)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster, distributed.Client(cluster) as client:  # fmt: skip
        seconds = 2.5 if is_quick() else 20.0
        command = [sys.executable, "-c", KILLER, str(os.getpid()), str(seconds)]
        killer = subprocess.Popen(command, stdout=subprocess.PIPE)
        counts = drive(batches_of(batches, size, 0.02), job_in(tmp_path), client, 2, nothing)
        kills, _ = killer.communicate()
    assert kills.count(b"killed") >= (1 if is_quick() else 4)
    assert counts.converted == batches * size
    assert len(list(tmp_path.iterdir())) == batches * size


@pytest.mark.filterwarnings("ignore")
def test_dask_whose_scheduler_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is restarted at the same address: what was in flight is submitted again.

    Workers of Dask end when they lose their scheduler; whoever runs the cluster starts others.
    """
    library("distributed")
    if is_quick():
        pytest.skip("it takes 20 seconds")
    monkeypatch.setattr(driving, "run_guarded", partial(run_guarded, functions=(MARKED, MARKED)))
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    port = 20000 + os.getpid() % 20000
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", str(port),
                 "--no-dashboard"]  # fmt: skip
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", f"127.0.0.1:{port}",
              "--nthreads", "1", "--no-dashboard"]  # fmt: skip
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": env}
    running = [subprocess.Popen(scheduler, **quiet), subprocess.Popen(worker, **quiet)]

    def restart() -> None:
        time.sleep(8)
        running[0].kill()
        running[0].wait()
        running[1].kill()
        running[1].wait()
        time.sleep(1)
        running[:] = [subprocess.Popen(scheduler, **quiet), subprocess.Popen(worker, **quiet)]

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        counts = drive(
            batches_of(30, 20, 0.02), job_in(tmp_path), f"dask:127.0.0.1:{port}", 1, nothing
        )
    finally:
        thread.join()
        for process in running:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert counts.converted == 600
    assert len(list(tmp_path.iterdir())) == 600
