"""What became of the files of a batch, of a shard, of a job: counts that add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """How many files came to what; counts of several batches are added.

    Attributes
    ----------
    converted : int
        Source files that are in the cache now.
    present : int
        Files that were in it already: they were not opened.
    known_failures : int
        Files that failed in an earlier run, unchanged: they were not opened either.
    not_images : int
        Not DICOM, or DICOM without pixels.
    left_out : int
        Images that a filter leaves out, or that a person has refused.
    in_review : int
        De-identified copies that wait for a person to look at their pixels.
    waiting : int
        Files that are still being written: the next run takes them.
    failed : int
    samples : int
        Images or volumes written: one a file, or fewer.
    reasons : Counter of (str, str)
        Failures by the class of the error and what it says, free of the text of files.
    bytes_read : int
        Of all files done.
    bytes_written : int
        Of the arrays as they are stored.
    """

    converted: int = 0
    present: int = 0
    known_failures: int = 0
    not_images: int = 0
    left_out: int = 0
    in_review: int = 0
    waiting: int = 0
    failed: int = 0
    samples: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    bytes_read: int = 0
    bytes_written: int = 0

    @property
    def files(self) -> int:
        """How many files are through."""
        return (
            self.converted + self.present + self.known_failures + self.not_images
            + self.left_out + self.in_review + self.waiting + self.failed
        )  # fmt: skip

    def __iadd__(self, other: Counts) -> Counts:
        self.converted += other.converted
        self.present += other.present
        self.known_failures += other.known_failures
        self.not_images += other.not_images
        self.left_out += other.left_out
        self.in_review += other.in_review
        self.waiting += other.waiting
        self.failed += other.failed
        self.samples += other.samples
        self.reasons += other.reasons
        self.bytes_read += other.bytes_read
        self.bytes_written += other.bytes_written
        return self


def counts_of(*parts: Counts) -> Counts:
    """Return the counts of several parts together.

    Parameters
    ----------
    *parts : Counts
    """
    total = Counts()
    for part in parts:
        total += part
    return total
