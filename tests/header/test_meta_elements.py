"""The walk over File Meta that all who look into it use says what the loops before it said."""

from __future__ import annotations

import struct
from random import Random

import pytest
from support.sizes import cases

from fastpix._index import meta_elements
from fastpix.header.dataset import _may_be_deflated
from fastpix.header.file_meta import transfer_syntax_of
from fastpix.standard.tags import Tag
from fastpix.standard.vrs import LONG_LENGTH, SHORT_LENGTH

DEFLATED = b"1.2.840.10008.1.2.1.99"
START = 132
LONG = {vr.encode() for vr in LONG_LENGTH}
KNOWN = {vr.encode() for vr in SHORT_LENGTH | LONG_LENGTH}


def meta_of(*elements: tuple[int, bytes, bytes]) -> bytes:
    """A file of these elements of group 0002, and one of group 0008."""
    data = bytes(128) + b"DICM"
    for number, vr, value in elements:
        data += struct.pack("<HH2s", 2, number, vr)
        if vr in LONG:
            data += bytes(2) + struct.pack("<I", len(value)) + value
        else:
            data += struct.pack("<H", len(value)) + value
    return data + struct.pack("<HH2sH", 8, 0x16, b"UI", 4) + b"1.2\0"


def test_elements() -> None:
    data = meta_of((1, b"OB", b"\0\1"), (2, b"UI", b"1.2\0"), (3, b"ZZ", b"ab"), (0x10, b"UI", b""))
    found = list(meta_elements(data, START))
    assert [(tag, known) for tag, known, _, _ in found] == [
        (Tag.FileMetaInformationVersion, True), (0x00020002, True), (0x00020003, False),
        (Tag.TransferSyntaxUID, True),
    ]  # fmt: skip
    assert [data[at : at + size] for _, _, at, size in found] == [b"\0\1", b"1.2\0", b"ab", b""]


@pytest.mark.parametrize("start", [-1, 0, 131, 133, 10**6, 2**62])
def test_from_elsewhere(start: int) -> None:
    assert list(meta_elements(meta_of((1, b"OB", b"\0\1")), start)) == []


def test_the_same_as_the_loops_in_python() -> None:
    """Whatever is in the bytes, cut anywhere."""
    vrs = [*sorted(KNOWN), b"ZZ", b"ob", b"\0\0"]
    numbers = [0, 1, 2, 3, 0x10, 0x10, 0x12, 0x100]
    values = [b"", b"\0\1", DEFLATED, b"1.2.840.10008.1.2.1", b"x" * 300]
    outcomes = set()
    for number in range(cases(8000)):
        random = Random(number)
        elements = [
            (random.choice(numbers), random.choice(vrs), random.choice(values))
            for _ in range(random.randrange(6))
        ]
        data = bytearray(meta_of(*elements))
        if random.random() < 0.3:
            at = random.randrange(START, len(data))
            data[at : at + 4] = random.choice([b"\xff" * 4, b"\2\0\x10\0", random.randbytes(4)])
        part = bytes(data[: random.randrange(128, len(data) + 1)])
        assert transfer_syntax_of(part) == syntax_as_it_was(part)
        assert _may_be_deflated(part, START) == deflated_as_it_was(part, START)
        outcomes.add((syntax_as_it_was(part) != "", deflated_as_it_was(part, START)))
    assert len(outcomes) == 4


def syntax_as_it_was(head: bytes) -> str:
    at, uid = 132, ""
    if head[128:132] != b"DICM":
        return ""
    while at + 12 <= len(head):
        group, element, vr, length = struct.unpack_from("<HH2sH", head, at)
        at += 8
        if vr in LONG:
            (length,) = struct.unpack_from("<I", head, at)
            at += 4
        if group != 2:
            break
        if element == 0x10:
            uid = head[at : at + length].decode("latin-1").strip("\0 ")
        at += length
    return uid


def deflated_as_it_was(data: bytes, start: int) -> bool:
    at = start
    while data[at : at + 2] == b"\x02\x00" and at + 12 <= len(data):
        vr = data[at + 4 : at + 6]
        if vr not in KNOWN:
            return DEFLATED in data
        wide = vr in LONG
        value = at + (12 if wide else 8)
        length = int.from_bytes(data[value - (4 if wide else 2) : value], "little")
        if wide and length == 0xFFFFFFFF:
            return DEFLATED in data
        if data[at + 2 : at + 4] == b"\x10\x00" and DEFLATED in data[value : value + length]:
            return True
        at = value + length
    return False
