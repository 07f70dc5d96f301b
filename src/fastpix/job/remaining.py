"""The steps that remain between what a cache stores and values: 4 to 8 of docs/exactness.md."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, InexactError
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe

_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Remaining:
    """What makes values of stored integers, as plain numbers.

    Attributes
    ----------
    output : str
        The dtype of values.
    mirror : float or None
        v becomes ``mirror - v``.
    table, first : bytes or None, float
        y is ``table[clip(v - first)]``; float64 entries.
    slopes, intercepts : tuple of float
        Else y is ``v * slope + intercept``: one pair, or one for each plane.
    peak : float or None
        y becomes ``peak - y``.
    normalize : (float, float) or None
        y becomes ``(clip(y, lo, hi) - lo) / (hi - lo)``.
    padding : (float, float, float) or None
        Where v is in first..last, y is the third.
    """

    output: str
    mirror: float | None = None
    table: bytes | None = None
    first: float = 0.0
    slopes: tuple[float, ...] = (1.0,)
    intercepts: tuple[float, ...] = (0.0,)
    peak: float | None = None
    normalize: tuple[float, float] | None = None
    padding: tuple[float, float, float] | None = None

    def to_json(self) -> str:
        """Return the steps as text; `remaining_from` is the way back, to the last bit."""
        kept: dict[str, Any] = {"output": self.output}
        if self.mirror is not None:
            kept["mirror"] = self.mirror
        if self.table is not None:
            kept["table"] = base64.b85encode(zlib.compress(self.table)).decode()
            kept["first"] = self.first
        else:
            kept["slope"] = _one_or_all(self.slopes)
            kept["intercept"] = _one_or_all(self.intercepts)
        if self.peak is not None:
            kept["peak"] = self.peak
        if self.normalize is not None:
            kept["normalize"] = list(self.normalize)
        if self.padding is not None:
            kept["padding"] = [*self.padding[:2], str(self.padding[2])]  # it may be NaN
        return json.dumps(kept, separators=(",", ":"))

    def steps(self, stored: np.dtype[Any], plane: int = 0) -> Steps:
        """Return what the kernel is told of a cell.

        Parameters
        ----------
        stored : dtype
            Of the cells.
        plane : int
            The plane that the cell is in.
        """
        bits = 8 * stored.itemsize
        own = plane if len(self.slopes) > 1 else 0
        return Steps(
            cell=f"{'f' if stored.kind == 'f' else 'u'}{stored.itemsize}",
            swap=False,
            high_bit=bits - 1,
            bits=bits,
            signed=stored.kind == "i",
            mirror=self.mirror,
            table=self.table,
            first=self.first,
            slope=self.slopes[own],
            intercept=self.intercepts[own],
            peak=self.peak,
            normalize=self.normalize,
            padding=self.padding,
        )

    def values(
        self,
        stored: NDArray[Any],
        out: NDArray[Any] | None = None,
        planes: Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Return the values of stored integers: the very bits that `imread` gives.

        Parameters
        ----------
        stored : ndarray, C-contiguous, native byte order
        out : ndarray, optional
            Of the same shape and of dtype `output`, C-contiguous; filled and returned.
        planes : sequence of int, optional
            Which planes the first axis holds, if not all in order; the array has one axis of
            planes then.

        Raises
        ------
        InexactError
            A value that the dtype cannot hold.
        """
        values = np.empty(stored.shape, self.output) if out is None else out
        if len(self.slopes) == 1:
            self._scale(stored, values, 0)
            return values
        which = range(len(self.slopes)) if planes is None else planes
        cells, results = stored.reshape(len(which), -1), values.reshape(len(which), -1)
        for k, plane in enumerate(which):
            self._scale(cells[k], results[k], plane)
        return values

    def _scale(self, stored: NDArray[Any], out: NDArray[Any], plane: int) -> None:
        cells = stored.reshape(-1).view(np.uint8)
        flat = out.reshape(-1)
        bad = current_kernel().scale(cells, flat, self.steps(stored.dtype, plane))
        if bad >= 0:
            exact = np.empty(out.size, np.float64)
            current_kernel().scale(cells, exact, self.steps(stored.dtype, plane))
            index = tuple(int(k) for k in np.unravel_index(bad, out.shape))
            raise InexactError(value=float(exact[bad]), index=index, dtype=self.output)


def remaining_of(plan: Plan, peak: float | None = None) -> Remaining:
    """Return the steps of a plan that come after step 3.

    Parameters
    ----------
    plan : Plan
    peak : float or None
        The maximum that the plan inverts by, if it does; None: all pixels are padding.
    """
    steps = plan.steps
    rescales = plan.slope_intercept
    if plan.color is not None:
        return Remaining(plan.dtype)
    return Remaining(
        output=plan.dtype,
        mirror=steps.mirror,
        table=steps.table,
        first=steps.first,
        slopes=tuple(slope for slope, _ in rescales),
        intercepts=tuple(intercept for _, intercept in rescales),
        peak=(0.0 if peak is None else peak) if plan.needs_peak else steps.peak,
        normalize=steps.normalize,
        padding=steps.padding,
    )


@lru_cache(maxsize=4096)
def remaining_from(text: str) -> Remaining:
    """Return the steps that `Remaining.to_json` has written.

    Parameters
    ----------
    text : str
    """
    kept = json.loads(text)
    table = kept.get("table")
    normalize, padding = kept.get("normalize"), kept.get("padding")
    return Remaining(
        output=kept["output"],
        mirror=kept.get("mirror"),
        table=None if table is None else zlib.decompress(base64.b85decode(table)),
        first=kept.get("first", 0.0),
        slopes=_all_of(kept.get("slope", 1.0)),
        intercepts=_all_of(kept.get("intercept", 0.0)),
        peak=kept.get("peak"),
        normalize=None if normalize is None else (normalize[0], normalize[1]),
        padding=None if padding is None else (padding[0], padding[1], float(padding[2])),
    )


def normalized(
    remaining: Remaining,
    is_color: bool,
    normalize: tuple[float, float],
    holds_values: bool = False,
) -> Remaining:
    """Return steps with an interval to normalize by.

    Parameters
    ----------
    remaining : Remaining
        Without one.
    is_color : bool
    normalize : (float, float)
    holds_values : bool
        The steps have been done: the interval is all that remains.

    Raises
    ------
    ArgumentError
        It is no interval; or the values are normalized already, in colour, no floats, or have a
        number for padding among them.
    """
    interval = Recipe(normalize=normalize).normalize if isinstance(normalize, list) else normalize
    return _normalized(remaining, is_color, interval, holds_values)


@lru_cache(maxsize=4096)
def _normalized(
    remaining: Remaining,
    is_color: bool,
    normalize: tuple[float, float] | None,
    holds_values: bool,
) -> Remaining:
    if remaining.normalize is not None:
        raise ArgumentError("normalize", "the recipe of this cache has normalized its values")
    if is_color or np.dtype(remaining.output).kind != "f":
        raise ArgumentError("normalize", "it needs float values without colour")
    interval = Recipe(normalize=normalize).normalize
    if not holds_values:
        return replace(remaining, normalize=interval)
    if remaining.padding is not None and math.isfinite(remaining.padding[2]):
        raise ArgumentError(
            "normalize",
            f"pixels of padding have become {remaining.padding[2]:g}, which no longer tells them "
            f"from others: convert to 'tar' or 'b2nd', or with the padding NaN",
        )
    return Remaining(remaining.output, normalize=interval)


def peak_of(stored: NDArray[Any], remaining: Remaining) -> float | None:
    """Return the maximum of y (step 4) over all planes, padding and NaN apart; None: none is left.

    Parameters
    ----------
    stored : ndarray, C-contiguous
    remaining : Remaining
        Without a peak.
    """
    planes = len(remaining.slopes)
    kernel = current_kernel()
    best: float | None = None
    for plane, cells in enumerate(stored.reshape(planes, -1)):
        steps = remaining.steps(stored.dtype, plane)._replace(normalize=None)
        found = kernel.peak(cells.view(np.uint8), cells.size, steps)
        if found is not None and (best is None or found > best):
            best = found
    return best


def check_exactness(stored: NDArray[Any], remaining: Remaining) -> None:
    """Refuse values that their dtype cannot hold, before they are stored.

    Parameters
    ----------
    stored : ndarray, C-contiguous
    remaining : Remaining

    Raises
    ------
    InexactError
    """
    if _may_be_inexact(stored.dtype, remaining):
        remaining.values(stored)


def _may_be_inexact(stored: np.dtype[Any], remaining: Remaining) -> bool:
    output = np.dtype(remaining.output)
    if output.kind != "f":
        plain = Remaining(remaining.output)
        return remaining != plain or not np.can_cast(stored, output)
    if output.itemsize == 8 or remaining.normalize is not None:
        return False
    if stored.kind == "f":
        return stored.itemsize == 8 or remaining != Remaining(remaining.output)
    if remaining.table is not None:
        largest = float(np.abs(np.frombuffer(remaining.table)).max())
    else:
        cells = 2.0 ** (8 * stored.itemsize)
        pairs = zip(remaining.slopes, remaining.intercepts, strict=True)
        largest = max(abs(slope) * cells + abs(intercept) for slope, intercept in pairs)
    return 2 * largest > _FLOAT32_MAX  # twice: the peak less the lowest


def _one_or_all(numbers: tuple[float, ...]) -> float | list[float]:
    return numbers[0] if len(numbers) == 1 else list(numbers)


def _all_of(numbers: float | list[float]) -> tuple[float, ...]:
    return tuple(numbers) if isinstance(numbers, list) else (numbers,)
