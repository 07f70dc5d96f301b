"""Modality values to what the eye sees: a window or a table, then the polarity of the display."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.header.attributes import Attributes
from fastpix.header.header import Header
from fastpix.interop.pydicom_pixels.lookup import Table, look_up
from fastpix.interop.pydicom_pixels.windowing import Window, apply_window
from fastpix.standard.tags import Tag
from fastpix.view.voi import Voi, VoiTable, VoiWindow

WHITE = 255.0


def shades_of(values: NDArray[Any], voi: Voi) -> NDArray[np.float64]:
    """Return what a window or table makes of modality values, before any inversion.

    Parameters
    ----------
    values : ndarray
        Not empty; NaN stays NaN.
    voi : Voi

    Returns
    -------
    ndarray of float64
        0 to 255, the ends of the output range of PS3.3 C.11.2.1.
    """
    unknown = np.isnan(values) if values.dtype.kind == "f" else None
    if unknown is not None and unknown.any():
        values = np.where(unknown, values.dtype.type(0), values)
    else:
        unknown = None
    shades = _of_table(values, voi) if isinstance(voi, VoiTable) else _of_window(values, voi)
    if unknown is not None:
        shades[unknown] = np.nan
    return shades


def _of_window(values: NDArray[Any], voi: VoiWindow) -> NDArray[np.float64]:
    center, width = voi.center, voi.width
    if voi.function == "LINEAR":  # PS3.3 C.11.2.1.2.1
        center, width = center - 0.5, width - 1
    window = Window(voi.function != "SIGMOID", center, width, 0.0, WHITE, WHITE)
    with np.errstate(over="ignore"):  # far below a steep SIGMOID, where the result is 0
        return apply_window(values, window)


def _of_table(values: NDArray[Any], voi: VoiTable) -> NDArray[np.float64]:
    entries = np.frombuffer(voi.lut.entries, np.float64) * (WHITE / ((1 << voi.lut.bits) - 1))
    shades: NDArray[np.float64] = look_up(values, Table(entries, voi.lut.first))
    return shades


def as_gray(shades: NDArray[np.float64], is_inverse: bool) -> NDArray[np.uint8]:
    """Return the grey levels of a display; what is unknown is black whatever the polarity."""
    shown = WHITE - shades if is_inverse else shades
    gray: NDArray[np.uint8] = np.rint(np.nan_to_num(shown, nan=0.0)).astype(np.uint8)
    return gray


def window_by_percentiles(values: NDArray[Any], low: float = 1.0, high: float = 99.0) -> VoiWindow:
    """Return the window between two percentiles of the values that are finite.

    Parameters
    ----------
    values : ndarray
    low, high : float
        Percentiles.
    """
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not known.size:
        return VoiWindow(0.5, 1.0, "LINEAR_EXACT")
    darkest, brightest = map(float, np.percentile(known, [low, high]))
    if not brightest > darkest:  # a few pixels of another value are to be seen
        darkest, brightest = float(known.min()), float(known.max())
    width = brightest - darkest
    return VoiWindow(darkest + width / 2, width or 1.0, "LINEAR_EXACT")


def is_shown_inverse(header: Header, attributes: Attributes) -> bool:
    """Whether low values are shown white.

    Presentation LUT Shape is the last step of the file's own display pipeline (PS3.3 C.11.6), so it
    says more than Photometric Interpretation where the two contradict each other.

    Parameters
    ----------
    header : Header
    attributes : Attributes
        Of the same image.
    """
    shape = (attributes.text(Tag.PresentationLUTShape) or "").upper()
    if shape in ("INVERSE", "IDENTITY"):
        return shape == "INVERSE"
    return header.photometric == "MONOCHROME1"
