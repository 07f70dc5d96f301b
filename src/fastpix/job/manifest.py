"""Parts of the manifest: a parquet file for each batch, whose creation commits the batch."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fastpix.errors import FastpixError
from fastpix.job.columns import COLUMNS, VERSION, schema
from fastpix.job.items import Batch
from fastpix.job.rows import Row
from fastpix.job.storage.storage_protocol import Storage

if TYPE_CHECKING:
    import pyarrow

FOLDER = "manifest/"


class PartFacts(NamedTuple):
    """What a part says of itself.

    Attributes
    ----------
    generation : int
    batch : str
        Id of the batch.
    attempt : str
        Of several attempts at a batch, the one that was committed.
    settings : str
        Id of the settings.
    statistics : bytes
        Of the samples of the batch.
    """

    generation: int
    batch: str
    attempt: str
    settings: str
    statistics: bytes


def part_key(generation: int, batch: str) -> str:
    """Return the key of a part: the same for all attempts at a batch.

    Parameters
    ----------
    generation : int
    batch : str
        Its id.
    """
    return f"{FOLDER}{generation:06d}-{batch}.parquet"


def commit(
    storage: Storage, batch: Batch, attempt: str, rows: Sequence[Row], statistics: bytes
) -> bool:
    """Write the part of a batch, unless another attempt has.

    Parameters
    ----------
    storage : Storage
    batch : Batch
    attempt : str
    rows : sequence of dict
    statistics : bytes

    Returns
    -------
    bool
        Whether it is this attempt that is committed.
    """
    key = part_key(batch.generation, batch.id)
    facts = PartFacts(batch.generation, batch.id, attempt, batch.settings, statistics)
    if storage.create(key, _encoded(rows, facts)):
        return True
    # Or a call was tried again that had come through: then it was this attempt.
    return facts_of(storage.read(key), key).attempt == attempt


def _encoded(rows: Sequence[Row], facts: PartFacts) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    shape = schema()
    fixed = {"generation": facts.generation, "settings": facts.settings}
    arrays = []
    for column, field in zip(COLUMNS, shape, strict=True):
        name = column.name
        known = fixed.get(name)
        values = [row.get(name) if known is None else known for row in rows]
        if column.kind == "term":
            arrays.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            arrays.append(pa.array(values, field.type))
    metadata = {
        b"fastpix.version": str(VERSION).encode(),
        b"fastpix.generation": str(facts.generation).encode(),
        b"fastpix.batch": facts.batch.encode(),
        b"fastpix.attempt": facts.attempt.encode(),
        b"fastpix.settings": facts.settings.encode(),
        b"fastpix.statistics": facts.statistics,
    }
    table = pa.Table.from_arrays(arrays, schema=shape.with_metadata(metadata))
    stream = io.BytesIO()
    parquet.write_table(
        table, stream, compression="zstd", store_schema=True, write_statistics=False,
        use_dictionary=[column.name for column in COLUMNS if column.kind == "term"],
    )  # fmt: skip
    return stream.getvalue()


def facts_of(data: bytes, key: str) -> PartFacts:
    """Return what a part says of itself.

    Parameters
    ----------
    data : bytes
    key : str
        For errors.

    Raises
    ------
    FastpixError
        It is no part, or one of a later version.
    """
    return _facts(opened_parquet(data, key).schema_arrow.metadata or {}, key)


def part_keys(storage: Storage) -> list[str]:
    """Return the keys of all parts, in order of generation and batch."""
    return sorted(
        entry.key for entry in storage.list(FOLDER)
        if entry.key.endswith(".parquet") and not entry.key.rpartition("/")[2].startswith(".")
    )  # fmt: skip


def read_parts(
    storage: Storage, columns: Sequence[str] | None = None
) -> Iterator[tuple[PartFacts, pyarrow.Table]]:
    """Yield what parts say of themselves, and their rows, in order of generation and batch.

    Parameters
    ----------
    storage : Storage
    columns : sequence of str, optional
        Those that are needed.

    Raises
    ------
    FastpixError
        A part is damaged.
    """
    for key in part_keys(storage):
        try:
            data = storage.read(key)
        except FileNotFoundError:  # compacted since it was listed
            continue
        opened = opened_parquet(data, key)
        facts = _facts(opened.schema_arrow.metadata or {}, key)
        try:
            wanted = None if columns is None else list(columns)
            yield facts, opened.read(columns=wanted, use_threads=False)
        except (OSError, ValueError) as error:
            raise _damaged(key) from error


def opened_parquet(data: bytes, key: str) -> Any:
    """Return a file of parquet, to be read without threads of pyarrow.

    Parameters
    ----------
    data : bytes
    key : str
        For errors.

    Raises
    ------
    FastpixError
        It is damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # Threads of pyarrow, which pre_buffer and parquet.read_table use, abort processes that end.
        return parquet.ParquetFile(pa.BufferReader(data), pre_buffer=False)
    except (OSError, ValueError) as error:
        raise _damaged(key) from error


def _facts(metadata: dict[bytes, bytes], key: str) -> PartFacts:
    try:
        version = int(metadata[b"fastpix.version"])
        if version > VERSION:
            raise FastpixError(f"{key} was written by a later version of fastpix: use that one")
        return PartFacts(
            int(metadata[b"fastpix.generation"]),
            metadata[b"fastpix.batch"].decode(),
            metadata[b"fastpix.attempt"].decode(),
            metadata[b"fastpix.settings"].decode(),
            metadata[b"fastpix.statistics"],
        )
    except (KeyError, UnicodeDecodeError) as error:
        raise _damaged(key) from error


def _damaged(key: str) -> FastpixError:
    return FastpixError(
        f"{key} is no sound part of a manifest: remove it, and run the job again, which does the "
        f"files of this part again"
    )
