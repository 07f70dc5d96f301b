"""The loaders: a file to an array or a tensor, its data set beside it; a series to a volume."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike, NDArray

from fastpix.errors import add_source
from fastpix.header.instance import read_instance
from fastpix.image.frame_selection import Frames
from fastpix.image.image import Image
from fastpix.image.limits import MAX_BYTES, MAX_VOLUME_BYTES, checked_limit
from fastpix.notes import Note
from fastpix.recipe import Invert, Recipe, one_recipe
from fastpix.runs.last_read import LastRead, never_changes
from fastpix.source.lent_buffers import borrow, give_back
from fastpix.source.naming import ErrorsNamed, name_of
from fastpix.source.opening import SourceLike, read_source
from fastpix.source.stored import File

if TYPE_CHECKING:
    import torch
    from pydicom.dataset import Dataset

    from fastpix.series.accepting import Gaps
    from fastpix.series.open_series import SeriesSource
    from fastpix.series.volume import Volume


def imread(
    source: SourceLike,
    *,
    dtype: DTypeLike = "float32",
    rescale: bool = True,
    invert: Invert = "max",
    normalize: tuple[float, float] | None = None,
    padding: float | None = None,
    color_range: tuple[float, float] | None = None,
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
    source : path, bytes-like, binary file or pydicom Dataset
        What to read. A binary file is read from its position, and put back there.
    dtype : str or numpy dtype
        float32, float64, an integer dtype (exact or an error), or "auto", chosen by the header.
    rescale : bool
        Apply Rescale Slope and Intercept, or the Modality LUT; False leaves stored values.
    invert : {"max", "range", "none"}
        MONOCHROME1: subtract from the image's maximum, mirror in the possible range, or leave.
    normalize : (float, float), optional
        Clip to this interval, in output units, and map it to 0..1.
    padding : float, optional
        What pixels marked by Pixel Padding Value become; if not given, they stay as they are.
    color_range : (float, float), optional
        Colour: bring it to 8 bits, and map 0..255 to this interval; monochrome images stay.
    frames : int, slice, sequence of int or None
        Which frames; an int drops the frame axis, None reads all.
    out : ndarray, optional
        Filled and returned; C-contiguous, writable, of the right shape and dtype.
    recipe : Recipe, optional
        In place of the six keywords from `dtype` to `color_range`.
    max_bytes : int
        The most bytes that one image may decode to, deflated data sets included.
    decoder : str, optional
        The one package that may decode compressed frames; if not given, the fastest is tried first.
    threads : int, optional
        How many threads decode and scale frames; if not given, as many as help.

    Returns
    -------
    ndarray
        ``(rows, columns)``, ``(frames, rows, columns)``, and with a last axis of 3 for colour.

    Raises
    ------
    FastpixError
        Its subclasses say what is wrong and what to do.
    """
    asked = (dtype, rescale, invert, normalize, padding, color_range, recipe, max_bytes, decoder,
             threads)  # fmt: skip
    buffer = borrow()
    try:
        values = _last_read.read_alike(source, asked, frames, out, buffer)
        if values is not None:
            return values
        limit = checked_limit(max_bytes)
        made = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder, color_range)
        stored = read_source(source, lent=buffer)
        try:
            instance = read_instance(stored, limit, only_pixels=True)
            image = Image(instance, limit)
            values = image.read(made, frames=frames, out=out, threads=threads)
        finally:
            if isinstance(stored, File):
                stored.close()
        if all(map(never_changes, asked)):
            _last_read.remember(instance.index, asked, image, made, frames, buffer)
        return values
    except Exception as error:
        add_source(error, name_of(source))
        raise
    finally:
        give_back(buffer)


_last_read = LastRead()


def dicom_to_array(
    source: SourceLike,
    *,
    dtype: DTypeLike = "float32",
    rescale: bool = True,
    invert: Invert = "max",
    normalize: tuple[float, float] | None = None,
    padding: float | None = None,
    color_range: tuple[float, float] | None = None,
    frames: Frames = None,
    out: NDArray[Any] | None = None,
    recipe: Recipe | None = None,
    max_bytes: int = MAX_BYTES,
    decoder: str | None = None,
    threads: int | None = None,
) -> tuple[NDArray[Any], Dataset]:
    """Read a DICOM image into an array, and its data set beside it.

    Parameters
    ----------
    source : path, bytes-like, binary file or pydicom Dataset
        What to read. A binary file is read from its position, and put back there.
    dtype : str or numpy dtype
        float32, float64, an integer dtype (exact or an error), or "auto", chosen by the header.
    rescale : bool
        Apply Rescale Slope and Intercept, or the Modality LUT; False leaves stored values.
    invert : {"max", "range", "none"}
        MONOCHROME1: subtract from the image's maximum, mirror in the possible range, or leave.
    normalize : (float, float), optional
        Clip to this interval, in output units, and map it to 0..1.
    padding : float, optional
        What pixels marked by Pixel Padding Value become; if not given, they stay as they are.
    color_range : (float, float), optional
        Colour: bring it to 8 bits, and map 0..255 to this interval; monochrome images stay.
    frames : int, slice, sequence of int or None
        Which frames; an int drops the frame axis, None reads all.
    out : ndarray, optional
        Filled and returned; C-contiguous, writable, of the right shape and dtype.
    recipe : Recipe, optional
        In place of the six keywords from `dtype` to `color_range`.
    max_bytes : int
        The most bytes that one image may decode to, deflated data sets included.
    decoder : str, optional
        The one package that may decode compressed frames; if not given, the fastest is tried first.
    threads : int, optional
        How many threads decode and scale frames; if not given, as many as help.

    Returns
    -------
    array : ndarray
        ``(rows, columns)``, ``(frames, rows, columns)``, and with a last axis of 3 for colour.
    dataset : pydicom.Dataset
        All elements, as pydicom parses them.
    """
    asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder, color_range)
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
    with ErrorsNamed(name_of(source)):
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
    color_range: tuple[float, float] | None = None,
    frames: Frames = None,
    recipe: Recipe | None = None,
    max_bytes: int = MAX_BYTES,
    decoder: str | None = None,
    threads: int | None = None,
) -> tuple[torch.Tensor, Dataset]:
    """Read a DICOM image into a torch tensor (the ``torch`` extra), and its data set beside it.

    Parameters
    ----------
    source : path, bytes-like, binary file or pydicom Dataset
        What to read. A binary file is read from its position, and put back there.
    dtype : str or numpy dtype
        float32, float64, an integer dtype (exact or an error), or "auto", chosen by the header.
    rescale : bool
        Apply Rescale Slope and Intercept, or the Modality LUT; False leaves stored values.
    invert : {"max", "range", "none"}
        MONOCHROME1: subtract from the image's maximum, mirror in the possible range, or leave.
    normalize : (float, float), optional
        Clip to this interval, in output units, and map it to 0..1.
    padding : float, optional
        What pixels marked by Pixel Padding Value become; if not given, they stay as they are.
    color_range : (float, float), optional
        Colour: bring it to 8 bits, and map 0..255 to this interval; monochrome images stay.
    frames : int, slice, sequence of int or None
        Which frames; an int drops the frame axis, None reads all.
    recipe : Recipe, optional
        In place of the six keywords from `dtype` to `color_range`.
    max_bytes : int
        The most bytes that one image may decode to, deflated data sets included.
    decoder : str, optional
        The one package that may decode compressed frames; if not given, the fastest is tried first.
    threads : int, optional
        How many threads decode and scale frames; if not given, as many as help.

    Returns
    -------
    tensor : torch.Tensor
        It shares its memory with the array that `dicom_to_array` would return.
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
    asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder, color_range)
    array, dataset = _read_with_dataset(source, asked, frames, None, max_bytes, threads)
    return torch.from_numpy(array), dataset


def read_series(
    source: SeriesSource,
    *,
    series_uid: str | None = None,
    stack: int | None = None,
    gaps: Gaps = "error",
    partial: bool = False,
    tolerance: float = 0.05,
    dtype: DTypeLike = "float32",
    rescale: bool = True,
    invert: Invert = "max",
    normalize: tuple[float, float] | None = None,
    padding: float | None = None,
    color_range: tuple[float, float] | None = None,
    out: NDArray[Any] | None = None,
    recipe: Recipe | None = None,
    max_bytes: int = MAX_VOLUME_BYTES,
    decoder: str | None = None,
    threads: int | None = None,
) -> Volume:
    """Read a series into one array with its place in patient space (PS3.3 C.7.6.2, C.7.6.16).

    Parameters
    ----------
    source : path, sequence of sources, bytes-like, binary file or pydicom Dataset
        A folder, an archive, files in any order, or one multi-frame file.
    series_uid : str, optional
        The series that is meant, if there are several.
    stack : int, optional
        The stack that is meant, if the series has several: its number in the table of the error.
    gaps : {"error", "fill"}
        Missing slices: an error, or planes of NaN on the true grid (float dtypes only).
    partial : bool
        Where a volume is incomplete, as after an interrupted scan: read the complete ones.
    tolerance : float
        How far the origin of a slice may lie off the even grid, as a share of the median gap.
    dtype : str or numpy dtype
        float32, float64, an integer dtype (exact or an error), or "auto", chosen by the header.
    rescale : bool
        Apply Rescale Slope and Intercept, or the Modality LUT; False leaves stored values.
    invert : {"max", "range", "none"}
        MONOCHROME1: subtract from the volume's maximum, mirror in the possible range, or leave.
    normalize : (float, float), optional
        Clip to this interval, in output units, and map it to 0..1.
    padding : float, optional
        What pixels marked by Pixel Padding Value become; if not given, they stay as they are.
    color_range : (float, float), optional
        Colour: bring it to 8 bits, and map 0..255 to this interval; monochrome images stay.
    out : ndarray, optional
        Filled, and the array of the volume; C-contiguous, writable, of the right shape and dtype.
    recipe : Recipe, optional
        In place of the keywords from `dtype` to `color_range`.
    max_bytes : int
        The most bytes that the array may take.
    decoder : str, optional
        The one package that may decode compressed frames; if not given, the fastest is tried first.
    threads : int, optional
        How many threads read; if not given, as many as help.

    Returns
    -------
    Volume
        ``(slice, row, column)``, or with an axis of volumes before them; its affine is LPS.

    Raises
    ------
    SeriesError
        There is no volume, or several, or none without being asked for; it has a table of stacks.
    FastpixError
        A file cannot be read; the error names it.
    """
    # Whoever reads single images does not pay for these modules.
    from fastpix.series.choosing import choose_stack
    from fastpix.series.open_series import open_series

    asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder, color_range)
    limit = checked_limit(max_bytes)
    stacks = open_series(source, tolerance=tolerance, threads=threads)
    chosen, aside = choose_stack(stacks, series_uid, stack)
    volume = chosen.read(
        asked, gaps=gaps, partial=partial, out=out, threads=threads, max_bytes=limit
    )
    return replace(volume, notes=(*volume.notes, *(Note(f.text) for f in aside)))
