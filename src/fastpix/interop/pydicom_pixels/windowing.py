"""Windows, by the name and with the results of pydicom: the same operations in the same order."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_windowing as pydicom_apply_windowing

from fastpix.interop.pydicom_pixels.array_layout import as_kind, is_plain, map_elements
from fastpix.interop.pydicom_pixels.loops import current_loops

_BLOCK = 16384  # values that stay in the cache from one step to the next


class Window(NamedTuple):
    """A window as its formula wants it (PS3.3 C.11.2.1.2, C.11.2.1.3).

    Attributes
    ----------
    is_linear : bool
        LINEAR or LINEAR_EXACT; else SIGMOID.
    center, width : float
        Less 0.5 and less 1 for LINEAR.
    y_min, y_max, y_range : float
        The range that values are mapped to, and its width.
    """

    is_linear: bool
    center: float
    width: float
    y_min: float
    y_max: float
    y_range: float


def apply_windowing(arr: NDArray[Any], ds: Dataset, index: int = 0) -> NDArray[Any]:
    """Apply a window of a data set, as pydicom does.

    Parameters
    ----------
    arr : ndarray
        Modality values.
    ds : pydicom.Dataset
        With the attributes of a VOI LUT Module (PS3.3 C.11.2).
    index : int
        Which of several windows.

    Returns
    -------
    ndarray
        float64, in the range that the header gives to stored values, rescaled; `arr` itself where
        there is no window.

    Raises
    ------
    ValueError
        The image is not MONOCHROME1 or MONOCHROME2, the width is too small for the function, or
        the function is unknown.
    """
    if not is_plain(arr) or ("WindowWidth" not in ds and "WindowCenter" not in ds):
        return pydicom_apply_windowing(arr, ds, index)
    window = _read_window(ds, index)
    if window is None:
        return pydicom_apply_windowing(arr, ds, index)
    return apply_window(arr, window)


def apply_window(arr: NDArray[Any], window: Window) -> NDArray[np.float64]:
    """Apply a window that is settled.

    Parameters
    ----------
    arr : ndarray
        Modality values: real numbers, no subclass, not empty.
    window : Window

    Returns
    -------
    ndarray of float64
        In `y_min` .. `y_max`.
    """
    arr = as_kind(arr)
    if not window.is_linear:
        return _apply_sigmoid(arr, window)

    def fill(cells: NDArray[np.uint8], kind: str, out: NDArray[np.float64]) -> None:
        current_loops().window(cells, kind, out, *window[1:])

    return map_elements(arr, fill)


def _read_window(ds: Dataset, index: int) -> Window | None:
    """Return the window; None where pydicom must say what is wrong with it."""
    if ds.get("PhotometricInterpretation") not in ("MONOCHROME1", "MONOCHROME2"):
        return None
    function = str(ds.get("VOILUTFunction", "LINEAR")).upper()
    center, width = _value(ds, "WindowCenter", index), _value(ds, "WindowWidth", index)
    output = _output_range(ds)
    if center is None or width is None or output is None:
        return None
    y_min, y_max = output
    is_linear = function in ("LINEAR", "LINEAR_EXACT")
    if width < 1 if function == "LINEAR" else width <= 0:
        return None
    if function == "LINEAR":
        center, width = center - 0.5, width - 1
    elif function not in ("LINEAR_EXACT", "SIGMOID"):
        return None
    return Window(is_linear, center, width, float(y_min), float(y_max), float(y_max - y_min))


def _value(ds: Dataset, keyword: str, index: int) -> float | None:
    """Return one value of an attribute; None where it has none that is a number."""
    if keyword not in ds:
        return None
    element = ds[keyword]
    try:
        value = element.value[index] if element.VM > 1 else element.value
    except (IndexError, TypeError):
        return None
    return float(value) if isinstance(value, (int, float)) else None


def _output_range(ds: Dataset) -> tuple[float, float] | None:
    """Return the ends of the output range, in Python's numbers as pydicom has them."""
    y_min: float
    y_max: float
    if ds.get("ModalityLUTSequence"):
        bits = ds.ModalityLUTSequence[0].LUTDescriptor[2]
        if "BitsStored" not in ds or not isinstance(bits, int):
            return None
        y_min, y_max = 0, 2**bits - 1
    else:
        bits, representation = ds.get("BitsStored"), ds.get("PixelRepresentation")
        if not isinstance(bits, int) or bits < 1 or representation is None:
            return None
        y_min, y_max = 0, 2**bits - 1
        if representation != 0:
            y_min, y_max = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    slope, intercept = ds.get("RescaleSlope"), ds.get("RescaleIntercept")
    if slope is not None and intercept is not None:
        if not (isinstance(slope, (int, float)) and isinstance(intercept, (int, float))):
            return None
        y_min, y_max = y_min * slope + intercept, y_max * slope + intercept
    return y_min, y_max


def _apply_sigmoid(arr: NDArray[Any], window: Window) -> NDArray[np.float64]:
    """NumPy's exponential, of each value once where that is less work than of each element."""
    low, high = arr.min(), arr.max()
    if arr.dtype.kind == "f" or int(high) - int(low) >= arr.size:
        return map_elements(arr, partial(_sigmoid, window))
    entries = np.empty(int(high) - int(low) + 1)
    _sigmoid(window, np.arange(int(low), int(high) + 1).view(np.uint8), "i8", entries)

    def take(cells: NDArray[np.uint8], kind: str, out: NDArray[np.float64]) -> None:
        rows, table = out.view(np.uint8), entries.view(np.uint8)
        current_loops().look_up(cells, kind, rows.reshape(-1, 8), table.reshape(-1, 8), int(low))

    return map_elements(arr, take)


def _sigmoid(window: Window, cells: NDArray[np.uint8], kind: str, out: NDArray[np.float64]) -> None:
    """Fill `out` in blocks, by the formula of PS3.3 C.11.2.1.3.1."""
    loops, size = current_loops(), int(kind[1])
    for start in range(0, out.size, _BLOCK):
        block = out[start : start + _BLOCK]
        part = cells[start * size : (start + block.size) * size]
        loops.exponent(part, kind, block, window.center, window.width)
        np.exp(block, out=block)
        loops.logistic(block, window.y_min, window.y_range)
