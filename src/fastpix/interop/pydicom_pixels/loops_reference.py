"""What the loops of `fastpix.pixels` must return, bit for bit: NumPy, written to be read.

Same names and signatures as the compiled module. Cells come as bytes and a kind: the letter and
the size that NumPy has for their dtype (``"u2"``), in the machine's byte order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8")
"""The cells that the loops take."""


def window(
    cells: NDArray[np.uint8],
    kind: str,
    out: NDArray[np.float64],
    center: float,
    width: float,
    y_min: float,
    y_max: float,
    y_range: float,
) -> None:
    """Map values linearly from a window to a range (PS3.3 C.11.2.1.2.1).

    Parameters
    ----------
    cells : ndarray of uint8, one-dimensional
    kind : str
        One of `KINDS`.
    out : ndarray of float64, one-dimensional
        One value a cell.
    center, width : float
        As the formula wants them: less 0.5 and less 1 for the function LINEAR.
    y_min, y_max, y_range : float
        Ends of the output range, and what lies between them.
    """
    x = np.frombuffer(cells, kind).astype(np.float64)
    with np.errstate(all="ignore"):
        y = ((x - np.float64(center)) / np.float64(width) + 0.5) * np.float64(y_range)
        y = y + np.float64(y_min)
    y[x <= center - width / 2] = y_min
    y[x > center + width / 2] = y_max
    out[...] = y


def exponent(
    cells: NDArray[np.uint8], kind: str, out: NDArray[np.float64], center: float, width: float
) -> None:
    """Fill `out` with what a sigmoid window takes the exponential of (PS3.3 C.11.2.1.3.1).

    Parameters
    ----------
    cells, kind, out, center, width
        As in `window`; the header's own centre and width.
    """
    x = np.frombuffer(cells, kind).astype(np.float64)
    with np.errstate(all="ignore"):
        out[...] = -4 * (x - np.float64(center)) / np.float64(width)


def logistic(values: NDArray[np.float64], y_min: float, y_range: float) -> None:
    """Turn the exponentials of a sigmoid window into its values, in place.

    Parameters
    ----------
    values : ndarray of float64, one-dimensional
    y_min, y_range : float
        As in `window`.
    """
    with np.errstate(all="ignore"):
        values[...] = np.float64(y_range) / (1 + values) + np.float64(y_min)


def look_up(
    cells: NDArray[np.uint8],
    kind: str,
    out: NDArray[np.uint8],
    entries: NDArray[np.uint8],
    first: int,
) -> None:
    """Map values through a table; what lies outside takes its first or its last entry.

    Parameters
    ----------
    cells : ndarray of uint8, one-dimensional
    kind : str
        One of `KINDS`. A float is taken less `first` in its own precision, and cut off towards
        zero; NaN takes the first entry.
    out : ndarray of uint8
        ``(cells, bytes of an entry)``.
    entries : ndarray of uint8
        ``(entries, bytes of an entry)``.
    first : int
        The value that the first entry belongs to.
    """
    x: NDArray[Any] = np.frombuffer(cells, kind)
    last = len(entries) - 1
    if x.dtype.kind == "f":
        with np.errstate(all="ignore"):
            distance = np.where(x >= first, x - x.dtype.type(first), 0)
        out[...] = entries[np.minimum(distance, last).astype(np.int64)]
        return
    # In Python's integers, which no difference overflows.
    top = np.int64(min(first + last, 2**63 - 1))
    x = np.clip(x.astype(np.int64), np.int64(first), top)
    out[...] = entries[x - np.int64(first)]


def rgb_to_ybr(rgb: NDArray[np.uint8], ybr: NDArray[np.uint8]) -> None:
    """Convert 8-bit RGB to YBR_FULL by the equations of PS3.3 C.7.6.3.1.2.

    Their coefficients are ratios of integers; the exact value is rounded, halves upwards
    (ISO/IEC 10918-5, section 7).

    Parameters
    ----------
    rgb, ybr : ndarray of uint8, one-dimensional
        Three samples a pixel.
    """
    r, g, b = rgb.reshape(-1, 3).T.astype(np.int64)
    y = (299 * r + 587 * g + 114 * b + 500) // 1000
    cb = (-299 * r - 587 * g + 886 * b + 886) // 1772 + 128
    cr = (701 * r - 587 * g - 114 * b + 701) // 1402 + 128
    ybr[...] = np.clip(np.stack([y, cb, cr], axis=1), 0, 255).reshape(-1)
