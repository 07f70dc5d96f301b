"""Jobs that are killed, whole or a worker, at any moment: nothing missing, torn or twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import processes_of
from support.builders import encode, make_dataset
from support.child_functions import KILLER
from support.libraries import library
from support.processes_of import members_of, run_limited, seconds_up
from support.sizes import in_the_gate, is_quick, rounds

import fastpix

COMMAND = [*processes_of.COMMAND, "convert"]
COUNT = 400

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="processes are read from /proc"
)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small images, no two alike."""
    folder = tmp_path_factory.mktemp("many")
    head = encode(make_dataset(np.zeros((8, 8), np.uint16), SOPInstanceUID=None))[:-128]
    for index in range(COUNT):
        path = folder / f"{index:04}"
        path.write_bytes(head + np.full(64, index, "<u2").tobytes())
        os.utime(path, (1, 1))
    return folder


def run_and(source: Path, dst: Path, act: Callable[[subprocess.Popen[bytes]], None]) -> int:
    return processes_of.run_and("convert", source, dst, act)[0]


def check_sound(dst: Path, *, is_whole: bool) -> int:
    """Check that what can be seen of a cache is right; return how many images it has."""
    if not (dst / "dataset.json").exists():
        return 0
    cache = fastpix.open_cache(dst)
    for k in range(len(cache)):
        cache.verify(k)
    found = sorted(int(array.max()) for array in cache)
    assert len(set(found)) == len(found)
    assert not is_whole or found == list(range(COUNT))
    # What a glob finds is what is committed: nothing twice.
    assert {Path(shard) for shard in cache.shards} == set((dst / "shards").glob("*.tar"))
    return len(cache)


def test_killed_at_random_moments(many: Path, tmp_path: Path) -> None:
    chance = random.Random(20260101)
    dst = tmp_path / "dst"
    done = 0
    for _ in range(rounds(24)):
        moment = chance.uniform(0.3, 1.6)

        def kill(job: subprocess.Popen[bytes], moment: float = moment) -> None:
            time.sleep(moment)
            job.kill()

        run_and(many, dst, kill)
        if (dst / "dataset.json").exists():
            # A run that died between commit and publication is mended by the next.
            from fastpix.job.maintenance import finish_publishing
            from fastpix.job.storage.local_storage import LocalStorage

            finish_publishing(LocalStorage(dst))
        now = check_sound(dst, is_whole=False)
        assert now >= done
        done = now
    assert run_and(many, dst, lambda _: None) == 0
    check_sound(dst, is_whole=True)


@in_the_gate
def test_workers_killed_at_random_moments(many: Path, tmp_path: Path) -> None:
    """It costs no file: none of them is to blame."""
    chance = random.Random(7)

    dst = tmp_path / "dst"
    with subprocess.Popen(
        [*COMMAND, str(many), str(dst), "--workers", "2"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    ) as job:  # fmt: skip
        end = time.monotonic() + (2 if rounds(24) < 24 else 8)
        while job.poll() is None and time.monotonic() < end:
            time.sleep(chance.uniform(0.15, 0.4))
            # Half of the time any, and else one that has started: a job gives a batch up whose
            # processes are killed ten times before they have done anything.
            least = chance.choice([0.0, 1.0])
            others = [
                pid for pid in members_of(job.pid) if pid != job.pid and seconds_up(pid) >= least
            ]
            if others:
                os.kill(chance.choice(others), signal.SIGKILL)
        log, _ = job.communicate(timeout=120)
    assert job.returncode == 0, log
    check_sound(dst, is_whole=True)


def test_two_jobs_into_one_cache(many: Path, tmp_path: Path) -> None:
    """Each image is there once, whichever of them has done it."""
    dst = tmp_path / "dst"
    command = [*COMMAND, str(many), str(dst), "--workers", "1"]
    jobs = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    for job in jobs:
        log, _ = job.communicate(timeout=120)
        assert job.returncode == 0, log
    cache = fastpix.open_cache(dst)
    assert sorted(int(array.max()) for array in cache) == list(range(COUNT))


def hosts() -> list[str]:
    """Return what starts a command as on another host, with a network and processes of its own."""
    for options in (["-pn"], ["-Urpn"]):
        command = ["unshare", *options, "--fork", "--mount-proc"]
        try:
            tried = subprocess.run([*command, "true"], capture_output=True, check=False)
        except OSError:
            continue
        if tried.returncode == 0:
            return command
    return []


@in_the_gate
def test_shards_on_two_hosts_of_one_name(many: Path, tmp_path: Path) -> None:
    """Numbers of processes and names of hosts are the same: nothing of theirs may collide."""
    dst = tmp_path / "dst"
    (many / "cut").write_bytes((many / "0001").read_bytes()[:-5])
    os.utime(many / "cut", (1, 1))
    try:
        jobs = [
            subprocess.Popen(
                [*hosts(), *COMMAND, str(many), str(dst), "--shard", f"{k}/2", "--workers", "1"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
            for k in range(2)
        ]  # fmt: skip
        logs = [job.communicate(timeout=120)[0] for job in jobs]
        assert sorted(job.returncode for job in jobs) == [0, 1], logs
    finally:
        (many / "cut").unlink()
    check_sound(dst, is_whole=True)
    statuses = fastpix.read_manifest(dst).column("status").to_pylist()
    assert statuses.count("failed") == 1


@in_the_gate
def test_a_full_disk_leaves_nothing_torn(many: Path, tmp_path: Path) -> None:
    """A file may have 64 KiB: as on a full disk, the job ends with one line, and can go on."""
    dst = tmp_path / "dst"
    done = run_limited("convert", many, dst, 65536)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    check_sound(dst, is_whole=False)
    assert run_and(many, dst, lambda _: None) == 0
    check_sound(dst, is_whole=True)


def test_a_file_that_kills_its_worker_costs_itself(many: Path, tmp_path: Path) -> None:
    """A decoder that crashes: the batch is done again, and one file has a row that says so."""
    script = """
import os, signal
import fastpix
from fastpix.job import one_image
real = one_image.make_image
def make(item, job):
    if item.files[0].relative == "0123":
        os.kill(os.getpid(), signal.SIGSEGV)
    return real(item, job)
one_image.make_image = make
"""
    folder = tmp_path / "patched"
    folder.mkdir()
    (folder / "crashing.py").write_text(script)
    dst = tmp_path / "dst"
    code = f"""
import sys
sys.path.insert(0, {str(folder)!r})
from fastpix.job.engines import guarded
import fastpix.job.engines.driving as driving
from functools import partial
driving.run_guarded = partial(
    guarded.run_guarded, functions=("crashing_calls:convert", "crashing_calls:convert_isolated")
)
import fastpix
summary = fastpix.convert({str(many)!r}, {str(dst)!r}, workers=2)
print(summary.converted, summary.failed, summary.reasons())
"""
    (folder / "crashing_calls.py").write_text(
        "import crashing\n"
        "from fastpix.job.batch_conversion import convert_batch\n"
        "from fastpix.job.engines.in_child import convert, make\n"
        "from fastpix.job.engines.isolated import Isolated\n"
        "def convert_isolated(batch, job, *, report):\n"
        "    with Isolated(job.timeout, 'crashing_calls:make') as isolated:\n"
        "        return convert_batch(batch, job, make=isolated.make, report=report)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    said = "WorkerDied: the process reading it was killed by SIGSEGV"
    assert done.stdout == f"{COUNT - 1} 1 [('{said}', 1)]\n", done.stderr
    assert len(fastpix.open_cache(dst)) == COUNT - 1


@pytest.mark.filterwarnings("ignore")
def test_a_job_on_dask_whose_workers_are_killed(many: Path, tmp_path: Path) -> None:
    """Nothing is missing, torn or there twice; the workers' own processes end with them."""
    distributed = library("distributed")
    seconds = 2.5 if is_quick() else 12.0
    sources = [many]
    if not is_quick():  # the same images again, under other names
        for k in range(7):
            shutil.copytree(many, tmp_path / f"copy{k}")
            sources.append(tmp_path / f"copy{k}")
    dst = tmp_path / "dst"
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster, distributed.Client(cluster) as client:  # fmt: skip
        killer = subprocess.Popen([sys.executable, "-c", KILLER, str(os.getpid()), str(seconds)])
        summary = fastpix.convert(sources, dst, executor=client, workers=2)
        killer.wait()
    assert (summary.converted, summary.failed) == (COUNT * len(sources), 0)
    cache = fastpix.open_cache(dst)
    found = sorted(int(array.max()) for array in cache)
    assert found == sorted(list(range(COUNT)) * len(sources))
    for k in range(len(cache)):
        cache.verify(k)
