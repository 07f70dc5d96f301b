"""A segmentation (SEG) to masks: each frame is decoded, and put where it lies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import LabelMismatchError
from fastpix.header.instance import read_instance
from fastpix.image.image import Image
from fastpix.interop.masks.chosen_labels import chosen_labels
from fastpix.interop.masks.frame_placement import Placement
from fastpix.interop.masks.mask_memory import empty_masks
from fastpix.interop.masks.references import check_frame_of_reference, note_on_references
from fastpix.interop.masks.segmentation_header import (
    Segment,
    least_value,
    placed_frames,
    segmentation_header,
    wanted_frames,
)
from fastpix.interop.masks.volume_grid import VolumeGrid
from fastpix.notes import Notes
from fastpix.series.planes import planes_of
from fastpix.source.stored import File, Memory

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_TOGETHER = 2**24  # bytes of frames that are decoded at a time

Cut: TypeAlias = Callable[[int, NDArray[Any]], Iterator[tuple[int, NDArray[np.bool_]]]]
"""A frame and its stored values, to the masks that it has voxels of, by number, and to these."""


def segmentation_masks(
    source: Memory | File | Dataset,
    grid: VolumeGrid,
    names: tuple[str, ...] | None,
    threshold: float | None,
    max_bytes: int,
    notes: Notes,
) -> tuple[list[Segment], NDArray[np.bool_]]:
    """Return the segments of a SEG, and their masks.

    Frames that the file leaves out are False (PS3.3 C.7.6.16.2.9).

    Parameters
    ----------
    source : Memory, File or pydicom.Dataset
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
    instance = read_instance(source, max_bytes)
    header = segmentation_header(instance.dataset)
    segments = chosen_labels(header.segments, names)
    least = least_value(header, threshold)
    planes = planes_of(instance, 0)
    check_frame_of_reference(planes[0].identity.frame_of_reference, grid)
    wanted = wanted_frames(planes, header, segments, notes)
    places = placed_frames(planes, list(wanted), grid)
    note_on_references(header.images, header.series, grid, notes)
    image = Image(instance, max_bytes)
    _refuse_other_times(image, places, wanted)
    masks = empty_masks(len(segments), grid, max_bytes)
    rows = {segment.number: k for k, segment in enumerate(segments)}
    if header.kind == "LABELMAP":
        described = {header.background, *(segment.number for segment in header.segments)}
        cut = _by_value(rows, described, notes)
    else:
        cut = _by_frame({frame: rows[n] for frame, n in wanted.items() if n is not None}, least)
    for frame, cells in _decoded(image, sorted(places)):
        placement, k = places[frame]
        for row, bits in cut(frame, cells):
            placement.voxels(masks[row], k)[:] |= bits
    return segments, masks


def _decoded(image: Image, frames: list[int]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the stored values of frames, of which several are decoded at a time."""
    header = image.header
    count = max(1, _TOGETHER // (header.rows * header.columns * header.bits_allocated // 8 or 1))
    for start in range(0, len(frames), count):
        some = frames[start : start + count]
        yield from zip(some, image.stored(some), strict=True)


def _by_frame(rows: dict[int, int], least: float) -> Cut:
    """Return what finds the mask of a frame, and its voxels, where a frame is of one segment."""

    def cut(frame: int, cells: NDArray[Any]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        yield rows[frame], cells >= least

    return cut


def _by_value(rows: dict[int, int], described: set[int], notes: Notes) -> Cut:
    """Return what finds the masks of a frame, and their voxels, where values are segments."""

    def cut(_frame: int, cells: NDArray[Any]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        is_there = np.zeros(2 ** (8 * cells.itemsize), np.bool_)
        is_there[cells] = True
        for number in np.flatnonzero(is_there).tolist():
            if number in rows:
                yield rows[number], cells == number
            elif number not in described:
                notes.remark("values that SegmentSequence (0062,0002) does not describe: left out")

    return cut


def _refuse_other_times(
    image: Image, places: dict[int, tuple[Placement, int]], numbers: dict[int, int | None]
) -> None:
    """Raise an error where frames of a segment fill the same voxels, and are not equal."""
    first: dict[tuple[int | None, ...], int] = {}
    for frame, (placement, k) in places.items():
        other = first.setdefault((numbers[frame], *placement.key(k)), frame)
        if other != frame and not np.array_equal(image.stored(other), image.stored(frame)):
            raise LabelMismatchError(
                "time",
                math.nan,
                f"frames {other} and {frame} are of one segment at one place, and differ, as for "
                "several points in time",
                "split it into segmentations of one point in time",
            )
