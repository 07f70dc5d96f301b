"""What a job came to."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

from fastpix.in_notebooks import InNotebooks
from fastpix.job.counts import Counts
from fastpix.job.summary_words import CONVERTED, SummaryWords
from fastpix.notes import count_of

_NUMBER = re.compile(r"(?<![\w,(.])[0-9]+(?![\w,)])")
_COUNTING = frozenset({"PixelDataError", "DecodeError"})


@dataclass(slots=True, repr=False)
class Summary(InNotebooks):
    """What a job came to, in numbers.

    Attributes
    ----------
    counts : Counts
        Of source files, by what became of them.
    vanished : int
        Files of the cache that are not in the source any more; 0 where a run did not look at the
        whole source.
    pruned : int
        Rows of such files that were removed.
    duplicates : int
        Images with the SOP Instance UID of another.
    seconds : float
    """

    words: ClassVar[SummaryWords] = CONVERTED

    counts: Counts = field(default_factory=Counts)
    vanished: int = 0
    pruned: int = 0
    duplicates: int = 0
    seconds: float = 0.0

    @property
    def converted(self) -> int:
        """How many source files were converted in this run."""
        return self.counts.converted

    @property
    def present(self) -> int:
        """How many were there already, unchanged."""
        return self.counts.present

    @property
    def not_images(self) -> int:
        """How many are not DICOM, or DICOM without pixels."""
        return self.counts.not_images

    @property
    def failed(self) -> int:
        """How many failed, in this run or, unchanged, in an earlier one."""
        return self.counts.failed + self.counts.known_failures

    @property
    def bytes_read(self) -> int:
        """Of all files that were opened."""
        return self.counts.bytes_read

    def __repr__(self) -> str:
        words = self.words
        return (
            f"<fastpix.{type(self).__name__}: {self.converted} {words.done}, {self.present} "
            f"unchanged, {self.failed} {words.failed}, {self.seconds:.1f} s>"
        )

    def rows(self) -> list[tuple[int, str]]:
        """Return how many files came to what, in words; failures of this run last."""
        counts, words = self.counts, self.words
        seldom = (
            (counts.left_out, words.left_out),
            (counts.in_review, "waiting for a person to look at their pixels"),
            (
                counts.waiting,
                "changed just now, so perhaps still being written: left for the next run",
            ),
            (counts.known_failures, words.again),
            (self.vanished - self.pruned, words.vanished),
            (self.pruned, "not in the source any more: removed"),
            (
                self.duplicates,
                "of the images, with the SOP Instance UID of another image (see --duplicates)",
            ),
        )
        return [
            (counts.converted, words.done),
            (counts.present, words.present),
            (counts.not_images, words.not_images),
            *(row for row in seldom if row[0]),
            (counts.failed, words.failed),
        ]

    def title(self) -> str:
        """Return how many files and bytes took how long."""
        files = self.counts.files
        rate = files / max(self.seconds, 1e-6)
        return (
            f"{count_of(files, 'file')}, {self.counts.bytes_read / 1e6:.1f} MB read in "
            f"{self.seconds:.1f} s ({rate:.0f} files/s)"
        )

    def reasons(self) -> list[tuple[str, int]]:
        """Return the reasons of failures of this run with their counts, the most frequent first.

        Where a reason counts bytes or frames, which differ from file to file, its numbers are N.
        """
        found: Counter[str] = Counter()
        texts: dict[str, set[str]] = {}
        for (kind, reason), count in self.counts.reasons.items():
            words = _NUMBER.sub("N", reason) if kind in _COUNTING else reason
            found[f"{kind}: {words}"] += count
            texts.setdefault(f"{kind}: {words}", set()).add(f"{kind}: {reason}")
        return [
            (f"{words} (N: differs from file to file)" if len(texts[words]) > 1
             else next(iter(texts[words])), count)
            for words, count in found.most_common()
        ]  # fmt: skip
