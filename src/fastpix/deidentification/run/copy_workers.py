"""What runs in worker processes that make copies: functions that `Child.call` names."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from fastpix.deidentification.run.copied_item import copy_item
from fastpix.deidentification.run.copy_batch import copy_batch
from fastpix.deidentification.run.copy_settings import CopyJob
from fastpix.job.counts import Counts
from fastpix.job.engines.isolated import Isolated, ToBlameError
from fastpix.job.items import Batch, Item
from fastpix.job.rows import Row, failed_row

_ONE = "fastpix.deidentification.run.copy_workers:one"

Report = Callable[[Counts], object]


def copy(batch: Batch, job: CopyJob, *, report: Report) -> Counts:
    """Make the copies of a batch in this process.

    Parameters
    ----------
    batch : Batch
    job : CopyJob
    report : callable
        Is given the counts so far.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return copy_batch(batch, job, report=report)


def copy_isolated(batch: Batch, job: CopyJob, *, report: Report) -> Counts:
    """Make the copies of a batch whose process has died: each in another process.

    Parameters
    ----------
    batch : Batch
    job : CopyJob
    report : callable
        Is given the counts so far.
    """
    with Isolated(job.timeout, _ONE) as isolated:

        def make(item: Item, job: CopyJob, folder: Path) -> Row | None:
            try:
                row: Row | None = isolated.call(item, job, folder)
            except ToBlameError as error:
                return failed_row(item, "image", "failed", "WorkerDied", error.reason)
            return row

        return copy_batch(batch, job, make=make, report=report)


def one(item: Item, job: CopyJob, folder: Path, *, report: object) -> Row | None:
    """Make one copy in this process.

    Parameters
    ----------
    item : Item
    job : CopyJob
    folder : Path
        Of the attempt.
    report : object
        Not used: there is nothing to report before the end.
    """
    del report
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return copy_item(item, job, folder)
