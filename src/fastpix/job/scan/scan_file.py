"""``fastpix scan``: the files of a large archive, listed once, and converted from the list."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from fastpix.errors import FastpixError
from fastpix.job.items import SourceFile
from fastpix.job.scan.found_sources import Sources
from fastpix.job.scan.scanned_headers import scan_header
from fastpix.job.scan.waiting import map_waiting
from fastpix.new_files import open_new

_GROUP = 2**16  # files of a row group
_TOLD = 2**11  # files after which progress is told
_VERSION = b"1"
_COLUMNS = ("location", "relative", "size", "stamp")
_HEADERS = ("series_uid", "sop_instance_uid", "modality", "rows", "columns", "frames")

OnProgress: TypeAlias = "Callable[[int, int], object]"


def write_scan(
    sources: Sources, out: Path, on_progress: OnProgress | None = None, *, headers: bool = False
) -> int:
    """Write the files of sources to a list, which is whole or absent, and for its owner alone.

    Parameters
    ----------
    sources : Sources
    out : Path
        Ends in ``.parquet``. It holds paths, which may name patients.
    on_progress : callable, optional
        Is given how many files, and how many bytes, were found so far.
    headers : bool
        Read the header of each file, and write its series, instance, modality and size too. Of a
        file that cannot be read now they are null, and of one that is no image, empty.

    Returns
    -------
    int
        How many files.
    """
    pa, parquet = _import_pyarrow()
    if out.suffix != ".parquet":
        raise FastpixError(f"{out} does not end in .parquet, by which convert knows a list")
    schema = _schema(pa, sources, headers)
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(8)}.writing")
    own = {os.path.abspath(out), os.path.abspath(temporary)}  # it may lie in a source
    count = size = 0
    try:
        handle = open_new(temporary)
        with os.fdopen(handle, "wb") as file:
            with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
                files = (each for each in sources.files() if each.location not in own)
                rows: list[tuple[Any, ...]] = []
                for row in map_waiting(_row_with_header if headers else _row, files):
                    rows.append(row)
                    count, size = count + 1, size + row[2]
                    if on_progress is not None and count % _TOLD == 0:
                        on_progress(count, size)
                    if len(rows) == _GROUP:
                        writer.write_table(_table(pa, rows, schema))
                        rows.clear()
                if rows:
                    writer.write_table(_table(pa, rows, schema))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    if on_progress is not None:
        on_progress(count, size)
    return count


def _schema(pa: Any, sources: Sources, headers: bool) -> Any:
    text, number = pa.string(), pa.int64()
    columns = [*zip(_COLUMNS, (pa.binary(), pa.binary(), number, number), strict=True)]
    if headers:
        columns += zip(_HEADERS, (text, text, text, number, number, number), strict=True)
    metadata = {
        b"fastpix.scan": _VERSION,
        b"fastpix.root_mode": sources.root_mode.encode(),
        b"fastpix.roots": json.dumps(sources.roots).encode(),
    }
    return pa.schema(columns, metadata)


def _row(file: SourceFile) -> tuple[Any, ...]:
    return os.fsencode(file.location), os.fsencode(file.relative), file.size, file.stamp


def _row_with_header(file: SourceFile) -> tuple[Any, ...]:
    try:
        header = scan_header(file.location)
    except OSError:  # it is looked at again when it is converted
        return *_row(file), None, None, None, None, None, None
    return *_row(file), *header


def _table(pa: Any, rows: list[tuple[Any, ...]], schema: Any) -> Any:
    return pa.table(list(map(list, zip(*rows, strict=True))), schema=schema)


def read_scan(path: str, skipped: Sequence[str] = ()) -> Sources:
    """Return the files of a list; it is read as they are taken.

    Parameters
    ----------
    path : str
    skipped : sequence of str
        Absolute; files in these folders, and these files, are left out.

    Raises
    ------
    FastpixError
        It is no list of ``fastpix scan``.
    """
    _, parquet = _import_pyarrow()
    try:
        metadata = parquet.read_schema(path).metadata or {}
    except (OSError, ValueError) as error:
        raise _no_list(path) from error
    if metadata.get(b"fastpix.scan") != _VERSION:
        raise _no_list(path)
    return Sources(
        metadata[b"fastpix.root_mode"].decode(),
        [lambda _: _rows(path, skipped)],
        roots=tuple(json.loads(metadata.get(b"fastpix.roots", b"[]"))),
    )


def _rows(path: str, skipped: Sequence[str]) -> Iterator[SourceFile]:
    _, parquet = _import_pyarrow()
    folders = tuple(each + os.sep for each in skipped)
    with parquet.ParquetFile(path, pre_buffer=False) as file:
        kept = [name for name in (*_COLUMNS, _HEADERS[0]) if name in file.schema_arrow.names]
        for batch in file.iter_batches(batch_size=_GROUP, use_threads=False, columns=kept):
            columns = [column.to_pylist() for column in batch.columns]
            if len(columns) == len(_COLUMNS):
                columns.append([None] * len(batch))
            for raw, relative, size, stamp, series in zip(*columns, strict=True):
                location = os.fsdecode(raw)
                if not location.startswith(folders) and location not in skipped:
                    yield SourceFile(location, os.fsdecode(relative), size, stamp, series)


def _no_list(path: str) -> FastpixError:
    return FastpixError(f"{path} is no list that fastpix scan has written")


def _import_pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError("lists of files need pyarrow: pip install 'fastpix[job]'") from error
    return pyarrow, parquet
