"""`fastpix audit SRC OUT`: what it writes and says."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.builders import encode, make_dataset

from fastpix.sources.verdicts import read_verdicts

pytestmark = pytest.mark.usefixtures("in_this_process")

Call = Callable[..., str]


@pytest.fixture
def src(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    for number in range(3):
        data = encode(make_dataset(Modality="CT", Manufacturer="M", SOPInstanceUID=f"1.{number}"))
        (folder / f"{number}.dcm").write_bytes(data)
    (folder / "notes").write_bytes(b"a text that is no image")
    return folder


def test_an_audit(src: Path, tmp_path: Path, call: Call) -> None:
    out = tmp_path / "out"
    said = call("audit", src, out, "--csv")
    assert "4 files: 3 images, 1 not images, 0 failed" in said
    assert "fastpix audit mark" in said
    assert sorted(path.name for path in out.iterdir()) == [
        "audit.json", "findings.csv", "index.html", "samples.csv", "sources.toml",
    ]  # fmt: skip
    page = out / "index.html"
    assert page.stat().st_mode & 0o777 == 0o600
    assert page.read_text("utf-8").count("data:image/webp") == 3
    assert str(page) in said
    found = json.loads((out / "audit.json").read_text())
    (source,) = found["sources"]
    assert source["id"] in said
    assert (tmp_path / "out.key").stat().st_mode & 0o777 == 0o600
    assert len(list((tmp_path / "out.state").iterdir())) == 1
    call("audit", "mark", source["id"], "accept", "--sources", out / "sources.toml", "--by", "me")
    (out / "audit.json").rename(tmp_path / "old.json")
    data = encode(make_dataset(Modality="MR"))
    (src / "new.dcm").write_bytes(data)
    said = call("audit", "--compare", tmp_path / "old.json", "--samples", "1", src, out)
    assert "New since" in said
    assert "a new source, of 1 files" in said
    found = json.loads((out / "audit.json").read_text())
    assert [each["status"] for each in found["sources"]] == ["accept", "unseen"]
    assert len(found["sources"][0]["samples"]) == 1


def test_what_it_refuses(src: Path, tmp_path: Path, call: Call) -> None:
    assert "by:" in call("audit", src, tmp_path / "o", "--by", "patient", code=1)
    (tmp_path / "no.json").write_text("{}")
    said = call("audit", src, tmp_path / "o", "--compare", tmp_path / "no.json", code=1)
    assert "no audit.json" in said


def test_an_interrupted_audit_says_how_to_go_on(
    src: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fastpix.audit.auditing.make_audit", interrupted)
    said = call("audit", src, tmp_path / "out", code=130)
    assert "run the same command to go on" in said


def test_without_jinja_nothing_is_begun(
    src: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    said = call("audit", src, tmp_path / "out", code=1)
    assert "pip install 'fastpix[audit]'" in said
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.key").exists()


def test_help_names_both_commands(call: Call) -> None:
    said = call("audit", "--help")
    assert "run" in said
    assert "mark" in said


def test_what_it_writes_into_the_source_is_not_audited(src: Path, call: Call) -> None:
    for _ in range(2):
        said = call("audit", src, src / "out")
        assert "4 files: 3 images, 1 not images, 0 failed" in said


def test_what_cannot_end_well_is_refused_before_files_are_read(
    src: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, old = tmp_path / "out", tmp_path / "old.json"
    call("audit", src, out)
    record = json.loads((out / "audit.json").read_text())
    old.write_text(json.dumps(record | {"key": "another"}))

    def read(*_: object, **__: object) -> None:
        raise AssertionError("files were read")

    monkeypatch.setattr("fastpix.audit.auditing.make_audit", read)
    key = "--key-file", tmp_path / "other.key"
    assert "ids of another key" in call("audit", src, out, *key, code=1)
    assert "other attributes" in call("audit", src, out, "--by", "model", code=1)
    compare = "--compare", old
    assert "the earlier audit has ids of another key" in call("audit", src, out, *compare, code=1)
    compare = "--compare", out / "audit.json"
    assert "pseudonymous" in call("audit", src, out, *compare, "--pseudonymous", code=1)
    (out / "sources.toml").write_text("status = ")
    assert "is no TOML" in call("audit", src, out, code=1)
    assert "by: x: it takes" in call("audit", src, tmp_path / "new", "--by", "x", code=1)
    assert not (tmp_path / "new.key").exists()


def test_a_folder_that_takes_no_files(
    src: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def full(path: Any, *arguments: Any) -> int:
        if str(path).endswith(".writing"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", full)
    monkeypatch.setattr("fastpix.audit.auditing.make_audit", None)
    out = tmp_path / "out"
    assert f"{out / 'audit.json'}: No space left on device" in call("audit", src, out, code=1)


def test_sources_beyond_those_that_are_listed(
    src: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastpix.cli.audit_run._SHOWN", 1)
    (src / "other").write_bytes(encode(make_dataset(Modality="MR", SOPInstanceUID="2.1")))
    said = call("audit", src, tmp_path / "out")
    assert "and 1 more source: see the page, or audit.json" in said


def test_sources_that_software_tells_apart_have_it_in_their_name(
    tmp_path: Path, call: Call
) -> None:
    folder, out = tmp_path / "src", tmp_path / "out"
    folder.mkdir()
    for number in range(2):
        image = make_dataset(Manufacturer="A", SoftwareVersions=f"V{number}", Modality="CR")
        (folder / f"{number}.dcm").write_bytes(encode(image))
    said = call("audit", folder, out, "--by", "manufacturer,modality,software")
    whats = {each.what for each in read_verdicts(out / "sources.toml").verdicts.values()}
    assert whats == {"A, CR, V0", "A, CR, V1"}
    page = (out / "index.html").read_text("utf-8")
    assert all(what in said for what in whats)
    assert all(f"<p>CR · V{number}</p>" in page for number in range(2))


def test_nothing_to_decide_about(tmp_path: Path, call: Call) -> None:
    (tmp_path / "src").mkdir()
    said = call("audit", tmp_path / "src", tmp_path / "out")
    assert "There is no DICOM image in" in said
    assert "audit mark" not in said
