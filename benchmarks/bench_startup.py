"""Whole processes, from their start to their end: what fastpix costs a process that is short.

Run it: ``python benchmarks/bench_startup.py``. Processes take turns (`paired_timing.py`), and the
table shows the medians of their times and of their ratios to `import numpy` in a round. The file is
the CT slice of `bench_read.py`. ``--imports`` prints which modules the processes of fastpix import,
the slowest first, as ``python -X importtime`` tells.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from bench_read import write_file
from paired_timing import measure
from ratios import describe_run
from rich.console import Console
from rich.table import Table

from fastpix.compare import markdown

KIND = "CT, 512 x 512"
FLOOR = "import numpy"
IMPORT = "import fastpix"
HELP = "fastpix --help"
READ = "fastpix.imread(path)"
PYDICOM = "pydicom.dcmread(path).pixel_array"
MOST_RATIO = {IMPORT: 1.25}  # of the floor
MOST_SECONDS = {HELP: 0.4}  # on an idle machine
SECONDS = 1.0  # of each process in a round, about
SLOWEST = 25  # modules that are shown


def commands(path: Path) -> dict[str, list[str]]:
    """Return the arguments of Python for each process."""
    return {
        "nothing": ["-c", "pass"],
        FLOOR: ["-c", "import numpy"],
        IMPORT: ["-c", "import fastpix"],
        HELP: ["-m", "fastpix", "--help"],
        READ: ["-c", "import sys, fastpix; fastpix.imread(sys.argv[1])", str(path)],
        PYDICOM: ["-c", "import sys, pydicom; pydicom.dcmread(sys.argv[1]).pixel_array", str(path)],
    }


def run(arguments: list[str]) -> None:
    """Run one process to its end."""
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)


def imports_of(arguments: list[str]) -> list[tuple[int, str]]:
    """Return the modules that a process imports, with the microseconds that each takes by itself.

    The slowest come first.
    """
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], capture_output=True, text=True, check=True
    )
    found = []
    for line in done.stderr.splitlines():
        taken, _, rest = line.removeprefix("import time:").partition("|")
        if taken.strip().isdigit():
            found.append((int(taken), rest.partition("|")[2].strip()))
    return sorted(found, reverse=True)


def table_of(path: Path, rounds: int) -> tuple[Table, bool]:
    """Return the table, and whether the targets are met."""
    table = Table("process", "median, ms", f"in {FLOOR}", "at most", title="Whole processes")
    members: dict[str, Callable[[], object]] = {
        name: partial(run, arguments) for name, arguments in commands(path).items()
    }
    timings = measure(members, FLOOR, rounds, SECONDS * rounds * len(members), warm=False)
    met = True
    for name, timing in timings.items():
        target = ""
        if name in MOST_RATIO:
            target = f"{MOST_RATIO[name]:g} x"
            met &= timing.ratio <= MOST_RATIO[name]
        if name in MOST_SECONDS:
            target = f"{1e3 * MOST_SECONDS[name]:g} ms"
            met &= timing.microseconds <= 1e6 * MOST_SECONDS[name]
        table.add_row(name, f"{timing.microseconds / 1e3:.0f}", f"{timing.ratio:.2f}", target)
    return table, met


@pytest.mark.parametrize("name", [IMPORT, HELP, READ])
def test_no_process_of_fastpix_imports_pydicom(name: str, tmp_path: Path) -> None:
    arguments = commands(write_file(KIND, tmp_path).path)[name]
    found = {module.partition(".")[0] for _, module in imports_of(arguments)}
    assert "fastpix" in found
    assert "pydicom" not in found


def main() -> int:
    parser = argparse.ArgumentParser(description="What whole processes cost.")
    parser.add_argument("--rounds", type=int, default=11, metavar="N")
    parser.add_argument("--imports", action="store_true", help="the modules that are imported")
    parser.add_argument("--markdown", action="store_true", help="the table as pages have it")
    arguments = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    with tempfile.TemporaryDirectory() as folder:
        path = write_file(KIND, Path(folder)).path
        if arguments.imports:
            for name in (IMPORT, HELP, READ):
                print(f"{name}: microseconds of each module by itself")
                for taken, module in imports_of(commands(path)[name])[:SLOWEST]:
                    print(f"{taken:>9}  {module}")
            return 0
        table, met = table_of(path, arguments.rounds)
    if arguments.markdown:
        print(markdown(table))
    else:
        console.print(table)
    packages = ["fastpix", "numpy", "pydicom"]
    console.print(describe_run(packages, arguments.rounds), highlight=False, soft_wrap=True)
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
