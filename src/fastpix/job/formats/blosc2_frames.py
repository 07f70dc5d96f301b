"""Arrays as frames of blosc2, which any program with blosc2 opens; its threads are left alone."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.formats.sample_bytes import check_array, damaged, read_bytes
from fastpix.job.storage.storage_protocol import Storage

_WHOLE_BLOCK = 2**18  # bytes
_VOLUME_BLOCK = (16, 64, 64)
_VOLUME_CHUNK = (32, 128, 128)  # 1 MiB of 16 bits: a patch of 96 x 96 x 96 touches few


def frame_of(stored: NDArray[Any], facts: dict[str, Any], compress: str, whole: bool) -> bytes:
    """Return an array as the bytes of a frame, which are also those of a ``.b2nd`` file.

    Parameters
    ----------
    stored : ndarray, C-contiguous
    facts : dict
        Kept as JSON, in ``vlmeta["fastpix"]``.
    compress : {"none", "zstd"}
    whole : bool
        The array is always read whole, so one chunk holds it.
    """
    blosc2 = blosc2_module()
    # Of real CT, shuffle and bytedelta leave 0.42 of the bytes, bitshuffle 0.46, in the same time;
    # level 3 takes twice as long to write for 0.005 less.
    cparams = blosc2.CParams(
        codec=blosc2.Codec.ZSTD,
        clevel=0 if compress == "none" else 1,
        filters=[] if compress == "none" else [blosc2.Filter.SHUFFLE, blosc2.Filter.BYTEDELTA],
        filters_meta=[] if compress == "none" else [0, stored.itemsize],
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
    data = read_bytes(storage, row, verify=True)
    blosc2 = blosc2_module()
    try:
        array = _one_chunk(blosc2, data, row)
        if array is None:
            array = np.ascontiguousarray(blosc2.ndarray_from_cframe(data)[...])
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise damaged(row, error) from error
    return check_array(array, row)


def _one_chunk(blosc2: Any, data: bytes, row: dict[str, Any]) -> NDArray[Any] | None:
    """Return an array whose cells lie in one chunk in their order; None of others.

    It takes half the time of a blosc2 array, which a small image would mostly wait for.
    """
    frame = blosc2.schunk_from_cframe(data)
    shape, dtype = tuple(row["shape"]), np.dtype(row["dtype"])
    _, _, found, chunks, blocks, *_ = frame.meta["b2nd"]
    if not (tuple(found) == tuple(chunks) == shape and tuple(blocks[1:]) == shape[1:]):
        return None
    size = math.prod(shape) * dtype.itemsize
    if frame.chunksize < size or frame.typesize != dtype.itemsize:
        return None
    cells = np.empty(frame.chunksize, np.uint8)  # the last block may be longer than the array
    frame.decompress_chunk(0, cells)
    array: NDArray[Any] = cells[:size].view(dtype).reshape(shape)
    return array


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
