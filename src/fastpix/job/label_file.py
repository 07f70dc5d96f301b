"""``labels.parquet``: labels under keyed identifiers, and nothing that leads back to these.

Each label column belongs to one identifier: the column of the manifest that has its keyed hashes.
The file has this column under the same name, and the label columns; the rows of one identifier have
nulls in the columns of the others. Rows are in the order of hashes, which tells nothing.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fastpix.errors import FastpixError
from fastpix.job.settings import Settings
from fastpix.job.storage import storage_at
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


def place_of(file: str | os.PathLike[str]) -> tuple[Storage, str]:
    """Return the storage that a file is in, and its key.

    Parameters
    ----------
    file : path
    """
    folder, name = os.path.split(os.path.abspath(file))
    return storage_at(folder), name


def labels_of(
    storage: Storage, key: str, settings: Settings, table: pyarrow.Table
) -> pyarrow.Table:
    """Return the labels of the rows of a manifest.

    Parameters
    ----------
    storage : Storage
    key : str
        Of the file of labels.
    settings : Settings
        Of the cache.
    table : pyarrow.Table
        Of the cache.
    """
    import pyarrow as pa

    sections = read_sections(storage, key, settings)
    if sections is None:
        raise FastpixError(
            f"there is no {key}: run fastpix join DST LABELS --on SOPInstanceUID, or what else "
            f"identifies your labels"
        )
    found: dict[str, pyarrow.Array] = {}
    for keyed, section in sections.items():
        rows = {hash_: row for row, hash_ in enumerate(section.keys)}
        places = pa.array(map(rows.get, table.column(keyed).to_pylist()), pa.int64())
        found |= {name: values.take(places) for name, values in section.columns.items()}
    return pa.table(found)


def read_sections(storage: Storage, key: str, settings: Settings) -> dict[str, Section] | None:
    """Return the labels of each identifier; None where there is no file.

    Parameters
    ----------
    storage : Storage
    key : str
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
        data = storage.read(key)
    except FileNotFoundError:
        return None
    try:
        # Threads of pyarrow, which pre_buffer and parquet.read_table use, abort processes that end.
        opened = parquet.ParquetFile(pa.BufferReader(data), pre_buffer=False)
        kept = json.loads(opened.schema_arrow.metadata[_METADATA])
        version, fingerprint = int(kept["version"]), kept["key"]
        belongs: dict[str, str] = dict(kept["columns"])
        table = opened.read(use_threads=False)
        keyed_columns = {*belongs.values()}
        is_sound = {*table.column_names} == {*belongs} | keyed_columns and keyed_columns <= {*KEYED}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise _damaged(key) from error
    if version > VERSION:
        raise FastpixError(f"{key} was written by a later version of fastpix: use that one")
    if not is_sound:
        raise _damaged(key)
    if fingerprint != settings.key:
        raise FastpixError(
            f"{key} was joined by another key than the names of this cache were made with: remove "
            f"it, and join the labels again"
        )
    return {
        keyed: _section_of(table, keyed, [name for name in belongs if belongs[name] == keyed])
        for keyed in dict.fromkeys(belongs.values())
    }


def merged(sections: Mapping[str, Section], keyed: str, added: Section) -> dict[str, Section]:
    """Return sections with more label columns, in place of those that have the same names.

    Parameters
    ----------
    sections : mapping of str to Section
    keyed : str
        What the columns that are added belong to.
    added : Section
    """
    import pyarrow as pa

    found: dict[str, Section] = {}
    for name, section in sections.items():
        kept = {each: v for each, v in section.columns.items() if each not in added.columns}
        if kept:
            found[name] = section._replace(columns=kept)
    if keyed not in found:
        return {**found, keyed: added}
    both = (found[keyed], added)
    keys = sorted({*both[0].keys, *both[1].keys})
    columns: dict[str, pyarrow.Array] = {}
    for section in both:
        rows = {hash_: row for row, hash_ in enumerate(section.keys)}
        places = pa.array(map(rows.get, keys), pa.int64())
        columns |= {name: values.take(places) for name, values in section.columns.items()}
    return {**found, keyed: Section(keys, columns)}


def write_sections(
    storage: Storage, key: str, settings: Settings, sections: Mapping[str, Section]
) -> None:
    """Write the labels of all identifiers, whole at once.

    Parameters
    ----------
    storage : Storage
    key : str
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
    storage.replace(key, stream.getvalue())


def _section_of(table: pyarrow.Table, keyed: str, names: Sequence[str]) -> Section:
    import pyarrow as pa

    keys = table.column(keyed).to_pylist()
    rows = np.flatnonzero([hash_ is not None for hash_ in keys])
    own = table.select(names).take(pa.array(rows))
    columns = {name: own.column(name).combine_chunks() for name in names}
    return Section([keys[row] for row in rows.tolist()], columns)


def _damaged(key: str) -> FastpixError:
    return FastpixError(f"{key} is no sound file of labels: remove it, and join the labels again")
