"""Lossless codecs give back every cell: at every depth, sign, size and number of samples."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from support.codestream_cases import (
    DEFLATED_FRAMES,
    HT_LOSSLESS,
    HT_LOSSY,
    HT_RPCL,
    J2K_LOSSLESS,
    J2K_LOSSY,
    JPEG_LS_LOSSLESS,
    JPEG_LS_LOSSY,
    JXL_LOSSLESS,
    LOSSLESS_57,
    LOSSLESS_70,
    RLE_LOSSLESS,
    deflated,
    file_of_frames,
    htj2k,
    j2k,
    jpeg_lossless,
    jpeg_ls,
    jxl,
    packed,
    rle,
    with_precision,
)
from support.matrices import every

import fastpix
from fastpix.frames.codecs import all_decoders

Cells: TypeAlias = NDArray[Any]
Encode: TypeAlias = Callable[[Cells, int], bytes]

SHAPES = [(1, 1), (1, 7), (7, 1), (1, 64), (64, 1), (3, 5), (17, 31), (64, 48)]
# Codecs of unsigned samples: signed ones are encoded as the bits that they are stored in.
UNSIGNED: dict[str, tuple[str, Encode]] = {
    **{
        f"JPEG Lossless {predictor}": (
            LOSSLESS_70 if predictor == 1 else LOSSLESS_57,
            partial(jpeg_lossless, predictor=predictor),
        )
        for predictor in range(1, 8)
    },
    "JPEG-LS": (JPEG_LS_LOSSLESS, jpeg_ls),
    "JPEG-LS, syntax 81": (JPEG_LS_LOSSY, jpeg_ls),
    "JPEG XL": (JXL_LOSSLESS, jxl),
    "JPEG XL in its container": (
        JXL_LOSSLESS,
        lambda cells, bits: jxl(cells, bits, container=True),
    ),
    "JPEG 2000": (J2K_LOSSLESS, j2k),
    "RLE": (RLE_LOSSLESS, lambda cells, bits: rle(cells)),
    "deflate": (DEFLATED_FRAMES, lambda cells, bits: deflated(cells.tobytes())),
}  # fmt: skip
SIGNED: dict[str, tuple[str, Encode]] = {
    "JPEG 2000": (J2K_LOSSLESS, j2k),
    "JPEG 2000, syntax 91": (J2K_LOSSY, j2k),
    # What encodes HTJ2K here writes 8 and 16 bits alone.
    "HTJ2K": (HT_LOSSLESS, lambda cells, bits: with_precision(htj2k(cells), bits)),
    "HTJ2K RPCL": (HT_RPCL, lambda cells, bits: with_precision(htj2k(cells), bits)),
    "HTJ2K, syntax 203": (HT_LOSSY, lambda cells, bits: with_precision(htj2k(cells), bits)),
}


def noise(shape: tuple[int, ...], bits: int, signed: bool = False, allocated: int = 0) -> Cells:
    """Noise that fills the range, its ends included."""
    low = -(1 << (bits - 1)) if signed else 0
    high = low + (1 << bits) - 1
    width = (allocated or (8 if bits <= 8 else 16)) // 8
    cells = np.random.default_rng(bits).integers(low, high, shape, endpoint=True)
    cells.flat[0] = low
    cells.flat[-1] = high
    return cells.astype(f"{'i' if signed else 'u'}{width}")


def as_unsigned(cells: Cells, bits: int) -> Cells:
    """The bits that cells are stored in, as codecs without sign take them."""
    return (cells.astype(np.int64) & ((1 << bits) - 1)).astype(f"u{cells.dtype.itemsize}")


def decoders_of(syntax: str) -> list[str]:
    """The decoders of a syntax that are installed here, by the name that pins them."""
    return list(dict.fromkeys(d.name for d in all_decoders()[syntax] if d.is_present()))


def check(data: bytes, cells: Cells, syntax: str, warning: str = "") -> None:
    """The image's stored values are `cells`, by the chain and by every decoder of its own.

    gdcm has many limits, and may refuse; what it gives must be right all the same. `warning` is
    what every decoder's samples are warned of.
    """
    for name in (None, *decoders_of(syntax)):
        image = fastpix.open(data, decoder=name)
        expected = [warning] * bool(warning)
        if name == "pylibjpeg-libjpeg":
            expected.append("pylibjpeg-libjpeg is pinned for lossless JPEG")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                stored = image.stored()
            except fastpix.DecodeError:
                if name == "python-gdcm":
                    continue
                raise
        texts = [str(w.message) for w in caught if w.category is fastpix.HeaderWarning]
        assert len(texts) == len(expected), (name, texts)
        assert all(text.startswith(start) for text, start in zip(texts, expected, strict=True))
        assert stored.dtype == cells.dtype, name
        assert np.array_equal(stored, cells), name


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("family", UNSIGNED)
@every("bits", range(2, 17))
def test_every_depth(family: str, signed: bool, bits: int) -> None:
    """Codestreams without sign, of signed values too: their precision is Bits Stored."""
    syntax, encode = UNSIGNED[family]
    cells = noise((9, 13), bits, signed)
    stream = encode(as_unsigned(cells, bits), bits)
    data = file_of_frames([stream], cells, syntax, BitsStored=bits)
    check(data, cells, syntax)


@pytest.mark.parametrize("family", SIGNED)
@every("bits", range(2, 17))
def test_every_depth_of_signed_codestreams(family: str, bits: int) -> None:
    syntax, encode = SIGNED[family]
    cells = noise((9, 13), bits, signed=True)
    data = file_of_frames([encode(cells, bits)], cells, syntax, BitsStored=bits)
    check(data, cells, syntax)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("syntax", [HT_LOSSLESS, HT_RPCL, HT_LOSSY])
def test_high_throughput_without_sign(syntax: str, bits: int) -> None:
    cells = noise((33, 21), bits)
    check(file_of_frames([htj2k(cells)], cells, syntax), cells, syntax)


@pytest.mark.parametrize("family", [*UNSIGNED, "HTJ2K"])
@every("shape", SHAPES)
def test_every_size(family: str, shape: tuple[int, int]) -> None:
    syntax, encode = (
        UNSIGNED[family] if family in UNSIGNED else (HT_LOSSLESS, lambda c, _: htj2k(c))
    )
    for bits in (8, 16):
        cells = noise(shape, bits)
        check(file_of_frames([encode(cells, bits)], cells, syntax), cells, syntax)


@pytest.mark.parametrize("family", [*UNSIGNED, "HTJ2K"])
@every("shape", [(1, 1, 3), (3, 5, 3), (17, 31, 3)])
@every("bits", [8, 16])
def test_three_samples(family: str, shape: tuple[int, ...], bits: int) -> None:
    syntax, encode = (
        UNSIGNED[family] if family in UNSIGNED else (HT_LOSSLESS, lambda c, _: htj2k(c))
    )
    cells = noise(shape, bits)
    check(file_of_frames([encode(cells, bits)], cells, syntax), cells, syntax)


@pytest.mark.parametrize("family", [*UNSIGNED, "HTJ2K"])
def test_several_frames(family: str) -> None:
    syntax, encode = (
        UNSIGNED[family] if family in UNSIGNED else (HT_LOSSLESS, lambda c, _: htj2k(c))
    )
    for shape in ((5, 12, 11), (3, 12, 11, 3)):
        cells = noise(shape, 8)
        data = file_of_frames([encode(frame, 8) for frame in cells], cells, syntax)
        check(data, cells, syntax)


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("family", ["JPEG Lossless 1", "JPEG-LS", "JPEG XL", "JPEG 2000"])
@every("allocated", [16, 32])
@every("bits", [2, 7, 8])
def test_narrow_codestreams_in_wide_cells(
    family: str, bits: int, signed: bool, allocated: int
) -> None:
    """A codestream of 8 bits or less, Bits Allocated of 16 and more."""
    syntax, encode = UNSIGNED[family]
    cells = noise((9, 13), bits, signed, allocated)
    stream = encode(as_unsigned(cells, bits).astype(np.uint8), bits)
    data = file_of_frames([stream], cells, syntax, BitsStored=bits)
    check(data, cells, syntax)


@pytest.mark.parametrize("bits", [2, 7, 8])
@pytest.mark.parametrize("allocated", [16, 32])
@pytest.mark.parametrize("family", ["JPEG 2000", "HTJ2K"])
def test_narrow_signed_codestreams_in_wide_cells(family: str, bits: int, allocated: int) -> None:
    syntax, encode = SIGNED[family]
    cells = noise((9, 13), bits, True, allocated)
    data = file_of_frames([encode(cells.astype(np.int8), bits)], cells, syntax, BitsStored=bits)
    check(data, cells, syntax)


@pytest.mark.parametrize("bits", [9, 12, 16])
@pytest.mark.parametrize("family", ["JPEG Lossless 1", "JPEG-LS", "JPEG XL", "JPEG 2000"])
def test_wide_cells_of_32_bits(family: str, bits: int) -> None:
    syntax, encode = UNSIGNED[family]
    for signed in (False, True):
        cells = noise((9, 13), bits, signed, 32)
        stream = encode(as_unsigned(cells, bits).astype(np.uint16), bits)
        check(file_of_frames([stream], cells, syntax, BitsStored=bits), cells, syntax)


@pytest.mark.parametrize("family", ["JPEG Lossless 1", "JPEG-LS", "JPEG XL", "JPEG 2000"])
@pytest.mark.parametrize("stored", [12, 13, 16])
def test_codestreams_that_forgot_the_sign(family: str, stored: int) -> None:
    """Signed values of 12 bits in an unsigned codestream: extended from the codestream's top bit,
    whether Bits Stored says as many or more."""
    syntax, encode = UNSIGNED[family]
    cells = noise((9, 13), 12, True)
    stream = encode(as_unsigned(cells, 12), 12)
    check(file_of_frames([stream], cells, syntax, BitsStored=stored), cells, syntax)


@pytest.mark.parametrize("family", ["JPEG Lossless 1", "JPEG-LS", "JPEG XL", "JPEG 2000", "HTJ2K"])
def test_more_precision_than_bits_stored(family: str) -> None:
    """Garbage above the stored bits goes in with a lossless codec, and is masked when it is out."""
    syntax, encode = (
        UNSIGNED[family] if family in UNSIGNED else (HT_LOSSLESS, lambda c, _: htj2k(c))
    )
    raw = noise((9, 13), 16)
    stream = encode(raw, 16)
    told = "BitsStored (0028,0101) is 12, but the codestream has 16 bits"
    check(file_of_frames([stream], raw, syntax, BitsStored=12), raw & 0xFFF, syntax, told)
    extended = ((raw & 0xFFF) ^ 0x800).astype(np.int16) - np.int16(0x800)
    check(file_of_frames([stream], extended, syntax, BitsStored=12), extended, syntax, told)


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("family", ["JPEG Lossless 1", "JPEG-LS", "JPEG XL", "JPEG 2000"])
def test_more_precision_without_more_bits(family: str, signed: bool) -> None:
    """Where the mask changes no sample, a wide codestream is nothing to warn of."""
    syntax, encode = UNSIGNED[family]
    cells = noise((9, 13), 12, signed)
    data = file_of_frames([encode(as_unsigned(cells, 16), 16)], cells, syntax, BitsStored=12)
    check(data, cells, syntax)


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("bits", [8, 16])
def test_deflated_planes(planar: int, bits: int) -> None:
    """Planar Configuration says how the samples of a deflated frame are arranged."""
    cells = noise((2, 9, 13, 3), bits)
    streams = [
        deflated((frame.transpose(2, 0, 1) if planar else frame).tobytes()) for frame in cells
    ]
    data = file_of_frames(streams, cells, DEFLATED_FRAMES, PlanarConfiguration=planar)
    check(data, cells, DEFLATED_FRAMES)


@pytest.mark.parametrize("shape", [(5, 7), (3, 5, 7), (2, 64, 33)], ids=str)
@pytest.mark.parametrize("syntax", [DEFLATED_FRAMES, J2K_LOSSLESS])
def test_single_bits(shape: tuple[int, ...], syntax: str) -> None:
    """Deflated as they are packed; a codec has a sample for each."""
    cells = noise(shape, 1)
    frames = cells.reshape(-1, *shape[-2:])
    streams = [deflated(packed(f)) if syntax == DEFLATED_FRAMES else j2k(f, 1) for f in frames]
    data = file_of_frames(streams, cells, syntax, BitsAllocated=1, BitsStored=1)
    check(data, cells, syntax)


@pytest.mark.parametrize("mode", ["by plane", "by line", "by pixel"])
def test_jpeg_ls_interleaved(mode: str) -> None:
    import jpeg_ls as charls

    cells = noise((19, 23, 3), 8)
    raw = cells.transpose(2, 0, 1).tobytes() if mode == "by plane" else cells.tobytes()
    place = ["by plane", "by line", "by pixel"].index(mode)
    stream = bytes(charls.encode_buffer(raw, 19, 23, 3, 8, 0, place))
    check(file_of_frames([stream], cells, JPEG_LS_LOSSLESS), cells, JPEG_LS_LOSSLESS)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("near", [1, 3, 10])
def test_near_lossless_stays_within_its_bound(bits: int, near: int) -> None:
    cells = noise((64, 48), bits)
    stream = jpeg_ls(cells, bits, near)
    data = file_of_frames([stream], cells, JPEG_LS_LOSSY, BitsStored=bits)
    values = [fastpix.open(data, decoder=name).stored() for name in decoders_of(JPEG_LS_LOSSY)]
    assert 0 < np.abs(values[0].astype(np.int64) - cells).max() <= near
    for other in values[1:]:
        assert np.array_equal(other, values[0])
