"""Which columns of a table of labels may go into a cache: none that says whose the labels are."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fastpix.errors import ArgumentError
from fastpix.job.label_file import KEYED
from fastpix.job.label_reading import LabelRows, typed
from fastpix.pseudonyms import Names

if TYPE_CHECKING:
    import pyarrow

_IDENTIFIES = re.compile(
    r"uids?$|^(?:patients?|persons?|subjects?)(?:id|name|number|key|nr|no)?s?$|patients?(?:id|name)|"
    r"^pid$|mrn|medicalrecord|accession|socialsecurity|^ssn$|nhsnumber|birthda|dateofbirth|^dob$|"
    r"phone|email|homeaddress|filename|filepath|^path$|^file$"
)
"""Of a column's name, in small letters and digits alone: it says whose the labels are."""

_MAY_IDENTIFY = re.compile(r"^$|^id$|^name$|^index$|indexlevel|^unnamed|date")
"""The same: it may say so, and is taken only if it is asked for."""

_UID = re.compile(r"[0-9]+(?:\.[0-9]+){5,}")
_LONG = 6  # characters of an ID that a label is not equal to by chance
_REMEDY = "leave it out, or code it by numbers that mean nothing elsewhere"


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


class Identifiers(NamedTuple):
    """What a value of a label may not be.

    Attributes
    ----------
    plain : sequence of str
        The identifier of each row, as it was read.
    names : Names
        Of the cache.
    keyed : collection of str
        The keyed hashes of all patients and UIDs of the cache.
    """

    plain: Sequence[str]
    names: Names
    keyed: Collection[str]


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
    _refuse_wide(rows, identifiers)
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
        why = _why_never(name, values, kept, identifiers)
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
    import pyarrow as pa

    if pa.types.is_decimal(values.type) or pa.types.is_float16(values.type):
        return values.cast(pa.float64())
    return values


def _why_never(
    name: str, raw: pyarrow.Array, kept: pyarrow.Array, identifiers: Identifiers
) -> str | None:
    """Return why a column may not be kept at all; None if it may."""
    import pyarrow as pa

    letters = re.sub(r"[^a-z0-9]", "", name.lower())
    if name in KEYED:
        return "has the name of a column of the manifest (rename it)"
    if _IDENTIFIES.search(letters):
        return "identifies patients or images by its name"
    kind = kept.type
    if not (_is_number(kind) or _is_text(kind) or pa.types.is_temporal(kind)):
        return "holds neither numbers, nor flags, nor text"
    if kept.null_count == len(kept):
        return "is empty"
    if pa.types.is_boolean(kind) or pa.types.is_temporal(kind):
        return None
    if _is_text(kind) and any(map(_UID.search, kept.drop_null().unique().to_pylist())):
        return "holds UIDs"
    if _holds_identifiers(raw if _is_text(raw.type) else kept, identifiers, _is_text(kind)):
        return "holds the identifiers of patients or images"
    return None


def _why_not_unasked(name: str, kept: pyarrow.Array) -> str | None:
    """Return why a column is kept only if it is asked for; None if it is kept anyway."""
    if _MAY_IDENTIFY.search(re.sub(r"[^a-z0-9]", "", name.lower())):
        return "may identify patients or images by its name"
    return None if _is_number(kept.type) else "may hold patient data: it is no number"


def _holds_identifiers(values: pyarrow.Array, identifiers: Identifiers, is_text: bool) -> bool:
    """Whether values are identifiers: those of their rows, or of anything in the cache.

    Short ones, and numbers of a few digits, may be equal by chance: then half of them have to be.
    """
    known: dict[str, bool] = {}
    seen = equal = 0
    for value, plain in zip(values.to_pylist(), identifiers.plain, strict=True):
        text = _text_of(value)
        if not text:
            continue
        seen += 1
        is_own = bool(plain) and text.lstrip("0") == plain.lstrip("0")
        if is_text and len(plain) >= _LONG and plain in text:
            return True
        if not is_own:
            if text not in known:
                names = identifiers.names
                hashes = (names.of_patient(text), names.of_uid(text))
                known[text] = any(hash_ in identifiers.keyed for hash_ in hashes)
            is_own = known[text]
        equal += is_own
        if is_own and len(text) >= _LONG:
            return True
    return 2 * equal > seen


def _text_of(value: object) -> str:
    """Return a value as an identifier is written: whole floats without their point."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else ""
    return "" if value is None else str(value).strip()


def _refuse_wide(rows: LabelRows, identifiers: Identifiers) -> None:
    """Refuse columns that are named by patients or images: names are kept as they are."""
    plain = {text for text in identifiers.plain if text}
    if any(name in plain or _UID.search(name) for name in rows.columns):
        raise ArgumentError(
            "labels",
            "a column is named by an identifier: give a table with a row for each, not a column",
        )


def _is_number(kind: pyarrow.DataType) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    )


def _is_text(kind: pyarrow.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def texts_in(columns: Mapping[str, pyarrow.Array]) -> list[str]:
    """Return the names of columns of text, which are kept as they are.

    Parameters
    ----------
    columns : mapping of str to pyarrow.Array
    """
    return [name for name, values in columns.items() if _is_text(values.type)]
