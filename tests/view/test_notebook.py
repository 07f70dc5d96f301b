"""What Jupyter shows: tables and pictures that name no patient, need little, and never fail."""

from __future__ import annotations

import base64
import io
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pictures
from pydicom.uid import CTImageStorage, RLELossless
from support.builders import compress, encode, encode_frames, make_dataset
from support.planted_files import MARKER, planted, write
from support.real_files import WHEEL

import fastpix
from fastpix.deidentification.run.deidentifying import CopySummary
from fastpix.image.image import Image
from fastpix.in_notebooks import InNotebooks
from fastpix.job.counts import Counts
from fastpix.job.summary import Summary
from fastpix.series.volume import PlaneSource, Volume
from fastpix.view import notebook
from fastpix.view.three_planes import planes_of
from fastpix.view.tones import as_gray, shades_of


class Strict(HTMLParser):
    """A parser that counts what is open, and takes no script, style sheet or foreign address."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "style", "link")
        if tag == "img":
            source = str(dict(attrs)["src"])
            assert source.startswith("data:image/png;base64,")
            self.pictures.append(source.partition(",")[2])
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def shown(thing: Any) -> tuple[str, list[NDArray[Any]]]:
    """Return the text and the pictures that a notebook shows of a thing."""
    html = thing._repr_html_()
    assert html is not None
    assert "http" not in html
    parser = Strict()
    parser.feed(html)
    parser.close()
    assert not parser.open
    pictures = [
        np.asarray(Pictures.open(io.BytesIO(base64.b64decode(each)))) for each in parser.pictures
    ]
    return parser.text, pictures


def image_of(cells: NDArray[Any], **attributes: Any) -> Image:
    return fastpix.open(encode(make_dataset(cells, **attributes)))


@pytest.fixture
def ct() -> Image:
    cells = np.arange(40 * 60, dtype=np.uint16).reshape(40, 60)
    return image_of(
        cells, Modality="CT", RescaleSlope="1", RescaleIntercept="-1000", RescaleType="HU",
        PixelSpacing=["2", "1"], ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
        ImagePositionPatient=["0", "0", "0"],
    )  # fmt: skip


def test_an_image_is_a_table_and_a_picture(ct: Image) -> None:
    text, pictures = shown(ct)
    for label, said in ct.plan().describe():
        assert label in text
        assert said in text
    assert "2 x 1 mm" in text
    assert "rows towards P, columns towards L" in text
    (picture,) = pictures
    assert picture.shape[0] > picture.shape[1]  # 40 x 2 mm high, 60 x 1 mm wide
    assert max(picture.shape) <= 320 + 2 * 8
    assert len(ct._repr_html_() or "") < 200_000
    assert repr(ct) == "<fastpix.Image: 1 x 40 x 60, MONOCHROME2>"


def test_a_plan_is_the_table_of_describe(ct: Image) -> None:
    plan = ct.plan(dtype="auto", invert="range")
    text, pictures = shown(plan)
    assert not pictures
    for label, said in plan.describe():
        assert f"{label} {said}" in text
    assert len(repr(plan)) < 80


def test_one_frame_of_many_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = np.arange(2000, dtype=np.uint8)[:, np.newaxis, np.newaxis] + np.zeros((1, 4, 4), "u1")
    image = fastpix.open(compress(make_dataset(cells), RLELossless))
    asked: list[Any] = []
    read = Image.read

    def counted(self: Image, *arguments: Any, **keywords: Any) -> Any:
        asked.append(keywords["frames"])
        return read(self, *arguments, **keywords)

    monkeypatch.setattr(Image, "read", counted)
    text, pictures = shown(image)
    assert asked == [[1000]]
    assert "frame 1000 of 2000" in text
    assert len(pictures) == 1


def test_no_text_of_a_file_is_shown(tmp_path: Path) -> None:
    dataset = planted(CTImageStorage)
    dataset.RescaleType = MARKER
    dataset.WindowCenterWidthExplanation = MARKER
    path = write(dataset, tmp_path / f"{MARKER}.dcm")
    image = fastpix.open(path)
    things = [image, image.plan(), fastpix.read_series(path)]
    image.close()
    for thing in [*things, image]:
        html = thing._repr_html_()
        assert html is not None
        assert MARKER.lower() not in html.lower()
    assert "in a unit that the standard does not have" in shown(things[1])[0]


def test_markup_is_escaped(ct: Image) -> None:
    counts = Counts(failed=1)
    counts.reasons["PixelDataError", "<script>alert(1)</script> & more"] = 1
    html = Summary(counts)._repr_html_()
    assert html is not None
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_file_that_cannot_be_decoded_says_why() -> None:
    cells = np.zeros((4, 4), np.uint8)
    image = fastpix.open(encode_frames(make_dataset(cells), RLELossless, [b"\0" * 70]))
    text, pictures = shown(image)
    assert not pictures
    assert "no picture: " in text
    assert "4 x 4" in text
    image.close()
    assert "this Image is closed" in shown(image)[0]


def test_a_header_without_a_plan_says_why() -> None:
    text, _ = shown(image_of(np.zeros((4, 4), np.uint8), PhotometricInterpretation="MONOCHROME7"))
    assert "error" in text
    assert "MONOCHROME7" not in text


def test_without_pillow_the_table_says_what_to_install(
    ct: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL.ImageDraw", None)
    text, pictures = shown(ct)
    assert not pictures
    assert "no picture: pictures need Pillow: pip install 'fastpix[view]'" in text
    assert "HU" in text
    assert "pip install" in shown(volume_of(np.eye(4)))[0]


def test_a_repr_never_fails(ct: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "_image_rows", lambda image: 1 / 0)
    assert ct._repr_html_() is None  # Jupyter shows `repr` then
    assert InNotebooks()._repr_html_() is None


def test_a_large_frame_is_thinned_or_left(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = np.zeros((1300, 4), np.uint16)
    cells[::2] = 1000
    text, (picture,) = shown(image_of(cells, PixelSpacing=["1", "1"]))
    assert "4 x 1300" in text
    assert picture.shape[0] <= 320 + 2 * 8
    monkeypatch.setattr(notebook, "_MOST_PIXELS", 100)
    text, pictures = shown(image_of(cells))
    assert not pictures
    assert "too large" in text


def volume_of(affine: Any, shape: tuple[int, ...] = (2, 3, 4), **attributes: Any) -> Volume:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return Volume(values, affine, unit="HU", modality="CT", **attributes)


# Steps of slice, row and column in LPS, as columns: a volume of axial, coronal and sagittal slices.
AXIAL = np.array([[0, 0, 1, 0], [0, 2, 0, 0], [5, 0, 0, 0], [0, 0, 0, 1.0]])
CORONAL = np.array([[0, 0, 1, 0], [5, 0, 0, 0], [0, -2, 0, 0], [0, 0, 0, 1.0]])
SAGITTAL = np.array([[5, 0, 0, 0], [0, 0, 1, 0], [0, -2, 0, 0], [0, 0, 0, 1.0]])
EDGES = {
    "axial": ("R", "L", "A", "P"),
    "coronal": ("R", "L", "H", "F"),
    "sagittal": ("A", "P", "H", "F"),
}


@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
@pytest.mark.parametrize("affine", [AXIAL, CORONAL, SAGITTAL], ids=["ax", "cor", "sag"])
def test_planes_lie_as_a_radiologist_expects(affine: Any, turned: bool) -> None:
    """Each pixel of each plane is the voxel at its place, whatever the order of the slices."""
    affine = affine.copy()
    if turned:
        affine[:3, :3] *= -1
    volume = volume_of(affine, (3, 4, 5))
    panes = {pane.caption.partition(",")[0]: pane for pane in planes_of(volume).panes}
    assert list(panes) == list(EDGES)
    window = planes_of(volume).window
    assert window is not None
    inverse = np.linalg.inv(affine)
    corners = affine @ np.stack(
        [*np.meshgrid([0, 2], [0, 3], [0, 4], indexing="ij"), np.ones((2, 2, 2))]
    ).reshape(4, 8)
    low, high = corners[:3].min(1), corners[:3].max(1)
    for name, (across, right, down) in {
        "axial": (2, (0, 1), (1, 1)),
        "coronal": (1, (0, 1), (2, -1)),
        "sagittal": (0, (1, 1), (2, -1)),
    }.items():
        pane = panes[name]
        assert pane.place.edges == EDGES[name]
        rows, columns = pane.pixels.shape
        axis = int(np.abs(inverse[:3, across]).argmax())
        center = affine[across, axis] * (volume.array.shape[axis] // 2)
        row_mm = (high - low)[down[0]] / (rows - 1)
        column_mm = (high - low)[right[0]] / (columns - 1)
        assert pane.place.aspect == pytest.approx(row_mm / column_mm)
        assert pane.place.mm == pytest.approx(column_mm)
        for row in range(rows):
            for column in range(columns):
                point = np.ones(4)
                point[across] = center
                point[right[0]] = low[right[0]] + column * column_mm
                point[down[0]] = high[down[0]] - row * row_mm if down[1] < 0 else (
                    low[down[0]] + row * row_mm
                )  # fmt: skip
                voxel = tuple(np.rint(inverse @ point)[:3].astype(int))
                shades = shades_of(volume.array[voxel][np.newaxis], window)
                assert pane.pixels[row, column] == as_gray(shades, is_inverse=False)[0]


def test_a_volume_is_a_table_and_three_planes() -> None:
    missing = [PlaneSource("", 0), None]
    volume = volume_of(AXIAL, sources=missing, notes=())
    text, pictures = shown(volume)
    assert len(pictures) == 3
    for said in (
        "2 x 3 x 4 (slice, row, column)", "float32, HU", "5 x 2 x 1 mm", "1 slice of 2",
        "slices towards H, rows towards P, columns towards L", "axial, slice 1", "coronal, row 1",
        "sagittal, column 2",
    ):  # fmt: skip
        assert said in text
    assert repr(volume) == "<fastpix.Volume: 2 x 3 x 4, float32, grid>"
    # One scale: the sagittal plane is 10 mm high, the axial one 4 mm wide and 6 mm high.
    heights = [picture.shape[0] - 2 * 8 for picture in pictures]
    assert heights == pytest.approx([144, 240, 240], abs=4)


def test_odd_volumes_are_shown_too() -> None:
    several = volume_of(AXIAL, (3, 2, 3, 4), axes=("b_value",), coords={"b_value": [0, 1, 2]})
    text, pictures = shown(several)
    assert "3 x 2 x 3 x 4 (b value, slice, row, column)" in text
    assert "volume 1 of 3" in text
    assert len(pictures) == 3
    assert len(shown(volume_of(None, kind="no_geometry"))[1]) == 1
    single = AXIAL.copy()
    single[:3, 0] = np.nan
    assert len(shown(volume_of(single, (1, 3, 4), kind="single_slice"))[1]) == 1
    colour = replace(volume_of(AXIAL, (2, 3, 4, 3)), unit="RGB")
    assert len(shown(colour)[1]) == 3
    empty = replace(several, array=np.full((3, 2, 3, 4), np.nan, np.float32))
    assert len(shown(empty)[1]) == 3
    assert not shown(volume_of(AXIAL, (0, 3, 4)))[1]


def test_a_summary_says_what_is_next() -> None:
    counts = Counts(converted=1200, not_images=3, failed=12)
    for k in range(12):
        counts.reasons["PixelHeaderError", f"reason {chr(97 + k)}"] = 1
    summary = Summary(counts, seconds=2.0)
    text, pictures = shown(summary)
    assert not pictures
    for said in (
        "1,200 converted", "12 failed", "PixelHeaderError: reason a", "2 for other reasons",
        "fastpix.open_cache(DST)", "fastpix locate DST",
    ):  # fmt: skip
        assert said in text
    assert repr(summary) == "<fastpix.Summary: 1200 converted, 0 unchanged, 12 failed, 2.0 s>"
    copies, _ = shown(CopySummary(Counts(converted=2, in_review=1)))
    assert "2 copied" in copies
    assert "1 waiting for a person" in copies
    assert "failed" not in copies


def test_real_images_have_pictures() -> None:
    for name in ("CT_small.dcm", "examples_rgb_color.dcm", "rtdose.dcm"):
        assert len(shown(fastpix.open(WHEEL / name))[1]) == 1
