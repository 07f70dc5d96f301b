"""A contact sheet: one picture of many images, windowed for the eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastpix.job.cache import Cache
from fastpix.view.sheet import lay_out, png_bytes
from fastpix.view.tones import as_gray, shades_of, window_by_percentiles

_SIDE = 144  # pixels of a picture
_COLUMNS = 10


def write_contact_sheet(cache: Cache, path: Path, most: int = 120) -> None:
    """Write a PNG of the first images of a cache; of volumes and multi-frames the middle plane.

    Parameters
    ----------
    cache : Cache
    path : Path
    most : int
        Images at most.
    """
    pictures = [_picture(cache, k) for k in range(min(most, len(cache)))]
    columns = min(_COLUMNS, max(len(pictures), 1))
    sheet, _ = lay_out(pictures, columns, cell=(_SIDE, _SIDE))
    path.write_bytes(png_bytes(sheet))


def _picture(cache: Cache, place: int) -> NDArray[np.uint8]:
    """Return ``(rows, columns)`` or ``(rows, columns, 3)``, at most `_SIDE` wide and high."""
    is_color = cache.is_color(place)
    values = cache[place]
    while values.ndim > (3 if is_color else 2):
        values = values[len(values) // 2]
    step = max(1, -(-max(values.shape[:2]) // _SIDE))
    small = values[::step, ::step].astype(np.float64)
    enlarged = max(1, _SIDE // max(small.shape[:2]))
    small = small.repeat(enlarged, axis=0).repeat(enlarged, axis=1)
    if is_color:
        low, high = color_limits(cache, small)
        levels: NDArray[np.uint8] = (
            np.nan_to_num((small - low) / (high - low)).clip(0, 1) * 255
        ).astype(np.uint8)
        return levels
    return as_gray(shades_of(small, window_by_percentiles(small)), is_inverse=False)


def color_limits(cache: Cache, values: NDArray[np.float64]) -> tuple[float, float]:
    """Return what black and white are in a colour image of a cache.

    Parameters
    ----------
    cache : Cache
    values : ndarray
        Some of an image: where the recipe does not say, the largest tells how many bits a sample
        has.
    """
    limits = cache.settings.recipe.color_range
    if limits is not None:
        return limits
    largest = float(values.max(initial=0.0))
    return 0.0, next((most for most in (255.0, 65535.0) if largest <= most), 2.0**32 - 1)
