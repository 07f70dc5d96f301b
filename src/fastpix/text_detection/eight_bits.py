"""Values of any range to the 8-bit images in which text is looked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_USUAL = (0.5, 99.5)  # percentiles
_MOST_PIXELS = 2**20  # that a percentile is taken of


def eight_bit_images(
    values: NDArray[Any], windows: Iterable[tuple[float, float]] = ()
) -> list[NDArray[np.uint8]]:
    """Return an image as several windows show it, without those that show the same.

    Burned-in text often has the greatest value that cells can hold, or one that anatomy never has:
    a window for anatomy shows it, or one for all values, and rarely both.

    Parameters
    ----------
    values : ndarray
        (rows, columns), of numbers; NaN and infinite ones are black. Or colours: (rows, columns, 3)
        of unsigned integers, which have one image.
    windows : iterable of (float, float)
        Black and white of further ones: what a file's own window shows.

    Returns
    -------
    list of ndarray of uint8
        Of the shape of `values`; none where all values are equal.
    """
    if values.ndim == 3:
        return _of_colors(values)
    finite = np.isfinite(values) if values.dtype.kind == "f" else None
    known = values.reshape(-1) if finite is None else values[finite]
    if not known.size:
        return []
    least, greatest = float(known.min()), float(known.max())
    some = known[:: max(known.size // _MOST_PIXELS, 1)]
    usual = tuple(float(each) for each in np.percentile(some, _USUAL))
    found: dict[bytes, NDArray[np.uint8]] = {}
    for black, white in (usual, (least, greatest), *windows):
        if not white > black:
            continue
        image = _windowed(values, black, white)
        if finite is not None:
            image[~finite] = 0
        if image.min() < image.max():
            found.setdefault(image.tobytes(), image)
    return list(found.values())


def _windowed(values: NDArray[Any], black: float, white: float) -> NDArray[np.uint8]:
    shades = values.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        shades = np.clip((shades - black) / (white - black), 0, 1)
    return np.rint(np.nan_to_num(shades) * 255).astype(np.uint8)


def _of_colors(values: NDArray[Any]) -> list[NDArray[np.uint8]]:
    if not values.size or values.min() == values.max():
        return []
    if values.dtype == np.uint8:
        return [values]
    # Colours of a palette may have 16 bits.
    full = float(np.iinfo(values.dtype).max) if values.dtype.kind in "iu" else float(values.max())
    return [_windowed(values, 0.0, full)]
