"""Libraries that the quick tests do without, and that the gate has installed."""

from __future__ import annotations

import importlib
import os
import shutil
from typing import Any

import pytest

DEMANDED = frozenset(os.environ.get("FASTPIX_LIBRARIES", "").split())
"""Names of modules that must be there: their tests are never skipped."""


def library(name: str) -> Any:
    """Import a module; where it is missing, skip the test, unless FASTPIX_LIBRARIES demands it."""
    if name in DEMANDED:
        return importlib.import_module(name)
    return pytest.importorskip(
        name, reason=f"needs {name}: nox -s exporters torch clusters browser copies"
    )


def program(name: str) -> str:
    """Return where a program lies; where it is missing, skip the test, unless it is demanded."""
    found = shutil.which(name)
    if found is None:
        assert name not in DEMANDED, f"{name} is missing"
        pytest.skip(f"needs {name}: nox -s copies")
    return found
