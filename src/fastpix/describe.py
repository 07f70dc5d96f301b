"""A Plan in words that a person understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpix.attributes import count_of
from fastpix.steps import ColorSteps, Steps, stored_range
from fastpix.syntaxes import LOSSY, syntax_name

if TYPE_CHECKING:
    from fastpix.plan import Plan


def describe(plan: Plan) -> list[tuple[str, str]]:
    """Return the plan in words: pairs of a label and what it says, in the order of the steps."""
    cells = plan.color.samples if plan.color else plan.steps[0]
    lines = [("image", f"{count_of(plan.shape[0], 'frame')} of {plan.shape[1]} x {plan.shape[2]} "
                       f"(rows x columns), {plan.photometric}"),
             ("encoding", f"{syntax_name(plan.transfer_syntax)} ({plan.transfer_syntax})"),
             ("cells", _cell_words(cells))]  # fmt: skip
    if cells.cell[0] != "f":
        lines += [("mask", _mask_words(cells, plan.transfer_syntax)), ("sign", _sign_words(cells))]
    if plan.color is not None:
        lines.append(("colour", _color_words(plan.color)))
    else:
        lines += [("rescale", _rescale_words(plan)), ("invert", _invert_words(plan))]
        if cells.normalize:
            lo, hi = cells.normalize
            lines.append(("normalize", f"clip to {lo:g}..{hi:g}, map to 0..1"))
        if cells.padding:
            first, last, value = cells.padding
            lines.append(("padding", f"stored {first:g}..{last:g} becomes {value:g}"))
    lines.append(("output", f"{plan.dtype}, {plan.unit}"))
    lines += [("warning" if note.oddity else "note", note.text) for note in plan.notes]
    return lines


def _cell_words(cells: Steps) -> str:
    if cells.cell == "bit":
        return "1 bit each, packed, least significant bit first"
    kind = "IEEE float" if cells.cell[0] == "f" else "integer"
    order = ", bytes swapped" if cells.swap else ""
    return f"{kind} of {8 * int(cells.cell[1])} bits{order}"


def _mask_words(cells: Steps, syntax: str) -> str:
    if syntax in LOSSY:
        return f"samples of a lossy codec are clipped to {count_of(cells.bits, 'bit')}"
    if cells.cell == "bit" or cells.bits == 8 * int(cells.cell[1]):
        return f"all {count_of(cells.bits, 'bit')} hold the value"
    low = cells.high_bit + 1 - cells.bits
    return f"bits {low} to {cells.high_bit} hold the value ({cells.bits} bits); others are ignored"


def _sign_words(cells: Steps) -> str:
    low, high = stored_range(cells)
    kind = "two's complement" if cells.signed else "unsigned"
    return f"{kind}, {low:.0f} to {high:.0f}"


def _rescale_words(plan: Plan) -> str:
    first = plan.steps[0]
    if first.table is not None:
        return f"Modality LUT of {len(first.table) // 8} entries from stored {first.first:g}"
    if len(plan.steps) > 1:
        slopes = [s.slope for s in plan.steps]
        return f"per frame: slopes {min(slopes):g} to {max(slopes):g}"
    if first.slope == 1 and first.intercept == 0:
        return "none (slope 1, intercept 0)"
    return f"value * {first.slope!r} + {first.intercept!r}"


def _invert_words(plan: Plan) -> str:
    if plan.invert == "max":
        return "MONOCHROME1: subtracted from the maximum of the instance"
    if plan.invert == "range":
        return "MONOCHROME1: mirrored in the representable range"
    return "no"


def _color_words(color: ColorSteps) -> str:
    layout = {
        "interleaved": "samples interleaved",
        "planar": "planes one after another, interleaved on reading",
        "subsampled": "Y1 Y2 Cb Cr for each pair of pixels, upsampled",
        "indexed": "indices into the palette",
    }[color.layout]
    return f"{layout}; {'YBR_FULL converted to RGB' if color.ybr else 'RGB'}"
