"""Workers that make copies, and die with one of the files."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from fastpix.deidentification.run import copy_workers
from fastpix.deidentification.run.copied_item import copy_item
from fastpix.deidentification.run.copy_batch import copy_batch
from fastpix.deidentification.run.copy_settings import CopyJob
from fastpix.job.counts import Counts
from fastpix.job.items import Batch, Item
from fastpix.job.rows import Row


def _dying(item: Item, job: CopyJob, folder: Path) -> Row | None:
    if item.files[0].relative.endswith("-037"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return copy_item(item, job, folder)


def copy(batch: Batch, job: CopyJob, *, report: Any) -> Counts:
    return copy_batch(batch, job, make=_dying, report=report)


def copy_isolated(batch: Batch, job: CopyJob, *, report: Any) -> Counts:
    copy_workers._ONE = "support.dying_copies:one"
    return copy_workers.copy_isolated(batch, job, report=report)


def one(item: Item, job: CopyJob, folder: Path, *, report: object) -> Row | None:
    del report
    return _dying(item, job, folder)
