"""``labels.parquet``: labels under keyed identifiers, and nothing that leads back to these.

Each label column belongs to one identifier: the column of the manifest that has its keyed hashes.
The file has this column under the same name, and the label columns; the rows of one identifier have
nulls in the columns of the others. Rows are in the order of hashes, which tells nothing.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage

if TYPE_CHECKING:
    import pyarrow

KEY = "labels.parquet"
VERSION = 1
KEYED = ("patient", "study", "series", "sop_instance")
"""Columns of the manifest that labels may be joined by."""

_METADATA = b"fastpix.labels"


class Section(NamedTuple):
    """The labels of one identifier.

    Attributes
    ----------
    keys : list of str
        Keyed hashes, each one once, in ascending order.
    columns : dict of str to pyarrow.Array
        Label columns, a value for each key.
    """

    keys: list[str]
    columns: dict[str, pyarrow.Array]


def labels_of(storage: Storage, settings: Settings, table: pyarrow.Table) -> pyarrow.Table:
    """Return the labels of the rows of a manifest, null where a row has none.

    Parameters
    ----------
    storage : Storage
    settings : Settings
        Of the cache.
    table : pyarrow.Table
        Of the cache.

    Raises
    ------
    FastpixError
        There are none, or they cannot be read.
    """
    import pyarrow as pa

    sections = read_sections(storage, settings)
    if not sections:
        raise FastpixError(
            f"there is no {KEY}: run fastpix join DST LABELS --on SOPInstanceUID, or what else "
            f"identifies your labels"
        )
    found: dict[str, pyarrow.Array] = {}
    for keyed, section in sections.items():
        places = _places(section, table.column(keyed).to_pylist())
        found |= {name: values.take(places) for name, values in section.columns.items()}
    return pa.table(found)


def read_sections(storage: Storage, settings: Settings) -> dict[str, Section]:
    """Return the labels of each identifier; nothing where there is no file.

    Parameters
    ----------
    storage : Storage
    settings : Settings
        Of the cache.

    Raises
    ------
    FastpixError
        It is no file of labels, or one of another key.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        data = storage.read(KEY)
    except FileNotFoundError:
        return {}
    try:
        # Threads of pyarrow, which pre_buffer and parquet.read_table use, abort processes that end.
        opened = parquet.ParquetFile(pa.BufferReader(data), pre_buffer=False)
        kept = json.loads(opened.schema_arrow.metadata[_METADATA])
        version, fingerprint = int(kept["version"]), kept["key"]
        belongs: dict[str, str] = dict(kept["columns"])
        table = opened.read(use_threads=False)
        keyed_columns = {*belongs.values()}
        is_sound = {*table.column_names} == {*belongs} | keyed_columns and keyed_columns <= {*KEYED}
    except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as error:
        raise _damaged() from error
    if version > VERSION:
        raise FastpixError(f"{KEY} was written by a later version of fastpix: use that one")
    if not is_sound:
        raise _damaged()
    if fingerprint != settings.key:
        raise FastpixError(
            f"{KEY} was joined by another key than the names of this cache were made with: remove "
            f"it, and join the labels again"
        )
    return {
        keyed: _section_of(table, keyed, [name for name in belongs if belongs[name] == keyed])
        for keyed in dict.fromkeys(belongs.values())
    }


def merged(
    sections: Mapping[str, Section], keyed: str, added: Section, replace: bool = False
) -> dict[str, Section]:
    """Return sections with more labels.

    A column that is there already gets the labels of more keys, and keeps those that it has.

    Parameters
    ----------
    sections : mapping of str to Section
    keyed : str
        What the labels that are added belong to.
    added : Section
    replace : bool
        Drop what columns of the same names hold.

    Raises
    ------
    ArgumentError
        A label of one key differs from the one that is there already, in value or type, and is not
        to replace it.
    """
    found: dict[str, Section] = {}
    for name, section in sections.items():
        taken = section.columns.keys() & added.columns.keys()
        if taken and name != keyed and not replace:
            raise _joined_before(min(taken), f"on the identifier of another level, {name}")
        if replace:
            kept = {each: v for each, v in section.columns.items() if each not in taken}
            section = section._replace(columns=kept)
        if section.columns:
            found[name] = section
    if keyed not in found:
        return {**found, keyed: added}
    old = found[keyed]
    keys = sorted({*old.keys, *added.keys})
    places = _places(old, keys)
    columns = {name: values.take(places) for name, values in old.columns.items()}
    places = _places(added, keys)
    for name, values in added.columns.items():
        more = values.take(places)
        columns[name] = _both(name, more, columns[name]) if name in columns else more
    return {**found, keyed: Section(keys, columns)}


def _both(name: str, added: pyarrow.Array, earlier: pyarrow.Array) -> pyarrow.Array:
    """Return the labels that either has; where both have one, it is the same."""
    import pyarrow as pa
    from pyarrow import compute

    if added.type != earlier.type:
        raise _joined_before(name, f"as {earlier.type}, and is {added.type} now")
    # Numbers that are equal where values are: a NaN equals itself.
    encoded = pa.concat_arrays([added, earlier]).dictionary_encode("encode")
    codes = np.asarray(encoded.indices).reshape(2, -1)
    are_valid = np.asarray(compute.and_(added.is_valid(), earlier.is_valid()))
    differ = int((are_valid & (codes[0] != codes[1])).sum())
    if differ:
        raise _joined_before(name, f"with other values for {differ} identifiers")
    return compute.coalesce(added, earlier)


def _joined_before(name: str, how: str) -> ArgumentError:
    return ArgumentError(
        "columns",
        f"{name!r} has been joined before {how}: pass replace=True (--replace) to drop what it "
        f"held, or rename the column",
    )


def _places(section: Section, keys: Iterable[str | None]) -> pyarrow.Array:
    """Return which row of a section each key has; null where it has none."""
    import pyarrow as pa

    rows: dict[str | None, int] = {hash_: row for row, hash_ in enumerate(section.keys)}
    return pa.array(map(rows.get, keys), pa.int64())


def write_sections(storage: Storage, settings: Settings, sections: Mapping[str, Section]) -> None:
    """Write the labels of all identifiers, whole at once.

    Parameters
    ----------
    storage : Storage
    settings : Settings
        Of the cache.
    sections : mapping of str to Section
    """
    import pyarrow as pa
    from pyarrow import parquet

    tables = [
        pa.table({keyed: pa.array(section.keys, pa.string()), **section.columns})
        for keyed, section in sections.items()
    ]
    belongs = {name: keyed for keyed, section in sections.items() for name in section.columns}
    kept = {"version": VERSION, "key": settings.key, "columns": belongs}
    table = pa.concat_tables(tables, promote_options="default")
    table = table.replace_schema_metadata({_METADATA: json.dumps(kept).encode()})
    stream = io.BytesIO()
    parquet.write_table(table, stream, compression="zstd", store_schema=True)
    storage.replace(KEY, stream.getvalue())


def _section_of(table: pyarrow.Table, keyed: str, names: Sequence[str]) -> Section:
    import pyarrow as pa

    keys = table.column(keyed).to_pylist()
    rows = np.flatnonzero([hash_ is not None for hash_ in keys])
    own = table.select(names).take(pa.array(rows))
    columns = {name: own.column(name).combine_chunks() for name in names}
    return Section([keys[row] for row in rows.tolist()], columns)


def _damaged() -> FastpixError:
    return FastpixError(f"{KEY} is no sound file of labels: remove it, and join the labels again")
