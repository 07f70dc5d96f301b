"""Which row of a name counts, where several runs have written one: decided in one place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DONE = frozenset({"done", "not an image", "left out", "gone"})
"""Statuses that count before a failure of the same generation."""

TOP_KINDS = frozenset({"image", "series"})
"""Kinds of rows that speak for an item; files and volumes of a series go with its row."""


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
        16 hex digits or more each.
    """
    if hasattr(names, "to_pylist"):
        names = names.to_pylist()
    joined = "".join([name[:16] for name in names])
    return np.frombuffer(bytes.fromhex(joined), ">u8").astype(np.uint64)
