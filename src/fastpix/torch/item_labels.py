"""Labels of items: by place, by name, or by a column that was joined to the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from fastpix.errors import ArgumentError, warn_caller

Labels: TypeAlias = "str | Sequence[Any] | Mapping[Any, Any] | None"
Unlabelled: TypeAlias = Literal["error", "drop"]
Columns: TypeAlias = Callable[[str], Sequence[Any]]


def labels_of(
    labels: Labels, names: Sequence[str], column: Columns, unlabelled: Unlabelled
) -> tuple[list[Any] | None, list[int]]:
    """Return the label of each item, and which items are kept.

    Parameters
    ----------
    labels : str, sequence, mapping or None
        A column that `column` finds; one for each item; or labels by the names of items.
    names : sequence of str
    column : callable
        Returns the values of a column, one for each item.
    unlabelled : {"error", "drop"}
        What becomes of items that have no label.

    Raises
    ------
    ArgumentError
        There are too few or too many, or an item has none.
    """
    every = list(range(len(names)))
    if unlabelled not in get_args(Unlabelled):
        raise ArgumentError("unlabelled", f"{unlabelled!r} is not 'error' or 'drop'")
    if labels is None:
        return None, every
    if isinstance(labels, str):
        found = list(column(labels))
    elif isinstance(labels, Mapping):
        found = [labels.get(name) for name in names]
    else:
        found = list(labels)
        if len(found) != len(names):
            raise ArgumentError("labels", f"{len(found)} labels for {len(names)} images")
    kept = [k for k in every if not _is_missing(found[k])]
    if len(kept) < len(names):
        counted = f"{len(names) - len(kept)} of {len(names)} images have no label"
        if unlabelled == "error":
            raise ArgumentError("labels", f"{counted}: unlabelled='drop' leaves them out")
        warn_caller(f"{counted}, and are left out", UserWarning)
    return found, kept


def _is_missing(label: Any) -> bool:
    return label is None or (isinstance(label, (float, np.floating)) and bool(np.isnan(label)))
