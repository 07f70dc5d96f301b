"""Where the images of a batch stand in its one array, and how those of another size are fitted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import index
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, FastpixError, SourceName, add_source
from fastpix.image.frame_selection import checked_out

_NAMED = 5  # images that an error names


class MaskedBatch(NamedTuple):
    """A batch in which some images may be missing.

    Attributes
    ----------
    array : ndarray
        ``(N, rows, columns)``, or as `imread_batch` says; the fill value where an image is missing.
    read : ndarray of bool
        ``(N,)``: which images were read.
    errors : dict of int to Exception
        Why the others were not, by their places.
    """

    array: NDArray[Any]
    read: NDArray[np.bool_]
    errors: dict[int, Exception]


class Places:
    """The array of a batch, and a place in it for each image.

    The first image that is read decides about the shape of the others, and about their dtype.

    Parameters
    ----------
    count : int
        Images of the batch.
    size : (int, int) or None
        Rows and columns that images are fitted to; None: all must be as large as the first.
    fill : float
        What surrounds smaller images, and stands for missing ones.
    out : ndarray or None
        The array; None makes one.
    empty : callable
        Makes it, from a shape and a dtype.

    Attributes
    ----------
    is_begun : bool
        Whether an image has been put.
    """

    def __init__(
        self,
        count: int,
        size: tuple[int, int] | None,
        fill: float,
        out: NDArray[Any] | None,
        empty: Callable[[tuple[int, ...], str], NDArray[Any]] = np.empty,
    ) -> None:
        if count == 0:
            raise ArgumentError("sources", "there are none: a batch has at least one image")
        if out is not None:
            given = out if isinstance(out, np.ndarray) else np.empty(0)
            checked_out(out, (count, *given.shape[1:]), given.dtype.newbyteorder("="))
        self._count = count
        self._size = None if size is None else _checked_size(size)
        self._fill = fill
        self._out = out
        self._is_given = out is not None
        self._empty = empty
        self._item: tuple[int, ...] = () if out is None else out.shape[1:]
        self._is_color = False
        self._wrong: dict[int, str] = {}
        self.is_begun = False

    @property
    def is_color(self) -> bool:
        """Whether the last axis is red, green and blue, once an image has been put."""
        return self._is_color

    @property
    def result(self) -> NDArray[Any]:
        """The array of the batch."""
        assert self._out is not None
        return self._out

    def array(self, place: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """Return memory for an image: its place in the batch if it fits there as it is.

        Parameters
        ----------
        place : int
        shape : tuple of int
            With an axis of frames, or without it.
        dtype : str
        """
        if not self.is_begun and not self._is_given:
            if self._size is not None:
                return np.empty(shape, dtype)
            # An image before this one may have been of another shape, and unreadable.
            if self._out is None or self._item != shape or self._out.dtype.name != dtype:
                self._out = self._empty((self._count, *shape), dtype)
                self._item = shape
        assert self._out is not None
        own = self._item
        if shape in (own, (1, *own)):
            slot: NDArray[Any] = self._out[place]
            if slot.dtype.name == dtype:
                return slot.reshape(shape)
        return np.empty(shape, dtype)

    def put(self, place: int, values: NDArray[Any], is_color: bool) -> None:
        """Put an image to its place, where its values may stand already.

        Parameters
        ----------
        place : int
        values : ndarray
        is_color : bool
            Its last axis is red, green and blue.
        """
        if not self.is_begun:
            self._begin(values, is_color)
        assert self._out is not None
        shape = self._fitted(values.shape, is_color)
        if shape != self._item or values.dtype != self._out.dtype or is_color != self._is_color:
            self._wrong[place] = f"{values.shape} {values.dtype}"
            return
        slot = self._out[place]
        if values.shape == shape:
            if not np.may_share_memory(values, slot):
                slot[...] = values
            return
        slot[...] = self._fill
        rows = values.ndim - 2 - is_color
        target, source = [slice(None)] * values.ndim, [slice(None)] * values.ndim
        for axis in (rows, rows + 1):
            target[axis], source[axis] = _centred(values.shape[axis], shape[axis])
        slot[tuple(target)] = values[tuple(source)]

    def _begin(self, values: NDArray[Any], is_color: bool) -> None:
        """Settle the shape of the batch by its first image."""
        self._is_color = is_color
        item = self._fitted(values.shape, is_color)
        if self._out is None or not (self._is_given or np.may_share_memory(values, self._out)):
            self._out = self._empty((self._count, *item), values.dtype.name)
        elif (
            self._size is None
            and math.prod(item) == math.prod(self._item)
            and (self._item == (1, *item) and np.may_share_memory(values, self._out))
        ):  # the axis of frames of a single one
            self._out = self._out.reshape(self._count, *item)
        elif self._out.shape[1:] == item and self._out.dtype == values.dtype:
            pass
        elif not self._is_given:  # made for a file like that of another batch, which this was not
            self._out = self._empty((self._count, *item), values.dtype.name)
        else:
            wanted = (self._count, *item)
            raise ArgumentError(
                "out",
                f"it is {self._out.shape} {self._out.dtype}, the batch is {wanted} {values.dtype}",
            )
        self._item = item
        self._fill = checked_fill(self._fill, self._out.dtype)
        self.is_begun = True

    def _fitted(self, shape: tuple[int, ...], is_color: bool) -> tuple[int, ...]:
        """Return the shape of an image once it is fitted to the size of the batch."""
        if self._size is None:
            return shape
        rows = len(shape) - 2 - is_color
        return (*shape[:rows], *self._size, *shape[rows + 2 :])

    def misfits(self, names: Sequence[SourceName]) -> dict[int, Exception]:
        """Return an error for each image that does not fit, by its place.

        Parameters
        ----------
        names : sequence
            Of the sources.
        """
        found: dict[int, Exception] = {}
        for place, what in self._wrong.items():
            error = FastpixError(f"it is {what}, which does not fit into a batch of {self._what}")
            add_source(error, names[place])
            found[place] = error
        return found

    def check_all_fit(self, names: Sequence[SourceName], remedy: str = "") -> None:
        """Raise an error that names the images which do not fit.

        Parameters
        ----------
        names : sequence
            Of the sources.
        remedy : str
            In place of that for images.
        """
        if not self._wrong:
            return
        places = sorted(self._wrong)
        named = [f"{names[place]} is {self._wrong[place]}" for place in places[:_NAMED]]
        more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
        counted = f"{len(places)} of {self._count} images do not fit into a batch of {self._what}"
        if not remedy:
            remedy = "read them by imread_many, or in batches that are alike"
            if self._size is None:
                remedy = f"give size=(rows, columns), or {remedy}"
        raise FastpixError(f"{counted}: {', '.join(named)}{more}; {remedy}", f"{counted}; {remedy}")

    @property
    def _what(self) -> str:
        colour = " colours" if self._is_color else ""
        dtype = "" if self._out is None else f" {self._out.dtype}"
        return f"{self._item}{dtype}{colour}"

    def masked(self, errors: dict[int, Exception], names: Sequence[SourceName]) -> MaskedBatch:
        """Return the batch, its fill value where an image is missing or does not fit.

        Parameters
        ----------
        errors : dict of int to Exception
            Of images that cannot be read, by their places.
        names : sequence
            Of the sources.

        Raises
        ------
        Exception
            The first error, if no image was read.
        """
        errors = dict(sorted((errors | self.misfits(names)).items()))
        if len(errors) == self._count:
            raise errors[0]
        read = np.ones(self._count, np.bool_)
        for place in errors:
            self.result[place] = self._fill
            read[place] = False
        return MaskedBatch(self.result, read, errors)


class PartOfPlaces(Places):
    """Some of the places of a batch: other images of it are read by another call.

    Parameters
    ----------
    whole : Places
    numbers : sequence of int
        Which places.
    """

    def __init__(self, whole: Places, numbers: Sequence[int]) -> None:
        self._whole = whole
        self._numbers = numbers

    @property
    def is_begun(self) -> bool:  # type: ignore[override]
        """Whether an image of the batch has been put."""
        return self._whole.is_begun

    def array(self, place: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """Return memory for an image: see `Places.array`."""
        return self._whole.array(self._numbers[place], shape, dtype)

    def put(self, place: int, values: NDArray[Any], is_color: bool) -> None:
        """Put an image to its place: see `Places.put`."""
        self._whole.put(self._numbers[place], values, is_color)


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    try:
        rows, columns = map(index, size)
    except (TypeError, ValueError) as error:
        raise ArgumentError("size", f"{size!r} is not (rows, columns)") from error
    if rows < 1 or columns < 1:
        raise ArgumentError("size", f"{size!r} has no pixels")
    return rows, columns


def checked_fill(fill: float, dtype: np.dtype[Any]) -> float:
    """Return `fill` if the dtype holds it as it is.

    Parameters
    ----------
    fill : float
    dtype : numpy dtype

    Raises
    ------
    ArgumentError
        It does not, or it is no number.
    """
    try:
        number = float(fill)
        with np.errstate(over="ignore", invalid="ignore"):
            held = float(np.array(number).astype(dtype))
    except (TypeError, ValueError, OverflowError) as error:
        raise ArgumentError("fill", f"{fill!r} is not a number") from error
    is_rounded = dtype.kind == "f" and math.isfinite(held) == math.isfinite(number)
    if not (held == number or is_rounded):
        raise ArgumentError("fill", f"{dtype} cannot hold {fill!r}")
    return fill


def _centred(have: int, want: int) -> tuple[slice, slice]:
    """Return where an axis of an image stands in the batch, and which part of it is kept."""
    if have >= want:
        start = (have - want) // 2
        return slice(None), slice(start, start + want)
    start = (want - have) // 2
    return slice(start, start + have), slice(None)
