"""A codec's samples to cells: every sign, precision and width, by the rule in plain integers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from support.codestream_cases import (
    BASELINE,
    J2K_LOSSLESS,
    J2K_LOSSY,
    JPEG_LS_LOSSLESS,
    LOSSLESS_70,
)

from fastpix.frames.codecs.format import FrameFormat
from fastpix.frames.codecs.samples import SampleCase, sample_case, to_cells
from fastpix.frames.codestreams import Codestream


def extended(value: int, bits: int, signed: bool) -> int:
    """The lowest bits of a value, by themselves."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def expected(value: int, stream: Codestream, wanted: FrameFormat, lossy: bool) -> int:
    """The stored value that a sample stands for (docs/exactness.md, step 2)."""
    stored = wanted.bits_stored
    low = -(1 << (stored - 1)) if wanted.signed else 0
    high = low + (1 << stored) - 1
    if not lossy:
        if stream.signed != wanted.signed and stream.precision < stored:
            value = extended(value, stream.precision, wanted.signed)
        return extended(value, stored, wanted.signed)
    rings = stream.signed and not wanted.signed and stream.precision > stored
    if stream.signed != wanted.signed and not rings:
        value = extended(value, stream.precision, wanted.signed)
    return min(max(value, low), high)


def samples_of(precision: int, signed: bool) -> list[int]:
    """Values of a codestream: the ends of its range, of smaller ranges, and what lies beside."""
    low = -(1 << (precision - 1)) if signed else 0
    high = low + (1 << precision) - 1
    found = {low, low + 1, high - 1, high, 0, 1}
    for bits in range(1, precision + 1):
        found |= {1 << (bits - 1), (1 << bits) - 1, -(1 << (bits - 1)), 1 - (1 << bits)}
    return sorted(value for value in found if low <= value <= high)


KINDS = {
    "lossless": (J2K_LOSSLESS, "JPEG 2000", False),
    "JPEG-LS": (JPEG_LS_LOSSLESS, "JPEG-LS", False),
    "JPEG Lossless": (LOSSLESS_70, "lossless", False),
    "JPEG Lossless, lossy syntax": (BASELINE, "lossless", False),
    "reversible, lossy syntax": (J2K_LOSSY, "JPEG 2000", False),
    "irreversible": (J2K_LOSSY, "JPEG 2000", True),
    "irreversible, lossless syntax": (J2K_LOSSLESS, "JPEG 2000", True),
    "DCT": (BASELINE, "DCT", True),
}


@pytest.mark.parametrize("wanted_signed", [False, True], ids=["to unsigned", "to signed"])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_width(kind: str, signed: bool, wanted_signed: bool) -> None:
    syntax, coding, irreversible = KINDS[kind]
    lossy = kind not in ("lossless", "JPEG-LS", "JPEG Lossless", "JPEG Lossless, lossy syntax")
    for precision, stored, allocated, dtype in product(
        (2, 7, 8, 9, 12, 15, 16), (1, 7, 8, 9, 12, 16), (8, 16, 32), ("u1", "i1", "u2", "i2")
    ):
        container = 8 * int(dtype[1])
        if precision > container or stored > allocated:
            continue
        if dtype[0] == "i" and not signed and precision == container:
            continue  # it could not hold them
        stream = Codestream(coding, 1, 1, 1, precision, signed, lossy=irreversible)  # type: ignore[arg-type]
        wanted = FrameFormat(syntax, 1, 1, 1, allocated, stored, wanted_signed)
        values = samples_of(precision, signed)
        samples = np.array([v & ((1 << container) - 1) for v in values], f"u{dtype[1]}")
        # JPEG's own lossless process has no sign, and its samples are checked as what they are.
        if coding == "lossless" and signed:
            continue
        cells = to_cells(samples.view(dtype), stream, wanted).view(f"u{allocated // 8}")
        found = [extended(int(cell), stored, wanted_signed) for cell in cells]
        right = [expected(value, stream, wanted, lossy) for value in values]
        assert found == right, (precision, stored, allocated, dtype)


@pytest.mark.parametrize("precision", [2, 7, 12, 15])
def test_a_lossless_sample_wider_than_its_codestream_is_damage(precision: int) -> None:
    stream = Codestream("lossless", 1, 1, 1, precision)
    wanted = FrameFormat(LOSSLESS_70, 1, 1, 1, 16, 16, False)
    top = (1 << precision) - 1
    assert to_cells(np.array([top], np.uint16), stream, wanted).view(np.uint16).tolist() == [top]
    with pytest.raises(ValueError, match=f"a sample of {top + 1} "):
        to_cells(np.array([0, top + 1], np.uint16), stream, wanted)
    # Other codings are held to their precision by their decoders.
    other = stream._replace(coding="JPEG-LS")
    assert to_cells(np.array([top + 1], np.uint16), other, wanted).size == 2


def test_bytes_are_cells_already() -> None:
    samples = np.array([0, 255, 7], np.uint8)
    wanted = FrameFormat(J2K_LOSSLESS, 1, 3, 1, 8, 4, True)
    assert to_cells(samples, None, wanted).tolist() == [0, 255, 7]


@pytest.mark.parametrize("extra", range(-3, 4))
@pytest.mark.parametrize(
    ("lossy", "stream_signed", "signed"), list(product((False, True), repeat=3))
)
def test_the_table_of_cases(lossy: bool, stream_signed: bool, signed: bool, extra: int) -> None:
    """docs/exactness.md, "Samples of a codec": one line of its table for each combination."""
    same = stream_signed == signed
    lines = {
        SampleCase("codestream", kept=True): [
            not lossy and same,
            lossy and same and extra <= 0,
        ],
        SampleCase("codestream"): [
            lossy and same and extra > 0,
            lossy and stream_signed and not signed and extra > 0,
        ],
        SampleCase("header", kept=True): [not lossy and not same and extra >= 0],
        SampleCase("header"): [
            not lossy and not same and extra < 0,
            lossy and not same and not (stream_signed and extra > 0),
        ],
    }
    assert sum(map(sum, lines.values())) == 1
    (right,) = (case for case, applies in lines.items() if any(applies))
    assert sample_case(lossy, stream_signed, signed, extra) == right


@pytest.mark.parametrize(("stored", "kept"), [(11, False), (12, True), (13, True)])
def test_samples_that_need_nothing_are_not_copied(stored: int, kept: bool) -> None:
    stream = Codestream("DCT", 1, 1, 1, 12, lossy=True)
    wanted = FrameFormat(BASELINE, 1, 2, 1, 16, stored, False)
    samples = np.array([0, 4095], np.uint16)
    cells = to_cells(samples, stream, wanted)
    assert np.shares_memory(cells, samples) == kept
    assert cells.view(np.uint16).tolist() == [0, min(4095, 2**stored - 1)]


def test_limits_that_the_dtype_of_samples_cannot_hold() -> None:
    """An 8-bit signed sample that claims more precision than its container has."""
    stream = Codestream("JPEG 2000", 1, 1, 1, 8, signed=True, lossy=True)
    wanted = FrameFormat(J2K_LOSSY, 1, 2, 1, 16, 7, True)
    for dtype in ("i1", "u1"):
        samples = np.array([-100, 100], "i1").view(dtype)
        cells = to_cells(samples, stream, wanted).view(np.int16)
        assert cells.tolist() == [-64, 63]
