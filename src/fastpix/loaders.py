"""The one-line loaders: a file to an array, with or without its data set."""

from __future__ import annotations

import threading
from operator import is_
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastpix.header.index import Index
from fastpix.header.instance import read_instance
from fastpix.image.frame_selection import Frames
from fastpix.image.image import Image
from fastpix.image.limits import MAX_BYTES, checked_limit
from fastpix.recipe import Invert, Recipe, one_recipe
from fastpix.runs.alike import Known, known_of
from fastpix.source.lent_buffers import Buffer, borrow, give_back
from fastpix.source.opening import SourceLike, read_source
from fastpix.source.stored import File

if TYPE_CHECKING:
    import torch
    from pydicom.dataset import Dataset


def imread(
    source: SourceLike,
    *,
    dtype: DTypeLike = "float32",
    rescale: bool = True,
    invert: Invert = "max",
    normalize: tuple[float, float] | None = None,
    padding: float | None = None,
    frames: Frames = None,
    out: NDArray[Any] | None = None,
    recipe: Recipe | None = None,
    max_bytes: int = MAX_BYTES,
    decoder: str | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """Read a DICOM image into an array of modality values.

    Parameters
    ----------
    source, max_bytes, decoder
        See `open`.
    dtype, rescale, invert, normalize, padding
        See `Recipe`.
    frames, out, threads
        See `Image.read`.
    recipe : Recipe, optional
        In place of the five keywords.

    Returns
    -------
    ndarray
        See `Image.read`.

    Raises
    ------
    FastpixError
        Its subclasses say what is wrong and what to do.
    """
    asked = (dtype, rescale, invert, normalize, padding, frames, out, recipe, max_bytes, decoder,
             threads)  # fmt: skip
    buffer = borrow()
    try:
        values = _last.read(source, asked, buffer)
        if values is not None:
            return values
        limit = checked_limit(max_bytes)
        made = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder)
        stored = read_source(source, lent=buffer)
        try:
            instance = read_instance(stored, limit)
            image = Image(instance, limit)
            values = image.read(made, frames=frames, out=out, threads=threads)
        finally:
            if isinstance(stored, File):
                stored.close()
        if out is None and frames is None and all(map(_is_fixed, asked)):
            _last.remember(instance.index, asked, image, made, values, buffer)
        return values
    finally:
        give_back(buffer)


def _is_fixed(argument: object) -> bool:
    """Whether an argument says the same as long as it is the same object."""
    if isinstance(argument, tuple):
        return all(map(_is_fixed, argument))
    return argument is None or isinstance(argument, _FIXED)


_FIXED = (str, int, float, np.generic, np.dtype, type, Recipe)


class _Last(threading.local):
    """What this thread has read last: most files are like the one before."""

    index: Index | None = None
    asked: tuple[object, ...] = ()
    known: Known | None = None

    def read(
        self, source: SourceLike, asked: tuple[object, ...], buffer: Buffer
    ) -> NDArray[Any] | None:
        """Read a file if the same is asked for it, and it is like the last two."""
        known = self.known
        # Another buffer: this call is made by something that the call that has ours has called.
        if known is None or known.buffer is not buffer or not all(map(is_, asked, self.asked)):
            return None
        self.known = None  # what is interrupted is not gone on with
        values = known.read((source,), np.empty)
        if not values:
            return None
        self.known = known
        return values[0]

    def remember(
        self,
        index: Index | None,
        asked: tuple[object, ...],
        image: Image,
        recipe: Recipe,
        values: NDArray[Any],
        buffer: Buffer,
    ) -> None:
        """Get ready for files like the last two, if these are alike."""
        last = self.index if all(map(is_, asked, self.asked)) else None
        self.index, self.asked = index, asked
        self.known = known_of(last, index, image, recipe, values, buffer)


_last = _Last()


def dicom_to_array(
    source: SourceLike,
    *,
    dtype: DTypeLike = "float32",
    rescale: bool = True,
    invert: Invert = "max",
    normalize: tuple[float, float] | None = None,
    padding: float | None = None,
    frames: Frames = None,
    out: NDArray[Any] | None = None,
    recipe: Recipe | None = None,
    max_bytes: int = MAX_BYTES,
    decoder: str | None = None,
    threads: int | None = None,
) -> tuple[NDArray[Any], Dataset]:
    """Read a DICOM image into an array, and its data set beside it.

    Parameters are those of `imread`.

    Returns
    -------
    array : ndarray
        See `Image.read`.
    dataset : pydicom.Dataset
        All elements, as pydicom parses them.
    """
    asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder)
    return _read_with_dataset(source, asked, frames, out, max_bytes, threads)


def _read_with_dataset(
    source: SourceLike,
    recipe: Recipe,
    frames: Frames,
    out: NDArray[Any] | None,
    max_bytes: int,
    threads: int | None,
) -> tuple[NDArray[Any], Dataset]:
    limit = checked_limit(max_bytes)
    image = Image(read_instance(read_source(source, whole=True), limit), limit)
    return image.read(recipe, frames=frames, out=out, threads=threads), image.dataset


def dicom_to_tensor(
    source: SourceLike,
    *,
    dtype: DTypeLike = "float32",
    rescale: bool = True,
    invert: Invert = "max",
    normalize: tuple[float, float] | None = None,
    padding: float | None = None,
    frames: Frames = None,
    recipe: Recipe | None = None,
    max_bytes: int = MAX_BYTES,
    decoder: str | None = None,
    threads: int | None = None,
) -> tuple[torch.Tensor, Dataset]:
    """Read a DICOM image into a torch tensor (the ``torch`` extra), and its data set beside it.

    Parameters are those of `imread`. The tensor shares its memory with the array.

    Returns
    -------
    tensor : torch.Tensor
    dataset : pydicom.Dataset

    Raises
    ------
    ImportError
        torch is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        raise ImportError("dicom_to_tensor needs torch: pip install 'fastpix[torch]'") from error
    asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder)
    array, dataset = _read_with_dataset(source, asked, frames, None, max_bytes, threads)
    return torch.from_numpy(array), dataset
