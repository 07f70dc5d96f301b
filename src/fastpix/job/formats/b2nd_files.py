"""One blosc2 array for each sample: blocks of a volume are read without the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.formats.one_a_file import FileWriter, Encoded
from fastpix.job.formats.stored_bytes import damaged, read_bytes
from fastpix.job.sample import Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage

_BLOCK = (16, 64, 64)  # cells: a patch of 96 x 96 x 96 touches few others
_CHUNK = (32, 256, 256)
_LEVEL = 5


class _B2nd:
    holds = "stored"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> FileWriter:
        """Return a writer of a file for each sample."""
        del batch
        _import_blosc2()
        compresses = settings.compress == "zstd"

        def encode(sample: Sample) -> Encoded:
            facts = {"steps": sample.remaining.to_json(), "unit": sample.row.get("unit") or ""}
            return Encoded(".b2nd", packed(sample.stored, compresses, facts))

        return FileWriter(storage, attempt, encode)

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:
        """Return the array of a row."""
        return unpacked(read_bytes(storage, row, verify), row)


FORMAT = _B2nd()


def packed(array: NDArray[Any], compresses: bool, facts: dict[str, str] | None = None) -> bytes:
    """Return an array as a contiguous frame of blosc2.

    Parameters
    ----------
    array : ndarray, C-contiguous
    compresses : bool
        By zstd, with the bits of cells shuffled; else it is stored as it is.
    facts : dict of str to str, optional
        Kept in its metadata.
    """
    blosc2 = _import_blosc2()
    whole = array.reshape(array.shape or (1,))
    blocks = _fitted(whole.shape, _BLOCK)
    chunks = _fitted(whole.shape, _CHUNK)
    if whole.ndim < 3:  # an image is read whole: one chunk, in rows
        chunks = whole.shape
        blocks = (min(whole.shape[0], max(1, 2**17 // max(1, whole[0].nbytes))), *whole.shape[1:])
    cparams = {
        "codec": blosc2.Codec.ZSTD,
        "clevel": _LEVEL if compresses else 0,
        "typesize": whole.dtype.itemsize,
        "filters": [blosc2.Filter.BITSHUFFLE if compresses else blosc2.Filter.NOFILTER],
        "nthreads": 1,
    }
    found = blosc2.asarray(
        whole, chunks=chunks, blocks=blocks, cparams=cparams, contiguous=True
    )
    for name, value in (facts or {}).items():
        found.schunk.vlmeta[name] = value
    data: bytes = found.to_cframe()
    return data


def unpacked(data: bytes, row: dict[str, Any]) -> NDArray[Any]:
    """Return the array of a frame of blosc2.

    Parameters
    ----------
    data : bytes
    row : dict
        Says shape and dtype.

    Raises
    ------
    FastpixError
        It is damaged.
    """
    blosc2 = _import_blosc2()
    shape, dtype = tuple(row["shape"]), np.dtype(row["dtype"])
    try:
        found = blosc2.ndarray_from_cframe(data, copy=False)
        if found.shape != (shape or (1,)) or found.dtype != dtype:
            raise damaged(row, "it holds another array")
        found.schunk.dparams = {"nthreads": 1}
        values: NDArray[Any] = found[...]
    except (RuntimeError, ValueError, TypeError) as error:
        raise damaged(row, "it is no sound blosc2 array") from error
    return values.reshape(shape)


def _fitted(shape: tuple[int, ...], wanted: tuple[int, int, int]) -> tuple[int, ...]:
    """Return a size for the last three axes before colours, and 1 for those before them."""
    trailing = shape[-1:] if len(shape) > 3 and shape[-1] == 3 else ()
    spatial = shape[: len(shape) - len(trailing)]
    sizes = tuple(min(n, w) for n, w in zip(spatial[-3:], wanted[-len(spatial[-3:]) :], strict=True))
    return (1,) * (len(spatial) - len(sizes)) + sizes + trailing


def _import_blosc2() -> Any:
    try:
        import blosc2
    except ImportError as error:
        raise ImportError("blosc2 is not installed: pip install 'fastpix[job]'") from error
    return blosc2
