"""Arrays as frames of blosc2, which any program with blosc2 opens; its threads are left alone."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.formats.sample_bytes import check_array, damaged, read_bytes
from fastpix.job.storage.storage_protocol import Storage

_WHOLE_BLOCK = 2**18  # bytes
_VOLUME_BLOCK = (16, 64, 64)
_VOLUME_CHUNK = (32, 128, 128)  # 1 MiB of 16 bits: a patch of 96 x 96 x 96 touches few
# Codec, level, filters. Of 28 real CT slices of heads, zstd leaves 0.30 of the bytes, and 0.36
# without bytedelta, and lz4 0.43 with or without it; lz4 is read in 0.3 of the time. A higher level
# of zstd takes twice as long to write for 0.005 less; bitshuffle takes longer to read.
_CODECS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "none": ("ZSTD", 0, ()),
    "lz4": ("LZ4", 5, ("SHUFFLE",)),
    "zstd": ("ZSTD", 1, ("SHUFFLE", "BYTEDELTA")),
}


def frame_of(stored: NDArray[Any], facts: dict[str, Any], compress: str, whole: bool) -> bytes:
    """Return an array as the bytes of a frame, which are also those of a ``.b2nd`` file.

    Parameters
    ----------
    stored : ndarray, C-contiguous
    facts : dict
        Kept as JSON, in ``vlmeta["fastpix"]``.
    compress : {"none", "lz4", "zstd"}
    whole : bool
        The array is always read whole, so one chunk holds it.
    """
    blosc2 = blosc2_module()
    codec, level, filters = _CODECS[compress]
    cparams = blosc2.CParams(
        codec=blosc2.Codec[codec],
        clevel=level,
        filters=[blosc2.Filter[name] for name in filters],
        filters_meta=[stored.itemsize if name == "BYTEDELTA" else 0 for name in filters],
        typesize=stored.itemsize,
        nthreads=1,
    )
    chunks, blocks = _partition(stored.shape, stored.itemsize, whole)
    array = blosc2.asarray(stored, chunks=chunks, blocks=blocks, cparams=cparams)
    array.vlmeta["fastpix"] = json.dumps(facts, allow_nan=False)
    return bytes(array.to_cframe())


def read_frame(storage: Storage, row: dict[str, Any]) -> NDArray[Any]:
    """Return the array of a frame.

    Parameters
    ----------
    storage : Storage
    row : dict

    Raises
    ------
    FastpixError
    """
    # The checksum is always held: damaged bytes could crash the decoder, and it costs little.
    return check_array(array_in(read_bytes(storage, row, verify=True), row), row)


def array_in(
    data: bytes | memoryview, row: dict[str, Any], room: NDArray[np.uint8] | None = None
) -> NDArray[Any]:
    """Return the array of a frame that is in memory.

    Parameters
    ----------
    data : bytes or memoryview
        Those that were written: their checksum was held.
    row : dict
    room : ndarray of uint8, optional
        Memory for the array, where it is large enough; the array may be in memory of its own.

    Raises
    ------
    FastpixError
        It is no such frame.
    """
    blosc2 = blosc2_module()
    try:
        array = _one_chunk(blosc2, data, row, room)
        if array is None:
            array = np.ascontiguousarray(blosc2.ndarray_from_cframe(bytes(data))[...])
    except (RuntimeError, ValueError, TypeError, KeyError, struct.error) as error:
        raise damaged(row, error) from error
    return array


def _one_chunk(
    blosc2: Any,
    data: bytes | memoryview,
    row: dict[str, Any],
    room: NDArray[np.uint8] | None,
) -> NDArray[Any] | None:
    """Return an array whose cells lie in one chunk in their order; None of others.

    The frame is not opened, which takes three times as long as a small image takes to decompress.
    """
    begin, length, whole = _FRAME.unpack_from(data)
    shape, dtype = row["shape"], np.dtype(row["dtype"])
    kind = bytes(data[_KIND:begin]), shape, dtype
    chunk_bytes = _chunk_bytes.get(kind)
    if chunk_bytes is None:
        if len(_chunk_bytes) >= _MOST_KINDS:
            _chunk_bytes.clear()
        chunk_bytes = _chunk_bytes[kind] = _bytes_of_one_chunk(blosc2, bytes(data), shape, dtype)
    found, compressed = _CHUNK.unpack_from(data, begin)
    # A chunk of zeros is left out of a frame, so that another one may stand in its place.
    if found != chunk_bytes or compressed != whole or length != len(data):
        return None
    if room is None or len(room) < chunk_bytes:
        room = np.empty(chunk_bytes, np.uint8)  # the last block may be longer than the array
    blosc2.decompress2(data[begin : begin + compressed], dst=room[:chunk_bytes], nthreads=1)
    array: NDArray[Any] = room[: math.prod(shape) * dtype.itemsize].view(dtype).reshape(shape)
    return array


# Of C-Blosc2's README_CFRAME_FORMAT: bytes of the header and of the frame, and compressed ones of
# all chunks; what stands behind these is the same for all images of one kind.
_FRAME = struct.Struct(">11xixq15xq")
_KIND = _FRAME.size
_CHUNK = struct.Struct("<4xi4xi")  # of README_CHUNK_FORMAT: bytes that it holds; compressed ones
_MOST_KINDS = 1024
_chunk_bytes: dict[tuple[bytes, tuple[int, ...], np.dtype[Any]], int] = {}


def _bytes_of_one_chunk(
    blosc2: Any, data: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> int:
    """Return the bytes of the one chunk of a frame; -1 where cells do not lie in it in order."""
    frame = blosc2.schunk_from_cframe(data)
    _, _, found, chunks, blocks, *_ = frame.meta["b2nd"]
    is_in_order = tuple(found) == tuple(chunks) == shape and tuple(blocks[1:]) == shape[1:]
    if not is_in_order or frame.typesize != dtype.itemsize:
        return -1
    size = int(frame.chunksize)
    return size if size >= math.prod(shape) * dtype.itemsize else -1


def _partition(
    shape: tuple[int, ...], itemsize: int, whole: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if whole or len(shape) < 3:
        inner = math.prod(shape[1:]) * itemsize
        # In blocks of whole rows, or frames, cells are in their order.
        return shape, (min(shape[0], max(1, _WHOLE_BLOCK // max(1, inner))), *shape[1:])
    ahead = len(shape) - 3 - (len(shape) > 3 and shape[-1] == 3)
    chunk = (1,) * ahead + _VOLUME_CHUNK + (3,) * (len(shape) - ahead - 3)
    block = (1,) * ahead + _VOLUME_BLOCK + (3,) * (len(shape) - ahead - 3)
    chunks = tuple(min(n, most) for n, most in zip(shape, chunk, strict=True))
    return chunks, tuple(min(n, most) for n, most in zip(chunks, block, strict=True))


def blosc2_module() -> Any:
    """Return blosc2, or say how to install it."""
    try:
        import blosc2
    except ModuleNotFoundError as error:
        raise ImportError("this format needs blosc2: pip install 'fastpix[job]'") from error
    return blosc2
