"""``sources.toml``: what is read of it, what is refused, and what `mark` leaves as it was."""

from __future__ import annotations

import datetime
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpix.errors import ArgumentError, FastpixError
from fastpix.sources import verdict_writing
from fastpix.sources.source_key import BY
from fastpix.sources.verdict_writing import add_sources, mark, write_verdicts
from fastpix.sources.verdicts import STATUSES, Verdict, Verdicts, read_verdicts, verdicts_of

ONE, TWO, NEW = "0123456789abcdef", "fedcba9876543210", "00000000ffffffff"
DAY = datetime.date(2026, 1, 31)
BY_HAND = f"""\
# our devices  [sources.{ONE}]
version = 1
by = ["manufacturer", "model"]
site = "ward"   # an entry of our own

  [sources.{TWO}] # the second first
  status = 'unseen'   # to be looked at
note = \"\"\"
[sources.{ONE}]
status = "accept"
\"\"\"
asked = [1, 2]

[sources."{ONE}"]
# status = "invert"
what = "ACME # 1"
status = "unseen" # "quoted"
[other]
status = "unseen"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "sources.toml"
    found.write_text(BY_HAND)
    return found


def test_what_is_read(path: Path) -> None:
    found = read_verdicts(path)
    assert found.by == ("manufacturer", "model")
    assert found.key == ""
    assert found.verdicts.keys() == {ONE, TWO}
    assert found.verdicts[ONE] == Verdict(what="ACME # 1")
    assert found.status_of(TWO) == found.status_of(NEW) == "unseen"


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_bytes(b"\xef\xbb\xbf")  # of an editor
    assert read_verdicts(path) == Verdicts({}, BY, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("status = ", "is no TOML: .*correct it there"),
        ("version = 2", "version is 2, and this fastpix knows 1: use a later one"),
        ('by = "model"', "by is 'model', and should be a list"),
        ('by = ["shoe"]', "by: shoe: it takes manufacturer"),
        ("key = 1", "key is 1, and should be a text"),
        ("sources = 1", r"sources is 1, and should be a table \[sources.ID\]"),
        ("[sources.12]", r"\[sources.12\]: '12' is no id of a source"),
        (f"sources.{ONE} = 1", rf"\[sources.{ONE}\] is 1, and should be a table"),
        (f"[sources.{ONE}]\nstatus = true", rf"status of \[sources.{ONE}\] is True"),
        (f"[sources.{ONE}]\nstatus = 'ok'", "is 'ok': use one of unseen, accept, invert, exclude"),
        (f"[sources.{ONE}]\nwhen = '2026'", "should be a date without quotation marks"),
        (f"[sources.{ONE}]\nnote = 1", "should be a text in quotation marks"),
    ],
)
def test_what_cannot_be_understood(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "our sources.toml"
    path.write_text(text)
    for act in (read_verdicts, lambda path: mark(path, ONE, "accept", by="A")):
        with pytest.raises(FastpixError, match=rf"our sources.toml.*{said}"):
            act(path)
    assert path.read_text() == text


def test_not_in_utf8(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_bytes(b'by = "\xe9"')
    with pytest.raises(FastpixError, match="save it in UTF-8"):
        read_verdicts(path)


def test_a_mark_changes_its_entry_alone(path: Path) -> None:
    path.chmod(0o640)
    marked = mark(path, ONE, "invert", by="B. Müller", note='air is "white"', when=DAY)
    assert marked == Verdict("invert", "B. Müller", DAY, 'air is "white"', "ACME # 1")
    expected = BY_HAND.replace(
        f'[sources."{ONE}"]\n',
        f'[sources."{ONE}"]\nby = "B. Müller"\nwhen = 2026-01-31\nnote = "air is \\"white\\""\n',
    ).replace('status = "unseen" # "quoted"', 'status = "invert" # "quoted"')
    assert path.read_text() == expected
    assert path.stat().st_mode & 0o777 == 0o640
    mark(path, TWO, "exclude", by="B", when=DAY)
    expected = expected.replace("status = 'unseen'   # to", 'status = "exclude"   # to').replace(
        "# the second first\n", '# the second first\nby = "B"\nwhen = 2026-01-31\n'
    )
    assert path.read_text() == expected
    mark(path, TWO, "exclude", by="B", note="x", when=DAY)
    begin, end = expected.index('note = """') + 7, expected.index("\nasked")
    assert path.read_text() == expected[:begin] + '"x"' + expected[end:]
    assert os.listdir(path.parent) == ["sources.toml"]


def test_a_mark_of_a_new_source(path: Path) -> None:
    path.write_text(BY_HAND.rstrip("\n"))
    marked = mark(path, NEW, "accept", by="B")
    assert marked == Verdict("accept", "B", datetime.date.today())
    assert path.read_text().startswith(BY_HAND + f"\n[sources.{NEW}]\n")
    assert read_verdicts(path).verdicts[NEW] == marked


@pytest.mark.parametrize("ending", ["", "\r\n", "\r\n# end\r\n"])
def test_line_endings_stay(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_bytes(f"\ufeffversion = 1\r\n[sources.{ONE}] # one{ending}".encode())
    mark(path, ONE, "accept", by="B", when=DAY)
    mark(path, NEW, "invert", by="B", when=DAY)
    data = path.read_bytes()
    assert data.startswith("\ufeffversion".encode())
    assert data.count(b"\n") == data.count(b"\r\n")
    assert b"\r\r" not in data
    found = read_verdicts(path)
    assert (found.status_of(ONE), found.status_of(NEW)) == ("accept", "invert")


@pytest.mark.parametrize(
    "text",
    [
        f'sources.{ONE} = {{status = "unseen"}}',
        f'[sources]\n{ONE}.status = "unseen"',
        f"[sources.{ONE}]\nwhen = 2026-01-31 10:00:00",
        f'[sources.{ONE}]\nnote = """\nstatus = "accept"\n"""\nstatus = "unseen"',
    ],
)
def test_what_cannot_be_edited_stays_as_it_is(text: str, tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(text)
    read_verdicts(path)
    with pytest.raises(FastpixError, match=f"the entry of {ONE} cannot be edited"):
        mark(path, ONE, "invert", by="B")
    assert path.read_text() == text


def test_brackets_in_values_are_no_tables(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    head = f"[sources.{ONE}]\n"
    rest = f"list = [[1],\n 2]\nnote = '''\n[sources.{TWO}]\n'''\nstatus = "
    path.write_text(f"{head}{rest}'unseen'")
    mark(path, ONE, "accept", by="B", when=DAY)
    assert path.read_text() == f'{head}by = "B"\nwhen = 2026-01-31\n{rest}"accept"'


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("12", "accept", "B"), "source: '12' is no id"),
        ((ONE, "fine", "B"), "status is 'fine': use one of"),
        ((ONE, "accept", "  "), "pass your name"),
    ],
)
def test_what_is_no_mark(path: Path, arguments: tuple[str, str, str], said: str) -> None:
    source, status, by = arguments
    with pytest.raises(FastpixError, match=said):
        mark(path, source, status, by=by)  # type: ignore[arg-type]
    assert path.read_text() == BY_HAND


def test_a_file_that_an_editor_has_saved_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def saved_meanwhile(*arguments: object) -> Verdicts:
        path.write_text(BY_HAND + "# saved\n")
        return verdicts_of(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(verdict_writing, "verdicts_of", saved_meanwhile)
    with pytest.raises(FastpixError, match="has changed since it was read"):
        mark(path, ONE, "accept", by="B")
    assert path.read_text() == BY_HAND + "# saved\n"
    assert os.listdir(path.parent) == ["sources.toml"]


def test_marks_at_once_are_all_kept(path: Path) -> None:
    ids = [f"{k:016x}" for k in range(8)]
    threads = [
        threading.Thread(target=mark, args=(path, each, "accept"), kwargs={"by": "B"})
        for each in ids
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {*ids} < read_verdicts(path).verdicts.keys()


def test_a_lock_that_was_left_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_writing, "_WAIT", 0.0)
    lock = path.with_name(".sources.toml.lock")
    lock.touch()
    with pytest.raises(FastpixError, match=r"remove .*sources.toml.lock"):
        mark(path, ONE, "accept", by="B")
    lock.unlink()
    mark(path, ONE, "accept", by="B")


def test_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    mark(link, ONE, "accept", by="B")
    assert link.is_symlink()
    assert read_verdicts(path).status_of(ONE) == "accept"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VERDICTS = st.builds(
    Verdict, st.sampled_from(STATUSES), TEXTS, st.none() | st.dates(), TEXTS, TEXTS
)


@settings(max_examples=20)
@given(
    st.dictionaries(st.sampled_from([ONE, TWO, NEW]), VERDICTS),
    st.sampled_from([BY, ("model", "software")]),
    st.sampled_from(["", "0f"]),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    verdicts: dict[str, Verdict],
    by: tuple[str, ...],
    key: str,
) -> None:
    path = tmp_path_factory.mktemp("written") / "sources.toml"
    written = Verdicts(verdicts, by, key)
    write_verdicts(path, written)
    assert read_verdicts(path) == written
    with pytest.raises(FastpixError, match="is there already"):
        write_verdicts(path, Verdicts())
    marked = mark(path, ONE, "invert", by="B")
    assert read_verdicts(path).verdicts == {**verdicts, ONE: marked}


def test_new_sources_are_added(path: Path) -> None:
    new = {ONE: Verdict("accept"), NEW: Verdict(what="ACME")}
    assert add_sources(path, new) == 1
    assert path.read_text() == BY_HAND + (
        f'\n[sources.{NEW}]\nwhat = "ACME"\nstatus = "unseen"\nby = ""\nnote = ""\n'
    )
    assert add_sources(path, new) == 0
    with pytest.raises(ArgumentError):
        mark(path, NEW, "accept", by="")


def test_an_update_of_the_software_is_to_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    found = {ONE: Verdict(what="one", software=("1 [a]", 'b "2"')), TWO: Verdict(software=("x",))}
    write_verdicts(path, Verdicts(found))
    mark(path, ONE, "invert", by="B", note="why", when=DAY)
    mark(path, TWO, "exclude", by="B", when=DAY)
    before = path.read_text()
    assert add_sources(path, found) == 0
    assert path.read_text() == before
    found[ONE] = Verdict(software=("1 [a]", "3"))
    found[TWO] = Verdict(software=("y",))
    assert add_sources(path, found) == 1  # what is left out stays out
    known = read_verdicts(path).verdicts
    assert known[ONE] == Verdict(
        "unseen", "B", DAY, "why", "one", ("1 [a]", 'b "2"', "3"), was="invert"
    )
    assert (known[TWO].status, known[TWO].software) == ("exclude", ("x", "y"))
    marked = mark(path, ONE, "accept", by="C", when=DAY)
    assert (marked.status, marked.was, marked.software) == ("accept", "", known[ONE].software)


def test_versions_are_added_to_an_entry_that_was_written_by_hand(path: Path) -> None:
    assert add_sources(path, {ONE: Verdict(software=("1",))}) == 0
    known = read_verdicts(path).verdicts[ONE]
    assert (known.status, known.software) == ("unseen", ("1",))
    assert path.read_text().replace('software = ["1"]\n', "") == BY_HAND


def test_software_that_is_no_list(path: Path) -> None:
    path.write_text(f"[sources.{ONE}]\nsoftware = '1'\n")
    with pytest.raises(FastpixError, match=r"software of \[sources.*should be a list of texts"):
        read_verdicts(path)
