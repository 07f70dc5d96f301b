"""Which images a job keeps: ``modality in CT,MR`` and the like, asked of a row of the manifest."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fastpix.errors import ArgumentError

_TEXTS = (
    "modality", "sop_class", "transfer_syntax", "photometric", "manufacturer", "model",
    "burned_in_annotation",
)  # fmt: skip
_KNOWN = (
    *_TEXTS, "rows", "columns", "frames", "bits_allocated", "bits_stored", "instance_number",
    "acquisition_number", "temporal_position", "slice_thickness", "spacing_between_slices",
)  # fmt: skip
_GRAMMAR = re.compile(r"\s*(\w+)\s*(not\s+in\b|in\b|>=|<=|!=|==|=|<|>)\s*(.*\S)\s*", re.DOTALL)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition.

    Attributes
    ----------
    column : str
        Of the manifest.
    sign : str
        ``in``, ``not in``, or an order.
    values : tuple of str
    """

    column: str
    sign: str
    values: tuple[str, ...]

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Whether a row meets it; one without a value meets ``not in`` alone.

        Parameters
        ----------
        row : mapping
        """
        found = row.get(self.column)
        if self.sign in _ORDERS:
            return found is not None and _ORDERS[self.sign](found, float(self.values[0]))
        is_in = found is not None and any(_are_equal(found, value) for value in self.values)
        return is_in == (self.sign == "in")


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions, all of which must hold."""

    filters: tuple[Filter, ...]

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Whether a row meets all conditions.

        Parameters
        ----------
        row : mapping
        """
        return all(each.matches(row) for each in self.filters)


@lru_cache(64)
def filters_of(texts: Sequence[str]) -> Filters:
    """Return the filters that texts say.

    Parameters
    ----------
    texts : tuple of str
        ``NAME in A,B``, ``NAME not in A,B``, ``NAME = A``, ``NAME != A``, ``NAME >= 3`` and so on.

    Raises
    ------
    ArgumentError
        One is no condition, or is about no column that is known.
    """
    return Filters(tuple(map(_parsed, texts)))


def _parsed(text: str) -> Filter:
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise ArgumentError(
            "only", f"{text!r} is no condition, such as 'modality in CT,MR' or 'rows >= 512'"
        )
    column, sign, rest = match.groups()
    if column not in _KNOWN:
        raise ArgumentError("only", f"{column!r} is not one of {', '.join(_KNOWN)}")
    sign = " ".join(sign.split())
    if sign in _ORDERS:
        if column in _TEXTS:
            raise ArgumentError("only", f"{column} is a text, which {sign!r} does not order")
        try:
            float(rest)
        except ValueError as error:
            raise ArgumentError("only", f"{rest!r} in {text!r} is no number") from error
        return Filter(column, sign, (rest,))
    if sign in ("=", "=="):
        return Filter(column, "in", (rest,))
    if sign == "!=":
        return Filter(column, "not in", (rest,))
    return Filter(column, sign, tuple(value.strip() for value in rest.split(",")))


def _are_equal(found: Any, value: str) -> bool:
    if isinstance(found, str):
        return found.casefold() == value.casefold()
    try:
        return bool(found == float(value))
    except ValueError:
        return False
