"""The catalogue: ids that are used, a page that is up to date, and every kind of header."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    RTStructureSetStorage,
)
from support.builders import encode, make_dataset, remove
from support.matrices import every

import fastpix
from fastpix.audit.file_facts import FileFacts, Looker
from fastpix.audit.findings import CATALOGUE, findings_page
from fastpix.job.items import SourceFile

ROOT = Path(__file__).parent.parent.parent
SOURCES = {
    path: path.read_text()
    for path in Path(fastpix.__file__).parent.rglob("*.py")
    if path.parent.name != "findings"
}
USED = set(re.findall(r'"((?:HDR|PIX|GEO|FILE|SET)_[A-Z0-9_]+)"', "\n".join(SOURCES.values())))


def test_the_page_shows_the_catalogue() -> None:
    assert (ROOT / "docs" / "findings.md").read_text() == findings_page()


def test_each_id_is_used_and_each_used_id_is_in_the_catalogue() -> None:
    assert set(CATALOGUE) == USED


@every("entry", CATALOGUE.values())
def test_entries_are_complete(entry: Any) -> None:
    assert entry.weight in ("error", "warning", "note")
    assert entry.title
    assert entry.cause
    assert entry.remedy
    assert entry.consequence or entry.id == "GEO_OTHER"
    assert not entry.rule or re.fullmatch(r"PS3\.\d+ [A-Z0-9.]+", entry.rule)


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., FileFacts]:
    def look(data: bytes, name: str = "file") -> FileFacts:
        path = tmp_path / name
        path.write_bytes(data)
        looker = Looker()
        return looker.look(SourceFile(str(path), name, len(data), 0))

    return look


CASES: list[tuple[str, dict[str, Any]]] = [
    ("HDR_SAMPLES_MISSING", {"SamplesPerPixel": None}),
    ("HDR_PHOTOMETRIC_MISSING", {"PhotometricInterpretation": None}),
    ("HDR_BITS_STORED_MISSING", {"BitsStored": None, "HighBit": None}),
    ("HDR_HIGH_BIT_MISSING", {"HighBit": None}),
    ("HDR_HIGH_BIT_IMPOSSIBLE", {"HighBit": 3}),
    ("HDR_HIGH_BIT_UNUSUAL", {"BitsStored": 12, "HighBit": 15}),
    ("HDR_PIXEL_REPRESENTATION_MISSING", {"PixelRepresentation": None}),
    ("HDR_SLOPE_ZERO", {"RescaleSlope": "0"}),
    ("HDR_SLOPE_NEGATIVE", {"RescaleSlope": "-1"}),
    ("HDR_PADDING_LIMIT_ALONE", {"PixelPaddingRangeLimit": 5}),
    ("HDR_WINDOW", {"WindowCenter": "40", "WindowWidth": "400"}),
    ("HDR_WINDOW_INVALID", {"WindowCenter": "40", "WindowWidth": "0"}),
    ("HDR_WINDOW_INVALID", {"WindowCenter": ["40", "50"], "WindowWidth": "100"}),
    ("HDR_WINDOW_INVALID", {"WindowCenter": "40"}),
    ("HDR_WINDOW_MISSING", {}),
    ("HDR_LUT_SHAPE_INVERSE", {"PresentationLUTShape": "INVERSE"}),
    ("HDR_LUT_SHAPE_DISAGREES", {"PresentationLUTShape": "INVERSE"}),
    (
        "HDR_LUT_SHAPE_DISAGREES",
        {"PresentationLUTShape": "IDENTITY", "PhotometricInterpretation": "MONOCHROME1"},
    ),
    ("HDR_FOR_PROCESSING", {"PresentationIntentType": "FOR PROCESSING"}),
    ("HDR_BURNED_IN", {"BurnedInAnnotation": "YES"}),
    ("HDR_LOSSY", {"LossyImageCompression": "01"}),
    ("HDR_XRAY_SIGNED", {"Modality": "DX", "PixelRepresentation": 1}),
    ("HDR_XRAY_RESCALE", {"Modality": "MG", "RescaleSlope": "2"}),
    ("HDR_XRAY_BITS", {"Modality": "IO", "BitsStored": 4, "HighBit": 3}),
    ("HDR_CHARACTERS", {"Manufacturer": "A\x1bB"}),
    ("GEO_NO_SPACING", {}),
    ("GEO_DETECTOR_SPACING", {"Modality": "CR", "ImagerPixelSpacing": ["0.1", "0.1"]}),
    ("GEO_SPACING_UNUSUAL", {"Modality": "CR", "PixelSpacing": ["10", "10"]}),
    ("PIX_SMALL", {"Modality": "CR"}),
]


@pytest.mark.parametrize(("finding", "attributes"), CASES)
def test_of_a_header(
    finding: str, attributes: dict[str, Any], look: Callable[..., FileFacts]
) -> None:
    facts = look(encode(make_dataset(**attributes)))
    assert facts.kind is not None
    assert finding in facts.findings
    assert set(facts.findings) <= set(CATALOGUE)


@pytest.mark.parametrize("finding", sorted({finding for finding, _ in CASES}))
def test_a_sound_header_has_none(finding: str, look: Callable[..., FileFacts]) -> None:
    sound = make_dataset(
        np.zeros((512, 512), np.uint16), Modality="DX", PresentationLUTShape="IDENTITY",
        PresentationIntentType="FOR PRESENTATION", PixelSpacing=["0.1", "0.1"],
        BurnedInAnnotation="NO", VOILUTSequence=[make_dataset(LUTExplanation="x")],
        Manufacturer="Maker",
    )  # fmt: skip
    facts = look(encode(sound))
    assert facts.kind is not None
    assert finding not in facts.findings


def test_multi_frame_and_color(look: Callable[..., FileFacts]) -> None:
    found = look(encode(make_dataset(np.zeros((2, 4, 4), np.uint8)))).findings
    assert "HDR_MULTI_FRAME" in found
    color = make_dataset(np.zeros((4, 4, 3), np.uint8), SamplesPerPixel=3)
    assert "HDR_COLOR" in look(encode(color)).findings


@pytest.mark.parametrize(
    ("finding", "data", "name"),
    [
        ("FILE_EMPTY", b"", "a.dcm"),
        ("FILE_PARTIAL_DOWNLOAD", encode(make_dataset())[:200], "a.dcm.part"),
        ("FILE_PARTIAL_DOWNLOAD", b"", ".azDownload-1-a.dcm"),
        ("FILE_HIDDEN", b"junk", "._a.dcm"),
        ("FILE_NOT_DICOM", b"a text that is no image", "a.txt"),
        ("FILE_NO_PREAMBLE", encode(make_dataset(), preamble=False), "a"),
        ("FILE_CUT_OFF", encode(make_dataset())[:-6], "a"),
        ("FILE_PIXELS_REMOVED", encode(remove(make_dataset(), "PixelData")), "a"),
        ("HDR_SIZE_UNUSABLE", encode(make_dataset(Rows=0)), "a"),
        ("HDR_BITS_ALLOCATED_UNUSABLE", encode(make_dataset(BitsAllocated=12)), "a"),
        ("HDR_UNUSABLE", encode(make_dataset(PixelRepresentation=7)), "a"),
        ("FILE_CUT_OFF", encode(make_dataset(), DeflatedExplicitVRLittleEndian)[:-20], "a"),
        (
            "HDR_TRANSFER_SYNTAX_WRONG",
            encode(make_dataset()).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.4\0"),
            "a",
        ),
        ("HDR_RESCALE_UNUSABLE", encode(make_dataset(RescaleSlope=["1", "2"])), "a"),
    ],
)
def test_of_a_file(finding: str, data: bytes, name: str, look: Callable[..., FileFacts]) -> None:
    assert finding in look(data, name).findings


@pytest.mark.parametrize(
    ("finding", "sop_class"),
    [
        ("FILE_PRESENTATION_STATE", GrayscaleSoftcopyPresentationStateStorage),
        ("FILE_REPORT", KeyObjectSelectionDocumentStorage),
        ("FILE_OTHER_OBJECT", RTStructureSetStorage),
    ],
)
def test_other_objects_are_no_broken_images(
    finding: str, sop_class: str, look: Callable[..., FileFacts]
) -> None:
    dataset = make_dataset(SOPClassUID=sop_class)
    remove(dataset, "PixelData", "Rows", "Columns", "BitsAllocated")
    facts = look(encode(dataset))
    assert finding in facts.findings
    assert not facts.failure
    assert facts.object == sop_class.name  # type: ignore[attr-defined]


def test_a_syntax_that_does_not_fit(look: Callable[..., FileFacts]) -> None:
    native, rle = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"
    facts = look(encode(make_dataset()).replace(native, rle, 1))
    assert "HDR_TRANSFER_SYNTAX_WRONG" in facts.findings
    assert facts.failure
