"""How much of the CPU of a job on Dask its driver and scheduler take: `bench_job.py` prints it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

_DRIVER = """
import sys
import fastpix
from distributed import Client
with Client(scheduler_file=sys.argv[1]) as client:
    client.wait_for_workers(2)
    for line in sys.stdin:
        source, out = line.rstrip().split("|")
        summary = fastpix.convert(source, out, executor=client, workers=2)
        assert summary.failed == 0
        print("done", flush=True)
"""
_TICK = os.sysconf("SC_CLK_TCK")
_TIMES = 4  # that each file is there: a job of some seconds on each worker


def dask_share(source: Path, one: Path) -> float:
    """Return the share of driver and scheduler in all CPU seconds of a job on a running cluster.

    Parameters
    ----------
    source : Path
        Folder of files, of which four links each are converted.
    one : Path
        Folder of one file, which is converted first: that starts all that is needed.
    """
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        many = Path(folder) / "many"
        many.mkdir()
        for path in source.iterdir():
            for k in range(_TIMES):
                os.link(path, many / f"{k}-{path.name}")
        at = str(Path(folder) / "scheduler.json")
        tool = [sys.executable, "-m"]
        start = partial(subprocess.Popen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        scheduler = start(
            [*tool, "distributed.cli.dask_scheduler", "--scheduler-file", at, "--no-dashboard"]
        )
        workers = [
            start(
                [*tool, "distributed.cli.dask_worker", "--scheduler-file", at, "--nthreads", "1",
                 "--no-dashboard"]
            )
            for _ in range(2)
        ]  # fmt: skip
        driver = subprocess.Popen(
            [sys.executable, "-c", _DRIVER, at],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert driver.stdin is not None
        assert driver.stdout is not None

        def used() -> tuple[float, float]:
            ours = _cpu_of({driver.pid, scheduler.pid})
            return ours, _cpu_of(with_descendants({worker.pid for worker in workers}))

        spent: list[tuple[float, float]] = []
        try:
            for files in (one, many):
                print(f"{files}|{folder}/of-{files.name}", file=driver.stdin, flush=True)
                if driver.stdout.readline() != "done\n":
                    raise SystemExit("the job on Dask failed")
                spent.append(used())
        finally:
            for process in (driver, *workers, scheduler):
                process.kill()
                process.wait()
    before, after = spent
    ours, theirs = after[0] - before[0], after[1] - before[1]
    return ours / (ours + theirs)


def _stat(pid: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def with_descendants(pids: set[int]) -> set[int]:
    """Return processes, and all that they have started."""
    parents = {
        int(name): int(fields[1])
        for name in os.listdir("/proc")
        if name.isdigit() and (fields := _stat(name))
    }
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _cpu_of(pids: set[int]) -> float:
    """Return the CPU seconds of processes, and of their children that have ended."""
    return sum(sum(map(int, fields[11:15])) for pid in pids if (fields := _stat(str(pid)))) / _TICK
