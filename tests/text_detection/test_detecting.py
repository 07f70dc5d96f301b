"""`TextDetector`: text of many kinds is found, no network is asked, errors say what to install."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from support.libraries import library

from fastpix.errors import ArgumentError
from fastpix.text_detection import TextDetector, text_network
from fastpix.text_detection.eight_bits import eight_bit_images


def written(shape: tuple[int, int], text: str, at: tuple[int, int], size: int) -> NDArray[Any]:
    """The ink of a text, 0 to 1."""
    picture = Image.new("L", shape[::-1], 0)
    ImageDraw.Draw(picture).text(at, text, fill=255, font=ImageFont.load_default(size))
    return np.asarray(picture).astype(np.float64) / 255


def anatomy(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Smooth shades between -1000 and 1000, with a little noise."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    waves = 1000 * np.sin(rows / 31) * np.cos(columns / 43)
    found: NDArray[np.float64] = waves + np.random.default_rng(1).normal(0, 15, shape)
    return found


def shares_covered(ink: NDArray[Any], boxes: list[Any]) -> float:
    under = np.zeros(ink.shape, np.bool_)
    for box in boxes:
        under[box.y : box.bottom, box.x : box.right] = True
    return float((under & (ink > 0.3)).sum() / (ink > 0.3).sum())


@pytest.fixture(scope="module")
def detector() -> TextDetector:
    library("onnxruntime")
    assert text_network.model_path().is_file()
    return TextDetector()


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("is_turned", [False, True])
def test_text_is_found_in_either_polarity(
    detector: TextDetector, is_turned: bool, color: bool
) -> None:
    ink = written((192, 320), "DOE^JANE 1964-08-12", (40, 90), 14)
    image = np.rint(60 + 40 * anatomy(ink.shape) / 1000 + ink * 120).clip(0, 255).astype(np.uint8)
    image = 255 - image if is_turned else image
    boxes = detector.boxes(np.repeat(image[..., None], 3, 2) if color else image)
    assert shares_covered(ink, boxes) > 0.95
    rows, columns = image.shape
    assert all(0 <= b.x < b.right <= columns and 0 <= b.y < b.bottom <= rows for b in boxes)


def test_text_far_beyond_the_values_of_anatomy_is_found(detector: TextDetector) -> None:
    ink = written((192, 320), "DOE^JANE 1964-08-12", (40, 90), 14)
    values = anatomy(ink.shape)
    values[ink > 0.5] = 32767
    assert shares_covered(ink, detector.boxes_of_values(values.astype(np.int16))) > 0.95


def test_text_that_only_a_given_window_shows_is_found(detector: TextDetector) -> None:
    ink = written((192, 320), "DOE^JANE 1964-08-12", (20, 90), 14)
    values = np.random.default_rng(5).normal(0, 0.3, ink.shape) + 4 * ink
    values[:, 240:] += 20000.0
    assert shares_covered(ink, detector.boxes_of_values(values)) < 0.1
    assert shares_covered(ink, detector.boxes_of_values(values, [(-2.0, 5.0)])) > 0.9


def test_small_text_on_a_seam_of_tiles_is_found(
    detector: TextDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_network, "TILE", 160)
    ink = written((64, 300), "DOE^JANE 1964-08-12 ID 4711", (90, 20), 10)
    image = np.rint(40 + ink * 200).astype(np.uint8)
    assert shares_covered(ink, detector.boxes(image)) > 0.95


def test_nothing_is_asked_of_a_network_and_boxes_are_the_same_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library("onnxruntime")

    def refused(*_: object, **__: object) -> Any:
        raise AssertionError("a socket was opened")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refused)
    ink = written((96, 192), "JANE 1964", (40, 40), 14)
    image = np.rint(40 + ink * 200).astype(np.uint8)
    one, two = TextDetector(threads=1), TextDetector(threads=2)
    assert one.boxes(image) == one.boxes(image) == two.boxes(image) != []


def test_only_the_model_of_rapidocr_is_used() -> None:
    library("onnxruntime")
    program = (
        "import sys, numpy as np; from fastpix.text_detection import TextDetector; "
        "TextDetector().boxes(np.eye(64, dtype=np.uint8)); "
        "print('rapidocr' in sys.modules, 'requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (["False", "False"], "")


def test_missing_libraries_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_network, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"pip install 'fastpix\[detect-text\]'"):
        TextDetector()


def test_onnxruntime_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(text_network, "model_path", lambda: tmp_path / "model.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"pip install 'fastpix\[detect-text\]'"):
        TextDetector()


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.int16), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8)],
    ids=["dtype", "samples", "dimensions"],
)
def test_other_arrays_are_refused(detector: TextDetector, image: NDArray[Any]) -> None:
    with pytest.raises(ArgumentError, match="image"):
        detector.boxes(image)


@pytest.mark.parametrize("threads", [0, -1, True])
def test_threads_are_one_or_more(threads: Any) -> None:
    with pytest.raises(ArgumentError, match="threads"):
        TextDetector(threads)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (40, 3), (33, 65)])
def test_images_of_any_size(detector: TextDetector, shape: tuple[int, int]) -> None:
    image = (np.arange(shape[0] * shape[1]).reshape(shape) % 251).astype(np.uint8)
    assert isinstance(detector.boxes(image), list)


def test_windows_of_values() -> None:
    values = np.zeros((40, 50), np.int16)
    values[10:30, 10:40] = np.arange(600).reshape(20, 30) % 100
    values[0, 0] = 30000
    usual, all_values, given = eight_bit_images(values, [(0.0, 50.0), (5.0, 5.0), (0.0, 50.0)])
    assert usual.max() == all_values.max() == given.max() == 255
    assert np.count_nonzero(all_values > 1) == 1
    assert np.count_nonzero(given == 255) > np.count_nonzero(usual == 255)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((4, 4)),
        np.full((4, 4), np.nan),
        np.zeros((0, 3)),
        np.full((4, 4, 3), 7, np.uint8),
        np.array([[1.0, np.inf]]),
    ],
    ids=["zeros", "nan", "empty", "color", "infinite"],
)
def test_equal_values_have_no_image(values: NDArray[Any]) -> None:
    assert eight_bit_images(values) == []


def test_colours_of_sixteen_bits() -> None:
    values = np.zeros((2, 2, 3), np.uint16)
    values[0, 0] = 65535
    (image,) = eight_bit_images(values)
    assert image.tolist() == [[[255] * 3, [0] * 3], [[0] * 3] * 2]
