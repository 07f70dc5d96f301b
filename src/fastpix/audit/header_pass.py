"""The headers of all files, streamed: counts over all, and a tally for each source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from fastpix.audit.counting import BoundedCounter, FindingCounts
from fastpix.audit.file_facts import FileFacts, look_at_file
from fastpix.audit.sampling import Reservoir
from fastpix.audit.series_planes import KeptSeries
from fastpix.audit.source_tally import SourceTally
from fastpix.job.items import SourceFile
from fastpix.job.scan.waiting import map_waiting
from fastpix.pseudonyms import Names
from fastpix.sources.source_key import SourceKey, source_id
from fastpix.standard.tags import Tag

_TOLD = 256  # files after which progress is told

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
    bytes: int = 0
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
    _uids: set[int] = field(default_factory=set)  # hashes: 8 bytes an image, and their set

    def run(self, files: Iterable[SourceFile], on_progress: OnProgress | None = None) -> None:
        """Read the headers of files.

        Parameters
        ----------
        files : iterable of SourceFile
            Taken as their headers are read.
        on_progress : callable, optional
        """
        for facts in map_waiting(look_at_file, files):
            self.add(facts)
            if on_progress is not None and self.files % _TOLD == 0:
                on_progress("headers", self.files, None)
        if on_progress is not None:
            on_progress("headers", self.files, self.files)

    def add(self, facts: FileFacts) -> None:
        """Count a file.

        Parameters
        ----------
        facts : FileFacts
        """
        self.files += 1
        self.bytes += facts.file.size
        image = facts.image
        if image is None:
            self.findings.add(facts.findings)
            if facts.failure:
                self.failed += 1
                self.failures.add(facts.failure)
            else:
                self.not_images.add(facts.kind)
            return
        uid = image.extra.values.get(Tag.SOPInstanceUID)
        if uid:
            number = hash(uid)
            if number in self._uids:
                self.duplicate_uids += 1
                facts.findings["SET_DUPLICATE_UID"] = ""
            self._uids.add(number)
        self.images += 1
        self.frames += image.header.frames
        self.syntaxes[image.header.transfer_syntax] += 1
        self._tally(image.key).add(facts, image)

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
