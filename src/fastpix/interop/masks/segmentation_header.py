"""What a segmentation (SEG) says of its segments, and of where its frames lie (PS3.3 C.8.20)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from fastpix.errors import ArgumentError, LabelMismatchError, PixelHeaderError
from fastpix.header.geometry import Orientation, Vector
from fastpix.interop.masks.frame_placement import Placement, place_frames
from fastpix.interop.masks.volume_grid import RESAMPLE, VolumeGrid
from fastpix.notes import Notes, count_of
from fastpix.series.plane import Plane
from fastpix.standard.tags import Tag
from fastpix.standard.uids import LABEL_MAP_STORAGE

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

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
        SOP Instance UIDs and Series Instance UIDs that it refers to.
    """

    kind: SegmentationType
    segments: tuple[Segment, ...]
    background: int
    largest: int
    images: frozenset[str]
    series: frozenset[str]


def segmentation_header(dataset: Dataset) -> SegmentationHeader:
    """Return what a segmentation says of itself.

    Raises
    ------
    PixelHeaderError
        An attribute is missing, or impossible.
    """
    kind = _kind_of(dataset)
    padding = dataset.get("PixelPaddingValue")
    background = padding if isinstance(padding, int) else 0
    segments = _segments_of(dataset)
    if kind == "LABELMAP":
        segments = tuple(segment for segment in segments if segment.number != background)
    largest = 1
    if kind == "FRACTIONAL":
        largest = dataset.get("MaximumFractionalValue") or 0
        if not isinstance(largest, int) or not largest > 0:
            raise PixelHeaderError(
                tag=0x0062000E,
                keyword="MaximumFractionalValue",
                value=largest,
                reason="fractions are shares of it",
            )
    referenced = list(dataset.get("ReferencedSeriesSequence") or ())
    return SegmentationHeader(
        kind=kind,
        segments=segments,
        background=background,
        largest=largest,
        images=frozenset(
            str(image.get("ReferencedSOPInstanceUID", ""))
            for series in referenced
            for image in series.get("ReferencedInstanceSequence") or ()
        )
        - {""},
        series=frozenset(str(each.get("SeriesInstanceUID", "")) for each in referenced) - {""},
    )


def _kind_of(dataset: Dataset) -> SegmentationType:
    if dataset.get("SOPClassUID") == LABEL_MAP_STORAGE:
        return "LABELMAP"
    found = dataset.get("SegmentationType")
    for kind in get_args(SegmentationType):
        if found == kind:
            return kind  # type: ignore[no-any-return]
    raise PixelHeaderError(
        tag=Tag.SegmentationType,
        keyword="SegmentationType",
        value=found,
        reason="it is not BINARY, FRACTIONAL or LABELMAP",
    )


def _segments_of(dataset: Dataset) -> tuple[Segment, ...]:
    segments = []
    for item in dataset.get("SegmentSequence") or ():
        number = item.get("SegmentNumber")
        if not isinstance(number, int):
            raise PixelHeaderError(
                tag=0x00620004,
                keyword="SegmentNumber",
                value=number,
                reason="an item of SegmentSequence has no number",
            )
        segments.append(Segment(number, str(item.get("SegmentLabel") or "").strip()))
    numbers = [segment.number for segment in segments]
    if not numbers or len(set(numbers)) < len(numbers):
        raise PixelHeaderError(
            tag=Tag.SegmentSequence,
            keyword="SegmentSequence",
            value=numbers or None,
            reason="two segments share a number" if numbers else "there are no segments",
        )
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
            raise PixelHeaderError(
                tag=Tag.ReferencedSegmentNumber,
                keyword="ReferencedSegmentNumber",
                value=None,
                reason="a frame does not say which segment it is of",
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
    missing = [
        (Tag.ImagePositionPatient, "ImagePositionPatient", plane.position),
        (Tag.ImageOrientationPatient, "ImageOrientationPatient", plane.orientation),
        (Tag.PixelSpacing, "PixelSpacing", plane.spacing),
    ]
    tag, keyword = next((tag, keyword) for tag, keyword, value in missing if value is None)
    reasons = [fault.reason for fault in plane.faults if fault.tag == tag]
    return PixelHeaderError(
        tag=tag,
        keyword=keyword,
        value=None,
        reason=f"frame {plane.frame} has no place in the patient"
        + (f" ({reasons[0]})" if reasons else ""),
        remedy="a label without geometry cannot be placed: leave it out",
    )
