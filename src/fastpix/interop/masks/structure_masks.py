"""A structure set (RTSTRUCT) to masks: each contour is filled on the slice that it was drawn on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import LabelMismatchError
from fastpix.header.attributes import Attributes
from fastpix.interop.masks.chosen_labels import chosen_labels
from fastpix.interop.masks.contour_filling import fill_outlines
from fastpix.interop.masks.label_masks import EMPTY, Box, trimmed, within_limit
from fastpix.interop.masks.structure_set import (
    Outline,
    Region,
    outlines_of,
    referenced_series,
    regions_of,
)
from fastpix.interop.masks.volume_grid import NEAR, VolumeGrid
from fastpix.notes import Notes, count_of

ON_SLICE = 0.05
"""Of the gap of slices: how far off its slice a contour may lie, noted from `NEAR` on; and of a
voxel: how far beyond the rows or columns.

Planning systems round coordinates to 0.1 mm, which is 5 % of a gap of 1 mm seen from the middle.
"""


def structure_masks(
    dataset: Attributes,
    grid: VolumeGrid,
    names: tuple[str, ...] | None,
    max_bytes: int,
    notes: Notes,
) -> tuple[list[Region], list[Box]]:
    """Return the regions of a structure set, and their masks.

    Parameters
    ----------
    dataset : Attributes
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
    frames = {region.frame_of_reference for region in regions}
    images = {uid for region in regions for uid in region.images()}
    grid.check_references(frames, images, referenced_series(dataset), notes)
    return regions, within_limit((_filled(region, grid, notes) for region in regions), max_bytes)


def _filled(region: Region, grid: VolumeGrid, notes: Notes) -> Box:
    """Return the mask of one region."""
    by_slice = _on_slices(region.number, outlines_of(region, notes), grid, notes)
    if not by_slice:
        return EMPTY
    first, last = min(by_slice), max(by_slice)
    if between := last + 1 - first - len(by_slice):
        notes.add(
            f"ROI {region.number} has no contour on {count_of(between, 'slice')} between its first "
            "and its last: False there"
        )
    mask = np.zeros((last + 1 - first, *grid.shape[1:]), np.bool_)
    for k, outlines in by_slice.items():
        fill_outlines(mask[k - first], outlines)
    return trimmed((first, 0, 0), mask)


def _on_slices(
    number: int, outlines: Sequence[Outline], grid: VolumeGrid, notes: Notes
) -> dict[int, list[NDArray[np.float64]]]:
    """Return the outlines of each slice: ``(points, 2)``, row and column.

    Raises
    ------
    LabelMismatchError
        A contour lies on no slice, or goes beyond one.
    """
    found: dict[int, list[NDArray[np.float64]]] = {}
    furthest, elsewhere = 0.0, 0
    for points, image in outlines:
        k = int(grid.nearest_slices(points[:1])[0])
        ways = points - grid.origins[k]
        heights = ways @ grid.normal
        distance = float(np.abs(heights).max())
        if distance > max(NEAR, ON_SLICE * grid.gap):
            raise _off_slice(number, heights, k, grid)
        furthest = max(furthest, distance)
        flat = (ways @ grid.inverse.T)[:, 1:]
        _check_inside(number, flat, grid)
        elsewhere += k not in grid.instances.get(image, {k})
        found.setdefault(k, []).append(flat)
    if furthest > max(NEAR, NEAR * grid.gap):
        notes.remark(
            f"ROI {number}: contours lie up to {furthest:.2g} mm off their slices, as far as "
            "rounded coordinates may"
        )
    if elsewhere:
        notes.remark(
            f"ROI {number}: {count_of(elsewhere, 'contour')} on another slice than the image that "
            "ContourImageSequence (3006,0016) names: the coordinates count"
        )
    return found


def _check_inside(number: int, flat: NDArray[np.float64], grid: VolumeGrid) -> None:
    """Raise an error where a contour leaves the voxels of its slice."""
    ends = np.array(grid.shape[1:]) - 0.5
    beyond = np.maximum(-0.5 - flat, flat - ends).max(axis=0) * grid.spacing[1:]
    allowed = np.maximum(NEAR, ON_SLICE * grid.spacing[1:])
    axis = int((beyond - allowed).argmax())
    if beyond[axis] > allowed[axis]:
        raise LabelMismatchError(
            "extent",
            float(beyond[axis]),
            f"a contour of ROI {number} goes {beyond[axis]:.4g} mm beyond the voxels of the volume "
            f"along its {('rows', 'columns')[axis]}",
            "read the series that it was drawn on, or choose ROIs that lie within with names=",
        )


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
