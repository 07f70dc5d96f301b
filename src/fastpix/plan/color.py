"""The Plan of a colour image: its samples as RGB (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

import numpy as np

from fastpix.errors import ArgumentError, PixelHeaderError
from fastpix.header.header import Header
from fastpix.header.luts import Lut
from fastpix.kernel.steps import ColorSteps, Steps, stored_range
from fastpix.notes import Note
from fastpix.plan.cells_of_header import cells_of, holds_full, layout_of, smallest_integer
from fastpix.plan.color_range import Range, dtype_of_auto, in_range, values_of
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe
from fastpix.standard.syntaxes import JPEG_2000, JPEG_XL
from fastpix.standard.tags import Tag

_CONVERTED_HERE = ("RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR")
_YBR = ("YBR_FULL", "YBR_FULL_422")
_REMEDY = "color_range=(0, 1) beside it says what the 0..255 of colour becomes"
_PARTIAL = "it is retired (PS3.3 C.7.6.3.1.2), and its conversion to RGB is not supported"


def color_plan(header: Header, recipe: Recipe) -> Plan:
    """Settle what will be done to every pixel of a colour image.

    Raises
    ------
    ArgumentError
        The recipe asks for `normalize` alone, which colour cannot take.
    PixelHeaderError
        The colours cannot be converted to RGB, or not be mapped to a range.
    """
    photometric, limits = header.photometric, recipe.color_range
    if recipe.normalize is not None and limits is None:
        reason = f"colour ({photometric}) has no modality units to clip: {_REMEDY}"
        raise ArgumentError("normalize", reason, f"normalize is not for colour: {_REMEDY}")
    _check_colors(header)
    cells = cells_of(header)
    notes = [*header.notes, *_notes(header)]
    if header.palette is not None:
        samples = _with_palette(header.palette, cells, limits, notes)
        color = ColorSteps(samples, "indexed", ybr=False)
        low, high = 0.0, 2.0 ** max(lut.bits for lut in header.palette) - 1
    else:
        samples = cells if limits is None else in_range(cells, header, limits)
        color = ColorSteps(samples, layout_of(header), ybr=photometric in _YBR)
        low, high = stored_range(cells)
    dtype = recipe.dtype
    if dtype == "auto":
        whole = smallest_integer([low, high]) or "float64"
        dtype = whole if limits is None else dtype_of_auto(limits)
    if limits is None:
        unit = f"RGB, 0..{2.0**header.bits_stored - 1 if header.palette is None else high:g}"
    else:
        unit = f"RGB, {limits[0]:g}..{limits[1]:g}"
    return Plan(
        shape=(header.frames, header.rows, header.columns, 3),
        dtype=dtype,
        transfer_syntax=header.transfer_syntax,
        photometric=photometric,
        steps=color.samples,
        rescales=None,
        color=color,
        invert="none",
        unit=unit,
        notes=tuple(notes),
        color_range=limits,
    )


def _check_colors(header: Header) -> None:
    """Check that the colours are ones that we, or the codec, convert to RGB."""
    photometric = header.photometric
    by_codec = (header.transfer_syntax in JPEG_2000 and photometric in ("YBR_RCT", "YBR_ICT")) or (
        header.transfer_syntax in JPEG_XL and photometric == "XYB"
    )
    if photometric not in _CONVERTED_HERE and not by_codec:
        raise PixelHeaderError(
            tag=Tag.PhotometricInterpretation,
            keyword="PhotometricInterpretation",
            value=photometric,
            reason=_PARTIAL
            if photometric == "YBR_PARTIAL_422"
            else "its colours cannot be converted to RGB",
            remedy="read the samples as they are with Image.stored()",
        )
    if photometric in _YBR and header.signed:
        raise PixelHeaderError(
            tag=Tag.PixelRepresentation,
            keyword="PixelRepresentation",
            value=1,
            reason=f"{photometric} samples are unsigned",
        )


def _notes(header: Header) -> list[Note]:
    if header.photometric == "YBR_FULL_422" and not header.encapsulated and holds_full(header):
        text = (
            "PhotometricInterpretation (0028,0004) is YBR_FULL_422, but the data holds 3 "
            "samples a pixel: read as YBR_FULL"
        )
        return [Note(text, oddity=True, code="HDR_YBR_422_FULL")]
    return []


def _with_palette(
    palette: tuple[Lut, Lut, Lut], cells: Steps, limits: Range | None, notes: list[Note]
) -> Steps:
    """Return the steps of an index: its table holds a red, a green and a blue value an entry."""
    entries = np.stack([np.frombuffer(lut.entries, np.float64) for lut in palette], axis=1)
    table = entries.tobytes()
    if limits is not None:
        bits = _depth(palette, float(entries.max()), notes)
        table = values_of(entries.astype(np.int64), bits, limits)
    return cells._replace(table=table, first=float(palette[0].first))


def _depth(palette: tuple[Lut, Lut, Lut], highest: float, notes: list[Note]) -> int:
    """Return the bits of the entries: 8 if no entry is larger, whatever the descriptors say."""
    bits = max(lut.bits for lut in palette)
    if bits == 8 or highest > 255:
        return bits
    if highest > 0:
        text = (
            f"the palette has entries of {bits} bits by its descriptors, but none is above 255: "
            f"color_range takes them for entries of 8 bits"
        )
        notes.append(Note(text, oddity=True, code="HDR_PALETTE_BITS"))
    return 8
