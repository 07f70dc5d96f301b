"""The one-line loaders: a file to an array, with or without its data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike, NDArray
from pydicom.dataset import Dataset

from fastpix.codecs import check_pin
from fastpix.image import MAX_BYTES, Image, checked_limit
from fastpix.instance import read_instance
from fastpix.recipe import Invert, Recipe
from fastpix.selection import Frames
from fastpix.source import File, SourceLike, borrow, give_back, read_source

if TYPE_CHECKING:
    import torch


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
    limit, pinned = checked_limit(max_bytes), check_pin(decoder)
    buffer = borrow()
    try:
        stored = read_source(source, lent=buffer)
        try:
            return Image(read_instance(stored, limit), limit, pinned).read(
                recipe, dtype=dtype, rescale=rescale, invert=invert, normalize=normalize,
                padding=padding, frames=frames, out=out, threads=threads,
            )  # fmt: skip
        finally:
            if isinstance(stored, File):
                stored.close()
    finally:
        give_back(buffer)


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
    limit, pinned = checked_limit(max_bytes), check_pin(decoder)
    image = Image(read_instance(read_source(source, whole=True), limit), limit, pinned)
    array = image.read(
        recipe, dtype=dtype, rescale=rescale, invert=invert, normalize=normalize,
        padding=padding, frames=frames, out=out, threads=threads,
    )  # fmt: skip
    return array, image.dataset


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
    array, dataset = dicom_to_array(
        source, dtype=dtype, rescale=rescale, invert=invert, normalize=normalize,
        padding=padding, frames=frames, recipe=recipe, max_bytes=max_bytes, decoder=decoder,
        threads=threads,
    )  # fmt: skip
    return torch.from_numpy(array), dataset
