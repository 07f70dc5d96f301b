"""Links as the repository has them, made links of the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import flowchart

ROOT = Path(__file__).parent.parent.parent

# Pages of the site that are files of the repository outside docs/.
OUTSIDE = {"contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}
# Where the site has what the repository has outside docs/.
PLACES = {
    "README.md#how-fast": "performance.md#a-file-to-an-array",
    "README.md": "start.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "examples": "gallery/index.rst",
}
LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)\s#]*)(#[^)\s]*)?(?=\))")
NAMED = re.compile(r"\[((?:[\w./-]+/)?[\w-]+\.md)\]\((?=([^)\s#]*))")  # by the name of the file


def of_the_site(app: Any, docname: str, source: list[str]) -> None:
    """Take the text of pages outside docs/, and turn the links of a page."""
    path = Path(app.srcdir) / docname
    folder = path.parent
    if docname in OUTSIDE:
        source[0] = (ROOT / OUTSIDE[docname]).read_text()
        folder = ROOT
    if Path(app.env.doc2path(docname)).suffix == ".md" and not docname.startswith("gallery/"):
        text = NAMED.sub(lambda link: f"[{title_of(folder / link[2])}](", source[0])
        text = LINK.sub(lambda link: turned(link, folder, path.parent), text)
        source[0] = flowchart.as_svg(text)


def title_of(page: Path) -> str:
    """Return the title of a page, which stands for the name of its file."""
    return page.read_text().partition("\n")[0].removeprefix("# ")


def turned(link: re.Match[str], folder: Path, of_page: Path) -> str:
    """Return the target of a link of the site; `folder` is what the link is relative to."""
    target = (folder / link[1]).resolve().relative_to(ROOT).as_posix()
    anchor = link[2] or ""
    page = PLACES.get(target + anchor)
    if page is None and target in PLACES:
        page = PLACES[target] + anchor
    if page is None and target.startswith("examples/") and target.endswith(".py"):
        page = f"gallery/{Path(target).stem}.rst"
    if page is None and target.startswith("docs/"):
        page = target.removeprefix("docs/") + anchor
    if page is None:
        raise ValueError(f"{of_page} links to {target}, which the site has not")
    up = Path(*[".."] * len(of_page.relative_to(ROOT / "docs").parts))
    return (up / page).as_posix()
