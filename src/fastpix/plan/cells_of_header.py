"""How the cells of an image are stored: what every Plan begins with."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from fastpix.errors import PixelHeaderError
from fastpix.header.header import Header
from fastpix.kernel.steps import Layout, Steps
from fastpix.standard.syntaxes import keeps_high_bit
from fastpix.standard.tags import Tag

_PAIRS = ("YBR_FULL_422", "YBR_PARTIAL_422")  # native: chrominance is shared by pairs of pixels


def cells_of(header: Header) -> Steps:
    """Return how a cell becomes a stored value: steps 1 to 3 of docs/exactness.md."""
    as_stored = keeps_high_bit(header.transfer_syntax)
    if header.is_float:
        cell = f"f{header.bits_allocated // 8}"
    elif header.bits_allocated == 1:
        cell = "bit" if as_stored else "u1"
    else:
        cell = f"u{header.bits_allocated // 8}"
    return Steps(
        cell=cell,
        # A codec hands over machine integers; native cells are in the file's byte order.
        swap=header.bits_allocated > 8
        and not header.encapsulated
        and header.big_endian == np.little_endian,
        high_bit=header.high_bit if as_stored else header.bits_stored - 1,
        bits=header.bits_stored,
        signed=header.signed,
    )


def layout_of(header: Header) -> Layout:
    """Return where the samples of a pixel are."""
    if not header.encapsulated and header.photometric in _PAIRS and not holds_full(header):
        return "subsampled"
    return "planar" if header.planar and not header.encapsulated else "interleaved"


def stored_samples(header: Header) -> int:
    """Return how many samples a pixel has in native data: 2 where chrominance is subsampled.

    Raises
    ------
    PixelHeaderError
        It is shared by pairs of pixels, and a row has no whole number of them; or by squares of
        four pixels, which is not supported.
    """
    if not header.encapsulated and header.photometric == "YBR_PARTIAL_420":
        raise PixelHeaderError(
            tag=Tag.PhotometricInterpretation,
            keyword="PhotometricInterpretation",
            value=header.photometric,
            reason="native data that shares chrominance between four pixels is not supported",
            remedy="have it sent as RGB or YBR_FULL_422",
        )
    if layout_of(header) != "subsampled":
        return header.samples
    if header.columns % 2:
        raise PixelHeaderError(
            tag=Tag.Columns,
            keyword="Columns",
            value=header.columns,
            reason=f"{header.photometric} shares chrominance between pairs of pixels of a row",
        )
    return 2


def holds_full(header: Header) -> bool:
    """Whether native 4:2:2 data holds three samples a pixel, as some writers have it."""
    pixels = header.frames * header.rows * header.columns * header.bits_allocated // 8
    return header.pixel_bytes in (3 * pixels, 3 * pixels + 1)


def smallest_integer(values: Iterable[float]) -> str | None:
    """Return the smallest integer dtype that holds all values exactly; unsigned before signed."""
    kept = list(values)
    if not all(math.isfinite(value) and value.is_integer() for value in kept):
        return None
    for size in (8, 16, 32, 64):
        for name in (f"uint{size}", f"int{size}"):
            info = np.iinfo(name)
            if all(info.min <= int(value) <= info.max for value in kept):
                return name
    return None
