"""`Plan`: every decision about the pixels of one instance, as plain numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastpix.header.rescale import SAME, Rescale, Rescales
from fastpix.in_notebooks import InNotebooks
from fastpix.kernel.steps import ColorSteps, Steps
from fastpix.notes import Note, count_of
from fastpix.plan.words import (
    cell_words,
    color_words,
    invert_words,
    mask_words,
    rescale_words,
    sign_words,
)
from fastpix.standard.syntaxes import syntax_name


@dataclass(frozen=True, slots=True, repr=False)
class Plan(InNotebooks):
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
    steps : Steps
        Of a cell of the first frame; `frame_steps` has those of others.
    rescales : Rescales or None
        One, or one a frame; None for colour.
    color : ColorSteps or None
        For colour.
    invert : {"max", "range", "none"}
        What is done, not what was asked: ``"none"`` unless the image is MONOCHROME1.
    unit : str
        Of the output values.
    notes : tuple of Note
    color_range : (float, float) or None
        What 0..255 is mapped to, where colour is brought to 8 bits.
    """

    shape: tuple[int, ...]
    dtype: str
    transfer_syntax: str
    photometric: str
    steps: Steps
    rescales: Rescales | None
    color: ColorSteps | None
    invert: str
    unit: str
    notes: tuple[Note, ...]
    color_range: tuple[float, float] | None = None

    @property
    def needs_peak(self) -> bool:
        """Whether the maximum of the instance must be known before a value can be."""
        return self.invert == "max"

    @property
    def is_by_cell(self) -> bool:
        """Whether each cell becomes a value by itself, where it stands: no colour is converted."""
        return self.color is None or self.color.is_by_cell

    @property
    def has_own_rescales(self) -> bool:
        """Whether each frame has a rescale of its own."""
        return self.rescales is not None and len(self.rescales) > 1

    @property
    def slope_intercept(self) -> tuple[tuple[float, float], ...]:
        """Slope and intercept that step 4 applies: one pair, or one a frame.

        ``(1, 0)`` if values are not rescaled, or go through a Modality LUT. Colour has none. Plans
        as dictionaries, and so sidecars, have the same under this name.
        """
        return tuple((rescale.slope, rescale.intercept) for rescale in self.rescales or ())

    def frame_steps(self, frame: int) -> Steps:
        """Return the steps of one frame."""
        if self.rescales is None or not self.has_own_rescales:
            return self.steps
        return with_rescale(self.steps, self.rescales[frame])

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON can hold it, free of text that the file's author chose."""
        cells = self.steps
        return {
            "shape": list(self.shape),
            "dtype": self.dtype,
            "transfer_syntax": syntax_name(self.transfer_syntax),
            "photometric": self.photometric,  # one of those that can be planned for
            "cell": cells.cell,
            "bits_stored": cells.bits,
            "high_bit": cells.high_bit,
            "signed": cells.signed,
            "slope_intercept": list(map(list, self.slope_intercept)),
            "modality_lut": cells.table is not None and self.color is None,
            "color": self.color.layout if self.color else None,
            "ybr_to_rgb": bool(self.color and self.color.ybr),
            "color_range": list(self.color_range) if self.color_range else None,
            "invert": self.invert,
            "normalize": list(cells.normalize) if cells.normalize else None,
            "padding": list(map(str, cells.padding)) if cells.padding else None,
            "notes": [note.text for note in self.notes],
        }

    def describe(self) -> list[tuple[str, str]]:
        """Return the plan in words, in the order of the steps: pairs of a label and a text."""
        cells = self.steps
        syntax = self.transfer_syntax
        size = f"{count_of(self.shape[0], 'frame')} of {self.shape[1]} x {self.shape[2]}"
        lines = [
            ("image", f"{size} (rows x columns), {self.photometric}"),
            ("encoding", f"{syntax_name(syntax)} ({syntax})"),
            ("stored", cell_words(cells)),
        ]
        if cells.cell[0] != "f":
            lines += [("mask", mask_words(cells, syntax)), ("sign", sign_words(cells))]
        if self.color is not None:
            lines.append(("colour", color_words(self.color, syntax)))
            if self.color_range:
                lo, hi = self.color_range
                lines.append(("range", f"brought to 8 bits, and 0..255 mapped to {lo:g}..{hi:g}"))
        else:
            rescale = rescale_words(cells, self.rescales or SAME)
            lines += [("rescale", rescale), ("invert", invert_words(self.invert))]
            if cells.normalize:
                lo, hi = cells.normalize
                lines.append(("normalize", f"clip to {lo:g}..{hi:g}, map to 0..1"))
            if cells.padding:
                first, last, value = cells.padding
                lines.append(("padding", f"stored {first:g}..{last:g} becomes {value:g}"))
        lines.append(("output", f"{self.dtype}, {self.unit}"))
        lines += [("warning" if note.oddity else "note", note.text) for note in self.notes]
        return lines

    def __repr__(self) -> str:
        return f"<fastpix.Plan: {' x '.join(map(str, self.shape))}, {self.dtype}; print it>"

    def __str__(self) -> str:
        return "\n".join(f"{label + ':':12}{text}" for label, text in self.describe())


def with_rescale(steps: Steps, rescale: Rescale) -> Steps:
    """Return the steps of a frame that has this slope and intercept."""
    return steps._replace(slope=rescale.slope, intercept=rescale.intercept)
