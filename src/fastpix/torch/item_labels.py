"""Labels of items: by place, by name, or by a column that was joined to the cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, warn_caller
from fastpix.job.packed_columns import PackedTexts

Labels: TypeAlias = "str | Sequence[Any] | NDArray[Any] | torch.Tensor | Mapping[Any, Any] | None"
Unlabelled: TypeAlias = Literal["error", "drop"]
LabelColumn: TypeAlias = Callable[[str], Sequence[Any]]

_EXACT = 2**53  # float64 holds all whole numbers up to here
_MISSING = ("NAType", "NaTType")  # of pandas


def labels_of(
    labels: Labels, names: PackedTexts, column: LabelColumn, unlabelled: Unlabelled
) -> tuple[Sequence[Any] | None, list[int]]:
    """Return the label of each source, and which sources are kept.

    Parameters
    ----------
    labels : str, sequence, mapping or None
        A column that `column` finds; one for each source; or labels by the names of sources, in a
        mapping or a pandas Series with names as its index.
    names : PackedTexts
    column : callable
        Returns the values of a column, one for each source.
    unlabelled : {"error", "drop"}
        What becomes of sources that have no label.

    Returns
    -------
    labels : sequence or None
        Of all sources: packed where they are numbers or texts.
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
    elif isinstance(labels, Mapping) or _is_named(labels):
        named: Any = labels
        by_name = {str(name): label for name, label in named.items()}
        found = [by_name.get(name) for name in names]
    else:
        found = list(labels)
        if len(found) != len(names):
            raise ArgumentError("labels", f"{len(found)} labels for {len(names)} sources")
    kept = [k for k in every if not _is_missing(found[k])]
    if not kept:
        raise ArgumentError(
            "labels", f"none of {len(names)} sources has one: names must be those of the dataset"
        )
    if len(kept) < len(names):
        counted = f"{len(names) - len(kept)} of {len(names)} sources have no label"
        if unlabelled == "error":
            raise ArgumentError("labels", f"{counted}: unlabelled='drop' leaves them out")
        warn_caller(f"{counted}, and are left out", UserWarning)
    if isinstance(labels, torch.Tensor) or (
        isinstance(labels, np.ndarray) and labels.dtype.kind in "biuf"
    ):
        return _Rows(labels), kept
    return _packed(found, kept), kept


def _packed(found: list[Any], kept: list[int]) -> Sequence[Any]:
    """Return labels without an object for each where they are numbers, or texts."""
    kinds = {type(found[k]) for k in kept}
    if kinds <= {str, np.str_}:
        return PackedTexts("" if _is_missing(each) else each for each in found)  # type: ignore[return-value]
    if kinds == {bool}:
        return _Numbers([not _is_missing(each) and each for each in found], np.bool_)
    if kinds == {int}:
        whole = [0 if _is_missing(each) else each for each in found]
        return _Numbers(whole, np.int64) if _are_within(whole, 2**63 - 1) else found
    if kinds in ({float}, {int, float}):  # a batch of whole numbers is of the same dtype as others
        numbers = [np.nan if _is_missing(each) else each for each in found]
        if _are_within([each for each in numbers if isinstance(each, int)], _EXACT):
            return _Numbers(numbers, np.float64)
    return found


def _are_within(numbers: list[int], most: int) -> bool:
    return not numbers or (-most <= min(numbers) and max(numbers) <= most)


class _Numbers(Sequence[Any]):
    """Numbers of one kind in an array, which come out as Python's own."""

    def __init__(self, numbers: list[Any], dtype: type[np.generic]) -> None:
        self._array = np.array(numbers, dtype)

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, number: Any) -> Any:
        return self._array[number].item()


class _Rows(Sequence[Any]):
    """Rows of an array or tensor, whose dtype they keep; a copy, which nobody else writes to."""

    def __init__(self, rows: NDArray[Any] | torch.Tensor) -> None:
        self._rows: Any = rows.detach().clone() if isinstance(rows, torch.Tensor) else rows.copy()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: Any) -> Any:
        row = self._rows[number]
        return row.clone() if isinstance(row, torch.Tensor) else row.copy()


def _is_named(labels: Any) -> bool:
    """Whether it is a pandas Series, or the like, whose index is names and not numbers."""
    index = getattr(labels, "index", None)
    if index is None or callable(index) or not hasattr(labels, "items"):
        return False
    return all(isinstance(name, (str, os.PathLike)) for name in index)


def _is_missing(label: Any) -> bool:
    if label is None or type(label).__name__ in _MISSING:
        return True
    if isinstance(label, torch.Tensor):
        return label.ndim == 0 and bool(torch.isnan(label))
    return isinstance(label, (float, np.floating)) and bool(np.isnan(label))
