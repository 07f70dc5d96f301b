"""Sources are marked by the keyboard, and `convert` obeys the file that the page saves."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.audited_files import TURNED, Audited, make_audited
from support.browser import Opened, opened

import fastpix
from fastpix.audit.audit_files import with_verdicts
from fastpix.audit.record_json import from_json
from fastpix.audit.report.page import write_page
from fastpix.pseudonyms import Names, load_key
from fastpix.sources.verdict_writing import write_verdicts
from fastpix.sources.verdicts import Verdict, Verdicts, read_verdicts

Call = Callable[..., str]
KEYS = {"accept": "a", "invert": "i", "exclude": "x", "unseen": "u"}
HARD = 'He said "no" to C:\\new\nand \'\'\' or """ \t \U0001f9e0 é\u2028</script><!-- \\u0041 \\'
DECIDED = {"CR 1": "accept", TURNED: "invert", "CT 1": "accept", "US 1": "exclude", "odd": "accept"}


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return make_audited(tmp_path_factory.mktemp("marked"))


def go_to(seen: Opened, source: str) -> None:
    """Press keys until a source has the focus, through all of them down and up again."""
    count = len(seen.statuses())
    for key in "j" * count + "k" * count:
        if seen.current() == source:
            return
        seen.page.keyboard.press(key)
    assert seen.current() == source


def mark(seen: Opened, source: str, status: str) -> None:
    go_to(seen, source)
    seen.page.keyboard.press(KEYS[status])
    assert seen.statuses()[source] == status


def write_note(seen: Opened, source: str, note: str) -> None:
    go_to(seen, source)
    seen.tab_to(f'section[data-source="{source}"] [data-note]')
    seen.page.keyboard.insert_text(note)
    seen.page.keyboard.press("Escape")


def sign(seen: Opened, name: str) -> None:
    """Write a name into the bar, which ends the page, and leave it."""
    seen.tab_to("#decided-by", "Shift+Tab")
    seen.page.keyboard.insert_text(name)
    seen.page.keyboard.press("Escape")


def saved(seen: Opened, path: Path) -> Verdicts:
    """Save the file by the keyboard."""
    seen.tab_to("#save-sources")
    with seen.page.expect_download() as waited:
        seen.page.keyboard.press("Enter")
    assert waited.value.suggested_filename == "sources.toml"
    waited.value.save_as(path)
    return read_verdicts(path)


def is_today(when: datetime.date | None) -> bool:
    # The day may end while the test runs.
    return when is not None and abs(when - datetime.date.today()) <= datetime.timedelta(1)


def test_the_keyboard_marks_and_convert_obeys(
    chromium: Any, audited: Audited, tmp_path: Path, call: Call
) -> None:
    before = read_verdicts(audited.out / "sources.toml")
    assert {each.status for each in before.verdicts.values()} == {"unseen"}
    toml = tmp_path / "sources.toml"
    with opened(chromium, audited.page) as seen:
        assert seen.statuses() == dict.fromkeys(audited.ids.values(), "unseen")
        sign(seen, "B. Miller")
        for model, status in DECIDED.items():
            mark(seen, audited.ids[model], status)
        write_note(seen, audited.ids[TURNED], "the lungs are white")
        verdicts = saved(seen, toml)
    assert replace(verdicts, verdicts={}) == replace(before, verdicts={})
    assert list(verdicts.verdicts) == list(before.verdicts)
    for model, status in DECIDED.items():
        found = verdicts.verdicts[audited.ids[model]]
        assert (found.status, found.by) == (status, "B. Miller")
        assert found.note == ("the lungs are white" if model == TURNED else "")
        assert found.what == before.verdicts[audited.ids[model]].what
        assert is_today(found.when)

    dst = tmp_path / "dst"
    call("convert", audited.src, dst, "--sources", toml, "--key-file", audited.key, "--workers", 1)
    cache = fastpix.open_cache(dst)
    rows = {row["name"]: row for row in fastpix.read_manifest(dst).to_pylist()}
    names = Names(load_key(audited.key, dst))
    for path in sorted(audited.src.glob("*/*.dcm")):
        name = names.of_path(path.relative_to(audited.src).as_posix())
        row, status = rows[name], DECIDED[path.parent.name]
        assert (row["source"], row["verdict"]) == (audited.ids[path.parent.name], status)
        assert row["status"] == ("left out" if status == "exclude" else "done")
        assert (name in cache.names) == (status != "exclude")
        if status == "exclude":
            continue
        expected = fastpix.imread(path)
        if status == "invert":
            expected = expected.max() - expected  # of MONOCHROME2: it is inverted by its maximum
        assert np.array_equal(cache[cache.names.index(name)], expected)


def test_what_nobody_has_looked_at_is_refused(
    chromium: Any, audited: Audited, tmp_path: Path, call: Call
) -> None:
    toml = tmp_path / "sources.toml"
    unseen = audited.ids["CT 1"]
    with opened(chromium, audited.page) as seen:
        sign(seen, "B")
        for model, source in audited.ids.items():
            mark(seen, source, DECIDED[model])
        mark(seen, unseen, "unseen")  # on second thoughts
        assert saved(seen, toml).status_of(unseen) == "unseen"
    convert = "convert", audited.src, tmp_path / "dst", "--sources", toml
    said = call(*convert, "--key-file", audited.key, "--workers", 1, code=1)
    assert f"nobody has looked at source {unseen}" in said
    assert "fastpix audit SRC OUT" in said
    assert f"fastpix audit mark {unseen} accept" in said


def test_the_buttons_do_what_the_keys_do(chromium: Any, audited: Audited, tmp_path: Path) -> None:
    with opened(chromium, audited.page) as seen:
        seen.page.locator("#decided-by").fill("C")
        for model, source in audited.ids.items():
            seen.source(source).locator(f'[data-mark="{DECIDED[model]}"]').click()
        assert seen.statuses() == {audited.ids[model]: DECIDED[model] for model in audited.ids}
        with seen.page.expect_download() as waited:
            seen.page.locator("#save-sources").click()
        waited.value.save_as(tmp_path / "sources.toml")
    verdicts = read_verdicts(tmp_path / "sources.toml").verdicts
    assert {each.by for each in verdicts.values()} == {"C"}
    assert verdicts[audited.ids[TURNED]].status == "invert"


def test_the_copy_is_the_file(chromium: Any, audited: Audited, tmp_path: Path) -> None:
    allowed = ["clipboard-read", "clipboard-write"]
    with opened(chromium, audited.page, permissions=allowed) as seen:
        sign(seen, 'B "x"')
        mark(seen, audited.ids["CR 1"], "accept")
        write_note(seen, audited.ids["CR 1"], "é\nö")
        seen.tab_to("#copy-sources")
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_function("navigator.clipboard.readText().then(text => text !== '')")
        copied: str = seen.page.evaluate("navigator.clipboard.readText()")
        saved(seen, tmp_path / "sources.toml")
    assert (tmp_path / "sources.toml").read_bytes().decode() == copied


def test_every_note_survives(chromium: Any, audited: Audited, tmp_path: Path) -> None:
    """Of the page, of a reload, of the file, and of another page that is made of the file."""
    source = audited.ids["odd"]
    toml = tmp_path / "out" / "sources.toml"
    with opened(chromium, audited.page) as seen:
        sign(seen, HARD.replace("\n", " "))
        mark(seen, source, "accept")
        write_note(seen, source, HARD)
        seen.page.reload()
        assert seen.statuses()[source] == "accept"
        note = seen.source(source).locator("[data-note]")
        assert note.input_value() == HARD
        found = saved(seen, tmp_path / "saved.toml").verdicts[source]
    assert (found.status, found.by, found.note) == ("accept", HARD.replace("\n", " "), HARD)
    again = with_verdicts_of(audited, tmp_path / "saved.toml", toml.parent)
    with opened(chromium, again) as seen:
        assert seen.source(source).locator("[data-note]").input_value() == HARD
        assert saved(seen, toml).verdicts[source] == found


def with_verdicts_of(audited: Audited, toml: Path, out: Path) -> Path:
    """Audit the files once more, into a folder where people have decided already."""
    out.mkdir()
    shutil.copyfile(toml, out / "sources.toml")
    audit = with_verdicts(from_json((audited.out / "audit.json").read_text("utf-8")), out)
    write_page(audit, {}, out)
    return out / "index.html"


def test_what_was_decided_before_is_shown_and_kept(
    chromium: Any, audited: Audited, tmp_path: Path
) -> None:
    ids = audited.ids
    before = read_verdicts(audited.out / "sources.toml")
    day = datetime.date(2025, 12, 24)
    changed = Verdict("unseen", "A. Smith", day, "air is black", "Acme, CT 1", ("",), "accept")
    decided = {
        ids["CR 1"]: Verdict("accept", "A. Smith", day, "lungs are dark", "Acme, CR 1", ("",)),
        ids["CT 1"]: changed,  # its software is another one since
        ids["odd"]: changed,
        "0" * 16: Verdict("exclude", "A. Smith", day, "sold in 2024", "not here any more"),
    }
    toml = tmp_path / "old.toml"
    write_verdicts(toml, replace(before, verdicts=decided))
    assert read_verdicts(toml).verdicts == decided
    page = with_verdicts_of(audited, toml, tmp_path / "out")
    with opened(chromium, page) as seen:
        assert seen.statuses() == {
            source: "accept" if source == ids["CR 1"] else "unseen" for source in ids.values()
        }
        note = seen.source(ids["CR 1"]).locator("[data-note]")
        assert note.input_value() == "lungs are dark"
        by = " by A. Smith on 2025-12-24"
        shown = {model: seen.source(each).locator(".before") for model, each in ids.items()}
        assert shown["CR 1"].text_content() == f"In sources.toml: accept{by}"
        assert shown["CT 1"].text_content() == f"Before the software changed: accept{by}"
        assert shown["US 1"].count() == 0
        sign(seen, "B. Miller")
        mark(seen, ids[TURNED], "invert")
        mark(seen, ids["CT 1"], "accept")
        verdicts = dict(saved(seen, tmp_path / "saved.toml").verdicts)
    again = verdicts.pop(ids["CT 1"])
    assert (again.status, again.by, again.was) == ("accept", "B. Miller", "")
    assert (again.note, again.software) == ("air is black", ("",))
    for source in decided.keys() & verdicts.keys():
        assert verdicts[source] == decided[source]
    assert (verdicts[ids[TURNED]].status, verdicts[ids[TURNED]].by) == ("invert", "B. Miller")
    assert verdicts.keys() == {*ids.values(), "0" * 16} - {ids["CT 1"]}


def test_marks_survive_a_reload(chromium: Any, audited: Audited) -> None:
    with opened(chromium, audited.page) as seen:
        sign(seen, "B. Miller")
        for model, source in audited.ids.items():
            mark(seen, source, DECIDED[model])
        marked = seen.statuses()
        seen.page.reload()
        assert seen.statuses() == marked
        assert seen.page.locator("#decided-by").input_value() == "B. Miller"


def test_keys_write_in_a_note_and_mark_nothing(chromium: Any, audited: Audited) -> None:
    source = audited.ids["CR 1"]
    with opened(chromium, audited.page) as seen:
        go_to(seen, source)
        seen.tab_to(f'section[data-source="{source}"] [data-note]')
        seen.page.keyboard.type("axiujk")
        seen.page.keyboard.press("ArrowDown")
        assert seen.current() == source
        assert set(seen.statuses().values()) == {"unseen"}
        assert seen.source(source).locator("[data-note]").input_value() == "axiujk"
        seen.tab_to("#decided-by")
        seen.page.keyboard.type("axiu")
        for held in ("Control+x", "Alt+i", "Meta+a"):
            seen.page.keyboard.press(held)
        assert set(seen.statuses().values()) == {"unseen"}


def test_shortcuts_of_the_browser_mark_nothing(chromium: Any, audited: Audited) -> None:
    with opened(chromium, audited.page) as seen:
        go_to(seen, audited.ids["CR 1"])
        for held in ("Control+a", "Control+i", "Alt+x", "Meta+u"):
            seen.page.keyboard.press(held)
        assert set(seen.statuses().values()) == {"unseen"}


def test_arrows_go_through_sources(chromium: Any, audited: Audited) -> None:
    with opened(chromium, audited.page) as seen:
        order = list(seen.statuses())
        for keys in (("j", "k"), ("ArrowRight", "ArrowLeft")):
            go_to(seen, order[0])
            met = [seen.current()]
            for _ in order[1:]:
                seen.page.keyboard.press(keys[0])
                met.append(seen.current())
            assert met == order
            for _ in order[1:]:
                seen.page.keyboard.press(keys[1])
            assert seen.current() == order[0]


def test_a_verdict_is_somebodys(chromium: Any, audited: Audited, tmp_path: Path) -> None:
    with opened(chromium, audited.page) as seen:
        mark(seen, audited.ids["CR 1"], "accept")
        seen.tab_to("#save-sources")
        seen.page.keyboard.press("Enter")
        assert "write your name first" in seen.page.locator("[role=status]").inner_text()
        assert seen.page.evaluate("document.activeElement.id") == "decided-by"
        seen.page.keyboard.insert_text("C")
        assert saved(seen, tmp_path / "sources.toml").verdicts[audited.ids["CR 1"]].by == "C"


# What asks where to save in Chromium, without a dialog: what is written goes into the page.
PICKER = """window.showSaveFilePicker = async ({ suggestedName }) => ({
  createWritable: async () => ({
    write: async (text) => { window.written = [suggestedName, text]; },
    close: async () => { window.closed_ = true; },
  }),
})"""
NO_PLACE = """window.showSaveFilePicker = async () => {
  throw new DOMException("The user aborted a request.", "AbortError");
}"""


def test_a_browser_that_asks_where_to_save(chromium: Any, audited: Audited, tmp_path: Path) -> None:
    with opened(chromium, audited.page, PICKER) as seen:
        sign(seen, "B")
        mark(seen, audited.ids["CR 1"], "accept")
        seen.tab_to("#save-sources")
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_function("window.closed_")
        name, text = seen.page.evaluate("window.written")
    (tmp_path / name).write_text(text, "utf-8")
    assert name == "sources.toml"
    assert read_verdicts(tmp_path / name).status_of(audited.ids["CR 1"]) == "accept"


def test_what_is_not_saved_is_not_left_without_a_warning(chromium: Any, audited: Audited) -> None:
    with opened(chromium, audited.page, NO_PLACE) as seen:
        asked: list[str] = []

        def leave(dialog: Any) -> None:
            asked.append(dialog.type)
            dialog.accept()

        seen.page.on("dialog", leave)
        seen.page.reload()
        assert asked == []
        sign(seen, "B")
        mark(seen, audited.ids["CR 1"], "accept")
        seen.page.reload()
        assert asked == ["beforeunload"]
        seen.tab_to("#save-sources")
        seen.page.keyboard.press("Enter")  # and no place is chosen
        seen.page.wait_for_function("document.getElementById('said').textContent !== ''")
        assert "Not saved" in seen.page.locator("#said").inner_text()
        seen.page.reload()
        assert asked == ["beforeunload"] * 2


NOTHING_ALLOWED = """delete window.showSaveFilePicker;
Object.defineProperty(navigator, "clipboard", { value: undefined });
Storage.prototype.setItem = Storage.prototype.getItem = () => { throw new Error("forbidden"); };
"""


def test_a_browser_that_stores_and_copies_nothing(
    chromium: Any, audited: Audited, tmp_path: Path
) -> None:
    with opened(chromium, audited.page, NOTHING_ALLOWED) as seen:
        sign(seen, "B")
        mark(seen, audited.ids["CR 1"], "accept")
        seen.tab_to("#copy-sources", "Shift+Tab")
        seen.page.keyboard.press("Enter")
        verdicts = saved(seen, tmp_path / "sources.toml")
        write_note(seen, audited.ids["odd"], "")
        note = seen.source(audited.ids["odd"]).locator("[data-note]")
        note.focus()
        seen.page.keyboard.press("Control+v")
        pasted = note.input_value()
    assert verdicts.status_of(audited.ids["CR 1"]) == "accept"
    # A field has lines of one kind, and ends at its greatest length.
    assert (tmp_path / "sources.toml").read_text("utf-8").startswith(pasted)
    assert len(pasted) > 300
