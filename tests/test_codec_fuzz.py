"""Damaged frames end in an image or in our own error: no crash, no hang, no other exception."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_worker import FAMILIES, SECONDS

from fastpix.codecs import all_decoders

# More for a night: FASTPIX_FUZZ=100000 pytest tests/test_codec_fuzz.py
COUNT = int(os.environ.get("FASTPIX_FUZZ", "150"))
FIRST = 0 if os.environ.get("CI") or "FASTPIX_FUZZ" not in os.environ else 10**6
WORKER = Path(__file__).with_name("fuzz_worker.py")
# gdcm asserts what it does not check, and ends the process: it is never tried unless it is pinned.
PINNED = [
    (family, name)
    for family, kind in FAMILIES.items()
    for name in dict.fromkeys(d.name for d in all_decoders()[kind.syntax] if d.is_present())
    if name != "python-gdcm"
]


def fuzz(family: str, decoder: str, count: int) -> None:
    ran = subprocess.run(
        [sys.executable, WORKER, family, decoder, str(FIRST), str(count)],
        capture_output=True,
        text=True,
        timeout=60 + SECONDS + count,
    )
    last = ran.stdout.strip().splitlines()[-1:] or ["none"]
    assert ran.returncode == 0, f"mutation {last[0]} of {family}: {ran.stderr[-3000:]}"
    assert " images, slowest " in last[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_chain(family: str) -> None:
    fuzz(family, "-", COUNT)


@pytest.mark.parametrize(("family", "decoder"), PINNED)
def test_pinned(family: str, decoder: str) -> None:
    fuzz(family, decoder, max(COUNT // 5, 20))
