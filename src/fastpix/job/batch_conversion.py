"""`convert_batch`: what a worker does, wherever it runs: read, store, commit."""

from __future__ import annotations

import secrets
import time
import warnings
from collections.abc import Callable
from typing import Any

from fastpix.errors import FastpixError
from fastpix.job.counts import Counts
from fastpix.job.formats import format_named
from fastpix.job.formats.format_protocol import Writer
from fastpix.job.item_making import make_item, place_of
from fastpix.job.items import Batch, Item
from fastpix.job.made import Made, Make
from fastpix.job.manifest import commit
from fastpix.job.rows import Row
from fastpix.job.settings import Job
from fastpix.job.source_paths import keep_paths
from fastpix.job.source_verdicts import source_of
from fastpix.job.statistics import BatchStatistics
from fastpix.job.storage import storage_at
from fastpix.kernel.registry import use_kernel

Report = Callable[[Counts], object]

_REPORTED = 0.1  # seconds between two reports


def convert_batch(
    batch: Batch, job: Job, *, make: Make = make_item, report: Report | None = None
) -> Counts:
    """Convert the items of a batch, store them, and commit them: all, or none.

    Parameters
    ----------
    batch : Batch
    job : Job
    make : callable
        Makes rows and samples of an item.
    report : callable, optional
        Is given the counts so far, ten times a second at most.

    Returns
    -------
    Counts
        Of the batch; the same where another attempt at it was committed.

    Raises
    ------
    OSError
        The cache cannot be written: the disk is full, say. Nothing of the batch is committed.
    """
    attempt = job.run + secrets.token_hex(4)  # what a run leaves behind is told by its beginning
    storage = storage_at(job.destination)
    format_ = format_named(job.settings.format)
    writer = format_.writer(storage, batch.id, attempt, job.settings)
    try:
        counts, rows, statistics = _convert(batch, job, make, report, writer)
        if not rows:  # all of them are still being written
            writer.discard()
            return counts
        writer.flush()
        if job.paths:
            keep_paths(job.paths, batch, job.key)
        if commit(storage, batch, attempt, rows, statistics.to_bytes()):
            writer.publish()
        else:
            writer.discard()
    except BaseException:
        writer.discard()
        raise
    return counts


def _convert(
    batch: Batch, job: Job, make: Make, report: Report | None, writer: Writer
) -> tuple[Counts, list[Row], BatchStatistics]:
    counts, rows, statistics = Counts(), [], BatchStatistics()
    reported = time.monotonic()
    with warnings.catch_warnings(), use_kernel(job.kernel):
        warnings.simplefilter("ignore")  # what was odd is in the rows
        for item in batch.items:
            made = make(item, job)
            for sample, group in made.samples:
                try:
                    row = sample.row
                    placed = writer.add(sample)
                    row |= placed._asdict()
                    row |= _columns_of(statistics.add(group, sample.stored, sample.remaining))
                    counts.bytes_written += placed.length
                    counts.samples += 1
                except OSError:  # the cache cannot be written
                    raise
                except Exception as error:  # the format cannot hold it
                    made = _refused(item, made, error)
                    break
            rows += made.rows
            _count(counts, item, made, job)
            if report is not None and (now := time.monotonic()) - reported > _REPORTED:
                reported = now
                report(counts)
    return counts, rows, statistics


def _columns_of(found: Any) -> Row:
    return {
        "min": found.min, "max": found.max, "mean": found.mean, "std": found.std,
        "padding_pixels": found.padding, "nan_pixels": found.nans,
    }  # fmt: skip


def _refused(item: Item, made: Made, error: Exception) -> Made:
    """Return the rows of an item that the format cannot hold: a failure, with the reason."""
    kind = made.rows[0]["kind"]
    is_told = isinstance(error, FastpixError)
    reason = error.storable if is_told else f"unexpected, at {place_of(error)}"  # type: ignore[attr-defined]
    row = {
        "item": item.name, "name": item.name, "kind": kind, "status": "failed",
        "state": item.state, "error": type(error).__name__, "reason": reason,
        **source_of(made.rows[0]),
    }  # fmt: skip
    files = [row for row in made.rows[1:] if row["kind"] == "file"]
    for each in files:
        each |= {"status": "failed", "error": row["error"], "reason": reason, "volume": None}
    return Made([row, *files])


def _count(counts: Counts, item: Item, made: Made, job: Job) -> None:
    size = sum(file.size for file in item.files)
    if not made.rows:
        counts.waiting += len(item.files)
        return
    counts.bytes_read += size
    files = [row for row in made.rows if row["kind"] in ("image", "file")] or made.rows[:1]
    for row in files:
        status = row["status"]
        if status == "done":
            counts.converted += 1
        elif status == "not an image":
            counts.not_images += 1
        elif status == "left out":
            counts.left_out += 1
        else:
            counts.failed += 1
            counts.reasons[row["error"], row["reason"]] += 1
    for row in made.rows:
        if row["status"] == "failed":
            row["decoders_here"] = job.decoders
