"""What is blanked in an image before it is stored in a cache, by the rules of copies."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fastpix.header.header import Header
from fastpix.header.instance import Instance
from fastpix.notes import count_of
from fastpix.plan.black import black_of, covered_regions, float_black
from fastpix.redaction import Redaction, Region, description_of, ultrasound_regions


def blanked_regions(instance: Instance, redaction: Redaction) -> tuple[Region, ...]:
    """Return what is blanked in an image: disjoint regions inside it.

    Parameters
    ----------
    instance : Instance
    redaction : Redaction

    Raises
    ------
    FastpixError
        The regions of ultrasound are to be kept, and cannot be trusted; or a box lies outside of
        the image.
    """
    header, dataset = instance.header, instance.dataset
    size = header.rows, header.columns
    kept = ultrasound_regions(dataset, *size) if redaction.ultrasound_regions else None
    return covered_regions(header, redaction.blanked(description_of(dataset, *size), kept))


def blank(cells: NDArray[Any], header: Header, regions: tuple[Region, ...]) -> str:
    """Blank regions of stored integers, or of RGB, in place; return what was done, in words.

    Parameters
    ----------
    cells : ndarray
        ``(rows, columns)``, with an axis of frames before, and one of colours behind them.
    header : Header
    regions : tuple of Region
        From `blanked_regions`.
    """
    if header.is_float:
        black = float_black(cells)
    elif header.is_gray:
        (black,) = black_of(header)
    else:
        black = 0  # whatever the colours were in the file
    ahead = (...,)
    behind = () if header.is_gray else (slice(None),)
    for part in regions:
        cells[(*ahead, part.rows, part.columns, *behind)] = black
    count = sum(part.width * part.height for part in regions)
    return f"{count_of(count, 'pixel')} of each frame were blanked (redaction)"
