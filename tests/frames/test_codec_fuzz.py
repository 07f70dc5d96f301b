"""Damaged frames end in an image or in our own error: no crash, no hang, no other exception."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.codec_fuzz_worker import FAMILIES, SECONDS
from support.sizes import cases, first_case, some

from fastpix.frames.codecs import all_decoders

COUNT = cases(150)
TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("family", some(list(FAMILIES)))
def test_mutated(family: str) -> None:
    """By the chain, and a share of them by every decoder that is pinned."""
    # gdcm asserts what it does not check, and ends the process: it is tried only if it is pinned.
    table = all_decoders()[FAMILIES[family].syntax]
    pinned = dict.fromkeys(d.name for d in table if d.is_present() and d.name != "python-gdcm")
    jobs = [f"chain={COUNT}", *(f"{name}={max(COUNT // 5, 5)}" for name in pinned)]
    ran = subprocess.run(
        [sys.executable, "-m", "support.codec_fuzz_worker", family, str(first_case()), *jobs],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=60 + SECONDS + 2 * COUNT,
    )
    last = ran.stdout.strip().splitlines()[-1:] or ["none"]
    assert ran.returncode == 0, f"mutation {last[0]} of {family}: {ran.stderr[-3000:]}"
    assert " images, slowest " in last[0]
