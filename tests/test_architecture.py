"""docs/architecture.md: every path in it exists, and its picture has the order of the packages."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from support.matrices import every
from test_structure import JOB_LEAVES, MAY_IMPORT

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "fastpix"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

PATHS = sorted(set(re.findall(r"`([\w./]+(?:/|\.(?:py|pyx|pxi|pxd|h)))`", PAGE)))
FUNCTIONS = sorted(set(re.findall(r"`(\w+)`\s\(`([\w./]+\.py)`\)", PAGE)))
ARROWS = re.findall(r"^    (\w+) --> (\w+)$", PAGE, re.MULTILINE)

# One box of the picture.
LEAVES = {"errors", "notes", "in_notebooks", "standard", "recipe", "redaction"}
PUBLIC = {"__init__", "__main__", "backend", "monai"}  # names alone: not in the picture


@every("path", PATHS)
def test_paths_exist(path: str) -> None:
    assert (PACKAGE / path).exists() or (ROOT / path).exists()


def test_paths_of_other_pages_exist() -> None:
    for page in PAGES:
        for path in re.findall(r"`(src/[\w./]+)`", page.read_text()):
            assert (ROOT / path).exists(), f"{page.name} names {path}"


@pytest.mark.parametrize(("name", "path"), FUNCTIONS)
def test_functions_are_where_the_page_says(name: str, path: str) -> None:
    pattern = rf"^(def|class) {name}\b"
    assert re.search(pattern, (PACKAGE / path).read_text(), re.MULTILINE)


def test_every_package_is_on_the_page() -> None:
    for init in PACKAGE.glob("*/__init__.py"):
        assert f"`{init.parent.name}/`" in PAGE


def test_the_picture_has_the_order_of_the_packages() -> None:
    """What a package may import lies to the left of it: a way of arrows leads from there."""
    before: dict[str, set[str]] = defaultdict(set)
    for left, right in ARROWS:
        before[right] |= {left, *before[left]}
    for package, imported in MAY_IMPORT.items():
        if package not in PUBLIC | LEAVES | JOB_LEAVES:
            assert {
                "leaves" if name in LEAVES | JOB_LEAVES else name for name in imported
            } <= before[package]


def test_links_of_all_pages_lead_somewhere() -> None:
    """Files and headings that README, CONTRIBUTING and the pages under docs link to."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if target.startswith("http"):
                continue
            path, _, anchor = target.partition("#")
            linked = page if not path else page.parent / path
            assert linked.exists(), f"{page.name} links to {target}"
            assert not anchor or anchor in anchors_of(linked), f"{page.name} links to {target}"


def test_decisions_are_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text()
    for record in folder.glob("*.md"):
        text = record.read_text()
        if record.name != "README.md":
            assert f"({record.name})" in listed
            assert re.findall("^## (.+)$", text, re.M) == ["Context", "Decision", "Consequences"]


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
