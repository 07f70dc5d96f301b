"""Where the bytes come from: a path, bytes, a binary file, or a pydicom Dataset."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

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
        with open(source, "rb", buffering=0) as file:
            return Source(data=file.read(), path=os.fspath(source))
    if hasattr(source, "read") and hasattr(source, "seek") and hasattr(source, "tell"):
        start = source.tell()
        try:
            data = source.read()
        finally:
            source.seek(start)
        if isinstance(data, bytes):
            return Source(data=data)
        raise ArgumentError("source", "the file is open in text mode; open it with mode 'rb'")
    raise ArgumentError(
        "source", f"a {type(source).__name__} is not a path, bytes, a binary file or a Dataset"
    )
