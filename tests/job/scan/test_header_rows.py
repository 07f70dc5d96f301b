"""Headers as a manifest has them, wherever their files are, and files that are found when read."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian
from support.builders import encode, make_dataset
from support.jobs import row_of
from support.libraries import library
from support.series_files import slice_dataset

import fastpix
from fastpix.errors import FastpixError, NoPixelDataError, NotDicomError, is_no_image
from fastpix.job.rows import Describer
from fastpix.job.scan.filters import filters_of
from fastpix.job.scan.header_rows import header_row
from fastpix.job.scan.source_locations import LazyFile, is_plain
from fastpix.pseudonyms import Names

DESCRIBER = Describer(Names(b"k" * 32))  # the key that `row_of` has
REPORT = "1.2.840.10008.5.1.4.1.1.88.11"

FILES = {
    "CT": encode(slice_dataset(3, Manufacturer="SIEMENS", PatientID="a", StudyInstanceUID="1.9")),
    "implicit": encode(slice_dataset(2), ImplicitVRLittleEndian),
    "deflated": encode(slice_dataset(1), DeflatedExplicitVRLittleEndian),
    "frames": encode(make_dataset(np.zeros((3, 4, 5), np.uint8))),
    "RGB": encode(make_dataset(np.zeros((4, 5, 3), np.uint8), SamplesPerPixel=3)),
    "odd": encode(make_dataset(PixelRepresentation=None)),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_row_is_what_a_manifest_says(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"{kind}.dcm"
    path.write_bytes(FILES[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # they are given when the image is read
        row = header_row(str(path), DESCRIBER)
    wanted = row_of(path)
    assert {"modality", "rows", "transfer_syntax", "patient", "manufacturer"} <= {*row}
    for name, value in row.items():
        found, expected = ([*v] if isinstance(v, tuple) else v for v in (value, wanted[name]))
        assert found == expected, name
    assert filters_of(("modality in CT",)).matches(row) == (row["modality"] == "CT")
    assert filters_of(("rows > 4",)).matches(row) == (row["rows"] > 4)


def test_rows_know_nothing_of_a_patient(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(FILES["CT"])
    row = header_row(str(path), DESCRIBER)
    assert row["patient"] == Names(b"k" * 32).of_patient("a", "")
    assert "1.9" not in map(str, row.values())


@pytest.fixture
def locations(tmp_path: Path) -> list[str]:
    """The same file in all kinds of places."""
    data = FILES["CT"]
    for folder in ("plain", "odd!", "archives"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.dcm").write_bytes(data)
    (tmp_path / "archives" / "a.dcm").unlink()
    with zipfile.ZipFile(tmp_path / "archives" / "a.zip", "w") as archive:
        archive.writestr("deeper/a.dcm", data)
    with tarfile.open(tmp_path / "archives" / "a.tar", "w") as tar:
        info = tarfile.TarInfo("a.dcm")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return [
        f"{tmp_path}/plain/a.dcm",
        f"{tmp_path}/odd!/a.dcm",
        f"{tmp_path}/archives/a.zip!/deeper/a.dcm",
        f"{tmp_path}/archives/a.tar!/a.dcm",
    ]


def test_files_in_all_kinds_of_places(locations: list[str]) -> None:
    assert [is_plain(location) for location in locations] == [True, False, False, False]
    (wanted, *others) = (header_row(location, DESCRIBER) for location in locations)
    assert others == [wanted] * 3
    image = fastpix.imread(locations[0])
    lazy: list[Any] = [pickle.loads(pickle.dumps(LazyFile(location))) for location in locations]
    assert [str(file) for file in lazy] == locations
    assert {file.read_bytes() for file in lazy} == {FILES["CT"]}
    batch = fastpix.imread_batch([*lazy, locations[0]])
    assert batch.tobytes() == image.tobytes() * 5


def test_files_behind_urls() -> None:
    fsspec = library("fsspec")
    location = "memory://header_rows/a.dcm"
    with fsspec.open(location, "wb") as file:
        file.write(FILES["CT"])
    assert not is_plain(location)
    assert header_row(location, DESCRIBER)["modality"] == "CT"
    found = fastpix.imread(LazyFile(location))  # type: ignore[arg-type]
    assert found.tobytes() == fastpix.imread(FILES["CT"]).tobytes()
    with pytest.raises(FileNotFoundError):
        header_row("memory://header_rows/b.dcm", DESCRIBER)


def test_a_file_that_is_not_there_is_an_error_of_its_own(locations: list[str]) -> None:
    missing = [f"{locations[0]}x", f"{locations[2]}x", f"{locations[3]}/x"]
    for location in missing:
        with pytest.raises((FileNotFoundError, FastpixError)):
            header_row(location, DESCRIBER)
    sources: list[Any] = [*map(LazyFile, missing), LazyFile(locations[2])]
    array, read, errors = fastpix.imread_batch(sources, on_error="mask")
    assert read.tolist() == [False, False, False, True]
    assert array[3].tobytes() == fastpix.imread(locations[0]).tobytes()
    assert isinstance(errors[0], FileNotFoundError)
    for k in (1, 2):
        error = errors[k]
        assert isinstance(error, FastpixError)
        assert "no such member" in str(error)
        assert error.source == missing[k]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "odd!"
    pipe.mkdir()
    os.mkfifo(pipe / "a")
    with pytest.raises(FastpixError, match="no regular file"):
        header_row(f"{pipe}/a", DESCRIBER)
    with pytest.raises(FastpixError, match="no regular file"):
        LazyFile(f"{pipe}/a").read_bytes()


def test_what_is_no_image_says_so(tmp_path: Path) -> None:
    report = slice_dataset(0, SOPClassUID=REPORT)
    del report.PixelData, report.Rows, report.Columns, report.BitsAllocated
    cut = FILES["CT"][: len(FILES["CT"]) - 20]
    kinds = {"text": b"no image", "report": encode(report), "damaged": FILES["CT"][:400]}
    wanted = {"text": NotDicomError, "report": NoPixelDataError, "damaged": FastpixError}
    held = set(os.listdir("/dev/fd"))
    for kind, data in kinds.items():
        path = tmp_path / kind
        path.write_bytes(data)
        with pytest.raises(wanted[kind]) as caught:
            header_row(str(path), DESCRIBER)
        error = caught.value
        assert isinstance(error, FastpixError)
        assert is_no_image(error) == (kind != "damaged")
    path = tmp_path / "cut"
    path.write_bytes(cut)
    assert header_row(str(path), DESCRIBER)["rows"] == 6  # its pixels are not looked at
    assert set(os.listdir("/dev/fd")) <= held
