"""Which images of a source are looked at: seeded, spread over patients and series.

Memory is bounded.

Every file, series and patient has a rank that its UID and the seed decide. Those with the lowest
ranks stay. So the choice depends neither on the order of files nor on how they came in batches.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

from fastpix.job.items import SourceFile

_SERIES_KEPT = 8  # times the samples: enough to spread over patients


class Candidate(NamedTuple):
    """A file that may be looked at.

    Attributes
    ----------
    rank : int
    file : SourceFile
    patient, series : bytes
        As the file has them: never kept in a record.
    """

    rank: int
    file: SourceFile
    patient: bytes
    series: bytes


def rank_of(seed: int, *parts: bytes) -> int:
    """Return a number that the seed and some bytes decide.

    Parameters
    ----------
    seed : int
    parts : bytes
    """
    digest = hashlib.blake2b(b"\0".join(parts), digest_size=8, key=str(seed).encode())
    return int.from_bytes(digest.digest(), "little")


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
    _series: dict[bytes, list[Candidate]] = field(default_factory=dict)
    _ranks: dict[bytes, int] = field(default_factory=dict)

    def offer(self, file: SourceFile, patient: bytes, series: bytes) -> None:
        """Take a file, if it is one of those with the lowest ranks.

        Parameters
        ----------
        file : SourceFile
        patient, series : bytes
        """
        kept = self._series.get(series)
        if kept is None:
            rank = rank_of(self.seed, b"series", series)
            if len(self._series) >= _SERIES_KEPT * self.size:
                worst = max(self._ranks, key=lambda each: (self._ranks[each], each))
                if (rank, series) >= (self._ranks[worst], worst):
                    return
                del self._series[worst], self._ranks[worst]
            kept = self._series[series] = []
            self._ranks[series] = rank
        own = file.relative.encode("utf-8", "surrogateescape")
        candidate = Candidate(rank_of(self.seed, b"file", own), file, patient, series)
        if len(kept) < self.size:
            kept.append(candidate)
            kept.sort(key=_order)
            return
        # The last one has the highest rank.
        if (candidate.rank, file.relative) < (kept[-1].rank, kept[-1].file.relative):
            kept[-1] = candidate
            kept.sort(key=_order)

    def chosen(self) -> list[Candidate]:
        """Return the images to look at: of each patient one, then of each series one, and so on."""
        by_patient: dict[bytes, list[list[Candidate]]] = {}
        for series in sorted(self._series, key=lambda each: (self._ranks[each], each)):
            files = self._series[series]
            by_patient.setdefault(files[0].patient, []).append(files)
        queues = [_by_turns(series) for series in by_patient.values()]
        return _by_turns(queues)[: self.size]

    @property
    def series(self) -> list[bytes]:
        """The series with the lowest ranks, as many as images are looked at."""
        ordered = sorted(self._series, key=lambda each: (self._ranks[each], each))
        return ordered[: self.size]


def _order(candidate: Candidate) -> tuple[int, str]:
    return candidate.rank, candidate.file.relative


def _by_turns(queues: list[list[Candidate]]) -> list[Candidate]:
    """Return the first of each queue, then the second of each."""
    longest = max(map(len, queues), default=0)
    return [queue[k] for k in range(longest) for queue in queues if k < len(queue)]
