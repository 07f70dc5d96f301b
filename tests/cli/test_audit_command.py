"""`fastpix audit mark`, and `fastpix convert --sources`: from a refusal to a cache."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from support.builders import encode, make_dataset
from support.jobs import Folders

from fastpix.sources.source_key import BY
from fastpix.sources.verdict_writing import write_verdicts
from fastpix.sources.verdicts import Verdict, Verdicts, read_verdicts

pytestmark = pytest.mark.usefixtures("in_this_process")

Call = Callable[..., str]


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "sources.toml"
    write_verdicts(path, Verdicts({"0" * 16: Verdict(what="ACME CR")}, BY))
    return path


def test_a_mark(toml: Path, call: Call) -> None:
    arguments = "--sources", toml, "--by", "B", "--note", "air is black"
    said = call("audit", "mark", "0" * 16, "accept", *arguments)
    today = datetime.date.today()
    assert said == f"{'0' * 16} (ACME CR): accept, by B on {today}\n"
    found = read_verdicts(toml).verdicts["0" * 16]
    assert found == Verdict("accept", "B", today, "air is black", "ACME CR")


def test_a_mark_of_an_id_that_the_file_does_not_have(toml: Path, call: Call) -> None:
    said = call("audit", "mark", "1" * 16, "accept", "--sources", toml, "--by", "B")
    assert f"{toml} did not have this source: compare its id" in said
    said = call("audit", "mark", "1" * 16, "accept", "--sources", toml, "--by", "B")
    assert "did not have" not in said


def test_what_is_no_mark(toml: Path, call: Call) -> None:
    before = toml.read_bytes()
    given = "--sources", toml, "--by", "B"
    said = call("audit", "mark", "0" * 16, "fine", *given, code=1)
    assert "STATUS is 'fine': use one of unseen, accept, invert, exclude" in said
    said = call("audit", "mark", "12", "accept", *given, code=1)
    assert "'12' is no id of a source" in said
    assert "--by" in call("audit", "mark", "0" * 16, "accept", "--sources", toml, code=2)
    said = call("audit", "mark", "0" * 16, "accept", "--sources", "none.toml", "--by", "B", code=1)
    assert "none.toml" in said
    assert toml.read_bytes() == before
    assert "mark" in call("audit", "--help")


def test_a_refusal_shows_the_commands_that_help(folders: Folders, toml: Path, call: Call) -> None:
    folders.add("a.dcm", encode(make_dataset(Modality="CR", Manufacturer="ACME")))
    convert = "convert", folders.src, folders.dst, "--sources", toml, "--workers", 1
    said = call(*convert, code=1)
    assert "nobody has looked at source " in said
    assert "--allow-unseen" in said
    _, _, rest = said.partition("fastpix audit mark ")
    source = rest[:16]
    call(*convert, "--allow-unseen")
    (row,) = folders.rows().values()
    assert (row["status"], row["verdict"]) == ("done", "unseen")
    call("audit", "mark", source, "exclude", "--sources", toml, "--by", "B")
    call(*convert)
    (row,) = folders.rows().values()
    assert (row["status"], row["verdict"], row["source"]) == ("left out", "exclude", source)
    said = call("convert", folders.src, folders.dst, "--workers", 1, code=1)
    assert "this cache obeys verdicts on sources: pass sources= (--sources sources.toml)" in said
