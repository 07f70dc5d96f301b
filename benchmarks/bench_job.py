"""The job that users run, from the command to its end, beside the script that it replaces.

    python benchmarks/bench_job.py                 # all figures, about three minutes
    python benchmarks/bench_job.py --rounds 1 --files 200 --many 5000

Whole processes take turns: ``fastpix convert``, pydicom with ``numpy.savez`` in a pool of
processes, and the floor (read, convert, ``numpy.save``). CPU is that of a process and all that it
started. What a command costs for a folder of one file is its start-up: it is taken off the figures
for each file, and printed.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pydicom
from bench_read import write_series
from dask_share import dask_share
from figure_table import Figure, table_of
from job_figures import cache_reading, cache_size, driver_memory, first_output, flushes, idle_run
from rich.console import Console

SCRIPTS = Path(__file__).with_name("job_scripts.py")
COMMAND = [sys.executable, "-m", "fastpix", "convert"]
DISTINCT = 100  # files of a series; the others have the pixels of these


class Cost(NamedTuple):
    """What a process took.

    Attributes
    ----------
    wall, cpu : float
        Seconds; CPU of all processes that it started, too.
    """

    wall: float
    cpu: float


def run(command: Sequence[str]) -> Cost:
    """Run a process to its end."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return Cost(time.perf_counter() - start, used.ru_utime + used.ru_stime)


@contextmanager
def outputs(folder: Path) -> Iterator[Path]:
    """Give a place for the output of a run, and remove it with all that lies beside it."""
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        yield place / "out"
    finally:
        shutil.rmtree(place)


def convert(source: Path, folder: Path, *options: str) -> Cost:
    """Run the job, from nothing."""
    with outputs(folder) as out:
        return run([*COMMAND, str(source), str(out), *options])


def script(what: str, source: Path, folder: Path, *arguments: str) -> Cost:
    """Run one of the scripts, from nothing."""
    with outputs(folder) as out:
        return run([sys.executable, str(SCRIPTS), what, str(source), str(out), *arguments])


def make_source(name: str, folder: Path, files: int) -> Path:
    """Write a series, and copies of its files up to so many, each with a UID of its own."""
    folder.mkdir()
    for each, file in enumerate(write_series(name, folder, min(files, DISTINCT))):
        uid = str(pydicom.dcmread(file.path, stop_before_pixels=True).SOPInstanceUID).encode()
        data = Path(file.path).read_bytes()
        for k in range(each + DISTINCT, files, DISTINCT):
            other = data.replace(uid, uid[:-8] + b"%08d" % (k + 10**7))
            (folder / f"copy-{k:06}.dcm").write_bytes(other)
    return folder


def measure_kind(
    name: str, goal: float, wall_goal: float, files: int, rounds: int, place: Path
) -> list[Figure]:
    """Return the figures of one kind of files."""
    source = make_source(name, place / name.replace(", ", "-").replace(" ", ""), files)
    one = place / f"one-{source.name}"
    one.mkdir()
    shutil.copy(next(iter(source.iterdir())), one)
    members: dict[str, Callable[[], Cost]] = {
        "job": lambda: convert(source, place, "--workers", "1"),
        "job 2": lambda: convert(source, place, "--workers", "2"),
        "job one": lambda: convert(one, place, "--workers", "1"),
        "floor": lambda: script("floor", source, place),
        "floor one": lambda: script("floor", one, place),
        "savez": lambda: script("savez", source, place, "2"),
    }
    turns: list[dict[str, Cost]] = []
    for k in range(rounds + 1):  # the first is to be warm
        names = list(members)
        order = names[k % len(names) :] + names[: k % len(names)]
        turns.append({each: members[each]() for each in order})
    turns = turns[1:] or turns

    def ratio(one: Callable[[dict[str, Cost]], float]) -> float:
        return median(map(one, turns))

    return [
        Figure(f"start-up of the job, CPU, {name}", ratio(lambda t: t["job one"].cpu), 1.5, "s"),
        Figure(
            f"CPU a file, job / (read + convert + np.save), {name}",
            ratio(
                lambda t: (t["job"].cpu - t["job one"].cpu) / (t["floor"].cpu - t["floor one"].cpu)
            ),
            goal,
        ),
        Figure(
            f"wall, job / pydicom + savez pool, both 2 workers, {name}",
            ratio(lambda t: t["job 2"].wall / t["savez"].wall),
            wall_goal,
        ),
        Figure(
            f"wall, one worker / two, {name}",
            ratio(
                lambda t: (
                    (t["job"].wall - t["job one"].wall) / (t["job 2"].wall - t["job one"].wall)
                )
            ),
            1.7,
            more=True,
        ),
    ]


def all_figures(files: int, many: int, rounds: int, place: Path) -> list[Figure]:
    """Return all figures: of so many CT slices, twice as many MR slices, and many small files."""
    figures = measure_kind("CT, 512 x 512", 2.0, 0.7, files, rounds, place)
    figures += measure_kind("MR, 128 x 128", 3.0, 0.8, 2 * files, rounds, place)
    sources = {name: place / name for name in ("CT-512x512", "MR-128x128")}
    value = flushes(sources["MR-128x128"], place)
    figures.append(Figure("fsyncs a file, tar", value, 0.05, ""))
    opens, seconds = idle_run(many, place)
    figures.append(Figure("source opens on an idle rerun", opens, 0, ""))
    figures.append(Figure("idle rerun, CPU a file", seconds * 1e6, 15, "µs"))
    value = first_output(many, place)
    figures.append(Figure(f"first output, {many} files", value, 5, "s"))
    figures.append(Figure("driver memory a file", driver_memory(many, place), 20, "B"))
    for name, source in sources.items():
        for compress, goal in (("none", 1.1), ("lz4", 2.0), ("zstd", 2.0)):
            ratio = cache_reading(source, place, compress)
            what = f"random read of the cache / imread, CPU, {name}, {compress}"
            figures.append(Figure(what, ratio, goal))
        goal = 1.02 if name.startswith("CT") else 1.1
        what = f"bytes of the cache / raw cells, {name}"
        figures.append(Figure(what, cache_size(source, place, "none"), goal))
    if find_spec("distributed") is not None:
        share = dask_share(sources["CT-512x512"], place / "one-CT-512x512")
        figures.append(Figure("driver and scheduler / all CPU under Dask", share, 0.05, ""))
    return figures


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=2000, help="CT slices; twice as many MR")
    parser.add_argument("--many", type=int, default=100_000, help="small files, for the driver")
    parser.add_argument("--folder", type=Path, default=None, help="where files are written")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        place = Path(folder)
        figures = all_figures(asked.files, asked.many, asked.rounds, place)
    Console(width=120).print(table_of("The job", figures), highlight=False)
    versions = ", ".join(f"{n} {version(n)}" for n in ("fastpix", "numpy", "pydicom", "pyarrow"))
    date = datetime.date.today().isoformat()
    cores = os.cpu_count()
    print(f"{date}; {cores} cores; Python {platform.python_version()}, {versions}; medians of "
          f"{asked.rounds} rounds")  # fmt: skip


if __name__ == "__main__":
    main()
