"""How many images have the SOP Instance UID of another one, found in nine bytes an image."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.job.live_rows import DONE, TOP_KINDS, is_one_of, live, name_numbers
from fastpix.job.manifest import PartFacts, part_keys, read_parts
from fastpix.job.storage.storage_protocol import Storage

_COLUMNS = ("item", "kind", "status", "sop_instance")
_ROW = np.dtype([("item", "u8"), ("uid", "u8"), ("is_done", "?"), ("is_image", "?")])
"""A row that speaks for an item: numbers of its name and of the hash of its UID; whether its status
is one of `DONE`, and whether it is an image with a UID that was converted."""

_FEW = 64  # parts that are kept in memory, so as not to be read again

_Read: TypeAlias = "Callable[[], Iterator[tuple[PartFacts, NDArray[np.void]]]]"


def count_repeated_uids(storage: Storage, settings: str) -> int:
    """Return how many images have a SOP Instance UID that an image before them has.

    Parameters
    ----------
    storage : Storage
    settings : str
        Id of the settings: rows of others do not count.

    Raises
    ------
    FastpixError
        A part of the manifest is damaged.
    """
    read: _Read = partial(_parts, storage, settings)
    if len(part_keys(storage)) <= _FEW:
        read = list(read()).__iter__
    found = array("Q")
    for _, rows in read():
        found.frombytes(rows["uid"][rows["is_image"]].tobytes())
    uids = np.frombuffer(found, np.uint64)
    uids.sort()
    repeated = np.unique(uids[1:][uids[1:] == uids[:-1]])
    # Mostly there is none. Else it may be a file that was converted again: rows that count tell.
    return _count(read, repeated) if len(repeated) else 0


def _count(read: _Read, repeated: NDArray[np.uint64]) -> int:
    """Return how many images have one of these UIDs that an image before them has."""
    concerned = [
        rows["item"][rows["is_image"] & np.isin(rows["uid"], repeated)] for _, rows in read()
    ]
    items = np.unique(np.concatenate(concerned))
    found: list[NDArray[np.void]] = []
    generations: list[NDArray[np.int64]] = []
    batches: list[NDArray[np.str_]] = []
    for facts, rows in read():
        found.append(rows[np.isin(rows["item"], items)])
        generations.append(np.full(len(found[-1]), facts.generation, np.int64))
        batches.append(np.full(len(found[-1]), facts.batch))
    rows = np.concatenate(found)
    ranks = np.unique(np.concatenate(batches), return_inverse=True)[1]
    kept = rows[live(rows["item"], np.concatenate(generations), rows["is_done"], ranks)]
    uids = kept["uid"][kept["is_image"]]
    return len(uids) - len(np.unique(uids))


def _parts(storage: Storage, settings: str) -> Iterator[tuple[PartFacts, NDArray[np.void]]]:
    """Yield the rows of each part that speak for items, as `_ROW`."""
    for facts, table in read_parts(storage, _COLUMNS):
        if facts.settings != settings:
            continue
        kinds, statuses, uids = (table.column(name) for name in _COLUMNS[1:])
        has_uid = ~uids.is_null().to_numpy()
        rows = np.zeros(len(table), _ROW)
        rows["item"] = name_numbers(table.column("item"))
        rows["uid"][has_uid] = name_numbers(uids.drop_null())
        rows["is_done"] = is_one_of(statuses, DONE)
        rows["is_image"] = is_one_of(kinds, {"image"}) & is_one_of(statuses, {"done"}) & has_uid
        yield facts, rows[is_one_of(kinds, TOP_KINDS)]
