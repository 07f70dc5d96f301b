"""Which row of a name counts, where several runs have written one: decided in one place."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

DONE = frozenset({"done", "in review", "not an image", "left out", "gone"})
"""Statuses that count before a failure of the same generation."""

TOP_KINDS = frozenset({"image", "series"})
"""Kinds of rows that speak for an item; files and volumes of a series go with its row."""

_DIGITS = 16  # of a name, that are its number


def live(
    names: NDArray[Any],
    generations: NDArray[np.int64],
    is_done: NDArray[np.bool_],
    batches: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return which rows count: one for each name.

    The row of the highest generation does; of several, one that is done before one that failed; and
    of these, that of the last batch by its id.

    Parameters
    ----------
    names : ndarray
        Of items, as numbers: equal where the name is.
    generations : ndarray of int64
    is_done : ndarray of bool
    batches : ndarray of int64
        The place of the row's batch among all ids in order.

    Returns
    -------
    ndarray of int64
        Places of the rows that count, in the order of names.
    """
    order = np.lexsort((batches, is_done, generations, names))
    ordered = names[order]
    is_last = np.ones(len(order), np.bool_)
    is_last[:-1] = ordered[1:] != ordered[:-1]
    found: NDArray[np.int64] = order[is_last]
    return found


def name_numbers(names: Any) -> NDArray[np.uint64]:
    """Return the first 64 bits of names of hex digits, as numbers.

    Two of 10**8 names are the same in 64 bits with a chance of 3 in 10,000.

    Parameters
    ----------
    names : pyarrow.ChunkedArray or iterable of str
        16 hex digits or more each; none is missing.
    """
    if hasattr(names, "chunks"):
        found = [_numbers_of(chunk) for chunk in names.chunks]
        return np.concatenate(found) if found else np.empty(0, np.uint64)
    return _as_numbers("".join([name[:_DIGITS] for name in names]))


def _numbers_of(names: Any) -> NDArray[np.uint64]:
    """Return those of names of one length without making a string of each."""
    if not len(names):
        return np.empty(0, np.uint64)
    _, edges, digits = names.buffers()
    ends = np.frombuffer(edges, np.int32)[names.offset : names.offset + len(names) + 1]
    lengths = np.diff(ends)
    if (lengths == lengths[0]).all():
        taken = np.frombuffer(digits, np.uint8)[ends[0] : ends[-1]].reshape(len(names), -1)
        return _as_numbers(taken[:, :_DIGITS].tobytes().decode())
    return name_numbers(names.to_pylist())


def _as_numbers(digits: str) -> NDArray[np.uint64]:
    return np.frombuffer(bytes.fromhex(digits), ">u8").astype(np.uint64)


def is_one_of(column: Any, values: Collection[str]) -> NDArray[np.bool_]:
    """Return which rows of a column of terms have one of these values.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Of dictionaries.
    values : collection of str
    """
    found = []
    for chunk in column.chunks:
        terms = np.array([term in values for term in chunk.dictionary.to_pylist()] + [False])
        found.append(terms[chunk.indices.fill_null(len(terms) - 1).to_numpy()])
    return np.concatenate(found) if found else np.empty(0, np.bool_)
