"""The limit of max_bytes: on what inflates, and on what an image decodes to."""

from __future__ import annotations

import tracemalloc
from typing import cast

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from support.builders import encode, file_of, make_dataset
from support.header_checks import SYNTAXES, file_with

import fastpix
from fastpix import ArgumentError, FastpixError, PixelDataError


def bomb() -> bytes:
    """A file of some kilobytes that inflates to 8 million bytes."""
    data = encode(make_dataset(np.zeros((2000, 2000), np.uint16)), DeflatedExplicitVRLittleEndian)
    assert len(data) < 20_000
    return data


def test_deflated_bomb_is_not_inflated() -> None:
    data = bomb()
    tracemalloc.start()
    try:
        with pytest.raises(PixelDataError, match="max_bytes=100000") as caught:
            fastpix.open(data, max_bytes=100_000)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert caught.value.expected == 100_000


def test_deflated_within_the_limit() -> None:
    assert fastpix.imread(bomb(), max_bytes=16_000_000).sum() == 0


@pytest.mark.parametrize("cut", [2, 10])
def test_deflated_cut_off(cut: int) -> None:
    with pytest.raises(PixelDataError, match="ends before its end mark"):
        fastpix.open(bomb()[:-cut])


def test_deflated_garbage() -> None:
    source = file_of(b"\xff" * 64, syntax=DeflatedExplicitVRLittleEndian)
    with pytest.raises(PixelDataError, match="not valid deflate data"):
        fastpix.open(source)


@pytest.mark.parametrize("syntax", [*SYNTAXES, DeflatedExplicitVRLittleEndian])
def test_max_bytes_bounds_what_an_image_decodes_to(syntax: str) -> None:
    source = encode(make_dataset(np.zeros((100, 100), np.uint8)), syntax)
    assert fastpix.imread(source, max_bytes=40_000).shape == (100, 100)
    with pytest.raises(PixelDataError, match="max_bytes=39999") as caught:
        fastpix.imread(source, max_bytes=39_999)
    assert (caught.value.expected, caught.value.found) == (40_000, 39_999)
    assert fastpix.open(source, max_bytes=39_999).stored().nbytes == 10_000


def test_max_bytes_counts_the_frames_that_are_asked_for() -> None:
    source = file_with(np.zeros((10, 10, 10), np.uint8))
    assert fastpix.imread(source, frames=3, max_bytes=400).shape == (10, 10)
    with pytest.raises(PixelDataError, match="frames="):
        fastpix.imread(source, max_bytes=400)


def test_max_bytes_of_0_is_no_licence_to_inflate() -> None:
    """To zlib, 0 means that there is no limit."""
    data = bomb()
    tracemalloc.start()
    try:
        with pytest.raises(FastpixError):
            fastpix.open(data, max_bytes=0)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("limit", [-1, None, "1"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_max_bytes_must_be_a_number_of_bytes(limit: object, syntax: str) -> None:
    """-1 or None is the caller's mistake, and no sign of a damaged file."""
    with pytest.raises(ArgumentError) as caught:
        fastpix.imread(encode(make_dataset(), syntax), max_bytes=cast(int, limit))
    assert caught.value.argument == "max_bytes"
