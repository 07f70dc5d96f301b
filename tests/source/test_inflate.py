"""Deflate data in bounded memory, as zlib inflates it."""

from __future__ import annotations

import os
import tracemalloc
import zlib
from contextlib import suppress
from random import Random

import pytest
from support.sizes import cases

from fastpix.errors import PixelDataError
from fastpix.source import inflate as module
from fastpix.source.inflate import inflate

LIMIT = 2**32


def deflated(data: bytes, level: int = 6, strategy: int = 0) -> bytes:
    deflater = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, 9, strategy)
    return deflater.compress(data) + deflater.flush()


@pytest.fixture(params=["at once", "by pieces"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inflate small data as large data is."""
    if request.param == "by pieces":
        monkeypatch.setattr(module, "_AT_ONCE", 1)
        monkeypatch.setattr(module, "_AT_ONCE_RATIO", 0)
        monkeypatch.setattr(module, "_INPUT", 7)
        monkeypatch.setattr(module, "_PIECE", 16)


@pytest.mark.usefixtures("_way")
def test_the_same_as_zlib() -> None:
    """Sound, damaged and cut-off data, with and without more behind it."""
    outcomes = set()
    for number in range(cases(3000)):
        random = Random(number)
        size = random.choice([0, 1, 15, 16, 17, 300, 3000])
        letters = random.choice([1, 2, 30, 256])
        data = bytes(random.choices(range(letters), k=size))
        stream = bytearray(deflated(data, random.choice([0, 1, 9]), random.randrange(5)))
        for _ in range(random.choice([0, 0, 1, 3])):
            stream[random.randrange(len(stream))] ^= 1 << random.randrange(8)
        if random.random() < 0.2:
            del stream[random.randrange(len(stream)) :]
        if random.random() < 0.2:
            stream += random.randbytes(20)
        expected = by_zlib(bytes(stream))
        try:
            found: bytes | str = inflate(bytes(stream), LIMIT)
        except PixelDataError as error:
            found = error.reason
        assert found == expected
        outcomes.add(expected if isinstance(expected, str) else "inflated")
    assert len(outcomes) == 3


def by_zlib(stream: bytes) -> bytes | str:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(stream)
    except zlib.error:
        return "the deflated data set is not valid deflate data"
    return data if inflater.eof else "the deflated data set ends before its end mark"


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("size", [1, 16, 17, 257, 258, 259, 1000])
def test_the_limit_is_exact(size: int) -> None:
    for data in (bytes(size), os.urandom(size)):
        stream = deflated(data, 9)
        assert inflate(stream, size) == inflate(memoryview(stream), size + 1) == data
        with pytest.raises(PixelDataError, match="more than max_bytes") as caught:
            inflate(stream, size - 1) if size > 1 else inflate(deflated(bytes(2)), 1)
        assert caught.value.expected == max(size - 1, 1)
        assert "raise max_bytes=" in str(caught.value)


def peak_of(stream: bytes, max_bytes: int) -> int:
    tracemalloc.start()
    try:
        with suppress(PixelDataError):
            inflate(stream, max_bytes)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


def test_memory_is_bounded() -> None:
    """256 KiB that inflate to 256 MiB, which is as much as deflate data can."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    stream = b"".join(deflater.compress(bytes(2**20)) for _ in range(256)) + deflater.flush()
    assert len(stream) < 2**18 + 2**14
    assert peak_of(stream, 10_000) < 10**6
    assert peak_of(stream, 2**20) < 3 * 2**20
    # What is refused in the end costs no more than what is inflated at once.
    assert peak_of(stream, 2**28 - 1) < 2.5 * 2**26


def test_what_is_larger_than_at_once_is_not_held_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 2**20)
    size = 2**26
    assert peak_of(deflated(bytes(size)), size) < 1.3 * size
