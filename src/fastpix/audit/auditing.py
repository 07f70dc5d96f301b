"""`make_audit`: headers of all files, pixels of a few, geometry of some series: one `Audit`."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version

from fastpix.audit.counting import FindingCounts
from fastpix.audit.header_pass import HeaderPass, OnProgress
from fastpix.audit.judging_sources import observed_of
from fastpix.audit.polarity import Observed, judge_observed
from fastpix.audit.record import VERSION, Audit, Counts, FindingCount, Phase, SourceRecord
from fastpix.audit.sampled_pixels import Look, look_at_pixels, reduced
from fastpix.audit.sampling import Candidate
from fastpix.audit.series_planes import GeometryTally
from fastpix.audit.source_pixels import SourcePixels
from fastpix.audit.source_record import (
    AS_THEY_STAND,
    decodable_of,
    finding_counts,
    pseudonyms,
    source_record,
)
from fastpix.audit.source_tally import SourceTally
from fastpix.audit.text_in_samples import detector_here, text_boxes
from fastpix.errors import ArgumentError
from fastpix.image.limits import MAX_BYTES
from fastpix.job.scan import open_sources
from fastpix.pseudonyms import Names
from fastpix.sources.source_key import BY, checked_by

SAMPLES = 12
"""Images of a source whose pixels are read, unless others are asked for."""

_COMPARED = 3  # samples of a source that all installed decoders decode
_MOST_SAMPLES = 1000
_FEWEST_OTHERS = 2  # sources that one can stand out from


@dataclass(frozen=True, slots=True)
class AuditRun:
    """An audit, and where its samples are: for pictures, and never written down.

    Attributes
    ----------
    audit : Audit
    samples : dict of str to list of Candidate
        By ids of sources, in the order of `SourceRecord.samples`.
    """

    audit: Audit
    samples: dict[str, list[Candidate]] = field(default_factory=dict)


def make_audit(
    src: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    names: Names,
    *,
    by: Sequence[str] = BY,
    samples: int = SAMPLES,
    seed: int = 0,
    pseudonymous: bool = False,
    root: str | os.PathLike[str] | None = None,
    skipped: Sequence[str | os.PathLike[str]] = (),
    max_bytes: int = MAX_BYTES,
    detect_text: bool = False,
    on_progress: OnProgress | None = None,
) -> AuditRun:
    """Look at images: at all headers, and at the pixels of a few of each source.

    Parameters
    ----------
    src : path, URL, or iterable of these
        As `fastpix.convert` takes them.
    names : Names
        The key of the job, so that ids are those of its manifest.
    by : sequence of str
        The attributes that tell sources apart.
    samples : int
        The most images of a source whose pixels are read, and the most series of a source whose
        geometry is looked at.
    seed : int
        Another seed gives other samples.
    pseudonymous : bool
        Keyed names in place of makers, models and software versions that are not in our tables.
    root : path, optional
        What paths are relative to: that of the job.
    skipped : sequence of path
        Folders that are left out, that of the audit first.
    max_bytes : int
        What one image may decode to.
    detect_text : bool
        Search samples for text in the pixels (the extra ``detect-text``).
    on_progress : callable, optional

    Returns
    -------
    AuditRun

    Raises
    ------
    ArgumentError, OSError
    ImportError
        `detect_text` without its extra.
    """
    if isinstance(samples, bool) or not 1 <= samples <= _MOST_SAMPLES:
        raise ArgumentError("samples", f"{samples!r} is not between 1 and {_MOST_SAMPLES}")
    by = checked_by(by)
    if detect_text:
        detector_here()  # before hours of reading, if it is missing
    found = HeaderPass(names, by, samples, seed)
    start = time.perf_counter()
    found.run(open_sources(src, root, skipped=skipped).files(), on_progress)
    headers_done = time.perf_counter()
    order = sorted(found.sources, key=lambda each: (-found.sources[each].files, each))
    texts = pseudonyms(names) if pseudonymous else AS_THEY_STAND
    chosen = {each: found.sources[each].reservoir.chosen() for each in order}
    total = sum(map(len, chosen.values()))
    records: list[SourceRecord] = []
    observed: list[Observed] = []
    done, in_geometry = 0, 0.0
    for source in order:
        tally = found.sources[source]
        geometry, seconds = _geometry(tally)
        in_geometry += seconds
        pixels, seen = _look_at_samples(chosen[source], names, max_bytes, detect_text)
        records.append(source_record(source, tally, pixels, geometry, texts))
        observed.append(seen)
        done += len(chosen[source])
        if on_progress is not None:
            on_progress("pixels", done, total)
    seconds = time.perf_counter() - headers_done - in_geometry
    records = _beside_others(_judged(records, observed))
    audit = Audit(
        version=VERSION,
        made=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        fastpix=version("fastpix"),
        by=tuple(by),
        pseudonymous=pseudonymous,
        samples=samples,
        seed=seed,
        key=names.fingerprint,
        counts=_counts(found),
        not_images=found.not_images.texts(),
        failures=found.failures.texts(),
        decodable=tuple(decodable_of(*each) for each in found.syntaxes.most_common()),
        phases=(
            Phase("headers", found.files, round(headers_done - start, 3)),
            Phase("pixels", total, round(seconds, 3)),
            Phase("geometry", sum(r.geometry.series for r in records), round(in_geometry, 3)),
        ),
        findings=_all_findings(found, records),
        sources=tuple(records),
    )
    return AuditRun(audit, chosen)


def _geometry(tally: SourceTally) -> tuple[GeometryTally, float]:
    start = time.perf_counter()
    geometry = GeometryTally()
    for planes in tally.kept_series.series():
        geometry.add(planes)
    return geometry, time.perf_counter() - start


def _look_at_samples(
    chosen: Sequence[Candidate], names: Names, max_bytes: int, detect_text: bool
) -> tuple[SourcePixels, Observed]:
    pixels = SourcePixels(names)
    looks: list[Look] = []
    for number, candidate in enumerate(chosen):
        look = look_at_pixels(candidate.file, max_bytes, number < _COMPARED)
        text = None
        if detect_text and isinstance(look, Look):
            text = text_boxes(look, detector_here())
        pixels.add(candidate, look, text)
        if isinstance(look, Look):
            looks.append(reduced(look))
    pixels.settle()
    return pixels, observed_of(looks)


def _judged(records: Sequence[SourceRecord], observed: Sequence[Observed]) -> list[SourceRecord]:
    """Return records with the polarity of each source, held against all others."""
    profiles = [each.profile for each in observed]
    found = []
    for number, (record, own) in enumerate(zip(records, observed, strict=True)):
        others = [p for k, p in enumerate(profiles) if k != number and p is not None]
        found.append(replace(record, polarity=judge_observed(own, others)))
    return found


def _counts(found: HeaderPass) -> Counts:
    tallies = found.sources.values()
    return Counts(
        files=found.files,
        bytes=found.size,
        images=found.images,
        frames=found.frames,
        not_images=found.files - found.images - found.failed,
        failed=found.failed,
        studies=len(set().union(*(tally.studies for tally in tallies))),
        series=len(set().union(*(tally.series for tally in tallies))),
        patients=len(set().union(*(tally.patients for tally in tallies))),
        duplicate_uids=found.duplicate_uids,
    )


def _beside_others(records: Sequence[SourceRecord]) -> list[SourceRecord]:
    """Add what only all sources together tell."""
    devices: dict[tuple[str, ...], set[str]] = {}
    for record in records:
        devices.setdefault(_device(record), set()).add(record.photometric)
    found = []
    for record in records:
        more = []
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


def _all_findings(found: HeaderPass, records: Iterable[SourceRecord]) -> tuple[FindingCount, ...]:
    """Return the findings of all sources, and of files that are of none."""
    total = FindingCounts()
    total.add_all(found.findings)
    for record in records:
        for each in record.findings:
            total.files[each.id] += each.files
            for text, count in each.details.items():
                total.tell(each.id, text, count)
    return finding_counts(total)
