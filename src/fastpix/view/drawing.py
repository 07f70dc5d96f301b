"""Groups of panes as one picture: captions, letters of directions, and scale bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpix.view.pane import Group, Pane
from fastpix.view.sheet import GAP, Corner, lay_out, side_by_side

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIDE = 256
"""Pixels of a pane of several."""
LARGE_SIDE = 896
"""Pixels of the only pane."""
SMALLEST_SIDE = 128

_EDGE = 4  # pixels from the edge of a pane to its marks
_BAR = 3  # pixels that a scale bar is high
_SHARE = 0.4  # of a pane: the longest scale bar
_INK = (230, 230, 230)


def draw(
    groups: Sequence[Group], side: int | None = None, columns: int | None = None
) -> NDArray[np.uint8]:
    """Draw groups of panes side by side.

    Parameters
    ----------
    groups : sequence of Group
    side : int, optional
        Pixels of the longer side of a pane: at most, for an enlarged pixel is a whole number of
        pixels wide; 896 for a single pane, else 256, if not given.
    columns : int, optional
        How many panes stand side by side in a group; see `columns_for` if not given.

    Returns
    -------
    ndarray of uint8
        ``(rows, columns, 3)``.

    Raises
    ------
    ImportError
        Pillow is not installed; the message says how to install it.
    """
    _pillow()
    most = max(len(group.panes) for group in groups)
    if side is None:
        side = LARGE_SIDE // len(groups) if most == 1 else SIDE
    if columns is None:
        columns = columns_for(most)
    return side_by_side([_draw_group(group, side, columns) for group in groups])


def columns_for(count: int) -> int:
    """Return how many panes stand side by side: a sheet as wide as high, up to twice as wide.

    Of these numbers the one that leaves the fewest places empty.
    """
    candidates = range(math.ceil(math.sqrt(count)), math.ceil(math.sqrt(2 * count)) + 1)
    return min(candidates, key=lambda columns: (-count % columns, columns))


def _draw_group(group: Group, side: int, columns: int) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw

    size = text_size(side)
    line = size + 6
    scales = [scale_of(pane, side) for pane in group.panes]
    pictures = [resized(pane, scale) for pane, scale in zip(group.panes, scales, strict=True)]
    has_captions = any(pane.caption for pane in group.panes)
    sheet, corners = lay_out(pictures, columns, line if has_captions else 0)
    titles = _wrapped(group.title, sheet.shape[1] - 2 * GAP, size)
    above = len(titles) * line + (GAP if titles else 0)
    sheet = np.pad(sheet, ((above, 0), (0, 0), (0, 0)), mode="edge")
    picture = Image.fromarray(sheet)
    canvas = ImageDraw.Draw(picture)
    for k, title in enumerate(titles):
        canvas.text((GAP, GAP + k * line), title, _INK, font_of(size))
    for pane, scale, pixels, corner in zip(group.panes, scales, pictures, corners, strict=True):
        at = Corner(corner.row + above, corner.column)
        height, width = pixels.shape[:2]
        if pane.caption:
            middle = at.column + width // 2, at.row + height + 2
            canvas.text(middle, pane.caption, _INK, font_of(size), anchor="ma")
        if min(height, width) >= SMALLEST_SIDE // 2:
            _mark(canvas, pane, scale, at, height, width, size)
    return np.asarray(picture)


def scale_of(pane: Pane, side: int) -> float:
    """Return how many pixels of the picture a column of the pane takes.

    A whole number where a pane of square pixels is enlarged: no pixel is wider than another.
    """
    rows, columns = pane.pixels.shape[:2]
    longest = max(rows * pane.place.aspect, columns)
    scale = side / longest
    return float(max(1, int(scale))) if scale >= 1 and pane.place.aspect == 1 else scale


def resized(pane: Pane, scale: float) -> NDArray[np.uint8]:
    """Return the pixels of a pane as they are drawn: means where it shrinks, else repeated."""
    from PIL import Image

    rows, columns = pane.pixels.shape[:2]
    size = max(1, round(columns * scale)), max(1, round(rows * scale * pane.place.aspect))
    if size == (columns, rows):
        return pane.pixels
    picture = Image.fromarray(np.ascontiguousarray(pane.pixels))
    return np.asarray(picture.resize(size, Image.Resampling.BOX))


def bar_of(mm_per_pixel: float, width: int) -> tuple[float, int]:
    """Return a scale bar: millimetres, a round number, and how many pixels these are.

    Parameters
    ----------
    mm_per_pixel : float
        Of the picture.
    width : int
        Of the pane, of which the bar takes 40 % at most.
    """
    longest = mm_per_pixel * width * _SHARE
    power = 10.0 ** math.floor(math.log10(longest))
    mm = max(step * power for step in (1, 2, 5) if step * power <= longest)
    return mm, round(mm / mm_per_pixel)


def text_size(side: int) -> int:
    """Return the size of the text on panes of a size."""
    return 12 if side < 400 else 16


def font_of(size: int) -> Any:
    """Return the font of all text."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _mark(
    canvas: ImageDraw, pane: Pane, scale: float, at: Corner, height: int, width: int, size: int
) -> None:
    """Draw letters at the edges, and a scale bar in the lower left corner."""
    place = pane.place
    top, left, bottom, right = at.row, at.column, at.row + height - 1, at.column + width - 1
    if place.edges is not None:
        middle, center = (top + bottom) // 2, (left + right) // 2
        for text, where, anchor in (
            (place.edges.left, (left + _EDGE, middle), "lm"),
            (place.edges.right, (right - _EDGE, middle), "rm"),
            (place.edges.top, (center, top + _EDGE), "mt"),
            (place.edges.bottom, (center, bottom - _EDGE), "mb"),
        ):
            _boxed(canvas, text, where, anchor, size)
    if place.mm is None:
        return
    mm, length = bar_of(place.mm / scale, width)
    x, y = left + _EDGE + 1, bottom - _EDGE - _BAR
    canvas.rectangle((x - 1, y - 1, x + length, y + _BAR), fill="black")
    canvas.rectangle((x, y, x + length - 1, y + _BAR - 1), fill="white")
    text = f"{mm:g} mm at the detector" if place.is_at_detector else f"{mm:g} mm"
    _boxed(canvas, text, (x, y - 3), "lb", size)


def _boxed(
    canvas: ImageDraw, text: str, where: tuple[float, float], anchor: str, size: int
) -> None:
    """Draw white text on black: it is read on any picture."""
    font = font_of(size)
    x0, y0, x1, y1 = canvas.textbbox(where, text, font, anchor=anchor)
    canvas.rectangle((x0 - 1, y0 - 1, x1, y1), fill="black")
    canvas.text(where, text, "white", font, anchor=anchor)


def _wrapped(text: str, width: int, size: int) -> list[str]:
    """Return the lines of a title that is `width` pixels wide at most, broken at spaces."""
    font = font_of(size)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _pillow() -> None:
    try:
        import PIL.ImageDraw  # noqa: F401
    except ImportError as error:
        raise ImportError("pictures need Pillow: pip install 'fastpix[view]'") from error
