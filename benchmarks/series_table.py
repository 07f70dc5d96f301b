"""The table of `ratios.py --series`: series to volumes, beside other readers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from bench_series import CASES, FASTPIX, FLOOR, check
from paired_timing import measure
from rich.table import Table

PACKAGES = (
    "fastpix", "numpy", "pydicom", "SimpleITK", "dcm2niix", "highdicom", "nibabel", "monai",
    "pydcm", "dicomsdl",
)  # fmt: skip
HOW = (7, 3.0)  # rounds, and seconds a member: a call is a whole series


def series_table(names: Iterable[str], rounds: int, seconds: float) -> tuple[Table, bool]:
    """Return what volumes cost, and whether every target is met."""
    table = Table(title="Series in the page cache to float32 volumes, beside fastpix.read_series")
    for heading in ("series", "reader"):
        table.add_column(heading)
    for heading in ("ms", "ratio to the floor", "fastpix / it", "target", "met"):
        table.add_column(heading, justify="right")
    table.add_column("values")
    all_met = True
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            case = CASES[name](Path(folder))
            verdicts = {member: check(case, member) for member in case.members}
            floor = FLOOR if FLOOR in case.members else FASTPIX
            members = dict(case.members)
            found = measure(members, floor, rounds, seconds * len(members), warm=False)
        for member, timing in found.items():
            ratio = found[FASTPIX].ratio_to(timing)
            limit = case.targets.get(member)
            met = limit is None or ratio <= limit
            all_met &= met
            table.add_row(
                case.name,
                member,
                f"{timing.microseconds / 1e3:.1f}",
                f"{timing.ratio:.2f}×" if floor == FLOOR else "",
                f"{ratio:.3g}×",
                "" if limit is None else f"≤ {limit:g}×",
                "" if limit is None else "yes" if met else "no",
                verdicts[member],
            )
        table.add_section()
    return table, all_met
