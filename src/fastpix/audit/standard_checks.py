"""Headers that can be read, and may still mislead: each check is a rule of the standard."""

from __future__ import annotations

from collections.abc import Iterator

from fastpix.audit.extra_values import (
    INTERCEPT,
    LOSSY,
    LUT_SHAPE,
    SLOPE,
    VOI_LUT_FUNCTION,
    VOI_LUT_SEQUENCE,
    WINDOW_CENTER,
    WINDOW_WIDTH,
    ExtraValues,
)
from fastpix.header.header import Header
from fastpix.standard.tags import Tag

_DX = frozenset({"DX", "MG", "IO", "PX"})  # of the DX Image module (PS3.3 C.8.11.3)
RADIOGRAPHS = _DX | {"CR", "RG", "XA", "RF"}
_LEAST_SIDE = 512
_SPACINGS = (0.05, 1.0)  # mm, of radiographs
LOSSY_SYNTAXES = frozenset(
    f"1.2.840.10008.1.2.4.{number}"
    for number in (
        50, 51, 52, 53, 54, 55, 56, 59, 60, 61, 62, 63, 64, 81, 91, 93, 111, 112, 203,
        100, "100.1", 101, "101.1", 102, "102.1", 103, "103.1", 104, "104.1", 105, "105.1",
        106, "106.1", 107, 108,
    )
)  # fmt: skip
"""Transfer syntaxes that lose, or may."""

__all__ = ["INTERCEPT", "LOSSY_SYNTAXES", "RADIOGRAPHS", "SLOPE", "header_findings"]


def header_findings(header: Header, extra: ExtraValues) -> Iterator[tuple[str, str]]:
    """Yield the id of each finding, with a text that holds numbers and none of the file's words.

    Parameters
    ----------
    header : Header
    extra : ExtraValues
    """
    for note in header.notes:
        if note.code:
            yield note.code, note.text
    if not extra.has_preamble:
        yield "FILE_NO_PREAMBLE", ""
    if header.rescale_error is not None:
        yield "HDR_RESCALE_UNUSABLE", header.rescale_error.storable
    if not header.is_float and header.high_bit != header.bits_stored - 1:
        yield (
            "HDR_HIGH_BIT_UNUSUAL",
            f"HighBit (0028,0102) is {header.high_bit} with BitsStored {header.bits_stored}",
        )
    if header.frames > 1:
        yield "HDR_MULTI_FRAME", ""
    if not header.is_gray:
        yield "HDR_COLOR", ""
    if is_lossy(header, extra):
        yield "HDR_LOSSY", ""
    if extra.text(Tag.PresentationIntentType).upper() == "FOR PROCESSING":
        yield "HDR_FOR_PROCESSING", ""
    if any(slope < 0 for slope in header.rescales.slopes):
        yield "HDR_SLOPE_NEGATIVE", "RescaleSlope (0028,1053) is negative"
    yield from _polarity(header, extra)
    yield from _windows(header, extra)
    yield from _spacing(header, extra)
    if header.modality in _DX:
        yield from _x_ray(header)
    if header.modality in RADIOGRAPHS and min(header.rows, header.columns) < _LEAST_SIDE:
        yield "PIX_SMALL", f"{header.rows} x {header.columns}"


def is_lossy(header: Header, extra: ExtraValues) -> bool:
    """Whether pixels are compressed with loss, or were before.

    Parameters
    ----------
    header : Header
    extra : ExtraValues
    """
    return header.transfer_syntax in LOSSY_SYNTAXES or extra.text(LOSSY) == "01"


def _polarity(header: Header, extra: ExtraValues) -> Iterator[tuple[str, str]]:
    shape = extra.text(LUT_SHAPE).upper()
    expected = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}.get(header.photometric)
    if expected and shape in ("INVERSE", "IDENTITY") and shape != expected:
        text = f"PresentationLUTShape (2050,0020) is {shape} with {header.photometric}"
        yield "HDR_LUT_SHAPE_DISAGREES", text


def _windows(header: Header, extra: ExtraValues) -> Iterator[tuple[str, str]]:
    if not header.is_gray:
        return
    centers, widths = extra.numbers(WINDOW_CENTER), extra.numbers(WINDOW_WIDTH)
    if not centers and not widths and centers is not None and widths is not None:
        in_groups = any(note.code == "HDR_WINDOW" for note in header.notes)
        if VOI_LUT_SEQUENCE not in extra.values and not in_groups:
            yield "HDR_WINDOW_MISSING", ""
        return
    if centers is None or widths is None:
        yield "HDR_WINDOW_INVALID", "WindowCenter (0028,1050) or WindowWidth is no number"
        return
    if len(centers) != len(widths):
        text = f"{len(centers)} centers and {len(widths)} widths"
        yield "HDR_WINDOW_INVALID", text
        return
    is_linear = extra.text(VOI_LUT_FUNCTION).upper() in ("", "LINEAR")
    if not all(width >= 1 if is_linear else width > 0 for width in widths):
        yield "HDR_WINDOW_INVALID", "WindowWidth (0028,1051) is too small for its function"


def _spacing(header: Header, extra: ExtraValues) -> Iterator[tuple[str, str]]:
    if header.frames > 1:  # it may be in functional groups: geometry of the series tells
        return
    spacing = extra.numbers(Tag.PixelSpacing)
    other = extra.numbers(Tag.ImagerPixelSpacing) or extra.numbers(Tag.NominalScannedPixelSpacing)
    if not spacing and not other:
        yield "GEO_NO_SPACING", ""
        return
    if not spacing and extra.numbers(Tag.ImagerPixelSpacing):
        yield "GEO_DETECTOR_SPACING", ""
    low, high = _SPACINGS
    if header.modality in RADIOGRAPHS and not all(
        low <= mm <= high for mm in (spacing or other or [])
    ):
        yield "GEO_SPACING_UNUSUAL", ""


def _x_ray(header: Header) -> Iterator[tuple[str, str]]:
    """Yield what the DX Image module forbids (PS3.3 C.8.11.3)."""
    if header.signed:
        yield "HDR_XRAY_SIGNED", ""
    if header.modality_lut is not None:
        yield "HDR_XRAY_MODALITY_LUT", ""
    slope, intercept = float(header.rescales.slopes[0]), float(header.rescales.intercepts[0])
    if (slope, intercept) != (1.0, 0.0):
        yield "HDR_XRAY_RESCALE", f"slope {slope:g}, intercept {intercept:g}"
    if header.bits_allocated not in (8, 16) or not 6 <= header.bits_stored <= 16:
        text = f"BitsAllocated {header.bits_allocated}, BitsStored {header.bits_stored}"
        yield "HDR_XRAY_BITS", text
