"""Axes of charts, linear and logarithmic: places are per cent of the width."""

from __future__ import annotations

import math
from typing import NamedTuple

from fastpix.pages.wording import number

WIDTH = 100.0
"""Of charts: places are per cent."""

_TICKS = 5
_DECADES = ((1, 2, 5), (1, 3), (1,))  # marks of a decade; fewer where there are many decades


class Tick(NamedTuple):
    """A mark of an axis: where, and what it says."""

    x: float
    text: str


def place(value: float, low: float, high: float) -> float:
    """Return where a value stands on an axis.

    Parameters
    ----------
    value, low, high : float
    """
    return WIDTH * (value - low) / (high - low) if high > low else WIDTH / 2


def ticks(low: float, high: float) -> list[Tick]:
    """Return round numbers between two ends.

    Parameters
    ----------
    low, high : float
    """
    if not high > low or not math.isfinite(high - low):
        return [Tick(WIDTH / 2, number(low))]
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= rough)
    first = math.ceil(low / step)
    last = math.floor(high / step)
    return [Tick(place(k * step, low, high), number(k * step)) for k in range(first, last + 1)]


def log_place(value: float, low: float, high: float) -> float:
    """Return where a value stands on a logarithmic axis, at most at its ends.

    Parameters
    ----------
    value, low, high : float
        Above 0.
    """
    share = place(math.log(value), math.log(low), math.log(high))
    return min(max(share, 0.0), WIDTH)


def log_ticks(low: float, high: float) -> list[Tick]:
    """Return round numbers between two ends of a logarithmic axis.

    Parameters
    ----------
    low, high : float
        Above 0.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = math.log10(high / low)
    steps = _DECADES[0 if decades <= 2 else 1 if decades <= 3 else 2]
    values = [k * 10.0**power for power in range(first, last + 1) for k in steps]
    # A decade's power has the noise of floats: 0.30000000000000004.
    shown = [float(f"{each:.3g}") for each in values if low * 0.999 <= each <= high * 1.001]
    return [Tick(log_place(each, low, high), number(each)) for each in shown]
