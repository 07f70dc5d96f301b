"""`Region`: a rectangle of pixels; unions and complements of rectangles, as rectangles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from fastpix.errors import ArgumentError


class Region(NamedTuple):
    """A rectangle of pixels.

    Attributes
    ----------
    x, y : int
        Column and row of its first pixel; the first pixel of an image is at 0, 0, top left.
    width, height : int
        In pixels, 1 or more.
    """

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column beyond."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row beyond."""
        return self.y + self.height

    @property
    def rows(self) -> slice:
        """Which rows of an array it covers."""
        return slice(self.y, self.bottom)

    @property
    def columns(self) -> slice:
        """Which columns of an array it covers."""
        return slice(self.x, self.right)


def checked_region(numbers: Sequence[object], what: str) -> Region:
    """Return a region of four numbers.

    Parameters
    ----------
    numbers : sequence of int
        ``x, y, width, height``.
    what : str
        What the error calls it.

    Raises
    ------
    ArgumentError
        They are no region.
    """
    numbers = list(numbers)
    if len(numbers) != 4 or not all(type(number) is int for number in numbers):
        raise ArgumentError(what, f"{numbers} is not four whole numbers: x, y, width, height")
    x, y, width, height = (int(str(number)) for number in numbers)
    if x < 0 or y < 0:
        raise ArgumentError(what, f"{numbers} begins outside of the image: x and y are 0 or more")
    if width < 1 or height < 1:
        raise ArgumentError(what, f"{numbers} is empty: width and height are 1 or more")
    return Region(x, y, width, height)


def in_image(region: Region, rows: int, columns: int) -> Region | None:
    """Return the part of a region that lies in an image; None where there is none.

    Parameters
    ----------
    region : Region
    rows, columns : int
        Of the image.
    """
    left, top = max(region.x, 0), max(region.y, 0)
    right, bottom = min(region.right, columns), min(region.bottom, rows)
    if right <= left or bottom <= top:
        return None
    return Region(left, top, right - left, bottom - top)


def disjoint(regions: Iterable[Region], rows: int, columns: int) -> tuple[Region, ...]:
    """Return regions that cover the same pixels of an image, and do not overlap.

    Parameters
    ----------
    regions : iterable of Region
        May overlap, and reach beyond the image.
    rows, columns : int
        Of the image.

    Returns
    -------
    tuple of Region
        From top to bottom; the same for all ways to cover the same pixels.
    """
    parts = _parts(regions, rows, columns)
    return _covered(parts, rows, columns, lambda count: count > 0)


def outside(regions: Iterable[Region], rows: int, columns: int) -> tuple[Region, ...]:
    """Return disjoint regions that cover the pixels of an image which none of `regions` covers.

    Parameters
    ----------
    regions : iterable of Region
    rows, columns : int
        Of the image.
    """
    parts = _parts(regions, rows, columns)
    return _covered(parts, rows, columns, lambda count: count == 0)


def _parts(regions: Iterable[Region], rows: int, columns: int) -> list[Region]:
    parts = (in_image(region, rows, columns) for region in regions)
    return [part for part in parts if part is not None]


def _covered(
    parts: Sequence[Region], rows: int, columns: int, is_wanted: Callable[[int], bool]
) -> tuple[Region, ...]:
    """Return the pixels that so many parts cover: runs of columns, in bands of equal rows."""
    edges = sorted({0, rows, *(p.y for p in parts), *(p.bottom for p in parts)})
    bands: list[tuple[int, int, list[tuple[int, int]]]] = []
    for top, bottom in pairwise(edges):
        there = [part for part in parts if part.y <= top and bottom <= part.bottom]
        runs = _runs(there, columns, is_wanted)
        if bands and bands[-1][1] == top and bands[-1][2] == runs:
            bands[-1] = (bands[-1][0], bottom, runs)
        else:
            bands.append((top, bottom, runs))
    return tuple(
        Region(left, top, right - left, bottom - top)
        for top, bottom, runs in bands
        for left, right in runs
    )


def _runs(
    parts: Sequence[Region], columns: int, is_wanted: Callable[[int], bool]
) -> list[tuple[int, int]]:
    edges = sorted({0, columns, *(p.x for p in parts), *(p.right for p in parts)})
    runs: list[tuple[int, int]] = []
    for left, right in pairwise(edges):
        if not is_wanted(sum(part.x <= left and right <= part.right for part in parts)):
            continue
        if runs and runs[-1][1] == left:
            runs[-1] = (runs[-1][0], right)
        else:
            runs.append((left, right))
    return runs
