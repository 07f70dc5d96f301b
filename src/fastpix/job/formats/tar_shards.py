"""Shards of tar: an array and a JSON for each sample, which WebDataset streams as they are."""

from __future__ import annotations

import json
import math
import tarfile
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.formats.blosc2_frames import array_in, frame_of, read_frame
from fastpix.job.formats.sample_bytes import (
    array_of,
    check_array,
    check_sum,
    crc32,
    read_bytes,
)
from fastpix.job.sample import Placed, Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import NewFile, Storage

_BLOCK = 512
_JOINED = 2**17  # bytes up to which a sample is written by one call
_NAME = 100  # bytes of a name in a header
_MOST = 8**11  # bytes of a member whose size the header holds in octal
# Few facts, so that the JSON of a small image does not weigh: the manifest has them all.
_FACTS = ("unit", "modality", "affine", "spacing", "pixel_spacing", "patient", "study", "series",
          "sop_instance")  # fmt: skip


class TarShards:
    """A shard for each batch, of raw ``.npy`` members, or ``.b2nd`` where ``compress`` says so."""

    name = "tar"
    holds = "stored"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> _Shard:
        """Return a writer: see `Format.writer`."""
        key = f"shards/{batch[:16]}-{attempt}.tar"
        return _Shard(storage, key, attempt, settings.compress)

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:
        """Return the array of a row: see `Format.read`."""
        if _is_raw(row):
            return array_of(read_bytes(storage, row, verify), row)
        return read_frame(storage, row)

    def read_block(
        self, storage: Storage, row: dict[str, Any], starts: Sequence[int], stops: Sequence[int]
    ) -> NDArray[Any] | None:
        """Return a part of the array of a row: see `InBlocks.read_block`.

        Raw cells are read from the first plane that has any of the part to the last one.
        """
        shape, dtype = tuple(row["shape"]), np.dtype(row["dtype"])
        if not _is_raw(row):
            return None
        # Axes from the left of which one place alone is read; planes lie along the next.
        ahead = next((k for k in range(len(shape)) if stops[k] - starts[k] > 1), len(shape) - 1)
        inner = math.prod(shape[ahead + 1 :]) * dtype.itemsize
        first = 0
        for k in range(ahead + 1):
            first = first * shape[k] + starts[k]
        count = stops[ahead] - starts[ahead]
        part = {**row, "offset": row["offset"] + first * inner, "length": count * inner,
                "shape": (*(1,) * ahead, count, *shape[ahead + 1 :])}  # fmt: skip
        planes = array_of(memoryview(read_bytes(storage, part, verify=False)), part)
        kept = tuple(map(slice, starts[ahead + 1 :], stops[ahead + 1 :]))
        return np.array(planes[(*(slice(None),) * (ahead + 1), *kept)], order="C")

    def array_in(
        self, data: memoryview, row: dict[str, Any], room: NDArray[np.uint8]
    ) -> NDArray[Any]:
        """Return the array of a row whose bytes are in memory, and are no raw cells.

        Parameters
        ----------
        data : memoryview
        row : dict
        room : ndarray of uint8
            Memory that it may be in.

        Raises
        ------
        FastpixError
            They are not what the manifest says.
        """
        check_sum(data, row)
        return check_array(array_in(data, row, room), row)


def _is_raw(row: dict[str, Any]) -> bool:
    """Whether a sample is raw cells: they have the very length of the array, and no frame has."""
    itemsize = np.dtype(row["dtype"]).itemsize
    return bool(math.prod(row["shape"]) * itemsize == row["length"])


def attempt_of(key: str) -> str:
    """Return the attempt that has written a shard.

    Parameters
    ----------
    key : str
    """
    return key.rpartition("-")[2].removesuffix(".tar")


class _Shard:
    """Writes a shard."""

    def __init__(self, storage: Storage, key: str, attempt: str, compress: str) -> None:
        self._storage = storage
        self._key = key
        self._attempt = attempt
        self._compress = compress
        self._file: NewFile | None = None
        self._is_torn = False

    def add(self, sample: Sample) -> Placed:
        """Store a sample: see `Writer.add`."""
        stored = sample.stored
        facts = _json(sample)
        # All that may fail for reasons of the sample stands before the first byte is written.
        if self._compress == "none":
            cells: Any = stored.reshape(-1).view(np.uint8).data
            ahead, ending = _npy_header(stored.dtype.str, stored.shape), ".npy"
        else:
            frame = frame_of(stored, {}, self._compress, whole=True)
            if len(frame) == stored.nbytes:  # so that the length tells frames from raw cells
                frame = frame_of(stored, {"longer": 1}, self._compress, whole=True)
            cells, ahead, ending = memoryview(frame), b"", ".b2nd"
        size = len(ahead) + len(cells)
        head = member_header(sample.name + ending, size) + ahead
        tail = b"".join((
            bytes(-size % _BLOCK), member_header(f"{sample.name}.json", len(facts)), facts,
            bytes(-len(facts) % _BLOCK),
        ))  # fmt: skip
        checksum = crc32(cells)
        file = self._begun()
        self._is_torn = True
        offset = file.tell() + len(head)
        if size < _JOINED:  # a copy costs less than a call of the system
            file.write(b"".join((head, cells, tail)))
        else:
            file.write(head)
            file.write(cells)
            file.write(tail)
        self._is_torn = False
        return Placed(self._key, offset, len(cells), checksum)

    def _begun(self) -> NewFile:
        if self._is_torn:
            raise FastpixError("this shard is torn since a write failed: do the batch again")
        if self._file is None:
            self._file = self._storage.new_file(self._key, self._attempt)
        return self._file

    def flush(self) -> None:
        """Make all samples last: see `Writer.flush`."""
        if self._file is not None:
            self._begun().write(bytes(2 * _BLOCK))
            self._file.flush()

    def publish(self) -> None:
        """Give the shard its name: see `Writer.publish`."""
        if self._file is not None:
            self._file.publish()

    def discard(self) -> None:
        """Remove the shard: see `Writer.discard`."""
        if self._file is not None:
            self._file.discard()


def member_header(name: str, size: int) -> bytes:
    """Return the header of a member: what `tarfile.TarInfo` makes, at a tenth of its cost.

    Parameters
    ----------
    name : str
        ASCII.
    size : int
        Bytes.
    """
    encoded = name.encode("ascii")
    if len(encoded) > _NAME or size >= _MOST:
        info = tarfile.TarInfo(name)
        info.size = size
        return info.tobuf(tarfile.PAX_FORMAT)
    digits = b"%011o" % size
    checksum = _EMPTY_SUM + sum(encoded) + sum(digits) - 11 * ord("0")
    return b"".join((
        encoded, bytes(_NAME - len(encoded)), _EMPTY[100:124], digits, _EMPTY[135:148],
        b"%06o" % checksum, _EMPTY[154:],
    ))  # fmt: skip


_EMPTY = tarfile.TarInfo("").tobuf(tarfile.USTAR_FORMAT)
_EMPTY_SUM = int(_EMPTY[148:154], 8)


@lru_cache(256)
def _npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    header = BytesIO()
    facts = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, facts)
    return header.getvalue()


def _json(sample: Sample) -> bytes:
    row = sample.row
    if sample.affine is not None:
        row = {**row, "affine": sample.affine.ravel().tolist()}
    # A distance that is not known is no number that JSON has.
    facts = {name: row[name] for name in _FACTS if _is_known(row.get(name))}
    steps = row.get("steps") or sample.remaining.to_json()
    shape = ",".join(map(str, sample.stored.shape))
    dtype = row.get("dtype") or sample.stored.dtype.name
    more = _ENCODER.encode(facts)[1:]
    begin = f'{{"steps":{steps},"shape":[{shape}],"dtype":"{dtype}"'
    return f"{begin}{',' if facts else ''}{more}".encode()


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def _is_known(value: Any) -> bool:
    """Whether a value is there, and has no number that is not finite."""
    if isinstance(value, str):
        return True
    if isinstance(value, (list, tuple)):
        return all(map(_is_known, value))
    return value is not None and math.isfinite(value)
