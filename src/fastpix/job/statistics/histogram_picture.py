"""Histograms of groups as a PNG."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.statistics.group_statistics import NORMALIZE, GroupStatistics
from fastpix.job.statistics.stats_report import rebinned, shown_range, title_of
from fastpix.notes import count_of

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_WIDTH, _HEIGHT = 720, 210  # pixels of the axes of one group
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 28, 58, 46  # around them
_INK, _FAINT, _BAR, _MARK = "#222222", "#d8d8d8", "#4c78a8", "#d1495b"
_TEXT, _TITLE = 12, 15  # pixels
_MOST_GROUPS = 24  # in one picture


def histogram_png(groups: Sequence[GroupStatistics], path: str | os.PathLike[str]) -> None:
    """Write a picture of the histograms of groups, one below the other.

    From percentile 0.1 to 99.9; counts are logarithmic; dashed lines are the proposed normalize=.
    A picture has the first 24 groups.

    Parameters
    ----------
    groups : sequence of GroupStatistics
    path : path
        Where the PNG is written.

    Raises
    ------
    ImportError
        Pillow is not installed; the message says how to install it.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise ImportError("pictures of histograms need Pillow: pip install pillow") from error

    shown = groups[:_MOST_GROUPS]
    step = _TOP + _HEIGHT + _BOTTOM
    size = (_LEFT + _WIDTH + _RIGHT, max(len(shown), 1) * step)
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for k, result in enumerate(shown):
        _draw_group(draw, result, k * step)
    picture.save(path, "PNG")


def _draw_group(draw: ImageDraw, result: GroupStatistics, above: int) -> None:
    top, bottom = above + _TOP, above + _TOP + _HEIGHT
    draw.text((_LEFT, above + 12), title_of(result.group), _INK, _font(_TITLE))
    draw.text((_LEFT, above + 34), _subtitle(result), _INK, _font(_TEXT))
    low, high = shown_range(result)
    if low is None or high is None:
        draw.rectangle((_LEFT, top, _LEFT + _WIDTH, bottom), outline=_FAINT)
        return
    counts = rebinned(result, low, high, _WIDTH)
    decades = math.ceil(math.log10(max(counts.max(), 10.0)))
    for decade in range(decades + 1):
        y = bottom - decade * _HEIGHT / decades
        draw.line((_LEFT - 4, y, _LEFT + _WIDTH, y), _FAINT)
        if decade % math.ceil(decades / 6) == 0:
            draw.text((_LEFT - 8, y), _power(decade), _INK, _font(_TEXT), anchor="rm")
    for column, height in enumerate(_heights(counts, decades)):
        if height > 0:
            draw.line((_LEFT + column, bottom - height, _LEFT + column, bottom), _BAR)
    for tick in ticks(low, high):
        x = _LEFT + (tick - low) / (high - low) * _WIDTH if high > low else _LEFT + _WIDTH / 2
        draw.line((x, bottom, x, bottom + 5), _INK)
        draw.text((x, bottom + 8), f"{tick:g}", _INK, _font(_TEXT), anchor="mt")
    draw.line((_LEFT, bottom, _LEFT + _WIDTH, bottom), _INK)
    draw.line((_LEFT, top, _LEFT, bottom), _INK)
    draw.text((_LEFT + _WIDTH, bottom + 26), result.group.unit, _INK, _font(_TEXT), anchor="rt")
    draw.text((8, top - 6), "pixels", _INK, _font(_TEXT), anchor="ls")
    found = result.normalize_range()
    if found is not None and high > low:
        for end in found:
            x = _LEFT + (min(max(end, low), high) - low) / (high - low) * _WIDTH
            for dash in range(top, bottom, 8):
                draw.line((x, dash, x, min(dash + 4, bottom)), _MARK)


def _subtitle(result: GroupStatistics) -> str:
    if result.mean is None or result.std is None:
        return f"{count_of(result.images, 'image')}, no pixels"
    text = (
        f"{count_of(result.images, 'image')}   {result.min:g} to {result.max:g}   "
        f"mean {result.mean:.5g}   std {result.std:.5g}"
    )
    line = result.normalize_line()
    return (
        text
        if line is None
        else f"{text}   {line} (p{NORMALIZE[0]:g} and p{NORMALIZE[1]:g}, dashed)"
    )


def _heights(counts: NDArray[np.float64], decades: int) -> NDArray[np.float64]:
    """Return the heights of columns in pixels; one pixel of the image is a column just seen."""
    heights: NDArray[np.float64] = np.log10(np.maximum(counts, 1.0)) * (_HEIGHT / decades)
    return np.where(counts > 0, np.maximum(heights, 1.0), 0.0)


def ticks(low: float, high: float, most: int = 9) -> list[float]:
    """Return round numbers between two, at most `most`: steps of 1, 2 or 5 times a power of 10."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [k * step for k in range(first, last + 1)]


def _power(decade: int) -> str:
    names = {0: "1", 1: "10", 2: "100", 3: "1k", 4: "10k", 5: "100k", 6: "1M", 7: "10M", 8: "100M"}
    return names.get(decade, f"1e{decade}")


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)
