"""The preprocessing job: a folder of DICOM files to a cache to train from, free of patient data."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from fastpix.errors import (
    ArgumentError,
    DecoderWarning,
    UnsupportedTransferSyntaxError,
    warn_caller,
)
from fastpix.frames.codecs import check_pin_is_installed
from fastpix.image.frame_threads import cores
from fastpix.image.limits import MAX_BYTES
from fastpix.job.files import SourceFile, find_files
from fastpix.pseudonyms import Names, default_key_file, load_key
from fastpix.job.one_file import Job, Outcome
from fastpix.job.pool import convert_in_workers
from fastpix.job.store import Store
from fastpix.job.summary import FailureLog, OnOutcome, Summary
from fastpix.job.survey import find_undecodable
from fastpix.kernel.registry import kernel_name
from fastpix.notes import count_of
from fastpix.recipe import Recipe

__all__ = ["Names", "Outcome", "SourceFile", "Summary", "convert", "find_files", "load_key"]

PathLike = str | os.PathLike[str]
OnUndecodable = Callable[[list[tuple[UnsupportedTransferSyntaxError, int]]], None]


def convert(
    src: PathLike | Iterable[PathLike],
    dst: PathLike,
    *,
    recipe: Recipe | None = None,
    workers: int | None = None,
    key_file: PathLike | None = None,
    root: PathLike | None = None,
    timeout: float = 600.0,
    max_bytes: int = MAX_BYTES,
    on_start: Callable[[list[SourceFile]], None] | None = None,
    on_undecodable: OnUndecodable | None = None,
    on_outcome: OnOutcome | None = None,
) -> Summary:
    """Convert every DICOM image under `src` into ``NAME.npz`` and a ``NAME.json`` sidecar in `dst`.

    NAME is a keyed hash of the file's path. The array, under the key ``pixels``, is written before
    the sidecar, and each appears under its name only when it is whole: a run killed at any moment
    leaves nothing half-written, and running again does only what is missing or changed.

    Workers are processes that import the main module: a script calls this under
    ``if __name__ == "__main__":``.

    Parameters
    ----------
    src : path or iterable of paths
        Folders are walked; files are told by their content.
    dst : path
        Made if need be.
    recipe : Recipe, optional
        One for all files.
    workers : int, optional
        Processes; as many as this process may use cores if not given.
    key_file : path, optional
        Holds the key of the hashes; ``<dst>.key`` if not given. Made on first use. Whoever has it
        can tell which output came from which file, so it may not be inside `dst`.
    root : path, optional
        Hash paths relative to it, so that the names survive a move of the folder; absolute paths
        if not given.
    timeout : float
        Seconds that one file may take before its worker is killed and the file counts as failed.
    max_bytes : int
        What one image may decode to.
    on_start : callable, optional
        Called with the files found, before the first is read.
    on_undecodable : callable, optional
        Called before the first file is read whole if nothing here decodes some of them: with an
        `UnsupportedTransferSyntaxError` for each such transfer syntax, which says what to install,
        and how many files have it. If not given, each is a `DecoderWarning`. The job does the
        others; these fail, and a later run does them once they can be decoded.
    on_outcome : callable, optional
        Called with each file and what became of it.

    Returns
    -------
    Summary

    Raises
    ------
    FastpixError
        The job cannot start: the key, the number of workers, a decoder that is pinned and not
        installed. A file that cannot be read is no
        error: it is in the summary, and in ``failures.jsonl``.
    OSError
        `src` does not exist, or `dst` cannot be written.
    """
    begin = time.monotonic()
    output = Path(dst)
    if workers is None:
        workers = cores()
    if workers < 1:
        raise ArgumentError("workers", f"{workers} is less than 1")
    if not timeout > 0:
        raise ArgumentError("timeout", f"{timeout} is not a positive number of seconds")
    if max_bytes < 1:
        raise ArgumentError("max_bytes", f"{max_bytes} is not a positive number of bytes")
    if recipe is not None and not isinstance(recipe, Recipe):
        raise ArgumentError("recipe", f"a {type(recipe).__name__} is not a Recipe")
    check_pin_is_installed(recipe.decoder if recipe is not None else None)
    sources = [src] if isinstance(src, (str, os.PathLike)) else list(src)
    files = find_files(sources, output)
    output.mkdir(parents=True, exist_ok=True)
    key = load_key(Path(key_file) if key_file is not None else default_key_file(output), output)
    base = os.path.abspath(root) if root is not None else None
    recipe = recipe or Recipe()
    threads = max(1, cores() // workers)
    job = Job(output.absolute(), recipe, key, base, max_bytes, kernel_name(), threads)
    store = Store(job.output)
    store.clean()
    log = FailureLog(job.output)
    summary = Summary()
    if on_start is not None:
        on_start(files)
    if undecodable := find_undecodable(files, recipe.decoder):
        (on_undecodable or _warn_of_undecodable)(undecodable)
    try:
        with closing(convert_in_workers(files, job, workers, timeout)) as outcomes:
            for file, outcome in outcomes:
                summary.add(file, outcome)
                if outcome.status == "failed":
                    log.add(outcome)
                if on_outcome is not None:
                    on_outcome(file, outcome)
    finally:
        store.clean()  # what workers were writing when they died
    summary.seconds = time.monotonic() - begin
    return summary


def _warn_of_undecodable(found: list[tuple[UnsupportedTransferSyntaxError, int]]) -> None:
    for error, count in found:
        warn_caller(f"{count_of(count, 'file')}: {error.storable}", DecoderWarning)
