"""Header x Recipe = Plan: every decision about pixels, settled to plain numbers, with its reasons.

Pure: no I/O, and no pixel is looked at. The one number it cannot hold is the maximum that
``invert="max"`` needs; `values` finds it and hands the kernel `Steps` with `peak` set.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpix.attributes import Note
from fastpix.describe import describe
from fastpix.errors import ArgumentError, PixelHeaderError
from fastpix.header import Header
from fastpix.luts import Lut
from fastpix.pixel_module import MONOCHROME
from fastpix.recipe import Recipe
from fastpix.rescale import Rescale
from fastpix.steps import ColorSteps, Layout, Steps, stored_range
from fastpix.syntaxes import JPEG_2000, JPEG_XL, keeps_high_bit, syntax_name
from fastpix.tags import Tag

_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Plan:
    """Every decision about the pixels of one instance; print it to read it.

    Attributes
    ----------
    shape : tuple of int
        ``(frames, rows, columns)``, or ``(frames, rows, columns, 3)`` for colour.
    dtype : str
        Of the output.
    transfer_syntax : str
        Its UID.
    photometric : str
    steps : tuple of Steps
        One, or one a frame.
    color : ColorSteps or None
        For colour, in place of `steps`.
    invert : {"max", "range", "none"}
        What is done, not what was asked: ``"none"`` unless the image is MONOCHROME1.
    unit : str
        Of the output values.
    notes : tuple of Note
    """

    shape: tuple[int, ...]
    dtype: str
    transfer_syntax: str
    photometric: str
    steps: tuple[Steps, ...]
    color: ColorSteps | None
    invert: str
    unit: str
    notes: tuple[Note, ...]

    @property
    def needs_peak(self) -> bool:
        """Whether the maximum of the instance must be known before a value can be."""
        return self.invert == "max"

    def frame_steps(self, frame: int) -> Steps:
        """Return the steps of one frame."""
        return self.steps[frame if len(self.steps) > 1 else 0]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON can hold it, free of text that the file's author chose."""
        rescales = [[s.slope, s.intercept] for s in self.steps]
        cells = self.color.samples if self.color else self.steps[0]
        return {
            "shape": list(self.shape),
            "dtype": self.dtype,
            "transfer_syntax": syntax_name(self.transfer_syntax),
            "photometric": self.photometric,  # one of those that can be planned for
            "cell": cells.cell,
            "bits_stored": cells.bits,
            "high_bit": cells.high_bit,
            "signed": cells.signed,
            "slope_intercept": rescales,
            "modality_lut": cells.table is not None and self.color is None,
            "color": self.color.layout if self.color else None,
            "ybr_to_rgb": bool(self.color and self.color.ybr),
            "invert": self.invert,
            "normalize": list(cells.normalize) if cells.normalize else None,
            "padding": list(map(str, cells.padding)) if cells.padding else None,
            "notes": [note.text for note in self.notes],
        }

    def __str__(self) -> str:
        return "\n".join(f"{label + ':':12}{text}" for label, text in describe(self))


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
    if header.photometric not in MONOCHROME:
        return _color_plan(header, recipe)
    notes = list(header.notes)
    inverted = header.photometric == "MONOCHROME1"
    invert = recipe.invert if inverted else "none"
    if invert == "range" and header.is_float:
        raise ArgumentError("invert", "'range' needs integers; this image is float: use 'max'")
    lut = header.modality_lut if recipe.rescale else None
    rescales = _rescales(header, recipe)
    cells = _cells(header)
    low, high = stored_range(cells)
    if lut is None:
        mirror = low + high if invert == "range" else None
        peak = None
        steps = [cells._replace(slope=r.slope, intercept=r.intercept, mirror=mirror)
                 for r in rescales]  # fmt: skip
    else:
        peak = 2.0**lut.bits - 1 if invert == "range" else None
        steps = [cells._replace(table=lut.entries, first=float(lut.first), peak=peak)]
    padding = _padding(header, recipe, (low, high), inverted, notes)
    steps = [s._replace(normalize=recipe.normalize, padding=padding) for s in steps]
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
        dtype=_dtype(header, recipe, steps, invert, lut),
        transfer_syntax=header.transfer_syntax,
        photometric=header.photometric,
        steps=tuple(steps),
        color=None,
        invert=invert,
        unit=_unit(header, recipe, invert),
        notes=tuple(notes),
    )


def stored_plan(header: Header) -> Plan:
    """Return the plan of `Image.stored`: steps 1 to 3 alone, as wide as Bits Allocated."""
    color = header.samples == 3
    layout = _layout(header) if color else "indexed"
    dtype = f"f{header.bits_allocated // 8}"
    if not header.is_float:
        dtype = f"{'i' if header.signed else 'u'}{max(header.bits_allocated // 8, 1)}"
    cells = _cells(header)
    shape = (header.frames, header.rows, header.columns)
    return Plan(
        shape=(*shape, 3) if color else shape,
        dtype=np.dtype(dtype).name,
        transfer_syntax=header.transfer_syntax,
        photometric=header.photometric,
        steps=(cells,),
        color=ColorSteps(cells, layout, ybr=False) if color else None,
        invert="none",
        unit="stored values",
        notes=header.notes,
    )


def _cells(header: Header) -> Steps:
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


def _rescales(header: Header, recipe: Recipe) -> tuple[Rescale, ...]:
    if not recipe.rescale:
        return (Rescale(1.0, 0.0),)
    if header.rescale_error is not None and header.modality_lut is None:
        raise copy(header.rescale_error)  # a raised error collects tracebacks
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
        notes.append(Note("PixelPaddingValue (0028,0120) lies outside what the stored bits hold"))
    if recipe.padding is not None:
        return first, last, recipe.padding
    if inverted:
        notes.append(
            Note(
                "MONOCHROME1 with PixelPaddingValue (0028,0120): padding counts as pixels; "
                "pass padding= to set it apart",
                oddity=recipe.invert != "none",  # it decides nothing then
            )
        )
    return None


def _dtype(header: Header, recipe: Recipe, steps: list[Steps], invert: str, lut: Lut | None) -> str:
    """Return the output dtype; "auto" is settled from what the header can represent."""
    if recipe.dtype != "auto":
        return recipe.dtype
    if recipe.normalize is not None:
        return "float32"
    if header.is_float:
        return "float32" if header.bits_allocated == 32 else "float64"
    ranges = [_output_range(s, lut) for s in steps]
    low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
    values = [low, high]
    if invert == "max":
        values = [0.0, high - low]
    if header.padding is not None and recipe.padding is not None:
        values.append(recipe.padding)
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    wide = "float32" if header.bits_stored <= 24 and largest <= _FLOAT32_MAX else "float64"
    whole = all(float(s.slope).is_integer() and float(s.intercept).is_integer() for s in steps)
    if lut is not None:
        whole = True
    if not whole or max(abs(low), abs(high)) > 2.0**53:
        return wide
    return _smallest_integer(values) or wide


def _output_range(steps: Steps, lut: Lut | None) -> tuple[float, float]:
    """Return the least and the greatest y of step 4 (step 5 for ``"range"``) that can occur."""
    if lut is not None:
        entries = memoryview(lut.entries).cast("d")
        low, high = min(entries), max(entries)
        return (low, high) if steps.peak is None else (steps.peak - high, steps.peak - low)
    ends = [v * steps.slope + steps.intercept for v in stored_range(steps)]
    return min(ends), max(ends)


def _smallest_integer(values: Iterable[float]) -> str | None:
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


def _unit(header: Header, recipe: Recipe, invert: str) -> str:
    unit = header.unit if recipe.rescale else "stored values"
    if invert != "none":
        unit = f"inverted {unit}"
    if recipe.normalize is not None:
        lo, hi = recipe.normalize
        unit = f"0..1, from {lo:g}..{hi:g} {unit}"
    return unit


def _layout(header: Header) -> Layout:
    if not header.encapsulated and header.photometric == "YBR_FULL_422" and not holds_full(header):
        return "subsampled"
    return "planar" if header.planar and not header.encapsulated else "interleaved"


def stored_samples(header: Header) -> int:
    """Return how many samples a pixel has in native data: 2 where chrominance is subsampled.

    Raises
    ------
    PixelHeaderError
        It is shared by pairs of pixels, and a row has no whole number of them.
    """
    if _layout(header) != "subsampled":
        return header.samples
    if header.columns % 2:
        raise PixelHeaderError(
            tag=Tag.Columns,
            keyword="Columns",
            value=header.columns,
            reason="YBR_FULL_422 shares chrominance between pairs of pixels of a row",
        )
    return 2


def holds_full(header: Header) -> bool:
    """Whether native YBR_FULL_422 data holds three samples a pixel, as some writers have it."""
    pixels = header.frames * header.rows * header.columns * header.bits_allocated // 8
    return header.pixel_bytes in (3 * pixels, 3 * pixels + 1)


def _color_plan(header: Header, recipe: Recipe) -> Plan:
    photometric = header.photometric
    notes = list(header.notes)
    if recipe.normalize is not None:
        raise ArgumentError("normalize", f"colour ({photometric}) has no modality units to clip")
    undone = (
        (header.transfer_syntax in JPEG_2000 and photometric in ("YBR_RCT", "YBR_ICT"))
        or (header.transfer_syntax in JPEG_XL and photometric == "XYB")
    )  # fmt: skip
    known = ("RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR")
    if photometric not in known and not undone:
        raise PixelHeaderError(
            tag=Tag.PhotometricInterpretation,
            keyword="PhotometricInterpretation",
            value=photometric,
            reason="its colours cannot be converted to RGB",
            remedy="read the samples as they are with Image.stored()",
        )
    ybr = photometric in ("YBR_FULL", "YBR_FULL_422")
    if ybr and header.signed:
        raise PixelHeaderError(
            tag=Tag.PixelRepresentation,
            keyword="PixelRepresentation",
            value=1,
            reason=f"{photometric} samples are unsigned",
        )
    if photometric == "YBR_FULL_422" and not header.encapsulated and holds_full(header):
        notes.append(
            Note(
                "PhotometricInterpretation (0028,0004) is YBR_FULL_422, but the data holds 3 "
                "samples a pixel: read as YBR_FULL",
                oddity=True,
            )
        )
    cells = _cells(header)
    top = 2.0**header.bits_stored - 1
    layout: Layout
    if header.palette is not None:
        layout = "indexed"
        red, green, blue = (memoryview(lut.entries).cast("d") for lut in header.palette)
        triples = array("d", (value for triple in zip(red, green, blue, strict=True)
                              for value in triple))  # fmt: skip
        top = 2.0 ** max(lut.bits for lut in header.palette) - 1
        cells = cells._replace(table=triples.tobytes(), first=float(header.palette[0].first))
    else:
        layout = _layout(header)
    dtype = recipe.dtype
    if dtype == "auto":
        low = stored_range(cells)[0] if header.palette is None else 0.0
        dtype = _smallest_integer([low, top if low == 0 else -low - 1]) or "float64"
    return Plan(
        shape=(header.frames, header.rows, header.columns, 3),
        dtype=dtype,
        transfer_syntax=header.transfer_syntax,
        photometric=photometric,
        steps=(),
        color=ColorSteps(cells, layout, ybr),
        invert="none",
        unit=f"RGB, 0..{top:g}",
        notes=tuple(notes),
    )
