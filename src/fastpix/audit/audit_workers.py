"""What runs in worker processes: functions that `Child.call` names.

Each has a second form, for a batch whose process has died: files are then read one by one, each in
a process that may die, so that it is found which of them is to blame.
"""

from __future__ import annotations

import warnings

from fastpix.audit.audit_job import AuditJob, Report
from fastpix.audit.header_counts import CRASHES, HeaderCounts
from fastpix.audit.header_pass import read_headers
from fastpix.audit.sampled_source import (
    SampledSource,
    SourceBatch,
    look_at_sample,
    look_at_source,
)
from fastpix.job.engines.isolated import Isolated, ToBlameError
from fastpix.job.items import Batch, Item

_HERE = "fastpix.audit.audit_workers"
HEADERS = f"{_HERE}:headers", f"{_HERE}:headers_isolated"
SAMPLES = f"{_HERE}:samples", f"{_HERE}:samples_isolated"
_HEADER, _SAMPLE = f"{_HERE}:header", f"{_HERE}:sample"  # alone, in a process that may die


def headers(batch: Batch, job: AuditJob, *, report: Report) -> HeaderCounts:
    """Read the headers of a batch.

    Parameters
    ----------
    batch : Batch
    job : AuditJob
    report : callable
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # findings say it, without text of the file
        return read_headers(batch.items, job, report)


def headers_isolated(batch: Batch, job: AuditJob, *, report: Report) -> HeaderCounts:
    """Read the headers of a batch whose process has died.

    Parameters
    ----------
    batch : Batch
    job : AuditJob
    report : callable
    """
    found = HeaderCounts()
    with Isolated(job.timeout, _HEADER) as isolated:
        for item in batch.items:
            try:
                found += isolated.call(item, job)
            except ToBlameError as error:
                found.add_failure(item.files[0], {CRASHES: error.reason}, error.reason)
            report(found.files)
    return found


def header(item: Item, job: AuditJob, *, report: object) -> HeaderCounts:
    """Read one header.

    Parameters
    ----------
    item : Item
    job : AuditJob
    report : object
        Not used.
    """
    del report
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_headers([item], job)


def samples(batch: SourceBatch, job: AuditJob, *, report: Report) -> SampledSource:
    """Look at the samples of a source.

    Parameters
    ----------
    batch : SourceBatch
    job : AuditJob
    report : callable
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return look_at_source(batch, job, report)


def samples_isolated(batch: SourceBatch, job: AuditJob, *, report: Report) -> SampledSource:
    """Look at the samples of a source whose process has died.

    They are tried in other processes, and then read here, but for those that have killed some.

    Parameters
    ----------
    batch : SourceBatch
    job : AuditJob
    report : callable
    """
    blamed = {}
    with Isolated(job.timeout, _SAMPLE) as isolated:
        for number in range(len(batch.samples)):
            try:
                isolated.call(batch, number, job)
            except ToBlameError as error:
                blamed[number] = error.reason
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return look_at_source(batch, job, report, blamed)


def sample(batch: SourceBatch, number: int, job: AuditJob, *, report: object) -> None:
    """Try whether the pixels of a sample can be read.

    Parameters
    ----------
    batch : SourceBatch
    number : int
    job : AuditJob
    report : object
        Not used.
    """
    del report
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        look_at_sample(batch, number, job)
