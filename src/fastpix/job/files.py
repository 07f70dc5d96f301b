"""Which files a job reads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from fastpix.source.listing import walk_folder


class SourceFile(NamedTuple):
    """A file as it was found.

    Attributes
    ----------
    path : str
    size : int
        Bytes.
    modified_ns : int
    """

    path: str
    size: int
    modified_ns: int


def find_files(sources: Iterable[str | os.PathLike[str]], output: Path) -> list[SourceFile]:
    """Return the regular files that `sources` name, folders walked, in a steady order.

    Whether a file is DICOM is for its content to say, never for its name. The output folder is left
    out where it lies inside a source.

    Raises
    ------
    FileNotFoundError
        A source does not exist.
    """
    found: dict[str, SourceFile] = {}
    for source in sources:
        path = os.fspath(source)
        if os.path.isdir(path):
            paths = walk_folder(path, keeps_hidden=True, skipped=[os.fspath(output)])
        else:
            os.stat(path)
            paths = iter([path])
        for name in paths:
            found.setdefault(os.path.abspath(name), _look_at(name))
    return list(found.values())


def _look_at(path: str) -> SourceFile:
    try:
        status = os.stat(path)
    except OSError:  # gone since it was listed: reading it will say so
        return SourceFile(path, 0, 0)
    return SourceFile(path, status.st_size, status.st_mtime_ns)
