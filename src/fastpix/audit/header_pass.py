"""The headers of all files, streamed: counts over all, and a tally for each source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from fastpix.audit.counting import BoundedCounter, FindingCounts
from fastpix.audit.file_facts import FileFacts, ImageKind, Looker
from fastpix.audit.sampling import Reservoir
from fastpix.audit.series_planes import KeptSeries
from fastpix.audit.source_tally import SourceTally
from fastpix.job.items import SourceFile
from fastpix.job.scan.waiting import map_waiting
from fastpix.pseudonyms import Names
from fastpix.sources.source_key import SourceKey, source_id
from fastpix.standard.tags import Tag

_TOLD = 256  # files after which progress is told
_MOST_KINDS = 1024  # of headers, that are kept at a time
_SOP_INSTANCE = int(Tag.SOPInstanceUID)

OnProgress: TypeAlias = Callable[[str, int, int | None], object]
"""Is given the phase, how many things are done, and of how many, as far as that is known."""


@dataclass(slots=True)
class HeaderPass:
    """What all headers come to.

    Attributes
    ----------
    names : Names
    by : sequence of str
        The attributes that tell sources apart.
    samples, seed : int
    sources : dict of str to SourceTally
        By ids.
    """

    names: Names
    by: Sequence[str]
    samples: int
    seed: int
    files: int = 0
    size: int = 0  # bytes
    images: int = 0
    frames: int = 0
    failed: int = 0
    duplicate_uids: int = 0
    not_images: BoundedCounter[str] = field(default_factory=BoundedCounter)
    failures: BoundedCounter[str] = field(default_factory=BoundedCounter)
    syntaxes: Counter[str] = field(default_factory=Counter)
    findings: FindingCounts = field(default_factory=FindingCounts)
    sources: dict[str, SourceTally] = field(default_factory=dict)
    _ids: dict[SourceKey, str] = field(default_factory=dict)
    _uids: set[int] = field(default_factory=set)  # hashes
    _uncounted: dict[int, ImageKind] = field(default_factory=dict)
    _looker: Looker = field(init=False)

    def __post_init__(self) -> None:
        self._looker = Looker(self._wants_planes)

    def run(self, files: Iterable[SourceFile], on_progress: OnProgress | None = None) -> None:
        """Read the headers of files.

        Parameters
        ----------
        files : iterable of SourceFile
            Taken as their headers are read.
        on_progress : callable, optional
        """
        for facts in map_waiting(self._looker.look, files):
            self.add(facts)
            if len(self._looker.kinds) > _MOST_KINDS:
                self._settle()
            if on_progress is not None and self.files % _TOLD == 0:
                on_progress("headers", self.files, None)
        self._settle()
        if on_progress is not None:
            on_progress("headers", self.files, self.files)

    def add(self, facts: FileFacts) -> None:
        """Count a file.

        Parameters
        ----------
        facts : FileFacts
        """
        self.files += 1
        self.size += facts.file.size
        kind = facts.kind
        if kind is None:
            self.findings.add(facts.own)
            if facts.failure:
                self.failed += 1
                self.failures.add(facts.failure)
            else:
                self.not_images.add(facts.object)
            return
        uid = facts.values.get(_SOP_INSTANCE)
        if uid:
            number = hash(uid)
            if number in self._uids:
                self.duplicate_uids += 1
                facts.own["SET_DUPLICATE_UID"] = ""
            self._uids.add(number)
        self.images += 1
        self.frames += kind.header.frames
        kind.count += 1
        self._uncounted[id(kind)] = kind
        self._tally(kind.key).add_file(facts, kind)

    def _settle(self) -> None:
        """Count the files of all kinds in their sources, and forget the kinds."""
        for kind in self._uncounted.values():
            self.syntaxes[kind.header.transfer_syntax] += kind.count
            self._tally(kind.key).add_kind(kind)
        self._uncounted.clear()
        self._looker.kinds.clear()

    def _wants_planes(self, kind: ImageKind, series: bytes) -> bool:
        tally = self.sources.get(self._ids.get(kind.key, ""))
        return tally is None or tally.kept_series.wants(series)

    def _tally(self, key: SourceKey) -> SourceTally:
        source = self._ids.get(key)
        if source is None:
            source = self._ids[key] = source_id(key, self.names, self.by)
        tally = self.sources.get(source)
        if tally is None:
            tally = self.sources[source] = SourceTally(
                key, Reservoir(self.samples, self.seed), KeptSeries(self.samples, self.seed)
            )
        return tally
