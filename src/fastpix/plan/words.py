"""Steps of a Plan in words that a person understands."""

from __future__ import annotations

from fastpix.header.rescale import Rescales
from fastpix.kernel.steps import ColorSteps, Steps, stored_range
from fastpix.notes import count_of
from fastpix.standard.syntaxes import JPEG, RECOMPRESSED_JPEG, keeps_high_bit


def cell_words(cells: Steps) -> str:
    """Say how a cell is stored."""
    if cells.cell == "bit":
        return "1 bit each, packed, least significant bit first"
    kind = "IEEE float" if cells.cell[0] == "f" else "integer"
    order = ", bytes swapped" if cells.swap else ""
    return f"{kind} of {8 * int(cells.cell[1])} bits{order}"


def mask_words(cells: Steps, syntax: str) -> str:
    """Say which of its bits hold the value."""
    if not keeps_high_bit(syntax):
        bits = count_of(cells.bits, "bit")
        return f"decoded values are masked to {bits}, or clipped if the compression is lossy"
    if cells.cell == "bit" or cells.bits == 8 * int(cells.cell[1]):
        return f"all {count_of(cells.bits, 'bit')} hold the value"
    low = cells.high_bit + 1 - cells.bits
    return f"bits {low} to {cells.high_bit} hold the value ({cells.bits} bits); others are ignored"


def sign_words(cells: Steps) -> str:
    """Say the range of stored values."""
    low, high = stored_range(cells)
    kind = "two's complement" if cells.signed else "unsigned"
    return f"{kind}, {low:.0f} to {high:.0f}"


def rescale_words(first: Steps, rescales: Rescales) -> str:
    """Say how stored values become modality values."""
    if first.table is not None:
        return f"Modality LUT of {len(first.table) // 8} entries from stored {first.first:g}"
    if len(rescales) > 1:
        return f"per frame: slopes {rescales.slopes.min():g} to {rescales.slopes.max():g}"
    if first.slope == 1 and first.intercept == 0:
        return "none (slope 1, intercept 0)"
    sign = "-" if first.intercept < 0 else "+"
    return f"value * {first.slope!r} {sign} {abs(first.intercept)!r}"


def invert_words(invert: str) -> str:
    """Say what is done about MONOCHROME1."""
    if invert == "max":
        return "MONOCHROME1: subtracted from the maximum of the instance"
    if invert == "range":
        return "MONOCHROME1: mirrored in the representable range"
    return "no"


def color_words(color: ColorSteps, syntax: str) -> str:
    """Say where samples are, and what is done to colours."""
    indexed = color.layout == "indexed"
    layout = {
        "interleaved": "samples interleaved",
        "planar": "planes one after another, interleaved on reading",
        "subsampled": "Y1 Y2 Cb Cr for each pair of pixels, upsampled",
        "indexed": "indices into the palette",
    }[color.layout]
    colors = "YBR_FULL converted to RGB" if color.ybr else "RGB"
    if (syntax in JPEG or syntax == RECOMPRESSED_JPEG) and not indexed:
        colors += ", unless the JPEG data of a frame proves other colours"
    return f"{layout}; {colors}"
