"""`deidentify`: a source of DICOM files to copies, each audited before it has a name."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from fastpix.deidentification.copy_options import Deidentification, Kept
from fastpix.deidentification.engine import check_engine
from fastpix.deidentification.run.copy_folders import CopyFolders, remove_attempts
from fastpix.deidentification.run.copy_settings import CopyJob, CopySettings
from fastpix.deidentification.run.review import accept
from fastpix.deidentification.run.review_page import write_review_page
from fastpix.deidentification.run.same_names import OtherSources
from fastpix.errors import ArgumentError
from fastpix.image.frame_threads import cores
from fastpix.image.limits import MAX_BYTES
from fastpix.job.conversion import OnProgress, PathLike, progress_teller
from fastpix.job.convert_arguments import check_run_arguments
from fastpix.job.counts import counts_of
from fastpix.job.dataset_file import read_settings_of, settle
from fastpix.job.decoders_here import decoders_fingerprint
from fastpix.job.engines.driving import drive
from fastpix.job.engines.executors import Engine
from fastpix.job.engines.guarded import run_guarded
from fastpix.job.items import Item
from fastpix.job.known import Known, known_items
from fastpix.job.maintenance import RUNS, is_run_alive, remove_leftovers, run_marked
from fastpix.job.manifest import FOLDER
from fastpix.job.pending import Pending
from fastpix.job.pruning import vanished_items, write_vanished
from fastpix.job.scan import Sources, batches, file_items, open_sources
from fastpix.job.shown_progress import told
from fastpix.job.source_roots import keep_roots, other_roots
from fastpix.job.storage import is_url
from fastpix.job.storage.local_storage import LocalStorage
from fastpix.job.summary import Summary
from fastpix.job.summary_words import COPIED, SummaryWords
from fastpix.pseudonyms import Names, default_key_file, load_key
from fastpix.redaction import Redaction
from fastpix.text_detection import detector_here

# What workers call. They alone import what makes copies: that takes longer than to begin here.
COPIES = (
    "fastpix.deidentification.run.copy_workers:copy",
    "fastpix.deidentification.run.copy_workers:copy_isolated",
)
_FILES = 256  # of a batch: what a worker that is killed has to do again takes seconds


@dataclass(slots=True, repr=False)
class CopySummary(Summary):
    """What a run came to, in numbers.

    Attributes
    ----------
    in_review : int
        Copies that wait for a person, of this run and of earlier ones.
    """

    words: ClassVar[SummaryWords] = COPIED

    in_review: int = 0


def deidentify(
    src: PathLike | Iterable[PathLike],
    dst: PathLike,
    *,
    dates: Literal["remove", "shift"] = "remove",
    keep: Iterable[Kept] = (),
    any_sop: bool = False,
    redaction: Redaction | None = None,
    detect_text: bool = False,
    blank_detected: bool = False,
    accept_pixels: bool = False,
    executor: Engine = None,
    workers: int | None = None,
    shard: tuple[int, int] | None = None,
    key_file: PathLike | None = None,
    root: PathLike | None = None,
    replace: bool = False,
    retry_failed: bool = False,
    prune: bool = False,
    timeout: float = 600.0,
    max_bytes: int = MAX_BYTES,
    progress: bool = False,
    on_progress: OnProgress | None = None,
) -> CopySummary:
    """Write a de-identified copy of every DICOM file of `src` into `dst`.

    The rules are those of the Basic Application Level Confidentiality Profile (PS3.15 Annex E) and
    its options. A copy is written into ``<dst>.work``, read again, and audited; it gets its name,
    ``<dst>/copies/…/<keyed hash>.dcm``, only if nothing is wrong with it. What is refused is in the
    manifest with the reason: tag and rule, never a value.

    Images of kinds that often carry text wait in ``<dst>.work/review`` until a person has looked at
    them: see `fastpix.deidentification.run.review.accept`, or ``fastpix deidentify accept``.

    A run that is killed at any moment leaves nothing half-written: running again does what is
    missing or changed, and opens nothing else.

    A copy is de-identified, never anonymous: whoever has the key leads it back, and pixels (faces,
    text that nobody has seen) can identify.

    Parameters
    ----------
    src : path, URL, or iterable of paths
        As `convert` takes them.
    dst : path
        A folder of this machine. It may not hold `src`.
    dates : {"remove", "shift"}
        Shift: by whole days, as many for all files of a patient.
    keep : iterable of str
        ``"device"``, ``"institution"``, ``"patient-characteristics"``, ``"uids"``: options of the
        profile that retain them.
    any_sop : bool
        Take SOP classes whose IOD is unknown.
    redaction : Redaction, optional
        What is blanked in pixels (`fastpix.redaction`).
    detect_text : bool
        Search pixels for text, and draw what may be some for the person who looks. It finds some
        and misses some, so it lets nothing pass. Needs the extra ``detect-text``.
    blank_detected : bool
        Blank it, too.
    accept_pixels : bool
        Nothing waits for a person: you know that no pixel of `src` shows who the patient is.
    executor : Executor, Client or str, optional
        As `convert` takes it.
    workers : int, optional
        How many batches are worked on at a time; as many as this process may use cores.
    shard : (int, int), optional
        This run does the files of shard i of n, from 0; others do the rest, into the same `dst`.
    key_file : path, optional
        Holds the key of all pseudonyms; ``<dst>.key`` if not given. Made on first use. The same
        original gets the same pseudonyms wherever this key is used, and others with another key.
    root : path, optional
        What paths are taken relative to for names; the source folder itself if not given.
    replace : bool
        Take other settings than those of `dst`: its copies are removed, and all is made again.
    retry_failed : bool
        Try again what was refused, though it has not changed.
    prune : bool
        Remove copies of files that are not in `src` any more.
    timeout : float
        Seconds that one file may take.
    max_bytes : int
        What one image may decode to.
    progress : bool
        Show how far the job is, as `convert` does.
    on_progress : callable, optional
        Called with a `Progress` some times a second.

    Returns
    -------
    CopySummary

    Raises
    ------
    FastpixError
        The job cannot start. A file that cannot be copied is no error: the manifest has a row for
        it.
    OSError
        `src` does not exist, or `dst` cannot be written.
    ImportError
        The extra ``deidentify`` is not installed, or ``detect-text`` where it is asked for.
    """
    begin = time.monotonic()
    options = Deidentification(
        dates, frozenset(keep), any_sop, redaction, detect_text, blank_detected
    )
    check_engine()
    _check_pyarrow()
    if detect_text:
        detector_here()  # before the first file, if it is missing
    run = _Run(
        src, dst, options, workers=workers, shard=shard, key_file=key_file, root=root,
        timeout=timeout, max_bytes=max_bytes, accept_pixels=accept_pixels, override=replace,
    )  # fmt: skip
    run.begin(replace, retry_failed)
    with run_marked(run.storage):
        if accept_pixels:
            accept(run.folders.output, by="--accept-pixels")
        try:
            with told(progress, "copying", on_progress) as tell:
                summary = run.copy(executor, tell)
        finally:
            remove_attempts(run.folders.attempts(run.job.run))
        if prune and summary.vanished:
            summary.pruned = run.prune()
    summary.in_review = write_review_page(run.folders)
    summary.seconds = time.monotonic() - begin
    return summary


class _Run:
    """One run: its source, its folders, and what the manifest knows."""

    def __init__(
        self,
        src: PathLike | Iterable[PathLike],
        dst: PathLike,
        options: Deidentification,
        *,
        workers: int | None,
        shard: tuple[int, int] | None,
        key_file: PathLike | None,
        root: PathLike | None,
        timeout: float,
        max_bytes: int,
        accept_pixels: bool,
        override: bool,
    ) -> None:
        self._workers = cores() if workers is None else workers
        self._shard = shard
        check_run_arguments(self._workers, shard, timeout, max_bytes)
        if is_url(os.fspath(dst)):
            raise ArgumentError("dst", "copies are moved to their names: name a folder, not a URL")
        self.folders = CopyFolders(dst)
        output = self.folders.output
        key_path = Path(key_file) if key_file is not None else default_key_file(output)
        skipped = [output, self.folders.work, key_path]
        self._sources: Sources = open_sources(src, root, skipped=skipped)
        self.storage = LocalStorage(output)
        _check_key_is_there(key_path, self.storage, override)
        self.folders.make()
        key = load_key(key_path, output)
        load_key(key_path, self.folders.work)
        self._names = Names(key)
        settings = CopySettings(options, self._sources.root_mode, self._names.fingerprint)
        self.job = CopyJob(
            settings=settings,
            accept_pixels=accept_pixels,
            destination=str(output),
            key=key,
            max_bytes=max_bytes,
            timeout=timeout,
            decoders=decoders_fingerprint(),
            started=time.time(),
            run=secrets.token_hex(8),
        )
        self._known = Known()
        self._pending = Pending(self._known, shard)

    def begin(self, override: bool, retry_failed: bool) -> None:
        """Settle what copies are made by, remove what runs that died have left, and read on."""
        if override:
            self._remove_others()
        settings = settle(self.storage, self.job.settings, override)
        self.job = replace(self.job, settings=settings)
        left = self.folders.attempts()  # before the look at marks: a run is marked before it begins
        if not is_run_alive(self.storage):
            remove_attempts(left)
        for folder in (RUNS, FOLDER):  # a mark that is dead, a part that was not finished
            remove_leftovers(self.storage, set(), folder=folder)
        self._known = known_items(self.storage, settings.id, self.job.decoders, retry_failed)
        self._known.forget_all_but(self.folders.numbers_there())
        self._pending = Pending(self._known, self._shard)

    def _remove_others(self) -> None:
        """Remove what was made by other settings: none of it may be taken for what follows."""
        found = read_settings_of(self.storage, CopySettings)
        if found is not None and found.id != self.job.settings.at_epoch(found.epoch).id:
            self.folders.remove_copies()

    def copy(self, executor: Engine, on_progress: OnProgress | None) -> CopySummary:
        """Make the copies that are not there yet."""
        settings, pending = self.job.settings.id, self._pending
        generation = self._known.generation + 1
        todo = batches(self._items(), generation, settings, self._workers, count=_FILES)
        tell = progress_teller(pending, on_progress)
        run = partial(run_guarded, functions=COPIES)
        done = drive(todo, self.job, executor, self._workers, tell, run)
        vanished = self._known.unseen if pending.is_whole else 0
        tell(done)
        return CopySummary(counts_of(pending.counts, done), vanished)

    def _items(self) -> Iterator[Item]:
        work, roots = str(self.folders.work), self._sources.roots
        others = OtherSources(other_roots(work, roots), self._known, self._names)
        found = others.checked(self._pending.counted(self._sources.files()))
        for item in self._pending.of(file_items(found, self._names)):
            if roots:
                keep_roots(work, roots)
                roots = ()
            yield item

    def prune(self) -> int:
        """Remove the copies of files that have vanished; return how many they were."""
        settings = self.job.settings.id
        gone = vanished_items(self.storage, settings, self._known)
        write_vanished(self.storage, settings, gone, self._known.generation + 2, "image")
        for name in gone:
            self.folders.remove(name)
        return len(gone)


def _check_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "copies are listed in a manifest, which pyarrow writes: "
            "pip install 'fastpix[deidentify]'"
        ) from error


def _check_key_is_there(key_file: Path, storage: LocalStorage, override: bool) -> None:
    """Refuse to make a new key in place of the one of the copies that are there."""
    if override or os.path.lexists(key_file):
        return
    if read_settings_of(storage, CopySettings) is not None:
        raise ArgumentError(
            "key_file",
            f"{key_file} is not there, and it is the key of the copies in {storage.folder}: put it "
            f"back, or name it (--key-file). If it is lost, write into another folder",
        )
