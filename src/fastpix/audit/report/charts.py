"""Charts as plain numbers, which templates draw as SVG: histograms, evidence, scales, times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fastpix.audit.record import Audit, Encoding, Phase, Polarity, SourceRecord, Values
from fastpix.pages.axes import WIDTH, Tick, place, ticks
from fastpix.pages.wording import number, unit, unit_name

_HEIGHT = 120.0  # of a histogram
_MARKED = ("1", "50", "99")
_STRONGEST = 2.0  # points: as long as a bar gets


class Mark(NamedTuple):
    """A percentile on a histogram; `row` keeps texts that are near each other apart."""

    x: float
    name: str
    text: str
    row: int


class HistogramChart(NamedTuple):
    """A histogram: the outline of its bins, its axis and its percentiles."""

    path: str
    ticks: list[Tick]
    marks: list[Mark]
    height: float
    said: str


class RangeChart(NamedTuple):
    """Which part of what Bits Stored can hold is in use."""

    x: float
    width: float
    low: str
    high: str
    said: str


class EvidenceBar(NamedTuple):
    """A piece of evidence, as a bar to the left (against) or to the right (for)."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class ScaleRow:
    """A source in a plot of scales: its percentiles 1, 25, 50, 75 and 99 as places."""

    index: int
    source: str
    said: str
    low: float
    left: float
    middle: float
    right: float
    high: float


class ScalePlot(NamedTuple):
    """All sources of one modality whose values have one unit, on one axis."""

    modality: str
    unit: str
    rows: list[ScaleRow]
    ticks: list[Tick]


class PhaseBar(NamedTuple):
    """A part of the audit: how long it took, beside the longest."""

    phase: Phase
    width: float


def histogram_chart(values: Values) -> HistogramChart | None:
    """Return a histogram with the square root of counts, so that small parts are seen.

    Parameters
    ----------
    values : Values
    """
    histogram = values.histogram
    if histogram is None or not any(histogram.counts):
        return None
    bins = len(histogram.counts)
    largest = math.sqrt(max(histogram.counts))
    step = WIDTH / bins
    points = [f"M0 {_HEIGHT:g}"]
    for k, count in enumerate(histogram.counts):
        top = _HEIGHT * (1 - math.sqrt(count) / largest)
        points.append(f"V{top:.1f}H{(k + 1) * step:.3f}")
    points.append(f"V{_HEIGHT:g}Z")
    low, high = histogram.low, histogram.low + bins * histogram.width
    marks: list[Mark] = []
    for name in _MARKED:
        if name in values.percentiles:
            value = values.percentiles[name]
            x = min(max(place(value, low, high), 0.0), WIDTH)
            marks.append(Mark(x, f"p{name}", number(value), len(marks)))
    named = ", ".join(f"percentile {m.name[1:]} at {m.text}" for m in marks)
    ends = f"from {number(values.min)} to {number(values.max)}{unit(values.unit)}"
    said = f"Histogram of values {ends}; {named}"
    return HistogramChart("".join(points), ticks(low, high), marks, _HEIGHT, said)


def range_chart(values: Values, record: SourceRecord) -> RangeChart | None:
    """Return which part of what Bits Stored can hold lies between the least and greatest value.

    Parameters
    ----------
    values : Values
    record : SourceRecord
        Of one encoding, slope and intercept: those of several have no common range.
    """
    if len(record.encodings) != 1 or len(record.rescales) > 1 or values.unit == "RGB":
        return None
    if values.min is None or values.max is None:
        return None
    slope, intercept = 1.0, 0.0
    if record.rescales and values.unit != "stored values":
        slope, intercept = record.rescales[0].slope, record.rescales[0].intercept
    ends = [end * slope + intercept for end in stored_range(record.encodings[0])]
    low, high = min(ends), max(ends)
    if not low <= values.min <= values.max <= high or not high > low:
        return None  # a Modality LUT, or float data
    x = place(values.min, low, high)
    width = max(place(values.max, low, high) - x, 0.2)
    bits = record.encodings[0].bits_stored
    said = (
        f"{bits} bits can hold {number(low)} to {number(high)}; "
        f"samples use {number(values.min)} to {number(values.max)}"
    )
    return RangeChart(x, width, number(low), number(high), said)


def stored_range(encoding: Encoding) -> tuple[int, int]:
    """Return the least and the greatest integer that Bits Stored can hold.

    Parameters
    ----------
    encoding : Encoding
    """
    if encoding.signed:
        return -(2 ** (encoding.bits_stored - 1)), 2 ** (encoding.bits_stored - 1) - 1
    return 0, 2**encoding.bits_stored - 1


def evidence_bars(polarity: Polarity) -> list[EvidenceBar]:
    """Return the bars of all evidence, in its order: 100 is the middle, 0 and 200 are the ends.

    Parameters
    ----------
    polarity : Polarity
    """
    return [_bar(each.points) for each in polarity.evidence]


def score_bar(polarity: Polarity) -> EvidenceBar | None:
    """Return the bar of the sum.

    Parameters
    ----------
    polarity : Polarity
    """
    return None if polarity.score is None else _bar(polarity.score)


def _bar(points: float) -> EvidenceBar:
    length = min(abs(points) / _STRONGEST, 1.0) * 100
    return EvidenceBar(100 - length if points < 0 else 100, length)


def scale_plots(audit: Audit) -> list[ScalePlot]:
    """Return a plot for each modality and unit of several sources.

    Parameters
    ----------
    audit : Audit
    """
    groups: dict[tuple[str, str], list[tuple[int, SourceRecord, Values]]] = {}
    for index, record in enumerate(audit.sources, 1):
        for values in record.values:
            if values.unit != "RGB" and "50" in values.percentiles:
                key = (record.modality, values.unit)
                groups.setdefault(key, []).append((index, record, values))
    return [_plot(*key, members) for key, members in groups.items() if len(members) > 1]


def _plot(
    modality: str, unit_of_values: str, members: Sequence[tuple[int, SourceRecord, Values]]
) -> ScalePlot:
    names = ("1", "25", "50", "75", "99")
    percentiles = [[values.percentiles[name] for name in names] for _, _, values in members]
    low = min(each[0] for each in percentiles)
    high = max(each[-1] for each in percentiles)
    rows = []
    for (index, record, _), own in zip(members, percentiles, strict=True):
        said = (
            f"No. {index}: median {number(own[2])}, half of all values from {number(own[1])} to "
            f"{number(own[3])}, percentiles 1 and 99 at {number(own[0])} and {number(own[4])}"
        )
        places = [place(each, low, high) for each in own]
        rows.append(ScaleRow(index, record.id, said, *places))
    return ScalePlot(modality, unit_name(unit_of_values), rows, ticks(low, high))


def phase_bars(audit: Audit) -> list[PhaseBar]:
    """Return the parts of the audit, each with a bar of at most 100.

    Parameters
    ----------
    audit : Audit
    """
    longest = max((phase.seconds for phase in audit.phases), default=0.0) or 1.0
    return [PhaseBar(phase, 100 * phase.seconds / longest) for phase in audit.phases]
