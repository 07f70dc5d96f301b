"""Figures of benchmarks as files: what was measured, when, on which machine, with which versions.

Each table of the documentation is a file ``benchmarks/results/NAME.json``, which
``python benchmarks/run_all.py`` writes. Nothing in it is written by hand.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

from fastpix.compare.comparison import processor

RESULTS = Path(__file__).parent / "results"

Cell: TypeAlias = Any
"""A number, a text, None for an empty cell; {"value": number, "unit" or "of": text}; or several."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A table without its circumstances.

    Attributes
    ----------
    columns : list of str
    rows : list of list of Cell
        The first cell of each is its name.
    """

    columns: list[str]
    rows: list[list[Cell]]


@dataclass(frozen=True, slots=True)
class Result:
    """A table that was measured.

    Attributes
    ----------
    name : str
        Of the table, and of its file.
    command : str
        What measures it.
    date : str
    machine : str
    versions : dict of str to str
        Python's first.
    rounds : int or None
        Of which a figure is the median; None where it is a count.
    columns, rows
        As in `Rows`.
    conditions : str
        What else a reader has to know of the machine, in words.
    """

    name: str
    command: str
    date: str
    machine: str
    versions: dict[str, str]
    rounds: int | None
    columns: list[str]
    rows: list[list[Cell]]
    conditions: str = field(default="")

    def line(self) -> str:
        """Return the line under a table: what measured it, when, where, with what."""
        text = f"`{self.command}`, {self.date}"
        if self.rounds is not None:
            many = f"{self.rounds} round{'' if self.rounds == 1 else 's'}"
            text = f"Medians of {many} of {text}"
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        conditions = f", {self.conditions}" if self.conditions else ""
        return f"{text}; {self.machine}{conditions}; {versions}."


def result_of(
    name: str, command: str, packages: Iterable[str], rounds: int | None, rows: Rows
) -> Result:
    """Return a table with the circumstances of this moment."""
    date = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    versions = versions_of(packages)
    return Result(name, command, date, machine(), versions, rounds, rows.columns, rows.rows)


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of those packages that are installed."""
    found = {"Python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """Return the processor and how many of its cores are there: ``AMD EPYC, 2 cores``."""
    words = re.sub(r"\((R|TM|r|tm)\)", "", processor()).split()
    name = " ".join(words[:2])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} core{'' if cores == 1 else 's'}"


def read_result(name: str, folder: Path = RESULTS) -> Result:
    """Return a stored table."""
    return Result(**json.loads((folder / f"{name}.json").read_text("utf-8")))


def write_result(result: Result, folder: Path = RESULTS) -> Path:
    """Store a table; return its file. Each row is a line, so that a difference can be read."""
    folder.mkdir(parents=True, exist_ok=True)
    value = asdict(result)
    rows = value.pop("rows")
    head = json.dumps(value, indent=1, ensure_ascii=False)
    lines = ",\n  ".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    path = folder / f"{result.name}.json"
    path.write_text(f'{head[:-2]},\n "rows": [\n  {lines}\n ]\n}}\n', "utf-8")
    return path


def names(folder: Path = RESULTS) -> list[str]:
    """Return the names of all stored tables."""
    return sorted(path.stem for path in folder.glob("*.json"))
