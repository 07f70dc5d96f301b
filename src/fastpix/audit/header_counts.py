"""`HeaderCounts`: what the headers of some files come to; those of several batches are added."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastpix.audit.counting import BoundedCounter, FindingCounts
from fastpix.audit.distinct import repeated
from fastpix.audit.source_tally import SourceTally
from fastpix.job.items import SourceFile

_REPEATED = "SET_DUPLICATE_UID"
_SEEN_LATER = "FILE_UNREADABLE"
CRASHES = "FILE_CRASHES"


@dataclass(slots=True)
class HeaderCounts:
    """What the headers of some files come to.

    Sums of these are the same, in whatever order files came, and in whatever batches. Memory is
    bounded, but for 8 bytes for each image, and for each study, series and patient of a source.

    Attributes
    ----------
    files : int
    size : int
        Bytes.
    images, frames, failed : int
    not_images, failures : BoundedCounter
        What files are in place of images, and why they cannot be read.
    syntaxes : BoundedCounter
        Transfer syntaxes of images.
    findings : FindingCounts
        Of files that are of no source.
    sources : dict of str to SourceTally
        By ids.
    """

    files: int = 0
    size: int = 0
    images: int = 0
    frames: int = 0
    failed: int = 0
    not_images: BoundedCounter[str] = field(default_factory=BoundedCounter)
    failures: BoundedCounter[str] = field(default_factory=BoundedCounter)
    syntaxes: BoundedCounter[str] = field(default_factory=BoundedCounter)
    findings: FindingCounts = field(default_factory=FindingCounts)
    sources: dict[str, SourceTally] = field(default_factory=dict)

    def __iadd__(self, other: HeaderCounts) -> HeaderCounts:
        """Add the counts of other files; `other` is used up."""
        self.files += other.files
        self.size += other.size
        self.images += other.images
        self.frames += other.frames
        self.failed += other.failed
        self.not_images += other.not_images
        self.failures += other.failures
        self.syntaxes += other.syntaxes
        self.findings.add_all(other.findings)
        for source, tally in other.sources.items():
            mine = self.sources.get(source)
            if mine is None:
                self.sources[source] = tally
            else:
                mine += tally
        return self

    @property
    def is_final(self) -> bool:
        """Whether another look at the same files would find the same: all could be read."""
        return not self.findings.files[_SEEN_LATER]

    def add_failure(self, file: SourceFile, findings: dict[str, str], failure: str) -> None:
        """Count a file that should be an image and cannot be read.

        Parameters
        ----------
        file : SourceFile
        findings : dict of str to str
        failure : str
            Why, without any text of the file.
        """
        self.files += 1
        self.size += file.size
        self.failed += 1
        self.findings.add(findings)
        self.failures.add(failure)

    def count_repeated(self) -> int:
        """Add the finding of repeated SOP Instance UIDs to sources; return how many there are.

        Of files with one UID, all but one count: in the source whose id comes last.
        """
        ids = sorted(self.sources)
        found = repeated([self.sources[each].instances for each in ids])
        for source, count in zip(ids, found, strict=True):
            if count:
                self.sources[source].findings.add_many(_REPEATED, count)
        return sum(found)
