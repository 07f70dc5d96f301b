"""Shards: tar files of raw ``.npy`` with ``.json``, one a batch; WebDataset streams them.

The manifest says where the bytes of each array begin, so that one is read without the others.
"""

from __future__ import annotations

import io
import json
import tarfile
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.formats.stored_bytes import bytes_of, checksum_of, damaged, read_bytes
from fastpix.job.sample import Placed, Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import NewFile, Storage

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_END = bytes(2 * _BLOCK)
_SIZE = slice(124, 136)
_CHECKSUM = slice(148, 156)
_LARGEST = 8**11  # bytes of a member whose size ustar holds in octal digits
_SAID = (
    "unit", "modality", "patient", "study", "series", "sop_instance", "spacing", "affine",
    "pixel_spacing", "slice_thickness", "instance_number", "decoders",
)  # fmt: skip


class _Tar:
    holds = "stored"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> _Writer:
        """Return a writer of one shard."""
        key = f"shards/{batch[:16]}-{attempt}.tar"
        return _Writer(storage, key, attempt, settings.compress == "zstd")

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:
        """Return the array of a row."""
        data = read_bytes(storage, row, verify)
        shape, dtype = tuple(row["shape"]), np.dtype(row["dtype"])
        size = dtype.itemsize * int(np.prod(shape))
        if len(data) == size and not data.startswith(_FRAME):
            return np.frombuffer(bytearray(data), dtype).reshape(shape)
        from fastpix.job.formats.b2nd_files import unpacked

        return unpacked(data, row)


_FRAME = b"\x9e\xa8b2frame\x00"
FORMAT = _Tar()


class _Writer:
    """Writes a shard; it is made when the first sample comes."""

    def __init__(self, storage: Storage, key: str, attempt: str, compresses: bool) -> None:
        self._storage = storage
        self._key = key
        self._attempt = attempt
        self._compresses = compresses
        self._file: NewFile | None = None

    def add(self, sample: Sample) -> Placed:
        """Append a sample: its array, then what is said of it."""
        if self._file is None:
            self._file = self._storage.new_file(self._key, self._attempt)
        file = self._file
        said = json.dumps(_said_of(sample), separators=(",", ":"), allow_nan=False).encode()
        data: bytes | memoryview
        if self._compresses:
            from fastpix.job.formats.b2nd_files import packed

            head, data = b"", packed(sample.stored, compresses=True)
            name = f"{sample.name}.b2nd"
        else:
            head, data = _npy_head(sample.stored.shape, sample.stored.dtype.str), bytes_of(
                sample.stored
            )
            name = f"{sample.name}.npy"
        size = len(head) + len(data)
        begin = file.tell()
        offset = begin + _BLOCK + len(head)
        after = _ZEROS[: -size % _BLOCK] + _member(f"{sample.name}.json", len(said)) + said
        file.write(_member(name, size) + head)
        file.write(data)
        file.write(after + _ZEROS[: -len(said) % _BLOCK])
        return Placed(self._key, offset, len(data), checksum_of(data))

    def flush(self) -> None:
        """End the archive, and make it last."""
        if self._file is not None:
            self._file.write(_END)
            self._file.flush()

    def publish(self) -> None:
        """Give the shard its name, by which it is found from now on."""
        if self._file is not None:
            self._file.publish()

    def discard(self) -> None:
        """Remove the shard."""
        if self._file is not None:
            self._file.discard()


def _said_of(sample: Sample) -> dict[str, Any]:
    """Return what a training loop needs to make values of an array, and to tell it from others."""
    row = sample.row
    said: dict[str, Any] = {"steps": json.loads(sample.remaining.to_json())}
    for key in _SAID:
        value = row.get(key)
        if value is not None and not _has_nan(value):
            said[key] = list(value) if isinstance(value, tuple) else value
    return said


def _has_nan(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_has_nan, value))
    return value != value


@lru_cache(256)
def _npy_head(shape: tuple[int, ...], dtype: str) -> bytes:
    stream = io.BytesIO()
    described = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue()


@lru_cache(16)
def _template(length: int, ending: str) -> bytes:
    """Return the header of a member whose name has so many letters, with a size of 0."""
    info = tarfile.TarInfo("0" * length + ending)
    return info.tobuf(tarfile.USTAR_FORMAT)


def _member(name: str, size: int) -> bytes:
    """Return the header of a member, as `tarfile` makes it."""
    if size >= _LARGEST:
        info = tarfile.TarInfo(name)
        info.size = size
        return info.tobuf(tarfile.GNU_FORMAT)
    stem, dot, ending = name.rpartition(".")
    head = bytearray(_template(len(stem), dot + ending))
    head[: len(stem)] = stem.encode("ascii")
    head[_SIZE] = b"%011o\0" % size
    head[_CHECKSUM] = b"        "
    head[_CHECKSUM] = b"%06o\0 " % sum(head)
    return bytes(head)


def attempt_of(key: str) -> str:
    """Return the attempt that has written a shard.

    Parameters
    ----------
    key : str
    """
    return key.rpartition("-")[2].removesuffix(".tar")


__all__ = ["FORMAT", "damaged"]
