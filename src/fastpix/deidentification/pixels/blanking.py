"""Regions of native frames blanked where they lie: nothing else in the bytes changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.native_frames import native_frames
from fastpix.header.header import Header
from fastpix.plan.black import black_of, float_black
from fastpix.plan.cells_of_header import layout_of
from fastpix.redaction import Region
from fastpix.source.stored import Pixels


def cell_of(header: Header, value: int) -> int:
    """Return the cell of a stored value, as an unsigned integer of Bits Allocated.

    Bits that no value uses are 0, but those above a negative value are those of its sign: many
    readers take the whole cell for the value.

    Parameters
    ----------
    header : Header
    value : int
        In the range of Bits Stored and Pixel Representation.
    """
    shifted = value << (header.high_bit + 1 - header.bits_stored)
    return shifted & ((1 << header.bits_allocated) - 1)


def clear_unused(cells: NDArray[Any], header: Header) -> None:
    """Set the bits of cells that no value uses to what they are in `cell_of`.

    Parameters
    ----------
    cells : ndarray of unsigned integers
        As wide as Bits Allocated, of any byte order; changed in place.
    header : Header
    """
    below = header.high_bit + 1 - header.bits_stored
    above = header.bits_allocated - 1 - header.high_bit
    kind = f"{'i' if header.signed else 'u'}{cells.dtype.itemsize}"
    values = cells.astype(cells.dtype.newbyteorder("=")).view(kind)
    values >>= below
    values <<= above + below
    values >>= above
    cells[...] = values.view(f"u{cells.dtype.itemsize}")


def blanked_native(
    header: Header,
    pixels: Pixels,
    regions: Sequence[Region],
    frames: Sequence[int],
    clear_unused_bits: bool = False,
) -> bytes:
    """Return the value of a native pixel data element with regions blanked.

    Parameters
    ----------
    header : Header
    pixels : Pixels
        Of the original.
    regions : sequence of Region
        From `covered_regions`.
    frames : sequence of int
        Those to blank.
    clear_unused_bits : bool
        Bits that no value uses become 0 in all pixels of all frames.

    Returns
    -------
    bytes
        In the order of the original, of even length; nothing follows the last frame but padding.

    Raises
    ------
    PixelDataError, PixelHeaderError
        The pixels cannot be read, or it is not known what black is.
    """
    in_order, bits, _ = native_frames(header, pixels)
    size = (bits * header.frames + 7) // 8
    data = np.zeros(size + size % 2, np.uint8)
    data[:size] = np.frombuffer(in_order.view(0, size), np.uint8)
    if header.bits_allocated == 1:
        _blank_bits(data, bits, header, regions, frames)
        if rest := bits * header.frames % 8:  # the last byte has bits beyond the last frame
            data[size - 1] &= (1 << rest) - 1
    else:
        _blank_cells(_arranged(data[:size], header), header, regions, frames, clear_unused_bits)
    if header.big_endian and header.bits_allocated <= 8 and header.word_ow:
        data = data.view(np.uint16).byteswap().view(np.uint8)  # as `frames.word_order` found it
    return data.tobytes()


def _arranged(data: NDArray[np.uint8], header: Header) -> NDArray[Any]:
    """Return the cells as ``(frames, rows, columns, numbers)``; columns are pairs in 4:2:2."""
    kind = "f" if header.is_float else "u"
    order = ">" if header.big_endian else "<"
    cells = data.view(f"{order}{kind}{header.bits_allocated // 8}")
    rows, columns = header.rows, header.columns
    layout = layout_of(header)
    if layout == "subsampled":
        return cells.reshape(header.frames, rows, columns // 2, 4)
    if layout == "planar":
        return cells.reshape(header.frames, header.samples, rows, columns).transpose(0, 2, 3, 1)
    return cells.reshape(header.frames, rows, columns, header.samples)


def _blank_cells(
    cells: NDArray[Any],
    header: Header,
    regions: Sequence[Region],
    frames: Sequence[int],
    clear_unused_bits: bool,
) -> None:
    black: tuple[float, ...]
    if header.is_float:
        black = (float_black(cells),) if regions else ()
    else:
        black = tuple(cell_of(header, value) for value in black_of(header)) if regions else ()
        if clear_unused_bits:
            clear_unused(cells, header)
    pairs = layout_of(header) == "subsampled"
    if pairs and regions:
        luminance, blue, red = black
        black = (luminance, luminance, blue, red)
    for frame in frames:
        for part in regions:
            columns = slice(part.x // 2, part.right // 2) if pairs else part.columns
            cells[frame, part.rows, columns] = np.array(black, cells.dtype)


def _blank_bits(
    data: NDArray[np.uint8],
    bits: int,
    header: Header,
    regions: Sequence[Region],
    frames: Sequence[int],
) -> None:
    """Blank one-bit frames, which follow each other without padding."""
    if not regions:
        return
    black = cell_of(header, black_of(header)[0])
    for frame in frames:
        first, skip = divmod(frame * bits, 8)
        held = data[first : first + (skip + bits + 7) // 8]
        cells = np.unpackbits(held, bitorder="little")
        image = cells[skip : skip + bits].reshape(header.rows, header.columns)
        for part in regions:
            image[part.rows, part.columns] = black
        held[:] = np.packbits(cells, bitorder="little")
