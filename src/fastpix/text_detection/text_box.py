"""`TextBox`: where text may be; boxes that overlap become one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class TextBox(NamedTuple):
    """A rectangle that may hold text.

    Attributes
    ----------
    x, y : int
        Column and row of its first pixel.
    width, height : int
        In pixels, 1 or more.
    score : float
        0 to 1. It ranks boxes; it is no probability.
    """

    x: int
    y: int
    width: int
    height: int
    score: float

    @property
    def right(self) -> int:
        """The first column beyond."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row beyond."""
        return self.y + self.height

    def fractions(self, rows: int, columns: int) -> tuple[float, float, float, float]:
        """Return x, y, width and height as shares of an image.

        Parameters
        ----------
        rows, columns : int
            Of the image.
        """
        return self.x / columns, self.y / rows, self.width / columns, self.height / rows


def with_margin(box: TextBox, margin: float, rows: int, columns: int) -> TextBox | None:
    """Return a box that is larger on all sides, inside the image; None where nothing is left of it.

    Parameters
    ----------
    box : TextBox
    margin : float
        In heights of the box; at least one pixel is added.
    rows, columns : int
        Of the image.
    """
    more = max(round(margin * min(box.height, box.width)), 1)
    left, top = max(box.x - more, 0), max(box.y - more, 0)
    right, bottom = min(box.right + more, columns), min(box.bottom + more, rows)
    if right <= left or bottom <= top:
        return None
    return TextBox(left, top, right - left, bottom - top, box.score)


def merged(boxes: Iterable[TextBox]) -> list[TextBox]:
    """Return the bounding boxes of those that overlap, until none overlap; top to bottom.

    Parameters
    ----------
    boxes : iterable of TextBox

    Returns
    -------
    list of TextBox
        The score of each is the greatest of its parts.
    """
    left = list(dict.fromkeys(boxes))
    while True:
        kept: list[TextBox] = []
        for box in sorted(left, key=lambda each: (each.y, each.x, each)):
            for number, other in enumerate(kept):
                if _overlap(box, other):
                    kept[number] = _union(box, other)
                    break
            else:
                kept.append(box)
        if len(kept) == len(left):
            return sorted(kept, key=lambda each: (each.y, each.x))
        left = kept


def _overlap(one: TextBox, other: TextBox) -> bool:
    return (
        one.x < other.right
        and other.x < one.right
        and one.y < other.bottom
        and other.y < one.bottom
    )


def _union(one: TextBox, other: TextBox) -> TextBox:
    x, y = min(one.x, other.x), min(one.y, other.y)
    right, bottom = max(one.right, other.right), max(one.bottom, other.bottom)
    return TextBox(x, y, right - x, bottom - y, max(one.score, other.score))
