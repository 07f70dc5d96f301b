"""Caches of images that are blanked first: the values of a redacted copy; a setting as others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import encode, make_dataset, make_item
from support.jobs import Folders
from support.redacted_files import redact

import fastpix
from fastpix import ArgumentError, Recipe
from fastpix.cli.redaction_options import joined_boxes, redaction_of_options
from fastpix.job.settings import Settings
from fastpix.redaction import Redaction, RedactionRules, Region, read_rules, rules_of_text

pytestmark = pytest.mark.usefixtures("in_this_process")

RNG = np.random.default_rng(3)
BOXES = (Region(0, 0, 8, 2), Region(3, 4, 2, 1))
GRAY = RNG.integers(-300, 300, (2, 6, 8)).astype(np.int16)
BYTES = RNG.integers(0, 256, (6, 8, 3), np.uint8)
SOURCES = {
    "signed": make_dataset(GRAY, RescaleSlope="2", RescaleIntercept="-1024"),
    "inverted": make_dataset(GRAY[0], PhotometricInterpretation="MONOCHROME1"),
    "colour": make_dataset(BYTES, SamplesPerPixel=3),
    "ybr": make_dataset(BYTES, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL"),
    "float": make_dataset(GRAY.astype(np.float32) / 7),
}


@pytest.mark.parametrize("invert", ["max", "range", "none"])
def test_values_are_those_of_a_redacted_copy(folders: Folders, invert: Any) -> None:
    recipe = Recipe(invert=invert)
    sources = {name: encode(data) for name, data in SOURCES.items()}
    if invert == "range":
        del sources["float"]
    paths = {name: folders.add(f"{name}.dcm", data) for name, data in sources.items()}
    summary = folders.convert(recipe=recipe, redaction=Redaction(boxes=BOXES))
    assert (summary.converted, summary.failed) == (len(sources), 0)
    cache = folders.cache()
    for name, path in paths.items():
        _, written = redact(sources[name], list(BOXES))
        expected = fastpix.imread(written, recipe=recipe)
        assert cache[folders.name(path)].tobytes() == expected.tobytes(), name
        assert folders.row(path)["notes"][-1] == (
            "18 pixels of each frame were blanked (redaction)"
        )


def test_what_is_blanked_is_a_setting_of_the_cache(folders: Folders) -> None:
    folders.add("a.dcm", encode(SOURCES["signed"]))
    rules = rules_of_text("[[rule]]\nmodality = 'OT'\nboxes = [[0, 0, 8, 2]]")
    assert folders.convert(redaction=Redaction(rules)).converted == 1
    assert folders.convert(redaction=Redaction(rules)).present == 1
    for other in (None, Redaction(boxes=BOXES)):
        with pytest.raises(ArgumentError, match="redaction is"):
            folders.convert(redaction=other)
    assert folders.cache().settings.redaction == Redaction(rules)


def test_ids_of_older_caches_stay() -> None:
    plain = Settings(key="k")
    assert "redaction" in plain.to_dict()
    assert plain.id != Settings(key="k", redaction=Redaction(boxes=BOXES)).id
    kept = plain.to_dict()
    del kept["redaction"]
    assert Settings.from_dict(kept) == plain


def test_ultrasound_regions_alone_are_kept(folders: Folders) -> None:
    item = make_item(RegionLocationMinX0=2, RegionLocationMinY0=1, RegionLocationMaxX1=8,
                     RegionLocationMaxY1=5)  # fmt: skip
    dataset = make_dataset(np.full((6, 8), 9, np.uint8), SequenceOfUltrasoundRegions=[item])
    path = folders.add("a.dcm", encode(dataset))
    other = folders.add("b.dcm")
    summary = folders.convert(redaction=Redaction(ultrasound_regions=True))
    assert (summary.converted, summary.failed) == (1, 1)
    image = folders.cache()[folders.name(path)]
    expected = np.zeros((6, 8), np.float32)
    expected[1:6, 2:8] = 9
    assert image.tobytes() == expected.tobytes()
    row = folders.row(other)
    assert row["status"] == "failed"
    assert "SequenceOfUltrasoundRegions (0018,6011)" in row["reason"]


def test_an_image_that_a_box_lies_outside_of_is_a_failure(folders: Folders) -> None:
    path = folders.add("a.dcm", encode(SOURCES["signed"]))
    assert folders.convert(redaction=Redaction(boxes=(Region(50, 50, 1, 1),))).failed == 1
    assert folders.row(path)["reason"] == "a box lies outside of the image"


def test_what_cannot_be_blanked_is_refused() -> None:
    for more in ({"unit": "series"}, {"format": "index"}):
        with pytest.raises(ArgumentError, match="no volumes and no index"):
            Settings(redaction=Redaction(boxes=BOXES), **more)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="no fastpix"):
        Settings(redaction=BOXES)  # type: ignore[arg-type]


def test_options_of_the_command(tmp_path: Path) -> None:
    args = ["convert", "a", "--redact-boxes", "0", "0", "8", "2", "3", "4", "2", "1", "b",
            "--redact-boxes", "1,2,3,4", "--redact-boxes", "1", "2"]  # fmt: skip
    assert joined_boxes(args) == [
        "convert", "a", "--redact-boxes", "0,0,8,2", "--redact-boxes", "3,4,2,1", "b",
        "--redact-boxes", "1,2,3,4", "--redact-boxes", "1,2",
    ]  # fmt: skip
    assert redaction_of_options(None, None, False) is None
    found = redaction_of_options("deid", ["0,0,8,2", "3 4 2 1"], True)
    assert found == Redaction(read_rules("deid"), BOXES, True)
    path = tmp_path / "rules.toml"
    path.write_text("[[rule]]\nboxes = []")
    found = redaction_of_options(str(path), [], False)
    assert found is not None
    assert found.rules != RedactionRules()
    for text in ("1", "1,2,3", "a,b,c,d", "1,2,0,4"):
        with pytest.raises(ArgumentError, match="redact_boxes"):
            redaction_of_options(None, [text], False)


def test_the_command_itself(folders: Folders, call: Callable[..., str]) -> None:
    path = folders.add("a.dcm", encode(SOURCES["signed"]))
    boxes = ["--redact-boxes", "0", "0", "8", "2", "3", "4", "2", "1"]
    call("convert", folders.src, folders.dst, "--workers", 1, *boxes)
    _, written = redact(path.read_bytes(), list(BOXES))
    assert folders.cache()[folders.name(path)].tobytes() == fastpix.imread(written).tobytes()
