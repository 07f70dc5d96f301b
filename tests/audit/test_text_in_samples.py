"""Text in sampled images: boxes, counts, a finding, and never that there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.uid import CTImageStorage
from support.builders import encode, make_dataset
from support.libraries import library

from fastpix.audit import auditing, sampled_source, text_in_samples
from fastpix.audit.auditing import make_audit
from fastpix.audit.extra_values import WINDOW_WIDTH
from fastpix.audit.record_json import from_json, to_json
from fastpix.audit.sampled_pixels import Look, look_at_pixels
from fastpix.job.items import SourceFile
from fastpix.pseudonyms import Names
from fastpix.text_detection import TextBox, detector_here, text_network

NAMES = Names(b"k" * 32)


class BrightRows:
    """A detector that takes rows with values above 1000 for text."""

    def __init__(self) -> None:
        self.windows: list[tuple[float, float]] = []
        self.values: list[NDArray[Any]] = []

    def boxes_of_values(self, values: NDArray[Any], windows: Any = ()) -> list[TextBox]:
        self.windows += windows
        self.values.append(values)
        rows = np.flatnonzero((values > 1000).reshape(len(values), -1).any(1)).tolist()
        if not rows:
            return []
        return [TextBox(0, rows[0], values.shape[1], rows[-1] + 1 - rows[0], 0.5)]


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch, in_this_process: None) -> BrightRows:
    detector = BrightRows()
    for module in (auditing, sampled_source):
        monkeypatch.setattr(module, "detector_here", lambda: detector)
    return detector


@pytest.fixture
def src(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    for number, row in enumerate((None, 2, 5)):
        cells = np.arange(80, dtype=np.uint16).reshape(8, 10)
        if row is not None:
            cells[row : row + 2] = 4000
        dataset = make_dataset(
            cells, Modality="CT", SOPClassUID=CTImageStorage, RescaleIntercept="-5",
            SOPInstanceUID=f"1.{number}",
            WindowCenter=["40", "300"], WindowWidth=["400", "1500"],
        )  # fmt: skip
        (folder / f"{number}.dcm").write_bytes(encode(dataset))
    return folder


def look_at(path: Path) -> Look:
    look = look_at_pixels(SourceFile(str(path), path.name, path.stat().st_size, 0), 2**24, False)
    assert isinstance(look, Look)
    return look


def test_boxes_are_shares_of_the_image_and_the_window_of_the_file_is_tried(src: Path) -> None:
    detector = BrightRows()
    boxes = text_in_samples.text_boxes(look_at(src / "1.dcm"), detector)  # type: ignore[arg-type]
    assert boxes == ((0.0, 0.25, 1.0, 0.25),)
    assert detector.windows == [(-160.0, 240.0)]
    assert detector.values[0].min() == -5


@pytest.mark.parametrize("width", ["0\\", "none", ""])
def test_a_window_that_is_none_is_left_out(src: Path, width: str) -> None:
    look = look_at(src / "1.dcm")
    look.extra.values[WINDOW_WIDTH] = width.encode()
    detector = BrightRows()
    assert text_in_samples.text_boxes(look, detector)  # type: ignore[arg-type]
    assert detector.windows == []


def test_colours_are_searched_as_they_are(tmp_path: Path) -> None:
    cells = np.zeros((6, 5, 3), np.uint8)
    path = tmp_path / "color.dcm"
    path.write_bytes(encode(make_dataset(cells, SamplesPerPixel=3)))
    detector = BrightRows()
    assert text_in_samples.text_boxes(look_at(path), detector) == ()  # type: ignore[arg-type]
    assert detector.values[0].shape == (6, 5, 3)
    assert detector.values[0].dtype == np.uint8


def test_text_is_a_finding_and_a_reason_to_look(src: Path, detector: BrightRows) -> None:
    audit = make_audit(src, NAMES, detect_text=True).audit
    (source,) = audit.sources
    assert (source.burned_in.verdict, source.burned_in.looked_at) == ("look", 3)
    assert source.burned_in.detected == 2
    assert "text may be in 2 of 3 samples" in source.burned_in.reasons
    assert sorted(len(sample.text_boxes) for sample in source.samples) == [0, 1, 1]
    assert {each.id: each.files for each in source.findings}["PIX_TEXT_FOUND"] == 2
    assert all(
        ("PIX_TEXT_FOUND" in sample.findings) == bool(sample.text_boxes)
        for sample in source.samples
    )
    assert from_json(to_json(audit)) == audit
    assert len(detector.values) == 3


def test_nothing_found_is_no_verdict(src: Path, detector: BrightRows) -> None:
    for name in ("1.dcm", "2.dcm"):
        (src / name).unlink()
    plain, searched = (
        make_audit(src, NAMES, detect_text=each).audit.sources[0] for each in (False, True)
    )
    assert (plain.burned_in.looked_at, searched.burned_in.looked_at) == (0, 1)
    assert plain.burned_in.verdict == searched.burned_in.verdict == "unlikely"
    assert plain.burned_in.reasons == searched.burned_in.reasons
    assert plain.findings == searched.findings
    assert len(detector.values) == 1


def test_the_command(src: Path, tmp_path: Path, call: Callable[..., str], detector: Any) -> None:
    said = call("audit", src, tmp_path / "out", "--detect-text")
    assert "look" in said
    (source,) = from_json((tmp_path / "out" / "audit.json").read_text()).sources
    assert source.burned_in.detected == 2
    assert detector.values


def test_a_missing_extra_is_told_before_files_are_read(
    src: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[..., str]
) -> None:
    detector_here.cache_clear()
    monkeypatch.setattr(text_network, "find_spec", lambda _: None)
    monkeypatch.setattr(auditing, "open_sources", None)
    said = call("audit", src, tmp_path / "out", "--detect-text", code=1)
    assert "pip install 'fastpix[detect-text]'" in said


def test_real_text_in_a_real_audit(tmp_path: Path) -> None:
    library("onnxruntime")
    rows, columns = np.mgrid[:256, :320]
    cells = np.rint(900 + 500 * np.sin(rows / 31) * np.cos(columns / 43))
    picture = Image.new("1", (320, 256), 0)
    draw = ImageDraw.Draw(picture)
    draw.text((30, 200), "DOE^JANE 1964", fill=1, font=ImageFont.load_default(16))
    cells[np.asarray(picture)] = 4095
    (tmp_path / "one.dcm").write_bytes(encode(make_dataset(cells.astype(np.uint16))))
    detector_here.cache_clear()
    (source,) = make_audit(tmp_path / "one.dcm", NAMES, detect_text=True).audit.sources
    (sample,) = source.samples
    assert any(
        x <= 31 / 320 and y <= 205 / 256 and x + w >= 120 / 320 and y + h >= 212 / 256
        for x, y, w, h in sample.text_boxes
    )
