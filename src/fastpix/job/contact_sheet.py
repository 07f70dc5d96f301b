"""A contact sheet: one picture of many images, windowed for the eye."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.cache import Cache

_SIDE = 144  # pixels of a picture
_GAP = 8
_COLUMNS = 10
_BACKGROUND = 24


def write_contact_sheet(cache: Cache, path: Path, most: int = 120) -> None:
    """Write a PNG of the first images of a cache; of volumes and multi-frames the middle plane.

    Parameters
    ----------
    cache : Cache
    path : Path
    most : int
        Images at most.
    """
    import imagecodecs

    count = min(most, len(cache))
    columns = min(_COLUMNS, max(count, 1))
    rows = -(-count // columns)
    step = _SIDE + _GAP
    sheet = np.full((rows * step + _GAP, columns * step + _GAP, 3), _BACKGROUND, np.uint8)
    for k in range(count):
        row, column = divmod(k, columns)
        top, left = _GAP + row * step, _GAP + column * step
        picture = _picture(cache, k)
        above, before = (_SIDE - picture.shape[0]) // 2, (_SIDE - picture.shape[1]) // 2
        place = sheet[top + above :, left + before :]
        place[: picture.shape[0], : picture.shape[1]] = picture
    path.write_bytes(imagecodecs.png_encode(sheet))


def _picture(cache: Cache, place: int) -> NDArray[np.uint8]:
    """Return ``(rows, columns, 3)``, at most `_SIDE` wide and high."""
    is_color = cache.row(place)["unit"] == "RGB"
    values = cache[place]
    trailing = 3 if is_color else 2
    while values.ndim > trailing:
        values = values[len(values) // 2]
    step = max(1, -(-max(values.shape[:2]) // _SIDE))
    small = values[::step, ::step].astype(np.float64)
    enlarged = max(1, _SIDE // max(small.shape[:2]))
    small = small.repeat(enlarged, axis=0).repeat(enlarged, axis=1)
    limits = cache.settings.recipe.color_range
    gray = _for_the_eye(small, is_color, limits)
    return gray if is_color else np.repeat(gray[:, :, np.newaxis], 3, axis=2)


def _for_the_eye(
    values: NDArray[Any], is_color: bool, limits: tuple[float, float] | None
) -> NDArray[np.uint8]:
    known = values[np.isfinite(values)]
    if not known.size:
        return np.zeros(values.shape, np.uint8)
    low, high = (0.0, float(known.max())) if is_color else np.percentile(known, [1, 99])
    if is_color and limits is not None:
        low, high = limits
    elif is_color:
        high = next((most for most in (255.0, 65535.0) if high <= most), 2.0**32 - 1)
    scaled = (values - low) / max(float(high) - float(low), 1e-12)
    picture: NDArray[np.uint8] = (np.nan_to_num(scaled).clip(0, 1) * 255).astype(np.uint8)
    return picture
