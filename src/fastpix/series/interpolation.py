"""Values between voxels: weights along each axis, and their sums.

A new voxel of an axis is a weighted sum of old ones: two neighbours, or for the cubic spline those
within 30 voxels, beyond which a weight is below the rounding of float64. Three axes are summed one
after the other, by products of scipy.sparse, in float64. A product adds the terms of a voxel one by
one, in the order of the old voxels. So a block has the bits that the whole has there, and an old
voxel without a weight counts for nothing, even if it is NaN.

scipy.ndimage and SimpleITK sum over three axes at once, 8 or 64 terms for each voxel, and take 3 to
10 times as long. ITK works out places by itself, and the recursive filters of both for the spline
depend on where a line begins: a block would differ from the whole in the last bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.image.frame_threads import in_parts

# A cubic B-spline through samples has coefficients, each a weighted sum of the samples of its line
# (Unser, "Splines: a perfect fit", IEEE Signal Processing Magazine 16(6), 1999).
_POLE = math.sqrt(3) - 2
_REACH = 28  # |_POLE| ** 28 is 1e-16
_SAMPLES = [-6 * _POLE / (1 - _POLE**2) * _POLE ** abs(k) for k in range(-_REACH, _REACH + 1)]
# A value is a weighted sum of the four coefficients around it; these lines are of one each.
_LINES = np.array([[0.0] * k + _SAMPLES + [0.0] * (3 - k) for k in range(4)])
_BEFORE = _REACH + 1  # samples of _LINES before the one at or below a place

_PASS = 2**17  # values that are copied for a product, so that they stay in the cache
_SLAB = 2**22  # values in memory at a time, for each thread


class AxisWeights(NamedTuple):
    """The weights of old voxels in new ones, along one axis.

    Attributes
    ----------
    starts : ndarray of int64
        ``(new,)``: the first old voxel that may have a weight; they ascend.
    weights : ndarray of float64 or None
        ``(new, width)``: of the old voxels from there on; None: the old voxel itself.
    ratio : float
        The distance of two new voxels, in old ones.
    """

    starts: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None
    ratio: float = 1.0

    @property
    def width(self) -> int:
        """How many old voxels may have a weight in a new one."""
        return 1 if self.weights is None else self.weights.shape[1]

    @property
    def needed(self) -> tuple[int, int]:
        """The old voxels that have a weight: from, and up to."""
        return int(self.starts[0]), int(self.starts[-1]) + self.width

    def part(self, start: int, stop: int) -> AxisWeights:
        """Return the weights in some of the new voxels."""
        weights = None if self.weights is None else self.weights[start:stop]
        return self._replace(starts=self.starts[start:stop], weights=weights)


def linear_weights(places: NDArray[np.float64], size: int) -> AxisWeights:
    """Return the weights of the two neighbours.

    Parameters
    ----------
    places : ndarray of float64
        Of new voxels, in old ones, within 0 and ``size - 1``; they ascend.
    size : int
        How many old voxels there are.
    """
    starts = np.clip(np.floor(places).astype(np.int64), 0, max(size - 2, 0))
    if size == 1:
        return AxisWeights(starts, np.ones((len(places), 1)))
    later = places - starts
    return AxisWeights(starts, np.stack([1 - later, later], axis=1))


def cubic_weights(places: NDArray[np.float64], size: int) -> AxisWeights:
    """Return the weights of the natural cubic spline through all voxels.

    Beyond an edge, voxels go on point-symmetrically about it: twice the edge less the mirrored
    voxel. So the second derivative is 0 at the edge, and a linear field stays linear up to it.

    Parameters
    ----------
    places, size
        As in `linear_weights`.
    """
    if size == 1:
        return linear_weights(places, size)
    below = np.floor(places)
    x = places - below
    y = 1 - x
    of_coefficients = (
        y * y * y / 6,
        (4 - 6 * x * x + 3 * x * x * x) / 6,
        (4 - 6 * y * y + 3 * y * y * y) / 6,
        x * x * x / 6,
    )
    weights = np.zeros((len(places), _LINES.shape[1]))
    for line, weight in zip(_LINES, of_coefficients, strict=True):
        weights += weight[:, None] * line  # one by one: a product of BLAS has no order of its own
    voxels = below.astype(np.int64)[:, None] + np.arange(_LINES.shape[1]) - _BEFORE
    turns, within = np.divmod(voxels, 2 * (size - 1))
    is_mirrored = within >= size
    sources = np.where(is_mirrored, 2 * (size - 1) - within, within)
    width = min(size, _LINES.shape[1] + 1)  # the last edge mirrors one more
    starts = np.clip(below.astype(np.int64) - _BEFORE - 1, 0, size - width)
    folded = np.zeros((len(places), width))
    rows = np.broadcast_to(np.arange(len(places))[:, None], voxels.shape)
    np.add.at(folded, (rows, sources - starts[:, None]), np.where(is_mirrored, -weights, weights))
    for edge, count in ((size - 1, 2 * (turns + is_mirrored)), (0, -2 * turns)):
        beyond = count != 0
        which = rows[beyond]
        np.add.at(folded, (which, edge - starts[which]), weights[beyond] * count[beyond])
    return AxisWeights(starts, folded)


def interpolate(
    part: NDArray[Any], axes: Sequence[AxisWeights], out: NDArray[Any], threads: int
) -> None:
    """Fill an array with values between those of a part of a volume.

    Parameters
    ----------
    part : ndarray
        The old voxels that `axes` need.
    axes : sequence of AxisWeights
        Of (slice, row, column).
    out : ndarray
        As many values along each axis as `axes` have new voxels.
    threads : int

    Raises
    ------
    ImportError
        scipy is not installed.
    """
    check_scipy()
    first = axes[0].needed[0]
    slabs = _slabs(axes, part[0].size, out[0].size)

    def work(begin: int, end: int) -> None:
        for start, stop in slabs[begin:end]:
            own = axes[0].part(start, stop)
            low, high = own.needed
            _sum_along_axes(part[low - first : high - first], (own, *axes[1:]), out[start:stop])

    for _ in in_parts(work, len(slabs), threads, 1):
        pass


def check_scipy() -> None:
    """Say how scipy is installed, if it is not."""
    try:
        import scipy.sparse  # noqa: F401
    except ModuleNotFoundError as error:
        raise ImportError(
            "values between voxels are computed with scipy: pip install 'fastpix[resample]'"
        ) from error


def _slabs(axes: Sequence[AxisWeights], old_plane: int, new_plane: int) -> list[tuple[int, int]]:
    """Return parts of the new slices that take some memory at a time: from, and up to.

    Slabs share the old slices that both depend on, so they are some times as thick as those.
    """
    starts, width = axes[0].starts, axes[0].width
    old = max(_SLAB // old_plane, 4 * width)
    new = max(_SLAB // new_plane, 4 * width)
    made: list[tuple[int, int]] = []
    start = 0
    while start < len(starts):
        stop = int(np.searchsorted(starts, starts[start] + old - width, side="right"))
        stop = min(stop, start + new, len(starts))
        made.append((start, stop))
        start = stop
    return made


def _sum_along_axes(values: NDArray[Any], axes: Sequence[AxisWeights], out: NDArray[Any]) -> None:
    # The axis that shrinks most comes first, in each block of a volume.
    summed = [k for k in range(3) if axes[k].weights is not None]
    summed.sort(key=lambda k: -axes[k].ratio)
    for axis in summed:
        sizes = [*values.shape]
        sizes[axis] = len(axes[axis].starts)
        target = out if axis == summed[-1] else np.empty(sizes)
        _sum_along(values, axis, _matrix(axes[axis]), target)
        values = target


def _matrix(axis: AxisWeights) -> Any:
    from scipy.sparse import csr_array

    weights = axis.weights
    assert weights is not None
    first, last = axis.needed
    new, width = weights.shape
    voxels = axis.starts[:, None] - first + np.arange(width)
    ends = np.arange(0, new * width + 1, width)
    own = weights.flatten()  # eliminate_zeros works in place
    matrix = csr_array((own, voxels.ravel(), ends), shape=(new, last - first))
    matrix.eliminate_zeros()
    return matrix


def _sum_along(values: NDArray[Any], axis: int, matrix: Any, out: NDArray[Any]) -> None:
    """Fill an array with sums along an axis, a part at a time."""
    size = values.shape[axis]
    share = max(_PASS // size, 1)
    if axis == 2:
        lines, sums = values.reshape(-1, size), out.reshape(-1, out.shape[2])
        for k in range(0, len(lines), share):
            sums[k : k + share] = (matrix @ _doubles(lines[k : k + share].T)).T
        return
    if axis == 0:
        values, out = values.reshape(1, size, -1), out.reshape(1, len(out), -1)
    for before, after in zip(values, out, strict=True):
        for k in range(0, before.shape[1], share):
            after[:, k : k + share] = matrix @ _doubles(before[:, k : k + share])


def _doubles(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.ascontiguousarray(values, np.float64)
