"""Palettes and colour spaces, by the names and with the results of pydicom."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut as pydicom_apply_color_lut
from pydicom.pixels.processing import convert_color_space as pydicom_convert_color_space

from fastpix.interop.pydicom_pixels.array_layout import is_plain, kind_of
from fastpix.interop.pydicom_pixels.lookup import Table, is_little_endian, look_up
from fastpix.interop.pydicom_pixels.loops import current_loops
from fastpix.interop.pydicom_pixels.loops_reference import KINDS
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import ColorSteps, Steps

_COLORS = ("Red", "Green", "Blue", "Alpha")
_YBR = ("YBR_FULL", "YBR_FULL_422")
_WORDS = 65536
_YBR_TO_RGB = ColorSteps(Steps("u1", False, 7, 8, False), "interleaved", ybr=True)


def apply_color_lut(
    arr: NDArray[Any], ds: Dataset | None = None, palette: str | None = None
) -> NDArray[Any]:
    """Apply the palette of a data set, or one of the standard's, as pydicom does.

    Parameters
    ----------
    arr : ndarray
        Indices.
    ds : pydicom.Dataset, optional
        With the attributes of a Palette Color Lookup Table Module (PS3.3 C.7.9).
    palette : str, optional
        In place of `ds`: the name or the UID of a well-known palette (PS3.6 B.1), such as
        ``"HOT_IRON"``.

    Returns
    -------
    ndarray
        uint8 or uint16, with a last axis of RGB, or of RGBA where the palette has alpha.

    Raises
    ------
    ValueError
        Neither is given, or there is no palette that could be applied.
    """
    table = None
    if is_plain(arr) and kind_of(arr) in KINDS and arr.dtype.kind != "f":
        if palette:
            table = _well_known(palette)
        elif ds:
            table = _palette_of(ds)
    return pydicom_apply_color_lut(arr, ds, palette) if table is None else look_up(arr, table)


def convert_color_space(
    arr: NDArray[Any], current: str, desired: str, per_frame: bool = False
) -> NDArray[Any]:
    """Convert 8-bit images from one colour space to another, as pydicom does.

    Parameters
    ----------
    arr : ndarray of uint8
        ``(rows, columns, 3)`` or ``(frames, rows, columns, 3)``.
    current, desired : {"RGB", "YBR_FULL", "YBR_FULL_422"}
    per_frame : bool
        Convert the frames of `arr` one by one, in place.

    Returns
    -------
    ndarray of uint8
        A new array; `arr` itself with `per_frame`, and where nothing is to be done.

    Raises
    ------
    ValueError
        The array is not of uint8.
    NotImplementedError
        There is no conversion between the two.
    """
    to_rgb = current in _YBR and desired == "RGB"
    to_ybr = current == "RGB" and desired in _YBR
    colors = is_plain(arr) and arr.dtype == np.uint8 and arr.shape[-1] == 3
    if not (to_rgb or to_ybr) or not colors:
        return pydicom_convert_color_space(arr, current, desired, per_frame)
    if per_frame and arr.ndim == 4:
        for index, frame in enumerate(arr):
            arr[index] = convert_color_space(frame, current, desired)
        return arr
    samples = np.ascontiguousarray(arr)
    out = np.empty(arr.shape, np.uint8)
    if to_rgb:
        current_kernel().color(samples.reshape(-1), out.reshape(-1), _YBR_TO_RGB)
    else:  # which no file needs: a loop of this package
        current_loops().rgb_to_ybr(samples.reshape(-1), out.reshape(-1))
    return out


@lru_cache(maxsize=16)
def _well_known(palette: str) -> Table:
    """Return a palette of the standard: all have up to 256 entries of 8 bits, from 0 on."""
    return Table(pydicom_apply_color_lut(np.arange(256), palette=palette), 0)


def _palette_of(ds: Dataset) -> Table | None:
    """Return a data set's palette; None where pydicom must say what is wrong with it."""
    if ds.get("PixelPresentation") in ("MIXED", "COLOR"):
        return None
    descriptor = ds.get("RedPaletteColorLookupTableDescriptor")
    if descriptor is None or len(descriptor) != 3 or descriptor[2] not in (8, 16):
        return None
    count, first = descriptor[0] or _WORDS, int(descriptor[1])
    if "RedPaletteColorLookupTableData" not in ds:  # segmented: pydicom expands it
        indices = np.arange(first, first + count, dtype=np.int32)
        return Table(pydicom_apply_color_lut(indices, ds), first)
    channels = [ds.get(f"{color}PaletteColorLookupTableData") for color in _COLORS]
    given = [channel for channel in channels if channel]
    size, rest = divmod(len(given[0]), count) if given else (0, 0)
    if not all(channels[:3]) or rest or size not in (1, 2):
        return None
    if any(len(channel) != count * size for channel in given):
        return None
    planes = [np.frombuffer(channel, "<u2") for channel in given if len(channel) % 2 == 0]
    if is_little_endian(ds) is False:  # words of the file's byte order, whatever the entries are
        planes = [plane.byteswap() for plane in planes]
    if not planes:  # an odd number of bytes is no string of words
        return Table(np.stack([np.frombuffer(channel, np.uint8) for channel in given], -1), first)
    dtype = np.dtype(f"<u{size}")
    entries = np.stack([plane.view(dtype) for plane in planes], -1)
    return Table(entries.astype(dtype.newbyteorder("=")), first)
