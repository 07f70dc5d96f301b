"""Volumes on another grid: the places that are sampled, and the values there.

A new grid has the axes and the middle of the old one, and other distances. A place of it is worked
out once, in units of old voxels, and rounded to 2**-36 of a voxel. So it can be moved by whole
voxels without another rounding, and a block of a volume has the bits that the whole has there.

The values come from scipy.ndimage, by `map_coordinates`, which samples at the very places that it
is given, in float64, without the GIL. SimpleITK works places out by itself, from an origin and a
spacing: a block would differ from the whole in the last bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastpix.errors import ArgumentError
from fastpix.image.frame_threads import checked_threads, cores, in_parts
from fastpix.series.spline_coefficients import REACH, spline_coefficients

Interpolation: TypeAlias = Literal[0, 1, 3]
Spacing: TypeAlias = Sequence[float]
Numbers: TypeAlias = Sequence[int]
ReadPart: TypeAlias = Callable[[tuple[int, ...], tuple[int, ...]], NDArray[Any]]

_SAME = 1e-5  # of a spacing: files round theirs
_LONGEST = 2**17  # voxels of an axis, old or new, whose places _QUANTUM can hold
_QUANTUM = 2.0**-36  # of a voxel
_SHARE = 2**17  # voxels whose places are in memory at a time, for each thread
_WORTH_THREADS = 2**19  # voxels


class _Axis(NamedTuple):
    """One axis of the old grid, and the part of the new one that is asked for.

    Attributes
    ----------
    size : int
        Of the old grid.
    is_kept : bool
        The spacing is the same.
    places : ndarray of float64
        Of new voxels, in old ones.
    """

    size: int
    is_kept: bool
    places: NDArray[np.float64]


def checked_interpolation(spacing: object, order: object) -> tuple[float, float, float]:
    """Return a spacing, if it and the order of interpolation are what `resampled_block` takes.

    Parameters
    ----------
    spacing : object
    order : object

    Raises
    ------
    ArgumentError
    """
    if type(order) is not int or order not in get_args(Interpolation):
        raise ArgumentError(
            "order", f"{order!r} is not 0 (nearest: labels), 1 (linear) or 3 (cubic)"
        )
    try:
        slices, rows, columns = map(float, spacing)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        slices = rows = columns = math.nan
    if not all(0 < number < math.inf for number in (slices, rows, columns)):
        raise ArgumentError(
            "spacing",
            f"{spacing!r} is not three numbers above 0: millimetres between slices, rows, columns",
        )
    return slices, rows, columns


def resampled_dtype(dtype: DTypeLike, order: Interpolation) -> np.dtype[Any]:
    """Return the dtype of resampled values.

    Parameters
    ----------
    dtype : str or numpy dtype
        Of the values.
    order : {0, 1, 3}

    Returns
    -------
    dtype
        The same for order 0; else float32, or float64 where float32 does not hold the dtype.
    """
    return np.dtype(dtype) if order == 0 else np.result_type(dtype, np.float32)


def resampled_shape(shape: Numbers, spacing: Spacing, new_spacing: Spacing) -> tuple[int, ...]:
    """Return how many voxels a volume has after resampling.

    An axis of n voxels gets the whole number of new ones whose extent is nearest to that of the old
    ones, edge to edge: ``floor(n * spacing / new_spacing + 0.5)``, and one at least.

    Parameters
    ----------
    shape : sequence of int
        ``(slice, row, column)``, or ``(volume, slice, row, column)``.
    spacing, new_spacing : sequence of float
        In millimetres, along slice, row and column axis.

    Raises
    ------
    ArgumentError
        A spacing is not above 0, or an axis would have more than 131,072 voxels.
    """
    new = checked_interpolation(new_spacing, 0)
    old = checked_interpolation(spacing, 0)
    ahead = len(shape) - 3
    sizes = map(_new_size, shape[ahead:], old, new)
    return (*shape[:ahead], *sizes)


def resampled_affine(
    affine: NDArray[np.float64], shape: Numbers, new_spacing: Spacing
) -> NDArray[np.float64]:
    """Return the affine of a resampled volume: it gives the place where each value was sampled.

    Parameters
    ----------
    affine : ndarray of float64
        ``(4, 4)``, of the volume: (slice, row, column, 1) to millimetres.
    shape : sequence of int
        Of the volume.
    new_spacing : sequence of float
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    new_shape = resampled_shape(shape, spacing, new_spacing)
    made: NDArray[np.float64] = np.array(affine, np.float64)
    sizes = shape[-3:], new_shape[-3:]
    for axis, (size, new_size, old, new) in enumerate(
        zip(*sizes, spacing, new_spacing, strict=True)
    ):
        if _is_same(old, new):
            continue
        first = _first_place(size, new_size, new / old)
        made[:3, 3] += first * affine[:3, axis]
        made[:3, axis] *= new / old
    return made


def nearest_places(size: int, spacing: float, new_spacing: float) -> NDArray[np.int64]:
    """Return which voxel of an axis each new one is nearest to; halfway, it is the later one.

    Parameters
    ----------
    size : int
    spacing, new_spacing : float
    """
    count = _new_size(size, spacing, new_spacing)
    return _nearest(_axis(size, spacing, new_spacing, 0, count))


def resampled_block(
    read: ReadPart,
    shape: Numbers,
    spacing: Spacing,
    new_spacing: Spacing,
    start: Numbers,
    stop: Numbers,
    order: Interpolation = 1,
    threads: int | None = 1,
) -> NDArray[Any]:
    """Return a block of a resampled volume, from the part of the volume that it depends on.

    It has the bits that the whole resampled volume has there, whatever the order.

    Parameters
    ----------
    read : callable
        ``read(start, stop)`` returns a part of the volume. It is called once for each volume of the
        block. Order 0 and 1 ask for the voxels around the block; order 3 for 29 more on each side.
    shape : sequence of int
        Of the volume: ``(slice, row, column)``, or ``(volume, slice, row, column)``.
    spacing, new_spacing : sequence of float
        In millimetres, along slice, row and column axis.
    start, stop : sequence of int
        Of the block, in the new grid, along all axes of `shape`: see `resampled_shape`.
    order : {0, 1, 3}
        See `Volume.resample`.
    threads : int, optional
        How many threads work; as many as help if None.

    Returns
    -------
    ndarray
        As large as the block, of dtype `resampled_dtype`, C-contiguous.

    Raises
    ------
    ArgumentError
        The block does not lie in the new grid; or `order` is 3, and values are not finite.
    ImportError
        scipy is not installed, and `order` is not 0.
    """
    checked_interpolation(new_spacing, order)
    new_shape = resampled_shape(shape, spacing, new_spacing)
    inside = len(start) == len(stop) == len(new_shape) in (3, 4) and all(
        0 <= a < b <= n for a, b, n in zip(start, stop, new_shape, strict=False)
    )
    if not inside:
        raise ArgumentError("start", f"{start} to {stop} is no part of {new_shape}")
    ahead = len(new_shape) - 3
    axes = [
        _axis(size, old, new, a, b)
        for size, old, new, a, b in zip(
            shape[ahead:], spacing, new_spacing, start[ahead:], stop[ahead:], strict=True
        )
    ]
    how: Interpolation = 0 if all(axis.is_kept for axis in axes) else order
    needed = [_needed(axis, how) for axis in axes]
    starts, stops = tuple(a for a, _ in needed), tuple(b for _, b in needed)
    volumes = [((k,), (k + 1,)) for k in range(start[0], stop[0])] if ahead else [((), ())]
    result: NDArray[Any] | None = None
    for place, (first, last) in enumerate(volumes):
        part = np.asarray(read((*first, *starts), (*last, *stops)))
        part = part.reshape([b - a for a, b in needed])
        if result is None:
            sizes = [len(axis.places) for axis in axes]
            result = np.empty((len(volumes), *sizes), resampled_dtype(part.dtype, order))
        if how == 0:
            picked = (_nearest(axis) - a for axis, a in zip(axes, starts, strict=True))
            result[place] = part[np.ix_(*picked)]
        else:
            _interpolate(part, starts, axes, how, result[place], threads)
    assert result is not None
    return result if ahead else result[0]


def ndimage() -> Any:
    """Return scipy.ndimage, or say how it is installed."""
    try:
        import scipy.ndimage
    except ModuleNotFoundError as error:
        raise ImportError(
            "values between voxels are interpolated by scipy: pip install 'fastpix[resample]'"
        ) from error
    return scipy.ndimage


def _is_same(old: float, new: float) -> bool:
    return abs(new - old) <= _SAME * old


def _new_size(size: int, old: float, new: float) -> int:
    if _is_same(old, new):
        return size
    extent = size * old / new
    if not extent < _LONGEST:
        raise ArgumentError(
            "spacing", f"{new:g} mm makes {extent:.3g} voxels of an axis, more than {_LONGEST}"
        )
    return max(1, math.floor(round(extent, 6) + 0.5))  # 2.4999999999999996 is 2.5


def _first_place(size: int, new_size: int, ratio: float) -> float:
    """Return where the first new voxel is, in old ones: the middles of both grids coincide."""
    return (size - 1) / 2 - (new_size - 1) / 2 * ratio


def _axis(size: int, old: float, new: float, start: int, stop: int) -> _Axis:
    numbers = np.arange(start, stop, dtype=np.float64)
    if _is_same(old, new):
        return _Axis(size, True, numbers)
    ratio, new_size = new / old, _new_size(size, old, new)
    places = (size - 1) / 2 + (numbers - (new_size - 1) / 2) * ratio
    places = np.rint(places / _QUANTUM) * _QUANTUM
    return _Axis(size, False, np.clip(places, 0.0, size - 1.0))  # beyond the edge: its value


def _nearest(axis: _Axis) -> NDArray[np.int64]:
    return np.minimum(np.floor(axis.places + 0.5).astype(np.int64), axis.size - 1)


def _needed(axis: _Axis, order: Interpolation) -> tuple[int, int]:
    """Return which voxels of an axis the new ones depend on: from, and up to."""
    if order == 0:
        nearest = _nearest(axis)
        return int(nearest[0]), int(nearest[-1]) + 1
    first, last = _neighbours(axis, order)
    reach = REACH + 1 if order == 3 else 0  # the edge voxel mirrors one more
    return max(first - reach, 0), min(last + 1 + reach, axis.size)


def _neighbours(axis: _Axis, order: Interpolation) -> tuple[int, int]:
    """Return the first and the last place of the old grid that has a weight; it may lie outside."""
    wide = order // 2
    return math.floor(axis.places[0]) - wide, math.floor(axis.places[-1]) + 1 + wide


def _interpolate(
    part: NDArray[Any],
    starts: Numbers,
    axes: Sequence[_Axis],
    order: Interpolation,
    out: NDArray[Any],
    threads: int | None,
) -> None:
    """Fill `out` with values between those of a part of the volume, which begins at `starts`."""
    map_coordinates = ndimage().map_coordinates
    if part.dtype.kind not in "iuf" or part.dtype == np.float16 or not part.dtype.isnative:
        part = part.astype(out.dtype)  # ndimage knows no others
    missing: NDArray[Any] | None = None
    if part.dtype.kind == "f" and not np.isfinite(part).all():
        if order == 3:
            raise ArgumentError(
                "order",
                "3 needs finite values, since each depends on all others of its line: use order=1, "
                "which keeps gaps, or replace them first",
            )
        missing = ~np.isfinite(part)
        part = np.where(missing, 0, part)
    firsts = list(starts)
    if order == 3:
        part = part.astype(np.float64, copy=False)
        for k, axis in enumerate(axes):
            firsts[k], last = _neighbours(axis, order)
            part = spline_coefficients(part, k, starts[k], axis.size, firsts[k], last)
    part = np.ascontiguousarray(part)
    places = [axis.places - first for axis, first in zip(axes, firsts, strict=True)]  # exact

    def work(begin: int, end: int) -> None:
        for slices, rows in chunks[begin:end]:
            target = out[slices, rows]
            at = np.empty((3, *target.shape))
            at[0] = places[0][slices, None, None]
            at[1] = places[1][rows, None]
            at[2] = places[2]
            how = {"order": order, "mode": "nearest", "prefilter": False}
            map_coordinates(part, at, target, **how)
            if missing is not None:
                target[map_coordinates(missing, at, np.float64, **how) > 0] = np.nan

    chunks = _chunks(out.shape)
    if threads is None:
        count = cores() if out.size >= _WORTH_THREADS else 1
    else:
        count = checked_threads(threads)
    for _ in in_parts(work, len(chunks), count, 1):
        pass


def _chunks(shape: Numbers) -> list[tuple[slice, slice]]:
    """Return parts of a block, as slices along its first two axes."""
    slices, rows, columns = shape
    row_share = max(_SHARE // columns, 1)
    slice_share = max(row_share // rows, 1)
    row_share = min(row_share, rows)
    return [
        (slice(a, a + slice_share), slice(b, b + row_share))
        for a, b in product(range(0, slices, slice_share), range(0, rows, row_share))
    ]
