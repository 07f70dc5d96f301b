"""A codec's samples to cells: every sign, precision and width, by the rule in plain integers."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.codestream_cases import (
    BASELINE,
    J2K_LOSSLESS,
    J2K_LOSSY,
    JPEG_LS_LOSSLESS,
    JPEG_LS_LOSSY,
    LOSSLESS_70,
)
from support.matrices import every

from fastpix.frames.codecs.format import FrameFormat
from fastpix.frames.codecs.samples import SampleCase, sample_case, to_cells
from fastpix.frames.codestreams import Codestream


def extended(value: int, bits: int, signed: bool) -> int:
    """The lowest bits of a value, by themselves."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def read_as(value: int, stream: Codestream, wanted: FrameFormat) -> int:
    """A sample by the sign that it is read with (docs/exactness.md, step 2)."""
    rings = stream.signed and not wanted.signed and stream.precision > wanted.bits_stored
    if stream.signed == wanted.signed or (stream.lossy and rings):
        return value
    return extended(value, stream.precision, wanted.signed)


def expected(value: int, stream: Codestream, wanted: FrameFormat) -> int:
    """The stored value that a sample stands for: masked, or clipped if it is lossy."""
    stored = wanted.bits_stored
    low = -(1 << (stored - 1)) if wanted.signed else 0
    value = read_as(value, stream, wanted)
    if not stream.lossy:
        return extended(value, stored, wanted.signed)
    return min(max(value, low), low + (1 << stored) - 1)


def cells_of(samples: NDArray[Any], stream: Codestream | None, wanted: FrameFormat) -> Any:
    """Cells of samples that are within Bits Stored."""
    told: list[str] = []
    cells = to_cells(samples, stream, wanted, told.append)
    assert not told
    return cells


def samples_of(precision: int, signed: bool) -> list[int]:
    """Values of a codestream: the ends of its range, of smaller ranges, and what lies beside."""
    low = -(1 << (precision - 1)) if signed else 0
    high = low + (1 << precision) - 1
    found = {low, low + 1, high - 1, high, 0, 1}
    for bits in range(1, precision + 1):
        found |= {1 << (bits - 1), (1 << bits) - 1, -(1 << (bits - 1)), 1 - (1 << bits)}
    return sorted(value for value in found if low <= value <= high)


# The transfer syntax decides nothing: exact samples are masked under any, others are clipped.
KINDS = {
    "lossless": (J2K_LOSSLESS, "JPEG 2000", False),
    "JPEG-LS": (JPEG_LS_LOSSLESS, "JPEG-LS", False),
    "JPEG-LS, lossy syntax": (JPEG_LS_LOSSY, "JPEG-LS", False),
    "near-lossless, lossless syntax": (JPEG_LS_LOSSLESS, "JPEG-LS", True),
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
        told: list[str] = []
        cells = to_cells(samples.view(dtype), stream, wanted, told.append)
        found = [extended(int(c), stored, wanted_signed) for c in cells.view(f"u{allocated // 8}")]
        right = [expected(value, stream, wanted) for value in values]
        assert found == right, (precision, stored, allocated, dtype)
        for sample, value in zip(samples, values, strict=True):
            told = []
            to_cells(sample.reshape(1).view(dtype), stream, wanted, told.append)
            changed = expected(value, stream, wanted) != read_as(value, stream, wanted)
            assert len(told) == (changed and precision > stored), (precision, stored, value)


@pytest.mark.parametrize("precision", [2, 7, 12, 15])
def test_a_lossless_sample_wider_than_its_codestream_is_damage(precision: int) -> None:
    stream = Codestream("lossless", 1, 1, 1, precision)
    wanted = FrameFormat(LOSSLESS_70, 1, 1, 1, 16, 16, False)
    top = (1 << precision) - 1
    assert cells_of(np.array([top], np.uint16), stream, wanted).view(np.uint16).tolist() == [top]
    with pytest.raises(ValueError, match=f"a sample of {top + 1} "):
        cells_of(np.array([0, top + 1], np.uint16), stream, wanted)
    # Other codings are held to their precision by their decoders.
    other = stream._replace(coding="JPEG-LS")
    assert cells_of(np.array([top + 1], np.uint16), other, wanted).size == 2


def test_bytes_are_cells_already() -> None:
    samples = np.array([0, 255, 7], np.uint8)
    wanted = FrameFormat(J2K_LOSSLESS, 1, 3, 1, 8, 4, True)
    assert cells_of(samples, None, wanted).tolist() == [0, 255, 7]


@every("extra", range(-3, 4))
@every(("lossy", "stream_signed", "signed"), list(product((False, True), repeat=3)))
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
    told: list[str] = []
    cells = to_cells(samples, stream, wanted, told.append)
    assert bool(told) != kept
    assert np.shares_memory(cells, samples) == kept
    assert cells.view(np.uint16).tolist() == [0, min(4095, 2**stored - 1)]


def test_limits_that_the_dtype_of_samples_cannot_hold() -> None:
    """An 8-bit signed sample that claims more precision than its container has."""
    stream = Codestream("JPEG 2000", 1, 1, 1, 8, signed=True, lossy=True)
    wanted = FrameFormat(J2K_LOSSY, 1, 2, 1, 16, 7, True)
    for dtype in ("i1", "u1"):
        samples = np.array([-100, 100], "i1").view(dtype)
        told: list[str] = []
        cells = to_cells(samples, stream, wanted, told.append).view(np.int16)
        assert told == [
            "BitsStored (0028,0101) is 7, but the codestream has 8 bits a sample, and samples "
            "beyond 7 bits: they are clipped"
        ]
        assert cells.tolist() == [-64, 63]
