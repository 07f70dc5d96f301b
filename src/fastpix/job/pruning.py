"""What has vanished from a source: rows that say so take the place of its rows."""

from __future__ import annotations

import numpy as np

from fastpix.job.items import Batch, Item
from fastpix.job.known import Known
from fastpix.job.live_rows import TOP_KINDS
from fastpix.job.manifest import commit, read_parts
from fastpix.job.storage.storage_protocol import Storage

_ROWS = 2**14  # of a part
_STATE = "0" * 16


def vanished_items(storage: Storage, settings: str, known: Known) -> list[str]:
    """Return the names of items that the source does not have any more.

    Parameters
    ----------
    storage : Storage
    settings : str
        Id of the settings.
    known : Known
        All items of the source have been looked up in it.
    """
    gone: list[str] = []
    for facts, table in read_parts(storage, ["item", "kind", "status"]):
        if facts.settings != settings:
            continue
        kinds, names = table.column("kind").to_pylist(), table.column("item").to_pylist()
        tops = [name for name, kind in zip(names, kinds, strict=True) if kind in TOP_KINDS]
        gone += np.array(tops, dtype=np.str_)[known.is_unseen(tops)].tolist()
    return sorted(set(gone))


def write_vanished(
    storage: Storage, settings: str, names: list[str], generation: int, kind: str
) -> None:
    """Write that items are gone.

    Parameters
    ----------
    storage : Storage
    settings : str
        Id of the settings.
    names : list of str
        Of the items.
    generation : int
        After what this run has done.
    kind : {"image", "series"}
    """
    for k in range(0, len(names), _ROWS):
        some = names[k : k + _ROWS]
        items = tuple(Item(name, _STATE, ()) for name in some)
        rows = [
            {"item": name, "name": name, "kind": kind, "status": "gone", "state": _STATE}
            for name in some
        ]
        commit(storage, Batch(generation, settings, items), "prune", rows, b"")
