"""All benchmarks by one command: they measure, and write the tables of the documentation.

    python benchmarks/run_all.py                      # everything that can run here: hours
    python benchmarks/run_all.py --only read codecs   # some of it
    python benchmarks/run_all.py --quick --only read  # whether it works: figures are not kept
    python benchmarks/run_all.py --render             # the pages again, from stored figures

Figures lie in ``benchmarks/results``, a file for each table, with date, machine and versions. They
are stored table by table, so that a run can be interrupted; then the pages are written again. With
``--quick``, they go to build/benchmarks, and no page changes.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import measured_reads
import measured_work
from measured_reads import How, Tables
from page_tables import render_pages, table_text
from stored_results import RESULTS, Result, result_of, write_result

ROOT = Path(__file__).parent.parent
TRIED = ROOT / "build" / "benchmarks"  # where the figures of --quick go
QUICK = How(1, 0.02, True)
PEERS = ("pydicom", "dicomsdl", "SimpleITK", "pydcm", "python-gdcm")
CODECS = ("imagecodecs", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "pyjpegls")


class Benchmark(NamedTuple):
    """What measures one or several tables.

    Attributes
    ----------
    tables : tuple of str
    measure : callable
    command : str
        Of the benchmark itself, which prints the same figures.
    packages : tuple of str
        Whose versions belong to the figures.
    how : How
    needs : tuple of str
        Modules without which nothing can be measured.
    """

    tables: tuple[str, ...]
    measure: Callable[[How], Tables]
    command: str
    packages: tuple[str, ...]
    how: How
    needs: tuple[str, ...] = ()


BENCHMARKS = {
    "read": Benchmark(
        ("read",), measured_reads.read, "ratios.py --read", ("numpy", *PEERS), How(11, 1.5)
    ),
    "ways": Benchmark(
        ("read-ways",), measured_reads.ways, "read_ways.py", ("numpy",), How(25, 1.0)
    ),
    "kernel": Benchmark(
        ("kernel", "kernel-kinds"), measured_reads.kernel, "ratios.py", ("numpy",), How(41, 3.0)
    ),
    "kinds": Benchmark(
        ("kinds",), measured_reads.kinds, "ratios.py --kinds",
        ("numpy", "imagecodecs", *PEERS), How(11, 1.5),
    ),
    "series": Benchmark(
        ("series",), measured_reads.series, "ratios.py --series",
        ("numpy", "pydicom", "SimpleITK", "dcm2niix", "highdicom", "monai", "pydcm"), How(7, 3.0),
    ),
    "many": Benchmark(
        ("many",), measured_reads.many, "read_ways.py --many", ("numpy",), How(25, 1.0)
    ),
    "startup": Benchmark(
        ("startup",), measured_reads.startup, "bench_startup.py",
        ("fastpix", "numpy", "pydicom"), How(11, 1.0),
    ),
    "codecs": Benchmark(
        ("codec-files", "codec-frames", "codec-decoders"), measured_reads.codecs,
        "ratios.py --codecs", ("numpy", *CODECS, *PEERS), How(41, 3.0),
    ),
    "pixels": Benchmark(
        ("pydicom-pixels",), measured_work.pixels, "ratios.py --pixels",
        ("numpy", "pydicom", "pylibjpeg-rle", "pylibjpeg-openjpeg"), How(41, 3.0),
    ),
    "dcmread": Benchmark(
        ("pydicom-dcmread",), measured_work.dcmread, "bench_dcmread.py", ("pydicom",), How(21, 2.0)
    ),
    "monai": Benchmark(
        ("monai",), measured_work.monai, "bench_monai.py", ("monai", "torch", "pydicom"),
        How(21, 12.0), ("monai", "torch"),
    ),
    "job": Benchmark(
        ("job", "job-counts"), measured_work.job, "bench_job.py",
        ("numpy", "pydicom", "pyarrow"), How(3, 0.0), ("pyarrow",),
    ),
    "kills": Benchmark(
        ("kills",), measured_work.kills, "kills.py", ("numpy", "pyarrow", "distributed"),
        How(1, 0.0), ("pyarrow", "distributed"),
    ),
    "training": Benchmark(
        ("training-loaders", "training-patches"), measured_work.training, "bench_training.py",
        ("numpy", "torch", "pydicom", "monai", "torchio", "nibabel", "blosc2"), How(5, 0.0),
        ("torch", "monai", "torchio", "nibabel", "pyarrow"),
    ),
    "resampling": Benchmark(
        ("resampling",), measured_work.resampling, "bench_resampling.py",
        ("numpy", "SimpleITK", "scipy"), How(3, 0.0), ("scipy", "SimpleITK"),
    ),
}  # fmt: skip
COUNTED = {"kills"}  # tables that are no medians


def missing(name: str) -> list[str]:
    """Return the modules that a benchmark needs and that are not here."""
    return [each for each in BENCHMARKS[name].needs if importlib.util.find_spec(each) is None]


def run(name: str, quick: bool = False, conditions: str = "") -> list[Result]:
    """Run a benchmark; return its tables."""
    benchmark = BENCHMARKS[name]
    how = QUICK if quick else benchmark.how
    tables = benchmark.measure(how)
    assert tables.keys() == set(benchmark.tables)
    command = f"python benchmarks/{benchmark.command}"
    results = []
    for table, rows in tables.items():
        rounds = None if table in COUNTED else how.rounds
        made = result_of(table, command, benchmark.packages, rounds, rows)
        results.append(replace(made, conditions=conditions))
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, store, render; the exit code is 1 where a benchmark failed."""
    parser = argparse.ArgumentParser(description="All benchmarks, and the tables of the pages.")
    parser.add_argument(
        "--only", nargs="+", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS)
    )
    parser.add_argument("--quick", action="store_true", help="whether it works; nothing is kept")
    parser.add_argument(
        "--conditions", default="", metavar="TEXT", help="of the machine: 'used by others too'"
    )
    parser.add_argument("--render", action="store_true", help="write the pages, measure nothing")
    chosen = parser.parse_args(arguments)
    failed = []
    for name in () if chosen.render else chosen.only or BENCHMARKS:
        if absent := missing(name):
            print(f"{name}: left out, because {', '.join(absent)} is not installed", flush=True)
            failed += [name] if chosen.only else []
            continue
        print(f"{name}: measuring", file=sys.stderr, flush=True)
        try:
            results = run(name, chosen.quick, chosen.conditions)
        except Exception as error:  # the others still run: this may be the tenth of fifteen
            print(f"{name}: failed: {type(error).__name__}: {error}", flush=True)
            failed.append(name)
            continue
        for result in results:
            path = write_result(result, TRIED if chosen.quick else RESULTS)
            print(f"\n{table_text(result.name, result)}\n\n{result.line()}\n{path}\n", flush=True)
    if not chosen.quick:
        for page in render_pages():
            print(f"{page.relative_to(ROOT)} has changed: look at its text, too", flush=True)
    if failed:
        print(f"Not measured: {', '.join(failed)}. Run --only {' '.join(failed)} again", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
