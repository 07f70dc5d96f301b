"""What tests let worker processes do, good and bad."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from fastpix.audit.audit_job import AuditJob
from fastpix.audit.audit_workers import header, sample
from fastpix.audit.header_counts import HeaderCounts
from fastpix.audit.sampled_source import SourceBatch
from fastpix.job.counts import Counts
from fastpix.job.items import Batch, Item, SourceFile
from fastpix.job.made import Made
from fastpix.job.settings import Job


def add(a: int, b: int, *, report: Any) -> int:
    report(("adding", a, b))
    return a + b


def pid(*, report: Any) -> int:
    del report
    return os.getpid()


def fail(text: str, *, report: Any) -> None:
    del report
    raise ValueError(text)


def fail_oddly(*, report: Any) -> None:
    del report

    class OddError(Exception):
        """One that cannot be pickled."""

    raise OddError


def die(how: str, *, report: Any) -> None:
    del report
    if how == "exit":
        os._exit(3)
    os.kill(os.getpid(), getattr(signal, how))
    time.sleep(60)


def sleep(seconds: float, *, report: Any) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)
    report("slept")


def talk(times: int, pause: float, *, report: Any) -> str:
    for k in range(times):
        time.sleep(pause)
        report(k)
    return "done"


def shout(text: str, *, report: Any) -> str:
    """Print as libraries do, and as code below Python does."""
    del report
    print(text)
    sys.stderr.write(text)
    os.write(1, text.encode())
    os.write(2, text.encode())
    return text


def big(size: int, *, report: Any) -> bytes:
    del report
    return bytes(size)


def make_or_die(item: Item, job: Job, *, report: Any) -> Made:
    """Make a row; kill this process as the name of the item's file says."""
    del job, report
    (file,) = item.files
    how, _, path = file.relative.partition(":")
    if how == "always":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "hang":
        time.sleep(60)
    if how in ("once", "twice"):
        log = Path(path)
        tries = len(log.read_text()) if log.exists() else 0
        if tries < {"once": 1, "twice": 2}[how]:
            log.write_text("x" * (tries + 1))
            os.kill(os.getpid(), signal.SIGKILL)
    return Made([{"item": item.name, "name": item.name, "kind": "image", "status": "done"}])


def header_or_die(item: Item, job: AuditJob, *, report: Any) -> HeaderCounts:
    """Read a header; die at a file that asks for it."""
    _die_at(item.files[0])
    return header(item, job, report=report)


def sample_or_die(batch: SourceBatch, number: int, job: AuditJob, *, report: Any) -> None:
    """Look at a sample; die at a file that asks for it."""
    _die_at(batch.samples[number].file)
    sample(batch, number, job, report=report)


def _die_at(file: SourceFile) -> None:
    if b"DEADLY" in Path(file.location).read_bytes():
        os.kill(os.getpid(), signal.SIGSEGV)


def convert_marked(batch: Batch, job: Job, *, report: Any) -> Counts:
    """Write a file for each item, whose name must not be there yet."""
    counts = Counts()
    for item in batch.items:
        handle = os.open(Path(job.destination) / item.name, os.O_CREAT | os.O_WRONLY, 0o600)
        os.close(handle)
        counts.converted += 1
        report(counts)
        time.sleep(float(item.state))
    return counts


def kill_this(batch: Batch, job: Job, *, report: Any) -> Counts:
    """Die."""
    del batch, job, report
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def kill_this_once(batch: Batch, job: Job, *, report: Any) -> Counts:
    """Die at the first try of a batch."""
    mark = Path(job.destination) / f"tried-{batch.id}"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return convert_marked(batch, job, report=report)


KILLER = """
import os, random, signal, sys, time
parent, seconds = int(sys.argv[1]), float(sys.argv[2])
random.seed(3)
end = time.monotonic() + seconds
while time.monotonic() < end:
    time.sleep(random.uniform(0.2, 0.5))
    found = []
    for name in os.listdir("/proc"):
        try:
            status = open(f"/proc/{name}/stat").read().rpartition(")")[2].split()
            command = open(f"/proc/{name}/cmdline").read()
        except OSError:
            continue
        # The command of this killer has the word in it, too.
        is_other = name.isdigit() and int(name) != os.getpid()
        if not is_other or int(status[1]) != parent or "spawn_main" not in command:
            continue
        # One that dies while it starts is not replaced by Dask.
        up = float(open("/proc/uptime").read().split()[0])
        if up - int(status[19]) / os.sysconf("SC_CLK_TCK") > 2:
            found.append(int(name))
    if found:
        os.kill(random.choice(found), signal.SIGKILL)
        print("killed", flush=True)
"""
"""Kills workers of Dask, which are children of a process, at random for some seconds."""
