"""Build the site, in a copy of the sources, and check every link within it.

    python docs/site/build_site.py          to build/site
    python docs/site/build_site.py OUT

Warnings are errors. What is made (pictures of traps, examples, pages of the API) lies in
build/site-sources: nothing is written beside the pages of the repository.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parent.parent.parent
SOURCES = ROOT / "build" / "site-sources"


class Page(HTMLParser):
    """The links of a page, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what links, and what can be linked to."""
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif ((name == "href" and tag == "a") or name == "src") and value:
                self.links.add(value)


def copy_sources() -> None:
    """Copy what the site is made of."""
    for page in (SOURCES / "docs").glob("**/*.md"):
        page.unlink()
    for folder in ("docs", "examples"):
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, SOURCES / folder, dirs_exist_ok=True, ignore=unwanted)
    for page in ROOT.glob("*.md"):
        shutil.copy2(page, SOURCES)


def broken_links(out: Path) -> list[str]:
    """Return the links within the site that lead nowhere."""
    pages = {
        path: Page(path.read_text()) for path in out.rglob("*.html") if "_static" not in path.parts
    }
    broken = []
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists() or (
                parts.fragment and target in pages
                and unquote(parts.fragment) not in pages[target].anchors
            ):  # fmt: skip
                broken.append(f"{path.relative_to(out)} links to {link}")
    return broken


def main(out: Path) -> int:
    """Build, check, and say where the site is; the exit code is 1 where something is wrong."""
    copy_sources()
    build = ["-b", "html", "-E", "-a", "-W", "--keep-going", "-q", str(SOURCES / "docs"), str(out)]
    code = subprocess.run([sys.executable, "-m", "sphinx", *build]).returncode
    if not out.is_dir():
        return code
    broken = broken_links(out)
    print("\n".join(broken) or f"{out}: no link within the site is broken", flush=True)
    return 1 if code or broken else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(*sys.argv[1:] or [str(ROOT / "build" / "site")]).resolve()))
