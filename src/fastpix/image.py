"""The public face: open an instance, look at its plan, read its values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pydicom.dataset import Dataset

from fastpix.cells import Cells, FrameCells
from fastpix.errors import ArgumentError, FastpixError, PixelDataError, warn_caller
from fastpix.header import Header, read_header
from fastpix.plan import Plan, make_plan, stored_plan
from fastpix.recipe import Invert, Recipe
from fastpix.selection import Frames, checked_out, frame_indices
from fastpix.source import Source, SourceLike, read_source
from fastpix.values import fill_frame, find_peak

if TYPE_CHECKING:
    import torch

MAX_BYTES = 2**32
"""What one image may decode to, unless the caller says otherwise."""


class Image:
    """One DICOM instance, opened: its header is read, its pixels are not.

    Made by `fastpix.open`. What it gives never changes: it may be shared by threads, kept across
    a fork, and pickled (it takes its bytes along).

    Attributes
    ----------
    header : Header
        The pixel attributes, every one settled.
    """

    header: Header

    def __init__(self, source: Source, max_bytes: int) -> None:
        self._source = source
        self._max_bytes = max_bytes
        self.header, self._dataset = read_header(source, max_bytes)
        self._cells: Cells | None = Cells(self.header)
        for note in self._cells.notes:
            warn_caller(note.text)
        self._peaks: dict[tuple[bool, bool], float | None] = {}
        self._decoders: dict[str, None] = {}

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.header.frames

    def __repr__(self) -> str:
        h = self.header
        return f"<fastpix.Image: {h.frames} x {h.rows} x {h.columns}, {h.photometric}>"

    def __enter__(self) -> Image:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        self._open()
        return _reopen, (self._source, self._max_bytes)

    @property
    def dataset(self) -> Dataset:
        """The data set as pydicom parsed it."""
        self._open()
        return self._dataset

    @property
    def decoders(self) -> tuple[str, ...]:
        """What has decoded the frames read so far, with versions; empty for native data."""
        return tuple(self._decoders)

    def close(self) -> None:
        """Let go of the bytes. The header stays; reading is an error from here on."""
        self.header = replace(self.header, pixels=memoryview(b""))
        self._cells = None
        self._source = Source()
        self._dataset = Dataset()

    def plan(
        self,
        recipe: Recipe | None = None,
        *,
        dtype: DTypeLike = "float32",
        rescale: bool = True,
        invert: Invert = "max",
        normalize: tuple[float, float] | None = None,
        padding: float | None = None,
    ) -> Plan:
        """Return every decision that `read` with these arguments would act on; print it.

        Parameters
        ----------
        recipe : Recipe, optional
            In place of the keywords.
        dtype, rescale, invert, normalize, padding
            See `Recipe`.

        Raises
        ------
        FastpixError
            The header cannot give what is asked.
        """
        asked = _one_recipe(recipe, dtype, rescale, invert, normalize, padding)
        plan = make_plan(self.header, asked)
        if self._cells is not None and self._cells.notes:
            return replace(plan, notes=(*plan.notes, *self._cells.notes))
        return plan

    def read(
        self,
        recipe: Recipe | None = None,
        *,
        dtype: DTypeLike = "float32",
        rescale: bool = True,
        invert: Invert = "max",
        normalize: tuple[float, float] | None = None,
        padding: float | None = None,
        frames: Frames = None,
        out: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Return the values of all frames, or of some.

        Parameters
        ----------
        recipe : Recipe, optional
            In place of the five keywords that follow.
        dtype, rescale, invert, normalize, padding
            See `Recipe`.
        frames : int, slice, sequence of int or None
            Which frames; negative ones count from the end. An int drops the frame axis, a slice or
            sequence keeps it; None reads all, with an axis only where there are several.
        out : ndarray, optional
            Filled and returned. C-contiguous, writable, of the right shape and dtype.

        Returns
        -------
        ndarray
            ``(rows, columns)``, ``(frames, rows, columns)``, and with a last axis of 3 for colour.
            C-contiguous, native byte order, writable.

        Raises
        ------
        FastpixError
            Its subclasses say what is wrong. `out` is then partly filled.
        """
        asked = _one_recipe(recipe, dtype, rescale, invert, normalize, padding)
        plan = make_plan(self.header, asked)
        for note in plan.notes:
            if note.oddity and note not in self.header.notes:
                warn_caller(note.text)
        return self._read(plan, frames, out, (asked.rescale, asked.padding is not None))

    def stored(self, frames: Frames = None, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return the stored values: masked, with their sign, before any rescale (steps 1 to 3).

        Parameters
        ----------
        frames, out
            As in `read`.

        Returns
        -------
        ndarray
            Integers as wide as Bits Allocated, signed as Pixel Representation says (float data: as
            stored). Indices for PALETTE COLOR; the file's own colour space for other colour.
        """
        return self._read(stored_plan(self.header), frames, out, (False, False))

    def iter_frames(
        self,
        recipe: Recipe | None = None,
        *,
        dtype: DTypeLike = "float32",
        rescale: bool = True,
        invert: Invert = "max",
        normalize: tuple[float, float] | None = None,
        padding: float | None = None,
    ) -> Iterator[NDArray[Any]]:
        """Yield the values of one frame after the other, each a new array without frame axis.

        Parameters
        ----------
        recipe, dtype, rescale, invert, normalize, padding
            As in `read`.
        """
        asked = _one_recipe(recipe, dtype, rescale, invert, normalize, padding)
        for frame in range(len(self)):
            yield self.read(asked, frames=frame)

    def _open(self) -> Cells:
        if self._cells is None:
            raise FastpixError("this Image is closed: open its source again")
        return self._cells

    def _read(
        self, plan: Plan, frames: Frames, out: NDArray[Any] | None, peak_key: tuple[bool, bool]
    ) -> NDArray[Any]:
        cells = self._open()
        indices, keep_axis = frame_indices(frames, len(self))
        shape = (len(indices), *plan.shape[1:])
        self._check_size(shape, plan)
        cells.check(indices)  # before memory is asked for
        result = np.empty(shape, plan.dtype) if out is None else checked_out(
            out, shape if keep_axis else shape[1:], plan.dtype).reshape(shape)  # fmt: skip
        peak, decoded = self._peak(cells, plan, set(indices), peak_key)
        for position, index in enumerate(indices):
            source = decoded.get(index) or self._decode(cells, index)
            fill_frame(index, source, result[position], plan, peak)
        if out is not None:
            return out
        return result if keep_axis else result[0]

    def _decode(self, cells: Cells, index: int) -> FrameCells:
        source = cells.frame(index)
        if source.decoder:
            self._decoders[source.decoder] = None
        return source

    def _peak(
        self, cells: Cells, plan: Plan, wanted: set[int], key: tuple[bool, bool]
    ) -> tuple[float | None, dict[int, FrameCells]]:
        """Return the maximum of the instance, and those frames decoded for it that are wanted."""
        decoded: dict[int, FrameCells] = {}
        if not plan.needs_peak:
            return None, decoded
        if key not in self._peaks:

            def each() -> Iterator[tuple[int, FrameCells]]:
                for index in range(len(self)):
                    source = self._decode(cells, index)
                    if index in wanted:
                        decoded[index] = source
                    yield index, source

            self._peaks[key] = find_peak(each(), plan)
        return self._peaks[key], decoded

    def _check_size(self, shape: tuple[int, ...], plan: Plan) -> None:
        size = int(np.prod(shape, dtype=object)) * np.dtype(plan.dtype).itemsize
        if size > self._max_bytes:
            raise PixelDataError(
                expected=size,
                found=self._max_bytes,
                reason=f"the image decodes to {size} bytes, more than max_bytes={self._max_bytes}",
                remedy="ask for fewer frames=, or raise max_bytes= if the header can be believed",
            )


def open(source: SourceLike, *, max_bytes: int = MAX_BYTES) -> Image:
    """Open a DICOM instance and read its header.

    Parameters
    ----------
    source : path, bytes-like, binary file or pydicom Dataset
        A file is read from where it stands, and put back there.
    max_bytes : int
        What the image may decode to, deflated data sets included.

    Returns
    -------
    Image

    Raises
    ------
    FastpixError
        The bytes are no DICOM image, or its header cannot be trusted.
    OSError
        The path cannot be read.

    Examples
    --------
    >>> image = fastpix.open("slice.dcm")                              # doctest: +SKIP
    >>> print(image.plan())                                            # doctest: +SKIP
    """
    if (
        isinstance(max_bytes, bool)
        or not isinstance(max_bytes, (int, np.integer))
        or max_bytes <= 0
    ):
        raise ArgumentError("max_bytes", f"{max_bytes!r} is not a positive number of bytes")
    return Image(read_source(source), int(max_bytes))


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
) -> NDArray[Any]:
    """Read a DICOM image into an array of modality values.

    Parameters
    ----------
    source, max_bytes
        See `open`.
    dtype, rescale, invert, normalize, padding
        See `Recipe`.
    frames, out
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
    with open(source, max_bytes=max_bytes) as image:
        return image.read(
            recipe, dtype=dtype, rescale=rescale, invert=invert, normalize=normalize,
            padding=padding, frames=frames, out=out,
        )  # fmt: skip


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
    image = open(source, max_bytes=max_bytes)
    array = image.read(
        recipe, dtype=dtype, rescale=rescale, invert=invert, normalize=normalize,
        padding=padding, frames=frames, out=out,
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
        padding=padding, frames=frames, recipe=recipe, max_bytes=max_bytes,
    )  # fmt: skip
    return torch.from_numpy(array), dataset


def _reopen(source: Source, max_bytes: int) -> Image:
    with catch_warnings():
        simplefilter("ignore")  # given when it was first opened
        return Image(source, max_bytes)


def _one_recipe(
    recipe: Recipe | None,
    dtype: DTypeLike,
    rescale: bool,
    invert: Invert,
    normalize: tuple[float, float] | None,
    padding: float | None,
) -> Recipe:
    asked = Recipe(dtype, rescale, invert, normalize, padding)  # type: ignore[arg-type]
    if recipe is None:
        return asked
    if not isinstance(recipe, Recipe):
        raise ArgumentError("recipe", f"a {type(recipe).__name__} is not a Recipe")
    if asked != Recipe():
        raise ArgumentError("recipe", "give a recipe or its keywords, not both")
    return recipe
