"""Frames with a flipped bit: what comes out does not depend on which decoders are installed."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from support.codec_fuzz_worker import FAMILIES

import fastpix
from fastpix.frames.codecs import decoders

FLIPS = 200
_OPTIONAL = {"libjpeg", "jpeg_ls", "gdcm"}


def outcome(data: bytes) -> int | None:
    """The hash of a file's pixels; None where there is an error of ours."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return hash(fastpix.open(data).stored().tobytes())
    except fastpix.FastpixError:
        return None


def flipped(name: str) -> list[bytes]:
    """Files of one family, each with one flipped bit; half of the bits are in the headers."""
    rng = np.random.default_rng(len(name))
    seeds = FAMILIES[name].seeds()
    files = []
    for number in range(FLIPS):
        seed = seeds[number % len(seeds)]
        stream = bytearray(seed.stream)
        bit = int(rng.integers(0, 8 * (len(stream) if number % 2 else min(len(stream), 250))))
        stream[bit // 8] ^= 1 << bit % 8
        files.append(FAMILIES[name].file(bytes(stream), seed))
    return files


@pytest.mark.parametrize("name", FAMILIES)
def test_optional_decoders_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = flipped(name)
    found = [outcome(data) for data in files]
    present = decoders._is_present
    monkeypatch.setattr(
        decoders,
        "_is_present",
        lambda module, codec: module not in _OPTIONAL and present(module, codec),
    )
    assert [outcome(data) for data in files] == found
    assert 0 < found.count(None) < len(found)
