"""Connected parts of masks, against a flood fill that is easy to read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from fastpix.text_detection.components import components_of


def flooded(mask: NDArray[np.bool_]) -> list[set[tuple[int, int]]]:
    """Return the pixels of each part, in the order of their first pixels."""
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    parts = []
    while left:
        waiting, part = [min(left)], set()
        left.discard(waiting[0])
        while waiting:
            row, column = waiting.pop()
            part.add((row, column))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            waiting += near
        parts.append(part)
    return parts


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=24)), st.integers(0, 9))
def test_parts_are_those_of_a_flood_fill(mask: NDArray[np.bool_], seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 100, mask.shape)
    found = components_of(mask, weights)
    expected = [
        (
            min(column for _, column in part),
            min(row for row, _ in part),
            max(column for _, column in part) + 1,
            max(row for row, _ in part) + 1,
            len(part),
            float(sum(int(weights[pixel]) for pixel in part)),
        )
        for part in flooded(mask)
    ]
    assert list(zip(*(each.tolist() for each in found), strict=True)) == expected


def test_a_spiral_is_one_part() -> None:
    size = 41
    mask = np.zeros((size, size), np.bool_)
    for ring in range(0, size // 2, 2):
        mask[ring, ring : size - ring] = mask[ring : size - ring, size - 1 - ring] = True
        mask[size - 1 - ring, ring : size - ring] = mask[ring + 2 : size - ring, ring] = True
        mask[ring + 2, ring : ring + 2] = True
    found = components_of(mask)
    assert found.area.tolist() == [np.count_nonzero(mask)]
    assert found.right.tolist() == found.bottom.tolist() == [size]


@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (2, 5)])
def test_nothing_has_no_parts(shape: tuple[int, int]) -> None:
    assert len(components_of(np.zeros(shape, np.bool_)).area) == 0
