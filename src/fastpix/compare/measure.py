"""Files read by every reader: whether the values agree, and how long each takes."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from fastpix.compare.differences import Difference, find_difference
from fastpix.compare.readers import FASTPIX, Reader
from fastpix.compare.worker import Failure, ReaderProcess, Values
from fastpix.errors import ArgumentError

_SEED = 1  # of the sample: the same files each time


@dataclass(slots=True)
class Reading:
    """What one reader made of one file.

    Attributes
    ----------
    shape : tuple of int
    dtype : str
        As the reader gave it.
    nbytes : int
        Of its values as float32.
    difference : Difference or None
        To fastpix, where both read the file and do not agree.
    failure : Failure or None
        Why there are no values.
    nanoseconds : list of float
        Of one read, for each round; empty where it was not timed.
    """

    shape: tuple[int, ...] = ()
    dtype: str = ""
    nbytes: int = 0
    difference: Difference | None = None
    failure: Failure | None = None
    nanoseconds: list[float] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether there is something to tell of it."""
        return self.difference is not None or self.failure is not None


@dataclass(frozen=True, slots=True)
class ComparedFile:
    """What all readers made of one file.

    Attributes
    ----------
    path : str
    readings : dict of str to Reading
        By the names of the readers, fastpix first; empty where the file holds no image.
    """

    path: str
    readings: dict[str, Reading]

    @property
    def is_refused(self) -> bool:
        """Whether it is an image that no reader reads."""
        return bool(self.readings) and all(r.failure is not None for r in self.readings.values())

    @property
    def is_compared(self) -> bool:
        """Whether any reader gives values."""
        return any(reading.failure is None for reading in self.readings.values())


def compare(
    paths: Iterable[str],
    readers: Sequence[Reader],
    *,
    rounds: int = 5,
    timeout: float = 60.0,
    limit: int | None = None,
) -> Generator[ComparedFile, None, None]:
    """Read files with every reader, each in a process of its own.

    Every file is first read once by each reader, and the values are compared, as float32. Then
    come the rounds: in each, one reader after the other reads the file, the first another one each
    time. A reader is timed on the files that it and fastpix read in the same shape.

    The processes import the main module: a script calls this under
    ``if __name__ == "__main__":``.

    Parameters
    ----------
    paths : iterable of str
    readers : sequence of Reader
        fastpix, which must be the first, and those to compare it with.
    rounds : int
        With 0, nothing is timed.
    timeout : float
        Seconds after which a reader is taken for hung.
    limit : int, optional
        So many images, chosen by chance, but the same ones each time; all if not given.

    Yields
    ------
    ComparedFile

    Raises
    ------
    ArgumentError
    """
    if not readers or readers[0].name != FASTPIX:
        raise ArgumentError("readers", f"{FASTPIX} must be the first: the others are held to it")
    if rounds < 0:
        raise ArgumentError("rounds", f"{rounds} is less than 0")
    if not timeout > 0:
        raise ArgumentError("timeout", f"{timeout} is not a positive number of seconds")
    if limit is not None and limit < 1:
        raise ArgumentError("limit", f"{limit} is less than 1")
    chosen = list(paths)
    if limit is not None:
        random.Random(_SEED).shuffle(chosen)
    return _compare(chosen, readers, rounds, timeout, limit)


def _compare(
    paths: list[str], readers: Sequence[Reader], rounds: int, timeout: float, limit: int | None
) -> Generator[ComparedFile, None, None]:
    images = 0
    with ExitStack() as stack:
        team = [stack.enter_context(ReaderProcess(reader, timeout)) for reader in readers]
        for path in paths:
            file = _check(path, team)
            _time(file, team, rounds)
            yield file
            images += bool(file.readings)
            if images == limit:
                return


def _check(path: str, team: Sequence[ReaderProcess]) -> ComparedFile:
    """Read a file once with every reader, and compare the values."""
    ours, *peers = team
    own = ours.values(path)
    if isinstance(own, Failure) and not own.is_image:
        return ComparedFile(path, {})
    readings = {FASTPIX: _reading(own)}
    reference, values = ours.reader.reference, own
    for peer in sorted(peers, key=lambda p: p.reader.reference.__name__):
        if peer.reader.reference is not reference and isinstance(own, Values):
            reference = peer.reader.reference
            adapted = ours.values(path, reference)
            values = own if isinstance(adapted, Failure) else adapted
        theirs = peer.values(path)
        reading = readings[peer.reader.name] = _reading(theirs)
        if isinstance(values, Values) and isinstance(theirs, Values):
            reading.difference = find_difference(values.array, theirs.array)
    return ComparedFile(path, {one.reader.name: readings[one.reader.name] for one in team})


def _reading(given: Values | Failure) -> Reading:
    if isinstance(given, Failure):
        return Reading(failure=given)
    return Reading(given.array.shape, given.dtype, given.array.nbytes)


def _time(file: ComparedFile, team: Sequence[ReaderProcess], rounds: int) -> None:
    """Time the readers that give the shape that fastpix gives, in turns."""
    if not file.readings:
        return
    own = file.readings[FASTPIX]
    for turn in range(rounds if own.failure is None else 0):
        start = turn % len(team)
        for process in [*team[start:], *team[:start]]:
            reading = file.readings[process.reader.name]
            if reading.failure is not None or reading.shape != own.shape:
                continue
            taken = process.time(file.path)
            if isinstance(taken, Failure):
                reading.failure = taken
            else:
                reading.nanoseconds.append(taken)
        if own.failure is not None:
            break
    for reading in file.readings.values():
        if reading.failure is not None or own.failure is not None:
            reading.nanoseconds.clear()


@dataclass(frozen=True, slots=True)
class Standing:
    """How one reader did on all files.

    Attributes
    ----------
    read, failed, differing : int
        Files.
    milliseconds : float or None
        The median over files of the median over rounds.
    megabytes_per_second : float or None
        Of values as float32, over all files that were timed.
    ratio : float or None
        The median over files of the median over rounds of its time by fastpix's.
    kinds : dict of str to int
        Files by how they differ, or why they fail.
    """

    read: int
    failed: int
    differing: int
    milliseconds: float | None
    megabytes_per_second: float | None
    ratio: float | None
    kinds: dict[str, int]


def standing_of(name: str, files: Iterable[ComparedFile]) -> Standing:
    """Return how the reader of that name did on the files that any reader reads."""
    read = failed = differing = nbytes = 0
    times: list[float] = []
    ratios: list[float] = []
    kinds: dict[str, int] = {}
    for file in files:
        if not file.is_compared:
            continue
        reading, own = file.readings[name], file.readings[FASTPIX]
        if reading.failure is not None:
            failed += 1
            kind = f"failed: {reading.failure.kind}"
            kinds[kind] = kinds.get(kind, 0) + 1
            continue
        read += 1
        if reading.difference is not None:
            differing += 1
            kind = reading.difference.kind
            kinds[kind] = kinds.get(kind, 0) + 1
        if reading.nanoseconds:
            times.append(median(reading.nanoseconds))
            nbytes += reading.nbytes
            pairs = zip(reading.nanoseconds, own.nanoseconds, strict=True)
            ratios.append(median(theirs / ours for theirs, ours in pairs))
    return Standing(
        read,
        failed,
        differing,
        median(times) / 1e6 if times else None,
        nbytes / sum(times) * 1e3 if times else None,
        median(ratios) if ratios else None,
        dict(sorted(kinds.items(), key=lambda item: -item[1])),
    )
