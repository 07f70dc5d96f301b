"""Two installations of fastpix beside each other: what one costs, in the other's time.

Run it: ``python benchmarks/two_builds.py PYTHON OTHER_PYTHON``, each with an installation and what
the benchmarks import. Both run as processes that wait for each other: in each round, a job runs in
one and at once in the other, for a few milliseconds, and the order turns from round to round. What
counts is CPU time, and of all rounds the fastest tenth, so that other processes on the machine
disturb little. Where arrays lie in memory can make a fifth of a short job's time, so that both are
started some times, and the fastest start counts. The jobs are those of ``ratios.py`` (the best
kernel alone), reads of the series of ``ratios.py --read``, one by one and by threads, `dcmread`,
and the functions of `fastpix.pixels`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import exp, log
from pathlib import Path
from statistics import fmean, quantiles
from typing import IO, NamedTuple

from rich.console import Console
from rich.table import Table

READS = ("CT, 512 x 512", "MR, 128 x 128", "MR, 64 x 64", "radiograph, 3000 x 4000")
HEADERS = "MR, 64 x 64"
SIDE = 512  # pixels in a row, where the cost of a call shows
FILES = 64  # of a series
BURST = 2e6  # nanoseconds of a turn: some turns of that length no other process disturbs
LEAST_ROUNDS = 11


def jobs(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what is timed, by name; files are written into a folder."""
    import bench_kernel
    import bench_pixels
    import bench_read

    import fastpix

    for job in bench_kernel.JOBS:
        case = bench_kernel.make_case(job, SIDE)
        best = fastpix.kernels()[-1]
        bench_kernel.check(case, best)
        yield f"kernel: {job.name}", dict(case.members)[best]
    for k, name in enumerate(READS):
        (series := folder / str(k)).mkdir()
        files = min(FILES, bench_read.KINDS[name].files)
        paths = [str(file.path) for file in bench_read.write_series(name, series, files)]
        yield f"imread: {name}", partial(_each, fastpix.imread, paths)
        if len(paths) > 1:
            yield f"imread_many: {name}", partial(_all, fastpix.imread_many, paths)
        if name == HEADERS:
            yield f"dcmread: {name}", partial(_each, fastpix.dcmread, paths)
            yield f"open, header: {name}", partial(_each, _header, paths)
    for pixels in bench_pixels.make_cases(SIDE, folder):
        bench_pixels.check(pixels)
        yield f"pixels: {pixels.name}", pixels.ours


def _each(call: Callable[[str], object], paths: list[str]) -> None:
    for path in paths:
        call(path)


def _all(call: Callable[[list[str]], Iterator[object]], paths: list[str]) -> None:
    for _ in call(paths):
        pass


def _header(path: str) -> object:
    import fastpix

    return fastpix.open(path).header


def serve() -> None:
    """Time the jobs whose numbers come by standard input; the worker of `main`."""
    with tempfile.TemporaryDirectory() as folder:
        calls = dict(jobs(Path(folder)))
        names = list(calls)
        print(json.dumps(names), flush=True)
        for line in sys.stdin:
            number, repeats = map(int, line.split())
            call = calls[names[number]]
            call()  # to be warm
            start = time.process_time_ns()
            for _ in range(repeats):
                call()
            print((time.process_time_ns() - start) / repeats, flush=True)


class Build(NamedTuple):
    """An installation, in a process of its own."""

    to: IO[str]
    answers: IO[str]

    def time(self, number: int, repeats: int) -> float:
        """Return the nanoseconds of CPU time of a call."""
        print(number, repeats, file=self.to, flush=True)
        return float(self.answers.readline())


@contextmanager
def build(python: str) -> Iterator[tuple[Build, list[str]]]:
    """Start a process of an installation; give it, and the names of its jobs."""
    command = [python, __file__, "--serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Build(process.stdin, process.stdout), json.loads(process.stdout.readline())
        process.stdin.close()


def run(
    first: str, second: str, kinds: list[str] | None, seconds: float
) -> Iterator[tuple[str, list[float]]]:
    """Yield the name of each job and its time in both builds: of all rounds the fastest tenth."""
    with build(first) as (a, names), build(second) as (b, others):
        assert names == others
        for number, name in enumerate(names):
            if kinds and name.partition(":")[0] not in kinds:
                continue
            b.time(number, 1)
            repeats = max(1, min(1000, int(BURST / a.time(number, 1))))
            times: dict[Build, list[float]] = {a: [], b: []}
            until = time.monotonic() + 2 * seconds
            while len(times[a]) < LEAST_ROUNDS or time.monotonic() < until:
                for each in (a, b) if len(times[a]) % 2 else (b, a):
                    times[each].append(each.time(number, repeats))
            yield name, [quantiles(times[each], n=10)[0] for each in (a, b)]


def main() -> None:
    """Print what the second installation costs."""
    parser = argparse.ArgumentParser(description="Two installations in paired runs.")
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    parser.add_argument("--starts", type=int, default=4, help="of the processes")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each job, build and start")
    parser.add_argument("--kinds", nargs="*", help="kernel, imread, ...: those alone")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    best: dict[str, list[float]] = {}
    for _ in range(arguments.starts):
        for name, times in run(*arguments.pythons, arguments.kinds, arguments.seconds):
            best[name] = [*map(min, best.get(name, times), times)]
    table = Table("job", "µs, first", "second / first", title="CPU time of two builds")
    found: dict[str, list[float]] = {}
    for name, (fast, slow) in best.items():
        table.add_row(name, f"{fast / 1e3:.1f}", f"{slow / fast:.3f}")
        found.setdefault(name.partition(":")[0], []).append(slow / fast)
    console = Console(width=120)
    console.print(table)
    for kind, ratios in found.items():
        mean = exp(fmean(map(log, ratios)))
        console.print(f"{kind}: {mean:.3f} (geometric mean of {len(ratios)})", highlight=False)


if __name__ == "__main__":
    main()
