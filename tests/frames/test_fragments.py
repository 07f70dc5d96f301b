"""Frames of codestreams: in fragments of any number and length, each read by itself."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from support.builders import element, encapsulated_element, file_of, image_elements
from support.codestream_cases import (
    HT_LOSSLESS,
    J2K_LOSSLESS,
    JPEG_LS_LOSSLESS,
    JXL_LOSSLESS,
    LOSSLESS_57,
    RLE_LOSSLESS,
    htj2k,
    j2k,
    jpeg_lossless,
    jpeg_ls,
    jxl,
    rle,
)

import fastpix
from fastpix.errors import FastpixError, HeaderWarning, PixelDataError

CELLS = np.random.default_rng(5).integers(0, 65536, (4, 16, 17)).astype(np.uint16)
ENCODE: dict[str, tuple[str, Any]] = {
    "JPEG Lossless": (LOSSLESS_57, lambda c: jpeg_lossless(c, 16)),
    "JPEG-LS": (JPEG_LS_LOSSLESS, lambda c: jpeg_ls(c, 16)),
    "JPEG 2000": (J2K_LOSSLESS, lambda c: j2k(c, 16)),
    "HTJ2K": (HT_LOSSLESS, htj2k),
}
# Codestreams whose beginning is no mark that `fastpix.frames.locations` knows.
UNMARKED: dict[str, tuple[str, Any]] = {
    "RLE": (RLE_LOSSLESS, rle),
    "JPEG XL": (JXL_LOSSLESS, lambda c: jxl(c, 16)),
}
ALL: dict[str, tuple[str, Any]] = {**ENCODE, **UNMARKED}


def file_of_fragments(
    fragments: list[bytes], syntax: str, table: bytes = b"", frames: int = 4,
    extended: tuple[list[int], list[int]] | None = None,
) -> bytes:  # fmt: skip
    extra = [element(0x00280008, "IS", str(frames).encode())]
    tables = b""
    for tag, numbers in zip((0x7FE00001, 0x7FE00002), extended or (), strict=False):
        tables += element(tag, "OV", struct.pack(f"<{len(numbers)}Q", *numbers))
    head = image_elements(rows=16, columns=17, extra=extra)
    return file_of(*head, tables, encapsulated_element(*fragments, table=table), syntax=syntax)


def starts_of(frames: list[list[bytes]]) -> list[int]:
    """Where the first fragment of each frame begins, as offset tables count."""
    starts, at = [], 0
    for fragments in frames:
        starts.append(at)
        at += sum(8 + len(fragment) for fragment in fragments)
    return starts


def table_of(starts: list[int]) -> bytes:
    return struct.pack(f"<{len(starts)}I", *starts)


def split(stream: bytes, *places: int) -> list[bytes]:
    """A codestream cut at places, padded to even length at its end."""
    bounds = [0, *places, len(stream)]
    parts = [stream[a:b] for a, b in pairwise(bounds)]
    parts[-1] += b"\0" * (len(parts[-1]) % 2)
    return parts


PLACES = {
    "whole": (),
    "two": (200,),
    "five": (50, 100, 102, 300),
    "odd lengths": (51, 102, 301),
    # The codestream's own header is in pieces: it is read from all of them together.
    "within the header": (6, 12, 20),
}


@pytest.mark.parametrize("places", PLACES)
@pytest.mark.parametrize("family", ALL)
def test_by_a_table(family: str, places: str) -> None:
    syntax, encode = ALL[family]
    frames = [split(encode(cells), *PLACES[places]) for cells in CELLS]
    fragments = [part for frame in frames for part in frame]
    data = file_of_fragments(fragments, syntax, table_of(starts_of(frames)))
    image = fastpix.open(data)
    assert np.array_equal(image.stored(), CELLS)
    for index in (3, 1):
        assert np.array_equal(image.stored(frames=index), CELLS[index])


@pytest.mark.parametrize("places", PLACES)
@pytest.mark.parametrize("family", ENCODE)
def test_by_where_codestreams_begin(family: str, places: str) -> None:
    """No table, and different numbers of fragments a frame."""
    syntax, encode = ENCODE[family]
    frames = [split(encode(cells), *(PLACES[places] if k % 2 else ()))
              for k, cells in enumerate(CELLS)]  # fmt: skip
    fragments = [part for frame in frames for part in frame]
    image = fastpix.open(file_of_fragments(fragments, syntax))
    assert np.array_equal(image.stored(), CELLS)
    assert image.plan().notes[0].text.startswith("decoded by")


@pytest.mark.parametrize("places", ["two", "odd lengths"])
@pytest.mark.parametrize("family", ENCODE)
def test_tables_that_do_not_fit(family: str, places: str) -> None:
    """They are not used, with a note; where codestreams begin says what frames there are."""
    syntax, encode = ENCODE[family]
    frames = [split(encode(cells), *PLACES[places]) for cells in CELLS]
    fragments = [part for frame in frames for part in frame]
    right = starts_of(frames)
    for wrong in ([0, 0, 0, 0], right[:3], [s + 2 for s in right], [*right[:3], right[3] + 10**6]):
        data = file_of_fragments(fragments, syntax, table_of(wrong))
        with pytest.warns(HeaderWarning, match="Basic Offset Table.*not used"):
            image = fastpix.open(data)
        assert np.array_equal(image.stored(), CELLS)
    # An Extended Offset Table has a fragment a frame (PS3.3 C.7.6.3.1.8).
    lengths = [len(b"".join(frame)) for frame in frames]
    data = file_of_fragments(fragments, syntax, table_of(right), extended=(right, lengths))
    with pytest.warns(HeaderWarning, match="Extended Offset Table.*not used"):
        image = fastpix.open(data)
    assert np.array_equal(image.stored(), CELLS)


def test_one_frame_in_many_fragments() -> None:
    """NumberOfFrames 1: all fragments are its own, whatever they begin with."""
    for syntax, encode in ENCODE.values():
        parts = split(encode(CELLS[0]), 2, 4, 60, 90)
        image = fastpix.open(file_of_fragments(parts, syntax, frames=1))
        assert np.array_equal(image.stored(), CELLS[0])


@pytest.mark.parametrize("family", ENCODE)
def test_a_fragment_that_is_missing(family: str) -> None:
    """Of the middle of a frame: the frame is damaged, the others are read."""
    syntax, encode = ENCODE[family]
    frames = [split(encode(cells), 200, 400) for cells in CELLS]
    del frames[1][2]
    fragments = [part for frame in frames for part in frame]
    image = fastpix.open(file_of_fragments(fragments, syntax, table_of(starts_of(frames))))
    with pytest.raises(PixelDataError, match="frame 1 is cut off"):
        image.read()
    assert np.array_equal(image.stored(frames=[0, 2, 3]), CELLS[[0, 2, 3]])


@pytest.mark.parametrize("family", ALL)
@pytest.mark.parametrize("with_table", [False, True])
def test_one_frame_of_sixty(family: str, with_table: bool) -> None:
    """The others are garbage, and it is read all the same: their bytes are not touched."""
    syntax, encode = ALL[family]
    good = encode(CELLS[2])
    good += b"\0" * (len(good) % 2)
    garbage = [b"\xff\xd8\xff" + bytes([k]) * 97 for k in range(60)]
    fragments = [*garbage[:37], good, *garbage[38:]]
    table = table_of(starts_of([[part] for part in fragments])) if with_table else b""
    image = fastpix.open(file_of_fragments(fragments, syntax, table, frames=60))
    assert np.array_equal(image.stored(frames=37), CELLS[2])
    assert np.array_equal(image.read(frames=[37], dtype="uint16"), CELLS[[2]])
    assert np.array_equal(image.read(frames=-23, dtype="uint16"), CELLS[2])
    for asked in (None, 36, [37, 38]):
        with pytest.raises(FastpixError, match=r"frame (0|36|38)"):
            image.read(frames=asked)
