"""The page of the job lists each column of the manifest, and says the same of it."""

from __future__ import annotations

from pathlib import Path

from fastpix.job.columns import COLUMNS

PAGE = Path(__file__).parents[2] / "docs" / "job.md"


def test_the_page_lists_all_columns() -> None:
    lines = PAGE.read_text().splitlines()
    listed = [line for line in lines if line.startswith("| `") and line.count("|") == 4]
    rows = [line for line in listed if not line.startswith(("| `tar`", "| `--format`"))]
    expected = [f"| `{c.name}` | {c.kind} | {c.meaning} |" for c in COLUMNS]
    assert [row for row in rows if row in expected] == expected
