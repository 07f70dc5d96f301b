"""The manifest as one table: the rows that count, whichever runs have written them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError
from fastpix.job.columns import schema
from fastpix.job.dataset_file import no_cache, settings_id
from fastpix.job.live_rows import DONE, TOP_KINDS, is_one_of, live, name_numbers
from fastpix.job.manifest import read_parts
from fastpix.job.storage import storage_at
from fastpix.job.storage.storage_protocol import Storage

if TYPE_CHECKING:
    import pyarrow


def read_manifest(dst: str | os.PathLike[str]) -> pyarrow.Table:
    """Return the manifest of a cache: a row for each source file, image and volume.

    What each column means is in docs/job.md. ``.to_pandas()`` makes a data frame of it, and
    ``polars.from_arrow`` one of polars.

    Parameters
    ----------
    dst : path or URL
        What `fastpix.convert`, or `fastpix.deidentify`, has written to.

    Returns
    -------
    pyarrow.Table
        In the order of names.

    Raises
    ------
    FastpixError
        It is no cache, or a part of the manifest is damaged.
    """
    storage = storage_at(os.fspath(dst))
    settings = settings_id(storage)
    if settings is None:
        raise no_cache(os.fspath(dst))
    return live_table(storage, settings)


def live_table(
    storage: Storage,
    settings: str,
    kinds: Sequence[str] | None = None,
    statuses: Sequence[str] | None = None,
    ever: str | None = None,
) -> pyarrow.Table:
    """Return the rows that count, in the order of names.

    Parameters
    ----------
    storage : Storage
    settings : str
        Id of the settings: rows that were made by others do not count.
    kinds, statuses : sequence of str, optional
        Which rows; all but those that are gone if not given.
    ever : str, optional
        Rows of items alone that have had this status at any time: where they are few, others take
        no memory.
    """
    import pyarrow as pa
    from pyarrow import compute

    tables: list[pyarrow.Table] = []
    generations: list[int] = []
    batches: list[str] = []
    parts: list[int] = []
    wanted = None if ever is None else _items_with(storage, settings, ever)
    for facts, table in read_parts(storage):
        if facts.settings != settings:
            continue
        if wanted is not None:
            table = table.filter(pa.array(np.isin(name_numbers(table.column("item")), wanted)))
        generations += [facts.generation] * len(table)
        batches += [facts.batch] * len(table)
        parts += [len(tables)] * len(table)
        tables.append(table)
    if not tables:
        return schema().empty_table()
    whole = _joined(tables).unify_dictionaries()
    items = name_numbers(whole.column("item"))
    status = np.array(whole.column("status").to_pylist(), dtype=np.str_)
    is_done = np.isin(status, list(DONE))
    is_top = np.isin(np.array(whole.column("kind").to_pylist(), dtype=np.str_), list(TOP_KINDS))
    ranks = np.unique(np.array(batches, dtype=np.str_), return_inverse=True)[1]
    tops = np.flatnonzero(is_top)
    chosen = tops[live(items[tops], np.array(generations)[tops], is_done[tops], ranks[tops])]
    # What goes with an item counts where its own row does: in the same part.
    part_of = np.array(parts)
    order = np.argsort(items[chosen], kind="stable")
    named, winning = items[chosen][order], part_of[chosen][order]
    places = np.searchsorted(named, items)
    places[places == len(named)] = 0
    kept = (named[places] == items) & (winning[places] == part_of)
    if statuses is None:
        kept &= status != "gone"
    else:
        kept &= np.isin(status, list(statuses))
    found = whole.filter(pa.array(kept))
    if kinds is not None:
        found = found.filter(compute.is_in(found.column("kind").cast(pa.string()),
                                           value_set=pa.array(list(kinds))))  # fmt: skip
    return found.take(compute.sort_indices(found.column("name")))


def _items_with(storage: Storage, settings: str, status: str) -> NDArray[np.uint64]:
    found = [np.empty(0, np.uint64)]
    for facts, table in read_parts(storage, ["item", "status"]):
        if facts.settings == settings:
            is_so = is_one_of(table.column("status"), {status})
            found.append(name_numbers(table.column("item"))[is_so])
    return np.unique(np.concatenate(found))


def _joined(tables: Sequence[pyarrow.Table]) -> pyarrow.Table:
    """Return the rows of all parts; of older ones, columns that they do not have are empty."""
    import pyarrow as pa

    plain = [table.replace_schema_metadata(None) for table in tables]
    return pa.concat_tables([schema().empty_table(), *plain], promote_options="default")


def rows_taken(table: pyarrow.Table, rows: Sequence[int] | NDArray[Any]) -> pyarrow.Table:
    """Return some rows of a table, in the order that they are given in.

    Parameters
    ----------
    table : pyarrow.Table
    rows : sequence of int or ndarray
        Row numbers, or a flag for each row.

    Raises
    ------
    ArgumentError
    """
    import pyarrow as pa

    wanted = np.asarray(rows)
    if wanted.dtype == np.bool_ and wanted.shape == (len(table),):
        wanted = np.flatnonzero(wanted)
    if not wanted.size:
        return table.slice(0, 0)
    if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
        raise ArgumentError("rows", f"they are no row numbers, nor a flag for each of {len(table)}")
    if wanted.min() < 0 or wanted.max() >= len(table):
        raise ArgumentError("rows", f"a number is not from 0 to {len(table) - 1}")
    return table.take(pa.array(wanted.astype(np.int64)))
