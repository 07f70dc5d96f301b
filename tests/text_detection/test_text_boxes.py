"""Boxes: those that overlap become one, margins stay inside."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fastpix.text_detection import TextBox, merged
from fastpix.text_detection.text_box import with_margin

BOXES = st.lists(
    st.builds(
        TextBox,
        st.integers(0, 40),
        st.integers(0, 40),
        st.integers(1, 12),
        st.integers(1, 12),
        st.sampled_from([0.25, 0.5, 1.0]),
    ),
    max_size=12,
)


def pixels(box: TextBox) -> set[tuple[int, int]]:
    return {(x, y) for x in range(box.x, box.right) for y in range(box.y, box.bottom)}


@given(BOXES)
def test_merged_boxes_cover_all_and_overlap_nowhere(boxes: list[TextBox]) -> None:
    found = merged(boxes)
    under: set[tuple[int, int]] = set().union(*map(pixels, found))
    assert sum(len(pixels(box)) for box in found) == len(under)
    assert all(pixels(box) <= under for box in boxes)
    assert max((b.score for b in found), default=0) == max((b.score for b in boxes), default=0)
    assert merged(found) == found
    assert merged(reversed(boxes)) == found


def test_boxes_that_only_touch_stay_apart() -> None:
    boxes = [TextBox(0, 0, 4, 4, 0.5), TextBox(4, 0, 4, 4, 0.5)]
    assert merged(boxes) == boxes


def test_a_margin_stays_inside() -> None:
    box = TextBox(1, 10, 30, 10, 0.5)
    assert with_margin(box, 0.2, 100, 100) == TextBox(0, 8, 33, 14, 0.5)
    assert with_margin(box, 0.2, 21, 32) == TextBox(0, 8, 32, 13, 0.5)
    assert with_margin(TextBox(50, 0, 4, 4, 0.5), 0.2, 10, 10) is None


def test_fractions() -> None:
    assert TextBox(10, 5, 20, 4, 0.5).fractions(50, 100) == (0.1, 0.1, 0.2, 0.08)
