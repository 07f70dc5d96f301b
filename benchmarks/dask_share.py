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
with Client(scheduler_file=sys.argv[3]) as client:
    client.wait_for_workers(2)
    summary = fastpix.convert(sys.argv[1], sys.argv[2], executor=client, workers=2)
assert summary.failed == 0
"""
_TICK = os.sysconf("SC_CLK_TCK")


def dask_share(source: Path, one: Path) -> float:
    """Return the share of driver and scheduler in all CPU seconds, start-up taken off.

    Parameters
    ----------
    source : Path
        Folder of files that take some seconds.
    one : Path
        Folder of one file.
    """
    with tempfile.TemporaryDirectory() as folder:
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
        spent = []
        try:
            for k, files in enumerate((one, one, source)):  # the first starts what workers need
                out = str(Path(folder) / f"out{k}")
                driver = subprocess.Popen([sys.executable, "-c", _DRIVER, str(files), out, at])
                _, status, used = os.wait4(driver.pid, 0)
                driver.returncode = os.waitstatus_to_exitcode(status)
                if driver.returncode:
                    raise SystemExit("the job on Dask failed")
                ours = used.ru_utime + used.ru_stime
                theirs = _cpu_of(with_descendants({worker.pid for worker in workers}))
                spent.append((ours, _cpu_of({scheduler.pid}), theirs))
        finally:
            for process in (*workers, scheduler):
                process.kill()
                process.wait()
    _, before, after = spent
    ours = after[0] - before[0] + after[1] - before[1]
    return ours / (ours + after[2] - before[2])


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
