"""`copy_batch`: what a worker does: make copies, audit them, give them their names, commit."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fastpix.deidentification.run.copied_item import copy_item
from fastpix.deidentification.run.copy_folders import CopyFolders, give_name
from fastpix.deidentification.run.copy_settings import CopyJob
from fastpix.job.counts import Counts
from fastpix.job.items import Batch, Item
from fastpix.job.manifest import commit
from fastpix.job.rows import Row
from fastpix.job.storage.local_storage import LocalStorage, flush_folder

Report = Callable[[Counts], object]
MakeCopy = Callable[[Item, CopyJob, Path], "Row | None"]

_REPORTED = 0.1  # seconds between two reports
_FLUSHERS = 16  # threads: file systems make many files last together nearly as fast as one


def copy_batch(
    batch: Batch, job: CopyJob, *, make: MakeCopy = copy_item, report: Report | None = None
) -> Counts:
    """Make copies of the files of a batch, and commit them.

    A copy gets its name only once it was audited, and the manifest has it only once it has its
    name. A worker that is killed between the two leaves audited copies: the next run makes the very
    same again.

    Parameters
    ----------
    batch : Batch
    job : CopyJob
    make : callable
        Makes a copy and its row.
    report : callable, optional
        Is given the counts so far, ten times a second at most.

    Raises
    ------
    OSError
        The output cannot be written. Nothing of the batch is committed.
    """
    attempt = job.run + secrets.token_hex(4)
    folders = CopyFolders(job.destination)
    folder = folders.new_attempt(attempt)
    counts, rows = Counts(), []
    reported = time.monotonic()
    try:
        for item in batch.items:
            row = make(item, job, folder)
            _count(counts, item, row)
            if row is not None:
                rows.append(row)
            if report is not None and (now := time.monotonic()) - reported > _REPORTED:
                reported = now
                report(counts)
        if not rows:  # all of them are still being written
            return counts
        _give_names(rows, folders, folder)
        commit(LocalStorage(folders.output), batch, attempt, rows, b"")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return counts


def _give_names(rows: list[Row], folders: CopyFolders, attempt: Path) -> None:
    """Move what was audited to its name, and remove what stands under it of an earlier run."""
    moves: list[tuple[Path, Path]] = []
    outdated: list[Path] = []
    for row in rows:
        name, status = row["name"], row["status"]
        copy, picture = folders.made(attempt, name)
        waiting = folders.waiting(name)
        if status == "done":
            moves.append((copy, folders.copy(name)))
            outdated += waiting
        elif status == "in review":
            moves.append((copy, waiting[0]))
            if picture.exists():
                moves.append((picture, waiting[1]))
            else:
                outdated.append(waiting[1])
            outdated.append(folders.copy(name))
        else:
            outdated += [folders.copy(name), *waiting]
    with ThreadPoolExecutor(_FLUSHERS) as pool:
        for _ in pool.map(_flush, [made for made, _ in moves]):
            pass
    for path in outdated:  # first: of a file that has changed, no older copy stays
        path.unlink(missing_ok=True)
    for made, path in moves:
        if path.parent == folders.review:
            os.replace(made, path)
        else:
            give_name(made, path)
    parents = {path.parent for _, path in moves}
    for folder in parents | {parent.parent for parent in parents}:
        flush_folder(folder)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _count(counts: Counts, item: Item, row: Row | None) -> None:
    if row is None:
        counts.waiting += 1
        return
    counts.bytes_read += sum(file.size for file in item.files)
    counts.bytes_written += row.get("length") or 0
    status = row["status"]
    if status == "done":
        counts.converted += 1
        counts.samples += 1
    elif status == "in review":
        counts.in_review += 1
    elif status == "not an image":
        counts.not_images += 1
    else:
        counts.failed += 1
        counts.reasons[row["error"], row["reason"]] += 1
