"""The page of a comparison, and that of a history: silent, accessible, as wide as the screen."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.browser import NARROW, WIDE, opened
from support.comparisons import comparison
from support.libraries import library

from fastpix.compare.report.comparison_page import write_history, write_report


def write_some_history(path: Path) -> None:
    days = ("2026-09-01", "2026-10-15", "2026-11-28")
    write_history([comparison("images", made=f"{day}T10:00:00Z") for day in days], path)


PAGES: dict[str, Callable[[Path], None]] = {
    "comparison": lambda path: write_report(comparison("images", "series", "batches"), path),
    "history": write_some_history,
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", PAGES)
def test_accessible(
    chromium: Any, tmp_path: Path, name: str, theme: str, size: dict[str, int]
) -> None:
    library("axe_playwright_python")
    axe = importlib.resources.files("axe_playwright_python") / "axe.min.js"
    PAGES[name](tmp_path / "page.html")
    with opened(chromium, tmp_path / "page.html", viewport=size, color_scheme=theme) as seen:
        assert seen.page.locator("svg.chart:visible").count()
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        seen.page.evaluate(axe.read_text("utf-8"))
        found = seen.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []


def test_colours_are_chosen_by_a_button(chromium: Any, tmp_path: Path) -> None:
    write_report(comparison("images"), tmp_path / "page.html")
    with opened(chromium, tmp_path / "page.html", color_scheme="light") as seen:
        light = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        seen.page.get_by_role("button", name="Dark").click()
        assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") != light
        assert seen.page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
