"""Where the frames of native pixel data are, counted in bits (PS3.5 8.1.1)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastpix.errors import PixelDataError
from fastpix.frames.word_order import in_byte_order
from fastpix.header.header import Header
from fastpix.notes import Note, count_of
from fastpix.plan.cells_of_header import stored_samples
from fastpix.source.stored import Memory, Pixels

_WINDOW = 2**20  # bytes that are looked at together


class NativeFrames(NamedTuple):
    """The frames of native pixel data.

    Attributes
    ----------
    pixels : Pixels
        Their bytes, in the order of the cells.
    bits : int
        Of a frame; frames follow each other without padding.
    notes : list of Note
        What was found beyond them, or between them.
    """

    pixels: Pixels
    bits: int
    notes: list[Note]


def native_frames(header: Header, pixels: Pixels) -> NativeFrames:
    """Find the frames of native pixel data, and check that there are enough bytes for them.

    One-bit frames that are padded to whole bytes, against the standard, are read if there are just
    as many bytes as they need, and this cannot be the size without padding.

    Parameters
    ----------
    header : Header
    pixels : Pixels

    Raises
    ------
    PixelDataError
        There are fewer bytes than the frames need, or it cannot be told where frames begin.
    """
    samples = stored_samples(header)
    bits = header.rows * header.columns * samples * header.bits_allocated
    expected = (bits * header.frames + 7) // 8
    found = header.pixel_bytes
    frames = count_of(header.frames, "frame")
    if found < expected:
        raise PixelDataError(
            expected=expected,
            found=found,
            layout=f"{frames} of {header.rows} x {header.columns} x "
            f"{samples * header.bits_allocated} bits",
            keyword=header.pixel_keyword,
        )
    in_order = in_byte_order(header, pixels)
    if found <= expected + 1:
        return NativeFrames(in_order, bits, [])
    excess = found - expected
    padded = (bits + 7) // 8 * header.frames
    if header.bits_allocated == 1 and bits % 8 and found in (padded, padded + padded % 2):
        tight = _without_padding(in_order, bits, header.frames)
        text = (
            f"{header.pixel_keyword} holds its {frames} of {bits} bits padded to whole bytes each, "
            "which frames must not be: read without the padding"
        )
        return NativeFrames(
            Pixels(tight, 0, tight.size), bits, [Note(text, oddity=True, code="PIX_ONE_BIT_PADDED")]
        )
    whole = excess * 8 // bits
    text = (
        f"{header.pixel_keyword} holds {excess} bytes beyond its {frames}, enough for "
        f"{count_of(whole, 'whole frame')} more: they are not read"
    )
    return NativeFrames(in_order, bits, [Note(text, oddity=True, code="PIX_BYTES_BEYOND")])


def _without_padding(pixels: Pixels, bits: int, frames: int) -> Memory:
    """Take the padding out of one-bit frames that begin at whole bytes."""
    size = (bits + 7) // 8
    step = max(_WINDOW // size // 8, 1) * 8  # eight frames without padding are whole bytes
    parts = []
    for first in range(0, frames, step):
        part = pixels.view(first * size, min(first + step, frames) * size)
        padded = np.frombuffer(part, np.uint8).reshape(-1, size)
        if (padded[:, -1] >> bits % 8).any():
            raise PixelDataError(
                expected=(bits * frames + 7) // 8,
                found=size * frames,
                reason=f"Pixel Data (7FE0,0010) has the size of {frames} frames of {bits} bits "
                "that are padded to whole bytes each, but the padding is not 0: it cannot be told "
                "where frames begin",
                remedy="write the frames again, one behind the other without padding (PS3.5 8.1.1)",
            )
        cells = np.unpackbits(padded, axis=1, count=bits, bitorder="little")
        parts.append(np.packbits(cells, bitorder="little").tobytes())
    return Memory(b"".join(parts))
