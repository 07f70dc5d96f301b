"""`convert`: a source of DICOM files to a cache to train from, free of patient data."""

from __future__ import annotations

import dataclasses
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from fastpix.errors import DecoderWarning, FastpixError, warn_caller
from fastpix.image.frame_threads import cores
from fastpix.image.limits import MAX_BYTES
from fastpix.job.convert_arguments import check_arguments, import_libraries
from fastpix.job.counts import Counts, counts_of
from fastpix.job.dataset_file import settle
from fastpix.job.decoders_here import decoders_fingerprint
from fastpix.job.engines.driving import drive
from fastpix.job.engines.executors import Engine
from fastpix.job.formats import default_format, format_named
from fastpix.job.items import Item
from fastpix.job.known import Known, known_files, known_items
from fastpix.job.live_rows import name_numbers
from fastpix.job.maintenance import finish_publishing, folder_of, run_marked
from fastpix.job.pending import Pending
from fastpix.job.preflight import LOOKED_AT, Trouble, troubles_in
from fastpix.job.pruning import vanished_items, write_vanished
from fastpix.job.repeated_uids import count_repeated_uids
from fastpix.job.scan import (
    Sources,
    batches,
    file_items,
    filters_of,
    open_sources,
    series_items,
)
from fastpix.job.settings import Compress, Duplicates, Gaps, Job, Settings, Unit
from fastpix.job.shown_progress import told
from fastpix.job.source_paths import default_paths_folder, make_paths_folder
from fastpix.job.source_roots import OtherFiles, keep_roots, other_roots
from fastpix.job.source_verdicts import SourcesLike, check_kept, keep_verdicts, run_verdicts
from fastpix.job.storage import is_url, storage_at
from fastpix.job.storage.storage_protocol import Storage
from fastpix.job.summary import Summary
from fastpix.kernel.registry import kernel_name
from fastpix.pseudonyms import Names, default_key_file, load_key
from fastpix.recipe import Recipe
from fastpix.redaction import Redaction
from fastpix.series.resampling import Interpolation

PathLike = str | os.PathLike[str]


@dataclass(slots=True)
class Progress:
    """How far a job is.

    Attributes
    ----------
    found : int
        Source files that the scan has found so far.
    is_scanned : bool
        Whether it has found all.
    counts : Counts
        Of the files that are through.
    """

    found: int
    is_scanned: bool
    counts: Counts


OnProgress = Callable[[Progress], object]
OnTrouble = Callable[[list[Trouble]], object]


def convert(
    src: PathLike | Iterable[PathLike],
    dst: PathLike,
    *,
    recipe: Recipe | None = None,
    format: str | None = None,
    unit: Unit = "file",
    compress: Compress = "none",
    only: str | Sequence[str] = (),
    duplicates: Duplicates = "keep",
    gaps: Gaps = "error",
    partial: bool = False,
    spacing: tuple[float, float, float] | None = None,
    order: Interpolation = 1,
    window: tuple[float, float] | None = None,
    redaction: Redaction | None = None,
    executor: Engine = None,
    workers: int | None = None,
    shard: tuple[int, int] | None = None,
    key_file: PathLike | None = None,
    root: PathLike | None = None,
    sources: SourcesLike = None,
    allow_unseen: bool = False,
    replace: bool = False,
    retry_failed: bool = False,
    prune: bool = False,
    timeout: float = 600.0,
    max_bytes: int = MAX_BYTES,
    progress: bool = False,
    on_trouble: OnTrouble | None = None,
    on_progress: OnProgress | None = None,
) -> Summary:
    """Convert every DICOM image, or series, of `src` into a cache in `dst`.

    A run that is killed at any moment leaves nothing half-written: running again does what is
    missing or changed, and opens nothing else. `fastpix.open_cache` reads the cache, in the very
    values that `imread` or `read_series` give; `fastpix.read_manifest` says what is in it.

    Parameters
    ----------
    src : path, URL, or iterable of paths
        Folders are walked, and files are told by their content. Archives (zip, tar) are not
        unpacked. A glob, a DICOMDIR, or what ``fastpix scan`` has written.
    dst : path or URL
        Made if need be. It may not hold `src`.
    recipe : Recipe, optional
        One for all files.
    format : {"tar", "npz", "b2nd", "nifti", "png", "zarr", "index"}, optional
        ``"tar"`` shards for images and ``"b2nd"`` for volumes if not given.
    unit : {"file", "series"}
        An image for each file, or the volumes of each series.
    compress : {"none", "lz4", "zstd"}
    only : str or sequence of str
        Keep images alone for which this holds, such as ``"modality in CT,MR"``.
    duplicates : {"keep", "first", "error"}
        What `open_cache` does with images that have the same SOP Instance UID.
    gaps, partial
        For volumes: as in `Stack.read`.
    spacing : (float, float, float), optional
        For volumes: resample them, to so many millimetres along slice, row and column axis.
    order : {0, 1, 3}
        Of the interpolation then, as in `Volume.resample`.
    window : (float, float), optional
        Centre and width, for pictures (``format="png"``) that people look at.
    redaction : Redaction, optional
        For images: what is blanked in them before anything else is done (`fastpix.redaction`).
    executor : Executor, Client or str, optional
        A `concurrent.futures.Executor`, a client of dask.distributed, or ``"dask:ADDRESS"``;
        processes of its own if not given.
    workers : int, optional
        How many batches are converted at a time; as many as this process may use cores.
    shard : (int, int), optional
        This run does the items of shard i of n, from 0; others do the rest, into the same `dst`.
    key_file : path, optional
        Holds the key of names; ``<dst>.key`` if not given. Made on first use. Whoever has it can
        tell which output came from which file, so it may not be inside `dst`.
    root : path, optional
        What paths are taken relative to for names; the source folder itself if not given, so that
        names do not depend on where it is mounted.
    sources : path or Verdicts, optional
        ``sources.toml``, what a person has decided about each source: some are left out, of some
        MONOCHROME1 and MONOCHROME2 are exchanged, and what nobody has looked at is refused.
    allow_unseen : bool
        Take sources that nobody has looked at as they are.
    replace : bool
        Take other settings than those of the cache: what is there does not count any more.
    retry_failed : bool
        Try again what failed, though it has not changed.
    prune : bool
        Remove the rows of files that are not in `src` any more.
    timeout : float
        Seconds that one file or series may take.
    max_bytes : int
        What one image may decode to; a volume may take 16 times as much.
    progress : bool
        Show how far the job is: a bar in a notebook or on a terminal, else a line on standard error
        every 10 seconds.
    on_trouble : callable, optional
        Called before the first file is read whole if files of a kind are going to fail: nothing
        here decodes them, or the recipe cannot be applied to them. If not given, each is a
        `DecoderWarning`. They are failures; others are converted.
    on_progress : callable, optional
        Called with a `Progress` some times a second.

    Returns
    -------
    Summary

    Raises
    ------
    FastpixError
        The job cannot start: an argument, the key, a cache of other settings. A file that cannot be
        read is no error: the manifest has a row for it.
    OSError
        `src` does not exist, or `dst` cannot be written.
    ImportError
        The extra ``job`` is not installed, or that of a format or an executor.
    """
    begin = time.monotonic()
    run = _Run(
        src, dst, workers=workers, shard=shard, key_file=key_file, root=root, timeout=timeout,
        max_bytes=max_bytes, only=(only,) if isinstance(only, str) else tuple(only),
        sources=sources, allow_unseen=allow_unseen,
        settings={
            "recipe": recipe if recipe is not None else Recipe(),
            "format": format or default_format(unit), "unit": unit, "compress": compress,
            "duplicates": duplicates, "gaps": gaps, "partial": partial, "window": window,
            "spacing": spacing, "order": order, "redaction": redaction,
        },
    )  # fmt: skip
    run.begin(replace, retry_failed)
    with run_marked(run.storage):
        try:
            with told(progress, "converting", on_progress) as tell:
                summary = run.convert(executor, on_trouble or _warn_of, tell)
        except BaseException:
            with suppress(OSError, FastpixError):
                run.finish()
            raise
        if prune and summary.vanished:
            summary.pruned = run.prune()
    summary.seconds = time.monotonic() - begin
    return summary


class _Run:
    """One run of a job: its source, its cache, and what the cache knows."""

    def __init__(
        self,
        src: PathLike | Iterable[PathLike],
        dst: PathLike,
        *,
        settings: dict[str, Any],
        only: tuple[str, ...],
        sources: SourcesLike,
        allow_unseen: bool,
        workers: int | None,
        shard: tuple[int, int] | None,
        key_file: PathLike | None,
        root: PathLike | None,
        timeout: float,
        max_bytes: int,
    ) -> None:
        import_libraries(settings)
        self._workers = cores() if workers is None else workers
        self._shard = shard
        check_arguments(self._workers, shard, timeout, max_bytes, settings["recipe"])
        format_named(settings["format"])
        filters_of(only)
        destination = os.fspath(dst)
        is_folder = not is_url(destination)
        output = Path(destination).absolute() if is_folder else None
        own = Path(destination.rstrip("/").rpartition("/")[2] or "cache")
        key_path = Path(key_file) if key_file is not None else default_key_file(output or own)
        paths = str(default_paths_folder(output or own))
        skipped = [] if output is None else [str(output), paths, str(key_path)]
        self._sources: Sources = open_sources(src, root, skipped=skipped)
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
        key = load_key(key_path, output)
        self._names = Names(key)
        self.settings = Settings(
            **settings, only=only, root=self._sources.root_mode, key=self._names.fingerprint
        )
        self.job = Job(
            settings=self.settings,
            destination=str(output) if output is not None else destination,
            paths=paths,
            key=key,
            max_bytes=max_bytes,
            kernel=kernel_name(),
            threads=max(1, cores() // self._workers),
            timeout=timeout,
            decoders=decoders_fingerprint(),
            started=time.time(),
            run=secrets.token_hex(8),
            verdicts=run_verdicts(sources, allow_unseen, self._names),
        )
        self.storage: Storage = storage_at(self.job.destination)
        self._known = Known()
        self._pending = Pending(self._known, shard)

    def begin(self, replace: bool, retry_failed: bool) -> None:
        """Settle what the cache is made by, mend what a run that died has left, and read on."""
        check_kept(self.storage, self.job.verdicts, replace)
        self.settings = settle(self.storage, self.settings, replace)
        self.job = dataclasses.replace(self.job, settings=self.settings)
        make_paths_folder(self.job.paths)
        self.finish()
        of_run = self.settings.id, self.job.decoders, retry_failed, self.job.verdicts
        self._known = known_items(self.storage, *of_run)
        self._pending = Pending(self._known, self._shard)

    def finish(self) -> None:
        """Give files their names whose workers were ended just before they did."""
        finish_publishing(self.storage, folder_of(self.settings.format))

    def convert(
        self, executor: Engine, on_trouble: OnTrouble, on_progress: OnProgress | None
    ) -> Summary:
        """Convert what the cache does not have."""
        items = self._items()
        first = list(islice(items, LOOKED_AT))
        files = (file for item in first for file in item.files)
        troubles = troubles_in(files, self.settings.recipe, self.job.max_bytes, self.job)
        keep_verdicts(self.storage, self.job.verdicts)
        if troubles:
            on_trouble(troubles)
        todo = batches(
            chain(first, items), self._known.generation + 1, self.settings.id, self._workers
        )

        pending = self._pending
        tell = progress_teller(pending, on_progress)
        done = drive(todo, self.job, executor, self._workers, tell)
        vanished = self._known.unseen if pending.is_whole else 0
        summary = Summary(counts_of(pending.counts, done), vanished)
        if done.samples and self.settings.unit == "file":
            summary.duplicates = count_repeated_uids(self.storage, self.settings.id)
        tell(done)
        return summary

    def _items(self) -> Iterator[Item]:
        """Yield the items that are to be done, in the order of the scan."""
        found = self._pending.counted(self._sources.files())
        roots, is_series = self._sources.roots, self.settings.unit == "series"
        files = known_files(self.storage, self.settings.id) if is_series else {}
        if others := other_roots(self.job.paths, roots):
            counting = name_numbers(files) if is_series else self._known.numbers
            found = OtherFiles(self.job.paths, others, counting).checked(found, self._names)
        if is_series:
            items = series_items(found, self._names, files)
        else:
            items = file_items(found, self._names)
        for item in self._pending.of(items):
            if roots:
                keep_roots(self.job.paths, roots)
                roots = ()
            yield item

    def prune(self) -> int:
        """Write that files which have vanished are gone; return how many items they were."""
        gone = vanished_items(self.storage, self.settings.id, self._known)
        kind = "image" if self.settings.unit == "file" else "series"
        generation = self._known.generation + 2  # after what this run has converted
        write_vanished(self.storage, self.settings.id, gone, generation, kind)
        return len(gone)


def progress_teller(pending: Pending, on_progress: OnProgress | None) -> Callable[[Counts], None]:
    """Return what tells how far a job is, of the counts of its batches.

    Parameters
    ----------
    pending : Pending
    on_progress : callable or None
        Called with a `Progress`.
    """

    def tell(counts: Counts) -> None:
        if on_progress is not None:
            whole = counts_of(pending.counts, counts)
            on_progress(Progress(pending.found, pending.is_scanned, whole))

    return tell


def _warn_of(troubles: list[Trouble]) -> None:
    for trouble in troubles:
        warn_caller(str(trouble), DecoderWarning)
