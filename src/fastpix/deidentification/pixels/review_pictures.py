"""A picture for the person who decides whether a copy is free of text."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import HeaderWarning
from fastpix.image.image import Image
from fastpix.redaction import Region
from fastpix.view.drawing import SMALLEST_SIDE, draw
from fastpix.view.looks import Look, seen_of_image
from fastpix.view.pane import Group, Pane, evenly
from fastpix.view.sheet import png_bytes
from fastpix.view.tones import as_gray, shades_of, window_by_percentiles

BLANKED = (255, 160, 0)
"""Colour of the outlines of what was blanked: orange."""
DETECTED = (0, 220, 255)
"""Colour of the outlines of what may be text: cyan."""

_LARGEST = 24_000_000  # pixels of a picture
_MOST = 16  # frames that are shown by themselves
_AT_A_TIME = 8  # frames that are read together


def review_picture(
    image: Image,
    blanked: Sequence[Region] = (),
    detected: Sequence[Region] = (),
    side: int | None = None,
) -> bytes:
    """Return a picture of an image with outlines of what was blanked, and of what may be text.

    Of many frames, some are shown, and the highest and the lowest value that each pixel has in any
    of them: text that is there in a single frame is to be seen.

    Parameters
    ----------
    image : Image
        The copy: what was blanked is black already.
    blanked, detected : sequence of Region
        Outlined in `BLANKED` and `DETECTED`, on all frames.
    side : int, optional
        Pixels of the longer side of a frame; if not given, that of the image, so that no text is
        made smaller, as far as the picture is no larger than 24 million pixels.

    Returns
    -------
    bytes
        PNG.

    Raises
    ------
    ImportError
        Pillow is not installed; the message says how to install it.
    FastpixError
        The image cannot be read.
    """
    header = image.header
    longest = max(header.rows, header.columns)
    room = max(1, _LARGEST // (header.rows * header.columns))
    count = len(image)
    numbers = evenly(count, min(_MOST, max(1, room - 2)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeaderWarning)
        groups = seen_of_image(image, Look(numbers=tuple(numbers))).groups
        panes = list(groups[0].panes)
        if len(numbers) < count:
            place = panes[0].place
            panes += [pane._replace(place=place) for pane in _over_all_frames(image)]
    shown = [
        pane._replace(pixels=outlined(outlined(pane.pixels, blanked, BLANKED), detected, DETECTED))
        for pane in panes
    ]
    title = f"{groups[0].title}; blanked: {len(blanked)} (orange), may be text: {len(detected)}"
    if side is None:
        shrunk = math.sqrt(_LARGEST / (header.rows * header.columns * len(shown)))
        side = max(SMALLEST_SIDE, int(longest * min(1.0, shrunk)))
    return png_bytes(draw([Group(title + " (cyan)" * bool(detected), shown)], side))


def outlined(
    pixels: NDArray[np.uint8], regions: Iterable[Region], color: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """Return a picture in colour with the outlines of regions: lines just outside of them.

    Parameters
    ----------
    pixels : ndarray of uint8
        ``(rows, columns)`` or ``(rows, columns, 3)``.
    regions : iterable of Region
    color : (int, int, int)
    """
    drawn = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels.copy()
    rows, columns = drawn.shape[:2]
    for part in regions:
        across = slice(max(part.x - 1, 0), part.right + 1)
        down = slice(max(part.y - 1, 0), part.bottom + 1)
        for row in (part.y - 1, part.bottom):
            if 0 <= row < rows:
                drawn[row, across] = color
        for column in (part.x - 1, part.right):
            if 0 <= column < columns:
                drawn[down, column] = color
    return drawn


def _over_all_frames(image: Image) -> list[Pane]:
    """Return the highest and the lowest value of each pixel over all frames, as pictures."""
    header = image.header
    is_gray = header.is_gray
    found: list[NDArray[Any]] = []
    ways: tuple[Callable[..., NDArray[Any]], ...] = (np.fmax.reduce, np.fmin.reduce)
    for first in range(0, len(image), _AT_A_TIME):
        frames = range(first, min(first + _AT_A_TIME, len(image)))
        if is_gray:
            values = image.read(dtype="float64", invert="none", rescale=False, frames=list(frames))
        else:
            values = image.read(dtype="float32", color_range=(0, 255), frames=list(frames))
        for k, way in enumerate(ways):
            part = way(values, axis=0)
            if first:
                found[k] = way([found[k], part], axis=0)
            else:
                found.append(part)
    captions = ("highest of all frames", "lowest of all frames")
    if not is_gray:
        shown = [np.rint(each.clip(0, 255)).astype(np.uint8) for each in found]
    else:
        inverse = header.photometric == "MONOCHROME1"
        shown = [
            as_gray(shades_of(each, window_by_percentiles(each, 0, 100)), inverse) for each in found
        ]
    return [Pane(pixels, caption=text) for pixels, text in zip(shown, captions, strict=True)]
