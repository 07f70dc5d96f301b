"""What a file proposes to be seen with: its windows and VOI LUTs (PS3.3 C.11.2, C.7.6.16.2.10)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from fastpix.errors import ArgumentError, PixelHeaderError
from fastpix.header.attributes import Attributes, header_error
from fastpix.header.header import Header
from fastpix.header.luts import Lut, read_lut
from fastpix.image.image import Image
from fastpix.notes import Notes
from fastpix.series.choosing import shown
from fastpix.standard.tags import Tag
from fastpix.standard.uids import EXPLICIT_VR_BIG_ENDIAN

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
"""VOI LUT Function (PS3.3 C.11.2.1.2, C.11.2.1.3)."""

_LONGEST = 64  # characters of an explanation: as many as one may have (PS3.5 6.2, LO)
_REMEDY = "choose a window yourself: --window C W, or --percentiles LOW HIGH"


class VoiWindow(NamedTuple):
    """A window (PS3.3 C.11.2.1.2).

    Attributes
    ----------
    center, width : float
        In modality units.
    function : {"LINEAR", "LINEAR_EXACT", "SIGMOID"}
    explanation : str
        The file's own words; empty if it has none.
    """

    center: float
    width: float
    function: str = "LINEAR"
    explanation: str = ""

    def __str__(self) -> str:
        """Return the numbers alone: `explanation` is free text."""
        text = f"window {self.center:g} / {self.width:g}"
        return text if self.function == "LINEAR" else f"{text} {self.function}"


class VoiTable(NamedTuple):
    """A VOI LUT (PS3.3 C.11.2.1.1).

    Attributes
    ----------
    lut : Lut
        From modality values to what is shown.
    explanation : str
        The file's own words; empty if it has none.
    """

    lut: Lut
    explanation: str = ""

    def __str__(self) -> str:
        return f"VOI LUT, {len(self.lut.entries) // 8} entries from {self.lut.first}"


Voi: TypeAlias = VoiWindow | VoiTable


def checked_window(
    center: float, width: float, function: str = "LINEAR", explanation: str = ""
) -> VoiWindow:
    """Return a window that its function can be computed of.

    Raises
    ------
    ArgumentError
        No such function, or a width that it does not allow (PS3.3 C.11.2.1.2).
    """
    name = function.upper()
    if name not in FUNCTIONS:
        raise ArgumentError("function", f"{function!r} is none of {', '.join(FUNCTIONS)}")
    if not (math.isfinite(center) and math.isfinite(width)):
        raise ArgumentError("window", f"{center} / {width} are not finite numbers")
    if name == "LINEAR" and width < 1:
        raise ArgumentError(
            "window", f"the width {width:g} is below 1, which LINEAR does not allow: "
            "LINEAR_EXACT takes it",
        )  # fmt: skip
    if width <= 0:
        raise ArgumentError("window", f"the width {width:g} is not above 0")
    return VoiWindow(float(center), float(width), name, explanation)


def proposals_of(image: Image, frame: int = 0) -> list[Voi]:
    """Return the VOI LUTs and the windows of a frame, in this order and in the file's.

    Those of the frame come before those of all frames, and these before the top of the data set.

    Parameters
    ----------
    image : Image
    frame : int
        From 0.

    Raises
    ------
    PixelHeaderError
        What the file says cannot be used; the error names the attribute.
    """
    header = image.header
    little = header.transfer_syntax != EXPLICIT_VR_BIG_ENDIAN
    attributes = Attributes(image.dataset, Notes(), little)
    levels = [attributes]
    for groups in (
        attributes.items(Tag.SharedFunctionalGroupsSequence)[:1],
        attributes.items(Tag.PerFrameFunctionalGroupsSequence)[frame : frame + 1],
    ):
        for group in groups:
            levels += group.items(Tag.FrameVOILUTSequence)[:1]
    for level in reversed(levels):
        found = [*_tables(level, header), *_windows(level)]
        if found:
            return found
    return []


def chosen(proposals: Sequence[Voi], wanted: int | str) -> Voi:
    """Return one of a file's proposals, by its number from 0 or by its explanation.

    Parameters
    ----------
    proposals : sequence of Voi
    wanted : int or str
        A text of digits is a number, unless it is the explanation of one.

    Raises
    ------
    ArgumentError
        There is no such proposal; the error lists those that there are.
    """
    if isinstance(wanted, str):
        for proposal in proposals:
            if proposal.explanation.casefold() == wanted.strip().casefold():
                return proposal
    try:
        number = int(wanted)
    except ValueError:
        number = -1
    if 0 <= number < len(proposals):
        return proposals[number]
    there = "; ".join(f"{k}: {described(each)}" for k, each in enumerate(proposals))
    raise ArgumentError(
        "voi", f"the file has no window {wanted!r}; it has {there or 'none'}",
        "the file has no such window",
    )  # fmt: skip


def described(voi: Voi) -> str:
    """Return a proposal in words, those of the file with them: as a terminal may show them."""
    return f"{voi} ({shown(voi.explanation[:_LONGEST])})" if voi.explanation else str(voi)


def _tables(attributes: Attributes, header: Header) -> list[Voi]:
    # PS3.3 C.11.2.1.1: the first value mapped is signed if what comes in may be negative.
    signed = header.modality_lut is None and (
        header.signed or bool((header.rescales.intercepts < 0).any())
    )
    found: list[Voi] = []
    for item in attributes.items(Tag.VOILUTSequence):
        lut = read_lut(item, Tag.LUTDescriptor, Tag.LUTData, signed)
        if lut is not None:
            found.append(VoiTable(lut, item.text(Tag.LUTExplanation) or ""))
    return found


def _windows(attributes: Attributes) -> list[Voi]:
    centers = attributes.numbers(Tag.WindowCenter)
    widths = attributes.numbers(Tag.WindowWidth)
    if not centers or not widths:
        return []
    if len(centers) != len(widths):
        raise header_error(
            Tag.WindowWidth, widths, f"it has {len(widths)} values, Window Center {len(centers)}",
            _REMEDY,
        )  # fmt: skip
    function = (attributes.text(Tag.VOILUTFunction) or "LINEAR").upper()
    if function not in FUNCTIONS:
        raise header_error(
            Tag.VOILUTFunction, function, f"it is none of {', '.join(FUNCTIONS)}", _REMEDY
        )
    names = _explanations(attributes, len(centers))
    found: list[Voi] = []
    for center, width, name in zip(centers, widths, names, strict=True):
        try:
            found.append(checked_window(center, width, function, name))
        except ArgumentError:
            reason = f"{function} needs a width {'of 1' if function == 'LINEAR' else 'above 0'}"
            raise _width_error(width, reason, function) from None
    return found


def _width_error(width: float, reason: str, function: str) -> PixelHeaderError:
    or_more = " or more" if function == "LINEAR" else ""
    return header_error(Tag.WindowWidth, width, f"{reason}{or_more} (PS3.3 C.11.2.1)", _REMEDY)


def _explanations(attributes: Attributes, count: int) -> list[str]:
    text = attributes.text(Tag.WindowCenterWidthExplanation) or ""
    names = text.split("\\")
    return [name.strip() for name in names] if len(names) == count else [""] * count
