"""Count, minimum, maximum, mean and standard deviation, which can be merged.

Integers are added up exactly, so their order makes no difference; floats by the formula of Chan,
Golub and LeVeque, so that a small spread around a large mean is not lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_EXACT = 2**62  # what a sum in int64 stays below


@dataclass(slots=True)
class IntegerMoments:
    """Exact sums of integers.

    Attributes
    ----------
    count, total, squares : int
        How many, their sum and the sum of their squares.
    low, high : int
        Minimum and maximum; 0 while there is none.
    """

    count: int = 0
    total: int = 0
    squares: int = 0
    low: int = 0
    high: int = 0

    def add(self, other: IntegerMoments) -> None:
        """Add what another has."""
        if not other.count:
            return
        self.low = min(self.low, other.low) if self.count else other.low
        self.high = max(self.high, other.high) if self.count else other.high
        self.count += other.count
        self.total += other.total
        self.squares += other.squares


@dataclass(slots=True)
class FloatMoments:
    """Mean and spread of floats.

    Attributes
    ----------
    count : int
    mean, spread : float
        Their mean, and the sum of the squares of their distances from it.
    low, high : float
        Minimum and maximum; 0 while there is none.
    """

    count: int = 0
    mean: float = 0.0
    spread: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def add(self, other: FloatMoments) -> None:
        """Add what another has."""
        if not other.count:
            return
        if not self.count:
            self.count, self.mean, self.spread = other.count, other.mean, other.spread
            self.low, self.high = other.low, other.high
            return
        count = self.count + other.count
        distance = other.mean - self.mean
        self.mean += distance * (other.count / count)
        self.spread += other.spread + distance * distance * (self.count * (other.count / count))
        self.count = count
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)


def integer_moments(values: NDArray[np.int64], counts: NDArray[np.int64]) -> IntegerMoments:
    """Return the moments of integers in ascending order, each with its count."""
    count = int(counts.sum())
    low, high = int(values[0]), int(values[-1])
    largest = max(-low, high, 1)
    if largest * largest * count < _EXACT:
        total, squares = int(values @ counts), int((values * values) @ counts)
    else:
        pairs = list(zip(values.tolist(), counts.tolist(), strict=True))
        total = sum(value * often for value, often in pairs)
        squares = sum(value * value * often for value, often in pairs)
    return IntegerMoments(count, total, squares, low, high)


def mean_and_std(integers: IntegerMoments, floats: FloatMoments) -> tuple[float, float]:
    """Return the mean and the standard deviation of all (the one that divides by the count).

    Integers alone: each is the exact number, rounded once.
    """
    if not floats.count:
        n = integers.count
        return integers.total / n, _root(n * integers.squares - integers.total**2, n)
    if not integers.count:
        return floats.mean, math.sqrt(floats.spread / floats.count)
    mean = Fraction(integers.total, integers.count)
    spread = integers.squares - integers.count * mean * mean
    both = FloatMoments(integers.count, float(mean), float(spread))
    both.add(floats)
    return both.mean, math.sqrt(both.spread / both.count)


def _root(square: int, divisor: int) -> float:
    """Return ``sqrt(square) / divisor``, rounded once."""
    shift = max(0, 160 - square.bit_length()) // 2 + divisor.bit_length()
    return math.isqrt(square << (2 * shift)) / (divisor << shift)
