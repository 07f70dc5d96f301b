"""Items read by every reader: whether the values agree, and how long each takes, pass by pass."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from fastpix.compare.differences import Difference
from fastpix.compare.parts import Item, Part
from fastpix.compare.readers import FASTPIX, Reader
from fastpix.compare.worker import Failure, ReaderProcess, Values
from fastpix.errors import ArgumentError

_SEED = 1  # of the sample, and of the order in a pass: the same each time

T = TypeVar("T")


@dataclass(slots=True)
class Reading:
    """What one reader made of one item.

    Attributes
    ----------
    shapes : tuple of tuple of int
        Of each volume; of an image or a batch, one.
    dtype : str
        As the reader gave it.
    nbytes : int
        Of its values as float32.
    difference : Difference or None
        To fastpix, where both read the item and do not agree.
    failure : Failure or None
        Why there are no values.
    nanoseconds : dict of int to float
        Of one read, by the number of the pass; empty where it was not timed.
    """

    shapes: tuple[tuple[int, ...], ...] = ()
    dtype: str = ""
    nbytes: int = 0
    difference: Difference | None = None
    failure: Failure | None = None
    nanoseconds: dict[int, float] = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        """Whether there is something to tell of it."""
        return self.difference is not None or self.failure is not None

    @property
    def is_alike(self) -> bool:
        """Whether there are values, and of the shape of fastpix's."""
        has_shape = self.difference is None or self.difference.kind != "other shape"
        return self.failure is None and has_shape


@dataclass(frozen=True, slots=True)
class ComparedItem:
    """What all readers made of one item.

    Attributes
    ----------
    item : Item
    readings : dict of str to Reading
        By the names of the readers, fastpix first; empty where the file holds no image.
    """

    item: Item
    readings: dict[str, Reading]

    @property
    def is_refused(self) -> bool:
        """Whether it is an image, a series or a batch that no reader reads."""
        return bool(self.readings) and all(r.failure is not None for r in self.readings.values())

    @property
    def is_compared(self) -> bool:
        """Whether any reader gives values."""
        return any(reading.failure is None for reading in self.readings.values())


class Step(NamedTuple):
    """How far a comparison is.

    Attributes
    ----------
    phase : str
        "checking", or "pass 2 of 5".
    done, total : int
        Items that all readers have read; in a pass, reads of all readers.
    """

    phase: str
    done: int
    total: int


class Measurement:
    """Items read with every reader, each in a process of its own.

    First comes the check: every reader reads every item once, and the values are compared, as
    float32. Then come the passes. In each, every reader goes through all items, in an order by
    chance that is the same for all readers and another one in each pass. The readers take turns,
    and another one begins each pass. A time is that of one read, and no reader reads an item twice
    in a row, so none gains by remembering it. A reader is timed on the items that it and fastpix
    read in the same shape.

    The processes import the main module: a script uses this under ``if __name__ == "__main__":``.

    Parameters
    ----------
    part : Part
    items : iterable of Item
    readers : sequence of Reader
        fastpix, which must be the first, and those to compare it with. Those that are not installed
        are told of, and not used.
    rounds : int
        Passes; with 0, nothing is timed.
    timeout : float
        Seconds after which a reader is taken for hung.
    limit : int, optional
        So many items, chosen by chance, but the same ones each time; all if not given.
    remarks : sequence of str
        What was left out before, for the title of the table.

    Attributes
    ----------
    compared : list of ComparedItem
        Those that were checked until now.
    passes : int
        Complete ones.

    Raises
    ------
    ArgumentError
    """

    def __init__(
        self,
        part: Part,
        items: Iterable[Item],
        readers: Sequence[Reader],
        *,
        rounds: int = 5,
        timeout: float = 60.0,
        limit: int | None = None,
        remarks: Sequence[str] = (),
    ) -> None:
        if not readers or readers[0].name != FASTPIX:
            raise ArgumentError(
                "readers", f"{FASTPIX} must be the first: the others are held to it"
            )
        check_options(rounds, timeout, limit)
        self.part = part
        self.readers = tuple(readers)
        self.compared: list[ComparedItem] = []
        self.passes = 0
        self.rounds = rounds
        self.remarks = tuple(remarks)
        self._timeout = timeout
        self._limit = limit
        self._last: dict[str, ComparedItem] = {}  # that a reader has read
        self._items = list(items) if limit is None else shuffled(items)

    @property
    def has_images(self) -> bool:
        """Whether there is anything to tell of a reader, were it that it fails."""
        return any(item.readings for item in self.compared)

    def steps(self) -> Generator[Step, None, None]:
        """Do it, step by step; whoever stops has what was measured until then."""
        present = [reader for reader in self.readers if reader.is_present()]
        with ExitStack() as stack:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="fastpix-", ignore_cleanup_errors=True)
            )
            team = [
                stack.enter_context(ReaderProcess(reader, self._timeout, folder))
                for reader in present
            ]
            yield from self._check(team)
            if any(self._timed(FASTPIX)):
                for number in range(self.rounds):
                    yield from self._pass(number, team)
                    self.passes += 1

    def _check(self, team: Sequence[ReaderProcess]) -> Iterator[Step]:
        total = min(len(self._items), self._limit or len(self._items))
        images = 0
        yield Step("checking", 0, total)
        for number, item in enumerate(self._items):
            one = _check_one(self.part, item, team)
            self.compared.append(one)
            images += bool(one.readings)
            yield Step("checking", images if self._limit else number + 1, total)
            if images == self._limit:
                return

    def _pass(self, number: int, team: Sequence[ReaderProcess]) -> Iterator[Step]:
        """Let every reader go through all items, in one order."""
        order = shuffled(self._timed(FASTPIX), number)
        start = number % len(team)
        turns = [*team[start:], *team[:start]]
        done, total = 0, len(order) * len(team)
        phase = f"pass {number + 1} of {self.rounds}"
        yield Step(phase, 0, total)
        for process in turns:
            name = process.reader.name
            its_own = [one for one in order if name in self._timed_readers(one)]
            if its_own and its_own[0] is self._last.get(name):  # not twice in a row
                its_own.append(its_own.pop(0))
            done += len(order) - len(its_own)
            given = [one.item.given for one in its_own]
            for one, taken in zip(its_own, process.times(given), strict=True):
                reading = one.readings[name]
                if isinstance(taken, Failure):
                    reading.failure = taken
                else:
                    reading.nanoseconds[number] = taken
                self._last[name] = one
                done += 1
                yield Step(phase, done, total)
        for one in order:
            own = one.readings[FASTPIX]
            for reading in one.readings.values():
                if reading.failure is not None or own.failure is not None:
                    reading.nanoseconds.clear()

    def _timed(self, name: str) -> list[ComparedItem]:
        return [one for one in self.compared if name in self._timed_readers(one)]

    @staticmethod
    def _timed_readers(one: ComparedItem) -> set[str]:
        """Return who is timed on an item: nobody where fastpix does not read it."""
        if not one.readings or one.readings[FASTPIX].failure is not None:
            return set()
        return {name for name, reading in one.readings.items() if reading.is_alike}


def check_options(rounds: int, timeout: float, limit: int | None) -> None:
    """Raise an ArgumentError where an option makes no sense."""
    if rounds < 0:
        raise ArgumentError("rounds", f"{rounds} is less than 0")
    if not timeout > 0:
        raise ArgumentError("timeout", f"{timeout} is not a positive number of seconds")
    if limit is not None and limit < 1:
        raise ArgumentError("limit", f"{limit} is less than 1")


def shuffled(things: Iterable[T], number: int = 0) -> list[T]:
    """Return things in an order by chance, the same one each time; another one for each number."""
    made = list(things)
    random.Random(_SEED + number).shuffle(made)
    return made


def _check_one(part: Part, item: Item, team: Sequence[ReaderProcess]) -> ComparedItem:
    """Read an item once with every reader, and compare the values."""
    ours, *peers = team
    own = ours.values(item.given)
    if isinstance(own, Failure) and not own.is_image:
        return ComparedItem(item, {})
    readings = {FASTPIX: _reading(own)}
    values: Mapping[Any, Values | Failure] = {ours.reader.read: own}
    for peer in sorted(peers, key=lambda p: repr(p.reader.reference)):
        theirs = peer.values(item.given)
        reading = readings[peer.reader.name] = _reading(theirs)
        if not isinstance(own, Values) or not isinstance(theirs, Values):
            continue
        reference = peer.reader.reference
        if reference not in values:  # one at a time: they are as large as the item
            adapted = ours.values(item.given, reference)
            adapted = own if isinstance(adapted, Failure) else adapted
            values = {ours.reader.read: own, reference: adapted}
        held = values[reference]
        if isinstance(held, Values):
            reading.difference = part.find_difference(held, theirs)
    return ComparedItem(item, {one.reader.name: readings[one.reader.name] for one in team})


def _reading(given: Values | Failure) -> Reading:
    if isinstance(given, Failure):
        return Reading(failure=given)
    nbytes = sum(volume.array.nbytes for volume in given.volumes)
    return Reading(given.shapes, given.dtype, nbytes)
