"""A structure set (RTSTRUCT) to masks: each contour is filled on the slice that it was drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import LabelMismatchError
from fastpix.interop.masks.chosen_labels import chosen_labels
from fastpix.interop.masks.contour_filling import fill_outlines
from fastpix.interop.masks.frame_placement import NEAR
from fastpix.interop.masks.mask_memory import empty_masks
from fastpix.interop.masks.references import check_frame_of_reference, note_on_references
from fastpix.interop.masks.structure_set import Region, outlines_of, referenced_series, regions_of
from fastpix.interop.masks.volume_grid import VolumeGrid
from fastpix.notes import Notes

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

ON_SLICE = 0.05
"""Of the gap of slices: how far off its slice a contour may lie, noted from `NEAR` on.

Planning systems round coordinates to 0.1 mm, which is 5 % of a gap of 1 mm seen from the middle.
"""


def structure_masks(
    dataset: Dataset,
    grid: VolumeGrid,
    names: tuple[str, ...] | None,
    max_bytes: int,
    notes: Notes,
) -> tuple[list[Region], NDArray[np.bool_]]:
    """Return the regions of a structure set, and their masks.

    Parameters
    ----------
    dataset : pydicom.Dataset
    grid : VolumeGrid
    names : tuple of str or None
        ROI Names that are wanted; None: all that have a closed contour.
    max_bytes : int
        What the masks may take.
    notes : Notes
        What is odd is added to them.
    """
    _check_scikit_image()
    regions = chosen_labels(regions_of(dataset), names)
    for region in regions:
        if not region.is_closed:
            what = "left out" if names is None else "its mask is empty"
            notes.add(f"ROI {region.number} has no closed contour: {what}")
    if names is None:
        regions = [region for region in regions if region.is_closed]
    images: set[str] = set()
    for region in regions:
        check_frame_of_reference(region.frame_of_reference, grid)
        images.update(region.images())
    masks = empty_masks(len(regions), grid, max_bytes)
    for region, mask in zip(regions, masks, strict=True):
        outlines = outlines_of(region, notes)
        for number, flat in _on_slices(region.number, outlines, grid, notes).items():
            fill_outlines(mask[number], flat)
    note_on_references(images - {""}, set(referenced_series(dataset)) - {""}, grid, notes)
    return regions, masks


def _on_slices(
    number: int, outlines: Sequence[NDArray[np.float64]], grid: VolumeGrid, notes: Notes
) -> dict[int, list[NDArray[np.float64]]]:
    """Return the outlines of each slice: ``(points, 2)``, row and column.

    Raises
    ------
    LabelMismatchError
        A contour lies on no slice.
    """
    found: dict[int, list[NDArray[np.float64]]] = {}
    furthest, is_cut = 0.0, False
    for points in outlines:
        k = int(grid.nearest_slices(points[:1])[0])
        ways = points - grid.origins[k]
        heights = ways @ grid.normal
        distance = float(np.abs(heights).max())
        if distance > max(NEAR, ON_SLICE * grid.gap):
            raise _off_slice(number, heights, k, grid)
        furthest = max(furthest, distance)
        flat = (ways @ grid.inverse.T)[:, 1:]
        is_cut = is_cut or bool(
            (flat < -0.5).any() or (flat > np.array(grid.shape[1:]) - 0.5).any()
        )
        found.setdefault(k, []).append(flat)
    if furthest > max(NEAR, NEAR * grid.gap):
        notes.remark(
            f"ROI {number}: contours lie up to {furthest:.2g} mm off their slices, as far as "
            "rounded coordinates may"
        )
    if is_cut:
        notes.remark(f"ROI {number} goes beyond rows or columns of the volume: cut off there")
    return found


def _off_slice(
    number: int, heights: NDArray[np.float64], k: int, grid: VolumeGrid
) -> LabelMismatchError:
    """Return the error of a contour that lies on no slice."""
    distance = float(np.abs(heights).max())
    allowed = max(NEAR, ON_SLICE * grid.gap)
    is_level = float(np.ptp(heights)) <= allowed
    if is_level and distance > grid.gap / 2 + allowed:
        return LabelMismatchError(
            "extent",
            distance,
            f"a contour of ROI {number} lies {distance:.4g} mm beyond the nearest slice, number "
            f"{k} of {grid.shape[0]}",
            "read the whole series that it was drawn on, or choose ROIs that lie within with "
            "names=",
        )
    what = "lies" if is_level else "is tilted, or runs over several slices: it lies up to"
    return LabelMismatchError(
        "position" if is_level else "orientation",
        distance,
        f"a contour of ROI {number} {what} {distance:.3g} mm off the nearest slice (number {k}), "
        f"and {allowed:.2g} mm is allowed; the gap of slices is {grid.gap:.3g} mm",
        "read the series that it was drawn on: a contour is never moved to another plane",
    )


def _check_scikit_image() -> None:
    try:
        import skimage.measure  # noqa: F401
    except ModuleNotFoundError as error:
        raise ImportError(
            "masks of a structure set need scikit-image: pip install 'fastpix[masks]'"
        ) from error
