"""A series as MONAI's `PydicomReader` gives one: array, affine and metadata of a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from fastpix.interop.volume_export.placement import is_color, placed_affine
from fastpix.interop.volume_export.transposition import columns_first
from fastpix.plan.plan import Plan
from fastpix.recipe import Recipe
from fastpix.series.choosing import choose_stack
from fastpix.series.open_series import open_series
from fastpix.series.stack import Stack
from fastpix.series.volume import Volume


class MonaiSeries(NamedTuple):
    """A volume in MONAI's order.

    Attributes
    ----------
    array : ndarray
        ``(row, column, slice)``, and behind it the axis of volumes or of colours.
    affine : ndarray of float64
        ``(4, 4)``: (row, column, slice, 1) to millimetres, LPS.
    first : Dataset
        Of the file of the first slice, without pixels.
    last_position : ndarray of float64
        The centre of the first voxel of the last slice.
    """

    array: NDArray[Any]
    affine: NDArray[np.float64]
    first: Dataset
    last_position: NDArray[np.float64]


def find_stack(paths: Sequence[str], max_bytes: int) -> Stack:
    """Return the stack of the one volume that files hold; their pixels are not read.

    Parameters
    ----------
    paths : sequence of str
    max_bytes : int
        What one file may decode to.

    Raises
    ------
    SeriesError
        There is none, or there are several.
    """
    stack, _ = choose_stack(open_series(paths, max_bytes=max_bytes), None, None)
    return stack


def read_monai_series(
    stack: Stack, recipe: Recipe, any_dtype: bool, options: Mapping[str, Any]
) -> MonaiSeries:
    """Read a stack as MONAI would stack its slices.

    Slices follow the order of Instance Number where that order is that of their places, ascending
    or descending, so that they come out as from MONAI; else they ascend along the normal.

    Parameters
    ----------
    stack : Stack
    recipe : Recipe
    any_dtype : bool
        Float32 where values are computed, else the stored dtype, as MONAI documents it.
    options : mapping
        For `pydicom.dcmread`.
    """
    asked = recipe
    if any_dtype:
        is_color = not stack.files[0].header.is_gray
        asked = recipe.with_dtype(_documented_dtype(stack, recipe), is_color)
    volume = stack.read(asked)
    affine = placed_affine(volume).copy()
    slices = volume.array.shape[len(volume.axes)]
    sources = [plane.source for plane in volume.sources[:slices] if plane is not None]
    header_only = {**options, "stop_before_pixels": True}
    first, last = (dcmread(source, **header_only) for source in (sources[0], sources[-1]))
    array = volume.array
    if _descend(first.get("InstanceNumber"), last.get("InstanceNumber")):
        array = np.flip(array, len(volume.axes))
        affine[:3, 3] += (slices - 1) * affine[:3, 0]
        affine[:3, 0] = 0.0 - affine[:3, 0]
        first, last = last, first
    if any_dtype and asked.dtype != "float32" and _says_rescale(first):
        array = array.astype(np.float32)
    return MonaiSeries(
        array=_slices_last(array, volume),
        affine=affine[:, [1, 2, 0, 3]],
        first=first,
        last_position=affine[:3, 3] + (slices - 1) * affine[:3, 0],
    )


def _descend(first: int | None, last: int | None) -> bool:
    """Whether Instance Numbers run against places; not where one is missing or empty."""
    return first is not None and last is not None and first > last


def _slices_last(array: NDArray[Any], volume: Volume) -> NDArray[Any]:
    """Return rows and columns first; with these two swapped, as MONAI does, it is contiguous."""
    if not is_color(volume):
        return columns_first(array).swapaxes(0, 1)
    return np.moveaxis(array, (0, 1), (-2, 2)) if volume.axes else np.moveaxis(array, 0, 2)


def _says_rescale(dataset: Dataset) -> bool:
    """Whether a header gives a rescale, even one that changes no value."""
    return "RescaleSlope" in dataset or "RescaleIntercept" in dataset


def _documented_dtype(stack: Stack, recipe: Recipe) -> str:
    """Return float32 where values are computed, else a dtype that holds all stored values."""
    if recipe.invert != "none" or recipe.normalize or recipe.padding is not None:
        return "float32"
    plans = [plan for plan, _ in stack.plan(replace(recipe, dtype="auto")).plans]
    if not all(map(_is_stored, plans)):
        return "float32"
    return np.result_type(*map(_stored_dtype, plans)).name


def _is_stored(plan: Plan) -> bool:
    """Whether values are stored values."""
    if plan.color is not None:
        return plan.color_range is None
    return plan.steps.table is None and not set(plan.slope_intercept) - {(1, 0)}


def _stored_dtype(plan: Plan) -> np.dtype[Any]:
    """Return the dtype of `Image.stored`, but for a palette, whose colours are what is read."""
    cell = plan.steps.cell
    if plan.color is not None or cell[0] == "f":
        return np.dtype(plan.dtype)
    size = cell[1:] if cell[1:].isdecimal() else "1"
    return np.dtype(f"{'i' if plan.steps.signed else 'u'}{size}")
