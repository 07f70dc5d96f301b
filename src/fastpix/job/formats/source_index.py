"""No copy: where native pixels are in DICOM files, whose paths stay outside the cache."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.formats.sample_bytes import crc32
from fastpix.job.sample import Placed, Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage

# A pipe is not waited for; Windows reads bytes only where it is told to.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_NATIVE = ("Implicit VR Little Endian", "Explicit VR Little Endian")


class SourceIndex:
    """Offsets of Pixel Data; the row says how cells are masked and signed."""

    name = "index"
    holds = "stored"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> _Index:  # noqa: ARG002
        """Return a writer: see `Format.writer`."""
        return _Index()

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:  # noqa: ARG002
        """Return the array of a row, which has ``location`` too, and columns of the header.

        Parameters
        ----------
        storage : Storage
            Not used.
        row : dict
        verify : bool

        Raises
        ------
        FastpixError
            The source is gone, or has changed.
        """
        handle = -1
        try:
            handle = os.open(row["location"], _FLAGS)
            os.lseek(handle, row["offset"], os.SEEK_SET)
            data = os.read(handle, row["length"])
        except (OSError, KeyError) as error:
            raise FastpixError(
                f"the source of {row['name']} cannot be opened: its file, or the private list of "
                f"paths beside the cache, is gone"
            ) from error
        finally:
            if handle >= 0:
                os.close(handle)
        if len(data) != row["length"]:
            raise FastpixError(f"the source of {row['name']} has changed: run the job again")
        stored = _stored(data, row)
        if verify and crc32(stored.tobytes()) != row["checksum"]:
            raise FastpixError(f"the source of {row['name']} has changed: run the job again")
        return stored


class _Index:
    """Checks that a sample is in its source as it is stored; writes nothing."""

    def add(self, sample: Sample) -> Placed:
        """Place a sample: see `Writer.add`.

        Its row has ``offset`` of Pixel Data in the file, and the columns of the header.
        """
        row, stored = sample.row, sample.stored
        offset = row.get("offset")
        bits = row.get("bits_allocated")
        if offset is None or row.get("transfer_syntax") not in _NATIVE:
            raise FastpixError(
                "format='index' needs native pixels in little endian, in a file of their own: "
                "choose format='tar'"
            )
        if row.get("unit") == "RGB" or bits not in (8, 16, 32) or stored.dtype.kind not in "iu":
            raise FastpixError(
                "format='index' needs integers of 8, 16 or 32 bits without colour: choose "
                "format='tar'"
            )
        return Placed("", offset, stored.size * bits // 8, crc32(_cells(stored)))

    def flush(self) -> None:
        """There is nothing to flush."""

    def publish(self) -> None:
        """There is nothing to publish."""

    def discard(self) -> None:
        """There is nothing to discard."""


def _cells(stored: NDArray[Any]) -> Any:
    return stored.reshape(-1).view(np.uint8).data


def _stored(data: bytes, row: dict[str, Any]) -> NDArray[Any]:
    """Return step 3's integers of cells: masked, and signed (steps 2 and 3)."""
    cells = np.frombuffer(data, f"<u{row['bits_allocated'] // 8}").astype(np.int64)
    bits = row["bits_stored"]
    values = (cells >> (row["high_bit"] + 1 - bits)) & ((1 << bits) - 1)
    if row["signed"]:
        sign = 1 << (bits - 1)
        values = (values ^ sign) - sign
    stored: NDArray[Any] = values.astype(row["dtype"]).reshape(tuple(row["shape"]))
    return stored
