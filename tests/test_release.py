"""One version: the package, the changelog and the citation agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_versions_and_dates_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    cited = dict(re.findall(r"^(version|date-released): (\S+)$", citation, re.MULTILINE))
    newest = re.search(r"^## (\S+) \((\S+)\)$", changelog, re.MULTILINE)
    assert newest is not None
    assert cited["version"] == project["version"]
    if newest[2] != "unreleased":  # work on the next version comes before its number
        assert newest.groups() == (project["version"], cited["date-released"])


def test_no_other_file_of_the_package_names_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    naming = [
        path
        for path in (ROOT / "src").rglob("*.py")
        if f'"{project["version"]}"' in path.read_text(encoding="utf-8")
    ]
    assert not naming
