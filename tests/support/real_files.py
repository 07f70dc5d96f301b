"""The real files that tests walk: those of the pydicom wheel, and a folder of the user's choice."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pydicom.data
import pytest

NO_CORPUS = pytest.param(None, marks=pytest.mark.skip("FASTPIX_CORPUS names no folder"))
WHEEL = Path(pydicom.data.__file__).parent / "test_files"


def files_under(folder: Path) -> list[Path]:
    """Return all files under a folder, in a steady order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def corpus_files() -> list[Path]:
    """Return the files of the folder that FASTPIX_CORPUS names; none where it is not set."""
    folder = os.environ.get("FASTPIX_CORPUS")
    if not folder:
        return []
    files = files_under(Path(folder))
    assert files, f"FASTPIX_CORPUS={folder} holds no files"
    return files


def corpus_parameters() -> list[Any]:
    """Return the files of the corpus as parameters of a test; one that is skipped without it."""
    return list(corpus_files()) or [NO_CORPUS]


def file_id(path: Path | None) -> str:
    """Return a short name for a test's id."""
    return "/".join(path.parts[-2:]) if path else "none"
