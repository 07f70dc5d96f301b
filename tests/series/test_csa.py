"""CSA headers and protocol texts: both formats, and bytes that are damaged."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.csa_headers import csa_header, mosaic_header, protocol_text

from fastpix.series.csa import (
    CsaSlices,
    ProtocolSlices,
    csa_slices,
    protocol_slices,
    read_csa,
)

ALL = frozenset({"A", "B", "Long"})


@pytest.mark.parametrize("is_new", [True, False])
def test_values_of_both_formats(is_new: bool) -> None:
    header = csa_header({"A": ["1", "23", "456"], "Other": ["x"], "B": [], "Long": ["y" * 301]},
                        is_new=is_new)  # fmt: skip
    assert read_csa(header, ALL) == {"A": ("1", "23", "456"), "Long": ("y" * 301,)}
    assert read_csa(header + b"\0" * 40, ALL) == read_csa(header, ALL)  # padding behind


@pytest.mark.parametrize("is_new", [True, False])
def test_slices_of_a_mosaic(is_new: bool) -> None:
    header = mosaic_header(20, (0.5, -0.25, 0.75), is_new=is_new)
    assert csa_slices(header) == CsaSlices(20, (0.5, -0.25, 0.75), None)
    assert csa_slices(mosaic_header(None, is_new=is_new)) == CsaSlices()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"NumberOfImagesInMosaic": ["  36  "]}, CsaSlices(36)),
        ({"NumberOfImagesInMosaic": ["0"]}, CsaSlices()),
        ({"NumberOfImagesInMosaic": ["-4"]}, CsaSlices()),
        ({"NumberOfImagesInMosaic": ["3.5"]}, CsaSlices()),
        ({"NumberOfImagesInMosaic": ["nan"]}, CsaSlices()),
        ({"NumberOfImagesInMosaic": ["1e999"]}, CsaSlices()),
        ({"NumberOfImagesInMosaic": ["4", "5"]}, CsaSlices()),
        ({"SliceNormalVector": ["0", "1"]}, CsaSlices()),
        ({"SliceNormalVector": ["0", "1", "x"]}, CsaSlices()),
        ({"SpacingBetweenSlices": ["2.5"]}, CsaSlices(between=2.5)),
    ],
)
def test_values_that_are_no_such_numbers(values: dict[str, list[str]], expected: CsaSlices) -> None:
    assert csa_slices(csa_header(values)) == expected


@pytest.mark.parametrize("is_new", [True, False])
def test_each_cut_is_noticed(is_new: bool) -> None:
    header = mosaic_header(20, (0, 0, 1), is_new=is_new)
    for size in range(len(header)):
        assert csa_slices(header[:size]) is None


@pytest.mark.parametrize("is_new", [True, False])
def test_counts_beyond_the_bytes(is_new: bool) -> None:
    header = bytearray(mosaic_header(20, is_new=is_new))
    start = 8 if is_new else 0
    heads = {
        "tags": start,
        "check": start + 4,
        "items": start + 8 + 64 + 12,
        "check of a tag": start + 8 + 64 + 16,
        "length": start + 8 + 84 + (4 if is_new else 0),
    }
    for what, at in heads.items():
        for value in (-1, -(2**31), 2**31 - 1, 10**6):
            damaged = bytearray(header)
            struct.pack_into("<i", damaged, at, value)
            assert csa_slices(bytes(damaged)) is None, what


def test_hostile_counts_cost_no_time() -> None:
    head = b"SV10\x04\x03\x02\x01" + struct.pack("<2i", 1024, 77)
    tag = struct.pack("<64si4siii", b"A", 1, b"IS", 6, 2**31 - 1, 77)
    start = time.perf_counter()
    assert read_csa(head + tag + b"\0" * 2**20, ALL) is None
    assert time.perf_counter() - start < 1
    text = b"### ASCCONV BEGIN" + b"a" * 2**20 + b"\n" + b"\t " * 2**19 + b"### ASCCONV END"
    start = time.perf_counter()
    assert protocol_slices(text) == ProtocolSlices()
    assert time.perf_counter() - start < 2


@given(st.binary(max_size=300), st.integers(0, 600), st.booleans())
def test_any_bytes_give_values_or_nothing(noise: bytes, at: int, is_new: bool) -> None:
    header = mosaic_header(20, (0, 0, 1), is_new=is_new)
    for data in (noise, header[:at] + noise + header[at + len(noise) :], b"SV10" + noise):
        found = csa_slices(data)
        assert found is None or isinstance(found, CsaSlices)
        protocol_slices(b"### ASCCONV BEGIN\n" + data + b"### ASCCONV END")


def test_protocol() -> None:
    positions = ((0.0, -20.5, 4.25), (1.0, 0.0, 6.75))
    assert protocol_slices(protocol_text(positions)) == ProtocolSlices(2, positions)
    assert protocol_slices(protocol_text(positions, size="0x2")) == ProtocolSlices(2, positions)


def test_a_slab_has_the_slices_that_it_says() -> None:
    found = protocol_slices(protocol_text([(0, 0, 5)], more="sKSpace.lImagesPerSlab = 0x18"))
    assert found == ProtocolSlices(24, ((0.0, 0.0, 5.0),))
    both = protocol_text([(0, 0, 5), (0, 0, 6)], more="sKSpace.lImagesPerSlab = 24")
    assert protocol_slices(both).slices == 2


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ProtocolSlices()),
        (b"sSliceArray.lSize = 4", ProtocolSlices()),
        (protocol_text([(0, 0, 1)]).replace(b"ASCCONV END", b"ASCCONV ENE"), ProtocolSlices()),
        (protocol_text([], size="0"), ProtocolSlices()),
        (protocol_text([], size="4.5"), ProtocolSlices()),
        (protocol_text([], size="123456789"), ProtocolSlices()),
        (protocol_text([], size="20"), ProtocolSlices(20)),
        # Fewer positions than slices, or more: they are no list of the slices.
        (protocol_text([(0, 0, 1), (0, 0, 2)], size="4"), ProtocolSlices(4)),
        (protocol_text([(0, 0, 1), (0, 0, 2)], size="1"), ProtocolSlices(1)),
        # The place of the origin has no line.
        (protocol_text([(0, 0, -1), (0, 0, 0)]),
         ProtocolSlices(2, ((0.0, 0.0, -1.0), (0.0, 0.0, 0.0)))),
    ],
)  # fmt: skip
def test_protocols_that_say_less(data: bytes, expected: ProtocolSlices) -> None:
    assert protocol_slices(data) == expected
