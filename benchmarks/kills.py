"""Jobs that are killed at random moments: how many images are missing, torn or there twice.

    python benchmarks/kills.py                       # 100 kills of processes of `fastpix convert`
    python benchmarks/kills.py --dask                # the same, of a job on a cluster of Dask
    python benchmarks/kills.py --kills 10 --files 500

A job over 3,000 small files runs, and SIGKILL ends the driver, or one of the processes that work
for it, at random moments: own workers; with Dask, its workers and the processes that they started.
Workers of Dask are started anew, as whoever runs a cluster does. A driver that is dead is run again
until the job is done; then the cache is checked, and a new one is begun, until there were enough
kills. Nothing is retried that failed: a file that is blamed for a kill counts as missing.

A cache is checked by ``fastpix verify``, against `imread` of every source, and after ``fastpix gc``
member by member as `tarfile` reads its shards.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import numpy as np
from dask_share import with_descendants
from headers import mr_header
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

import fastpix
from fastpix.job.gc import collect

COMMAND = [sys.executable, "-m", "fastpix"]
PAUSE = 0.9  # seconds between two kills, at most
OF_DRIVER = 0.35  # share of the kills
PATIENCE = 300.0  # seconds that one run may take


@dataclass(slots=True)
class Found:
    """What was killed, and what came of it.

    Attributes
    ----------
    kills : Counter of str
        By what was killed.
    runs, caches : int
        Runs of the command, and caches that were made.
    missing, torn, doubled : int
        Sources of all caches without an image; images that are not a source's values; images beyond
        the first of a source.
    """

    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    caches: int = 0
    missing: int = 0
    torn: int = 0
    doubled: int = 0


class Cluster:
    """A scheduler of Dask and two workers, which are started anew when they are gone.

    Parameters
    ----------
    folder : Path
        Where the scheduler says its address.
    """

    def __init__(self, folder: Path) -> None:
        self._at = str(folder / "scheduler.json")
        self._scheduler = self._start("dask_scheduler")
        while not Path(self._at).exists():
            time.sleep(0.1)
        self.address = self._address()
        self.workers = [self._start("dask_worker", "--nthreads", "1") for _ in range(2)]

    def _address(self) -> str:
        return str(json.loads(Path(self._at).read_text())["address"])

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{what}", "--scheduler-file", self._at,
             "--no-dashboard", *options, *(["--no-nanny"] if what == "dask_worker" else [])],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def revive(self) -> None:
        """Start workers in place of those that are gone."""
        for k, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.workers[k] = self._start("dask_worker", "--nthreads", "1")

    def wait_until_idle(self) -> None:
        """Wait until workers have ended what drivers that are dead had asked for."""
        from distributed import Client

        with Client(self.address) as client:
            while any(client.processing().values()):
                time.sleep(0.2)

    def close(self) -> None:
        """End all."""
        for process in (*self.workers, self._scheduler):
            process.kill()
            process.wait()


@contextmanager
def cluster_or_none(is_dask: bool, folder: Path) -> Iterator[Cluster | None]:
    """Give a cluster where one is asked for."""
    cluster = Cluster(folder) if is_dask else None
    try:
        yield cluster
    finally:
        if cluster is not None:
            cluster.close()


def write_images(folder: Path, count: int) -> None:
    """Write small images, no two alike, each with a UID of its own."""
    folder.mkdir()
    dataset = mr_header()
    dataset.Rows = dataset.Columns = 16
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PixelData = bytes(512)
    dataset["PixelData"].VR = "OW"
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    uid = dataset.SOPInstanceUID.encode()
    chance = np.random.default_rng(5)
    for k in range(count):
        cells = chance.integers(0, 4096, (16, 16), np.uint16)
        cells[0, :2] = k % 4096, k // 4096
        path = folder / f"{k:06}.dcm"
        head = stream.getvalue()[:-512].replace(uid, uid[:-8] + b"%08d" % (k + 10**7))
        path.write_bytes(head + cells.tobytes())
        os.utime(path, (1, 1))  # it is not being written


def write_sources(folder: Path, count: int) -> dict[bytes, str]:
    """Write such images; return the values of each, and its name."""
    write_images(folder, count)
    values = {fastpix.imread(path).tobytes(): path.name for path in folder.iterdir()}
    assert len(values) == count
    return values


def victims(driver: subprocess.Popen[bytes], cluster: Cluster | None) -> dict[str, list[int]]:
    """Return the processes that may be killed, by what they are."""
    found = {"driver": [driver.pid] if driver.poll() is None else []}
    if cluster is None:
        found["worker"] = sorted(with_descendants({driver.pid}) - {driver.pid})
        return found
    workers = {worker.pid for worker in cluster.workers if worker.poll() is None}
    found["worker of Dask"] = sorted(workers)
    found["process of a worker"] = sorted(with_descendants(workers) - workers)
    return found


def kill_one(
    driver: subprocess.Popen[bytes], cluster: Cluster | None, chance: random.Random
) -> str:
    """Kill one process at random; return what it was, or nothing where none was left."""
    found = victims(driver, cluster)
    if driver.poll() is not None:
        return ""
    others = [kind for kind, pids in found.items() if pids and kind != "driver"]
    kind = "driver" if chance.random() < OF_DRIVER else chance.choice(others or [""])
    if not kind:
        return ""
    try:
        os.kill(chance.choice(found[kind]), signal.SIGKILL)
    except ProcessLookupError:  # it has just ended
        return ""
    return kind


def run(
    source: Path, out: Path, cluster: Cluster | None, chance: random.Random, found: Found, left: int
) -> bool:
    """Run the command, and kill until its driver is dead or the job is done; return the latter."""
    engine = [] if cluster is None else ["--executor", f"dask:{cluster.address}"]
    log = out.with_name("log")
    with log.open("wb") as file:
        driver = subprocess.Popen(
            [*COMMAND, "convert", str(source), str(out), "--workers", "2", *engine],
            stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
    found.runs += 1
    deadline = time.monotonic() + PATIENCE
    while driver.poll() is None:
        if left > 0:
            time.sleep(chance.uniform(0, PAUSE))
            if kind := kill_one(driver, cluster, chance):
                found.kills[kind] += 1
                left -= 1
        else:
            time.sleep(0.05)
        if cluster is not None:
            cluster.revive()
        if time.monotonic() > deadline:
            driver.kill()
            raise SystemExit(f"a run has hung for {PATIENCE:g} seconds")
    if driver.returncode == -signal.SIGKILL:
        return False
    if driver.returncode:
        print(log.read_text(), file=sys.stderr)
        raise SystemExit(f"the command ended with {driver.returncode}")
    return True


def check(out: Path, values: dict[bytes, str], found: Found) -> None:
    """Count what is wrong with a cache that is done."""
    subprocess.run([*COMMAND, "verify", str(out)], check=True, stdout=subprocess.DEVNULL)
    cache = fastpix.open_cache(out)
    images = Counter(values.get(array.tobytes(), "") for array in cache)
    found.torn += images.pop("", 0)
    found.missing += len(values) - len(images)
    found.doubled += sum(images.values()) - len(images)
    statuses = fastpix.read_manifest(out).column("status").to_pylist()
    assert Counter(statuses) == {"done": len(values)}, Counter(statuses)
    for mark in (out / "runs").iterdir():  # of runs that were killed, which count as alive
        os.utime(mark, (1, 1))
    collect(out, force=True)
    members: Counter[str] = Counter()
    for shard in (out / "shards").glob("*.tar"):
        with tarfile.open(shard) as opened:
            members.update(name for name in opened.getnames() if name.endswith(".npy"))
    assert set(members) == {f"{name}.npy" for name in cache.names}, "shards have other images"
    found.doubled += sum(members.values()) - len(members)


def main() -> None:
    """Kill, check, and print the figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--dask", action="store_true", help="on a cluster of Dask of two workers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where files are written")
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    found = Found()
    start = time.monotonic()
    with (
        tempfile.TemporaryDirectory(dir=asked.folder) as folder,
        cluster_or_none(asked.dask, Path(folder)) as cluster,
    ):
        place = Path(folder)
        values = write_sources(place / "source", asked.files)
        while (left := asked.kills - found.kills.total()) > 0:
            out = place / f"out{found.caches}"
            while not run(place / "source", out, cluster, chance, found, left):
                left = asked.kills - found.kills.total()
            if cluster is not None:
                cluster.wait_until_idle()
            check(out, values, found)
            found.caches += 1
    kinds = ", ".join(f"{count} of a {kind}" for kind, count in sorted(found.kills.items()))
    print(f"{found.kills.total()} kills ({kinds}) in {found.runs} runs that made {found.caches} "
          f"caches of {asked.files} images:")  # fmt: skip
    print(f"missing {found.missing}, torn {found.torn}, doubled {found.doubled}")
    versions = ", ".join(f"{n} {version(n)}" for n in ("fastpix", "numpy", "pyarrow"))
    if asked.dask:
        versions += f", distributed {version('distributed')}"
    print(f"{datetime.date.today().isoformat()}; {os.cpu_count()} cores; Python "
          f"{platform.python_version()}, {versions}; {time.monotonic() - start:.0f} s")  # fmt: skip
    if found.missing or found.torn or found.doubled:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
