"""The loaders: a file to an array or a tensor, its data set beside it; a series to a volume."""

from __future__ import annotations

import threading
from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastpix.errors import add_source
from fastpix.header.index import Index
from fastpix.header.instance import read_instance
from fastpix.image.frame_selection import Frames, frozen_frames
from fastpix.image.image import Image
from fastpix.image.limits import MAX_BYTES, MAX_VOLUME_BYTES, checked_limit
from fastpix.notes import Note
from fastpix.recipe import Invert, Recipe, one_recipe
from fastpix.runs.alike import AlikeReader, alike_reader
from fastpix.source.lent_buffers import Buffer, borrow, give_back
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
    frames : int, slice, sequence of int or None
        Which frames; an int drops the frame axis, None reads all.
    out : ndarray, optional
        Filled and returned; C-contiguous, writable, of the right shape and dtype.
    recipe : Recipe, optional
        In place of the five keywords from `dtype` to `padding`.
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
    asked = (dtype, rescale, invert, normalize, padding, recipe, max_bytes, decoder, threads)
    buffer = borrow()
    try:
        values = _last_read.read_alike(source, asked, frames, out, buffer)
        if values is not None:
            return values
        limit = checked_limit(max_bytes)
        made = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder)
        stored = read_source(source, lent=buffer)
        try:
            instance = read_instance(stored, limit, only_pixels=True)
            image = Image(instance, limit)
            values = image.read(made, frames=frames, out=out, threads=threads)
        finally:
            if isinstance(stored, File):
                stored.close()
        if all(map(_never_changes, asked)):
            _last_read.remember(instance.index, asked, image, made, frames, buffer)
        return values
    except Exception as error:
        add_source(error, name_of(source))
        raise
    finally:
        give_back(buffer)


def _never_changes(argument: object) -> bool:
    """Whether an object can never change, so that the same object is always the same argument."""
    if isinstance(argument, tuple):
        return all(map(_never_changes, argument))
    return argument is None or isinstance(argument, _IMMUTABLE)


_IMMUTABLE = (str, int, float, np.generic, np.dtype, type, Recipe)


class _LastRead(threading.local):
    """What this thread read last, because most files are like the one before."""

    index: Index | None = None
    arguments: tuple[object, ...] = ()
    frames: tuple[object, ...] | None = None
    alike: AlikeReader | None = None

    def read_alike(
        self,
        source: SourceLike,
        arguments: tuple[object, ...],
        frames: Frames,
        out: NDArray[Any] | None,
        buffer: Buffer,
    ) -> NDArray[Any] | None:
        """Read a file if it is like the last two, and the arguments are the same objects."""
        alike = self.alike
        # Another buffer: this is a nested imread (from a warning hook, say), and the outer call is
        # using the buffer that `alike` reads into.
        if (
            alike is None
            or alike.buffer is not buffer
            or not all(map(is_, arguments, self.arguments))
            or frozen_frames(frames) != self.frames
            or not (out is None or alike.fits(out))
        ):
            return None
        self.alike = None  # an interrupted read may leave it half-changed: it is not used again
        values = alike.read((source,), _new_array if out is None else lambda *_: out)
        if not values:
            return None
        self.alike = alike
        return values[0]

    def remember(
        self,
        index: Index | None,
        arguments: tuple[object, ...],
        image: Image,
        recipe: Recipe,
        frames: Frames,
        buffer: Buffer,
    ) -> None:
        """Prepare for files like the last two, if these are alike."""
        frozen = frozen_frames(frames)
        is_same = frozen == self.frames and all(map(is_, arguments, self.arguments))
        last = self.index if is_same else None
        self.index, self.arguments, self.frames, self.alike = index, arguments, frozen, None
        if frozen is not None:
            self.alike = alike_reader(last, index, image, recipe, frames, buffer)


def _new_array(_: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    return np.empty(shape, dtype)


_last_read = _LastRead()


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
    frames : int, slice, sequence of int or None
        Which frames; an int drops the frame axis, None reads all.
    out : ndarray, optional
        Filled and returned; C-contiguous, writable, of the right shape and dtype.
    recipe : Recipe, optional
        In place of the five keywords from `dtype` to `padding`.
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
    frames : int, slice, sequence of int or None
        Which frames; an int drops the frame axis, None reads all.
    recipe : Recipe, optional
        In place of the five keywords from `dtype` to `padding`.
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
    asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder)
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
    out : ndarray, optional
        Filled, and the array of the volume; C-contiguous, writable, of the right shape and dtype.
    recipe : Recipe, optional
        In place of the keywords from `dtype` to `padding`.
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

    asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder)
    limit = checked_limit(max_bytes)
    stacks = open_series(source, tolerance=tolerance, threads=threads)
    chosen, aside = choose_stack(stacks, series_uid, stack)
    volume = chosen.read(
        asked, gaps=gaps, partial=partial, out=out, threads=threads, max_bytes=limit
    )
    return replace(volume, notes=(*volume.notes, *(Note(f.text) for f in aside)))
