"""The sampled images of one source together: values by unit, outliers, decoders, findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fastpix.audit.counting import FindingCounts
from fastpix.audit.record import DecoderDifference, Histogram, SampleRecord, Values
from fastpix.audit.sampled_pixels import Look, Unread
from fastpix.audit.sampling import Candidate
from fastpix.audit.text_in_samples import TextBoxes
from fastpix.job.statistics import BatchStatistics, SampleStatistics
from fastpix.job.statistics.group_statistics import PERCENTILES, GroupStatistics
from fastpix.job.statistics.outliers import outliers
from fastpix.job.vocabulary import photometric_term
from fastpix.standard.syntaxes import syntax_name

_BINS = 128
_SATURATED = 0.05  # share of pixels that have the greatest value
_SATURATED_LOW = 0.5  # background is often one value
_PADDED = 0.8
_BITS_UNUSED = 2.0  # bits


@dataclass(frozen=True, slots=True)
class FoundPixels:
    """What the sampled images of a source come to, small enough to be sent.

    Attributes
    ----------
    values : tuple of Values
    differences : tuple of DecoderDifference
    records : tuple of SampleRecord
    findings : FindingCounts
    decoders : Counter of str
    searched_for_text, with_text : int
        Samples that were searched for text, and those in which there may be some.
    digests : tuple of bytes
        Of the pixels of each sample that could be read.
    """

    values: tuple[Values, ...]
    differences: tuple[DecoderDifference, ...]
    records: tuple[SampleRecord, ...]
    findings: FindingCounts
    decoders: Counter[str]
    searched_for_text: int
    with_text: int
    digests: tuple[bytes, ...]


@dataclass(slots=True)
class SourcePixels:
    """What the sampled images of a source come to, image by image."""

    statistics: BatchStatistics = field(default_factory=BatchStatistics)
    records: list[SampleRecord] = field(default_factory=list)
    findings: FindingCounts = field(default_factory=FindingCounts)
    decoders: Counter[str] = field(default_factory=Counter)
    digests: list[bytes] = field(default_factory=list)
    searched_for_text: int = 0  # samples
    with_text: int = 0
    _looks: dict[str, list[tuple[float, float, float, float, float]]] = field(default_factory=dict)
    _differences: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)

    def add(self, candidate: Candidate, look: Look | Unread, text: TextBoxes | None = None) -> None:
        """Count a sampled image.

        Parameters
        ----------
        candidate : Candidate
        look : Look or Unread
        text : TextBoxes, optional
            Where text may be; None where nobody has searched for it.
        """
        name, patient, series = candidate.name, candidate.patient, candidate.series
        if isinstance(look, Unread):
            self.records.append(
                SampleRecord(
                    name=name,
                    series=series,
                    patient=patient,
                    shape=(),
                    frame=0,
                    photometric="",
                    transfer_syntax="",
                    unit="",
                    findings=tuple(look.findings),
                    error=look.error,
                )
            )
            self.findings.add(look.findings)
            return
        own = self.statistics.add(
            ("", "", "", look.unit), np.ascontiguousarray(look.cells), look.remaining
        )
        self.digests.append(look.digest)
        self.decoders.update(look.decoders)
        numbers = (*look.saturated, *look.at_ends, look.used_bits)
        self._looks.setdefault(look.unit, []).append(numbers)
        syntax = syntax_name(look.header.transfer_syntax) or "unknown"
        for first, second, largest in look.differences:
            self._differences.setdefault((first, second, syntax), []).append(largest)
        findings = look.findings | _findings(look, own)
        if text is not None:
            self.searched_for_text += 1
        if text:
            self.with_text += 1
            findings["PIX_TEXT_FOUND"] = ""
        self.findings.add(findings)
        low, high = look.percentiles or (None, None)
        size = max(look.cells.size, 1)
        self.records.append(
            SampleRecord(
                name=name,
                series=series,
                patient=patient,
                shape=tuple(look.cells.shape),
                frame=look.frame,
                photometric=photometric_term(look.header.photometric) or "",
                transfer_syntax=syntax,
                unit=look.unit,
                min=own.min,
                max=own.max,
                mean=own.mean,
                std=own.std,
                low=low,
                high=high,
                padding=own.padding / size,
                findings=tuple(findings),
                text_boxes=text or (),
            )
        )

    def found(self) -> FoundPixels:
        """Return what all images came to."""
        return FoundPixels(
            self.values(),
            self.differences(),
            tuple(self.records),
            self.findings,
            self.decoders,
            self.searched_for_text,
            self.with_text,
            tuple(self.digests),
        )

    def values(self) -> tuple[Values, ...]:
        """Return the values of each unit; those of most images first."""
        return tuple(self._values(result) for result in self.statistics.statistics().results())

    def _values(self, result: GroupStatistics) -> Values:
        looks = np.array(self._looks[result.group.unit])
        low, high, lowest, highest, bits = looks.mean(axis=0).tolist()
        percentiles = {f"{q:g}": result.percentile(q) for q in PERCENTILES}
        return Values(
            unit=result.group.unit,
            images=result.images,
            pixels=result.pixels,
            padding=result.padding,
            nans=result.nans,
            min=result.min,
            max=result.max,
            mean=result.mean,
            std=result.std,
            percentiles={q: number for q, number in percentiles.items() if number is not None},
            saturated_low=low,
            saturated_high=high,
            at_lowest_bit=lowest,
            at_highest_bit=highest,
            used_bits=bits,
            histogram=_histogram(result),
        )

    def differences(self) -> tuple[DecoderDifference, ...]:
        """Return what decoders were compared, and how far they were apart."""
        found = []
        for (first, second, syntax), largest in sorted(self._differences.items()):
            compared = [each for each in largest if each >= 0]
            found.append(
                DecoderDifference(
                    first,
                    second,
                    syntax,
                    len(largest),
                    sum(each > 0 for each in compared),
                    max(compared, default=0),
                    len(largest) - len(compared),
                )
            )
        return tuple(found)

    def settle(self) -> None:
        """Find what samples tell together: images that lie far from the others."""
        for unit in self._looks:
            records = [each for each in self.records if each.unit == unit]
            rows = {
                name: [getattr(record, name) for record in records]
                for name in ("name", "mean", "std", "min", "max")
            }
            far = {outlier.name for outlier in outliers(rows)}
            for number, record in enumerate(self.records):
                if record.name in far and record.unit == unit:
                    self.findings.add({"SET_INTENSITY_OUTLIER": ""})
                    more = (*record.findings, "SET_INTENSITY_OUTLIER")
                    self.records[number] = replace(record, findings=more)


def _findings(look: Look, own: SampleStatistics) -> dict[str, str]:
    found: dict[str, str] = {}
    share = own.padding / max(look.cells.size, 1)
    if own.min is None:
        if own.padding:
            found["PIX_ALL_PADDING"] = ""
    elif own.min == own.max:
        found["PIX_CONSTANT"] = ""
    if own.min is not None and share > _PADDED:
        found["PIX_MOSTLY_PADDING"] = ""
    if own.nans:
        found["PIX_NOT_FINITE"] = ""
    if own.min is None or own.min == own.max:
        return found
    # A mask has two values, and white paper is no saturation.
    may_clip = look.header.bits_stored > 1 and look.header.is_gray
    if look.saturated[0] > _SATURATED_LOW and may_clip:
        found["PIX_SATURATED_LOW"] = ""
    if look.saturated[1] > _SATURATED and may_clip:
        found["PIX_SATURATED_HIGH"] = ""
    if look.used_bits and look.used_bits <= look.header.bits_stored - _BITS_UNUSED:
        bits = int(np.ceil(look.used_bits))
        found["PIX_BITS_UNUSED"] = f"{bits} of {look.header.bits_stored} bits are in use"
    return found


def _histogram(result: GroupStatistics) -> Histogram | None:
    """Return counts in bins of one width; a value at the upper end is in the last bin.

    A bin has as many integers as any other: with one more or less, a smooth histogram has gaps.
    """
    if result.min is None or result.max is None or not result.min < result.max:
        return None
    bins, width = _BINS, (result.max - result.min) / _BINS
    if not np.isfinite(width):
        return None
    if result.is_exact:
        levels = result.max - result.min + 1
        width = float(np.ceil(levels / _BINS))
        bins = int(np.ceil(levels / width))
    values: NDArray[np.float64] = np.clip(result.values, result.min, result.max)
    ends = result.min, result.min + bins * width
    counts, _ = np.histogram(values, bins, ends, weights=result.counts)
    return Histogram(result.min, width, tuple(int(count) for count in counts))
