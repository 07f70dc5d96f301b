"""Statistics of a cache as people and programs read them: a table, lines of text, strict JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.statistics.counted_images import Counted
from fastpix.job.statistics.group_counts import Group
from fastpix.job.statistics.group_statistics import PERCENTILES, GroupStatistics
from fastpix.job.statistics.merging import Statistics
from fastpix.job.statistics.outliers import Outlier, groups_of, outliers

if TYPE_CHECKING:
    from rich.table import Table

VERSION = 1
"""Of `stats_json`; raised where a reader of an older version would be misled."""

_SHOWN = (0.5, 50.0, 99.5)
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def stats_of(
    parts: Iterable[bytes], rows: Mapping[str, Sequence[Any]]
) -> tuple[list[GroupStatistics], dict[Group, list[Outlier]]]:
    """Return the statistics of all groups of a cache, and the images that lie far from theirs.

    Parameters
    ----------
    parts : iterable of bytes
        What `BatchStatistics.to_bytes` has returned, in the order of batches.
    rows : mapping of str to sequence
        Columns of the manifest: ``name``, ``modality``, ``manufacturer``, ``model``, ``unit``,
        ``mean``, ``std``, ``min`` and ``max`` of the rows that count and have an array.
    """
    return Statistics.merge(parts).results(), outliers_by_group(rows)


def outliers_by_group(rows: Mapping[str, Sequence[Any]]) -> dict[Group, list[Outlier]]:
    """Return the images that lie far from the others of their group, by group.

    Parameters
    ----------
    rows
        As in `stats_of`.
    """
    places: dict[Group, list[int]] = {}
    for place, group in enumerate(groups_of(rows)):
        places.setdefault(group, []).append(place)
    found = {}
    for group, own in places.items():
        columns = {
            name: [rows[name][place] for place in own]
            for name in ("name", "mean", "std", "min", "max")
        }
        if far := outliers(columns):
            found[group] = far
    return found


def title_of(group: Group) -> str:
    """Return a group in words."""
    known = " ".join(part for part in group[:3] if part) or "unknown"
    return f"{known}, {group.unit}" if group.unit else known


def stats_table(groups: Iterable[GroupStatistics]) -> Table:
    """Return a table for `rich`: a row a group."""
    from rich import box
    from rich.table import Table

    title = "values before normalize, padding left out"
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("group", min_width=10)
    headings = ["images", "pixels", "min", *(f"p{q:g}" for q in _SHOWN), "max", "mean", "std"]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for result in groups:
        percentiles = [result.percentile(q) for q in _SHOWN]
        numbers = [result.min, *percentiles, result.max, result.mean, result.std]
        table.add_row(
            title_of(result.group),
            f"{result.images:,}",
            _rounded(result.pixels),
            *map(_short, numbers),
        )
    return table


def histogram_text(result: GroupStatistics, width: int = 72, height: int = 6) -> str:
    """Return a histogram in characters: from percentile 0.1 to 99.9, heights in the square root.

    Parameters
    ----------
    result : GroupStatistics
    width, height : int
        In characters, without the line of numbers below.
    """
    low, high = shown_range(result)
    if low is None or high is None:
        return "no pixels"
    counts = rebinned(result, low, high, width)
    tall = np.sqrt(counts / counts.max()) * height * 8
    lines = []
    for line in reversed(range(height)):
        eighths = np.clip(np.ceil(tall - 8 * line), 0, 8).astype(int)
        lines.append("".join(_EIGHTHS[k] for k in eighths).rstrip())
    left, right = _short(low), _short(high)
    lines.append(left + " " * max(width - len(left) - len(right), 1) + right)
    return "\n".join(lines)


def shown_range(result: GroupStatistics) -> tuple[float | None, float | None]:
    """Return what a picture of the histogram shows: percentiles 0.1 to 99.9."""
    low, high = result.percentile(0.1), result.percentile(99.9)
    return (result.min, result.max) if low == high else (low, high)


def rebinned(result: GroupStatistics, low: float, high: float, columns: int) -> NDArray[np.float64]:
    """Return how many pixels fall on each of `columns` equal parts of low..high.

    What a bin holds is spread evenly over it, and an integer over the unit around it, since columns
    may be narrower than either.
    """
    if high <= low:
        even = np.zeros(columns)
        even[columns // 2] = result.counts.sum()
        return even
    edges = np.linspace(low, high, columns + 1)
    unit = 1.0 if result.is_exact else min(1.0, (high - low) / columns)
    found = np.zeros(columns)
    for some, widths in (
        (result.widths == 0, np.full(result.widths.size, unit)),
        (result.widths > 0, result.widths),
    ):
        if some.any():
            starts = result.values[some] - widths[some] / 2
            ends = starts + widths[some]
            total = np.concatenate([[0], np.cumsum(result.counts[some])]).astype(np.float64)
            # The distribution function: a line over each interval, and flat between them.
            places = np.column_stack([starts, ends]).reshape(-1)
            heights = np.column_stack([total[:-1], total[1:]]).reshape(-1)
            found += np.diff(np.interp(edges, places, heights))
    return found


def stats_json(
    groups: Iterable[GroupStatistics],
    far: Mapping[Group, Sequence[Outlier]] | None = None,
    counted: Counted | None = None,
) -> str:
    """Return statistics as strict JSON.

    ``{"version": 1, "groups": [...]}``; a group has ``modality``, ``maker``, ``model``, ``unit``;
    ``images``, ``pixels``, ``padding``, ``nans``; ``min``, ``max``, ``mean``, ``std`` (null where
    no pixel is left); ``exact`` (whether percentiles are, else they are within 0.4 %);
    ``percentiles``, an object from ``"0.1"`` to ``"99.9"``; ``normalize``, LO and HI or null; and
    ``outliers``, a list of objects with ``name``, ``why`` and ``distance``. ``counted`` beside
    ``groups`` is an object of what `Counted` has.

    Parameters
    ----------
    groups : iterable of GroupStatistics
    far : mapping of Group to sequence of Outlier, optional
    counted : Counted, optional
        Which images these are.
    """
    shown = [
        {
            **result.group._asdict(),
            "images": result.images,
            "pixels": result.pixels,
            "padding": result.padding,
            "nans": result.nans,
            "min": _strict(result.min),
            "max": _strict(result.max),
            "mean": _strict(result.mean),
            "std": _strict(result.std),
            "exact": result.is_exact,
            "percentiles": {f"{q:g}": _strict(result.percentile(q)) for q in PERCENTILES},
            "normalize": result.normalize_range(),
            "outliers": [outlier._asdict() for outlier in (far or {}).get(result.group, ())],
        }
        for result in groups
    ]
    kept: dict[str, Any] = {"version": VERSION, "groups": shown}
    if counted is not None:
        kept["counted"] = counted.to_dict()
    return json.dumps(kept, indent=1, allow_nan=False)


def _strict(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _rounded(count: int) -> str:
    """Return a count in three digits: ``7.86M``."""
    shown, power = float(count), 0
    while shown >= 999.5:
        shown, power = shown / 1000, power + 1
    return f"{shown:.3g}{' kMGTPE'[power].strip()}"


def _short(number: float | None) -> str:
    if number is None:
        return "-"
    if number == math.floor(number) and abs(number) < 1e7:
        return f"{number:.0f}"
    return f"{number:.4g}"
