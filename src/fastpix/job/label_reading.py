"""Tables of labels as people keep them: CSV, parquet, columns in memory. Identifiers stay text."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TextIO, TypeAlias

from fastpix.errors import ArgumentError

if TYPE_CHECKING:
    import pyarrow

Labels: TypeAlias = "str | os.PathLike[str] | pyarrow.Table | Mapping[str, Sequence[Any]]"

_ARGUMENT = "labels"
_DELIMITERS = ",;\t"
_LONGEST_HEADER = 2**16  # characters
_CHUNK = 4096  # rows that are Python's texts at a time
_MISSING = frozenset({
    "", "#N/A", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "na", "nan", "none", "null",
})  # fmt: skip
_MOST_DIGITS = 18  # of an integer of 64 bits
_INTEGER = re.compile(rf"[+-]?(?:0|[1-9][0-9]{{0,{_MOST_DIGITS - 1}}})")
_DECIMAL = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_FLAGS = {"true": True, "false": False}


class LabelRows(NamedTuple):
    """Rows of labels.

    Attributes
    ----------
    columns : dict of str to pyarrow.Array
        By name; all of one length. Those of CSV are text.
    lines : sequence of int
        Where each row is: its line in the file, or its number.
    where : str
        What `lines` are: ``"line"`` or ``"row"``.
    """

    columns: dict[str, pyarrow.Array]
    lines: Sequence[int]
    where: str


def read_labels(labels: Labels) -> LabelRows:
    """Return the rows of a table of labels.

    Parameters
    ----------
    labels : path, pyarrow.Table or mapping of str to sequence
        A file whose name ends with ``.csv``, ``.tsv`` or ``.parquet``, or columns by name.

    Raises
    ------
    ArgumentError
        It cannot be read. The message quotes nothing of what is in it.
    OSError
    """
    import pyarrow as pa

    if not isinstance(labels, (str, os.PathLike)):
        try:
            table = pa.table(dict(labels) if isinstance(labels, Mapping) else labels)
        except (ValueError, TypeError, pa.ArrowException):  # pyarrow would quote a value
            raise ArgumentError(
                _ARGUMENT, "it is no table, and no mapping of columns of one length and type each"
            ) from None
        return _of_table(table)
    path = Path(labels)
    ending = path.suffix.lower()
    if ending in (".csv", ".tsv"):
        return _of_csv(path)
    if ending == ".parquet":
        return _of_table(_parquet(path.read_bytes()))
    raise ArgumentError(_ARGUMENT, "its name ends with none of .csv, .tsv and .parquet")


def _parquet(data: bytes) -> pyarrow.Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # Threads of pyarrow, which pre_buffer and parquet.read_table use, abort processes that end.
        opened = parquet.ParquetFile(pa.BufferReader(data), pre_buffer=False)
        return opened.read(use_threads=False)
    except (OSError, ValueError, pa.ArrowException):
        raise ArgumentError(_ARGUMENT, "the file is no sound parquet file") from None


def _of_table(table: pyarrow.Table) -> LabelRows:
    import pyarrow as pa

    names = table.column_names
    if len({*names}) < len(names):
        raise ArgumentError(_ARGUMENT, "two columns have the same name: rename one")
    columns = {}
    for name in names:
        column = table.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_string_view(column.type):
            column = column.cast(pa.large_string())
        columns[name] = column.combine_chunks()
    return LabelRows(columns, range(len(table)), "row")


def _of_csv(path: Path) -> LabelRows:
    """Return the rows of a CSV file, all text.

    The module `csv` knows which line a row begins at; pyarrow's reader does not, quotes rows in its
    errors, and starts threads.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            delimiter = _delimiter(file.read(_LONGEST_HEADER))
            file.seek(0)
            return _rows(file, delimiter)
        except UnicodeDecodeError:
            raise ArgumentError(_ARGUMENT, "the file is not in UTF-8: save it so") from None


def _delimiter(begin: str) -> str:
    """Return what parts the header into the most names."""

    def names(delimiter: str) -> int:
        reader = csv.reader(io.StringIO(begin, newline=""), delimiter=delimiter, strict=True)
        try:
            return len(next(reader, ()))
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=names)


def _rows(file: TextIO, delimiter: str) -> LabelRows:
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    names: list[str] | None = None
    chunk: list[list[str]] = []
    chunks: list[list[pyarrow.Array]] = []
    lines: list[int] = []
    line = 1
    try:
        for row in reader:
            if names is None:
                names = [name.strip() for name in row]
            elif row:
                if len(row) != len(names):
                    _refuse(f"line {line} has {len(row)} fields, and the header {len(names)}")
                chunk.append(row)
                lines.append(line)
                if len(chunk) == _CHUNK:
                    chunks.append(_packed(chunk))
                    chunk.clear()
            line = reader.line_num + 1
    except csv.Error:
        raise ArgumentError(
            _ARGUMENT, f"line {line} is no sound CSV: its quotes do not match, or it is cut off"
        ) from None
    if not names or not any(names):
        _refuse("the file has no header with the names of columns")
    if len({*names}) < len(names):
        _refuse("two columns have the same name: rename one")
    if chunk:
        chunks.append(_packed(chunk))
    return LabelRows(_concatenated(names, chunks), lines, "line")


def _packed(rows: list[list[str]]) -> list[pyarrow.Array]:
    """Return columns of text, each of which is one block of memory."""
    import pyarrow as pa

    return [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]


def _concatenated(
    names: Sequence[str], chunks: Sequence[Sequence[pyarrow.Array]]
) -> dict[str, pyarrow.Array]:
    import pyarrow as pa

    if not chunks:
        return {name: pa.array([], pa.string()) for name in names}
    columns = zip(*chunks, strict=True)
    return {name: pa.concat_arrays(column) for name, column in zip(names, columns, strict=True)}


def _refuse(reason: str) -> NoReturn:
    raise ArgumentError(_ARGUMENT, reason)


def typed(texts: pyarrow.Array) -> pyarrow.Array:
    """Return a column of CSV as flags, integers or floats if all of it is, else as text.

    A number with leading zeros is text: it is a code, such as an ID. Words for missing values
    are nulls among numbers and flags; in text, nothing but an empty field is.

    Parameters
    ----------
    texts : pyarrow.Array
        Of strings.
    """
    import pyarrow as pa

    # Labels have few different values: each is looked at once.
    encoded = texts.dictionary_encode()
    values = [value.strip() for value in encoded.dictionary.to_pylist()]
    known = [value for value in values if value not in _MISSING]
    kinds = (
        (pa.bool_(), lambda value: value.lower() in _FLAGS, lambda value: _FLAGS[value.lower()]),
        (pa.int64(), _INTEGER.fullmatch, int),
        (pa.float64(), _is_decimal, float),
    )
    for kind, is_one, parse in kinds:
        if known and all(map(is_one, known)):
            parsed = [None if value in _MISSING else parse(value) for value in values]
            return pa.array(parsed, kind).take(encoded.indices)
    return pa.array([value or None for value in values], pa.string()).take(encoded.indices)


def _is_decimal(value: str) -> bool:
    digits = value.lstrip("+-")
    if digits.isdigit() and len(digits) > _MOST_DIGITS:
        return False  # a code, which a float would not hold
    return _DECIMAL.fullmatch(value) is not None or digits in ("inf", "Infinity")
