"""Labels of items: by place, by name, or by a column that was joined to the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, warn_caller
from fastpix.job.packed_columns import PackedTexts

Labels: TypeAlias = "str | Sequence[Any] | NDArray[Any] | Mapping[Any, Any] | None"
Unlabelled: TypeAlias = Literal["error", "drop"]
LabelColumn: TypeAlias = Callable[[str], Sequence[Any]]


def labels_of(
    labels: Labels, names: PackedTexts, column: LabelColumn, unlabelled: Unlabelled
) -> tuple[Sequence[Any] | None, list[int]]:
    """Return the label of each source, and which sources are kept.

    Parameters
    ----------
    labels : str, sequence, mapping or None
        A column that `column` finds; one for each source; or labels by the names of sources.
    names : PackedTexts
    column : callable
        Returns the values of a column, one for each source.
    unlabelled : {"error", "drop"}
        What becomes of sources that have no label.

    Returns
    -------
    labels : sequence or None
        Of all sources: an array where they are numbers.
    kept : list of int

    Raises
    ------
    ArgumentError
        There are too few or too many, or a source has none.
    """
    every = list(range(len(names)))
    if unlabelled not in get_args(Unlabelled):
        raise ArgumentError("unlabelled", f"{unlabelled!r} is not 'error' or 'drop'")
    if labels is None:
        return None, every
    if isinstance(labels, str):
        found = list(column(labels))
    elif isinstance(labels, Mapping):
        by_name = {str(name): label for name, label in labels.items()}
        found = [by_name.get(name) for name in names]
    else:
        found = list(labels)
        if len(found) != len(names):
            raise ArgumentError("labels", f"{len(found)} labels for {len(names)} sources")
    kept = [k for k in every if not _is_missing(found[k])]
    if len(kept) < len(names):
        counted = f"{len(names) - len(kept)} of {len(names)} sources have no label"
        if unlabelled == "error" or not kept:
            raise ArgumentError("labels", f"{counted}: unlabelled='drop' leaves them out")
        warn_caller(f"{counted}, and are left out", UserWarning)
    return _packed(found, kept), kept


def _packed(found: list[Any], kept: list[int]) -> Sequence[Any]:
    """Return labels without an object for each where they are numbers, or texts."""
    kinds = {type(found[k]) for k in kept}
    if kinds == {str}:
        return PackedTexts("" if _is_missing(each) else each for each in found)  # type: ignore[return-value]
    if kinds in ({int}, {bool}):
        return _Numbers([0 if _is_missing(each) else each for each in found], kinds.pop())
    if kinds == {float}:
        return _Numbers([np.nan if each is None else each for each in found], float)
    return found


class _Numbers(Sequence[Any]):
    """Numbers of one kind in an array, which come out as Python's own."""

    def __init__(self, numbers: list[Any], kind: type) -> None:
        self._array = np.array(numbers, None if kind is int else kind)

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, number: Any) -> Any:
        return self._array[number].item()


def _is_missing(label: Any) -> bool:
    return label is None or (isinstance(label, (float, np.floating)) and bool(np.isnan(label)))
