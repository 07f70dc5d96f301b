"""Coefficients of a cubic spline through samples: those of a part of a line are those of all of it.

A cubic B-spline through samples has coefficients, each a weighted sum of all samples of its line
(Unser, "Splines: a perfect fit", IEEE Signal Processing Magazine 16(6), 1999). The weights fall by
a factor of 3.7 from sample to sample, so those beyond `REACH` are below the rounding of float64.
They are applied by scipy.ndimage's `correlate1d`. Its `spline_filter` is recursive: a coefficient
then depends on where the line begins, and a block would differ from the whole in the last bits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_POLE = math.sqrt(3) - 2
REACH = 28
"""Samples on each side that a coefficient depends on."""
_WEIGHTS = [-6 * _POLE / (1 - _POLE**2) * _POLE ** abs(k) for k in range(-REACH, REACH + 1)]


def spline_coefficients(
    values: NDArray[np.float64], axis: int, start: int, size: int, first: int, last: int
) -> NDArray[np.float64]:
    """Return coefficients along an axis.

    Beyond an edge, samples go on point-symmetrically about it: twice the edge less the mirrored
    sample. So a linear field stays linear up to the edge.

    Parameters
    ----------
    values : ndarray of float64
        The samples from `start` on: all that are within ``REACH + 1`` of the coefficients, and on
        the line.
    axis : int
    start : int
        The place of the first sample on the line.
    size : int
        How many samples the whole line has.
    first, last : int
        The places of the coefficients, which may lie beyond the edges.
    """
    from scipy.ndimage import correlate1d

    places = np.arange(first - REACH, last + REACH + 1)
    broad = [1] * values.ndim
    broad[axis] = -1
    if size == 1:
        samples = np.take(values, np.zeros_like(places), axis)
    else:
        turns, within = np.divmod(places, 2 * (size - 1))
        is_mirrored = within >= size
        sources = np.where(is_mirrored, 2 * (size - 1) - within, within) - start
        samples = np.take(values, sources, axis)
        samples *= np.where(is_mirrored, -1.0, 1.0).reshape(broad)
        # Where a factor is not 0, the first or last sample of `values` is that of the line.
        samples += np.take(values, [-1], axis) * (2.0 * (turns + is_mirrored)).reshape(broad)
        samples -= np.take(values, [0], axis) * (2.0 * turns).reshape(broad)
    made: NDArray[np.float64] = correlate1d(samples, _WEIGHTS, axis, mode="nearest")
    inner = [slice(None)] * values.ndim
    inner[axis] = slice(REACH, len(places) - REACH)
    return made[tuple(inner)]
