"""`SourcePart`: one source as its section of the page shows it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from fastpix.audit.audit_files import told_apart
from fastpix.audit.findings import CATALOGUE
from fastpix.audit.findings.finding import CatalogueEntry
from fastpix.audit.record import Audit, Counted, Evidence, FindingCount, SampleRecord, SourceRecord
from fastpix.audit.report.charts import (
    EvidenceBar,
    HistogramChart,
    RangeChart,
    evidence_bars,
    histogram_chart,
    range_chart,
    score_bar,
)
from fastpix.audit.sample_pictures import MEDIA_TYPE, Box, SamplePicture

_WEIGHTS = ("error", "warning", "note")
_MODALITY_UNKNOWN = "modality unknown"
_OF_DEVICE = ("manufacturer", "model")
_NAMES = {
    "presentation_lut_shape": "Presentation LUT Shape",
    "intensity_sign": "Pixel Intensity Relationship Sign",
    "middle": "Middle of the field",
    "thin_structures": "Thin structures",
    "air_at_border": "Air at the border",
    "border_hu": "HU of the border",
    "border_below_middle": "Border against middle",
    "background": "Background",
    "other_sources": "Other sources",
}
_SAYS = {"for": "for", "against": "against", "nothing": "says nothing"}


class Shown(NamedTuple):
    """A sample with its picture, if it has one."""

    number: int
    record: SampleRecord
    picture: SamplePicture | None
    data: str
    own: str
    boxes: tuple[Box, ...]


class Argument(NamedTuple):
    """A piece of evidence with its bar."""

    name: str
    says: str
    evidence: Evidence
    bar: EvidenceBar


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with its entry of the catalogue."""

    entry: CatalogueEntry
    count: FindingCount


class ValuesPart(NamedTuple):
    """Values of one unit with their charts."""

    values: object
    histogram: HistogramChart | None
    range: RangeChart | None


@dataclass(frozen=True, slots=True)
class SourcePart:
    """One source.

    Attributes
    ----------
    index : int
        Its number on the page, from 1.
    record : SourceRecord
    name : str
        Maker and model, or what stands for them.
    kind : str
        Modality, Photometric Interpretation and so on.
    note : str
        Of ``sources.toml``.
    shown : list of Shown
    arguments : list of Argument
    score : EvidenceBar or None
    values : list of ValuesPart
    findings : list of Found
        Errors first.
    errors, warnings : int
        How many of these are errors, and warnings.
    is_gray : bool
        Whether there is another way round.
    """

    index: int
    record: SourceRecord
    name: str
    kind: str
    note: str
    shown: list[Shown]
    arguments: list[Argument]
    score: EvidenceBar | None
    values: list[ValuesPart]
    findings: list[Found]
    errors: int
    warnings: int
    is_gray: bool


def source_parts(
    audit: Audit, pictures: Mapping[str, Sequence[SamplePicture]], notes: Mapping[str, str]
) -> list[SourcePart]:
    """Return the sources of an audit, in its order.

    Parameters
    ----------
    audit : Audit
    pictures : mapping of str to sequence of SamplePicture
        By ids of sources.
    notes : mapping of str to str
        Of ``sources.toml``, by ids of sources.
    """
    return [
        _source_part(index, record, audit.by, pictures.get(record.id, ()), notes.get(record.id, ""))
        for index, record in enumerate(audit.sources, 1)
    ]


def found_of(counts: Sequence[FindingCount]) -> list[Found]:
    """Return findings with their entries of the catalogue: errors first.

    Parameters
    ----------
    counts : sequence of FindingCount
    """
    found = [Found(CATALOGUE[each.id], each) for each in counts if each.id in CATALOGUE]
    return sorted(
        found,
        key=lambda each: (_WEIGHTS.index(each.entry.weight), -each.count.files, each.entry.id),
    )


def name_of(record: SourceRecord, by: Sequence[str]) -> str:
    """Return what a device is called.

    Parameters
    ----------
    record : SourceRecord
    by : sequence of str
        The attributes that tell sources apart: of others, a source may have several.
    """
    told = told_apart(record, [name for name in by if name in _OF_DEVICE])
    return " · ".join(told) or "Maker and model are not stated"


def kind_of(record: SourceRecord, by: Sequence[str]) -> str:
    """Return modality, Photometric Interpretation, Presentation Intent Type and software.

    Parameters
    ----------
    record : SourceRecord
    by : sequence of str
        The attributes that tell sources apart.
    """
    record = replace(
        record,
        modality=record.modality or _MODALITY_UNKNOWN,
        presentation=record.presentation.title(),
    )
    return " · ".join(told_apart(record, [name for name in by if name not in _OF_DEVICE]))


def most_of(counted: Counted) -> list[tuple[str, int]]:
    """Return what is counted, the most frequent first.

    Parameters
    ----------
    counted : mapping of str to int
    """
    return sorted(counted.items(), key=lambda each: -each[1])


def _source_part(
    index: int,
    record: SourceRecord,
    by: Sequence[str],
    pictures: Sequence[SamplePicture],
    note: str,
) -> SourcePart:
    findings = found_of(record.findings)
    weights = [each.entry.weight for each in findings]
    by_sample = {picture.sample: picture for picture in pictures}
    return SourcePart(
        index,
        record,
        name_of(record, by),
        kind_of(record, by),
        note,
        [_shown(k, each, by_sample.get(k)) for k, each in enumerate(record.samples)],
        [
            Argument(_NAMES.get(each.name, each.name), _SAYS[each.says], each, bar)
            for each, bar in zip(
                record.polarity.evidence, evidence_bars(record.polarity), strict=True
            )
        ],
        score_bar(record.polarity),
        [ValuesPart(v, histogram_chart(v), range_chart(v, record)) for v in record.values],
        findings,
        weights.count("error"),
        weights.count("warning"),
        record.photometric in ("MONOCHROME1", "MONOCHROME2")
        or any(not picture.is_color for picture in pictures),
    )


def _shown(number: int, record: SampleRecord, picture: SamplePicture | None) -> Shown:
    if picture is None:
        return Shown(number + 1, record, None, "", "", ())
    return Shown(number + 1, record, picture, _url(picture.data), _url(picture.own), picture.boxes)


def _url(data: bytes) -> str:
    return f"data:{MEDIA_TYPE};base64,{base64.b64encode(data).decode()}" if data else ""
