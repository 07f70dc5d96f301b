"""A broken file gives a FastpixError or an array: never another exception, a crash or a hang."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.real_files import WHEEL
from support.sizes import cases, some

import fastpix
from fastpix.recipe import Recipe

# Small files of every kind: native of each byte order, colour, palette, bits, doses, enhanced,
# deflated, RLE, JPEG 2000, without preamble, with sequences of every length encoding.
SEEDS = [
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_expb.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "ExplVR_BigEndNoMeta.dcm",
    "liver_1frame.dcm",
    "rtdose_1frame.dcm",
    "rtdose_rle_1frame.dcm",
    "image_dfl.dcm",
    "no_meta.dcm",
    "693_J2KI.dcm",
    "nested_priv_SQ.dcm",
    "UN_sequence.dcm",
    "badVR.dcm",
]
EXAMPLES = cases(300)
MAX_BYTES = 64 * 1024 * 1024
RECIPES = [
    Recipe(),
    Recipe(dtype="auto"),
    Recipe(dtype="int16", invert="range"),
    Recipe(normalize=(-1000.0, 1000.0), padding=-1.0),
]


def read(data: bytes, recipe: Recipe) -> None:
    """Read bytes every way there is; only our own errors may come out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = fastpix.open(data, max_bytes=MAX_BYTES)
            values = image.stored(frames=[0])
            assert values.shape[1:3] == (image.header.rows, image.header.columns)
            str(image.plan(recipe))
            array = image.read(recipe)
            assert (
                array.shape[array.ndim - 2 - (image.header.samples == 3) :][:2]
                == (
                    image.header.rows,
                    image.header.columns,
                )
                or image.header.photometric == "PALETTE COLOR"
            )
        except fastpix.FastpixError:
            pass


@pytest.mark.parametrize("seed", SEEDS)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_mutated(seed: str, data: st.DataObject) -> None:
    original = (WHEEL / seed).read_bytes()
    mutated = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        # Most of what matters is in the header, but its end differs from file to file.
        where = data.draw(st.integers(0, len(mutated) - 1)) if mutated else 0
        kind = data.draw(st.sampled_from(["flip", "length", "cut", "insert", "remove", "text"]))
        if kind == "flip" and mutated:
            mutated[where] ^= data.draw(st.integers(1, 255))
        elif kind == "length":
            forged = data.draw(st.sampled_from([0, 1, 2, 7, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF, 12345]))
            mutated[where : where + 4] = struct.pack("<I", forged)
        elif kind == "cut":
            del mutated[where:]
        elif kind == "insert":
            mutated[where:where] = data.draw(st.binary(max_size=40))
        elif kind == "remove":
            del mutated[where : where + data.draw(st.integers(1, 64))]
        else:
            mutated[where : where + 8] = data.draw(
                st.sampled_from([b"nan     ", b"1e999   ", b"-0      ", b"1\\2     ", b"\0" * 8])
            )
    read(bytes(mutated), data.draw(st.sampled_from(RECIPES)))


@pytest.mark.parametrize("seed", ["MR_small_RLE.dcm", "rtdose_1frame.dcm", "693_J2KI.dcm"])
def test_truncated_at_every_length(seed: str) -> None:
    original = (WHEEL / seed).read_bytes()
    for length in some(range(len(original))):
        read(original[:length], RECIPES[0])


@given(st.binary(max_size=600), st.booleans(), st.sampled_from(RECIPES))
@settings(max_examples=3 * EXAMPLES, deadline=None)
def test_any_bytes(data: bytes, with_prefix: bool, recipe: Recipe) -> None:
    read((bytes(128) + b"DICM" if with_prefix else b"") + data, recipe)


# Where each deciding element's value is in a file, so that every value of it can be forged.
FORGED = {
    "rows": (0x0028, 0x0010),
    "columns": (0x0028, 0x0011),
    "samples": (0x0028, 0x0002),
    "allocated": (0x0028, 0x0100),
    "stored": (0x0028, 0x0101),
    "high": (0x0028, 0x0102),
    "signed": (0x0028, 0x0103),
}


@pytest.mark.parametrize("element", FORGED)
@pytest.mark.parametrize("seed", ["CT_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm"])
def test_forged_numbers(seed: str, element: str) -> None:
    original = (WHEEL / seed).read_bytes()
    tag = struct.pack("<HH", *FORGED[element])
    place = original.index(tag + b"US") + 8
    for value in [*range(70), 127, 128, 255, 256, 32767, 32768, 65534, 65535]:
        forged = original[:place] + struct.pack("<H", value) + original[place + 2 :]
        read(forged, RECIPES[0])


def test_many_nested_sequences() -> None:
    """Deep nesting ends in our error, not in Python's recursion limit."""
    item = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    data = bytes(128) + b"DICM" + item * 5000
    with pytest.raises(fastpix.FastpixError):
        fastpix.open(data)


def test_huge_claims_are_refused_at_once(tmp_path: Path) -> None:
    """A small file that claims a large image is refused before memory is asked for."""
    original = bytearray((WHEEL / "MR_small_RLE.dcm").read_bytes())
    for tag in (b"\x28\x00\x10\x00US", b"\x28\x00\x11\x00US"):
        place = original.index(tag) + 8
        original[place : place + 2] = struct.pack("<H", 65535)
    path = tmp_path / "huge.dcm"
    path.write_bytes(original)
    with pytest.raises(fastpix.PixelDataError, match="max_bytes"):
        fastpix.imread(path)
    with pytest.raises(fastpix.PixelDataError, match="cannot decode"):
        fastpix.imread(path, max_bytes=2**60, out=np.empty((1, 1), np.float32))
