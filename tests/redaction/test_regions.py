"""Unions and complements of rectangles, held against a picture of the pixels."""

from __future__ import annotations

import numpy as np
import pytest
from support.sizes import cases, first_case

from fastpix.errors import ArgumentError
from fastpix.redaction import Region, disjoint, in_image, outside
from fastpix.redaction.region import checked_region


def drawn(regions: tuple[Region, ...] | list[Region], rows: int, columns: int) -> np.ndarray:
    counts = np.zeros((rows, columns), int)
    for part in regions:
        counts[part.y : part.y + part.height, part.x : part.x + part.width] += 1
    return counts


def test_union_and_complement_cover_the_right_pixels_once() -> None:
    for number in range(first_case(), first_case() + cases(1200)):
        rng = np.random.default_rng(number)
        rows, columns = (int(n) for n in rng.integers(1, 9, 2))
        regions = [
            Region(*(int(n) for n in rng.integers((0, 0, 1, 1), (10, 10, 10, 10))))
            for _ in range(rng.integers(0, 5))
        ]
        covered = drawn(regions, rows, columns) > 0
        union = disjoint(regions, rows, columns)
        rest = outside(regions, rows, columns)
        assert (drawn(union, rows, columns) == covered).all()
        assert (drawn(rest, rows, columns) == ~covered).all()
        assert all(in_image(part, rows, columns) == part for part in (*union, *rest))
        assert disjoint(reversed(union), rows, columns) == union  # one way to say the same


def test_a_region_outside_of_an_image_has_no_part_in_it() -> None:
    assert in_image(Region(5, 0, 3, 3), rows=4, columns=5) is None
    assert in_image(Region(4, 3, 30, 30), rows=4, columns=5) == Region(4, 3, 1, 1)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([1, 2, 3], "four whole numbers"),
        ([1, 2, 3, 4.0], "four whole numbers"),
        ([True, 2, 3, 4], "four whole numbers"),
        ([-1, 2, 3, 4], "0 or more"),
        ([1, 2, 0, 4], "is empty"),
    ],
)
def test_what_is_no_region_is_refused(numbers: list[object], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        checked_region(numbers, "redact_boxes")
