"""The page of copies that wait: decided by the keyboard, for the copies that it shows alone."""

from __future__ import annotations

import importlib.resources
import shlex
from pathlib import Path
from typing import Any

import pytest
from support.browser import NARROW, WIDE, Opened, opened
from support.libraries import library

from fastpix.deidentification.run.review import Waiting
from fastpix.deidentification.run.review_page import review_page

COUNT = 6
DST = "/data/it's out"
COPIES = [
    Waiting(f"{k:032x}", f"{k:08x}", "<b>ultrasound</b>", Path("none.dcm"), Path("none.png"))
    for k in range(COUNT)
]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "index.html"
    path.write_text(review_page(COPIES, DST), "utf-8")
    return path


def command(seen: Opened, which: str) -> list[str]:
    return shlex.split(seen.page.input_value(f"#{which}"))


def told(seen: Opened) -> str:
    found: str = seen.page.inner_text("#told")
    return found


def test_copies_are_decided_by_keys(chromium: Any, page: Path) -> None:
    with opened(chromium, page) as seen:
        assert (command(seen, "out"), command(seen, "remove")) == ([], [])
        for key in "oorou":
            seen.page.keyboard.press(key)
        assert told(seen) == "2 to let out, 1 to remove, 3 open."
        seen.page.fill("#by", "D. O'Hara")
        begin = ["fastpix", "deidentify"]
        shown = [each.shown for each in COPIES]
        assert command(seen, "out") == [*begin, "accept", DST, "--by", "D. O'Hara", *shown[:2]]
        assert command(seen, "remove") == [*begin, "refuse", DST, "--by", "D. O'Hara", shown[2]]
        seen.page.reload()  # a page that is closed by mistake costs nothing
        assert told(seen) == "2 to let out, 1 to remove, 3 open."
        seen.page.check(f'[data-name="{shown[1]}"] [value=remove]')
        assert told(seen) == "1 to let out, 2 to remove, 3 open."
        seen.page.click("#hide")
        assert seen.page.locator("fieldset:visible").count() == 3
        seen.page.on("dialog", lambda dialog: dialog.accept())
        with seen.page.expect_download() as download:
            seen.page.click("[data-save=remove]")
        assert Path(download.value.path()).read_text().split() == [shown[1], shown[2]]
        seen.page.click("#all")
        assert told(seen) == "4 to let out, 2 to remove, 0 open."
        seen.page.click("#none")
        assert told(seen) == f"0 to let out, 0 to remove, {COUNT} open."


def test_a_copy_that_was_made_again_is_open_again(chromium: Any, page: Path) -> None:
    with opened(chromium, page) as seen:
        seen.page.keyboard.press("o")
        again = [COPIES[0]._replace(version="f" * 8), *COPIES[1:]]
        page.write_text(review_page(again, DST), "utf-8")
        seen.page.reload()
        assert told(seen) == f"0 to let out, 0 to remove, {COUNT} open."


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_accessible(chromium: Any, page: Path, theme: str, size: dict[str, int]) -> None:
    library("axe_playwright_python")
    axe = importlib.resources.files("axe_playwright_python") / "axe.min.js"
    with opened(chromium, page, viewport=size, color_scheme=theme) as seen:
        seen.page.keyboard.press("o")
        seen.page.evaluate(axe.read_text("utf-8"))
        found = seen.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [each["id"] for each in found["violations"]] == []
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
