"""Tables of the documentation, written from stored results into the pages that show them.

A page has ``<!-- table: NAME -->`` and ``<!-- end -->`` around a table, and ``<!-- measured: NAME
-->`` and ``<!-- end -->`` around the line that says what measured it, and when. What stands between
them is made by `rendered`, and by nothing else: ``python benchmarks/run_all.py --render`` writes it
again, and a test holds all pages against their results.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from stored_results import RESULTS, Cell, Result, Rows, read_result

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARKED = re.compile(r"<!-- (table|measured): ([\w-]+) -->\n(.*?)<!-- end -->", re.DOTALL)
WIDE = 120  # characters of a line of text


def whole(value: float) -> str:
    """Return a number without decimals: ``4,650``."""
    return f"{value:,.0f}"


def tenths(value: float) -> str:
    """Return one decimal, or none from 10: ``0.9``, ``19``."""
    return f"{value:.1f}" if value < 9.95 else whole(value)


def one_decimal(value: float) -> str:
    """Return one decimal: ``1407.6``."""
    return f"{value:,.1f}"


def hundredths(value: float) -> str:
    """Return two decimals: ``1.02``."""
    return f"{value:.2f}"


def two_digits(value: float) -> str:
    """Return two digits: ``0.86``, ``1.0``, ``175``."""
    return f"{value:#.2g}" if value < 9.95 else whole(value)


def short(value: float) -> str:
    """Return two decimals below 1, else at most two digits: ``0.07``, ``1``, ``2.1``, ``46``."""
    return f"{value:.2f}" if value < 0.995 else f"{value:.2g}" if value < 99.5 else whole(value)


def digits(value: float) -> str:
    """Return at most two digits: ``0.9``, ``0.015``."""
    return f"{value:.2g}" if value < 99.5 else whole(value)


def thousandths(value: float) -> str:
    """Return at most three decimals: ``0.013``."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


Number = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Look:
    """How the numbers of a table are written.

    Attributes
    ----------
    number : callable
    columns : dict of int to callable
        For some columns, by their index.
    rows : dict of str to callable
        For some rows, by how their names begin.
    ours : str
        How the names of rows begin that are bold.
    right : bool
        Whether numbers stand at the right.
    """

    number: Number = short
    columns: dict[int, Number] = field(default_factory=dict)
    rows: dict[str, Number] = field(default_factory=dict)
    ours: str = "fastpix"
    right: bool = True


LOOKS = {
    "read": Look(tenths),
    "read-ways": Look(hundredths, {2: whole, 4: whole}, ours="pieces of 1 MiB"),
    "kernel": Look(two_digits),
    "kernel-kinds": Look(tenths),
    "series": Look(columns={1: whole}),
    "many": Look(tenths),
    "startup": Look(hundredths, {1: whole}, ours=" "),
    "codec-files": Look(hundredths, {3: whole}, ours=" "),
    "codec-frames": Look(hundredths, {3: one_decimal}, ours=" "),
    "codec-decoders": Look(hundredths, {3: whole}, ours=" "),
    "kills": Look(whole),
    "pydicom-dcmread": Look(columns={1: whole}),
    "pydicom-pixels": Look(),
    "monai": Look(two_digits),
    "job": Look(two_digits, rows={"bytes of the cache": hundredths}),
    "job-counts": Look(thousandths),
    "training-loaders": Look(digits, ours=" "),
    "training-patches": Look(digits, ours=" "),
    "resampling": Look(whole),
    "summary": Look(ours=" ", right=False),
}
"""How tables look, by name; others as `Look` is."""


def text_of(cell: Cell, number: Number) -> str:
    """Return a cell as text."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, list):
        separator = ", " if any(isinstance(each, dict) for each in cell) else " / "
        return separator.join(text_of(each, number) for each in cell)
    if isinstance(cell, dict):
        text = text_of(cell["value"], number)
        if "of" in cell:
            return f"{text} ({cell['of']})"
        space = "" if cell["unit"].startswith("×") else " "
        return f"{text}{space}{cell['unit']}"
    return number(cell)


def table_text(name: str, rows: Rows | Result) -> str:
    """Return a table as Markdown."""
    look = LOOKS.get(name, Look())
    mark = "--:" if look.right else "---"
    lines = [rows.columns, ["---", *[mark] * (len(rows.columns) - 1)]]
    for row in rows.rows:
        by_row = [made for begin, made in look.rows.items() if str(row[0]).startswith(begin)]
        cells = [
            text_of(cell, by_row[0] if by_row else look.columns.get(k, look.number))
            for k, cell in enumerate(row)
        ]
        if cells[0].startswith(look.ours):
            cells = [f"**{cell}**" if cell else "" for cell in cells]
        lines.append(cells)
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def summary(folder: Path = RESULTS) -> Rows:
    """Return the table of the README: what fastpix takes, of the tables of the other pages."""

    def rows_of(name: str) -> dict[str, list[Cell]]:
        return {row[0]: row[1:] for row in read_result(name, folder).rows}

    series = rows_of("series")
    readers = ("pydcm", "SimpleITK", "MONAI's PydicomReader")
    shares = [short(series[reader][-1]) for reader in readers if reader in series]
    files = read_result("codec-files", folder)
    ours, theirs = files.columns.index("fastpix"), files.columns.index("pydicom")
    ratios = [
        row[ours]["value"] / row[theirs]["value"]
        for row in files.rows
        if row[0].startswith("CR") and row[1] != "native"
        and isinstance(row[ours], dict) and isinstance(row[theirs], dict)
    ]  # fmt: skip
    job = rows_of("job")["wall, job / script, two workers each, start-up included"]
    loader = rows_of("training-loaders")["a `Dataset` with pydicom, default collate"]
    where = "[{}](docs/{})".format
    return Rows(
        ["what", "beside", "fastpix takes", "figures"],
        [
            ["300 CT slices to a volume with its affine", "pydcm, SimpleITK, MONAI",
             f"{', '.join(shares[:-1])} and {shares[-1]} of their time",
             where("a series to a volume", "performance.md#a-series-to-a-volume")],
            ["compressed radiographs of 2048 x 2048", "pydicom and its fastest plugin",
             f"{short(min(ratios))} to {short(max(ratios))} of its time",
             where("compressed files", "codecs.md#decoders-and-their-speed")],
            ["a folder of CT slices to a cache", "pydicom and `numpy.savez` in a pool",
             f"{two_digits(job[0])} of its time", where("the job", "job.md#how-fast")],
            ["a `DataLoader` over native CT slices", "one over pydicom",
             f"{digits(loader[0])} of its time",
             where("training", "training.md#what-to-choose-when")],
        ],
    )  # fmt: skip


DERIVED = {"summary": summary}
"""Tables that are made of the figures of others, by name."""


def rendered(kind: str, name: str, folder: Path = RESULTS) -> str:
    """Return what stands between two marks, without blank lines around it."""
    if kind == "table" and name in DERIVED:
        return table_text(name, DERIVED[name](folder))
    result = read_result(name, folder)
    if kind == "table":
        return table_text(name, result)
    return textwrap.fill(
        result.line(), WIDE, break_long_words=False, break_on_hyphens=False
    )  # fmt: skip


def render_page(text: str, folder: Path = RESULTS) -> str:
    """Return a page with all that stands between marks made again."""

    def made(found: re.Match[str]) -> str:
        kind, name = found[1], found[2]
        return f"<!-- {kind}: {name} -->\n\n{rendered(kind, name, folder)}\n\n<!-- end -->"

    return MARKED.sub(made, text)


def tables_of(text: str) -> set[tuple[str, str]]:
    """Return the kinds and names of the marks of a page."""
    return {(found[1], found[2]) for found in MARKED.finditer(text)}


def render_pages(pages: list[Path] = PAGES) -> list[Path]:
    """Write all pages that have changed; return them."""
    changed = []
    for page in pages:
        text = page.read_text("utf-8")
        if (new := render_page(text)) != text:
            page.write_text(new, "utf-8")
            changed.append(page)
    return changed
