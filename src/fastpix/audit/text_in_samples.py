"""Text that a detector finds in sampled images: boxes for a person to look at."""

from __future__ import annotations

from math import isfinite
from typing import TypeAlias

from fastpix.audit.extra_values import WINDOW_CENTER, WINDOW_WIDTH
from fastpix.audit.sampled_pixels import Look, values_of
from fastpix.text_detection import TextDetector

TextBoxes: TypeAlias = tuple[tuple[float, float, float, float], ...]
"""x, y, width and height as shares of the image."""

_DECIMALS = 5  # of shares: finer than a pixel of the largest detectors


def text_boxes(look: Look, detector: TextDetector) -> TextBoxes:
    """Return where text may be in the frame of a sampled image.

    Parameters
    ----------
    look : Look
        As it was read, and not `reduced`.
    detector : TextDetector
    """
    if look.cells.ndim not in (2, 3) or not look.cells.size:
        return ()
    values = values_of(look) if look.cells.ndim == 2 else look.cells
    centers = look.extra.numbers(WINDOW_CENTER) or ()
    widths = look.extra.numbers(WINDOW_WIDTH) or ()
    windows = [
        (center - width / 2, center + width / 2)
        for center, width in zip(centers[:1], widths[:1], strict=False)
        if isfinite(center) and isfinite(width)
    ]
    rows, columns = look.cells.shape[:2]
    return tuple(
        tuple(round(each, _DECIMALS) for each in box.fractions(rows, columns))  # type: ignore[misc]
        for box in detector.boxes_of_values(values, windows)
    )
