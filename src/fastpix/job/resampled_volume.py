"""A volume of a job on the grid that all volumes of its cache have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fastpix.job.remaining import Remaining
from fastpix.job.settings import Settings
from fastpix.series.resampling import nearest_places
from fastpix.series.volume import Volume


def resampled(
    volume: Volume, remaining: Remaining, settings: Settings, threads: int, max_bytes: int
) -> tuple[Volume, Remaining]:
    """Return what is stored of a resampled volume, and the steps that make values of it.

    They are the values that `Volume.resample` gives. Of order 0, that is stored cells with the
    steps that they had; else the values, for which no step remains.

    Parameters
    ----------
    volume : Volume
        Of stored cells.
    remaining : Remaining
        What makes values of them.
    settings : Settings
        With a spacing.
    threads : int
    max_bytes : int
        What the array may take.

    Raises
    ------
    FastpixError
        As for `Volume.resample`.
    """
    spacing, order = settings.spacing, settings.order
    assert spacing is not None
    if order != 0:
        volume = replace(volume, array=remaining.values(volume.array))
    made = volume.resample(spacing, order=order, threads=threads, max_bytes=max_bytes)
    if order != 0:
        return made, Remaining(made.array.dtype.name)
    if len(remaining.slopes) == 1:
        return made, remaining
    old = volume.spacing
    assert old is not None
    slices = volume.array.shape[len(volume.axes)]
    nearest = nearest_places(slices, old[0], spacing[0])
    places = np.arange(len(remaining.slopes)).reshape(-1, slices)[:, nearest].ravel().tolist()
    return made, replace(
        remaining,
        slopes=tuple(remaining.slopes[k] for k in places),
        intercepts=tuple(remaining.intercepts[k] for k in places),
    )
