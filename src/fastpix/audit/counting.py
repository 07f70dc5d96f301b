"""Counters whose memory is bounded, and numbers of which a sample tells the spread.

Counters of several batches are added, and come to the same in whatever order that is done.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from fastpix.audit.record import Spread

K = TypeVar("K", bound=Hashable)

_MOST_KEYS = 4096


@dataclass(slots=True)
class BoundedCounter(Generic[K]):
    """Counts of keys; once there are more than 4,096, some of them are counted together.

    Keys have ranks: hashes of their texts. Those with the lowest ranks are counted. So a key that
    is counted at the end was counted from its first time on, in each batch, and which keys these
    are depends neither on the order of what is counted nor on how it came in batches. How often a
    key occurs does not decide.

    Attributes
    ----------
    total : int
        Of all keys.
    """

    total: int = 0
    _counts: Counter[K] = field(default_factory=Counter)
    _limit: int | None = None  # the highest rank that a new key may have, once keys were dropped

    def add(self, key: K, count: int = 1) -> None:
        """Count a key."""
        self.total += count
        if key in self._counts:
            self._counts[key] += count
        elif self._limit is None or _rank(key) <= self._limit:
            self._counts[key] = count
            if len(self._counts) > 2 * _MOST_KEYS:
                self._drop()

    def __iadd__(self, other: BoundedCounter[K]) -> BoundedCounter[K]:
        """Add what another has counted."""
        total = self.total + other.total
        for key, count in other._counts.items():
            self.add(key, count)
        self.total = total
        return self

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def counts(self) -> Counter[K]:
        """The keys that are counted by themselves."""
        if len(self._counts) > _MOST_KEYS:
            self._drop()
        return self._counts

    @property
    def others(self) -> int:
        """How often other keys occurred."""
        return self.total - sum(self.counts.values())

    def most(self, limit: int) -> list[tuple[K, int]]:
        """Return the most frequent keys with their counts; equal ones in the order of texts."""
        return list(ordered(self.counts).items())[:limit]

    def texts(self, limit: int = 24) -> dict[str, int]:
        """Return the most frequent keys as text; the rest is counted as ``others``."""
        found = {str(key): count for key, count in self.most(limit)}
        rest = self.total - sum(found.values())
        return found | ({"others": rest} if rest else {})

    def _drop(self) -> None:
        ranks = sorted((_rank(key), repr(key), key) for key in self._counts)[:_MOST_KEYS]
        self._counts = Counter({key: self._counts[key] for _, _, key in ranks})
        self._limit = ranks[-1][0]


def _rank(key: Hashable) -> int:
    """Return the rank of a key; its own text decides, so keys of a counter are of one type."""
    digest = hashlib.blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "little")


def ordered(counts: Mapping[K, int]) -> dict[K, int]:
    """Return counts with the most frequent keys first; equal ones in the order of texts.

    Parameters
    ----------
    counts : mapping
    """
    return dict(sorted(counts.items(), key=lambda each: (-each[1], str(each[0]))))


@dataclass(slots=True)
class Numbers:
    """The least, the middle and the greatest of many numbers.

    The middle is exact up to 4,096 different numbers, and that of a sample of 4,096 of them beyond.
    """

    count: int = 0
    low: float = float("inf")
    high: float = float("-inf")
    _some: BoundedCounter[float] = field(default_factory=BoundedCounter)

    def add(self, number: float | None, times: int = 1) -> None:
        """Add a number, so many times; None and what is not finite does not count."""
        if number is None or not abs(number) < float("inf"):
            return
        number = float(number) + 0.0  # no -0.0, which is equal and has another text
        self.count += times
        self.low, self.high = min(self.low, number), max(self.high, number)
        self._some.add(number, times)

    def __iadd__(self, other: Numbers) -> Numbers:
        """Add the numbers of another."""
        self.count += other.count
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self._some += other._some
        return self

    def spread(self) -> Spread | None:
        """Return the spread; None without numbers."""
        if not self.count:
            return None
        some = self._some.counts
        rank, middle = (sum(some.values()) + 1) // 2, self.low
        for number in sorted(some):
            middle, rank = number, rank - some[number]
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
            mine = self.details.get(name)
            if mine is None:
                mine = self.details[name] = BoundedCounter()
            mine += texts
