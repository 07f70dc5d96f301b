"""Pictures, pixel by pixel: polarity, colour, letters, scale bars and montages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw
from support.builders import encode, make_dataset
from support.series_files import DIRECTIONS

import fastpix
from fastpix.errors import ArgumentError
from fastpix.series.volume import PlaneSource, Volume
from fastpix.view.directions import Edges, edges_of_affine, edges_of_text, letters_of
from fastpix.view.drawing import bar_of, columns_for, draw, font_of, scale_of, text_size
from fastpix.view.looks import Look, seen_of_image, seen_of_volume
from fastpix.view.pane import Group, Pane, Place, evenly
from fastpix.view.sheet import GAP, lay_out

RAMP = np.arange(12, dtype=np.uint16).reshape(3, 4)


def picture_of(look: Look | None = None, side: int = 128, **attributes: Any) -> NDArray[np.uint8]:
    image = fastpix.open(encode(make_dataset(RAMP, **attributes)))
    return draw(seen_of_image(image, look or Look(percentiles=(0, 100))).groups, side)


def pane_at(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return the pixels of a single pane: the last of a picture, but for the gap."""
    return picture[-GAP - height : -GAP, -GAP - width : -GAP]


def corners_of(pane: NDArray[np.uint8]) -> list[int]:
    assert (pane == pane[:, :, :1]).all()
    return list(map(int, pane[[0, 0, -1, -1], [0, -1, 0, -1], 0]))


def test_corners_in_both_polarities() -> None:
    shades = [0, round(255 * 3 / 11), round(255 * 8 / 11), 255]
    assert corners_of(pane_at(picture_of(), 96, 128)) == shades
    inverse = [255 - shade for shade in shades]
    shown = pane_at(picture_of(PhotometricInterpretation="MONOCHROME1"), 96, 128)
    assert corners_of(shown) == inverse
    both = picture_of(Look(percentiles=(0, 100), both=True),
                      PhotometricInterpretation="MONOCHROME1")  # fmt: skip
    width = both.shape[1] // 2
    assert corners_of(pane_at(both[:, :width], 96, 128)) == inverse
    assert corners_of(pane_at(both[:, width:], 96, 128)) == shades
    caption = both[: GAP + 18].max(axis=2)
    assert caption[:, :width].max() > 200
    assert caption[:, width:].max() > 200


def test_titles_of_both() -> None:
    image = fastpix.open(encode(make_dataset(RAMP, PhotometricInterpretation="MONOCHROME1")))
    titles = [group.title for group in seen_of_image(image, Look(both=True)).groups]
    assert titles == ["As the file says: low values white", "The other way round: low values black"]


def test_palette_and_colour() -> None:
    red, green, blue = np.array([[0, 65535, 32896], [0, 0, 65535], [65535, 0, 0]], "<u2")
    palette = {
        f"{name}PaletteColorLookupTable{part}": [3, 0, 16] if part == "Descriptor" else data
        for name, data in [("Red", red.tobytes()), ("Green", green.tobytes()),
                           ("Blue", blue.tobytes())]
        for part in ("Descriptor", "Data")
    }  # fmt: skip
    dataset = make_dataset(np.array([[0, 1, 2]], np.uint8), PhotometricInterpretation=
                           "PALETTE COLOR", **palette)  # fmt: skip
    (pane,) = seen_of_image(fastpix.open(encode(dataset))).groups[0].panes
    assert pane.pixels.tolist() == [[[0, 0, 255], [255, 0, 0], [128, 255, 0]]]
    colors = np.array([[[255, 0, 0], [1, 2, 3]]], np.uint8)
    image = fastpix.open(encode(make_dataset(colors, SamplesPerPixel=3)))
    (pane,) = seen_of_image(image).groups[0].panes
    assert np.array_equal(pane.pixels, colors)
    for look in (Look(both=True), Look(voi=0), Look(percentiles=(1, 99))):
        with pytest.raises(ArgumentError, match="colour has neither windows nor polarities"):
            seen_of_image(image, look)


@pytest.mark.parametrize(
    ("direction", "letters"),
    [
        ((1, 0, 0), "L"), ((-2, 0, 0), "R"), ((0, 1, 0), "P"), ((0, -1, 0), "A"), ((0, 0, 1), "H"),
        ((0, 0, -3), "F"), ((0.99, 0.1, 0), "L"), ((0.6, 0, -0.8), "FL"), ((0.1, -0.9, 0.5), "AH"),
        ((0, 0, 0), ""), ((float("nan"), 0, 1), ""),
    ],
)  # fmt: skip
def test_letters(direction: tuple[float, float, float], letters: str) -> None:
    assert letters_of(direction) == letters


def test_edges() -> None:
    axial = np.eye(4)[[2, 1, 0, 3]]
    assert edges_of_affine(axial) == Edges("R", "L", "A", "P")
    affine = np.eye(4)
    affine[:3, 1], affine[:3, 2] = DIRECTIONS[:, 1], DIRECTIONS[:, 0]
    found = edges_of_affine(affine)
    assert found is not None
    assert found.right == letters_of(DIRECTIONS[:, 0].tolist())
    assert edges_of_affine(None) is None
    assert edges_of_text("L\\F") == Edges("R", "L", "H", "F")
    assert edges_of_text("AL\\FPR") == Edges("PR", "AL", "HA", "FP")
    for text in (None, "", "L", "L\\", "X\\F", "L\\F\\A"):
        assert edges_of_text(text) is None


def test_letters_are_white_on_black_at_the_edges() -> None:
    pixels = np.full((128, 128), 255, np.uint8)
    edges = Edges("R", "LA", "H", "F")
    picture = draw([Group("", [Pane(pixels, Place(edges=edges))])], 128)
    pane = pane_at(picture, 128, 128)
    font = font_of(text_size(128))
    expected = PillowImage.new("RGB", (128, 128), "white")
    canvas = ImageDraw.Draw(expected)
    for text, where, anchor in (
        ("R", (4, 63), "lm"), ("LA", (123, 63), "rm"), ("H", (63, 4), "mt"), ("F", (63, 123), "mb")
    ):  # fmt: skip
        x0, y0, x1, y1 = canvas.textbbox(where, text, font, anchor=anchor)
        canvas.rectangle((x0 - 1, y0 - 1, x1, y1), fill="black")
        canvas.text(where, text, "white", font, anchor=anchor)
    assert np.array_equal(pane, np.asarray(expected))
    dark = pane[:, :, 0] < 128
    assert dark[56:72, 2:16].any()  # left
    assert dark[56:72, 104:126].any()  # right
    assert dark[2:16, 56:72].any()
    assert dark[112:126, 56:72].any()
    assert not dark[20:50, 20:50].any()


@pytest.mark.parametrize(
    ("mm", "width", "expected"),
    [(0.5, 256, (50, 100)), (1.0, 256, (100, 100)), (0.1, 200, (5, 50)), (3.4, 100, (100, 29))],
)
def test_scale_bars(mm: float, width: int, expected: tuple[float, int]) -> None:
    assert bar_of(mm, width) == expected


@pytest.mark.parametrize("spacing", [(0.5, 0.5), (1.5, 0.75), (0.4, 0.9)])
def test_the_bar_is_as_long_as_it_says(spacing: tuple[float, float]) -> None:
    cells = np.zeros((50, 40), np.uint16)
    image = fastpix.open(encode(make_dataset(cells, PixelSpacing=list(map(str, spacing)))))
    seen = seen_of_image(image)
    (pane,) = seen.groups[0].panes
    scale = scale_of(pane, 200)
    picture = draw(seen.groups, 200)
    mm, length = bar_of(spacing[1] / scale, round(40 * scale))
    assert length == round(mm / (spacing[1] / scale))
    row = picture[-GAP - 1 - 4 - 3 + 1, :, 0]
    white = np.flatnonzero(row == 255)
    assert len(white) == length
    assert white[-1] - white[0] == length - 1
    # A pixel is as high as it is in the patient.
    mm_high = spacing[0] * 50 / (spacing[1] * 40)
    height, width = round(50 * scale * spacing[0] / spacing[1]), round(40 * scale)
    assert height / width == pytest.approx(mm_high, abs=1 / width)
    assert (pane_at(picture, height, width)[0, 0] == 128).all()  # of one value: grey


def test_spacing_at_the_detector_is_called_so() -> None:
    image = fastpix.open(encode(make_dataset(RAMP, ImagerPixelSpacing=["0.1", "0.1"],
                                             PatientOrientation=["A", "F"])))  # fmt: skip
    place = seen_of_image(image).groups[0].panes[0].place
    assert place == Place(1.0, 0.1, True, Edges("P", "A", "H", "F"))
    ratio = fastpix.open(encode(make_dataset(RAMP, PixelAspectRatio=["2", "1"])))
    assert seen_of_image(ratio).groups[0].panes[0].place == Place(2.0)


def volume_of(count: int = 30, **options: Any) -> Volume:
    array = np.arange(count * 20, dtype=np.float32).reshape(count, 4, 5)
    affine = np.eye(4)[[2, 1, 0, 3]] * [3, 2, 1, 1]
    return Volume(array, affine, **options)


def test_a_montage_of_a_volume() -> None:
    look = Look(percentiles=(0, 100), most=6)
    seen = seen_of_volume(volume_of(), look)
    panes = seen.groups[0].panes
    assert [pane.caption for pane in panes] == [f"slice {k}" for k in (0, 6, 12, 17, 23, 29)]
    assert panes[0].pixels[0, 0] == 0
    assert panes[-1].pixels[-1, -1] == 255
    assert panes[0].place == Place(2.0, 1.0, False, Edges("R", "L", "A", "P"))
    picture = draw(seen.groups, 128)
    assert picture.shape[1] == 3 * (80 + GAP) + GAP  # 4 x 5 pixels of 2 x 1 mm
    chosen = seen_of_volume(volume_of(), Look(numbers=(3, 1)))
    assert [pane.caption for pane in chosen.groups[0].panes] == ["slice 3", "slice 1"]


def test_slices_that_are_missing_are_not_shown() -> None:
    sources = [None if k % 2 else PlaneSource("x", 0) for k in range(6)]
    seen = seen_of_volume(volume_of(6, sources=sources))
    assert [pane.caption for pane in seen.groups[0].panes] == ["slice 0", "slice 2", "slice 4"]


def test_one_of_several_volumes() -> None:
    array = np.stack([np.zeros((2, 3, 4)), np.arange(24.0).reshape(2, 3, 4)])
    volume = Volume(array, None, axes=("b_value",), coords={"b_value": [0, 800]})
    seen = seen_of_volume(volume, Look(percentiles=(0, 100)), number=1)
    assert seen.groups[0].panes[1].pixels[-1, -1] == 255
    assert "b value 1 of 2" in seen.groups[0].title
    with pytest.raises(ArgumentError, match="volume: 2 is not one of 0 to 1"):
        seen_of_volume(volume, number=2)


def test_sheets() -> None:
    white = np.full((2, 3), 255, np.uint8)
    sheet, corners = lay_out([white, white, white], 2, below=5, cell=(4, 3))
    assert corners == [(GAP + 1, GAP), (GAP + 1, 2 * GAP + 3), (GAP + 4 + 5 + GAP + 1, GAP)]
    assert sheet.shape == (2 * (4 + 5 + GAP) + GAP, 2 * (3 + GAP) + GAP, 3)
    assert (sheet == 255).sum() == 3 * 18
    assert [columns_for(count) for count in (1, 2, 3, 4, 6, 8, 20)] == [1, 2, 3, 2, 3, 4, 5]
    assert evenly(5, 9) == [0, 1, 2, 3, 4]
    assert evenly(9, 1) == [4]
    assert evenly(9, 3) == [0, 4, 8]
