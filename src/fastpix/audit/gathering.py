"""What workers give: headers of batches are added, samples of sources are collected; progress."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from fastpix.audit.audit_job import OnProgress
from fastpix.audit.header_counts import HeaderCounts
from fastpix.audit.kept_batches import KeptBatches
from fastpix.audit.sampled_source import SampledSource, SourceBatch
from fastpix.job.engines.driving import Numbered
from fastpix.job.items import Batch

B = TypeVar("B", bound=Numbered)


class _Told(Generic[B]):
    """How many things are done, those of batches in flight too.

    Parameters
    ----------
    phase : str
    total : int or None
        None: not known yet.
    on_progress : callable or None
    """

    def __init__(self, phase: str, total: int | None, on_progress: OnProgress | None) -> None:
        self._phase = phase
        self._total = total
        self._on_progress = on_progress
        self._done = 0
        self._told: tuple[int, int | None] | None = None
        self._reported: dict[str, int] = {}
        self._lock = threading.Lock()

    def report(self, batch: str, part: int) -> None:
        """Take how many things of a batch are done."""
        with self._lock:
            self._reported[batch] = part

    def tell(self) -> None:
        """Tell how many things are done, if that has changed."""
        with self._lock:
            now = self._done + sum(self._reported.values()), self._total
        if self._on_progress is not None and now != self._told:
            self._told = now
            self._on_progress(self._phase, *now)

    def count(self, batch: B, things: int) -> None:
        """Count the things of a batch that is done."""
        with self._lock:
            self._reported.pop(batch.id, None)
            self._done += things


class GatheredHeaders(_Told[Batch]):
    """What the headers of all batches come to.

    Parameters
    ----------
    kept : KeptBatches
        Batches that need not be read, and where the others go.
    on_progress : callable or None
    """

    def __init__(self, kept: KeptBatches, on_progress: OnProgress | None) -> None:
        super().__init__("headers", None, on_progress)
        self._counts = HeaderCounts()
        self._kept = kept

    def missing(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Yield the batches that have to be read.

        Parameters
        ----------
        batches : iterator of Batch
        """
        for batch in batches:
            known = self._kept.load(batch)
            if known is None:
                yield batch
            else:
                self._add(batch, known)
                self.tell()

    def take(self, batch: Batch, result: HeaderCounts) -> None:
        """Keep what a batch came to, and add it."""
        self._kept.keep(batch, result)
        self._add(batch, result)

    def finish(self) -> HeaderCounts:
        """Return what all headers came to."""
        self._kept.remove_others()
        self._total = self._done
        self.tell()
        return self._counts

    def _add(self, batch: Batch, counts: HeaderCounts) -> None:
        self.count(batch, counts.files)
        self._counts += counts


class GatheredSources(_Told[SourceBatch]):
    """What samples came to, by ids of sources.

    Parameters
    ----------
    sources : sequence of SourceBatch
    on_progress : callable or None
    """

    def __init__(self, sources: Sequence[SourceBatch], on_progress: OnProgress | None) -> None:
        super().__init__("pixels", sum(len(each.samples) for each in sources), on_progress)
        self.found: dict[str, SampledSource] = {}

    def take(self, batch: SourceBatch, result: SampledSource) -> None:
        """Collect what came of a source."""
        self.found[batch.id] = result
        self.count(batch, len(batch.samples))
