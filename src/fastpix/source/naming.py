"""What a source is called in errors and warnings: by its path, or by what it is."""

from __future__ import annotations

import os
from pathlib import PurePath
from types import TracebackType

from fastpix.errors import SourceName, add_source
from fastpix.source.pydicom_types import is_dataset


def name_of(source: object) -> SourceName:
    """Return a path as it was given; of anything else what it is, in words, and its file if known.

    Nothing that is returned keeps the source in memory, and it can be pickled.
    """
    if isinstance(source, (str, PurePath)):
        return source
    try:
        return _described(source)
    except Exception:  # whatever a class of the caller's raises: a name is no cause to fail
        return f"a {type(source).__name__}"


def _described(source: object) -> SourceName:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return f"{memoryview(source).nbytes} bytes in memory"
    if isinstance(source, os.PathLike):
        return os.fsdecode(source)
    if hasattr(source, "read_bytes"):  # a member of an archive
        return str(source)
    what, file = f"a {type(source).__name__}", None
    if is_dataset(source):
        what, file = "a pydicom Dataset", getattr(source, "filename", None)
    elif hasattr(source, "read"):
        what, file = f"a binary file ({what[2:]})", getattr(source, "name", None)
    return f"{what} of {os.fsdecode(file)}" if isinstance(file, (str, os.PathLike)) else what


class ErrorsNamed:
    """A context whose errors say which source they are about.

    Parameters
    ----------
    source : str, path or None
        What `name_of` calls it; None leaves errors as they are.
    """

    __slots__ = ("name",)

    def __init__(self, source: SourceName | None) -> None:
        self.name = source

    def __enter__(self) -> None:
        """Nothing is to be done before an error."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            add_source(error, self.name)
