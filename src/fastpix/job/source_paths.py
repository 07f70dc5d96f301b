"""Where sources were: kept in private files beside a cache, never in it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

from fastpix.job.items import Batch
from fastpix.job.manifest import opened_parquet, part_key
from fastpix.job.storage.local_storage import LocalStorage
from fastpix.pseudonyms import Names


def default_paths_folder(output: Path) -> Path:
    """Return where the paths of sources are kept: beside the output.

    Parameters
    ----------
    output : Path
    """
    output = output.absolute()
    return output.with_name(output.name + ".paths.parquet")


def make_paths_folder(folder: str) -> None:
    """Make the folder, for its owner alone.

    Parameters
    ----------
    folder : str
    """
    os.makedirs(folder, mode=0o700, exist_ok=True)


def keep_paths(folder: str, batch: Batch, key: bytes) -> None:
    """Write where the files of a batch are.

    Parameters
    ----------
    folder : str
    batch : Batch
    key : bytes
    """
    import pyarrow as pa
    from pyarrow import parquet

    names = Names(key)
    files = [file for item in batch.items for file in item.files]
    table = pa.table(
        {
            "name": [names.of_path(file.relative) for file in files],
            # Paths need not be text: bytes that are none are kept as they are.
            "location": pa.array([os.fsencode(file.location) for file in files], pa.binary()),
        }
    )
    stream = io.BytesIO()
    parquet.write_table(table, stream, compression="zstd", use_dictionary=False)
    part = part_key(batch.generation, batch.id).rpartition("/")[2]
    LocalStorage(folder, mode=0o600).replace(part, stream.getvalue())


def read_paths(folder: str | os.PathLike[str]) -> Iterator[tuple[str, str]]:
    """Yield names and locations of source files, those of later runs last.

    Parameters
    ----------
    folder : path
    """
    for part in path_parts(folder):
        for name, place in zip(*read_part(folder, part), strict=True):
            yield name, os.fsdecode(place)


def path_parts(folder: str | os.PathLike[str]) -> list[str]:
    """Return the names of the files that hold paths, those of later runs last.

    Parameters
    ----------
    folder : path
    """
    keys = (entry.key for entry in LocalStorage(folder).list())
    return [key for key in keys if key.endswith(".parquet") and not key.startswith(".")]


def read_part(folder: str | os.PathLike[str], part: str) -> tuple[list[str], list[bytes]]:
    """Return the names and the locations of one of these files.

    Parameters
    ----------
    folder : path
    part : str
        Its name.
    """
    table = opened_parquet(LocalStorage(folder).read(part), part).read(use_threads=False)
    return table.column("name").to_pylist(), table.column("location").to_pylist()
