"""The page of an audit: its structure, its links, its safety, and what its script begins with."""

from __future__ import annotations

import dataclasses
import json
import re
import stat
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fastpix.audit.audit_files import with_verdicts
from fastpix.audit.findings import CATALOGUE
from fastpix.audit.record import (
    Audit,
    BurnedIn,
    Change,
    Compression,
    Counts,
    Decodable,
    DecoderDifference,
    Encoding,
    Evidence,
    FindingCount,
    Geometry,
    Histogram,
    Phase,
    Polarity,
    Rescale,
    SampleRecord,
    SourceRecord,
    Spread,
    Values,
    Window,
    Windows,
)
from fastpix.audit.report import page as page_module
from fastpix.audit.report.page import page_of, write_page
from fastpix.audit.sample_pictures import SamplePicture
from fastpix.sources.verdict_writing import head_of, mark
from fastpix.sources.verdicts import Verdict, Verdicts, read_verdicts

PERCENTILES = {"0.5": -1020.0, "1": -1000.0, "25": -900.0, "50": 0.0, "75": 50.0, "99": 1200.0}
VALUES = Values(
    "HU", 2, 100, 20, 1, -1024.0, 3071.0, 12.5, 300.0, PERCENTILES, 0.25, 0.0001, 0.0, 0.0, 11.5,
    Histogram(-1024.0, 32.0, tuple(range(128))),
)  # fmt: skip
SAMPLE = SampleRecord("a" * 64, "s", "p", (512, 512), 3, "MONOCHROME1", "RLE Lossless", "HU")
SOURCE = SourceRecord(
    "0123456789abcdef", "Maker", "Model", {"v1": 3}, "CT", "MONOCHROME1", "FOR PRESENTATION", 1234,
    4321, 1, 2, 3,
    encodings=(Encoding(16, 12, 11, False, 1234),),
    rescales=(Rescale(1.0, -1024.0, 1234),),
    padded=2,
    polarity=Polarity(
        "contradicts", -2.5,
        (Evidence("border_hu", "against", -0.9, "Dark.", -1.8),
         Evidence("other_sources", "for", 0.3, "Alike.", 0.2)),
    ),
    values=(VALUES,),
    windows=Windows({"1": 3}, {"LINEAR": 3}, 1, (Window(40.0, 400.0, 3),)),
    geometry=Geometry(1, 0, 1, {"missing_slices": 1}, tilt=Spread(3, -12.0, 0.0, 12.0)),
    compression=Compression(
        {"RLE Lossless": 3}, 2, Spread(2, 9.5, 10.0, 11.0),
        differences=(DecoderDifference("a", "b", "RLE Lossless", 3, 1, 7, 0),),
    ),
    burned_in=BurnedIn("look", ("ultrasound often have text",), {"absent": 3}),
    findings=(FindingCount("HDR_WINDOW", 3, {"text": 3}), FindingCount("PIX_DATA_WRONG", 1)),
    samples=(SAMPLE, dataclasses.replace(SAMPLE, error="PixelDataError: 3 bytes", shape=())),
)  # fmt: skip
OTHER = dataclasses.replace(
    SOURCE,
    id="f" * 16,
    photometric="MONOCHROME2",
    polarity=Polarity(),
    findings=(),
    samples=(SAMPLE,),
)
AUDIT = Audit(
    1, "2026-05-04T12:00:00+00:00", "0.1", ("manufacturer",), False, 12, 0, "key",
    Counts(12345, 10**9, 12000, 13000, 340, 5, 70, 80, 60, 4),
    not_images={"Basic Text SR Storage": 340},
    failures={"NotDicomError: no image": 5},
    decodable=(Decodable("RLE Lossless", 3, ("own 1",)), Decodable("X", 9, (), "pip install y")),
    phases=(Phase("headers", 12345, 70.0), Phase("pixels", 24, 1.5)),
    findings=(FindingCount("HDR_WINDOW", 3), FindingCount("PIX_DATA_WRONG", 1)),
    sources=(SOURCE, OTHER),
)  # fmt: skip
PICTURE = SamplePicture(b"picture", 64, 48, window=(1.0, 2.0), boxes=((0.1, 0.2, 0.3, 0.25),))
PICTURES = {SOURCE.id: (PICTURE,), OTHER.id: (dataclasses.replace(PICTURE, own=b"own"),)}
EMPTY = dataclasses.replace(
    AUDIT,
    counts=Counts(),
    not_images={},
    failures={},
    decodable=(),
    phases=(),
    findings=(),
    sources=(),
)
VOID = {"meta", "input", "img", "br"}


class Parsed(HTMLParser):
    """The elements of a page; fails where one is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, name: str) -> list[str]:
        return [
            value or "" for _, attrs in self.elements for key, value in attrs.items() if key == name
        ]


def verdicts_of(audit: Audit) -> Verdicts:
    return Verdicts({each.id: Verdict() for each in audit.sources}, audit.by, audit.key)


def made(audit: Audit = AUDIT, pictures: Any = PICTURES, verdicts: Verdicts | None = None) -> str:
    return page_of(audit, pictures, verdicts or verdicts_of(audit))


def embedded_in(text: str) -> Any:
    found = re.search(r'<script id="audit-sources" type="application/json">(.*?)</script>', text)
    assert found is not None
    return json.loads(found[1])


def test_what_scripts_and_people_rely_on() -> None:
    page = Parsed(made())
    assert page.all("data-source") == [SOURCE.id, OTHER.id]
    assert page.all("data-status") == ["unseen", "unseen"]
    assert Counter(page.all("data-mark")) == dict.fromkeys(
        ("accept", "invert", "exclude", "unseen"), 2
    )
    ids = page.all("id")
    assert {"save-sources", "copy-sources", "decided-by", "audit-sources"} <= set(ids)
    assert len(page.all("data-note")) == 2
    assert [tag for tag, attrs in page.elements if "data-note" in attrs] == ["textarea"] * 2


def test_all_links_lead_somewhere_on_the_page() -> None:
    changed = dataclasses.replace(
        AUDIT, compared_with="2026-01-01T00:00:00+00:00",
        changes=(Change(SOURCE.id, "software", "software v2"), Change("0" * 16, "gone", "x")),
    )  # fmt: skip
    for audit in (AUDIT, changed, EMPTY):
        page = Parsed(made(audit))
        ids = page.all("id")
        assert len(ids) == len(set(ids))
        links = [each for each in page.all("href") if not each.startswith("data:")]
        assert links
        assert {link[:1] for link in links} == {"#"}
        assert {link[1:] for link in links} <= set(ids)
        for name in ("aria-labelledby", "for"):
            assert set(page.all(name)) <= set(ids)


def test_nothing_is_fetched() -> None:
    text = made()
    page = Parsed(text)
    assert {tag for tag, _ in page.elements}.isdisjoint(
        {"link", "iframe", "object", "base", "font"}
    )
    assert all(each.startswith("data:image/webp;base64,") for each in page.all("src"))
    assert "http:" not in text.replace("http-equiv", "")
    assert "https:" not in text
    assert "url(" not in text
    assert "@import" not in text
    policy = next(attrs["content"] or "" for tag, attrs in page.elements if "http-equiv" in attrs)
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    assert not page.all("style")  # the policy forbids them
    assert not [key for _, attrs in page.elements for key in attrs if key.startswith("on")]


def test_numbers_and_words() -> None:
    text = Parsed(made()).text
    for expected in (
        "For inside the hospital only", "12,345", "1 GB", "13,000 frames", "1,234 files",
        "−2.50", "−1.80", "NotDicomError: no image", "pip install y", "1 min 10 s",
        "−1,024 to 3,071 HU", "25 %", "below 0.1 %", "40", "400", "missing slices (1)",
        "lossy in 2 files", "PixelDataError: 3 bytes", "the other way round",
        CATALOGUE["HDR_WINDOW"].consequence, CATALOGUE["PIX_DATA_WRONG"].rule, "HDR_WINDOW",
    ):  # fmt: skip
        assert expected in text.replace("\u00a0", " "), expected


def test_empty_sections_say_so() -> None:
    text = Parsed(made(EMPTY, {})).text
    for expected in (
        "There is no source",
        "no images to decode",
        "Nothing was found",
        "All files are",
    ):
        assert expected in text
    bare = dataclasses.replace(
        EMPTY, sources=(SourceRecord("0" * 16, "", "", {}, "", "", "", 1, 1, 1, 1, 1),)
    )
    text = Parsed(made(bare, {})).text
    for expected in (
        "Maker and model are not stated", "There is no picture", "Nothing speaks for or against",
        "no values", "No file has a window", "Nothing was found about this source",
    ):  # fmt: skip
        assert expected in text


def test_nothing_new_is_said() -> None:
    text = Parsed(made(dataclasses.replace(AUDIT, compared_with="2026-01-01T00:00:00+00:00"))).text
    assert "What is new since 2026-01-01 00:00:00 UTC Nothing" in text


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onclick='x", "</title>",
        "\u202eevil\u2066", "]]>&lt;b&gt;", "</script><script>x()</script>", "{{ 7 * 7 }}",
    ],
)  # fmt: skip
def test_texts_of_devices_are_harmless(hostile: str) -> None:
    record = dataclasses.replace(SOURCE, manufacturer=hostile, model=hostile, software={hostile: 1})
    audit = dataclasses.replace(
        AUDIT, sources=(record,), compared_with="x", changes=(Change("", "software", hostile),)
    )
    verdicts = Verdicts({SOURCE.id: Verdict(note=hostile, what=hostile)}, AUDIT.by, AUDIT.key)
    text = made(audit, verdicts=verdicts)
    plain = made(
        dataclasses.replace(audit, sources=(SOURCE,), changes=(Change("", "software", ""),))
    )
    tags = [tag for tag, _ in Parsed(text).elements]
    assert tags == [tag for tag, _ in Parsed(plain).elements]
    assert embedded_in(text)["sources"][0]["note"] == hostile
    if not hostile.isprintable():
        shown = [c for c in Parsed(text).text if not c.isprintable() and not c.isspace()]
        assert len(shown) == 2  # those of the person's own note


def test_the_script_begins_with_the_verdicts(tmp_path: Path) -> None:
    with_verdicts(AUDIT, tmp_path)
    note = 'quo"te \\ \n\t\u2028 <!-- </script> ünï'
    mark(tmp_path / "sources.toml", OTHER.id, "invert", by="Dr Ä", note=note)
    audit = dataclasses.replace(
        AUDIT, sources=(SOURCE, dataclasses.replace(OTHER, status="invert"))
    )
    write_page(audit, PICTURES, tmp_path)
    path = tmp_path / "index.html"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []
    text = path.read_text("utf-8")
    found = embedded_in(text)
    verdicts = read_verdicts(tmp_path / "sources.toml")
    assert (found["key"], found["by"], found["version"]) == (verdicts.key, list(verdicts.by), 1)
    assert found["head"] == head_of(verdicts)
    assert found["shown"] == [SOURCE.id, OTHER.id]
    assert found["sources"] == [
        {
            "id": source, "what": each.what, "status": each.status, "by": each.by,
            "when": each.when.isoformat() if each.when else "", "note": each.note,
            "software": list(each.software or ()), "was": each.was,
        }
        for source, each in verdicts.verdicts.items()
    ]  # fmt: skip
    assert Parsed(text).all("data-status") == ["unseen", "invert"]


def test_pseudonymous_pages_do_not_take_names_from_an_older_file() -> None:
    verdicts = Verdicts(
        {SOURCE.id: Verdict(what="Named Scanner"), "0" * 16: Verdict(what="Gone Scanner")},
        AUDIT.by, AUDIT.key,
    )  # fmt: skip
    record = dataclasses.replace(SOURCE, manufacturer="unknown-12", model="unknown-34")
    by = "manufacturer", "model"
    audit = dataclasses.replace(AUDIT, by=by, pseudonymous=True, sources=(record,))
    text = made(audit, verdicts=verdicts)
    assert "Scanner" not in text
    first, gone = embedded_in(text)["sources"]
    assert first["what"] == "unknown-12, unknown-34"
    assert gone["what"] == ""


def test_each_picture_stands_once() -> None:
    page = Parsed(made())
    assert len([each for each in page.all("href") if each.startswith("data:")]) == 2
    uses = Counter(attrs.get("href") for tag, attrs in page.elements if tag == "use")
    assert uses == {"#p1-1": 3, "#p2-1": 3}  # the card, as read, the other way round
    assert len(page.all("src")) == 1
    boxes = [attrs for tag, attrs in page.elements if tag == "rect" and attrs.get("x") == "0.1"]
    assert boxes
    assert (boxes[0]["y"], boxes[0]["width"], boxes[0]["height"]) == ("0.2", "0.3", "0.25")


def test_pictures_have_names_and_colours_have_one_way() -> None:
    colours = {SOURCE.id: (dataclasses.replace(PICTURE, is_color=True, window=None),)}
    record = dataclasses.replace(SOURCE, photometric="RGB")
    page = Parsed(made(dataclasses.replace(AUDIT, sources=(record,)), colours))
    assert "the other way round" not in page.text
    for tag, attrs in page.elements:
        if tag == "img":
            assert attrs["alt"]
        if tag == "svg" and "role" in attrs:
            assert attrs["aria-label"]


def test_a_page_that_is_too_large_has_fewer_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    many = tuple(dataclasses.replace(PICTURE, data=bytes(30_000), sample=k) for k in range(5))
    record = dataclasses.replace(SOURCE, samples=(SAMPLE,) * 5)
    audit = dataclasses.replace(AUDIT, sources=(record,))
    assert made(audit, {SOURCE.id: many}).count("data:image/webp") == 5
    size = len(made(audit, {}))
    monkeypatch.setattr(page_module, "LARGEST", size + 100_000)
    assert made(audit, {SOURCE.id: many}).count("data:image/webp") == 2
    monkeypatch.setattr(page_module, "LARGEST", 1)
    assert made(audit, {SOURCE.id: many}).count("data:image/webp") == 0


def test_a_page_of_too_many_sources_says_which_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = tuple(dataclasses.replace(SOURCE, id=f"{k:016x}") for k in range(20))
    audit = dataclasses.replace(AUDIT, sources=sources)
    pictures = {each.id: [PICTURE, dataclasses.replace(PICTURE, sample=1)] for each in sources}
    verdicts = Verdicts({each.id: Verdict(what="x") for each in sources}, AUDIT.by, AUDIT.key)
    largest = len(made(audit, {})) * 2 // 3
    monkeypatch.setattr(page_module, "LARGEST", largest)
    text = made(audit, pictures, verdicts)
    assert largest // 2 < len(text.encode()) < largest
    page = Parsed(text)
    shown = page.all("data-source")
    assert shown == [each.id for each in sources[: len(shown)]]
    assert f"{20 - len(shown)} sources with fewer files would make this page too large" in page.text
    assert "Audit of 20 sources" in page.text
    assert len(embedded_in(text)["sources"]) == 20  # so a saved file has them all


def test_many_sources_stay_usable() -> None:
    sources = tuple(dataclasses.replace(SOURCE, id=f"{k:016x}") for k in range(30))
    text = made(dataclasses.replace(AUDIT, sources=sources), {})
    page = Parsed(text)
    assert len(page.all("data-source")) == 30
    assert "30 sources" in page.text
    assert len(text) / 30 < 40_000


def test_an_update_of_the_software_is_told() -> None:
    verdicts = Verdicts({OTHER.id: Verdict("unseen", by="B", was="invert")})
    assert "Before the software changed: invert by" in page_of(AUDIT, {}, verdicts)
