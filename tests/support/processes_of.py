"""Jobs of the command in processes of their own: killed, limited, and what is left of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.waiting import wait_until

_MAIN = "from fastpix.cli import main; main()"
COMMAND = (sys.executable, "-c", _MAIN)
_LIMITED = (
    "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); "
)
_SECONDS = 120


def run_and(
    command: str, source: Path, dst: Path, act: Callable[[subprocess.Popen[bytes]], None]
) -> tuple[int, bytes]:
    """Run a command, do something to it, and wait until all of its processes are gone."""
    with subprocess.Popen(
        [*COMMAND, command, str(source), str(dst), "--workers", "2"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    ) as job:  # fmt: skip
        act(job)
        log, _ = job.communicate(timeout=_SECONDS)
        assert b"Traceback" not in log
    assert wait_until(lambda: not members_of(job.pid)), "workers outlive their job"
    return job.returncode, log


def run_limited(
    command: str, source: Path, dst: Path, size: int
) -> subprocess.CompletedProcess[str]:
    """Run a command of which no file may have more bytes: as on a full disk."""
    return subprocess.run(
        [sys.executable, "-c", _LIMITED.format(size) + _MAIN, command, str(source), str(dst),
         "--workers", "1"],
        capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip


def members_of(group: int) -> list[int]:
    """Return the processes of a group that have not ended."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            if int(status[2]) == group and status[0] not in (b"Z", b"X"):
                found.append(int(entry.name))
    return found


def seconds_up(pid: int) -> float:
    """Return how long a process has been there; 0 where it is gone."""
    try:
        begin = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0.0
    up = float(Path("/proc/uptime").read_text().split()[0])
    return up - begin / os.sysconf("SC_CLK_TCK")
