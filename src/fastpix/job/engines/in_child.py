"""What runs in worker processes: functions that `Child.call` names."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from fastpix.job.batch_conversion import convert_batch
from fastpix.job.counts import Counts
from fastpix.job.engines.isolated import Isolated
from fastpix.job.item_making import make_item
from fastpix.job.items import Batch, Item
from fastpix.job.made import Made
from fastpix.job.settings import Job
from fastpix.kernel.registry import use_kernel

Report = Callable[[Counts], object]


def convert(batch: Batch, job: Job, *, report: Report) -> Counts:
    """Convert a batch in this process.

    Parameters
    ----------
    batch : Batch
    job : Job
    report : callable
        Is given the counts so far.
    """
    return convert_batch(batch, job, report=report)


def convert_isolated(batch: Batch, job: Job, *, report: Report) -> Counts:
    """Convert a batch whose process has died: each item is read in another process.

    Parameters
    ----------
    batch : Batch
    job : Job
    report : callable
        Is given the counts so far.
    """
    with Isolated(job.timeout) as isolated:
        return convert_batch(batch, job, make=isolated.make, report=report)


def make(item: Item, job: Job, *, report: object) -> Made:
    """Read one item in this process.

    Parameters
    ----------
    item : Item
    job : Job
    report : object
        Not used: there is nothing to report before the end.
    """
    del report
    with warnings.catch_warnings(), use_kernel(job.kernel):
        warnings.simplefilter("ignore")  # what was odd is in the rows
        return make_item(item, job)
