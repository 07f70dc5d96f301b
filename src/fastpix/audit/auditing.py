"""`make_audit`: headers of all files, pixels of a few, geometry of some series: one `Audit`."""

from __future__ import annotations

import datetime
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version

from fastpix.audit.all_sources import all_findings, beside_others, counts_of, judged
from fastpix.audit.audit_job import AuditJob, OnProgress
from fastpix.audit.audit_workers import HEADERS, SAMPLES
from fastpix.audit.gathering import GatheredHeaders, GatheredSources
from fastpix.audit.header_batches import header_batches
from fastpix.audit.header_counts import HeaderCounts
from fastpix.audit.kept_batches import KeptBatches
from fastpix.audit.record import VERSION, Audit, Phase
from fastpix.audit.sample_pictures import SamplePicture, picture_plan
from fastpix.audit.sampled_source import SampledSource, SourceBatch
from fastpix.audit.sampling import Candidate
from fastpix.audit.source_record import AS_THEY_STAND, decodable_of, pseudonyms, source_record
from fastpix.errors import ArgumentError
from fastpix.image.frame_threads import cores
from fastpix.image.limits import MAX_BYTES
from fastpix.job.engines.driving import at_work, run_batches
from fastpix.job.engines.executors import Engine
from fastpix.job.engines.guarded import run_guarded
from fastpix.job.scan import open_sources
from fastpix.job.scan.item_stream import file_items
from fastpix.pseudonyms import Names
from fastpix.sources.source_key import BY, checked_by
from fastpix.text_detection import detector_here

SAMPLES_OF_A_SOURCE = 12
"""Images of a source whose pixels are read, unless others are asked for."""

_MOST_SAMPLES = 1000


@dataclass(frozen=True, slots=True)
class AuditRun:
    """An audit, and where its samples are: for pictures, and never written down.

    Attributes
    ----------
    audit : Audit
    samples : dict of str to list of Candidate
        By ids of sources, in the order of `SourceRecord.samples`.
    pictures : dict of str to tuple of SamplePicture
        Of the first samples that can be read, if pictures were asked for.
    """

    audit: Audit
    samples: dict[str, list[Candidate]] = field(default_factory=dict)
    pictures: dict[str, tuple[SamplePicture, ...]] = field(default_factory=dict)


def make_audit(
    src: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    names: Names,
    *,
    by: Sequence[str] = BY,
    samples: int = SAMPLES_OF_A_SOURCE,
    seed: int = 0,
    pseudonymous: bool = False,
    root: str | os.PathLike[str] | None = None,
    skipped: Sequence[str | os.PathLike[str]] = (),
    state: str | os.PathLike[str] | None = None,
    executor: Engine = None,
    workers: int | None = None,
    timeout: float = 600.0,
    max_bytes: int = MAX_BYTES,
    pictures: bool = False,
    detect_text: bool = False,
    on_progress: OnProgress | None = None,
) -> AuditRun:
    """Look at images: at all headers, and at the pixels of a few of each source.

    Files are read by worker processes; one that kills its process, or hangs, costs that file alone.
    The audit is the same whatever the workers, the batches and the order of files are.

    Parameters
    ----------
    src : path, URL, or iterable of these
        As `fastpix.convert` takes them.
    names : Names
        The key of the job, so that ids are those of its manifest.
    by : sequence of str
        The attributes that tell sources apart.
    samples : int
        The most images of a source whose pixels are read, and the most series, up to 50, whose
        geometry is looked at.
    seed : int
        Another seed gives other samples.
    pseudonymous : bool
        Keyed names in place of makers, models and software versions that are not in our tables.
    root : path, optional
        What paths are relative to: that of the job.
    skipped : sequence of path
        Folders that are left out, that of the audit first.
    state : path, optional
        A folder that keeps what headers have come to, so that the next audit reads those of new and
        of changed files alone, and one that was interrupted goes on: see `KeptBatches`.
    executor : concurrent.futures.Executor, distributed.Client or str, optional
        ``"dask:ADDRESS"``; else processes of this machine, as `fastpix.convert` has them.
    workers : int, optional
        How many; all cores if it is not given.
    timeout : float
        Seconds that one file may take.
    max_bytes : int
        What one image may decode to.
    pictures : bool
        Make pictures of samples, for a page.
    detect_text : bool
        Search samples for text in the pixels (the extra ``detect-text``).
    on_progress : callable, optional

    Returns
    -------
    AuditRun

    Raises
    ------
    ArgumentError, FastpixError, OSError
    ImportError
        `detect_text` without its extra.
    """
    if isinstance(samples, bool) or not 1 <= samples <= _MOST_SAMPLES:
        raise ArgumentError("samples", f"{samples!r} is not between 1 and {_MOST_SAMPLES}")
    workers = cores() if workers is None else workers
    if workers < 1:
        raise ArgumentError("workers", f"{workers} is less than 1")
    if not timeout > 0:
        raise ArgumentError("timeout", f"{timeout} is not a positive number of seconds")
    if detect_text:
        detector_here()  # before hours of reading, if it is missing
    job = AuditJob(
        names.key, checked_by(by), samples, seed, max_bytes, timeout, detect_text,
        secrets.token_hex(8),
    )  # fmt: skip
    kept = KeptBatches(state, job)
    files = open_sources(src, root, skipped=[*skipped, *([] if state is None else [state])]).files()
    start = time.perf_counter()
    with at_work(executor, workers, job.run) as submitter:
        headers = GatheredHeaders(kept, on_progress)
        batches = headers.missing(header_batches(file_items(files, names), job.id))
        read = partial(run_guarded, functions=HEADERS)
        run_batches(batches, job, submitter, workers, read, headers)
        found = headers.finish()
        headers_done = time.perf_counter()

        side, most = picture_plan(len(found.sources), samples) if pictures else (0, 0)
        sources = _sources_of(found, side, most)
        sampled = GatheredSources(sources, on_progress)
        look = partial(run_guarded, functions=SAMPLES)
        run_batches(iter(sources), job, submitter, workers, look, sampled)
    in_headers = headers_done - start
    audit = _audit_of(found, sources, sampled.found, job, pseudonymous, in_headers)
    return AuditRun(
        audit,
        {each.id: list(each.samples) for each in sources},
        {each.id: sampled.found[each.id].pictures for each in sources},
    )


def _sources_of(found: HeaderCounts, side: int, pictures: int) -> list[SourceBatch]:
    """Return what is looked at of each source, that with most files first."""
    order = sorted(found.sources, key=lambda each: (-found.sources[each].files, each))
    return [
        SourceBatch(
            each,
            tuple(found.sources[each].reservoir.chosen()),
            tuple(map(tuple, found.sources[each].kept_series.series())),
            side,
            pictures,
        )
        for each in order
    ]


def _audit_of(
    found: HeaderCounts,
    sources: Sequence[SourceBatch],
    sampled: dict[str, SampledSource],
    job: AuditJob,
    pseudonymous: bool,
    in_headers: float,
) -> Audit:
    names = Names(job.key)
    texts = pseudonyms(names) if pseudonymous else AS_THEY_STAND
    counts = counts_of(found, found.count_repeated())
    looked = [sampled[each.id] for each in sources]
    records = [
        source_record(each.id, found.sources[each.id], of.pixels, of.geometry, texts)
        for each, of in zip(sources, looked, strict=True)
    ]
    records = judged(records, [of.observed for of in looked])
    records = beside_others(records, [of.pixels.digests for of in looked])
    in_pixels, in_geometry = (sum(of.seconds[k] for of in looked) for k in (0, 1))
    return Audit(
        version=VERSION,
        made=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        fastpix=version("fastpix"),
        by=job.by,
        pseudonymous=pseudonymous,
        samples=job.samples,
        seed=job.seed,
        key=names.fingerprint,
        counts=counts,
        not_images=found.not_images.texts(),
        failures=found.failures.texts(),
        decodable=tuple(decodable_of(*each) for each in found.syntaxes.most(len(found.syntaxes))),
        phases=(
            Phase("headers", found.files, round(in_headers, 3)),
            Phase("pixels", sum(len(each.samples) for each in sources), round(in_pixels, 3)),
            Phase("geometry", sum(r.geometry.series for r in records), round(in_geometry, 3)),
        ),
        findings=all_findings(found, records),
        sources=tuple(records),
    )
