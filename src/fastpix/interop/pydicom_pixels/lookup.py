"""Modality LUT, rescale and VOI LUT, by the names and with the results of pydicom.

What is odd about a data set or an array is left to pydicom's own function, so that it raises,
warns or answers as it always does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.misc import warn_and_log
from pydicom.pixels.processing import apply_modality_lut as pydicom_apply_modality_lut
from pydicom.pixels.processing import apply_voi as pydicom_apply_voi

from fastpix.interop.pydicom_pixels.array_layout import (
    flat_bytes,
    is_plain,
    kind_of,
    map_elements,
)
from fastpix.interop.pydicom_pixels.loops import current_loops
from fastpix.interop.pydicom_pixels.loops_reference import KINDS
from fastpix.interop.pydicom_pixels.windowing import apply_windowing
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps

_WORDS = 65536
_CELLS = set(KINDS) - {"i8"}  # what the kernel takes


class Table(NamedTuple):
    """A look-up table (PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.6).

    Attributes
    ----------
    entries : ndarray
        ``(entries,)``, or ``(entries, samples)`` for a palette.
    first : int
        The value that the first entry belongs to.
    """

    entries: NDArray[Any]
    first: int


def look_up(arr: NDArray[Any], table: Table) -> NDArray[Any]:
    """Return the entry of every element; what lies outside takes the first or the last one."""
    entries = np.ascontiguousarray(table.entries)
    size = entries.nbytes // len(entries)
    out = np.empty(arr.shape + entries.shape[1:], entries.dtype)
    current_loops().look_up(
        flat_bytes(arr),
        kind_of(arr),
        out.reshape(-1).view(np.uint8).reshape(-1, size),
        entries.reshape(-1).view(np.uint8).reshape(-1, size),
        table.first,
    )
    return out


def apply_modality_lut(arr: NDArray[Any], ds: Dataset) -> NDArray[Any]:
    """Apply the Modality LUT or the rescale operation of a data set, as pydicom does.

    Parameters
    ----------
    arr : ndarray
        Stored values.
    ds : pydicom.Dataset
        With the attributes of a Modality LUT Module (PS3.3 C.11.1).

    Returns
    -------
    ndarray
        The entries of the table, unsigned integers of 8 or 16 bits; else float64, where the data
        set has slope and intercept both; else `arr` itself.
    """
    if not is_plain(arr):
        return pydicom_apply_modality_lut(arr, ds)
    if ds.get("ModalityLUTSequence"):
        table = None
        if kind_of(arr) in KINDS and arr.dtype.kind != "f":
            table = _modality_table(ds)
        return pydicom_apply_modality_lut(arr, ds) if table is None else look_up(arr, table)
    slope, intercept = ds.get("RescaleSlope"), ds.get("RescaleIntercept")
    known = isinstance(slope, (int, float)) and isinstance(intercept, (int, float))
    if not known or kind_of(arr) not in _CELLS:
        return pydicom_apply_modality_lut(arr, ds)
    slope, intercept = float(slope), float(intercept)

    def rescale(cells: NDArray[np.uint8], kind: str, out: NDArray[np.float64]) -> None:
        letter, bits = kind[0], 8 * int(kind[1])
        steps = Steps(
            cell=f"{'f' if letter == 'f' else 'u'}{kind[1]}", swap=False, high_bit=bits - 1,
            bits=bits, signed=letter == "i", slope=slope, intercept=intercept,
        )  # fmt: skip
        current_kernel().scale(cells, out, steps)

    return map_elements(arr, rescale)


apply_rescale = apply_modality_lut


def apply_voi_lut(
    arr: NDArray[Any], ds: Dataset, index: int = 0, prefer_lut: bool = True
) -> NDArray[Any]:
    """Apply the VOI LUT or the window of a data set, as pydicom does.

    Parameters
    ----------
    arr : ndarray
        Modality values.
    ds : pydicom.Dataset
        With the attributes of a VOI LUT Module (PS3.3 C.11.2).
    index : int
        Which of several views.
    prefer_lut : bool
        The table is applied where there are table and window both; else the window.

    Returns
    -------
    ndarray
        The entries of the table, unsigned integers of 8 or 16 bits; else float64, where the data
        set has a window; else `arr` itself.
    """
    has_lut = False
    if ds.get("VOILUTSequence"):
        item = ds.VOILUTSequence[0]
        has_lut = item.get("LUTDescriptor") is not None and item.get("LUTData") is not None
    has_window = ds.get("WindowCenter") is not None and ds.get("WindowWidth") is not None
    if has_lut and (prefer_lut or not has_window):
        return apply_voi(arr, ds, index)
    return apply_windowing(arr, ds, index) if has_window else arr


def apply_voi(arr: NDArray[Any], ds: Dataset, index: int = 0) -> NDArray[Any]:
    """Apply the VOI LUT of a data set, as pydicom does.

    Parameters
    ----------
    arr : ndarray
        Modality values. Of floats the integer part is looked up, with a warning.
    ds : pydicom.Dataset
        With a VOI LUT Sequence (PS3.3 C.11.2).
    index : int
        Which of its items.

    Returns
    -------
    ndarray
        The entries of the table, unsigned integers of 8 or 16 bits; `arr` itself where there is
        no table.
    """
    if not ds.get("VOILUTSequence"):
        return arr
    table = _voi_table(ds, index) if is_plain(arr) and kind_of(arr) in KINDS else None
    if table is None:
        return pydicom_apply_voi(arr, ds, index)
    if arr.dtype.kind == "f":
        warn_and_log("Applying a VOI LUT on a float input array may give incorrect results")
    return look_up(arr, table)


def _modality_table(ds: Dataset) -> Table | None:
    item = ds.ModalityLUTSequence[0]
    bits = item.LUTDescriptor[2]
    if bits in (8, 16, 32, 64):
        return _table(item, ds, np.dtype(f"u{bits // 8}"), exact=True)
    # pydicom asks NumPy for a "uint12", which there is not.
    return _table(item, ds, np.dtype(np.uint16), exact=True) if bits in range(9, 16) else None


def _voi_table(ds: Dataset, index: int) -> Table | None:
    item = ds.VOILUTSequence[index]
    bits = item.LUTDescriptor[2]
    if bits != 8 and bits not in range(10, 17):
        return None
    return _table(item, ds, np.dtype(np.uint8 if bits == 8 else np.uint16), exact=False)


def _table(item: Dataset, ds: Dataset, dtype: np.dtype[Any], exact: bool) -> Table | None:
    """Return the table of a sequence item; None where pydicom must say what is wrong with it.

    `exact`: data of VR OW may not be longer than the descriptor says.
    """
    # Apart from `header/luts.py`, which mends what pydicom refuses or takes as it stands (a table
    # of 8-bit entries in 16-bit words, a first value with the wrong sign, data that are too long).
    count, first = item.LUTDescriptor[0] or _WORDS, item.LUTDescriptor[1]
    element = item["LUTData"]
    value = element.value
    if element.VR == "OW":
        little = is_little_endian(ds)
        size = len(value) if isinstance(value, bytes) else 0
        if little is None or size < 2 * count or (exact and size != 2 * count):
            return None
        values = np.frombuffer(value, "<u2" if little else ">u2", count)
    elif not isinstance(value, (bytes, str, int)) and len(value) == count:
        values = np.asarray(value, np.int64)
    else:
        return None
    if values.min() < 0 or values.max() > np.iinfo(dtype).max:
        return None
    return Table(values.astype(dtype), int(first))


def is_little_endian(ds: Dataset) -> bool | None:
    """Return the byte order of a data set's binary values, None where nothing tells it."""
    if not hasattr(ds, "file_meta"):
        little: bool | None = ds.original_encoding[1]
        return little
    syntax = ds.file_meta.get("TransferSyntaxUID")
    return syntax.is_little_endian if syntax and syntax.is_transfer_syntax else None
