"""Two installations of fastpix beside each other: what one costs, in the other's time.

Run it: ``python benchmarks/two_builds.py PYTHON OTHER_PYTHON``, each with an installation and what the
benchmarks import. Both run as processes that wait for each other: in each round, each job runs in one
and at once in the other, and the order turns from round to round. The jobs are those of ``ratios.py``
(the best kernel alone), reads of the series of ``ratios.py --read``, one by one and by threads,
`dcmread`, and the functions of `fastpix.pixels`. The table shows the median of
the ratios in a round, and between which ratios the middle half of the rounds lies.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import exp, log
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import IO, NamedTuple

from rich.console import Console
from rich.table import Table

READS = ("CT, 512 x 512", "MR, 128 x 128", "MR, 64 x 64", "radiograph, 3000 x 4000")
HEADERS = "MR, 64 x 64"
SIDE = 512  # pixels in a row, where the cost of a call shows
FILES = 64  # of a series


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
    from paired_timing import time_calls

    with tempfile.TemporaryDirectory() as folder:
        calls = dict(jobs(Path(folder)))
        names = list(calls)
        print(json.dumps(names), flush=True)
        for line in sys.stdin:
            number, repeats = map(int, line.split())
            print(time_calls(calls[names[number]], repeats), flush=True)


class Build(NamedTuple):
    """An installation, in a process of its own."""

    to: IO[str]
    answers: IO[str]

    def time(self, number: int, repeats: int) -> float:
        """Return the nanoseconds of a call."""
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


def main() -> None:
    """Print what the second installation costs."""
    parser = argparse.ArgumentParser(description="Two installations in paired runs.")
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each job and build, about")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    first, second = arguments.pythons
    table = Table("job", "µs, first", "second / first", "middle half", title="Two builds")
    medians: dict[str, list[float]] = {}
    with build(first) as (a, names), build(second) as (b, others):
        assert names == others
        for number, name in enumerate(names):
            share = arguments.seconds * 1e9 / arguments.rounds
            repeats = max(1, min(1000, int(share / a.time(number, 1))))
            b.time(number, 1)
            ratios, times = [], []
            for k in range(arguments.rounds):
                turns = {each: each.time(number, repeats) for each in ((a, b) if k % 2 else (b, a))}
                ratios.append(turns[b] / turns[a])
                times.append(turns[a] / 1e3)
            low, _, high = quantiles(ratios, n=4)
            medians.setdefault(name.partition(":")[0], []).append(median(ratios))
            table.add_row(
                name, f"{median(times):.1f}", f"{median(ratios):.3f}", f"{low:.3f}, {high:.3f}"
            )
    console = Console(width=120)
    console.print(table)
    for kind, found in medians.items():
        mean = exp(fmean(map(log, found)))
        console.print(f"{kind}: {mean:.3f} (geometric mean of {len(found)})", highlight=False)


if __name__ == "__main__":
    main()
