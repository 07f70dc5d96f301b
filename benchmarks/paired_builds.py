"""Two builds in turns: pairs of times, their ratio, and how sure it is.

Both builds live at the same time, as processes that wait for each other. In each pair, a case runs
in one and at once in the other, for a few milliseconds; the order is A B B A. What counts is CPU
time, so that other processes disturb little. Where arrays lie in memory can make a fifth of a short
call's time, and stays as it is while a process lives: so both are started several times, and the
interval draws starts again, not pairs alone.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

BURST = 2e6  # nanoseconds of a turn: some turns of that length no other process disturbs
LEAST_PAIRS = 11  # of a start
DRAWS = 2000  # of the bootstrap
SURE = 0.95  # how many of the draws the interval holds
MOST = 1.05  # the ratio that nobody complains about
SEED = 20261128


class Timed(Protocol):
    """What can time a case by its name."""

    def time(self, name: str, repeats: int) -> float:
        """Return the nanoseconds of CPU time of a call."""


class Build(NamedTuple):
    """An installation, in a process of its own."""

    to: IO[str]
    answers: IO[str]
    names: list[str]
    left_out: dict[str, str]
    versions: dict[str, str]

    def time(self, name: str, repeats: int) -> float:
        """Return the nanoseconds of CPU time of a call."""
        print(json.dumps([name, repeats]), file=self.to, flush=True)
        return float(self.answers.readline())


@dataclass(frozen=True, slots=True)
class Finding:
    """What the second build costs in one case.

    Attributes
    ----------
    case : str
    microseconds : float
        Of the first build: the median.
    ratio : float
        The second build's time by the first's: the median over pairs.
    low, high : float
        The interval of the ratio.
    pairs : int
    """

    case: str
    microseconds: float
    ratio: float
    low: float
    high: float
    pairs: int

    @property
    def is_loss(self) -> bool:
        """Whether the second build is slower by more than `MOST`, as sure as `SURE`."""
        return self.low > MOST

    @property
    def is_gain(self) -> bool:
        """Whether it is faster by as much."""
        return self.high < 1 / MOST


@dataclass(slots=True)
class Times:
    """The pairs of a case, one array of (pairs, 2) for each start."""

    starts: list[NDArray[np.float64]] = field(default_factory=list)


@contextmanager
def started(python: str, families: Sequence[str]) -> Iterator[Build]:
    """Start a process of an installation."""
    command = [python, str(Path(__file__).with_name("build_cases.py")), *families]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"{python} cannot run the cases: see its message above")
            yield Build(process.stdin, process.stdout, **json.loads(line))
        finally:
            process.stdin.close()


def take_pairs(a: Timed, b: Timed, name: str, seconds: float) -> NDArray[np.float64]:
    """Return pairs of nanoseconds of two builds, in turns A B B A, for so long."""
    b.time(name, 1)
    repeats = max(1, min(1000, int(BURST / max(a.time(name, 1), 1.0))))
    pairs: list[tuple[float, float]] = []
    until = time.monotonic() + seconds
    while len(pairs) < LEAST_PAIRS or time.monotonic() < until:
        if len(pairs) % 2:
            theirs = b.time(name, repeats)
            pairs.append((a.time(name, repeats), theirs))
        else:
            ours = a.time(name, repeats)
            pairs.append((ours, b.time(name, repeats)))
    return np.array(pairs)


def finding_of(case: str, times: Times, draws: int = DRAWS) -> Finding:
    """Return the ratio of a case and its interval, by a bootstrap over starts and their pairs."""
    pairs = min(map(len, times.starts))
    starts = np.stack([each[:pairs] for each in times.starts])
    ratios = starts[..., 1] / starts[..., 0]
    random = np.random.default_rng(SEED)
    which = random.integers(len(ratios), size=(draws, len(ratios), 1))
    inside = random.integers(pairs, size=(draws, len(ratios), pairs))
    medians = np.median(ratios[which, inside].reshape(draws, -1), axis=1)
    low, high = np.quantile(medians, [(1 - SURE) / 2, (1 + SURE) / 2])
    middle = float(np.median(starts[..., 0])) / 1e3
    return Finding(
        case, middle, float(np.median(ratios)), float(low), float(high), int(ratios.size)
    )  # fmt: skip
