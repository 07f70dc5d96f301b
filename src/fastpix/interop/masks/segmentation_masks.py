"""A segmentation (SEG) to masks: each frame is decoded, and put where it lies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import LabelMismatchError
from fastpix.header.attributes import Attributes
from fastpix.header.instance import Instance
from fastpix.image.image import Image
from fastpix.image.limits import check_size
from fastpix.interop.masks.chosen_labels import chosen_labels
from fastpix.interop.masks.frame_placement import Placement
from fastpix.interop.masks.label_masks import EMPTY, Box, trimmed, within_limit
from fastpix.interop.masks.segmentation_header import (
    Segment,
    SegmentationHeader,
    least_value,
    placed_frames,
    segmentation_header,
    wanted_frames,
)
from fastpix.interop.masks.volume_grid import VolumeGrid
from fastpix.notes import Notes
from fastpix.series.planes import planes_of

_TOGETHER = 2**24  # bytes of frames that are decoded at a time

Places: TypeAlias = Mapping[int, tuple[Placement, int]]
"""A frame to its placement, and its number there."""


def segmentation_masks(
    instance: Instance,
    grid: VolumeGrid,
    names: tuple[str, ...] | None,
    threshold: float | None,
    max_bytes: int,
    notes: Notes,
) -> tuple[list[Segment], list[Box]]:
    """Return the segments of a SEG, and their masks.

    Frames that the file leaves out are False (PS3.3 C.7.6.16.2.9).

    Parameters
    ----------
    instance : Instance
    grid : VolumeGrid
    names : tuple of str or None
        Segment Labels that are wanted; None: all.
    threshold : float or None
        Of a fractional segmentation: the least share that counts as inside.
    max_bytes : int
        What the masks may take, and what the frames may decode to.
    notes : Notes
        What is odd is added to them.
    """
    header = segmentation_header(Attributes(instance.dataset, notes, little=True))
    segments = chosen_labels(header.segments, names)
    least = least_value(header, threshold)
    planes = planes_of(instance, 0)
    frame_of_reference = planes[0].identity.frame_of_reference
    grid.check_references([frame_of_reference], header.images, header.series, notes)
    numbers = wanted_frames(planes, header, segments, notes)
    places = placed_frames(planes, numbers, grid, notes)
    image = Image(instance, max_bytes)
    _refuse_other_times(image, places, numbers)
    if header.kind == "LABELMAP":
        boxes = _of_label_map(image, places, header, segments, max_bytes, notes)
    else:
        boxes = (
            _of_segment(
                image, {f: places[f] for f, n in numbers.items() if n == segment.number}, least
            )
            for segment in segments
        )
    return segments, within_limit(boxes, max_bytes)


def _of_segment(image: Image, places: Places, least: int) -> Box:
    """Return the mask of one segment, all of whose frames are given."""
    if not places:
        return EMPTY
    low, high = _extent(places)
    mask = np.zeros(high - low, np.bool_)
    for frame, cells in _decoded(image, list(places)):
        placement, k = places[frame]
        placement.voxels(mask, k, low.tolist())[:] |= cells >= least
    return trimmed(low.tolist(), mask)


def _of_label_map(
    image: Image,
    places: Places,
    header: SegmentationHeader,
    segments: Sequence[Segment],
    max_bytes: int,
    notes: Notes,
) -> Iterator[Box]:
    """Yield the masks of segments that are values of one array."""
    if not places:
        return
    low, high = _extent(places)
    size = math.prod((high - low).tolist()) * image.header.bits_allocated // 8
    check_size(size, max_bytes, "the label map takes", "raise max_bytes=")
    label_map: NDArray[Any] | None = None
    for frame, cells in _decoded(image, list(places)):
        if label_map is None:
            label_map = np.full(high - low, header.background, cells.dtype)
        placement, k = places[frame]
        placement.voxels(label_map, k, low.tolist())[:] = cells
    assert label_map is not None
    slices = _slices_by_value(label_map)
    described = {header.background, *(segment.number for segment in header.segments)}
    if slices.keys() - described:
        notes.remark("values that SegmentSequence (0062,0002) does not describe: left out")
    for segment in segments:
        first, last = slices.get(segment.number, (0, -1))
        start = low + np.array([first, 0, 0])
        yield trimmed(start.tolist(), label_map[first : last + 1] == segment.number)


def _slices_by_value(label_map: NDArray[Any]) -> dict[int, tuple[int, int]]:
    """Return the first and the last slice that each value is in."""
    found: dict[int, tuple[int, int]] = {}
    is_there = np.zeros(2 ** (8 * label_map.itemsize), np.bool_)
    for k, plane in enumerate(label_map):
        is_there[:] = False
        is_there[plane] = True
        for value in np.flatnonzero(is_there).tolist():
            found[value] = found.get(value, (k, k))[0], k
    return found


def _extent(places: Places) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first voxel of the volume that frames fill, and the voxel past the last."""
    extents = np.array([placement.extent(k) for placement, k in places.values()])
    return extents[:, 0].min(axis=0), extents[:, 1].max(axis=0)


def _decoded(image: Image, frames: list[int]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the stored values of frames, of which several are decoded at a time."""
    header = image.header
    count = max(1, _TOGETHER // (header.rows * header.columns * header.bits_allocated // 8 or 1))
    for start in range(0, len(frames), count):
        some = frames[start : start + count]
        yield from zip(some, image.stored(some), strict=True)


def _refuse_other_times(image: Image, places: Places, numbers: Mapping[int, int | None]) -> None:
    """Raise an error where frames of a segment fill the same voxels, and are not equal."""
    first: dict[tuple[int | None, ...], int] = {}
    for frame, (placement, k) in places.items():
        other = first.setdefault((numbers[frame], *placement.key(k)), frame)
        if other != frame and not np.array_equal(image.stored(other), image.stored(frame)):
            raise LabelMismatchError(
                "time",
                None,
                f"frames {other} and {frame} are of one segment at one place, and differ, as for "
                "several points in time",
                "split it into segmentations of one point in time",
            )
