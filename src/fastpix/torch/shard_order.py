"""In which order the samples of shards are read and given: who has which, and what is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


class Reader(NamedTuple):
    """Who reads, of those that share out the shards.

    Attributes
    ----------
    rank, processes : int
        Of a distributed training.
    worker, workers : int
        Of the DataLoader of each process.
    """

    rank: int = 0
    processes: int = 1
    worker: int = 0
    workers: int = 1


def rows_of_reader(shards: Sequence[Rows], order: Sequence[int], reader: Reader) -> Rows:
    """Return the samples that a reader has, in the order that they lie in the shards.

    All processes have as many, so that none waits for another at the end of an epoch: fewer samples
    than there are processes are left out. Shards are cut where it must be.

    Parameters
    ----------
    shards : sequence of ndarray
        The samples of each shard, as they lie in it.
    order : sequence of int
        Of the shards.
    reader : Reader
    """
    rows = np.concatenate([shards[k] for k in order]) if len(order) else np.empty(0, np.int64)
    return rows[slice(*share_of(len(rows), reader))]


def share_of(count: int, reader: Reader) -> tuple[int, int]:
    """Return where the share of a reader begins and ends.

    Parameters
    ----------
    count : int
        Samples of all.
    reader : Reader
    """
    share = count // reader.processes
    begin = reader.rank * share
    return (
        begin + share * reader.worker // reader.workers,
        begin + share * (reader.worker + 1) // reader.workers,
    )


def shuffled_within(count: int, buffer: int, random: np.random.Generator) -> Rows:
    """Return the order in which a buffer gives samples: each from a random place of it.

    Parameters
    ----------
    count : int
        Samples.
    buffer : int
        How many wait at a time; 1 leaves the order as it is.
    random : numpy Generator
    """
    order = np.arange(count)
    places = random.integers(0, np.minimum(buffer, count - np.arange(count)))
    waiting = order[:buffer].tolist()
    for k, place in enumerate(places.tolist()):
        order[k] = waiting[place]
        behind = k + buffer
        if behind < count:
            waiting[place] = behind
        else:
            waiting[place] = waiting[-1]
            waiting.pop()
    return order


def runs_of(
    files: NDArray[np.int64],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    most: int,
    gap: int,
) -> Iterator[list[int]]:
    """Yield the samples that are read at once, in order.

    Parameters
    ----------
    files, starts, stops : ndarray of int64
        Where each sample lies.
    most : int
        Bytes of a run; a larger sample is a run of its own.
    gap : int
        Bytes between two samples that are worth reading for nothing.
    """
    places: list[int] = []
    for k in range(len(files)):
        if places:
            last = places[-1]
            is_next = files[k] == files[last] and 0 <= starts[k] - stops[last] <= gap
            if not is_next or stops[k] - starts[places[0]] > most:
                yield places
                places = []
        places.append(k)
    if places:
        yield places
