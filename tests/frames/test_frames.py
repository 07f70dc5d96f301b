"""Where frames are in encapsulated data: tables right and wrong, fragments of every kind."""

from __future__ import annotations

import struct
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import RLELossless
from support.builders import element, encapsulated_element, file_of, image_elements

import fastpix
from fastpix.errors import HeaderWarning, PixelDataError


def rle(cells: NDArray[np.uint8]) -> bytes:
    """One frame of 8-bit cells as RLE: one segment, a literal run for every 128 (PS3.5 G)."""
    raw = cells.tobytes()
    runs = [raw[k : k + 128] for k in range(0, len(raw), 128)]
    segment = b"".join(bytes([len(run) - 1]) + run for run in runs)
    segment += b"\0" * (len(segment) % 2)
    return struct.pack("<16I", 1, 64, *[0] * 14) + segment


CELLS = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
ENCODED = [rle(frame) for frame in CELLS]
STARTS = [k * (8 + len(ENCODED[0])) for k in range(4)]
LENGTHS = [len(frame) for frame in ENCODED]


def words(*offsets: int) -> bytes:
    return struct.pack(f"<{len(offsets)}I", *offsets)


def make_file(
    fragments: list[bytes],
    frames: int | None = 4,
    table: bytes = b"",
    extended: tuple[list[int], list[int]] | None = None,
) -> bytes:
    extra = [] if frames is None else [element(0x00280008, "IS", str(frames).encode())]
    tables = b""
    for tag, numbers in zip((0x7FE00001, 0x7FE00002), extended or (), strict=False):
        tables += element(tag, "OV", struct.pack(f"<{len(numbers)}Q", *numbers))
    pixels = encapsulated_element(*fragments, table=table)
    head = image_elements(bits=8, extra=extra)
    return file_of(*head, tables, pixels, syntax=RLELossless)


def read_odd(data: bytes, match: str) -> NDArray[Any]:
    """Read a file with one oddity, which is warned about and noted."""
    with pytest.warns(HeaderWarning, match=match):
        image = fastpix.open(data)
    assert [note.text for note in image.plan().notes if note.oddity] == [
        note.text for note in image.plan().notes[:1]
    ]
    return image.read(dtype="uint8")


@pytest.mark.parametrize("extended", [None, (STARTS, LENGTHS), (STARTS, [n - 1 for n in LENGTHS])])
@pytest.mark.parametrize("table", [b"", words(*STARTS)])
def test_tables_that_fit(table: bytes, extended: tuple[list[int], list[int]] | None) -> None:
    """Lengths of an Extended Offset Table leave the pad byte out."""
    data = make_file(ENCODED, 4, table, extended)
    assert np.array_equal(fastpix.imread(data, dtype="uint8"), CELLS)
    for index in range(4):
        assert np.array_equal(fastpix.imread(data, frames=index, dtype="uint8"), CELLS[index])


@pytest.mark.parametrize(
    "offsets",
    [
        [0, 0, 0, 0],
        [STARTS[1], STARTS[0], STARTS[2], STARTS[3]],
        [0, STARTS[1] + 2, STARTS[2], STARTS[3]],
        [STARTS[1], STARTS[2], STARTS[3], 10**9],
        [0, STARTS[1]],
        [8, *STARTS[1:]],
    ],
)
def test_tables_that_do_not_fit_are_not_used(offsets: list[int]) -> None:
    found = read_odd(make_file(ENCODED, 4, words(*offsets)), "Basic Offset Table.*not used")
    assert np.array_equal(found, CELLS)
    lengths = LENGTHS[: len(offsets)]
    data = make_file(ENCODED, 4, extended=(offsets, lengths))
    assert np.array_equal(read_odd(data, "Extended Offset Table.*not used"), CELLS)


@pytest.mark.parametrize("lengths", [[0] * 4, [10**18] * 4, LENGTHS[:3], [n - 3 for n in LENGTHS]])
def test_extended_lengths_that_do_not_fit(lengths: list[int]) -> None:
    data = make_file(ENCODED, 4, words(*STARTS), (STARTS, lengths))
    assert np.array_equal(read_odd(data, "Extended Offset Table.*not used"), CELLS)


@pytest.mark.parametrize("table", [b"", words(*STARTS)])
@pytest.mark.parametrize("frames", [None, 1, 2, 3])
def test_frames_beyond_those_promised_are_told_of(frames: int | None, table: bytes) -> None:
    found = read_odd(make_file(ENCODED, frames, table), "holds 4 frames.*not read")
    wanted = CELLS[: frames or 1]
    assert np.array_equal(found, wanted if wanted.shape[0] > 1 else wanted[0])


@pytest.mark.parametrize("frames", [5, 400])
def test_fewer_frames_than_promised(frames: int) -> None:
    with pytest.raises(PixelDataError, match="NumberOfFrames") as caught:
        fastpix.open(make_file(ENCODED, frames))
    assert (caught.value.expected, caught.value.found) == (frames, 4)


def test_a_frame_in_several_fragments() -> None:
    """By the table, and by where codestreams begin, for syntaxes that have such a mark."""
    import imagecodecs

    streams = [
        bytes(imagecodecs.jpeg2k_encode(frame, reversible=True, codecformat="j2k"))
        for frame in CELLS
    ]  # fmt: skip
    pieces = [[s[:30], s[30:60], s[60:] + b"\0" * (len(s) % 2)] for s in streams]
    fragments = [piece for stream in pieces for piece in stream]
    starts, at = [], 0
    for stream in pieces:
        starts.append(at)
        at += sum(8 + len(piece) for piece in stream)
    for table in (b"", words(*starts)):
        extra = [element(0x00280008, "IS", b"4 ")]
        data = file_of(
            *image_elements(bits=8, extra=extra),
            encapsulated_element(*fragments, table=table),
            syntax="1.2.840.10008.1.2.4.90",
        )
        assert np.array_equal(fastpix.imread(data, dtype="uint8"), CELLS)
    one = file_of(
        *image_elements(bits=8),
        encapsulated_element(*pieces[2]),
        syntax="1.2.840.10008.1.2.4.90",
    )
    assert np.array_equal(fastpix.imread(one, dtype="uint8"), CELLS[2])


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda data: data.replace(b"\xfe\xff\x00\xe0", b"\xfe\xff\x01\xe0"), "no item"),
        (lambda data: data[:-40], "cut off"),
    ],
)
def test_damaged_items(damage: Any, match: str) -> None:
    # pydicom warns of the end of the file on its own account
    with warnings.catch_warnings(action="ignore"), pytest.raises(PixelDataError, match=match):
        fastpix.open(damage(make_file(ENCODED)))


def test_no_fragments() -> None:
    with pytest.raises(fastpix.FastpixError, match="no fragment"):
        fastpix.open(make_file([]))


def test_missing_sequence_delimiter() -> None:
    data = make_file(ENCODED)[:-8]
    with warnings.catch_warnings(action="ignore"):  # pydicom's
        assert np.array_equal(fastpix.imread(data, dtype="uint8"), CELLS)
