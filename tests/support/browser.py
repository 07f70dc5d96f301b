"""A page in headless Chromium: opened from disk, without a network, everything it says kept."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.libraries import DEMANDED, library

DRIVER = "playwright.sync_api"
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 400, "height": 800}
_MOST_STEPS = 400  # of the Tab key, until something has the focus


def chromium_path() -> str:
    """Return where Chromium is; skip the test if it is not there, unless the driver is demanded."""
    found = os.environ.get("FASTPIX_CHROMIUM") or shutil.which("chromium")
    if found is None and DRIVER in DEMANDED:
        pytest.fail("there is no chromium: install it, or name one by FASTPIX_CHROMIUM")
    return found or pytest.skip("needs chromium: nox -s browser")


@contextlib.contextmanager
def started_chromium() -> Iterator[Any]:
    """Start Debian's Chromium, or the one that FASTPIX_CHROMIUM names."""
    driver = library(DRIVER)
    path = chromium_path()
    with driver.sync_playwright() as playwright:
        # Chromium has no sandbox for root, and the gate may run as root.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Opened:
    """A page, and what it has done since it was opened.

    Attributes
    ----------
    page : playwright.sync_api.Page
    address : str
    console, errors, requests : list of str
        What it wrote to the console, which exceptions nothing caught, and what it asked for.
    """

    page: Any
    address: str
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def check_silence(self) -> None:
        """Check that the page asked for itself alone, and complained about nothing."""
        assert self.console == []
        assert self.errors == []
        # What is made in the page (data:, blob:) goes over no network.
        assert {each for each in self.requests if not each.startswith(("data:", "blob:"))} == {
            self.address
        }

    def tab_to(self, selector: str, key: str = "Tab") -> None:
        """Press Tab, or Shift+Tab, until an element has the focus, as who has no mouse does."""
        focused = self.page.locator(f":focus:is({selector})")
        for _ in range(_MOST_STEPS):
            self.page.keyboard.press(key)
            if focused.count():
                return
        pytest.fail(f"{key} does not lead to {selector}")

    def source(self, source: str) -> Any:
        """Return the section of a source."""
        return self.page.locator(f'section[data-source="{source}"]')

    def current(self) -> str | None:
        """Return the id of the source that has the focus, or holds what has it."""
        found: str | None = self.page.evaluate(
            "document.activeElement.closest('[data-source]')?.dataset.source ?? null"
        )
        return found

    def statuses(self) -> dict[str, str]:
        """Return what the page shows as decided, by ids of sources."""
        found: dict[str, str] = self.page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('section[data-source]')]"
            ".map(each => [each.dataset.source, each.dataset.status]))"
        )
        return found


# A dialog that nobody answers here. Firefox and Safari have none, so the page does without it, too.
_NO_PICKER = "delete window.showSaveFilePicker"


@contextlib.contextmanager
def opened(browser: Any, path: Path, script: str = _NO_PICKER, **settings: Any) -> Iterator[Opened]:
    """Open a page from disk, where no network is; check that it was silent when it is closed.

    Parameters
    ----------
    browser : playwright.sync_api.Browser
    path : path
        Of the page.
    script : str
        Runs before those of the page.
    **settings
        Of the context: ``viewport``, ``color_scheme``, ``permissions``.
    """
    context = browser.new_context(offline=True, **{"viewport": WIDE, **settings})
    try:
        context.add_init_script(script)
        page = context.new_page()
        page.set_default_timeout(15_000)
        seen = Opened(page, path.resolve().as_uri())
        page.on("console", lambda message: seen.console.append(message.text))
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto(seen.address)
        yield seen
        seen.check_silence()
    finally:
        context.close()
