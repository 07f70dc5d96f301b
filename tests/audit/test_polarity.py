"""`judge`: made bodies of every modality, either way round, and images without a body."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.matrices import every

from fastpix.audit.polarity import Polarity, Profile, Sampled, judge, observe

ROWS, COLUMNS = 240, 208
FROM_HEADER = ("presentation_lut_shape", "intensity_sign")
Image = NDArray[np.float64]


def _places(rows: int = ROWS, columns: int = COLUMNS) -> tuple[Image, Image]:
    y, x = np.mgrid[0:rows, 0:columns]
    return (y + 0.5) / rows, (x + 0.5) / columns


def _noise(seed: int, scale: float, shape: tuple[int, ...] = (ROWS, COLUMNS)) -> Image:
    return np.random.default_rng(seed).normal(0.0, scale, shape)


def chest(seed: int = 0) -> Image:
    """Two dark lungs with ribs beside a bright spine."""
    y, x = _places()
    image = 700.0 + 60 * np.sin(7 * x + seed) * np.sin(5 * y)
    for centre in (0.29, 0.71):
        lung = ((x - centre) / 0.15) ** 2 + ((y - 0.42) / 0.32) ** 2
        image -= 400 * np.clip(1.4 - lung, 0, 1)
    ribs = (np.abs(x - 0.5) > 0.08) & (y < 0.75) & (((y - 0.3 * np.abs(x - 0.5)) * 12) % 1 < 0.12)
    image += 150 * ribs
    return image + _noise(seed, 6)


def hand(seed: int = 0) -> Image:
    """Five bones in soft tissue, air around."""
    y, x = _places()
    image = 40.0 + 25 * y
    for finger in range(5):
        away = np.abs(x - 0.22 - 0.14 * finger)
        inside = (y > 0.15 + 0.05 * abs(finger - 2)) & (y < 0.9)
        image += 300 * np.sqrt(np.clip(1 - (away / 0.065) ** 2, 0, 1)) * inside
        image += 350 * (away < 0.02) * inside
    return image + _noise(seed, 3)


def breast(seed: int = 0) -> Image:
    """Half an ellipse against one edge, with strands; saturated air."""
    y, x = _places()
    depth = np.clip(1 - (x / 0.65) ** 2 - ((y - 0.5) / 0.45) ** 2, 0, 1)
    strands = np.clip(np.sin(40 * x + 9 * y) - 0.6, 0, 1) * 500
    return np.where(depth > 0, 400 + 900 * np.sqrt(depth) + strands + _noise(seed, 9), 0.0)


def section(seed: int = 0) -> Image:
    """A head in HU, what lies outside of the reconstructed circle is -2000."""
    y, x = _places()
    radius = np.hypot(x - 0.5, y - 0.5)
    image = np.where(radius < 0.36, 40.0, -1000.0)
    image[(radius > 0.33) & (radius < 0.36)] = 1200
    return np.where(radius < 0.5, image + _noise(seed, 12), -2000.0)


def resonance(seed: int = 0) -> Image:
    """A head on a background of noise."""
    y, x = _places()
    head = np.hypot((x - 0.5) / 0.36, (y - 0.5) / 0.42) < 1
    signal: Image = head * (500 + 150 * np.sin(20 * x) * np.sin(17 * y))
    return np.abs(signal + _noise(seed, 9))


def angiogram(seed: int = 0) -> Image:
    """Dark vessels on a bright ground."""
    y, x = _places()
    return 900 + 400 * y - 500 * (np.abs(x - 0.5) < 0.01) + _noise(seed, 30)


BODIES: dict[str, tuple[str, str, Callable[[int], Image]]] = {
    "chest": ("DX", "CHEST", chest),
    "chest of an unnamed part": ("CR", "", chest),
    "hand": ("CR", "HAND", hand),
    "breast": ("MG", "BREAST", breast),
    "CT": ("CT", "HEAD", section),
    "MR": ("MR", "BRAIN", resonance),
    "PET": ("PT", "", resonance),
}


def _source(name: str, count: int = 2, **facts: Any) -> list[Sampled]:
    modality, part, make = BODIES[name]
    return [Sampled(make(seed), modality, body_part=part, **facts) for seed in range(count)]


def _turned(images: list[Sampled]) -> list[Sampled]:
    return [replace(image, values=-image.values) for image in images]


def _numbers(polarity: Polarity) -> dict[str, float]:
    return {
        found.name: found.number
        for found in polarity.evidence
        if found.number is not None and found.name not in FROM_HEADER
    }


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_known_either_way(name: str, count: int) -> None:
    images = _source(name, count)
    right, wrong = judge(images), judge(_turned(images))
    assert (right.verdict, wrong.verdict) == ("agrees", "contradicts")
    assert right.score is not None
    assert wrong.score == pytest.approx(-right.score)
    assert _numbers(wrong) == pytest.approx({k: -v for k, v in _numbers(right).items()})
    assert {found.says for found in right.evidence} <= {"for", "nothing"}
    assert {found.says for found in wrong.evidence} <= {"against", "nothing"}


@pytest.mark.parametrize("name", BODIES)
def test_monochrome1_is_turned_over_here(name: str) -> None:
    images = _source(name, 1)
    inverted = [replace(image, photometric="MONOCHROME1") for image in images]
    assert judge(inverted).verdict == "contradicts"
    assert judge(_turned(inverted)) == judge(images)


@pytest.mark.parametrize("fill", ["dark", "bright"])
@pytest.mark.parametrize("name", ["chest", "hand"])
def test_collimators_and_shutters_of_either_kind(name: str, fill: str) -> None:
    images = _source(name, 1)
    for image in images:
        values = image.values
        value = values.min() if fill == "dark" else values.max()
        values[:30] = values[:, :20] = values[:, -24:] = value
    assert judge(images).verdict == "agrees"
    assert judge(_turned(images)).verdict == "contradicts"


@pytest.mark.parametrize("name", BODIES)
def test_saturated_ends(name: str) -> None:
    images = [
        replace(image, values=np.clip(image.values, *np.percentile(image.values, [8, 92])))
        for image in _source(name)
    ]
    assert judge(images).verdict == "agrees"
    assert judge(_turned(images)).verdict == "contradicts"


@pytest.mark.parametrize("name", BODIES)
def test_values_without_a_number_have_no_part(name: str) -> None:
    images = _source(name, 1)
    for image in images:
        image.values[60:64, 70:74] = np.nan
        image.values[100, 100:104] = np.inf
        image.values[:5] = np.nan
    right = judge(images)
    assert right.verdict == "agrees"
    assert all(math.isfinite(found.points) for found in right.evidence)


@pytest.mark.parametrize("modality", ["CR", "DX", "MG", "CT", "MR", "PT", "XA", "RF", "OT", ""])
@every(
    "values",
    [
        np.zeros((ROWS, COLUMNS)),
        np.full((ROWS, COLUMNS), np.nan),
        np.zeros((1, 1)),
        np.arange(9.0).reshape(3, 3),
        np.zeros((0, 4)),
        np.zeros(7),
        np.array(5.0),
        np.zeros((1, 4000)),
        np.full((40, 40), 65535, np.uint16),
    ],
)
def test_images_without_content_say_nothing(values: NDArray[Any], modality: str) -> None:
    polarity = judge([Sampled(values, modality)] * 3)
    assert (polarity.verdict, polarity.score) == ("cannot tell", None)
    assert _numbers(polarity) == {}
    assert observe([Sampled(values, modality)]).profile is None


def test_no_images() -> None:
    assert judge([]) == Polarity("cannot tell", None, ())


@pytest.mark.parametrize("modality", ["CR", "DX", "MG", "IO", "PX", "CT", "MR", "PT"])
def test_noise_says_nothing(modality: str) -> None:
    images = [Sampled(_noise(seed, 100) - 900, modality) for seed in range(2)]
    assert judge(images).verdict == "cannot tell"


@pytest.mark.parametrize("photometric", ["RGB", "PALETTE COLOR", "YBR_FULL_422", ""])
def test_colour_has_no_polarity(photometric: str) -> None:
    assert judge(_source("chest", photometric=photometric)).score is None


@pytest.mark.parametrize("modality", ["XA", "RF"])
@pytest.mark.parametrize("make", [angiogram, chest])
def test_fluoroscopy_is_measured_and_not_judged(
    make: Callable[[int], Image], modality: str
) -> None:
    polarity = judge([Sampled(make(seed), modality) for seed in range(1)])
    assert polarity.verdict == "cannot tell"
    assert abs(_numbers(polarity)["thin_structures"]) > 0.2
    assert {found.points for found in polarity.evidence} == {0.0}


def test_frames_and_integers() -> None:
    plane = np.rint(chest()).astype(np.int16)
    one = judge([Sampled(plane, "CR")])
    assert judge([Sampled(np.stack([plane * 0, plane, plane * 0]), "CR")]) == one
    assert judge([Sampled(plane.astype(np.float32), "CR")]) == one


@pytest.mark.parametrize(
    ("photometric", "shape", "says"),
    [
        ("MONOCHROME2", "IDENTITY", "for"),
        ("MONOCHROME1", "INVERSE", "for"),
        ("MONOCHROME2", "INVERSE", "against"),
        ("MONOCHROME1", "IDENTITY", "against"),
    ],
)
def test_presentation_lut_shape(photometric: str, shape: str, says: str) -> None:
    polarity = judge([Sampled(chest(), "DX", photometric, shape)])
    (found,) = (e for e in polarity.evidence if e.name == "presentation_lut_shape")
    assert (found.says, found.number) == (says, 1.0 if says == "for" else -1.0)


@pytest.mark.parametrize(
    ("photometric", "sign", "says"),
    [
        ("MONOCHROME2", -1, "for"),
        ("MONOCHROME1", 1, "for"),
        ("MONOCHROME2", 1, "against"),
        ("MONOCHROME1", -1, "against"),
    ],
)
def test_intensity_sign(photometric: str, sign: int, says: str) -> None:
    image = Sampled(chest(), "DX", photometric, intensity_sign=sign, presentation="FOR PROCESSING")
    (found,) = (e for e in judge([image]).evidence if e.name == "intensity_sign")
    assert found.says == says
    assert ("FOR PROCESSING" in found.text) == (says == "against")
    assert all(e.name != "intensity_sign" for e in judge([replace(image, modality="XA")]).evidence)


def test_pixels_outweigh_one_attribute_and_two_attributes_decide_alone() -> None:
    facts: dict[str, Any] = {"presentation_lut_shape": "INVERSE", "intensity_sign": 1}
    assert judge(_source("chest", presentation_lut_shape="INVERSE")).verdict == "agrees"
    blank = [Sampled(_noise(seed, 9), "DX", **facts) for seed in range(3)]
    assert judge(blank).verdict == "contradicts"
    assert judge([replace(i, presentation_lut_shape="") for i in blank]).verdict == "cannot tell"


def test_other_sources_are_heard_and_do_not_decide() -> None:
    others = [p for k in range(3, 9) if (p := observe(_source("MR", k)).profile) is not None]
    foreign = [Profile("CT", -2.0, 0.0, 0.9)] * 5
    images = _source("MR")
    for given, says in ((images, "for"), (_turned(images), "against")):
        (found,) = (e for e in judge(given, others + foreign).evidence if e.name == "other_sources")
        assert found.says == says
        assert abs(found.points) <= 0.75
    assert all(e.name != "other_sources" for e in judge(images, others[:2] + foreign).evidence)


def test_other_sources_that_differ_say_nothing() -> None:
    mixed = [Profile("MR", *numbers) for numbers in ((1.5, 0.4, 0.1), (-1.5, 0.1, 0.4)) * 2]
    (found,) = (e for e in judge(_source("MR"), mixed).evidence if e.name == "other_sources")
    assert (found.says, found.points) == ("nothing", 0.0)


def test_it_is_deterministic_and_leaves_images_alone() -> None:
    images = _source("hand")
    before = [image.values.copy() for image in images]
    assert judge(images) == judge(images)
    for image, values in zip(images, before, strict=True):
        np.testing.assert_array_equal(image.values, values)


def test_no_text_of_a_header_is_told() -> None:
    images = _source("chest", presentation="MARKER", intensity_relationship="MARKER")
    images = [replace(image, body_part="MARKER") for image in images]
    assert "MARKER" not in repr(judge(images))
