"""The page in a browser: silent, accessible, whole in both themes, wide, narrow and on paper."""

from __future__ import annotations

import importlib.resources
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.audited_files import HOSTILE, TURNED, Audited, make_audited
from support.browser import NARROW, WIDE, Opened, opened
from support.libraries import library

from fastpix.audit.audit_files import with_verdicts
from fastpix.audit.findings import CATALOGUE
from fastpix.audit.record import (
    Audit,
    BurnedIn,
    Change,
    Counts,
    Decodable,
    DecoderDifference,
    FindingCount,
)
from fastpix.audit.record_json import from_json
from fastpix.audit.report.page import write_page

# What sticks out of the window, where it would be cut off; wide tables can be scrolled.
CUT_OFF = """[...document.querySelectorAll("body *")]
  .filter((each) => each.checkVisibility() && !each.closest(".scroll"))
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.tagName + " " + each.textContent.slice(0, 60))"""
FILTER = "each => getComputedStyle(each).filter"
THEMES = ("light", "dark")
MANY = 200  # sources
KEYS = 25  # that are pressed there
# Samples of each source, and whether they are shown both ways: colour has no other way.
SAMPLES = {
    "CR 1": (3, True), TURNED: (3, True), "CT 1": (4, True), "US 1": (2, False), "odd": (2, True),
}  # fmt: skip


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return make_audited(tmp_path_factory.mktemp("looked_at"))


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core, as a package of Python brings it along: it is no part of this repository."""
    library("axe_playwright_python")
    return (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def open_details(seen: Opened) -> None:
    """Open what is closed, and have the browser lay out what is not in its window yet."""
    seen.page.evaluate(
        "document.querySelectorAll('details').forEach(each => each.open = true);"
        "document.querySelectorAll('main *').forEach(each => {"
        "if (getComputedStyle(each).contentVisibility === 'auto')"
        " each.style.contentVisibility = 'visible'})"
    )


@pytest.fixture(scope="module")
def pages(audited: Audited, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of a real audit, of one in which much has gone wrong, and of an empty folder."""
    audit = from_json((audited.out / "audit.json").read_text("utf-8"))
    found = {"real": audited.page}
    for name, changed in (("eventful", eventful(audit)), ("empty", empty(audit))):
        out = tmp_path_factory.mktemp(name)
        write_page(with_verdicts(changed, out), {}, out)
        found[name] = out / "index.html"
    return found


def eventful(audit: Audit) -> Audit:
    """Return an audit with what a sound folder does not show, and names of greatest length."""
    sources = []
    for number, source in enumerate(audit.sources[:2]):
        broken = replace(
            source.samples[0], error="a segment of the codestream is missing", low=None
        )
        sources.append(
            replace(
                source, manufacturer="W" * 64, model="m" * 64,
                software={"v" * 64: 3, "": 1, **{f"1.{k}": 1 for k in range(40)}},
                samples=(broken,) if number else (broken, *source.samples[1:]),
                burned_in=BurnedIn("look", ("it says so",), {"YES": 2, "absent": 1}),
                findings=tuple(FindingCount(each, 1, {"d" * 90: 1}) for each in CATALOGUE),
            )
        )  # fmt: skip
    differing = DecoderDifference(
        "fastpix", "imagecodecs", "JPEG 2000 Image Compression", 3, 1, 2, 1
    )
    lossy = replace(sources[0].compression, lossy=2, differences=(differing,))
    return replace(
        audit, pseudonymous=True, compared_with="2025-12-24T00:00:00+00:00",
        failures={"the file is cut off: " + "f" * 90: 2}, not_images={"n" * 64: 1},
        decodable=(Decodable("JPEG XL", 3, (), "pip install " + "p" * 60), *audit.decodable),
        changes=tuple(
            Change(sources[0].id if k else "", "software", "software " + "s" * 64) for k in range(3)
        ),
        findings=tuple(FindingCount(each, 1) for each in CATALOGUE),
        sources=(replace(sources[0], compression=lossy), *sources[1:]),
    )  # fmt: skip


def empty(audit: Audit) -> Audit:
    return replace(
        audit, counts=Counts(), sources=(), findings=(), decodable=(), failures={}, not_images={}
    )


LOOKS = [
    pytest.param(name, theme, size, id=f"{name}-{theme}-{'narrow' if size is NARROW else 'wide'}")
    for name, theme, size in (
        ("real", "light", WIDE), ("real", "dark", WIDE), ("real", "light", NARROW),
        ("real", "dark", NARROW), ("eventful", "light", NARROW), ("eventful", "dark", WIDE),
        ("empty", "light", NARROW), ("empty", "dark", WIDE),
    )
]  # fmt: skip


@pytest.mark.parametrize(("name", "theme", "size"), LOOKS)
def test_nothing_is_wider_than_the_window(
    chromium: Any, pages: dict[str, Path], name: str, theme: str, size: dict[str, int]
) -> None:
    with opened(chromium, pages[name], color_scheme=theme, viewport=size) as seen:
        for _ in range(2):
            widest, window = seen.page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert widest <= window
            assert seen.page.evaluate(CUT_OFF) == []
            open_details(seen)


@pytest.mark.parametrize(("name", "theme", "size"), LOOKS)
def test_axe_finds_no_serious_fault(
    chromium: Any, pages: dict[str, Path], axe: str, name: str, theme: str, size: dict[str, int]
) -> None:
    with opened(chromium, pages[name], color_scheme=theme, viewport=size) as seen:
        open_details(seen)
        seen.page.evaluate(axe)
        found = seen.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 10
    serious = [
        f"{each['id']} ({each['impact']}): {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
    assert serious == []


def test_the_theme_is_that_of_the_system_or_the_one_that_is_chosen(
    chromium: Any, audited: Audited
) -> None:
    for theme in THEMES:
        with opened(chromium, audited.page, color_scheme=theme) as seen:
            assert theme_of(seen) == theme
            for chosen in THEMES:
                seen.page.locator(f'[data-theme-choice="{chosen}"]').click()
                assert theme_of(seen) == chosen
            seen.page.locator('[data-theme-choice=""]').click()
            assert theme_of(seen) == theme


def theme_of(seen: Opened) -> str:
    seen.page.wait_for_timeout(50)
    script = "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number)"
    ground = sum(seen.page.evaluate(script)[:3])
    assert not 200 < ground < 600
    return "light" if ground >= 600 else "dark"


def test_a_hostile_name_is_a_text(chromium: Any, audited: Audited) -> None:
    with opened(chromium, audited.page) as seen:
        open_details(seen)
        assert HOSTILE in seen.source(audited.ids["odd"]).text_content()
        assert seen.page.evaluate("window.hit") is None
        assert seen.page.locator("img[src=x]").count() == 0


def test_what_is_on_paper(chromium: Any, audited: Audited) -> None:
    with opened(chromium, audited.page, color_scheme="dark") as seen:
        seen.page.emulate_media(media="print")
        for model, source in audited.ids.items():
            section = seen.source(source)
            assert section.is_visible()
            assert section.locator(".picture").first.is_visible()
            details = section.locator("details:not([open]) table").first
            assert details.is_visible()
            assert section.locator(".evidence").first.is_visible() == (model != "US 1")
        told = " ".join(seen.source(audited.ids[TURNED]).inner_text().split())
        assert "polarity: contradicts" in told
        # A mark is made on the screen.
        assert not seen.page.locator("#save-sources").is_visible()


def test_pictures_are_drawn_both_ways(chromium: Any, audited: Audited) -> None:
    with opened(chromium, audited.page) as seen:
        open_details(seen)
        for model, (count, both) in SAMPLES.items():
            pictures = seen.source(audited.ids[model]).locator(".sample .picture")
            assert pictures.count() == count * (2 if both else 1)
            for picture in pictures.all():
                assert picture.locator("[role=img]").get_attribute("aria-label")
            drawn = [shot(each).ravel() for each in pictures.all()[: 2 if both else 1]]
            assert drawn[0].std() > 20
            if both:
                read, turned = (each.locator("svg").first for each in pictures.all()[:2])
                assert [each.evaluate(FILTER) for each in (read, turned)] == ["none", "invert(1)"]
                assert read.inner_html() == turned.inner_html()  # the same picture
                assert np.corrcoef(drawn[0], drawn[1])[0, 1] < -0.9


def shot(element: Any) -> NDArray[np.int64]:
    """Return what is to be seen of an element, in grey levels."""
    element.scroll_into_view_if_needed()
    return np.asarray(Image.open(BytesIO(element.screenshot())).convert("L"), np.int64)


def test_filters(chromium: Any, audited: Audited) -> None:
    with opened(chromium, audited.page) as seen:

        def shown() -> set[str]:
            return {model for model, each in audited.ids.items() if seen.source(each).is_visible()}

        assert shown() == audited.ids.keys()
        seen.page.locator("#filter-polarity").select_option("contradicts")
        assert shown() == {TURNED}
        seen.page.locator("h1").click()
        for _ in range(3):
            seen.page.keyboard.press("j")
            assert seen.current() == audited.ids[TURNED]
        seen.page.locator("#filter-polarity").select_option("")
        seen.page.locator("#filter-text").fill("us 1")
        assert shown() == {"US 1"}
        seen.page.locator("#filter-text").fill("no such source")
        assert shown() == set()
        assert seen.page.locator("#none-shown").is_visible()


def test_a_finding_leads_to_its_entry_in_the_catalogue(chromium: Any, audited: Audited) -> None:
    with opened(chromium, audited.page) as seen:
        entry = seen.page.locator("details#PIX_SMALL")
        assert entry.get_attribute("open") is None
        seen.page.locator('#findings a[href="#PIX_SMALL"]').click()
        seen.page.wait_for_function("document.getElementById('PIX_SMALL').open")
        assert entry.locator("dl").is_visible()
        assert is_in_window(entry)


def is_in_window(element: Any) -> bool:
    found: bool = element.evaluate(
        "each => { const { top, bottom } = each.getBoundingClientRect();"
        "return bottom > 0 && top < innerHeight }"
    )
    return found


def with_many_sources(audited: Audited, out: Path) -> tuple[Path, Audit]:
    audit = from_json((audited.out / "audit.json").read_text("utf-8"))
    made = [
        replace(audit.sources[number % len(audit.sources)], id=f"{number:016x}", model=f"M{number}")
        for number in range(MANY)
    ]
    audit = with_verdicts(replace(audit, sources=tuple(made)), out)
    write_page(audit, {}, out)
    return out / "index.html", audit


def test_many_sources(chromium: Any, audited: Audited, tmp_path: Path) -> None:
    page, audit = with_many_sources(audited, tmp_path / "many")
    begin = time.perf_counter()
    with opened(chromium, page) as seen:
        seen.page.keyboard.press("j")
        assert seen.current() == audit.sources[0].id
        loaded = time.perf_counter() - begin
        seen.page.keyboard.press("x")
        for number in range(1, KEYS + 1):
            seen.page.keyboard.press("j")
            assert seen.current() == audit.sources[number].id
        took_keys = time.perf_counter() - begin - loaded
        last = audit.sources[-1].id
        seen.page.locator(f'[data-card="{last}"] a').click()
        seen.page.wait_for_function(
            "last => document.activeElement.closest('[data-source]')?.dataset.source === last",
            arg=last,
        )
        assert is_in_window(seen.source(last).locator("h3"))
        seen.page.keyboard.press("i")
        statuses = seen.statuses()
    ends = {audit.sources[0].id: "exclude", last: "invert"}
    assert statuses == {each.id: "unseen" for each in audit.sources} | ends
    size = f"{page.stat().st_size / 1e6:.1f} MB"
    print(f"{MANY} sources, {size}: shown in {loaded:.2f} s, {KEYS} keys in {took_keys:.2f} s")
