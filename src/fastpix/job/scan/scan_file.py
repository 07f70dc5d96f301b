"""``fastpix scan``: the files of a large archive, listed once, and converted from the list."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from fastpix.errors import FastpixError
from fastpix.job.items import SourceFile
from fastpix.job.scan.found_sources import Sources

_GROUP = 2**16  # files of a row group
_VERSION = b"1"


def write_scan(
    sources: Sources, out: Path, on_progress: Callable[[int, int], object] | None = None
) -> int:
    """Write the files of sources to a list, which is whole or absent, and for its owner alone.

    Parameters
    ----------
    sources : Sources
    out : Path
        Ends in ``.parquet``. It holds paths, which may name patients.
    on_progress : callable, optional
        Is given how many files, and how many bytes, were found so far.

    Returns
    -------
    int
        How many files.
    """
    pa, parquet = _import_pyarrow()
    if out.suffix != ".parquet":
        raise FastpixError(f"{out} does not end in .parquet, by which convert knows a list")
    metadata = {b"fastpix.scan": _VERSION, b"fastpix.root_mode": sources.root_mode.encode()}
    schema = pa.schema(
        [("location", pa.binary()), ("relative", pa.binary()),
         ("size", pa.int64()), ("stamp", pa.int64())],
        metadata,
    )  # fmt: skip
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(8)}.writing")
    count = size = 0
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
                files = sources.files()
                while some := list(islice(files, _GROUP)):
                    columns = list(zip(*some, strict=True))
                    columns[0] = tuple(map(os.fsencode, columns[0]))
                    columns[1] = tuple(map(os.fsencode, columns[1]))
                    writer.write_table(pa.table(list(map(list, columns)), schema=schema))
                    count, size = count + len(some), size + sum(columns[2])
                    if on_progress is not None:
                        on_progress(count, size)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return count


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
    return Sources(metadata[b"fastpix.root_mode"].decode(), [lambda _: _rows(path, skipped)])


def _rows(path: str, skipped: Sequence[str]) -> Iterator[SourceFile]:
    _, parquet = _import_pyarrow()
    folders = tuple(each + os.sep for each in skipped)
    with parquet.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=_GROUP, use_threads=False):
            columns = [batch.column(k).to_pylist() for k in range(4)]
            for raw, relative, size, stamp in zip(*columns, strict=True):
                location = os.fsdecode(raw)
                if not location.startswith(folders) and location not in skipped:
                    yield SourceFile(location, os.fsdecode(relative), size, stamp)


def _no_list(path: str) -> FastpixError:
    return FastpixError(f"{path} is no list that fastpix scan has written")


def _import_pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError("lists of files need pyarrow: pip install 'fastpix[job]'") from error
    return pyarrow, parquet
