"""How many different UIDs, or patients, there are, in 8 bytes for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_DIGITS = 16  # hexadecimal, of 8 bytes
_FEWEST = 2**16  # that are sorted together


def _nothing() -> NDArray[np.uint64]:
    return np.zeros(0, np.uint64)


@dataclass(slots=True)
class Distinct:
    """A set of keyed names, of which 8 bytes are kept.

    10^7 UIDs need 80 MB, and twice that for moments while they are sorted. Two different ones of
    10^7 have the same 8 bytes with a probability of 3 in a million; they would count as one.
    """

    _sorted: NDArray[np.uint64] = field(default_factory=_nothing)
    _more: set[str] = field(default_factory=set)  # whole names, until they are asked for
    _added: list[NDArray[np.uint64]] = field(default_factory=list)
    _waiting: int = 0  # numbers in `_added`

    def add(self, name: str) -> None:
        """Add a name of hexadecimal digits.

        Parameters
        ----------
        name : str
        """
        self._more.add(name)

    def __iadd__(self, other: Distinct) -> Distinct:
        """Add all of another."""
        numbers = other.numbers()
        self._added.append(numbers)
        self._waiting += len(numbers)
        if self._waiting > max(_FEWEST, len(self._sorted)):
            self.numbers()
        return self

    def numbers(self) -> NDArray[np.uint64]:
        """Return all, in order."""
        if self._more:
            numbers = (int(name[:_DIGITS], 16) for name in self._more)
            self._added.append(np.fromiter(numbers, np.uint64, len(self._more)))
            self._more = set()
        if self._added:
            self._sorted = np.unique(np.concatenate([self._sorted, *self._added]))
            self._added, self._waiting = [], 0
        return self._sorted

    def __len__(self) -> int:
        return len(self.numbers())

    def __reduce__(self) -> tuple[type[Distinct], tuple[NDArray[np.uint64]]]:
        return Distinct, (self.numbers(),)


def distinct_in_all(sets: Iterable[Distinct]) -> int:
    """Return how many different names several sets have together.

    Parameters
    ----------
    sets : iterable of Distinct
    """
    total = Distinct()
    for each in sets:
        total += each
    return len(total)


@dataclass(slots=True)
class Occurrences:
    """UIDs that should occur once, in 8 bytes for each time that one does.

    Attributes
    ----------
    count : int
        How many were added.
    """

    count: int = 0
    distinct: Distinct = field(default_factory=Distinct)

    def add(self, name: str) -> None:
        """Add a name of hexadecimal digits.

        Parameters
        ----------
        name : str
        """
        self.count += 1
        self.distinct.add(name)

    def __iadd__(self, other: Occurrences) -> Occurrences:
        """Add those of another."""
        self.count += other.count
        self.distinct += other.distinct
        return self


def repeated(occurrences: Sequence[Occurrences]) -> list[int]:
    """Return how many UIDs of each of several things occurred before, in it or in those before it.

    Parameters
    ----------
    occurrences : sequence of Occurrences
    """
    if not occurrences:
        return []
    numbers = [each.distinct.numbers() for each in occurrences]
    owners = np.repeat(np.arange(len(numbers)), [len(each) for each in numbers])
    together = np.concatenate(numbers)
    order = np.argsort(together, kind="stable")  # equal ones stay in the order of their owners
    together, owners = together[order], owners[order]
    is_known = together[1:] == together[:-1]
    known = np.bincount(owners[1:][is_known], minlength=len(numbers)).tolist()
    own = (each.count - len(each.distinct) for each in occurrences)
    return [in_it + in_others for in_it, in_others in zip(own, known, strict=True)]
