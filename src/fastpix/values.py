"""Cells to values: hands the kernel what the Plan says, and names what does not fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix import reference
from fastpix.cells import FrameCells
from fastpix.errors import InexactError
from fastpix.kernel import current_kernel
from fastpix.plan import Plan


def fill_frame(
    frame: int, source: FrameCells, out: NDArray[Any], plan: Plan, peak: float | None
) -> None:
    """Fill `out` with the values of one frame.

    Parameters
    ----------
    frame : int
        Counted from 0; it may have a rescale of its own.
    source : FrameCells
    out : ndarray, C-contiguous
        ``plan.shape[1:]``, of ``plan.dtype``.
    plan : Plan
    peak : float or None
        The maximum of the instance, where the plan inverts by it.

    Raises
    ------
    InexactError
        A value that the output dtype cannot hold.
    """
    kernel = current_kernel()
    flat = out.reshape(-1)
    if plan.color is not None:
        color = plan.color._replace(ybr=False) if source.is_rgb else plan.color
        if color.layout == "interleaved" and not color.ybr:
            # Three values a pixel, each by itself.
            bad = kernel.scale(source.cells, flat, color.samples, source.skip)
        else:
            bad = kernel.color(source.cells, flat, color, source.skip)
        if bad >= 0:
            exact = np.empty(flat.size, np.float64)
            reference.color(source.cells, exact, color, source.skip)
            raise _inexact(frame, exact, bad, plan)
        return
    steps = plan.frame_steps(frame)
    if plan.needs_peak:
        steps = steps._replace(peak=0.0 if peak is None else peak)
    bad = kernel.scale(source.cells, flat, steps, source.skip)
    if bad >= 0:
        exact = np.empty(flat.size, np.float64)
        reference.scale(source.cells, exact, steps, source.skip)
        raise _inexact(frame, exact, bad, plan)


def find_peak(frames: Iterable[tuple[int, FrameCells]], plan: Plan) -> float | None:
    """Return the maximum of y over frames, NaN and padding left out; None if nothing is left."""
    kernel = current_kernel()
    count = plan.shape[1] * plan.shape[2]
    peaks = [
        kernel.peak(source.cells, count, plan.frame_steps(frame), source.skip)
        for frame, source in frames
    ]
    return max((peak for peak in peaks if peak is not None), default=None)


def _inexact(frame: int, exact: NDArray[np.float64], bad: int, plan: Plan) -> InexactError:
    index = tuple(int(i) for i in np.unravel_index(bad, plan.shape[1:]))
    return InexactError(value=float(exact[bad]), index=(frame, *index), dtype=plan.dtype)
