"""Where the frames of files without functional groups lie: dose grids and nuclear medicine."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from fastpix.header.geometry import (
    TOLERANCE,
    Fault,
    Geometry,
    Orientation,
    Vector,
    decimals,
    distance_of,
    geometry_of,
    orientation_of,
    position_of,
    too_large,
)
from fastpix.header.plain_values import PlainValues, Values
from fastpix.standard.tags import FRAME_VECTORS, Tag

VECTORS = (Tag.EnergyWindowVector, Tag.DetectorVector, *FRAME_VECTORS)
_PROJECTIONS = (Tag.RotationVector, Tag.AngularViewVector)


class FramePositions(NamedTuple):
    """Geometry that all frames share, and the position of each frame.

    Attributes
    ----------
    geometry : Geometry
        Its position is that of no frame.
    positions : list of Vector, or None
        None: frames have no position.
    counted : mapping of int to tuple of int
        What frames of nuclear medicine are counted by: tags of vectors, and a number a frame.
    """

    geometry: Geometry
    positions: list[Vector] | None
    counted: Mapping[int, tuple[int, ...]] = MappingProxyType({})


def located_frames(values: PlainValues, modality: str, frames: int) -> FramePositions:
    """Return where the frames of a file without functional groups lie.

    A file of one frame has the position at the top of its data set. Of several frames, no one
    knows which of them that position is about, unless they are those of a dose, or of nuclear
    medicine.
    """
    if modality == "RTDOSE" and (frames > 1 or Tag.GridFrameOffsetVector in values.top):
        return dose_positions(values, frames)
    if frames == 1:
        geometry = geometry_of(values.top)
        if geometry.position is not None or not values.detectors:
            position = geometry.position
            return FramePositions(
                geometry._replace(position=None), None if position is None else [position]
            )
        return nuclear_positions(values, {Tag.SliceVector: (1,)}, 1)
    if any(tag in values.top for tag in VECTORS):
        counted = counted_by(values, frames)
        return nuclear_positions(values, counted, frames)._replace(counted=counted)
    return FramePositions(geometry_of(values.top)._replace(position=None), None)


def normal_of(orientation: Orientation) -> Vector:
    """Return the cross product of row and column direction."""
    a, b, c, d, e, f = orientation
    return b * f - c * e, c * d - a * f, a * e - b * d


def along(start: Vector, direction: Vector, distances: Sequence[float]) -> list[Vector]:
    """Return positions at distances from `start`."""
    (x, y, z), (a, b, c) = start, direction
    return [(x + a * s, y + b * s, z + c * s) for s in distances]


def dose_positions(values: PlainValues, frames: int) -> FramePositions:
    """Return where the planes of a dose lie, by Grid Frame Offset Vector (PS3.3 C.8.8.3.2).

    Offsets that begin with 0 count from Image Position along the normal. Others are z coordinates
    in an axial grid, the first of which is that of Image Position.
    """
    tag = Tag.GridFrameOffsetVector
    geometry = geometry_of(values.top)
    if geometry.position is None or geometry.orientation is None:
        return FramePositions(geometry._replace(position=None), None)
    offsets = decimals(tag, values.top.get(tag, b""))
    fault = offsets if isinstance(offsets, Fault) else None
    numbers = () if isinstance(offsets, Fault) else offsets
    if fault is None and len(numbers) < frames:
        fault = Fault(tag, f"it has {len(numbers)} values for {frames} frames")
    if fault is None:
        fault = too_large(tag, numbers)
    start = geometry.position
    if fault is None:
        numbers = numbers[:frames]
        if numbers[0] == 0:
            positions = along(start, normal_of(geometry.orientation), numbers)
        elif abs(numbers[0] - start[2]) > TOLERANCE * max(1.0, abs(start[2])):
            fault = Fault(tag, "its first value is neither 0 nor the z of Image Position")
        elif abs(abs(normal_of(geometry.orientation)[2]) - 1) > TOLERANCE:
            fault = Fault(tag, "it has z coordinates, but the grid is not axial")
        else:
            positions = [(start[0], start[1], z) for z in numbers]
    shared = geometry._replace(position=None)
    if fault is not None:
        return FramePositions(shared._replace(faults=(*shared.faults, fault)), None)
    return FramePositions(shared, positions)


def counted_by(values: PlainValues, frames: int) -> dict[int, tuple[int, ...]]:
    """Return what frames of nuclear medicine are counted by (PS3.3 C.8.4.8): a number a frame.

    Vectors that Frame Increment Pointer names, in its order; all that are there if it names none.
    """
    named = _tags(values.top.get(Tag.FrameIncrementPointer, b""))
    order = [tag for tag in named if tag in VECTORS]
    found = {}
    for tag in order or VECTORS:
        value = values.top.get(tag, b"")
        numbers = struct.unpack(f"<{len(value) // 2}H", value[: len(value) // 2 * 2])
        if len(numbers) >= frames:
            found[int(tag)] = numbers[:frames]
    if order == [Tag.SliceVector] and not found:
        found[int(Tag.SliceVector)] = tuple(range(1, frames + 1))
    return found


def nuclear_positions(
    values: PlainValues, counted: dict[int, tuple[int, ...]], frames: int
) -> FramePositions:
    """Return where reconstructed slices lie (PS3.3 C.8.4.11, C.8.4.15).

    The first slice of a detector is where its item of Detector Information Sequence says. The
    others follow along the normal by Spacing Between Slices, whose sign counts. Projections and
    planar images have no position.
    """
    top = geometry_of(values.top)
    faults = list(top.faults)
    detectors = values.detectors or [{}]
    located = [_detector(each, values.top) for each in detectors]
    faults += [fault for _, _, found in located for fault in found]
    shared = top._replace(position=None, orientation=located[0][1], faults=tuple(faults))
    slices = counted.get(Tag.SliceVector)
    if slices is None or any(tag in counted for tag in _PROJECTIONS):
        return FramePositions(shared._replace(orientation=None, faults=top.faults), None)
    numbers = counted.get(Tag.DetectorVector, (1,) * frames)
    step = distance_of(Tag.SpacingBetweenSlices, values.top.get(Tag.SpacingBetweenSlices), True)
    distance = 0.0 if step is None or isinstance(step, Fault) else step
    if not distance and max(slices) > min(slices):
        if step is None:
            faults.append(Fault(Tag.SpacingBetweenSlices, "absent or 0, and slices lie by it"))
        return FramePositions(shared._replace(faults=tuple(faults)), None)
    shared = shared._replace(between=abs(distance) or None)  # its sign is a direction
    positions = []
    for number, detector in zip(slices, numbers, strict=True):
        which = detector - 1 if 0 < detector <= len(located) else 0
        position, orientation, _ = located[which]
        if position is None or orientation is None or orientation != shared.orientation:
            return FramePositions(shared, None)
        positions += along(position, normal_of(orientation), [(number - slices[0]) * distance])
    return FramePositions(shared, positions)


def _detector(item: Values, top: Values) -> tuple[Vector | None, Orientation | None, list[Fault]]:
    """Return position and orientation of a detector's first frame, else of the data set."""
    tags = Tag.ImagePositionPatient, Tag.ImageOrientationPatient
    values = [item.get(tag) or top.get(tag) for tag in tags]
    position, orientation = position_of(values[0]), orientation_of(values[1])
    faults = [each for each in (position, orientation) if isinstance(each, Fault)]
    return (
        None if isinstance(position, Fault) else position,
        None if isinstance(orientation, Fault) else orientation,
        faults,
    )


def _tags(value: bytes) -> tuple[int, ...]:
    pairs = struct.unpack(f"<{len(value) // 4 * 2}H", value[: len(value) // 4 * 4])
    return tuple(pairs[k] << 16 | pairs[k + 1] for k in range(0, len(pairs), 2))
