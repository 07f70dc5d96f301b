"""Black: the stored values that a display shows black, and which pixels become them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import PixelHeaderError
from fastpix.header.header import Header
from fastpix.header.luts import Lut
from fastpix.plan.cells_of_header import layout_of
from fastpix.redaction import Region, disjoint
from fastpix.standard.tags import Tag

_WEIGHTS = (299, 587, 114)  # of red, green and blue in luminance (PS3.3 C.7.6.3.1.2, YBR_FULL)


def black_of(header: Header, photometric: str | None = None) -> tuple[int, ...]:
    """Return the stored values of a black pixel, one a sample.

    MONOCHROME2 is the lowest value that Bits Stored and Pixel Representation allow, MONOCHROME1
    the highest: those are displayed black by any window (PS3.3 C.7.6.3.1.2). Not Pixel Padding
    Value: it says that there was never an image, its range need not be shown black, and statistics
    leave it out. PALETTE COLOR is the index of the darkest entry.

    Parameters
    ----------
    header : Header
        Of integers.
    photometric : str, optional
        In place of the header's.

    Raises
    ------
    PixelHeaderError
        It is not known what black is.
    """
    photometric = photometric or header.photometric
    bits = header.bits_stored
    low = -(1 << (bits - 1)) if header.signed else 0
    high = low + (1 << bits) - 1
    middle = 1 << (bits - 1)
    if photometric == "MONOCHROME1":
        return (high,)
    if photometric == "MONOCHROME2":
        return (low,)
    if photometric == "PALETTE COLOR":
        # Without a palette it is a label map, whose lowest value is no segment.
        return (low if header.palette is None else _darkest(header.palette, low, high),)
    if photometric == "RGB":
        return (0, 0, 0)
    if photometric in ("YBR_FULL", "YBR_FULL_422"):
        return (0, middle, middle)
    if photometric in ("YBR_PARTIAL_422", "YBR_PARTIAL_420") and bits >= 8:
        return (16 << (bits - 8), middle, middle)
    raise PixelHeaderError(
        tag=Tag.PhotometricInterpretation,
        keyword="PhotometricInterpretation",
        value=photometric,
        reason="it is not known which values are black",
        remedy="leave the file out, or have it sent as RGB",
    )


def _darkest(palette: tuple[Lut, Lut, Lut], low: int, high: int) -> int:
    """Return the index of the darkest entry that a cell can have; the lowest of several."""
    entries = np.stack([np.frombuffer(lut.entries, np.float64) for lut in palette], axis=1)
    first = palette[0].first
    # Values before the table have its first entry, those behind it the last.
    last = min(max(first + len(entries) - 1, low), high)
    indices = np.arange(max(min(first, high), low), last + 1)
    reach = np.clip(indices - first, 0, len(entries) - 1)
    luminance = entries[reach] @ np.array(_WEIGHTS, np.float64)
    return int(indices[luminance.argmin()])


def float_black(values: NDArray[Any]) -> float:
    """Return the lowest finite value of an image of floating-point numbers; 0 where there is none.

    There is no lowest value that could be stored, as integers have one: the lowest that is there
    is black by a window over all values, and adds none outside of their range.

    Parameters
    ----------
    values : ndarray
        Of all frames.
    """
    finite = values[np.isfinite(values)]
    return float(finite.min()) if finite.size else 0.0


def covered_regions(header: Header, regions: Iterable[Region]) -> tuple[Region, ...]:
    """Return what is blanked where regions are asked for: disjoint, inside the image.

    Where two pixels of a row share their chrominance, both are blanked.

    Parameters
    ----------
    header : Header
    regions : iterable of Region
    """
    if layout_of(header) == "subsampled":
        regions = [
            Region(
                part.x - part.x % 2, part.y, part.width + part.x % 2 + part.right % 2, part.height
            )
            for part in regions
        ]
    return disjoint(regions, header.rows, header.columns)
