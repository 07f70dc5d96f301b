"""docs/site: links, pictures and checks of the site, without building it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_architecture import PAGES, ROOT

sys.path.append(str(ROOT / "docs" / "site"))

import build_site
import flowchart
import links
import shown_examples

DOCS = ROOT / "docs"
MADE = {"gallery/index.rst"}  # when the site is built


def text_of(docname: str) -> str:
    """Return a page as the site has it."""
    app = SimpleNamespace(
        srcdir=str(DOCS), env=SimpleNamespace(doc2path=lambda name: str(DOCS / f"{name}.md"))
    )
    outside = links.OUTSIDE.get(docname)
    source = [(ROOT / outside if outside else DOCS / f"{docname}.md").read_text()]
    links.of_the_site(app, docname, source)
    return source[0]


def test_each_link_of_a_page_is_one_of_the_site() -> None:
    """The README is no page of the site: its place is that of Get started."""
    seen = 0
    for page in PAGES:
        if page.is_relative_to(DOCS):
            docname = page.relative_to(DOCS).with_suffix("").as_posix()
            for link in links.LINK.finditer(text_of(docname)):
                target = (page.parent / link[1]).resolve().relative_to(DOCS).as_posix()
                in_gallery = target.startswith("gallery/") and target.endswith(".rst")
                example = ROOT / "examples" / f"{Path(target).stem}.py"
                assert (
                    target in MADE or (DOCS / target).exists() or (in_gallery and example.exists())
                )
                seen += 1
    assert seen > 100


def test_a_link_by_the_name_of_a_file_gets_the_title_of_the_page() -> None:
    assert "[Compressed files](codecs.md#colours-of-jpeg)" in text_of("exactness")
    assert "codecs.md]" not in text_of("exactness")


def test_a_link_that_the_site_has_not_is_an_error() -> None:
    page = DOCS / "job.md"
    for target in ("../LICENSE", "../src/fastpix/errors.py"):
        link = links.LINK.search(f"[x]({target})")
        assert link is not None
        with pytest.raises(ValueError, match="which the site has not"):
            links.turned(link, page.parent, page)


def test_broken_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text('<h1 id="there">B</h1>')
    (tmp_path / "a.html").write_text(
        '<a href="b.html#there">1</a> <a href="b.html#gone">2</a> <a href="c.html">3</a>'
        '<a href="https://example.org/x">4</a> <a href="#nowhere">5</a> <img src="d.png">'
    )
    assert build_site.broken_links(tmp_path) == [
        f"a.html links to {link}" for link in ("#nowhere", "b.html#gone", "c.html", "d.png")
    ]


def test_each_box_of_a_flowchart_is_below_those_before_it() -> None:
    chart = flowchart.FENCE.search((DOCS / "architecture.md").read_text())
    assert chart is not None
    arrows = flowchart.arrows_of(chart[1])
    before: dict[str, list[str]] = {}
    for left, right in arrows:
        before.setdefault(right, []).append(left)
    rows = flowchart.rows_of(arrows, before)
    assert len(arrows) > 25
    assert all(rows[left] < rows[right] for left, right in arrows)
    picture = flowchart.drawn(chart[1])
    assert picture.count("<rect") == len({name for arrow in arrows for name in arrow})
    assert picture.count('class="arrow"') == len(arrows)


def test_an_example_runs_where_what_it_imports_is_there() -> None:
    texts = {path.stem: path.read_text() for path in (ROOT / "examples").glob("*.py")}
    needs = {name: shown_examples.imported(text) for name, text in texts.items()}
    assert "torch" in needs["cache_on_dask"] & needs["classify_slices"]
    assert needs["look_at_images"] == {
        "__future__", "pathlib", "numpy", "PIL", "pydicom", "running", "fastpix"
    }  # fmt: skip
    title = shown_examples.with_title(texts["look_at_images"]).splitlines()[1:3]
    assert title == ["Look at images as a person would", "=" * 32]
