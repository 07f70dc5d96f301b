"""What a kernel is told of one cell, in plain numbers; knows no DICOM."""

from __future__ import annotations

from typing import Literal, NamedTuple

Layout = Literal["interleaved", "planar", "subsampled", "indexed"]


class Steps(NamedTuple):
    """What happens to one cell, in plain numbers: all that a kernel is told (docs/exactness.md).

    Attributes
    ----------
    cell : {"bit", "u1", "u2", "u4", "f4", "f8"}
        A stored cell: unsigned integer or IEEE float of so many bytes; ``"bit"``: packed.
    swap : bool
        The cells are in the byte order that the machine's is not.
    high_bit, bits : int
        Where the stored bits end, and how many there are.
    signed : bool
        Two's complement.
    mirror : float or None
        v becomes ``mirror - v``.
    table, first : bytes or None, float
        y is ``table[clip(v - first)]``; float64 entries.
    slope, intercept : float
        Else y is ``v * slope + intercept``.
    peak : float or None
        y becomes ``peak - y``.
    normalize : (float, float) or None
        y becomes ``(clip(y, lo, hi) - lo) / (hi - lo)``.
    padding : (float, float, float) or None
        Where v is in first..last, y is the third.
    shift : int
        Bits that v loses at its lower end before all of these, and after YBR is converted.
    """

    cell: str
    swap: bool
    high_bit: int
    bits: int
    signed: bool
    mirror: float | None = None
    table: bytes | None = None
    first: float = 0.0
    slope: float = 1.0
    intercept: float = 0.0
    peak: float | None = None
    normalize: tuple[float, float] | None = None
    padding: tuple[float, float, float] | None = None
    shift: int = 0


class ColorSteps(NamedTuple):
    """What happens to one pixel of a colour frame.

    Attributes
    ----------
    samples : Steps
        How a cell becomes a sample, and RGB a value, by shift and table, or slope and intercept.
        With an index, the table alone: it holds RGB triples.
    layout : {"interleaved", "planar", "subsampled", "indexed"}
        Where the samples of a pixel are; ``"subsampled"``: Y1 Y2 Cb Cr.
    ybr : bool
        Convert YBR_FULL to RGB.
    """

    samples: Steps
    layout: Layout
    ybr: bool

    @property
    def is_by_cell(self) -> bool:
        """Whether each cell becomes a value by itself, where it stands: no colour is converted."""
        return self.layout == "interleaved" and not self.ybr


def stored_range(cells: Steps) -> tuple[float, float]:
    """Return the lowest and the highest value that the stored bits can represent."""
    if cells.signed:
        return -(2.0 ** (cells.bits - 1)), 2.0 ** (cells.bits - 1) - 1
    return 0.0, 2.0**cells.bits - 1
