"""Charts of a comparison as plain numbers, which templates draw as SVG."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from fastpix.compare.comparison import PartRecord, ReaderRecord
from fastpix.compare.readers import FASTPIX
from fastpix.pages.axes import WIDTH, Tick, log_place, log_ticks, place
from fastpix.pages.wording import number, seconds

HEIGHT = 40.0
"""Pixels of a chart of passes."""

_LEAST_SPREAD = 0.1  # of passes: smaller deviations than that fill no chart
_DISTURBED = 1.15  # of a reader's median: a pass that took longer is marked
_STEPS = (0.9, 1.1, 2.0, 5.0, 20.0)  # ratios where the shade of a cell changes


class RatioRow(NamedTuple):
    """A reader in the plot of ratios: median and quartiles as places, and what they say."""

    reader: str
    is_ours: bool
    low: float
    middle: float
    high: float
    text: str
    said: str


class RatioPlot(NamedTuple):
    """Readers on one logarithmic axis, on which fastpix is at 1."""

    rows: list[RatioRow]
    ticks: list[Tick]
    one: float


class SpeedRow(NamedTuple):
    """A reader in the plot of speeds: a bar from 0."""

    reader: str
    is_ours: bool
    width: float
    text: str


class Pass(NamedTuple):
    """A pass of a reader: where it stands, and whether it was much slower than the median."""

    x: float
    y: float
    is_slow: bool
    said: str


class PassRow(NamedTuple):
    """The passes of a reader, in times of their median."""

    reader: str
    is_ours: bool
    passes: list[Pass]
    line: float
    text: str
    said: str


class PassPlot(NamedTuple):
    """The passes of all readers, on axes that they share."""

    rows: list[PassRow]
    ticks: list[Tick]
    low: str
    high: str


class Kind(NamedTuple):
    """How many items a reader failed on, or read otherwise, in one way."""

    reader: str
    kind: str
    is_failure: bool
    items: int
    width: float


class Cell(NamedTuple):
    """A ratio of a group: as text, and how it is shaded."""

    text: str
    shade: str


class GroupRow(NamedTuple):
    """A group, and the ratio of each reader in it."""

    group: str
    items: int
    cells: list[Cell]


class GroupTable(NamedTuple):
    """Groups by readers."""

    readers: list[str]
    rows: list[GroupRow]


def ratio_plot(part: PartRecord) -> RatioPlot | None:
    """Return the plot of ratios, the fastest reader first; None where nothing was timed.

    Parameters
    ----------
    part : PartRecord
    """
    timed = sorted_by_ratio(part)
    if not timed:
        return None
    ends = [end for each in timed for end in _ends(each)]
    low, high = min(*ends, 0.9) / 1.1, max(*ends, 2.0) * 1.1
    rows = []
    for each in timed:
        ratio, (first, last) = _ratio(each), _ends(each)
        said = f"{each.reader}: {number(ratio, 3)} times the time of fastpix"
        if first != last:
            said += f", for half of all items between {number(first, 3)} and {number(last, 3)}"
        left, middle, right = (log_place(value, low, high) for value in (first, ratio, last))
        is_ours = each.reader == FASTPIX
        rows.append(RatioRow(each.reader, is_ours, left, middle, right, times(ratio), said))
    return RatioPlot(rows, log_ticks(low, high), log_place(1, low, high))


def sorted_by_ratio(part: PartRecord) -> list[ReaderRecord]:
    """Return the readers that were timed: fastpix, then the others, the fastest first.

    Parameters
    ----------
    part : PartRecord
    """
    timed = [each for each in part.readers if each.reader == FASTPIX or each.ratio is not None]
    if not any(each.ratio is not None or each.pass_seconds for each in timed):
        return []
    return sorted(timed, key=lambda each: (each.reader != FASTPIX, _ratio(each)))


def _ratio(reader: ReaderRecord) -> float:
    """Return the ratio; that of fastpix to itself is 1, whether it was written down or not."""
    return 1.0 if reader.ratio is None else reader.ratio


def _ends(reader: ReaderRecord) -> tuple[float, float]:
    if reader.ratio_quartiles is None:
        return _ratio(reader), _ratio(reader)
    low, high = reader.ratio_quartiles
    return low, high


def times(ratio: float) -> str:
    """Return a ratio as people read it: ``0.95×``, ``12.3×``, ``1,234×``.

    Parameters
    ----------
    ratio : float
    """
    return number(float(f"{ratio:.3g}"), 3) + "×"


def duration(taken: float) -> str:
    """Return seconds as people read them: ``7.4 ms``, ``12 s``.

    Parameters
    ----------
    taken : float
        Seconds.
    """
    return seconds(taken) if taken >= 1 else f"{number(float(f'{1e3 * taken:.2g}'))}\u00a0ms"


def speed_rows(part: PartRecord) -> list[SpeedRow]:
    """Return the speeds in MB/s, the fastest first.

    Parameters
    ----------
    part : PartRecord
    """
    found = [
        (each.megabytes_per_second, each.reader)
        for each in part.readers
        if each.megabytes_per_second is not None
    ]
    longest = max((speed for speed, _ in found), default=0.0) or 1.0
    return [
        SpeedRow(name, name == FASTPIX, WIDTH * speed / longest, number(float(f"{speed:.3g}"), 3))
        for speed, name in sorted(found, reverse=True)
    ]


def pass_plot(part: PartRecord) -> PassPlot | None:
    """Return every pass in times of its reader's median, so that a disturbance is seen.

    Parameters
    ----------
    part : PartRecord
    """
    timed = [
        each for each in part.readers if len(each.pass_seconds) > 1 and median(each.pass_seconds)
    ]
    if not timed:
        return None
    shares = {each.reader: _shares(each) for each in timed}
    spread = max(abs(math.log(share)) for found in shares.values() for share in found if share)
    top = math.exp(max(spread * 1.1, _LEAST_SPREAD))
    count = max(map(len, shares.values()))
    rows = []
    for each in timed:
        passes = []
        for k, (taken, share) in enumerate(
            zip(each.pass_seconds, shares[each.reader], strict=True)
        ):
            said = f"pass {k + 1}: {duration(taken)}"
            passes.append(Pass(_pass_x(k, count), _pass_y(share, top), share > _DISTURBED, said))
        middle = median(each.pass_seconds)
        slow = [str(k + 1) for k, each_pass in enumerate(passes) if each_pass.is_slow]
        said = f"{each.reader}: {len(passes)} passes, median {duration(middle)}"
        said += f"; slower than the others: {', '.join(slow)}" if slow else ""
        rows.append(
            PassRow(
                each.reader, each.reader == FASTPIX, passes, HEIGHT / 2, duration(middle), said
            )
        )  # fmt: skip
    step = max(1, math.ceil(count / 10))
    marks = [Tick(_pass_x(k, count), str(k + 1)) for k in range(0, count, step)]
    return PassPlot(rows, marks, f"{100 / top:.0f} %", f"{100 * top:.0f} %")


def _shares(reader: ReaderRecord) -> list[float]:
    middle = median(reader.pass_seconds)
    return [taken / middle for taken in reader.pass_seconds]


def _pass_x(k: int, count: int) -> float:
    return place(k + 0.5, 0, count)


def _pass_y(share: float, top: float) -> float:
    """Return the place from above: the middle is the median, the ends are `top` and 1 / `top`."""
    up = place(math.log(max(share, 1 / top)), -math.log(top), math.log(top)) / WIDTH
    return HEIGHT * (1 - min(max(up, 0.0), 1.0))


def kinds_of(part: PartRecord) -> list[Kind]:
    """Return differences and failures by kind, in the order of readers, the most frequent first.

    Parameters
    ----------
    part : PartRecord
    """
    found = []
    for each in part.readers:
        for kind, items in sorted(each.kinds.items(), key=lambda pair: (-pair[1], pair[0])):
            share = WIDTH * items / part.items if part.items else 0.0
            is_failure = kind.startswith("failed")
            found.append(Kind(each.reader, kind, is_failure, items, min(share, WIDTH)))
    return found


def group_table(part: PartRecord) -> GroupTable | None:
    """Return the ratios by groups, the largest group first; None where there are no groups.

    Parameters
    ----------
    part : PartRecord
    """
    order = [each.reader for each in sorted_by_ratio(part) if each.reader != FASTPIX]
    named = {name for group in part.groups for name in group.ratios} - {FASTPIX}
    readers = [name for name in order if name in named] + sorted(named - set(order))
    rows = [
        GroupRow(each.group, each.items, [_cell(each.ratios.get(name)) for name in readers])
        for each in sorted(part.groups, key=lambda each: (-each.items, each.group))
    ]
    return GroupTable(readers, rows) if rows and readers else None


def _cell(ratio: float | None) -> Cell:
    if ratio is None:
        return Cell("–", "none")
    return Cell(times(ratio), f"s{sum(ratio > step for step in _STEPS)}")


def shades() -> list[tuple[str, str]]:
    """Return the shades of cells and what they mean, the fastest reader first."""
    ends = [number(step) for step in _STEPS]
    texts = [f"below {ends[0]}"]
    texts += [f"{low} to {high}" for low, high in pairwise(ends)]
    texts.append(f"above {ends[-1]}")
    return [(f"s{k}", text) for k, text in enumerate(texts)]
