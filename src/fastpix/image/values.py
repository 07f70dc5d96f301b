"""Cells to values: hands the kernel what the Plan says, and names what does not fit."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import InexactError, PixelDataError
from fastpix.frames.cells import FrameCells
from fastpix.kernel import reference
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps
from fastpix.plan.plan import Plan


def fill_frame(
    frame: int, source: FrameCells, out: NDArray[Any], plan: Plan, peak: float | None
) -> None:
    """Fill `out` with the values of one frame, or of several as one.

    Parameters
    ----------
    frame : int
        The first, counted from 0; it may have a rescale of its own.
    source : FrameCells
        Cells of several frames follow each other, each becomes a value by itself, and all take the
        same steps.
    out : ndarray, C-contiguous
        ``plan.shape[1:]``, or one of these for each frame; of ``plan.dtype``.
    plan : Plan
    peak : float or None
        The maximum of the instance, where the plan inverts by it.

    Raises
    ------
    InexactError
        A value that the output dtype cannot hold.
    PixelDataError
        An RLE segment ends too early.
    """
    kernel = current_kernel()
    cells, skip, _, segments, colors, _ = source
    flat = out.reshape(-1)
    color = plan.color
    if color is not None and colors.ybr is not None:
        color = color._replace(ybr=colors.ybr)
    if color is not None and not color.is_by_cell:
        bad = kernel.color(cells, flat, color, skip, segments)
        if bad >= 0:
            exact = np.empty(flat.size, np.float64)
            reference.color(cells, exact, color, skip, segments)
    else:
        # Interleaved samples that stay as they are: three values a pixel, each by itself.
        steps = with_peak(plan.frame_steps(frame), plan, peak)
        bad = kernel.scale(cells, flat, steps, skip, segments)
        if bad >= 0:
            exact = np.empty(flat.size, np.float64)
            reference.scale(cells, exact, steps, skip, segments)
    if bad == reference.SHORT:
        raise _short(frame)
    if bad >= 0:
        raise inexact_error(frame, bad, float(exact[bad]), plan)


def fill_pieces(
    frame: int,
    pieces: Iterable[FrameCells],
    out: NDArray[Any],
    plan: Plan,
    peak: float | None = None,
) -> None:
    """Fill `out` with the values of native frames that come in pieces.

    Parameters
    ----------
    frame : int
        The first; all take the same steps.
    pieces : iterable of FrameCells
    out : ndarray, C-contiguous
    plan : Plan
        One that takes pieces.
    peak : float or None
        The maximum of the instance, where the plan inverts by it.

    Raises
    ------
    InexactError
        A value that the output dtype cannot hold.
    """
    kernel = current_kernel()
    steps = with_peak(plan.frame_steps(frame), plan, peak)
    bits = 1 if steps.cell == "bit" else 8 * int(steps.cell[1])
    flat = out.reshape(-1)
    done = 0
    for cells, skip, *_ in pieces:
        part = flat[done : done + (8 * len(cells) - skip) // bits]
        bad = kernel.scale(cells, part, steps, skip)
        if bad >= 0:
            exact = np.empty(part.size, np.float64)
            reference.scale(cells, exact, steps, skip)
            raise inexact_error(frame, done + bad, float(exact[bad]), plan)
        done += part.size


def with_peak(steps: Steps, plan: Plan, peak: float | None) -> Steps:
    """Return the steps with the maximum, where the plan inverts by it; 0 where there is none.

    Parameters
    ----------
    steps : Steps
    plan : Plan
    peak : float or None
        The maximum of the instance.
    """
    return steps._replace(peak=0.0 if peak is None else peak) if plan.needs_peak else steps


def inexact_error(frame: int, place: int, value: float, plan: Plan) -> InexactError:
    """Return the error of a value that the output dtype cannot hold.

    Parameters
    ----------
    frame : int
    place : int
        Of the value, from the beginning of the frame; it may lie in a later one.
    value : float
    plan : Plan
    """
    later, place = divmod(place, math.prod(plan.shape[1:]))
    index = tuple(int(i) for i in np.unravel_index(place, plan.shape[1:]))
    return InexactError(value=value, index=(frame + later, *index), dtype=plan.dtype)


def frame_peak(frame: int, source: FrameCells, plan: Plan, frames: int = 1) -> float | None:
    """Return the maximum of y over a frame, NaN and padding left out; None if nothing is left.

    Parameters
    ----------
    frame : int
    source : FrameCells
    plan : Plan
    frames : int
        How many follow each other in `source`, all of which take the same steps.

    Raises
    ------
    PixelDataError
        An RLE segment ends too early.
    """
    cells, skip, _, segments, *_ = source
    count = frames * plan.shape[1] * plan.shape[2]
    peak = current_kernel().peak(cells, count, plan.frame_steps(frame), skip, segments)
    if peak is not None and math.isnan(peak):
        raise _short(frame)
    return peak


def _short(frame: int) -> PixelDataError:
    return PixelDataError(
        reason=f"frame {frame} is cut off: an RLE segment ends before the frame does"
    )
