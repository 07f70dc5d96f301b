"""Volumes on another grid: the places that are sampled, and the values there.

A new grid has the axes and the middle of the old one, and other distances. A place of it is worked
out once, in units of old voxels, and rounded to 2**-36 of a voxel: what lies on a voxel, or halfway
between two, does so exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastpix.errors import ArgumentError
from fastpix.image.frame_threads import checked_threads, cores
from fastpix.series.interpolation import AxisWeights, cubic_weights, interpolate, linear_weights

Interpolation: TypeAlias = Literal[0, 1, 3]
Spacing: TypeAlias = Sequence[float]
Numbers: TypeAlias = Sequence[int]
ReadPart: TypeAlias = Callable[[tuple[int, ...], tuple[int, ...]], NDArray[Any]]

_SAME = 1e-5  # of a spacing: files round theirs
_QUANTUM = 2.0**-36  # of a voxel
_LONGEST = 2**17  # voxels of an axis: float64 holds quanta up to there
_WORTH_THREADS = 2**21  # voxels


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
    return _nearest(size, spacing, new_spacing, 0, count)


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
        block. Order 0 and 1 ask for the voxels around the block; order 3 for 30 more on each side.
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
        _weights(size, old, new, a, b, order)
        for size, old, new, a, b in zip(
            shape[ahead:], spacing, new_spacing, start[ahead:], stop[ahead:], strict=True
        )
    ]
    starts, stops = zip(*(axis.needed for axis in axes), strict=True)
    sizes = [len(axis.starts) for axis in axes]
    volumes = [((k,), (k + 1,)) for k in range(start[0], stop[0])] if ahead else [((), ())]
    count = _threads(threads, len(volumes) * math.prod(sizes))
    result: NDArray[Any] | None = None
    for place, (first, last) in enumerate(volumes):
        part = np.asarray(read((*first, *starts), (*last, *stops)))
        part = part.reshape([b - a for a, b in zip(starts, stops, strict=True)])
        if result is None:
            result = np.empty((len(volumes), *sizes), resampled_dtype(part.dtype, order))
        if all(axis.weights is None for axis in axes):
            slices, *inner = (axis.starts - a for axis, a in zip(axes, starts, strict=True))
            for plane, number in zip(result[place], slices, strict=True):
                plane[...] = part[number][np.ix_(*inner)]
            continue
        if order == 3 and part.dtype.kind == "f" and not np.isfinite(part).all():
            raise ArgumentError(
                "order",
                "3 needs finite values, since each counts for its whole neighbourhood: use "
                "order=1, which keeps gaps, or replace these values first",
            )
        interpolate(part, axes, result[place], count)
    assert result is not None
    return result if ahead else result[0]


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


def _places(size: int, old: float, new: float, start: int, stop: int) -> NDArray[np.float64]:
    """Return where new voxels are, in old ones; beyond the edge, they are at the edge."""
    middle = (_new_size(size, old, new) - 1) / 2
    places = (size - 1) / 2 + (np.arange(start, stop) - middle) * (new / old)
    rounded = np.clip(np.rint(places / _QUANTUM) * _QUANTUM, 0.0, size - 1.0)
    return np.asarray(rounded, np.float64)


def _nearest(size: int, old: float, new: float, start: int, stop: int) -> NDArray[np.int64]:
    if _is_same(old, new):
        return np.arange(start, stop, dtype=np.int64)
    return np.floor(_places(size, old, new, start, stop) + 0.5).astype(np.int64)


def _weights(
    size: int, old: float, new: float, start: int, stop: int, order: Interpolation
) -> AxisWeights:
    if order == 0 or _is_same(old, new):
        return AxisWeights(_nearest(size, old, new, start, stop))
    weigh = linear_weights if order == 1 else cubic_weights
    weights = weigh(_places(size, old, new, start, stop), size)
    return weights._replace(ratio=new / old)


def _threads(threads: int | None, voxels: int) -> int:
    if threads is None:
        return cores() if voxels >= _WORTH_THREADS else 1
    return checked_threads(threads)
