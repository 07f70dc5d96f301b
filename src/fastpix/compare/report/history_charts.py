"""Charts of several comparisons: how ratios went on over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from fastpix.compare.comparison import Comparison
from fastpix.compare.readers import FASTPIX
from fastpix.compare.report.comparison_charts import times
from fastpix.pages.axes import WIDTH, Tick, log_place, log_ticks, place

HEIGHT = 260.0
"""Pixels of a chart."""


class Point(NamedTuple):
    """A ratio at a time; `text` is what it says."""

    x: float
    y: float
    text: str


class Course(NamedTuple):
    """A reader over time: its points, the lines between them, and its last ratio."""

    reader: str
    number: int
    points: list[Point]
    lines: list[tuple[Point, Point]]
    last: str


class HistoryPlot(NamedTuple):
    """The readers of a part over time; `rows` are marks from above, `ticks` from the left."""

    part: str
    courses: list[Course]
    rows: list[Tick]
    ticks: list[Tick]
    one: float


def history_plots(records: Sequence[Comparison]) -> list[HistoryPlot]:
    """Return a plot for each part that was timed at least twice.

    Parameters
    ----------
    records : sequence of Comparison
        The oldest first.
    """
    parts = dict.fromkeys(part.part for record in records for part in record.parts)
    return [plot for part in parts if (plot := _plot(part, records)) is not None]


def time_of(record: Comparison) -> datetime:
    """Return when a comparison was made.

    Parameters
    ----------
    record : Comparison
    """
    return datetime.fromisoformat(record.made)


def _plot(name: str, records: Sequence[Comparison]) -> HistoryPlot | None:
    found: dict[str, list[tuple[float, float, str]]] = {}
    days: dict[str, float] = {}
    for record in records:
        for part in record.parts:
            for each in part.readers if part.part == name else ():
                if each.ratio is not None and each.reader != FASTPIX:
                    when = time_of(record).timestamp()
                    days[record.made[:10]] = when
                    found.setdefault(each.reader, []).append((when, each.ratio, each.version))
    if max(map(len, found.values()), default=0) < 2:
        return None
    ratios = [ratio for course in found.values() for _, ratio, _ in course]
    low, high = min(*ratios, 0.9) / 1.1, max(*ratios, 2.0) * 1.1
    begin, end = min(days.values()), max(days.values())
    margin = (end - begin) * 0.03 or 1.0
    begin, end = begin - margin, end + margin
    courses = []
    order = sorted(found, key=lambda reader: -found[reader][-1][1])
    for number, reader in enumerate(order):
        points = [
            Point(place(when, begin, end), _height(ratio, low, high), f"{version}: {times(ratio)}")
            for when, ratio, version in found[reader]
        ]
        last = times(found[reader][-1][1])
        lines = list(pairwise(points))
        courses.append(Course(reader, number % 6, points, lines, last))
    rows = [Tick(HEIGHT * (1 - x / WIDTH), text) for x, text in log_ticks(low, high)]
    step = math.ceil(len(days) / 4)
    shown = sorted(days.items(), key=lambda pair: pair[1])[::step]
    marks = [Tick(place(when, begin, end), day) for day, when in shown]
    return HistoryPlot(name, courses, rows, marks, _height(1.0, low, high))


def _height(ratio: float, low: float, high: float) -> float:
    return HEIGHT * (1 - log_place(ratio, low, high) / WIDTH)
