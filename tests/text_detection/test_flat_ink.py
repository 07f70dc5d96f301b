"""Flat ink: text of one value is found on a rough image, and nothing where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fastpix.text_detection import TextBox
from fastpix.text_detection.flat_ink import flat_ink_boxes


def rough(shape: tuple[int, int] = (120, 200)) -> NDArray[np.int16]:
    """An image of waves and noise, of 12 bits."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    waves = 1500 + 900 * np.sin(rows / 30) * np.cos(columns / 41)
    noise = np.random.default_rng(3).normal(0, 30, shape)
    return np.rint(waves + noise).astype(np.int16)


def ink(text: str, shape: tuple[int, int] = (120, 200), at: tuple[int, int] = (40, 60)) -> Any:
    """Where the letters of a text are, without shades at their edges."""
    picture = Image.new("1", shape[::-1], 0)
    draw = ImageDraw.Draw(picture)
    draw.fontmode = "1"
    draw.text(at, text, fill=1, font=ImageFont.load_default(14))
    return np.asarray(picture)


def holds(box: TextBox, letters: NDArray[np.bool_]) -> bool:
    rows, columns = np.argwhere(letters).T
    return bool(
        box.x <= columns.min()
        and columns.max() < box.right
        and box.y <= rows.min()
        and rows.max() < box.bottom
    )


@pytest.mark.parametrize("value", [4095, 0, 3000])
@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32", "float64"])
def test_a_line_of_one_value_is_found(value: int, dtype: str) -> None:
    values, letters = rough().astype(dtype), ink("EMPD0815")
    values[letters] = value
    (box,) = flat_ink_boxes(values)
    assert holds(box, letters)
    assert box.height < 2 * np.count_nonzero(letters.any(1))


def test_text_in_colour_is_found() -> None:
    values = np.repeat((rough() // 16).astype(np.uint8)[..., None], 3, 2)
    letters = ink("EMPD0815")
    values[letters] = (255, 240, 0)
    (box,) = flat_ink_boxes(values)
    assert holds(box, letters)


@pytest.mark.parametrize(
    "values",
    [
        rough(),
        np.zeros((40, 50), np.uint8),
        np.zeros((0, 0), np.uint8),
        np.full((20, 20), np.nan, np.float32),
        np.zeros((1, 1, 3), np.uint8),
        np.random.default_rng(0).integers(0, 4, (200, 200)).astype(np.uint8),
        np.random.default_rng(0).integers(0, 2, (200, 200)).astype(np.uint8),
    ],
    ids=["rough", "constant", "empty", "nan", "pixel", "four values", "two values"],
)
def test_no_alarm_without_text(values: NDArray[Any]) -> None:
    assert flat_ink_boxes(values) == []


def test_a_large_bright_part_is_no_text() -> None:
    values = rough()
    values[20:90, 30:150] = 4095
    assert flat_ink_boxes(values) == []
