"""Header x Recipe = Plan: every decision about pixels, settled to plain numbers, with its reasons.

Pure: no I/O, and no pixel is looked at. The one number it cannot hold is the maximum that
``invert="max"`` needs; `image.values` finds it and hands the kernel `Steps` with `peak` set.
"""

from __future__ import annotations

import math
from copy import copy

import numpy as np

from fastpix.errors import ArgumentError
from fastpix.header.header import Header
from fastpix.header.luts import Lut
from fastpix.header.rescale import SAME, Rescales
from fastpix.kernel.steps import ColorSteps, Steps, stored_range
from fastpix.notes import Note
from fastpix.plan.cells_of_header import cells_of, layout_of, smallest_integer
from fastpix.plan.color import color_plan
from fastpix.plan.plan import Plan, with_rescale
from fastpix.recipe import Recipe

_FLOAT32_MAX = float(np.finfo(np.float32).max)


def make_plan(header: Header, recipe: Recipe) -> Plan:
    """Settle what will be done to every pixel.

    Parameters
    ----------
    header : Header
    recipe : Recipe

    Returns
    -------
    Plan

    Raises
    ------
    ArgumentError
        The recipe asks what this image cannot give.
    PixelHeaderError
        The header lacks what the recipe needs.
    """
    if not header.is_gray:
        return color_plan(header, recipe)
    notes = list(header.notes)
    inverted = header.photometric == "MONOCHROME1"
    invert = recipe.invert if inverted else "none"
    if invert == "range" and header.is_float:
        raise ArgumentError("invert", "'range' needs integers; this image is float: use 'max'")
    lut = header.modality_lut if recipe.rescale else None
    rescales = _rescales(header, recipe)
    cells = cells_of(header)
    low, high = stored_range(cells)
    if lut is None:
        mirror = low + high if invert == "range" else None
        steps = cells._replace(mirror=mirror)
    else:
        rescales = SAME
        peak = 2.0**lut.bits - 1 if invert == "range" else None
        steps = cells._replace(table=lut.entries, first=float(lut.first), peak=peak)
    padding = _padding(header, recipe, (low, high), inverted, notes)
    steps = with_rescale(steps, rescales[0])._replace(normalize=recipe.normalize, padding=padding)
    if inverted and invert == "none":
        notes.append(Note("MONOCHROME1 is left as stored: low values are bright"))
    if invert == "max" and recipe.normalize is not None:
        notes.append(
            Note(
                "normalize after invert='max' depends on this file's own maximum, which differs "
                "from file to file: use invert='range' for a data set",
                oddity=True,
            )
        )
    return Plan(
        shape=(header.frames, header.rows, header.columns),
        dtype=_dtype(header, recipe, steps, rescales, invert, lut),
        transfer_syntax=header.transfer_syntax,
        photometric=header.photometric,
        steps=steps,
        rescales=rescales,
        color=None,
        invert=invert,
        unit=_unit(header, recipe, invert),
        notes=tuple(notes),
    )


def _rescales(header: Header, recipe: Recipe) -> Rescales:
    if not recipe.rescale:
        return SAME
    if header.rescale_error is not None:
        error = header.rescale_error
        raise copy(error) from error.__cause__  # a raised error collects tracebacks
    return header.rescales


def _padding(
    header: Header,
    recipe: Recipe,
    stored: tuple[float, float],
    inverted: bool,
    notes: list[Note],
) -> tuple[float, float, float] | None:
    if recipe.padding is not None and header.padding_error is not None:
        raise copy(header.padding_error)
    if header.padding is None:
        return None
    first, last = header.padding
    if not header.is_float and (last < stored[0] or first > stored[1]):
        notes.append(
            Note(
                "PixelPaddingValue (0028,0120) lies outside what the stored bits hold",
                code="HDR_PADDING_OUT_OF_RANGE",
            )
        )
    if recipe.padding is not None:
        return first, last, recipe.padding
    if inverted:
        notes.append(
            Note(
                "MONOCHROME1 with PixelPaddingValue (0028,0120): padding counts as pixels; "
                "pass padding= to set it apart",
                oddity=recipe.invert != "none",  # it decides nothing then
                code="HDR_PADDING_IN_MONOCHROME1",
            )
        )
    return None


def _dtype(
    header: Header,
    recipe: Recipe,
    steps: Steps,
    rescales: Rescales,
    invert: str,
    lut: Lut | None,
) -> str:
    """Return the output dtype; "auto" is settled from what the header can represent.

    With integers for slope and intercept, or a table, every y is an integer, even where float64 has
    rounded it: beyond 2**53 it has no other numbers.
    """
    if recipe.dtype != "auto":
        return recipe.dtype
    if recipe.normalize is not None:
        return "float32"
    if header.is_float:
        return "float32" if header.bits_allocated == 32 else "float64"
    different = [with_rescale(steps, rescale) for rescale in dict.fromkeys(rescales)]
    ranges = [_output_range(s, lut) for s in different]
    low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
    values = [low, high]
    if invert == "max":
        values = [0.0, high - low]
    if header.padding is not None and recipe.padding is not None:
        values.append(recipe.padding)
    is_whole = lut is not None or all(
        float(s.slope).is_integer() and float(s.intercept).is_integer() for s in different
    )
    integer = smallest_integer(values) if is_whole else None
    if integer is not None:
        return integer
    is_wide = header.bits_stored > 24 or any(
        math.isfinite(value) and abs(value) > _FLOAT32_MAX for value in values
    )
    return "float64" if is_wide else "float32"


def _output_range(steps: Steps, lut: Lut | None) -> tuple[float, float]:
    """Return the least and the greatest y of step 4 (step 5 for ``"range"``) that can occur."""
    if lut is not None:
        entries = memoryview(lut.entries).cast("d")
        low, high = min(entries), max(entries)
        return (low, high) if steps.peak is None else (steps.peak - high, steps.peak - low)
    ends = [v * steps.slope + steps.intercept for v in stored_range(steps)]
    return min(ends), max(ends)


def _unit(header: Header, recipe: Recipe, invert: str) -> str:
    unit = header.unit if recipe.rescale else "stored values"
    if invert != "none":
        unit = f"inverted {unit}"
    if recipe.normalize is not None:
        lo, hi = recipe.normalize
        unit = f"0..1, from {lo:g}..{hi:g} {unit}"
    return unit


def stored_plan(header: Header) -> Plan:
    """Return the plan of `Image.stored`: steps 1 to 3 alone, as wide as Bits Allocated."""
    color = header.samples == 3
    layout = layout_of(header) if color else "indexed"
    dtype = f"f{header.bits_allocated // 8}"
    if not header.is_float:
        dtype = f"{'i' if header.signed else 'u'}{max(header.bits_allocated // 8, 1)}"
    cells = cells_of(header)
    shape = (header.frames, header.rows, header.columns)
    return Plan(
        shape=(*shape, 3) if color else shape,
        dtype=np.dtype(dtype).name,
        transfer_syntax=header.transfer_syntax,
        photometric=header.photometric,
        steps=cells,
        rescales=None if color else SAME,
        color=ColorSteps(cells, layout, ybr=False) if color else None,
        invert="none",
        unit="stored values",
        notes=header.notes,
    )
