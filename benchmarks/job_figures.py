"""Figures of a job that are counts, sizes or a single time: what `bench_job.py` prints below."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from unittest.mock import patch

from kills import write_images

import fastpix
from fastpix.job.storage.local_storage import LocalStorage

_DRIVER = """
import json, os, resource, sys, time
import fastpix
opened = [0]
def watch(event, arguments):
    if event == "open" and str(arguments[0]).startswith(sys.argv[1]):
        opened[0] += 1
sys.addaudithook(watch)
start = time.process_time()
fastpix.convert(sys.argv[1], sys.argv[2], workers=2)
used = time.process_time() - start
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        peak = int(line.split()[1]) * 1024
print(json.dumps([opened[0], used, peak]))
"""


def _run_driver(source: Path, out: Path) -> tuple[int, float, int]:
    command = [sys.executable, "-c", _DRIVER, str(source), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    opened, used, peak = json.loads(done.stdout)
    return int(opened), float(used), int(peak)


def _small_files(count: int, place: Path) -> Path:
    """Return a folder of so many files, a thousand a folder: links to one that is no image."""
    folder = place / f"small-{count}"
    if not folder.exists():
        one = place / "one"
        one.write_bytes(b"\0" * 128 + b"no DICOM")
        old = time.time() - 1000
        os.utime(one, (old, old))
        for k in range(0, count, 1000):
            (folder / f"{k:08}").mkdir(parents=True)
            source = folder / f"{k:08}" / "0"
            shutil.copy2(one, source)
            for each in range(1, min(1000, count - k)):
                os.link(source, folder / f"{k:08}" / str(each))
    return folder


def flushes(source: Path, place: Path) -> float:
    """Return how often a batch calls fsync, for each file of a job of full batches."""
    from fastpix.job.batch_conversion import convert_batch
    from fastpix.job.engines import driving

    counted = []
    real = os.fsync

    def fsync(handle: int) -> None:
        counted.append(handle)
        real(handle)

    files = sum(1 for _ in os.scandir(source))
    with (
        tempfile.TemporaryDirectory(dir=place) as folder,
        patch.object(os, "fsync", fsync),
        # Batches are converted in this process, where calls can be counted.
        patch.object(driving, "run_guarded", convert_batch),
    ):
        fastpix.convert(source, Path(folder) / "out", workers=1)
    return len(counted) / files


def idle_run(count: int, place: Path) -> tuple[int, float]:
    """Return how many sources a run opens that has nothing to do, and its CPU for each file."""
    folder = _small_files(count, place)
    out = place / "idle" / "out"
    _run_driver(folder, out)
    runs = [_run_driver(folder, out) for _ in range(3)]
    empty = place / "empty"
    empty.mkdir(exist_ok=True)
    nothing = median(_run_driver(empty, place / "nothing" / "out")[1] for _ in range(3))
    shutil.rmtree(out.parent)
    used = median(used for _, used, _ in runs)
    return max(opened for opened, _, _ in runs), (used - nothing) / count


def first_output(count: int, place: Path) -> float:
    """Return the seconds from the start of the command to the first batch that is committed."""
    folder = _small_files(count, place)
    with tempfile.TemporaryDirectory(dir=place) as work:
        out = Path(work) / "out"
        start = time.perf_counter()
        command = [sys.executable, "-m", "fastpix", "convert", str(folder), str(out)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            while not list(LocalStorage(out).list("manifest/0")):
                if process.poll() is not None:
                    break
                time.sleep(0.01)
            return time.perf_counter() - start
        finally:
            process.terminate()
            process.wait()


def driver_memory(count: int, place: Path) -> float:
    """Return the bytes by which the peak of the driver grows for each image of a first run."""
    fewer = count // 5
    peaks = []
    for files in (fewer, count):
        with tempfile.TemporaryDirectory(dir=place) as work:
            write_images(Path(work) / "images", files)
            peaks.append(_run_driver(Path(work) / "images", Path(work) / "out")[2])
    return max(0, peaks[1] - peaks[0]) / (count - fewer)


def cache_size(source: Path, place: Path, compress: str) -> float:
    """Return the bytes of a cache, manifest included, by those of the cells."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        out = Path(folder) / "out"
        fastpix.convert(source, out, compress=compress)  # type: ignore[arg-type]
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        cache = fastpix.open_cache(out)
        cells = sum(cache.stored(k).nbytes for k in range(len(cache)))
    return size / cells


def cache_reading(source: Path, place: Path, compress: str) -> float:
    """Return the CPU of a random read of a cache by that of imread of the native file."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        out = Path(folder) / "out"
        fastpix.convert(source, out, compress=compress)  # type: ignore[arg-type]
        cache = fastpix.open_cache(out)
        paths = [entry.path for entry in os.scandir(source)]
        right = {fastpix.imread(path).tobytes() for path in paths}
        assert {cache[k].tobytes() for k in range(len(cache))} == right
        ratios = []
        rng = random.Random(1)
        for _ in range(7):
            numbers = rng.sample(range(len(cache)), min(len(cache), 300))
            files = rng.sample(paths, len(numbers))
            start = time.process_time()
            for number in numbers:
                cache[number]
            read = time.process_time()
            for path in files:
                fastpix.imread(path)
            ratios.append((read - start) / (time.process_time() - read))
    return median(ratios)
