"""Counters whose memory is bounded, and numbers of which a sample tells the spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from fastpix.audit.record import Spread

K = TypeVar("K", bound=Hashable)

_MOST_KEYS = 4096
_MOST_NUMBERS = 4096


@dataclass(slots=True)
class BoundedCounter(Generic[K]):
    """Counts of keys; once there are many, further ones are counted together.

    Attributes
    ----------
    counts : Counter
    others : int
        Of keys that came when there were many already.
    """

    counts: Counter[K] = field(default_factory=Counter)
    others: int = 0

    def add(self, key: K, count: int = 1) -> None:
        """Count a key."""
        if key in self.counts or len(self.counts) < _MOST_KEYS:
            self.counts[key] += count
        else:
            self.others += count

    def __len__(self) -> int:
        return len(self.counts)

    def most(self, limit: int) -> list[tuple[K, int]]:
        """Return the most frequent keys with their counts; equal ones in the order of texts."""
        ordered = sorted(self.counts.items(), key=lambda each: (-each[1], str(each[0])))
        return ordered[:limit]

    def texts(self, limit: int = 24) -> dict[str, int]:
        """Return the most frequent keys as text; the rest is counted as ``others``."""
        ordered = self.most(len(self.counts))
        found = {str(key): count for key, count in ordered[:limit]}
        rest = sum(count for _, count in ordered[limit:]) + self.others
        return found | ({"others": rest} if rest else {})


@dataclass(slots=True)
class Numbers:
    """The least, the middle and the greatest of many numbers.

    The middle is exact up to 4,096 different numbers, and that of the first 4,096 then.
    """

    count: int = 0
    low: float = float("inf")
    high: float = float("-inf")
    _some: Counter[float] = field(default_factory=Counter)

    def add(self, number: float | None, times: int = 1) -> None:
        """Add a number, so many times; None and what is not finite does not count."""
        if number is None or not abs(number) < float("inf"):
            return
        self.count += times
        self.low, self.high = min(self.low, number), max(self.high, number)
        if number in self._some or len(self._some) < _MOST_NUMBERS:
            self._some[number] += times

    def spread(self) -> Spread | None:
        """Return the spread; None without numbers."""
        if not self.count:
            return None
        rank, middle = (sum(self._some.values()) + 1) // 2, self.low
        for number in sorted(self._some):
            middle, rank = number, rank - self._some[number]
            if rank <= 0:
                break
        return Spread(self.count, self.low, middle, self.high)


@dataclass(slots=True)
class FindingCounts:
    """Findings, each with how often it was made, and its most frequent texts."""

    files: Counter[str] = field(default_factory=Counter)
    details: dict[str, BoundedCounter[str]] = field(default_factory=dict)

    def add(self, findings: Mapping[str, str]) -> None:
        """Count the findings of one file, series or group: an id counts once.

        Parameters
        ----------
        findings : mapping of str to str
            Texts by id; empty where the id says all.
        """
        for name, text in findings.items():
            self.files[name] += 1
            if text:
                self.tell(name, text, 1)

    def add_many(self, name: str, files: int, text: str = "") -> None:
        """Count one finding of many files.

        Parameters
        ----------
        name : str
        files : int
        text : str
        """
        self.files[name] += files
        if text:
            self.tell(name, text, files)

    def tell(self, name: str, text: str, count: int) -> None:
        """Count a text of a finding that is counted already.

        Parameters
        ----------
        name, text : str
        count : int
        """
        self.details.setdefault(name, BoundedCounter()).add(text, count)

    def add_all(self, other: FindingCounts) -> None:
        """Add what another has counted."""
        self.files.update(other.files)
        for name, texts in other.details.items():
            for text, count in texts.counts.items():
                self.tell(name, text, count)
