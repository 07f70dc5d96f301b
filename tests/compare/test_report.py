"""The page of a comparison: what it shows, what it escapes, and that it asks for nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from support.comparisons import HOSTILE, MACHINE, comparison

from fastpix.compare.comparison import Comparison, Options, PartRecord, ReaderRecord, json_text
from fastpix.compare.report.comparison_charts import (
    duration,
    kinds_of,
    pass_plot,
    ratio_plot,
    times,
)
from fastpix.compare.report.comparison_page import (
    history_of,
    report_of,
    write_history,
    write_report,
)
from fastpix.compare.report.history_charts import history_plots
from fastpix.compare.report.stored_comparisons import read_comparisons
from fastpix.errors import FastpixError
from fastpix.pages.axes import log_place, log_ticks

pytest.importorskip("jinja2", reason="the page needs it: pip install 'fastpix[bench]'")

WITHOUT_END = {"meta", "br", "img"}
PARTS: tuple[Any, ...] = ("images", "series", "batches")
DAYS = ("2026-09-01", "2026-10-15", "2026-11-28")


class Tags(HTMLParser):
    """What a page opens and does not close, what it links to, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts = 0
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in WITHOUT_END:
            self.open.append(tag)
        self.scripts += tag == "script"
        for name, value in attrs:
            assert not name.startswith("on"), f"{tag} has {name}"
            assert name != "style", "the policy of the page forbids it"
            if name == "id":
                self.ids.append(str(value))
            if name in ("href", "src", "data", "action", "srcset"):
                self.links.append(str(value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in WITHOUT_END:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


def history() -> list[Comparison]:
    return [comparison("images", "series", made=f"{day}T10:00:00Z") for day in DAYS]


PAGES = {
    "all parts": lambda: report_of(comparison(*PARTS)),
    "nothing timed": lambda: report_of(without_times()),
    "nothing compared": lambda: report_of(comparison()),
    "interrupted": lambda: report_of(replace(comparison("images"), interrupted=True)),
    "history": lambda: history_of(history()),
    "one of a history": lambda: history_of(history()[:1]),
}


def without_times() -> Comparison:
    readers = tuple(ReaderRecord(name, "1.0", read=3) for name in ("fastpix", "pydicom"))
    part = PartRecord("images", 0, 3, readers)
    return Comparison(
        "2026-11-28T11:00:00Z", replace(MACHINE, memory_bytes=None), Options(), (part,)
    )


@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole_and_asks_for_nothing(name: str) -> None:
    text = PAGES[name]()
    page = Tags(text)
    assert page.open == []
    assert page.scripts == 1
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert not re.search(r"https?://|url\(|@import|//\w", re.sub(r"^// .*$", "", text, flags=re.M))
    assert "None" not in "".join(page.words)


def test_what_a_reader_says_is_escaped() -> None:
    text = report_of(comparison(*PARTS))
    assert HOSTILE not in text
    assert HOSTILE in "".join(Tags(text).words)


def test_page_says_what_the_record_has() -> None:
    words = " ".join("".join(Tags(report_of(comparison("images"))).words).split())
    for text in (
        *("602 images compared", "pydicom", "5.1×", "3.57× to 8.16×", "failed: ValueError"),
        *("JPEG 2000 Lossless", "AMD EPYC 9R14", "not installed", "8 GB", "61×"),
    ):
        assert text in words
    assert "interrupted" in report_of(replace(comparison("images"), interrupted=True))


def test_ratios_stand_on_a_logarithmic_axis_on_which_fastpix_is_one() -> None:
    plot = ratio_plot(comparison("images").parts[0])
    assert plot is not None
    assert [row.reader for row in plot.rows] == ["fastpix", "dicomsdl", "pydicom", "SimpleITK"]
    ours = plot.rows[0]
    assert ours.low == ours.middle == ours.high == plot.one
    assert plot.rows[1].middle < plot.one < plot.rows[2].middle < plot.rows[3].middle
    assert all(0 <= row.low <= row.middle <= row.high <= 100 for row in plot.rows)
    assert log_place(10, 1, 1000) == pytest.approx(100 / 3)
    assert [tick.text for tick in log_ticks(0.5, 20)] == ["0.5", "1", "2", "5", "10", "20"]


def test_a_disturbed_pass_is_marked() -> None:
    plot = pass_plot(comparison("images").parts[0])
    assert plot is not None
    slow = {
        row.reader: [k for k, each in enumerate(row.passes) if each.is_slow] for row in plot.rows
    }
    assert slow == {"fastpix": [0], "pydicom": [0], "dicomsdl": [0], "SimpleITK": [3]}
    assert "slower than the others: 4" in plot.rows[-1].said
    assert pass_plot(without_times().parts[0]) is None


def test_kinds_are_shares_of_all_items() -> None:
    found = kinds_of(comparison("images").parts[0])
    assert [(each.items, each.is_failure) for each in found] == [(12, True), (3, False), (1, False)]
    assert found[0].width == pytest.approx(100 * 12 / 602)


def test_times_never_claim_more_than_three_digits() -> None:
    assert [times(each) for each in (0.8349, 1.0, 12.345, 1234.5)] == [
        "0.835×", "1×", "12.3×", "1,230×",
    ]  # fmt: skip


def test_times_have_a_unit_that_fits() -> None:
    assert [duration(each).replace("\u00a0", " ") for each in (0.0000741, 0.83, 5.14, 185)] == [
        "0.074 ms", "830 ms", "5.1 s", "3 min 5 s",
    ]  # fmt: skip


def test_a_history_is_drawn_in_the_order_of_time() -> None:
    records = history()
    text = history_of(records[::-1])
    assert text.index(DAYS[0]) < text.index(DAYS[2])
    plots = history_plots(records)
    assert [plot.part for plot in plots] == ["images", "series"]
    for course in plots[0].courses:
        assert [point.x for point in course.points] == sorted(point.x for point in course.points)
        assert len(course.lines) == len(DAYS) - 1
    assert history_plots(records[:1]) == []
    other = replace(records[0], machine=replace(MACHINE, processor="another"))
    assert "several machines" in history_of([other, *records])
    assert "several machines" not in text


def test_pages_are_written_whole_and_records_are_read_back(tmp_path: Path) -> None:
    record = comparison(*PARTS)
    (tmp_path / "a.json").write_text(json_text(record))
    assert read_comparisons([tmp_path / "a.json"]) == [record]
    write_report(record, tmp_path / "page.html")
    write_history([record], tmp_path / "page.html")
    assert "History" in (tmp_path / "page.html").read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "page.html"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"fastpix_comparison": 1}', '{"fastpix_comparison": 2}', "nonsense"]
)
def test_what_is_no_record_is_refused_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FastpixError, match=r"a\.json.*bench --json"):
        read_comparisons([tmp_path / "a.json"])
    value = json.loads(json_text(comparison("images")))
    value["made"] = "yesterday"
    (tmp_path / "b.json").write_text(json.dumps(value))
    with pytest.raises(FastpixError, match=r"b\.json"):
        read_comparisons([tmp_path / "b.json"])


def test_a_comparison_of_another_version_is_told_from_nonsense(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"fastpix_comparison": 2}')
    with pytest.raises(FastpixError, match="version 2, and this fastpix reads version 1"):
        read_comparisons([tmp_path / "a.json"])


@pytest.mark.parametrize("ratio", ["3", 0, -1.0, float("nan"), float("inf")])
def test_a_ratio_that_cannot_be_drawn_is_refused_by_name(ratio: object, tmp_path: Path) -> None:
    value = json.loads(json_text(comparison(*PARTS)))
    value["parts"][0]["readers"][1]["ratio"] = ratio
    (tmp_path / "a.json").write_text(json.dumps(value))
    with pytest.raises(FastpixError, match=r"a\.json is no record"):
        read_comparisons([tmp_path / "a.json"])


def test_a_record_that_was_changed_by_hand_is_refused_by_name(tmp_path: Path) -> None:
    value = json.loads(json_text(comparison(*PARTS)))
    named = json.loads(json_text(comparison(*PARTS)))
    named["parts"][0]["readers"][1]["reader"] = ["pydicom"]
    texts = [json.dumps({**value, "made": "2026-11-28"}), json.dumps(named), "[" * 100_000]
    for text in texts:
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(FastpixError, match=r"a\.json is no record"):
            read_comparisons([tmp_path / "a.json"])
