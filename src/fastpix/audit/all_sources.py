"""What all sources together tell: counts, polarity and scale of each beside the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from fastpix.audit.counting import FindingCounts
from fastpix.audit.distinct import distinct_in_all
from fastpix.audit.header_counts import HeaderCounts
from fastpix.audit.polarity import Observed, judge_observed
from fastpix.audit.record import Counts, FindingCount, SourceRecord
from fastpix.audit.source_record import finding_counts

_FEWEST_OTHERS = 2  # sources that one can stand out from


def judged(records: Sequence[SourceRecord], observed: Sequence[Observed]) -> list[SourceRecord]:
    """Return records with the polarity of each source, held against all others.

    Parameters
    ----------
    records : sequence of SourceRecord
    observed : sequence of Observed
        Of each.
    """
    profiles = [each.profile for each in observed]
    found = []
    for number, (record, own) in enumerate(zip(records, observed, strict=True)):
        others = [p for k, p in enumerate(profiles) if k != number and p is not None]
        found.append(replace(record, polarity=judge_observed(own, others)))
    return found


def counts_of(found: HeaderCounts, duplicate_uids: int) -> Counts:
    """Return how many there are of what.

    Parameters
    ----------
    found : HeaderCounts
    duplicate_uids : int
    """
    tallies = found.sources.values()
    return Counts(
        files=found.files,
        bytes=found.size,
        images=found.images,
        frames=found.frames,
        not_images=found.files - found.images - found.failed,
        failed=found.failed,
        studies=distinct_in_all(tally.studies for tally in tallies),
        series=distinct_in_all(tally.series for tally in tallies),
        patients=distinct_in_all(tally.patients for tally in tallies),
        duplicate_uids=duplicate_uids,
    )


def beside_others(
    records: Sequence[SourceRecord], digests: Sequence[Sequence[bytes]]
) -> list[SourceRecord]:
    """Add what only all sources together tell.

    Parameters
    ----------
    records : sequence of SourceRecord
    digests : sequence of sequence of bytes
        Of the pixels of the samples of each: one image may have been sent by two devices.
    """
    counts = Counter(chain.from_iterable(digests))
    devices: dict[tuple[str, ...], set[str]] = {}
    for record in records:
        devices.setdefault(_device(record), set()).add(record.photometric)
    found = []
    for record, own in zip(records, digests, strict=True):
        more = []
        repeated = sum(counts[digest] > 1 for digest in own)
        if repeated:
            more.append(FindingCount("SET_DUPLICATE_PIXELS", repeated))
        if {"MONOCHROME1", "MONOCHROME2"} <= devices[_device(record)]:
            more.append(FindingCount("SET_MIXED_PHOTOMETRIC", record.files))
        if _is_on_another_scale(record, records):
            more.append(FindingCount("SET_OTHER_SCALE", record.files))
        found.append(replace(record, findings=(*record.findings, *more)))
    return found


def _device(record: SourceRecord) -> tuple[str, ...]:
    return record.manufacturer.casefold(), record.model.casefold(), record.modality


def _is_on_another_scale(record: SourceRecord, records: Sequence[SourceRecord]) -> bool:
    """Whether a median lies outside percentiles 0.5 to 99.5 of each other source of its kind."""
    for values in record.values:
        middle = values.percentiles.get("50")
        if middle is None or values.unit == "RGB":
            continue
        others = [
            other.percentiles
            for each in records
            if each is not record and each.modality == record.modality
            for other in each.values
            if other.unit == values.unit and other.percentiles
        ]
        if len(others) >= _FEWEST_OTHERS and not any(
            each["0.5"] <= middle <= each["99.5"] for each in others
        ):
            return True
    return False


def all_findings(found: HeaderCounts, records: Iterable[SourceRecord]) -> tuple[FindingCount, ...]:
    """Return the findings of all sources, and of files that are of none.

    Parameters
    ----------
    found : HeaderCounts
    records : iterable of SourceRecord
    """
    total = FindingCounts()
    total.add_all(found.findings)
    for record in records:
        for each in record.findings:
            total.files[each.id] += each.files
            for text, count in each.details.items():
                total.tell(each.id, text, count)
    return finding_counts(total)
