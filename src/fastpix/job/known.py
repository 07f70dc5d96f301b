"""What the manifest knows of items, in 19 bytes each, so that what is done is not opened again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastpix.job.live_rows import DONE, TOP_KINDS, is_one_of, live, name_numbers
from fastpix.job.manifest import read_parts
from fastpix.job.source_verdicts import COLUMNS as SOURCE_COLUMNS
from fastpix.job.source_verdicts import stale_rows
from fastpix.job.storage.storage_protocol import Storage
from fastpix.sources.run_verdicts import RunVerdicts

NEW, PRESENT, FAILED = 0, 1, 2
"""What `Known.look_up` says of an item: to be done; done; failed, and not changed since."""

_DECODING = frozenset({"UnsupportedTransferSyntaxError", "DecodeError"})
_BUCKET_BITS = 5  # so that large ones go back to the system when they are let go
_FIELDS = np.dtype(
    [
        ("name", "u8"), ("state", "u8"), ("generation", "u2"), ("is_done", "?"), ("is_gone", "?"),
        ("is_kept", "?"),
    ]
)  # fmt: skip
_COLUMNS = ("item", "kind", "status", "state", "decoders_here", *SOURCE_COLUMNS)


class Known:
    """Items of a manifest, by name and state.

    They are read into buckets by the first bits of their names, and sorted one bucket at a time:
    that takes little memory beyond what is kept.

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
        self._is_kept = np.empty(0, np.bool_)  # something was made of it
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

    def forget_all_but(self, numbers: NDArray[np.uint64]) -> int:
        """Have items done again of which something was made that is not there any more.

        Parameters
        ----------
        numbers : ndarray of uint64
            The names of what is there, as `name_numbers` gives them.

        Returns
        -------
        int
            How many.
        """
        is_lost = self._is_kept & ~np.isin(self._names, numbers)
        self._states[is_lost] = 0  # no state is
        return int(np.count_nonzero(is_lost))

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


def known_items(
    storage: Storage,
    settings: str,
    decoders: str,
    retry_failed: bool,
    verdicts: RunVerdicts | None = None,
) -> Known:
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
    verdicts : RunVerdicts or None
        On sources: what was made under others is done again.

    Raises
    ------
    FastpixError
        A part is damaged.
    """
    known = Known()
    buckets = [bytearray() for _ in range(2**_BUCKET_BITS)]
    firsts = np.arange(len(buckets) + 1, dtype=np.uint64)
    for facts, table in read_parts(storage, _COLUMNS):
        known.generation = max(known.generation, facts.generation)
        if facts.settings != settings:
            continue
        rows = np.flatnonzero(is_one_of(table.column("kind"), TOP_KINDS))
        is_done = is_one_of(table.column("status"), DONE)[rows]
        is_again = ~is_done
        if not retry_failed:
            is_again &= is_one_of(table.column("error"), _DECODING)[rows]
            is_again &= ~is_one_of(table.column("decoders_here"), {decoders})[rows]
        part = np.empty(len(rows), _FIELDS)
        items = name_numbers(table.column("item"))
        part["name"] = items[rows]
        is_again |= np.isin(items[rows], items[stale_rows(table, verdicts)])  # by any of its files
        part["state"] = name_numbers(table.column("state"))[rows]
        part["state"][is_again] = 0  # no state is: the item is done again
        part["generation"] = min(facts.generation, 2**16 - 1)
        part["is_done"] = is_done
        part["is_gone"] = is_one_of(table.column("status"), {"gone"})[rows]
        part["is_kept"] = is_one_of(table.column("status"), {"done", "in review"})[rows]
        part = part[np.argsort(part["name"])]
        edges = np.searchsorted(part["name"] >> (64 - _BUCKET_BITS), firsts)
        for bucket in np.flatnonzero(np.diff(edges)).tolist():
            buckets[bucket] += part[edges[bucket] : edges[bucket + 1]].tobytes()
    _fill(known, buckets)
    return known


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


def _fill(known: Known, buckets: list[bytearray]) -> None:
    total = sum(map(len, buckets)) // _FIELDS.itemsize
    names, states = np.empty(total, np.uint64), np.empty(total, np.uint64)
    is_done, is_kept = np.empty(total, np.bool_), np.empty(total, np.bool_)
    count = 0
    for place, bucket in enumerate(buckets):
        rows = np.frombuffer(bucket, _FIELDS)
        # Parts were read in the order of batches, which decides among rows of one generation.
        order = np.arange(len(rows))
        kept = live(rows["name"], rows["generation"].astype(np.int64), rows["is_done"], order)
        kept = kept[~rows["is_gone"][kept]]
        end = count + len(kept)
        names[count:end], states[count:end] = rows["name"][kept], rows["state"][kept]
        is_done[count:end], is_kept[count:end] = rows["is_done"][kept], rows["is_kept"][kept]
        count = end
        buckets[place] = bytearray()  # its memory is free before that of the next one is filled
    known._names, known._states, known._is_done = names[:count], states[:count], is_done[:count]
    known._is_kept = is_kept[:count]
    known._seen = np.zeros(count, np.bool_)
