"""`picture_of`: what `imread` gives, small, with padding that can be told apart."""

from __future__ import annotations

import pickle
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.builders import encode, make_dataset

from fastpix.audit.sample_pictures import (
    BUDGET,
    LARGEST_SIDE,
    SMALLEST_SIDE,
    SamplePicture,
    picture_of,
    picture_plan,
)
from fastpix.audit.sampled_pixels import Look, look_at_pixels
from fastpix.job.items import SourceFile
from fastpix.loaders import imread

RAMP = np.linspace(0, 4000, 64 * 48).astype(np.uint16).reshape(64, 48)


def look_of(folder: Path, cells: Any, **attributes: Any) -> Look:
    path = folder / "image.dcm"
    path.write_bytes(encode(make_dataset(cells, **attributes)))
    look = look_at_pixels(SourceFile(str(path), "image.dcm", 0, 0), 2**30, compare=False)
    assert isinstance(look, Look), look
    return look


def pixels_of(data: bytes, mode: str = "L") -> NDArray[Any]:
    return np.asarray(Image.open(BytesIO(data)).convert(mode)).astype(int)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_bright_is_what_imread_gives_as_high(tmp_path: Path, photometric: str) -> None:
    look = look_of(tmp_path, RAMP, PhotometricInterpretation=photometric)
    picture = picture_of(look, 128)
    values = imread(tmp_path / "image.dcm")
    seen = pixels_of(picture.data)
    assert seen.shape == values.shape
    assert np.corrcoef(seen.ravel(), values.ravel())[0, 1] > 0.99
    assert seen.min() < 3
    assert seen.max() > 252
    assert picture.window is not None
    black, white = picture.window
    assert (black < white) == (photometric == "MONOCHROME2")


def test_grey_levels_are_honest(tmp_path: Path) -> None:
    cells = (RAMP >> 4).astype(np.uint16)
    picture = picture_of(look_of(tmp_path, cells), 64)
    low, high = np.percentile(cells, (1, 99))
    expected = np.rint(np.clip((cells - low) / (high - low), 0, 1) * 255)
    difference = pixels_of(picture.data) - expected
    assert abs(difference.mean()) < 1
    assert np.sqrt((difference**2).mean()) < 3


def test_shrinking_takes_means(tmp_path: Path) -> None:
    cells = np.kron(np.array([[0, 100], [200, 300]]), np.ones((64, 64))).astype(np.uint16)
    cells[::2] += 50
    cells[1::2] -= 0
    picture = picture_of(look_of(tmp_path, cells), 32)
    assert (picture.width, picture.height) == (32, 32)
    seen = pixels_of(picture.data)
    means = np.array([25, 125, 225, 325])  # black is 0 and white 350, as the record says
    assert np.unique(seen).tolist() == np.rint(means * 255 / 350).tolist()


@pytest.mark.parametrize(
    ("attributes", "height", "width"),
    [
        ({"PixelSpacing": ["2", "1"]}, 40, 20),
        ({"PixelSpacing": ["1", "4"]}, 20, 80),
        ({"ImagerPixelSpacing": ["0.2", "0.1"]}, 40, 20),
        ({"PixelAspectRatio": ["3", "1"]}, 60, 20),
        ({"PixelSpacing": ["1", "20"]}, 6, 128),  # no larger than asked for
        ({"PixelSpacing": ["1", "1000"]}, 20, 20),  # no spacing at all
        ({"PixelSpacing": ["0", "1"]}, 20, 20),
        ({}, 20, 20),
    ],
)
def test_pixels_that_are_not_square_look_right(
    tmp_path: Path, attributes: dict[str, Any], height: int, width: int
) -> None:
    cells = np.zeros((20, 20), np.uint16)
    cells[:, 10:] = 1000
    picture = picture_of(look_of(tmp_path, cells, **attributes), 128)
    assert abs(picture.height - height) <= 2
    assert picture.width == width
    seen = pixels_of(picture.data)
    assert seen.shape == (picture.height, picture.width)
    assert seen[:, : width // 2].max() == 0
    assert seen[:, width // 2 :].min() == 255


def test_colour_that_is_not_square(tmp_path: Path) -> None:
    cells = np.zeros((10, 10, 3), np.uint8)
    color = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    look = look_of(tmp_path, cells, PixelAspectRatio=["1", "2"], **color)
    picture = picture_of(look, 128)
    assert (picture.height, picture.width) == (10, 20)


def test_the_window_is_that_of_the_record(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).integers(0, 4000, (512, 512)).astype(np.uint16)
    look = look_of(tmp_path, cells)
    assert picture_of(look, 64).window == look.percentiles


def test_padding_is_transparent(tmp_path: Path) -> None:
    cells = RAMP.copy()
    cells[:32] = 0
    look = look_of(tmp_path, cells, PixelPaddingValue=0, PhotometricInterpretation="MONOCHROME1")
    picture = picture_of(look, 64)
    alpha = pixels_of(picture.data, "RGBA")[..., 3]
    assert not alpha[:32].any()
    assert (alpha[32:] == 255).all()
    assert picture.padding == 0.5


def test_the_window_of_the_file_stands_beside_where_it_differs(tmp_path: Path) -> None:
    narrow = picture_of(look_of(tmp_path, RAMP, WindowCenter="500", WindowWidth="100"), 64)
    assert narrow.own_text == "window 500 / 100"
    own = pixels_of(narrow.own)
    assert (own[RAMP > 600] > 235).all()
    assert (own[RAMP < 400] < 20).all()
    alike = picture_of(look_of(tmp_path, RAMP, WindowCenter="2000", WindowWidth="3950"), 64)
    assert (alike.own, alike.own_text) == (b"", "")
    unusable = picture_of(look_of(tmp_path, RAMP, WindowCenter="5", WindowWidth="0"), 64)
    assert not unusable.own
    turned = picture_of(
        look_of(tmp_path, RAMP, WindowCenter="2000", WindowWidth="4000",
                PresentationLUTShape="INVERSE", WindowCenterWidthExplanation="Smith"), 64
    )  # fmt: skip
    assert turned.own_text == "window 2000 / 4000, low values white by Presentation LUT Shape"


def test_colour_is_right(tmp_path: Path) -> None:
    cells = np.zeros((32, 32, 3), np.uint8)
    cells[:16] = (200, 30, 60)
    look = look_of(tmp_path, cells, PhotometricInterpretation="RGB", SamplesPerPixel=3,
                   PlanarConfiguration=0)  # fmt: skip
    picture = picture_of(look, 64)
    assert picture.is_color
    seen = pixels_of(picture.data, "RGB")
    assert abs(seen[4, 16] - (200, 30, 60)).max() < 8
    assert seen[28, 16].max() < 8


def test_masks_are_stored_without_loss(tmp_path: Path) -> None:
    mask = (np.indices((50, 50)).sum(axis=0) % 7 == 0).astype(np.uint8)
    picture = picture_of(look_of(tmp_path, mask), 64)
    np.testing.assert_array_equal(pixels_of(picture.data), mask * 255)


def test_images_without_a_value(tmp_path: Path) -> None:
    flat = picture_of(look_of(tmp_path, np.full((9, 7), 5, np.uint16)), 64)
    assert (flat.width, flat.height) == (7, 9)
    blank = look_of(tmp_path, np.zeros((9, 7), np.uint16), PixelPaddingValue=0)
    assert not pixels_of(picture_of(blank, 64).data, "RGBA")[..., 3].any()


def test_pictures_pickle() -> None:
    picture = SamplePicture(b"x", 1, 2, boxes=((0.1, 0.2, 0.3, 0.4),))
    assert pickle.loads(pickle.dumps(picture)) == picture


def test_the_side_follows_from_a_budget() -> None:
    assert picture_plan(1, 12) == (LARGEST_SIDE, 12)
    sides = [picture_plan(sources, 12)[0] for sources in (1, 20, 60, 100, 200)]
    assert sides == sorted(sides, reverse=True)
    for sources in (1, 20, 60, 140, 300, 1000):
        side, pictures = picture_plan(sources, 12)
        assert SMALLEST_SIDE <= side <= LARGEST_SIDE
        assert 1 <= pictures <= 12
        assert (pictures == 12) or side == SMALLEST_SIDE
        assert sources * pictures * side**2 * 0.35 <= BUDGET
    assert picture_plan(0, 12)[0] == LARGEST_SIDE
    assert picture_plan(100_000, 12) == (SMALLEST_SIDE, 1)
