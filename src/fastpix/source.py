"""Where the bytes come from: a path, bytes, a binary file, or a pydicom Dataset."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias, cast

from pydicom.dataset import Dataset

from fastpix.errors import ArgumentError

SourceLike: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Dataset"
)


@dataclass(frozen=True, slots=True)
class Source:
    """One DICOM instance before anything is known about it.

    Exactly one of `data` (the bytes of a file) and `dataset` (of the caller's making) is given.
    """

    data: bytes | None = None
    dataset: Dataset | None = None
    path: str | None = None


def read_source(source: SourceLike) -> Source:
    """Read all bytes of `source`.

    Parameters
    ----------
    source : path, bytes-like, binary file or pydicom Dataset
        A file is read from where it stands, and put back there.

    Raises
    ------
    ArgumentError
        `source` is none of these.
    OSError
        The path cannot be read.
    """
    if isinstance(source, Dataset):
        return Source(dataset=source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Source(data=bytes(source))
    if isinstance(source, (str, os.PathLike)):
        try:
            with open(source, "rb", buffering=0) as file:
                return Source(data=file.read(), path=os.fspath(source))
        except ValueError as error:  # a NUL, or text that no file name can have
            raise ArgumentError("source", f"{source!r} is no path: {error}") from error
    if hasattr(source, "read") and hasattr(source, "seek") and hasattr(source, "tell"):
        return Source(data=_read_all(cast("BinaryIO", source)))
    raise ArgumentError(
        "source", f"a {type(source).__name__} is not a path, bytes, a binary file or a Dataset"
    )


def _read_all(file: BinaryIO) -> bytes:
    """Read a file from where it stands to its end, however short its reads, and put it back."""
    try:
        start = file.tell()
    except ValueError as error:
        raise ArgumentError("source", f"the file cannot be read: {error}") from error
    parts = []
    try:
        while part := file.read():
            if not isinstance(part, (bytes, bytearray)):
                raise ArgumentError("source", "the file is open in text mode: open it with 'rb'")
            parts.append(part)
    finally:
        file.seek(start)
    return b"".join(parts) if len(parts) != 1 else bytes(parts[0])
