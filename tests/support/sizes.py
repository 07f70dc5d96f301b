"""How many cases a test tries: one setting for fuzzing, mutations and properties.

``FASTPIX_FUZZ`` is unset for a quick look, ``full`` for the gate, or a number for a night: so many
cases in each test, and others than before.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import pytest

T = TypeVar("T")

_SETTING = os.environ.get("FASTPIX_FUZZ", "")
_SHARE = 12  # of the gate's cases, in a quick look


def is_quick() -> bool:
    """Whether this is a quick look: nothing may then take longer than it has to."""
    return not _SETTING


in_the_gate = pytest.mark.skipif(is_quick(), reason="it takes seconds: FASTPIX_FUZZ=full")


def cases(gate: int) -> int:
    """Return how many cases a test tries that tries `gate` of them in the gate."""
    if _SETTING == "full":
        return gate
    return int(_SETTING) if _SETTING else max(gate // _SHARE, 1)


def rounds(gate: int) -> int:
    """Return how often a slow test does the same: never more than in the gate."""
    return gate if _SETTING else max(gate // _SHARE, 2)


def first_case() -> int:
    """Return the number of the first case: the same in the gate, and in every quick look."""
    return 10**6 if _SETTING.isdigit() and not os.environ.get("CI") else 0


def some(items: Sequence[T]) -> Sequence[T]:
    """Return all items, or every third of them in a quick look."""
    return items if _SETTING else items[::3]
