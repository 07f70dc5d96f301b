"""How far the volumes of an array are apart in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_EVEN = 1e-3  # the most by which even steps in time may differ, as a share of a step
_SECONDS = {"trigger_time": 1e-3, "time_offset": 1.0}  # units of axes that are times


def seconds_between(axes: Sequence[str], coords: Mapping[str, Sequence[Any]]) -> float | None:
    """Return the time between volumes; None if their axis is no time, or its steps differ.

    Parameters
    ----------
    axes : sequence of str
        What stands before (slice, row, column): see `Volume.axes`.
    coords : mapping of str to sequence
        Values along them.
    """
    unit = _SECONDS.get(axes[0]) if axes else None
    if unit is None:
        return None
    times = coords.get(axes[0], ())
    if len(times) < 2 or any(time is None for time in times):
        return None
    steps = np.diff(np.array(times, np.float64)) * unit
    step = float(steps.mean())
    if not step > 0 or np.abs(steps - step).max() > _EVEN * step:
        return None
    return step
