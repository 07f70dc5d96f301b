"""What the manifest knows of items, in 18 bytes each: so that what is done is not opened again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.live_rows import DONE, TOP_KINDS, live, name_numbers
from fastpix.job.manifest import read_parts
from fastpix.job.storage.storage_protocol import Storage

NEW, PRESENT, FAILED = 0, 1, 2
"""What `Known.look_up` says of an item: to be done; done; failed, and not changed since."""

_DECODING = frozenset({"UnsupportedTransferSyntaxError", "DecodeError"})
_BUCKETS = 256
_FIELDS = np.dtype(
    [("name", "u8"), ("state", "u8"), ("generation", "u2"), ("is_done", "?"), ("is_gone", "?")]
)
_COLUMNS = ("item", "kind", "status", "state", "error", "decoders_here")


class Known:
    """Items of a manifest, by name and state.

    Items are kept in buckets by the first byte of their names: sorting one at a time takes little
    memory beyond what is kept.

    Attributes
    ----------
    generation : int
        The highest of all parts; 0 where there is none.
    """

    def __init__(self) -> None:
        self.generation = 0
        self._names = np.empty(0, np.uint64)
        self._states = np.empty(0, np.uint64)
        self._is_done = np.empty(0, np.bool_)
        self._seen = np.empty(0, np.bool_)

    def __len__(self) -> int:
        return len(self._names)

    def look_up(self, names: Sequence[str], states: Sequence[str]) -> NDArray[np.uint8]:
        """Return `NEW`, `PRESENT` or `FAILED` for each item, and keep in mind that it was seen.

        Parameters
        ----------
        names, states : sequence of str
        """
        found = np.full(len(names), NEW, np.uint8)
        if not len(self._names) or not names:
            return found
        numbers = name_numbers(names)
        places = np.searchsorted(self._names, numbers)
        places[places == len(self._names)] = 0
        is_there = self._names[places] == numbers
        self._seen[places[is_there]] = True
        same = is_there & (self._states[places] == name_numbers(states))
        found[same] = np.where(self._is_done[places[same]], PRESENT, FAILED)
        return found

    @property
    def numbers(self) -> NDArray[np.uint64]:
        """The names that are known, as `name_numbers` gives them, in order."""
        return self._names

    @property
    def unseen(self) -> int:
        """How many items no look-up has asked for: their sources have vanished."""
        return int(len(self._seen) - np.count_nonzero(self._seen))

    def is_unseen(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether items are known, and have not been asked for.

        Parameters
        ----------
        names : sequence of str
        """
        numbers = name_numbers(names)
        places = np.searchsorted(self._names, numbers)
        places[places == len(self._names)] = 0
        found: NDArray[np.bool_] = (self._names[places] == numbers) & ~self._seen[places]
        return found


def known_items(storage: Storage, settings: str, decoders: str, retry_failed: bool) -> Known:
    """Return what the manifest knows.

    Parameters
    ----------
    storage : Storage
    settings : str
        Id of the settings: rows of others do not count.
    decoders : str
        Fingerprint of the decoders here: what failed for want of others is tried again.
    retry_failed : bool
        Try everything again that failed.

    Raises
    ------
    FastpixError
        A part is damaged.
    """
    known = Known()
    buckets: list[list[NDArray[np.void]]] = [[] for _ in range(_BUCKETS)]
    ranks: list[list[NDArray[np.int32]]] = [[] for _ in range(_BUCKETS)]
    batches: list[str] = []
    for facts, table in read_parts(storage, _COLUMNS):
        known.generation = max(known.generation, facts.generation)
        if facts.settings != settings:
            continue
        rows = np.flatnonzero(_is_one_of(table.column("kind"), TOP_KINDS))
        if not len(rows):
            continue
        is_done = _is_one_of(table.column("status"), DONE)[rows]
        is_again = ~is_done
        if not retry_failed:
            is_again &= _is_one_of(table.column("error"), _DECODING)[rows]
            is_again &= ~_is_one_of(table.column("decoders_here"), {decoders})[rows]
        part = np.empty(len(rows), _FIELDS)
        part["name"] = name_numbers(table.column("item"))[rows]
        part["state"] = name_numbers(table.column("state"))[rows]
        part["state"][is_again] = 0  # no state is: the item is done again
        part["generation"] = min(facts.generation, 2**16 - 1)
        part["is_done"] = is_done
        part["is_gone"] = _is_one_of(table.column("status"), {"gone"})[rows]
        part = part[np.argsort(part["name"])]
        edges = np.searchsorted(part["name"] >> 56, np.arange(_BUCKETS + 1, dtype=np.uint64))
        for bucket in np.flatnonzero(np.diff(edges)).tolist():
            some = part[edges[bucket] : edges[bucket + 1]]
            buckets[bucket].append(some)
            ranks[bucket].append(np.full(len(some), len(batches), np.int32))
        batches.append(facts.batch)
    places = np.empty(len(batches), np.int64)
    places[np.argsort(np.array(batches, dtype=np.str_))] = np.arange(len(batches))
    _fill(known, buckets, ranks, places)
    return known


def _is_one_of(column: Any, values: Collection[str]) -> NDArray[np.bool_]:
    """Return which rows of a column of terms have one of these values."""
    found = []
    for chunk in column.chunks:
        terms = np.array([term in values for term in chunk.dictionary.to_pylist()] + [False])
        found.append(terms[chunk.indices.fill_null(len(terms) - 1).to_numpy()])
    return np.concatenate(found) if found else np.empty(0, np.bool_)


def known_files(storage: Storage, settings: str) -> dict[str, tuple[str, str]]:
    """Return the states of the files of series, and the items that they belong to, by name.

    Parameters
    ----------
    storage : Storage
    settings : str
        Id of the settings.
    """
    found: dict[str, tuple[str, str]] = {}
    for facts, table in read_parts(storage, ["name", "item", "kind", "state"]):
        if facts.settings != settings:
            continue
        columns = (table.column(name).to_pylist() for name in ("name", "item", "kind", "state"))
        for name, item, kind, state in zip(*columns, strict=True):
            if kind == "file":
                found[name] = state, item
    return found


def _fill(
    known: Known,
    buckets: list[list[NDArray[np.void]]],
    ranks: list[list[NDArray[np.int32]]],
    places: NDArray[np.int64],
) -> None:
    names, states, is_done = [], [], []
    for bucket, rank in zip(buckets, ranks, strict=True):
        if not bucket:
            continue
        rows = np.concatenate(bucket)
        batches = places[np.concatenate(rank)]
        bucket.clear()
        rank.clear()
        kept = live(rows["name"], rows["generation"].astype(np.int64), rows["is_done"], batches)
        kept = kept[~rows["is_gone"][kept]]
        names.append(rows["name"][kept])
        states.append(rows["state"][kept])
        is_done.append(rows["is_done"][kept])
    if names:
        known._names = np.concatenate(names)
        known._states = np.concatenate(states)
        known._is_done = np.concatenate(is_done)
        known._seen = np.zeros(len(known._names), np.bool_)
