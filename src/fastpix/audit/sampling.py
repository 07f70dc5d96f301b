"""Which images of a source are looked at: seeded, spread over patients and series.

Memory is bounded.

Every file and series has a rank that its name and the seed decide. Those with the lowest ranks
stay. So the choice depends neither on the order of files nor on how they came in batches: what is
kept at the end is among the lowest of each batch that it occurs in.
"""

from __future__ import annotations

import hashlib
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from fastpix.job.items import SourceFile

_DIGITS = 16  # hexadecimal, of a name
_SERIES_KEPT = 8  # times the samples: enough to spread over patients


class Candidate(NamedTuple):
    """A file that may be looked at; those with lower ranks come first.

    Attributes
    ----------
    rank : int
    name : str
        Keyed hash of its path: that of the manifest.
    file : SourceFile
    patient, series : str
        Keyed hashes; `series` is empty where the file has none.
    """

    rank: int
    name: str
    file: SourceFile
    patient: str
    series: str


@lru_cache(64)
def _mask(seed: int) -> int:
    digest = hashlib.blake2b(str(seed).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def rank_of(seed: int, name: str) -> int:
    """Return a number that the seed and a name decide; names are as good as random.

    Parameters
    ----------
    seed : int
    name : str
        A keyed hash, or nothing.
    """
    return int(name[:_DIGITS] or "0", 16) ^ _mask(seed)


@dataclass(slots=True)
class LowestSeries:
    """The series with the lowest ranks.

    Attributes
    ----------
    size, seed : int
        How many, at most.
    ranks : dict of str to int
        Of those that are kept.
    """

    size: int
    seed: int
    ranks: dict[str, int] = field(default_factory=dict)
    _worst: tuple[int, str] | None = None  # once there are enough

    def take(self, series: str) -> tuple[bool, str | None]:
        """Return whether a series is kept, and which one is dropped for it.

        Parameters
        ----------
        series : str
        """
        if series in self.ranks:
            return True, None
        rank = rank_of(self.seed, series)
        if self._worst is None:
            self.ranks[series] = rank
            if len(self.ranks) == self.size:
                self._find_worst()
            return True, None
        if (rank, series) >= self._worst:
            return False, None
        dropped = self._worst[1]
        del self.ranks[dropped]
        self.ranks[series] = rank
        self._find_worst()
        return True, dropped

    def ordered(self) -> list[str]:
        """Return the series that are kept, that with the lowest rank first."""
        return sorted(self.ranks, key=lambda each: (self.ranks[each], each))

    def _find_worst(self) -> None:
        self._worst = max((rank, series) for series, rank in self.ranks.items())


@dataclass(slots=True)
class Reservoir:
    """The images of a source that may be looked at.

    Attributes
    ----------
    size, seed : int
        How many images, at most.
    """

    size: int
    seed: int
    _lowest: LowestSeries = field(init=False)
    _candidates: dict[str, list[Candidate]] = field(default_factory=dict)  # in order

    def __post_init__(self) -> None:
        self._lowest = LowestSeries(_SERIES_KEPT * self.size, self.seed)

    def offer(self, file: SourceFile, name: str, patient: str, series: str) -> None:
        """Take a file, if it is one of those with the lowest ranks.

        Parameters
        ----------
        file : SourceFile
        name, patient, series : str
            Keyed hashes.
        """
        kept = self._kept_of(series)
        if kept is not None:
            rank = rank_of(self.seed, name)
            if len(kept) < self.size or rank <= kept[-1].rank:
                insort(kept, Candidate(rank, name, file, patient, series))
                del kept[self.size :]

    def __iadd__(self, other: Reservoir) -> Reservoir:
        """Take the files of another that have the lowest ranks."""
        for series, candidates in other._candidates.items():
            kept = self._kept_of(series)
            if kept is not None:
                kept += candidates
                kept.sort()
                del kept[self.size :]
        return self

    def chosen(self) -> list[Candidate]:
        """Return the images to look at: of each patient one, then of each series one, and so on."""
        by_patient: dict[str, list[list[Candidate]]] = {}
        for series in self._lowest.ordered():
            files = self._candidates[series]
            by_patient.setdefault(files[0].patient, []).append(files)
        queues = [_by_turns(series) for series in by_patient.values()]
        return _by_turns(queues)[: self.size]

    @property
    def series(self) -> list[str]:
        """The series with the lowest ranks, as many as images are looked at."""
        return self._lowest.ordered()[: self.size]

    def _kept_of(self, series: str) -> list[Candidate] | None:
        """Return what is kept of a series; None if it is not."""
        is_kept, dropped = self._lowest.take(series)
        if dropped is not None:
            del self._candidates[dropped]
        return self._candidates.setdefault(series, []) if is_kept else None


def _by_turns(queues: Sequence[list[Candidate]]) -> list[Candidate]:
    """Return the first of each queue, then the second of each."""
    longest = max(map(len, queues), default=0)
    return [queue[k] for k in range(longest) for queue in queues if k < len(queue)]
