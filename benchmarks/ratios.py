"""Paired ratios: what a kernel costs beside a plain conversion, and a reader beside a plain read.

Run it: ``python benchmarks/ratios.py`` for the kernels, ``--read`` for the readers, ``--pixels``
for the functions that have pydicom's names.

Times on a shared machine drift by more than what is to be told apart, so members take turns: in
each round every member runs once untimed to be warm, then a few times timed, and its time is
divided by the floor's in the same round; the order turns from round to round. The table shows the
medians of those ratios. Every member is held against the right answer first.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import platform
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from time import perf_counter_ns

import bench_kernel
import bench_pixels
import bench_read
from rich.console import Console
from rich.table import Table

import fastpix

# Job and side: the most that the best kernel may cost, in copies.
TARGETS = {
    ("12 of 16 bits, signed, slope 1", 512): 1.15,
    ("12 of 16 bits, signed, slope 1", 4096): 1.0,
    ("MONOCHROME1, invert='max'", 512): 1.6,
    ("MONOCHROME1, invert='max'", 4096): 1.6,
    ("fractional slope", 512): 3.5,
    ("fractional slope", 4096): 1.3,
}
# Job and side: how many times faster than the NumPy reference it must at least be.
SPEEDUPS = {("12 of 16 bits, signed, slope 1", 4096): 20.0}
NO_SLOWER = 0.97  # of pydicom's speed, which is what a function of fastpix.pixels has at least
SLOW_ROUNDS = 5  # of a member that would take most of the time by itself


@dataclass(frozen=True, slots=True)
class Timing:
    """One member's times over all rounds.

    Attributes
    ----------
    microseconds : float
        Median of a call.
    ratio : float
        Median over rounds of its time by the floor's in that round.
    """

    microseconds: float
    ratio: float


def measure(
    members: dict[str, Callable[[], object]], floor: str, rounds: int, seconds: float
) -> dict[str, Timing]:
    """Time the members in turns.

    Parameters
    ----------
    members : dict of str to callable
    floor : str
        The member that the others are divided by.
    rounds : int
    seconds : float
        What all rounds together should take: it decides how often a call is repeated in a round.
    """
    once = {name: time_calls(call, 1) for name, call in members.items()}
    share = seconds * 1e9 / rounds / len(members)
    repeats = {name: max(1, min(50, int(share / taken) - 1)) for name, taken in once.items()}
    slow = {name for name, taken in once.items() if taken > 4 * share}
    times: dict[str, list[float]] = {name: [] for name in members}
    ratios: dict[str, list[float]] = {name: [] for name in members}
    names = list(members)
    gc.collect()
    gc.disable()
    try:
        for k in range(rounds):
            turn = k % len(names)
            taken = {
                name: time_calls(members[name], repeats[name])
                for name in names[turn:] + names[:turn]
                if name not in slow or k < SLOW_ROUNDS
            }
            for name, nanoseconds in taken.items():
                times[name].append(nanoseconds)
                ratios[name].append(nanoseconds / taken[floor])
    finally:
        gc.enable()
    return {name: Timing(median(times[name]) / 1e3, median(ratios[name])) for name in names}


def time_calls(call: Callable[[], object], repeats: int) -> float:
    """Return the nanoseconds of one call, warm, over `repeats`."""
    call()
    start = perf_counter_ns()
    for _ in range(repeats):
        call()
    return (perf_counter_ns() - start) / repeats


def kernel_table(rounds: int, seconds: float) -> tuple[Table, bool]:
    """Return the ratios of every job and size, and whether every target is met."""
    table = Table(title="Cost of a kernel, in np.copyto(float32 <- int16) of as many pixels")
    kernels = fastpix.kernels()
    for heading in ("job", "pixels"):
        table.add_column(heading)
    for heading in ("copyto, µs", *kernels, f"numpy / {kernels[-1]}", "target", "met"):
        table.add_column(heading, justify="right")
    all_met = True
    for job in bench_kernel.JOBS:
        for side in bench_kernel.SIDES:
            case = bench_kernel.make_case(job, side)
            for name in case.members:
                bench_kernel.check(case, name)
            found = measure(dict(case.members), bench_kernel.FLOOR, rounds, seconds)
            best = found[kernels[-1]]
            speedup = found[bench_kernel.REFERENCE].ratio / best.ratio
            wanted, met = [], True
            if (limit := TARGETS.get((job.name, side))) is not None:
                wanted.append(f"≤ {limit:g}×")
                met &= best.ratio <= limit
            if (least := SPEEDUPS.get((job.name, side))) is not None:
                wanted.append(f"{least:g}× numpy")
                met &= speedup >= least
            all_met &= met
            table.add_row(
                job.name,
                f"{side} x {side}",
                f"{found[bench_kernel.FLOOR].microseconds:.0f}",
                *(f"{found[name].ratio:.3g}×" for name in kernels),
                f"{speedup:.0f}×",
                ", ".join(wanted),
                ("yes" if met else "no") if wanted else "",
            )
    return table, all_met


def read_table(rounds: int, seconds: float) -> Table:
    """Return what readers cost, from a file in the page cache to a new float32 array."""
    table = Table(title="File to float32 array, in a plain read and np.copyto")
    for heading in ("file", "reader"):
        table.add_column(heading)
    for heading in ("µs", "ratio to the floor", "ratio to fastpix"):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        for name in bench_read.NAMES:
            file = bench_read.write_file(name, Path(folder))
            for reader in bench_read.READERS:
                bench_read.check(file, reader)
            members = {k: partial(read, file) for k, read in bench_read.READERS.items()}
            found = measure(dict(members), bench_read.FLOOR, rounds, seconds)
            for reader, timing in found.items():
                table.add_row(
                    name,
                    reader,
                    f"{timing.microseconds:.0f}",
                    f"{timing.ratio:.2f}×",
                    f"{timing.ratio / found['fastpix'].ratio:.2f}×",
                )
            table.add_section()
    return table


def pixels_table(rounds: int, seconds: float) -> tuple[Table, bool]:
    """Return how many times faster than pydicom each function is, and whether all are."""
    table = Table(title="Functions of fastpix.pixels beside pydicom's")
    for heading in ("function", "pixels"):
        table.add_column(heading)
    for heading in ("pydicom, µs", "fastpix, µs", "times faster"):
        table.add_column(heading, justify="right")
    all_met = True
    with tempfile.TemporaryDirectory() as folder:
        for side in bench_pixels.SIDES:
            for case in bench_pixels.make_cases(side, Path(folder)):
                bench_pixels.check(case)
                members = {bench_pixels.OURS: case.ours, bench_pixels.THEIRS: case.theirs}
                found = measure(dict(members), bench_pixels.OURS, rounds, seconds)
                ratio = found[bench_pixels.THEIRS].ratio
                all_met &= ratio >= NO_SLOWER
                table.add_row(
                    case.name,
                    case.size,
                    f"{found[bench_pixels.THEIRS].microseconds:.0f}",
                    f"{found[bench_pixels.OURS].microseconds:.0f}",
                    f"{ratio:.2g}×",
                )
            table.add_section()
    return table, all_met


def describe_run(packages: Iterable[str], rounds: int) -> str:
    """Return the date, the processor and the versions that the figures belong to."""
    found = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    date = datetime.datetime.now(tz=datetime.UTC).date()
    return f"{date}; {processor()}; {', '.join(found)}; medians of {rounds} rounds"


def processor() -> str:
    """Return the processor's name, as far as the platform tells."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def main() -> int:
    """Print a table; the exit code is 1 where a target is missed."""
    parser = argparse.ArgumentParser(description="Paired ratios to the physical limit.")
    parser.add_argument("--read", action="store_true", help="readers in place of kernels")
    parser.add_argument("--pixels", action="store_true", help="fastpix.pixels beside pydicom's")
    parser.add_argument("--rounds", type=int, default=41, metavar="N")
    parser.add_argument(
        "--seconds", type=float, default=3.0, metavar="S", help="per row of the table, about"
    )
    arguments = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    if arguments.read:
        met = True
        table = read_table(arguments.rounds, arguments.seconds)
        packages = ["fastpix", "numpy", "pydicom", "dicomsdl", "SimpleITK"]
    elif arguments.pixels:
        table, met = pixels_table(arguments.rounds, arguments.seconds)
        packages = ["fastpix", "numpy", "pydicom"]
    else:
        table, met = kernel_table(arguments.rounds, arguments.seconds)
        packages = ["fastpix", "numpy"]
    console.print(table)
    console.print(describe_run(packages, arguments.rounds), highlight=False)
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
