"""What a segmentation (SEG) says of its segments, and of where its frames lie (PS3.3 C.8.20)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from fastpix.errors import ArgumentError, LabelMismatchError, PixelHeaderError
from fastpix.header.attributes import Attributes, header_error
from fastpix.header.geometry import Orientation, Vector
from fastpix.interop.masks.chosen_labels import name_in
from fastpix.interop.masks.frame_placement import Placement, place_frames
from fastpix.interop.masks.volume_grid import RESAMPLE, VolumeGrid
from fastpix.notes import Notes, count_of
from fastpix.series.plane import Plane
from fastpix.standard.tags import Tag
from fastpix.standard.uids import LABEL_MAP_STORAGE

_BETWEEN = 0.05  # of the gap of slices: SpacingBetweenSlices that is further off is another one

SegmentationType: TypeAlias = Literal["BINARY", "FRACTIONAL", "LABELMAP"]


class Segment(NamedTuple):
    """An item of Segment Sequence (0062,0002)."""

    number: int
    name: str


@dataclass(frozen=True)
class SegmentationHeader:
    """What a segmentation says of itself.

    Attributes
    ----------
    kind : {"BINARY", "FRACTIONAL", "LABELMAP"}
    segments : tuple of Segment
        Without the background of a label map.
    background : int
        Of a label map: the value of voxels in no segment.
    largest : int
        Maximum Fractional Value of a fractional segmentation; else 1.
    images, series : frozenset of str
        SOP Instance UIDs and Series Instance UIDs that it refers to; empty ones are none.
    """

    kind: SegmentationType
    segments: tuple[Segment, ...]
    background: int
    largest: int
    images: frozenset[str]
    series: frozenset[str]


def segmentation_header(dataset: Attributes) -> SegmentationHeader:
    """Return what a segmentation says of itself.

    Raises
    ------
    PixelHeaderError
        An attribute is missing, or impossible.
    """
    kind = _kind_of(dataset)
    segments = _segments_of(dataset)
    background = 0
    if kind == "LABELMAP":
        background = dataset.integer(Tag.PixelPaddingValue) or 0
        segments = tuple(segment for segment in segments if segment.number != background)
    largest = 1
    if kind == "FRACTIONAL":
        largest = dataset.integer(Tag.MaximumFractionalValue) or 0
        if not 0 < largest < 2**16:
            raise header_error(Tag.MaximumFractionalValue, largest, "fractions are shares of it")
    referenced = dataset.items(Tag.ReferencedSeriesSequence)
    return SegmentationHeader(
        kind=kind,
        segments=segments,
        background=background,
        largest=largest,
        images=frozenset(
            image.uid(Tag.ReferencedSOPInstanceUID)
            for series in referenced
            for image in series.items(Tag.ReferencedInstanceSequence)
        ),
        series=frozenset(series.uid(Tag.SeriesInstanceUID) for series in referenced),
    )


def _kind_of(dataset: Attributes) -> SegmentationType:
    if dataset.uid(Tag.SOPClassUID) == LABEL_MAP_STORAGE:
        return "LABELMAP"
    found = dataset.text(Tag.SegmentationType)
    for kind in get_args(SegmentationType):
        if found == kind:
            return kind  # type: ignore[no-any-return]
    raise header_error(Tag.SegmentationType, found, "it is not BINARY, FRACTIONAL or LABELMAP")


def _segments_of(dataset: Attributes) -> tuple[Segment, ...]:
    segments = []
    for item in dataset.items(Tag.SegmentSequence):
        number = item.integer(Tag.SegmentNumber)
        if number is None:
            raise header_error(Tag.SegmentNumber, None, "an item of SegmentSequence has no number")
        segments.append(Segment(number, name_in(item, Tag.SegmentLabel)))
    numbers = [segment.number for segment in segments]
    if not numbers or len(set(numbers)) < len(numbers):
        reason = "two segments share a number" if numbers else "there are no segments"
        raise header_error(Tag.SegmentSequence, numbers or None, reason)
    return tuple(segments)


def least_value(header: SegmentationHeader, threshold: float | None) -> int:
    """Return the least stored value that is inside a segment.

    Parameters
    ----------
    header : SegmentationHeader
    threshold : float or None
        A share of Maximum Fractional Value.

    Raises
    ------
    ArgumentError
        The segmentation is fractional, and there is no threshold.
    """
    if header.kind != "FRACTIONAL":
        return 1
    if threshold is None:
        raise ArgumentError(
            "threshold",
            "the segmentation is fractional (probabilities, or shares of voxels): choose the least "
            "share that counts as inside, such as threshold=0.5",
        )
    # Shares are compared, not threshold * largest, which rounding may carry past a whole number.
    return int(np.argmax(np.arange(header.largest + 1) / header.largest >= threshold))


def wanted_frames(
    planes: Sequence[Plane], header: SegmentationHeader, chosen: Sequence[Segment], notes: Notes
) -> dict[int, int | None]:
    """Return the frames of chosen segments, and the number of the segment of each.

    The number is None in a label map, of which all frames are wanted.
    """
    if header.kind == "LABELMAP":
        return dict.fromkeys(range(len(planes)))
    known = {segment.number for segment in header.segments}
    numbers = [plane.segment for plane in planes]
    if None in numbers:
        if len(known) > 1:
            raise header_error(
                Tag.ReferencedSegmentNumber, None, "a frame does not say which segment it is of"
            )
        notes.remark(
            "ReferencedSegmentNumber (0062,000B) is missing: frames are those of the only segment"
        )
        (only,) = known
        numbers = [only if number is None else number for number in numbers]
    if unknown := sum(number not in known for number in numbers):
        notes.remark(
            f"{count_of(unknown, 'frame')} of segments that SegmentSequence (0062,0002) does not "
            "describe: left out"
        )
    wanted = {segment.number for segment in chosen}
    return {frame: number for frame, number in enumerate(numbers) if number in wanted}


def placed_frames(
    planes: Sequence[Plane], frames: Iterable[int], grid: VolumeGrid, notes: Notes
) -> dict[int, tuple[Placement, int]]:
    """Return the placement of frames, and the number of each in its placement.

    Raises
    ------
    PixelHeaderError
        A frame has no place.
    LabelMismatchError
        Its voxels are not those of the volume.
    """
    alike: dict[_Measures, list[tuple[int, Vector]]] = {}
    for frame in frames:
        plane = planes[frame]
        orientation, spacing, position = plane.orientation, plane.spacing, plane.position
        if orientation is None or spacing is None or position is None:
            raise _unplaced(plane)
        measures = _Measures(orientation, spacing, plane.between)
        alike.setdefault(measures, []).append((frame, position))
    size = planes[0].identity.rows, planes[0].identity.columns
    placed: dict[int, tuple[Placement, int]] = {}
    for measures, members in alike.items():
        positions = np.array([position for _, position in members])
        placement = place_frames(grid, measures.orientation, measures.spacing, positions, size)
        _check_between(placement, measures.between, grid, notes)
        placed |= {frame: (placement, k) for k, (frame, _) in enumerate(members)}
    return placed


class _Measures(NamedTuple):
    """What frames that are placed together have in common."""

    orientation: Orientation
    spacing: tuple[float, float]
    between: float | None


def _check_between(
    placement: Placement, between: float | None, grid: VolumeGrid, notes: Notes
) -> None:
    """Raise an error where frames lie further apart than slices: they would be holes in a mask."""
    axis = placement.axes[0]
    if between is None or grid.shape[axis] == 1:
        return
    wanted = grid.gap if axis == 0 else float(grid.spacing[axis])
    off = abs(abs(between) / wanted - 1)
    if off <= _BETWEEN:
        return
    places = np.unique(placement.starts[:, axis])
    if (np.diff(places) == 1).any():
        notes.remark(
            "SpacingBetweenSlices (0018,0088) is not the distance of the frames: their positions "
            "count"
        )
        return
    raise LabelMismatchError(
        "spacing",
        off,
        f"its planes are {abs(between):g} mm apart (SpacingBetweenSlices), and those of the volume "
        f"{wanted:g} mm",
        RESAMPLE,
    )


def _unplaced(plane: Plane) -> PixelHeaderError:
    """Return the error of a frame that lies nowhere."""
    missing = (
        (Tag.ImagePositionPatient, plane.position),
        (Tag.ImageOrientationPatient, plane.orientation),
        (Tag.PixelSpacing, plane.spacing),
    )
    tag = next(tag for tag, value in missing if value is None)
    reasons = [f" ({fault.reason})" for fault in plane.faults if fault.tag == tag]
    return header_error(
        tag,
        None,
        f"frame {plane.frame} has no place in the patient" + "".join(reasons[:1]),
        "a label without geometry cannot be placed: leave it out",
    )
