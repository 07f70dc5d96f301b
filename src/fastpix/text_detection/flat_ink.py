"""Text by its ink: letters of exactly one value, with sharp edges, side by side on one line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.text_detection.components import Components, components_of
from fastpix.text_detection.text_box import TextBox, merged

_VALUES = 8  # that are tried
_SHARP = 0.15  # of the range of values: the least step between ink and what is beside it
_HEIGHTS = (5, 64)  # rows of a letter
_LEAST_LETTERS = 4  # on a line
_LEAST_SHARE = 0.25  # of what looks like letters: in noise some stand side by side by chance
_MOST_LETTERS = 4000  # of one value: more of them are noise
_ALIKE = 1.7  # ratio of heights of neighbours
_GAP = 0.8  # between neighbours, in heights
_LEAST_WIDTH = 2.0  # of a line, in heights
_SCORE = 0.5


def flat_ink_boxes(values: NDArray[Any]) -> list[TextBox]:
    """Return boxes of lines of text whose ink is one value.

    It finds what software has written over an image, and not what a lossy codec has blurred.

    Parameters
    ----------
    values : ndarray
        (rows, columns), or (rows, columns, 3) of unsigned integers: as they are in the file, in any
        unit.

    Returns
    -------
    list of TextBox
        All with the same score.
    """
    codes, shades = _codes_and_shades(values)
    if codes.size == 0:
        return []
    usual = np.percentile(shades[:: max(shades.shape[0] // 512, 1)], (0.5, 99.5))
    sharp = _SHARP * float(usual[1] - usual[0])
    if not sharp > 0:
        return []
    found: list[TextBox] = []
    is_step = np.abs(np.diff(shades, axis=1)) >= sharp
    for code in _candidates(codes, is_step):
        letters = _letters(codes == code, is_step)
        if 0 < len(letters.area) <= _MOST_LETTERS:
            found += _lines(letters)
    return merged(found)


def _codes_and_shades(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return one number for each colour, and how bright it is."""
    if values.ndim == 2:
        if values.dtype.kind == "f":
            values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        return values, values.astype(np.float32)
    red, green, blue = (values[..., k].astype(np.int64) for k in range(3))
    return (red << 32) | (green << 16) | blue, values.max(2).astype(np.float32)


def _candidates(codes: NDArray[Any], is_step: NDArray[np.bool_]) -> list[Any]:
    """Return the values that are most frequent beside sharp edges, where letters have theirs."""
    beside = np.concatenate([codes[:, 1:][is_step], codes[:, :-1][is_step]])
    different, counts = np.unique(beside, return_counts=True)
    return list(different[np.argsort(-counts, kind="stable")[:_VALUES]])


def _letters(mask: NDArray[np.bool_], is_step: NDArray[np.bool_]) -> Components:
    """Return parts of a mask that have the size of a letter, and mostly sharp edges."""
    balance = np.zeros(mask.shape, np.int8)
    is_edge = mask[:, 1:] != mask[:, :-1]
    vote = np.where(is_step, 1, -1).astype(np.int8) * is_edge
    balance[:, 1:] += vote * mask[:, 1:]
    balance[:, :-1] += vote * mask[:, :-1]
    parts = components_of(mask, balance)
    height, width = parts.bottom - parts.top, parts.right - parts.left
    return parts.chosen(
        (height >= _HEIGHTS[0])
        & (height <= _HEIGHTS[1])
        & (width <= 2 * height)
        & (parts.area < 0.95 * height * width + (width < 0.4 * height) * height * width)
        # Each row of a letter has two edges or more; as many as rows are sharp beyond the others.
        & (parts.total >= height)
    )


def _lines(letters: Components) -> list[TextBox]:
    """Return boxes of letters that stand side by side."""
    order = np.argsort(letters.left, kind="stable")
    letters = letters.chosen(order)
    height = letters.bottom - letters.top
    count = len(height)
    # Each is joined with the neighbours on its right.
    reach = np.searchsorted(
        letters.left, letters.right + np.ceil(_GAP * _ALIKE * height).astype(np.int64), "right"
    )
    number = np.maximum(reach - np.arange(count) - 1, 0)
    one = np.repeat(np.arange(count), number)
    other = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(number) - number, number)
    low, high = np.minimum(height[one], height[other]), np.maximum(height[one], height[other])
    shared = np.minimum(letters.bottom[one], letters.bottom[other]) - np.maximum(
        letters.top[one], letters.top[other]
    )
    gap = letters.left[other] - letters.right[one]
    are_joined = (
        (high <= _ALIKE * low) & (shared >= 0.6 * low) & (gap <= _GAP * high) & (gap >= -0.5 * low)
    )
    line = np.arange(count)
    one, other = one[are_joined], other[are_joined]
    while True:
        before = line.copy()
        np.minimum.at(line, other, before[one])
        np.minimum.at(line, one, before[other])
        if np.array_equal(line, before):
            break
    boxes = []
    firsts, sizes = np.unique(line, return_counts=True)
    on_lines = sizes[sizes >= _LEAST_LETTERS].sum()
    if on_lines < _LEAST_SHARE * count:
        return []
    for first in firsts[sizes >= _LEAST_LETTERS]:
        members = np.flatnonzero(line == first)
        x, y = int(letters.left[members].min()), int(letters.top[members].min())
        right, bottom = int(letters.right[members].max()), int(letters.bottom[members].max())
        if right - x >= _LEAST_WIDTH * (bottom - y):
            boxes.append(TextBox(x, y, right - x, bottom - y, _SCORE))
    return boxes
