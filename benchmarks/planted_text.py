"""Text burned into images at known places, to see whether it is found."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SIZES = (8, 10, 12, 16, 20, 24)
"""Pixels of the font's em: capitals are 0.73 of it, small letters 0.55."""

STYLES = ("white", "black", "gray", "white on black", "black on white", "faint")
PLACES = ("corner", "anatomy")
_WORDS = (
    "MUSTERMANN^ERIKA", "Doe, Jane", "SMITH JOHN M", "O'Neill, Aoife", "Nguyen Thi Hoa",
    "1964-08-12", "12.08.1964", "03/14/2019 10:42:07", "ID 4711-0815", "Acc 20190314-77",
    "078Y F", "St. Mary Hospital", "Dr. A. Weber", "DOB: 12 Aug 1964", "20190314",
)  # fmt: skip
_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf")
_FAINT = 0.15  # of the range of values, from the mean of the place
_VISIBLE = 0.12  # of the range: what a person can read


class Planted(NamedTuple):
    """An image with one line of text.

    Attributes
    ----------
    values : ndarray
        A copy, of the dtype of the image.
    ink : ndarray of bool
        (rows, columns): where letters are.
    box : (int, int, int, int)
        x, y, width, height of the letters.
    size : int
    style, place : str
    """

    values: NDArray[Any]
    ink: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    size: int
    style: str
    place: str


def letters(text: str, size: int, font: str, is_smooth: bool) -> NDArray[np.float64]:
    """Return the ink of a line of text, 0 to 1, cut to its letters.

    Parameters
    ----------
    text : str
    size : int
    font : str
        Of the system; where it is missing, the one that Pillow brings.
    is_smooth : bool
        Edges of letters in shades; otherwise ink is 0 or 1.
    """
    from PIL import Image, ImageDraw, ImageFont

    try:
        face: Any = ImageFont.truetype(font, size)
    except OSError:
        face = ImageFont.load_default(size)
    picture = Image.new("L", (size * (len(text) + 2), size * 3), 0)
    draw = ImageDraw.Draw(picture)
    draw.fontmode = "L" if is_smooth else "1"
    draw.text((size, size), text, fill=255, font=face)
    ink = np.asarray(picture).astype(np.float64) / 255
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def plant(
    values: NDArray[Any],
    size: int,
    chance: random.Random,
    avoided: Sequence[tuple[int, int, int, int]] = (),
) -> Planted | None:
    """Return a copy of an image with a line of text; None where no place for it was found.

    Text that a person could not read is not planted: its mean differs from what it covers by 12 %
    of the range of values.

    Parameters
    ----------
    values : ndarray
        (rows, columns) or (rows, columns, 3); the least and the greatest of them are black and
        white.
    size : int
    chance : random.Random
    avoided : sequence of (x, y, width, height)
        Where other text is.
    """
    rows, columns = values.shape[:2]
    low, high = float(values.min()), float(values.max())
    usual = np.percentile(values, (1, 99))
    for _ in range(200):
        style, place = chance.choice(STYLES), chance.choice(PLACES)
        ink = letters(chance.choice(_WORDS), size, chance.choice(_FONTS), chance.random() < 0.5)
        tall, wide = ink.shape
        edge = 3
        if tall + 2 * edge > rows or wide + 2 * edge > columns:
            continue
        y, x = _corner(chance, rows, columns, tall, wide, edge, place == "corner")
        box = (x, y, wide, tall)
        if any(_near(box, other) for other in avoided):
            continue
        around = values[y - edge : y + tall + edge, x - edge : x + wide + edge].astype(float)
        mean = float(around.mean())
        on_box = {"white on black": low, "black on white": high}.get(style)
        shade = {
            "white": high, "black": low, "gray": float(usual.mean()), "white on black": high,
            "black on white": low, "faint": mean + chance.choice((-1, 1)) * _FAINT * (high - low),
        }[style]  # fmt: skip
        shade = min(max(shade, low), high)
        behind = mean if on_box is None else on_box
        if abs(shade - behind) < _VISIBLE * (high - low):
            continue
        found = values.copy()
        if on_box is not None:
            around[...] = on_box
        shares = np.pad(ink, edge)
        shares = shares if values.ndim == 2 else shares[..., None]
        blended = around + (shade - around) * shares
        if values.dtype.kind in "iu":
            blended = np.rint(blended)
        place_of = np.s_[y - edge : y + tall + edge, x - edge : x + wide + edge]
        found[place_of] = blended.astype(values.dtype)
        where = np.zeros((rows, columns), np.bool_)
        where[y : y + tall, x : x + wide] = ink > 0.3
        return Planted(found, where, box, size, style, place)
    return None


def _corner(
    chance: random.Random, rows: int, columns: int, tall: int, wide: int, edge: int, is_corner: bool
) -> tuple[int, int]:
    """Return the first row and column of a text."""
    highest, farthest = rows - tall - edge, columns - wide - edge
    if not is_corner:
        return chance.randint(edge, highest), chance.randint(edge, farthest)
    more = chance.randint(0, 20)
    y = chance.choice((min(edge + more, highest), max(highest - more, edge)))
    x = chance.choice((min(edge + more, farthest), max(farthest - more, edge)))
    return y, x


def _near(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    gap = 8
    return (
        one[0] < other[0] + other[2] + gap
        and other[0] < one[0] + one[2] + gap
        and one[1] < other[1] + other[3] + gap
        and other[1] < one[1] + one[3] + gap
    )
