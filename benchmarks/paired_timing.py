"""Times of things that take turns.

Times on a shared machine drift by more than what is to be told apart, so members take turns: in
each round every member runs once untimed to be warm (unless it takes most of the time by itself),
then a few times timed, and its time is divided by the floor's in the same round; the order turns
from round to round.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter_ns

SLOW_ROUNDS = 5  # of a member that would take most of the time by itself


@dataclass(frozen=True, slots=True)
class Timing:
    """One member's times over all rounds.

    Attributes
    ----------
    microseconds : float
        Median of a call.
    ratio : float
        Median over rounds of its time by the floor's in that round.
    turns : tuple of float
        Nanoseconds of a call in each round; a slow member has had the first of them only.
    """

    microseconds: float
    ratio: float
    turns: tuple[float, ...]

    def ratio_to(self, other: Timing) -> float:
        """Return the median of its time by another member's, over the rounds that both had."""
        return median(a / b for a, b in zip(self.turns, other.turns, strict=False))


def measure(
    members: dict[str, Callable[[], object]],
    floor: str,
    rounds: int,
    seconds: float,
    *,
    warm: bool = True,
) -> dict[str, Timing]:
    """Time the members in turns.

    Parameters
    ----------
    members : dict of str to callable
    floor : str
        The member that the others are divided by.
    rounds : int
    seconds : float
        What all rounds together should take: it decides how often a call is repeated in a round.
    warm : bool
        Whether a call needs one before it to be warm; a whole series of files does not.
    """
    once = {name: time_calls(call, 1, warm=warm) for name, call in members.items()}
    share = seconds * 1e9 / rounds / len(members)
    repeats = {name: max(1, min(50, int(share / taken) - 1)) for name, taken in once.items()}
    slow = {name for name, taken in once.items() if taken > 4 * share}
    if floor in slow:  # no ratio without it
        slow = set(members)
    times: dict[str, list[float]] = {name: [] for name in members}
    ratios: dict[str, list[float]] = {name: [] for name in members}
    names = list(members)
    gc.collect()
    gc.disable()
    try:
        for k in range(rounds):
            turn = k % len(names)
            taken = {
                name: time_calls(members[name], repeats[name], warm=warm and name not in slow)
                for name in names[turn:] + names[:turn]
                if name not in slow or k < SLOW_ROUNDS
            }
            for name, nanoseconds in taken.items():
                times[name].append(nanoseconds)
                ratios[name].append(nanoseconds / taken[floor])
    finally:
        gc.enable()
    return {
        name: Timing(median(times[name]) / 1e3, median(ratios[name]), tuple(times[name]))
        for name in names
    }


def time_calls(call: Callable[[], object], repeats: int, *, warm: bool = True) -> float:
    """Return the nanoseconds of one call over `repeats`, after one that warms up."""
    if warm:
        call()
    start = perf_counter_ns()
    for _ in range(repeats):
        call()
    return (perf_counter_ns() - start) / repeats
