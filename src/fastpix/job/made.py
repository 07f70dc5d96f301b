"""What an item gave: rows for the manifest, samples to store; or nothing yet."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from fastpix.job.items import Item, SourceFile
from fastpix.job.rows import Row, failed_row
from fastpix.job.sample import Sample
from fastpix.job.settings import Job

_SETTLED = 5.0  # seconds before a run in which no file has changed that the run may call damaged

_SURE = frozenset({
    "ArgumentError", "InexactError", "UnsupportedTransferSyntaxError", "UnseenSourceError",
    "WorkerDied",
})  # fmt: skip
"""Failures of files that are whole: waiting would not help."""


class Made(NamedTuple):
    """What an item gave.

    Attributes
    ----------
    rows : list of dict
        For the manifest; empty where the item is left for the next run.
    samples : list of (Sample, group)
        What is to be stored, each with the group that its statistics belong to. The row of a
        sample is one of `rows`.
    """

    rows: list[Row]
    samples: list[tuple[Sample, tuple[str, str, str, str]]] = []  # noqa: RUF012 (never changed)


Make = Callable[[Item, Job], Made]


def given_up(item: Item, job: Job, kind: str, status: str, error: str, reason: str) -> Made:
    """Return what stands for an item that gave no array: nothing, if a file is being written.

    Parameters
    ----------
    item : Item
    job : Job
    kind, status, error, reason : str
        As the columns of the manifest say.
    """
    if error not in _SURE and any(is_being_written(file, job) for file in item.files):
        return Made([])
    if status != "failed":
        error = reason = ""
    return Made([failed_row(item, kind, status, error, reason)])


class Started(Protocol):
    """What is asked here of a job, whatever it makes."""

    @property
    def started(self) -> float:
        """When the run began, in seconds since 1970."""


def is_being_written(file: SourceFile, job: Started) -> bool:
    """Whether a file has changed since it was found, or within the last seconds before the run.

    Parameters
    ----------
    file : SourceFile
    job : Job, or another one
    """
    try:
        status = os.stat(file.location)
    except (OSError, ValueError):  # a member of an archive, a URL, or gone
        return False
    if status.st_mtime > time.time() + _SETTLED:  # a clock is wrong: it would be so for ever
        return False
    changed = status.st_size != file.size or status.st_mtime_ns != file.stamp
    return changed or job.started - status.st_mtime < _SETTLED


def group_of(row: Row, unit: str) -> tuple[str, str, str, str]:
    """Return the group that the statistics of a sample belong to.

    Parameters
    ----------
    row : dict
    unit : str
        Of the values before they are normalized.
    """
    found: tuple[Any, ...] = row["modality"], row["manufacturer"], row["model"]
    modality, maker, model = (value or "" for value in found)
    return modality, maker, model, unit
