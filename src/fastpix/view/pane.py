"""`Pane`: one frame or slice as it is shown, and what is known of its place in the patient."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.view.directions import Edges

_MOST_ASPECT = 50.0  # beyond it, spacing is wrong, and a picture of it would be a line


class Place(NamedTuple):
    """Where the pixels of a pane lie.

    Attributes
    ----------
    aspect : float
        How much higher than wide a pixel is.
    mm : float or None
        Width of a pixel.
    is_at_detector : bool
        `mm` is that of the detector plane, so larger than in the patient.
    edges : Edges or None
    """

    aspect: float = 1.0
    mm: float | None = None
    is_at_detector: bool = False
    edges: Edges | None = None


class Pane(NamedTuple):
    """One frame or slice as it is shown.

    Attributes
    ----------
    pixels : ndarray of uint8
        ``(rows, columns)``, or ``(rows, columns, 3)`` for colour.
    place : Place
    caption : str
        Free of text from the file.
    """

    pixels: NDArray[np.uint8]
    place: Place = Place()
    caption: str = ""


class Group(NamedTuple):
    """Panes under one title, such as one polarity of a volume.

    Attributes
    ----------
    title : str
        Free of text from the file.
    panes : list of Pane
    """

    title: str
    panes: list[Pane]


def place_of(
    spacing: tuple[float, ...] | None,
    edges: Edges | None = None,
    is_at_detector: bool = False,
    aspect: float = 1.0,
) -> Place:
    """Return where pixels lie that are `spacing` apart: its last two, of rows and columns."""
    if spacing is None:
        return Place(aspect, None, False, edges)
    row, column = spacing[-2:]
    is_known = np.isfinite([row, column]).all() and row > 0 and column > 0
    if not is_known or not 1 / _MOST_ASPECT <= row / column <= _MOST_ASPECT:
        return Place(aspect, None, False, edges)
    return Place(row / column, column, is_at_detector, edges)


def evenly(count: int, most: int) -> list[int]:
    """Return `most` numbers spread evenly over 0 .. count - 1; the middle one if it is one."""
    if count <= most:
        return list(range(count))
    if most == 1:
        return [count // 2]
    return [round(k * (count - 1) / (most - 1)) for k in range(most)]


def is_flat(panes: list[Pane]) -> bool:
    """Whether nothing is to be seen: all pixels of all panes are equal."""
    first: Any = panes[0].pixels.flat[0]
    return all((pane.pixels == first).all() for pane in panes)
