"""The readers of batches that can be compared: files of one shape to one array of float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.compare.readers import (
    FASTPIX,
    READERS,
    Read,
    Reader,
    read_fastpix,
    read_fastpix_mirrored,
    read_fastpix_negated,
    read_pydicom,
)
from fastpix.runs.batch import imread_batch

Paths: TypeAlias = Sequence[str]
ReadOne: TypeAlias = Callable[[str], NDArray[Any]]


def read_batch_fastpix(paths: Paths) -> NDArray[Any]:
    """Read with fastpix; MONOCHROME1 is not inverted."""
    return imread_batch(paths, invert="none")


def read_in_a_loop(paths: Paths, *, read: ReadOne) -> NDArray[np.float32]:
    """Read file by file, and stack the values."""
    return np.stack([read(path).astype(np.float32, copy=False) for path in paths])


def read_by_threads(paths: Paths, *, read: ReadOne) -> NDArray[np.float32]:
    """Read by a pool of threads, as large as Python makes it, and stack the values."""
    with ThreadPoolExecutor() as pool:
        return np.stack([values.astype(np.float32, copy=False) for values in pool.map(read, paths)])


def read_batch_monai(paths: Paths) -> NDArray[Any]:
    """Read with MONAI's LoadImage, file by file; it has columns first."""
    import torch
    from monai.transforms import LoadImage

    load = LoadImage("PydicomReader", image_only=True)
    images: list[Any] = [load(path) for path in paths]
    turned: NDArray[Any] = torch.stack(images).numpy().swapaxes(-1, -2)
    return turned


def _loop(name: str) -> Reader:
    one = READERS[name]
    references: dict[Read, Read] = {
        read_fastpix: read_batch_fastpix,
        read_fastpix_mirrored: partial(read_in_a_loop, read=read_fastpix_mirrored),
        read_fastpix_negated: partial(read_in_a_loop, read=read_fastpix_negated),
    }
    reads = partial(read_in_a_loop, read=one.read)
    return Reader(f"{name} loop", one.package, one.module, reads, references[one.reference])


_OURS = read_batch_fastpix
_THREADS = partial(read_by_threads, read=read_pydicom)

BATCH_READERS = {
    reader.name: reader
    for reader in (
        Reader(FASTPIX, "fastpix", "fastpix", _OURS, _OURS),
        _loop("pydicom"),
        Reader("pydicom threads", "pydicom", "pydicom", _THREADS, _OURS),
        _loop("SimpleITK"),
        Reader("MONAI LoadImage", "monai pydicom", "monai", read_batch_monai, _OURS),
        _loop("pydcm"),
        _loop("dicomsdl"),
        _loop("gdcm"),
    )
}
"""All readers of batches, by name: fastpix first."""
