"""Which columns of a table of labels may go into a cache: none that says whose the labels are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fastpix.errors import ArgumentError
from fastpix.job.label_file import KEYED
from fastpix.job.label_identifiers import (
    Identifiers,
    holds_identifiers,
    holds_person_names,
    holds_uids,
    looks_like_codes,
    looks_like_dates,
    name_identifies,
    name_may_identify,
)
from fastpix.job.label_reading import LabelRows, typed

if TYPE_CHECKING:
    import pyarrow

_REMEDY = "leave it out, rename it, or code it by numbers that mean nothing elsewhere"


class Screened(NamedTuple):
    """What is taken of a table of labels.

    Attributes
    ----------
    columns : dict of str to pyarrow.Array
    left_out : dict of str to str
        Names of the other columns, and why they were not taken.
    """

    columns: dict[str, pyarrow.Array]
    left_out: dict[str, str]


def screened(
    rows: LabelRows,
    asked: Sequence[str] | None,
    used: Collection[str],
    identifiers: Identifiers,
) -> Screened:
    """Return the label columns that may be kept.

    Parameters
    ----------
    rows : LabelRows
    asked : sequence of str or None
        Names of columns; all numbers and flags if not given.
    used : collection of str
        Names of the columns that identify rows.
    identifiers : Identifiers

    Raises
    ------
    ArgumentError
        A column that was asked for is not there, or may not be kept.
    """
    missing = [name for name in asked or () if name not in rows.columns]
    if missing:
        raise ArgumentError("columns", f"there is no column {missing[0]!r} in the labels")
    if any(identifiers.has(name) or holds_uids([name]) for name in rows.columns):
        raise ArgumentError(  # names of columns are kept as they are
            "labels",
            "a column is named by an identifier: give a table with a row for each, not a column",
        )
    found: dict[str, pyarrow.Array] = {}
    left_out: dict[str, str] = {}
    for name, values in rows.columns.items():
        if name in used:
            if name in (asked or ()):
                raise ArgumentError("columns", f"{name!r} identifies the rows: it is never kept")
            continue
        if asked is not None and name not in asked:
            continue
        kept = typed(values) if rows.where == "line" else _plain(values)
        why = _why_never(name, kept, identifiers)
        if why is None and asked is None:
            why = _why_not_unasked(name, kept)
        elif why is not None and asked is not None:
            raise ArgumentError("columns", f"{name!r} {why}: {_REMEDY}")
        if why is None:
            found[name] = kept
        else:
            left_out[name] = why
    if not found:
        raise ArgumentError(
            "columns",
            "the labels have no column of numbers or flags that may be kept: name columns of text, "
            "if they hold no patient data",
        )
    return Screened(found, left_out)


def _plain(values: pyarrow.Array) -> pyarrow.Array:
    """Return values in the types that those of CSV have, so that one column has one type."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return values.cast(pa.int64())
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return values.cast(pa.float64())
    return values.cast(pa.string()) if pa.types.is_large_string(kind) else values


def _why_never(name: str, kept: pyarrow.Array, identifiers: Identifiers) -> str | None:
    """Return why a column may not be kept at all; None if it may."""
    import pyarrow as pa

    if name in KEYED:
        return "has a name that the table of labels needs itself"
    if name_identifies(name):
        return "identifies patients or images by its name"
    kind = kept.type
    is_text = _is_text(kind)
    if kept.null_count == len(kept):
        return "is empty"
    if not (_is_number(kind) or is_text or pa.types.is_temporal(kind)):
        return "holds neither numbers, nor flags, nor text"
    if pa.types.is_boolean(kind) or pa.types.is_temporal(kind):
        return None
    if is_text:
        texts = kept.drop_null().unique().to_pylist()
        if holds_uids(texts):
            return "holds UIDs"
        if holds_person_names(texts):
            return "holds names of persons, as DICOM writes them"
    if holds_identifiers(kept.to_pylist(), identifiers):
        return "holds the identifiers of patients or images"
    return None


def _why_not_unasked(name: str, kept: pyarrow.Array) -> str | None:
    """Return why a column is kept only if it is asked for; None if it is kept anyway."""
    import pyarrow as pa

    if name_may_identify(name):
        return "may identify patients or images by its name"
    if not _is_number(kept.type):
        return "may hold patient data: it is no number"
    if pa.types.is_integer(kept.type):
        numbers = kept.drop_null().to_pylist()
        if looks_like_dates(numbers):
            return "holds dates, it seems"
        if looks_like_codes(numbers):
            return "holds numbers of patients or images, it seems: long ones, each another"
    return None


def _is_number(kind: pyarrow.DataType) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    )


def _is_text(kind: pyarrow.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind))


def texts_in(columns: Mapping[str, pyarrow.Array]) -> list[str]:
    """Return the names of columns of text, which are kept as they are.

    Parameters
    ----------
    columns : mapping of str to pyarrow.Array
    """
    return [name for name, values in columns.items() if _is_text(values.type)]
