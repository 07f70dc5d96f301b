"""Bytes of a sample, read again: all of them, and those that were written."""

from __future__ import annotations

import zlib
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.storage.storage_protocol import Storage

# The same number as zlib.crc32 gives, in a tenth of the time, where imagecodecs has libdeflate.
_crc32: Any = getattr(imagecodecs, "deflate_crc32", None) or zlib.crc32


def checksum_of(data: Any) -> int:
    """Return the CRC-32 of bytes (ISO 3309).

    Parameters
    ----------
    data : bytes-like
    """
    return int(_crc32(data))


def bytes_of(array: NDArray[Any]) -> memoryview:
    """Return the bytes of an array, without a copy.

    Parameters
    ----------
    array : ndarray, C-contiguous
    """
    return memoryview(array.reshape(-1).view(np.uint8))


def read_bytes(storage: Storage, row: dict[str, Any], verify: bool) -> bytes:
    """Return the bytes of a sample.

    Parameters
    ----------
    storage : Storage
    row : dict
    verify : bool
        Hold them against their checksum.

    Raises
    ------
    FastpixError
        They are not what the manifest says.
    """
    try:
        data = storage.read(row["file"], row["offset"], row["length"])
    except FileNotFoundError:
        raise FastpixError(
            f"{row['file']} is missing: run the job again, which gives files of a run that died "
            f"their names; if it stays so, run fastpix gc, and the job once more"
        ) from None
    if len(data) != row["length"]:
        raise damaged(row, "it is cut off")
    if verify and checksum_of(data) != row["checksum"]:
        raise damaged(row, "its checksum is wrong")
    return data


def damaged(row: dict[str, Any], how: str) -> FastpixError:
    """Return the error of a sample that is not what the manifest says.

    Parameters
    ----------
    row : dict
    how : str
    """
    return FastpixError(
        f"sample {row['name']} is damaged ({how}): remove {row['file']}, then run fastpix gc, and "
        f"the job again"
    )
