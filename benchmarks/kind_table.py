"""The table of `ratios.py --kinds`: kinds of files that are easily slow, beside other readers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from kind_cases import CASES, FASTEST, FASTPIX, FLOOR, PEERS, PLAIN, Case, Target
from paired_timing import Timing, measure
from rich.table import Table

PACKAGES = ("fastpix", "numpy", "imagecodecs", *PEERS)


def kinds_table(names: Iterable[str], rounds: int, seconds: float) -> tuple[Table, bool]:
    """Return what each kind of file costs, and whether every target is met."""
    table = Table(
        title="Files that are easily slow, to float32 arrays",
        caption=(
            "ratios: fastpix's time by the other's; plain: fastpix itself in the plain case; "
            "±: off by rounding; stored, mirrored, negated: what a reader gives in place of the "
            "values; wrong: other values, -: an error, neither is timed"
        ),
    )
    table.add_column("kind")
    for heading in ("floor, ms", "fastpix, ms", "/ floor", "/ plain", *(f"/ {p}" for p in PEERS)):
        table.add_column(heading, justify="right")
    for heading in ("target", "found", "met"):
        table.add_column(heading)
    all_met = True
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            row, met = _row(CASES[name](Path(folder)), rounds, seconds)
        all_met &= met
        table.add_row(name, *row)
    return table, all_met


def _row(case: Case, rounds: int, seconds: float) -> tuple[list[str], bool]:
    members: dict[str, Callable[[], object]] = {}
    marks: dict[str, str] = {}
    counted: list[str] = []
    for name, call, verdict in case.members():
        marks[name] = verdict or ""
        if name == FASTPIX and verdict not in ("", "±"):
            raise AssertionError(f"fastpix reads it wrong: {verdict}")
        if verdict in ("wrong", "-"):
            continue
        members[name] = call
        if name in PEERS and case.counts(verdict or ""):
            counted.append(name)
    files = len(case.made.paths)
    found = measure(members, FASTPIX, rounds, seconds * len(members), warm=files == 1)
    ours = found[FASTPIX]
    milliseconds = {name: timing.microseconds / 1e3 / files for name, timing in found.items()}
    ratios = {name: ours.ratio_to(timing) for name, timing in found.items()}
    row = [f"{milliseconds[FLOOR]:.3f}" if FLOOR in found else "", f"{milliseconds[FASTPIX]:.3f}"]
    for name in (FLOOR, PLAIN, *PEERS):
        ratio = f"{ratios[name]:.2f}×" if name in ratios else ""
        row.append(f"{ratio} {marks.get(name, '')}".strip())
    reached = [_reached(target, ours, ratios, counted) for target in case.targets]
    met = [
        number is None or number <= target.most
        for number, target in zip(reached, case.targets, strict=True)
    ]
    row += [
        "\n".join(map(str, case.targets)),
        "\n".join("no peer" if number is None else f"{number:.2f}" for number in reached),
        "\n".join("yes" if is_met else "no" for is_met in met),
    ]
    return row, all(met)


def _reached(
    target: Target, ours: Timing, ratios: dict[str, float], counted: list[str]
) -> float | None:
    """Return what the target is compared with; None where no reader is there to compare with."""
    if target.of == "ms":
        return ours.microseconds / 1e3
    if target.of == FASTEST:
        return max((ratios[name] for name in counted), default=None)
    return ratios.get(target.of)
