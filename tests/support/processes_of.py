"""Processes of a group, as /proc tells of them."""

from __future__ import annotations

import os
from pathlib import Path


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
