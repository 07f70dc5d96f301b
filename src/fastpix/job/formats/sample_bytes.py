"""Bytes of samples: checksums, and reading that says in words what is wrong."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.sample import Sample
from fastpix.job.storage.storage_protocol import Storage
from fastpix.job.storage.temporary import hidden_key

_REMEDY = "run the job again after fastpix gc"


def crc32(data: Any) -> int:
    """Return the CRC-32 of bytes, by libdeflate where it is installed: it is 10 times as fast.

    Parameters
    ----------
    data : bytes-like, contiguous
    """
    try:
        from imagecodecs import deflate_crc32
    except ImportError:
        return zlib.crc32(data)
    return int(deflate_crc32(data))


def read_bytes(storage: Storage, row: dict[str, Any], verify: bool) -> bytes:
    """Return the bytes of a sample, all of them.

    Parameters
    ----------
    storage : Storage
    row : dict
        Of the manifest.
    verify : bool
        Hold them against the checksum.

    Raises
    ------
    FastpixError
        They are missing, cut off, or others.
    """
    file, offset, length = row["file"], row["offset"], row["length"]
    try:
        data = _read(storage, file, offset, length)
    except FileNotFoundError as error:
        raise missing(row) from error
    check_length(len(data), row)
    if verify:
        check_sum(data, row)
    return data


def check_length(found: int, row: dict[str, Any]) -> None:
    """Refuse a sample of fewer bytes than its row says.

    Parameters
    ----------
    found : int
    row : dict

    Raises
    ------
    FastpixError
    """
    if found != row["length"]:
        raise FastpixError(
            f"{row['file']} is cut off: {found} of {row['length']} bytes at {row['offset']}; "
            f"{_REMEDY}"
        )


def check_sum(data: Any, row: dict[str, Any]) -> None:
    """Refuse bytes of another checksum than their row has.

    Parameters
    ----------
    data : bytes-like, contiguous
    row : dict

    Raises
    ------
    FastpixError
    """
    if crc32(data) != row["checksum"]:
        raise FastpixError(
            f"{row['file']} is damaged: its checksum is not the manifest's; {_REMEDY}"
        )


def _read(storage: Storage, file: str, offset: int, length: int) -> bytes:
    try:
        return storage.read(file, offset, length)
    except FileNotFoundError:
        if not file.endswith(".tar"):
            raise
        # A run that died just after it had committed a shard: the next one gives it its name.
        attempt = file.rpartition("-")[2].removesuffix(".tar")
        return storage.read(hidden_key(file, attempt), offset, length)


def missing(row: dict[str, Any]) -> FastpixError:
    """Return the error of a file that is not there.

    Parameters
    ----------
    row : dict
    """
    return FastpixError(f"{row['file']} is missing from the cache: {_REMEDY}")


def damaged(row: dict[str, Any], why: object) -> FastpixError:
    """Return the error of a file that is not what the manifest says.

    Parameters
    ----------
    row : dict
    why : object
        What is wrong, in words, or the error of a library.
    """
    return FastpixError(f"{row['file']} is damaged, or not of this cache ({why}); {_REMEDY}")


def check_array(array: NDArray[Any], row: dict[str, Any]) -> NDArray[Any]:
    """Return an array that has the shape and dtype of its row.

    Parameters
    ----------
    array : ndarray
    row : dict

    Raises
    ------
    FastpixError
    """
    shape, dtype = tuple(row["shape"]), np.dtype(row["dtype"])
    if array.shape != shape or array.dtype != dtype:
        raise damaged(row, f"{array.shape} {array.dtype}, not {shape} {dtype}")
    return array


def array_of(data: bytes | memoryview, row: dict[str, Any]) -> NDArray[Any]:
    """Return raw cells as an array: one that can be written to, unless they are a memoryview.

    Parameters
    ----------
    data : bytes or memoryview
        A memoryview is not copied.
    row : dict
    """
    shape, dtype = tuple(row["shape"]), np.dtype(row["dtype"])
    if memoryview(data).nbytes != math.prod(shape) * dtype.itemsize:
        raise damaged(row, f"{memoryview(data).nbytes} bytes are not {shape} {dtype}")
    cells = data if isinstance(data, memoryview) else bytearray(data)
    return np.frombuffer(cells, dtype).reshape(shape)


def is_color(sample: Sample) -> bool:
    """Whether the last axis of a sample is red, green and blue.

    Parameters
    ----------
    sample : Sample
    """
    shape = sample.stored.shape
    if len(shape) < 3 or shape[-1] != 3:
        return False
    unit = sample.row.get("unit")
    return sample.stored.dtype == np.uint8 if unit is None else unit == "RGB"
