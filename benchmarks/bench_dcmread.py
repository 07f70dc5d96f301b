"""`fastpix.dcmread` beside pydicom's: files with few elements and many, and one left to pydicom.

Run it: ``python benchmarks/bench_dcmread.py``. The members take turns (`paired_timing.py`), and the
table says how many times as fast fastpix is. Both give the same Dataset, which is checked first.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pydicom
from bench_read import write_file
from paired_timing import measure
from pydicom.data import get_testdata_file
from ratios import describe_run
from rich.console import Console
from rich.table import Table

import fastpix

CT = "CT, 512 x 512"
FILES = {
    "CT_small.dcm of pydicom": "CT_small.dcm",
    "MR_small_implicit.dcm": "MR_small_implicit.dcm",
    "rtplan.dcm": "rtplan.dcm",
    "693_J2KI.dcm": "693_J2KI.dcm",
    "examples_jpeg2k.dcm, encapsulated": "examples_jpeg2k.dcm",
    "reportsi.dcm, sequences of undefined length": "reportsi.dcm",
    "MR_small_bigendian.dcm, left to pydicom": "MR_small_bigendian.dcm",
}
PACKAGES = ("fastpix", "pydicom")


def cases(folder: Path) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Yield names, files and arguments; files that this pydicom does not bring are left out."""
    path = write_file(CT, folder).path
    yield "the CT slice of benchmarks/bench_read.py, 512 x 512", path, {}
    yield "the same, `stop_before_pixels=True`", path, {"stop_before_pixels": True}
    for name, file in FILES.items():
        if found := get_testdata_file(file, download=False):
            yield name, Path(str(found)), {}


def check(path: Path, arguments: dict[str, Any]) -> int:
    """Return how many elements a file has; raise AssertionError where the Datasets differ."""
    theirs = pydicom.dcmread(path, **arguments)
    assert fastpix.dcmread(path, **arguments) == theirs, path.name
    return len(list(theirs))


def table_of(rounds: int, seconds: float) -> Table:
    """Return the table."""
    table = Table("file", "elements", "times as fast as pydicom", title="dcmread")
    with tempfile.TemporaryDirectory() as folder:
        for name, path, arguments in cases(Path(folder)):
            elements = check(path, arguments)
            members: dict[str, Callable[[], object]] = {
                "fastpix": partial(fastpix.dcmread, path, **arguments),
                "pydicom": partial(pydicom.dcmread, path, **arguments),
            }
            found = measure(members, "fastpix", rounds, seconds)
            table.add_row(name, str(elements), f"{found['pydicom'].ratio:.2f}×")
    return table


def test_datasets_are_alike(tmp_path: Path) -> None:
    found = [check(path, arguments) for _, path, arguments in cases(tmp_path)]
    assert len(found) > 6


def main() -> None:
    parser = argparse.ArgumentParser(description="dcmread beside pydicom's.")
    parser.add_argument("--rounds", type=int, default=21, metavar="N")
    parser.add_argument("--seconds", type=float, default=2.0, metavar="S", help="for each row")
    asked = parser.parse_args()
    console = Console(width=None if Console().is_terminal else 120)
    console.print(table_of(asked.rounds, asked.seconds))
    console.print(describe_run(PACKAGES, asked.rounds), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
