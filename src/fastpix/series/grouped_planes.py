"""Planes of frames that have functional groups (PS3.3 C.7.6.16), read column by column.

A column is what one attribute is in each frame: a list, or the one value that all frames have.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np

from fastpix._index import decimals_of
from fastpix.header.geometry import Fault, distance_of, orientation_of, position_of, spacing_of
from fastpix.header.plain_values import PlainValues
from fastpix.series import plane_values as parse
from fastpix.series.plane import Identity, Plane
from fastpix.standard.dictionary import keyword_of
from fastpix.standard.tags import Tag

Column: TypeAlias = Any
Raw: TypeAlias = "list[bytes | None] | bytes | None"

_FRAME_TYPES = (
    Tag.MRImageFrameTypeSequence, Tag.CTImageFrameTypeSequence, Tag.PETFrameTypeSequence,
    Tag.ParametricMapFrameTypeSequence,
)  # fmt: skip
_CONTENT = Tag.FrameContentSequence
# Dimension Index Pointers to what says where a frame lies (PS3.3 C.7.6.17).
_SPATIAL = frozenset(
    {
        *map(int, (
            Tag.StackID, Tag.InStackPositionNumber, Tag.ImagePositionPatient,
            Tag.ImageOrientationPatient, Tag.PlanePositionSequence, Tag.PlaneOrientationSequence,
            Tag.SliceLocation,
        )),
        0x00209301,  # Image Position (Volume)
        0x00209302,  # Image Orientation (Volume)
        0x0020930E,  # Plane Position (Volume) Sequence
        0x0020930F,  # Plane Orientation (Volume) Sequence
        0x0040072A,  # X, Y and Z Offset in Slide Coordinate System
        0x0040073A,
        0x0040074A,
        0x0048021A,  # Plane Position (Slide) Sequence
        0x0048021E,  # Column and Row Position In Total Image Pixel Matrix
        0x0048021F,
    }
)  # fmt: skip


def _pixel_spacing(value: bytes | None) -> tuple[float, float] | Fault | None:
    return spacing_of(Tag.PixelSpacing, value)


def _thickness(value: bytes | None) -> float | Fault | None:
    return distance_of(Tag.SliceThickness, value, False)


def _between(value: bytes | None) -> float | Fault | None:
    return distance_of(Tag.SpacingBetweenSlices, value, True)


_MEASURES = Tag.PixelMeasuresSequence
_GEOMETRY: tuple[tuple[str, int, int, Callable[[bytes | None], Any]], ...] = (
    ("position", Tag.PlanePositionSequence, Tag.ImagePositionPatient, position_of),
    ("orientation", Tag.PlaneOrientationSequence, Tag.ImageOrientationPatient, orientation_of),
    ("spacing", _MEASURES, Tag.PixelSpacing, _pixel_spacing),
    ("thickness", _MEASURES, Tag.SliceThickness, _thickness),
    ("between", _MEASURES, Tag.SpacingBetweenSlices, _between),
)


def grouped_planes(first: Plane, values: PlainValues, frames: int) -> list[Plane]:
    """Return the planes of frames: what their groups say, else the shared ones, else `first`.

    Parameters
    ----------
    first : Plane
        What the attributes at the top of the data set say. With more frames than one, its position
        is that of none.
    values : PlainValues
    frames : int

    Returns
    -------
    list of Plane
    """
    columns = _Columns(values, frames)
    of = columns.of
    geometry, faults = _geometry(first, columns)
    position, orientation, spacing, thickness, between = geometry
    is_detector = first.is_detector_spacing and spacing is first.spacing
    kinds = _all_of(
        lambda own: parse.image_type(own) or first.image_type,
        columns.first_of(_FRAME_TYPES, Tag.FrameType),
    )
    complexity = columns.first_of(_FRAME_TYPES, Tag.ComplexImageComponent)
    components = _all_of(
        lambda own, kind: parse.component(own, kind, "") or first.component, complexity, kinds
    )
    names, indices = _dimensions(values, columns)
    identity = first.identity._replace(dimension_names=names)
    times = _all_of(
        lambda own, reference: (
            parse.moment(own) or parse.moment(reference) or first.acquisition_time
        ),
        columns.raw(_CONTENT, Tag.FrameAcquisitionDateTime),
        columns.raw(_CONTENT, Tag.FrameReferenceDateTime),
    )
    fields: tuple[Column, ...] = (
        _identities(identity, kinds), first.source, list(range(frames)), None, first.sop_uid,
        position, orientation, spacing, is_detector, thickness, between, faults,
        of(_CONTENT, Tag.StackID, parse.text, first.stack_id),
        of(Tag.SegmentIdentificationSequence, Tag.ReferencedSegmentNumber, parse.word, None),
        components, kinds, first.ge_image_type,
        of(Tag.MREchoSequence, Tag.EffectiveEchoTime, parse.double, first.echo_time),
        of(Tag.MRDiffusionSequence, Tag.DiffusionBValue, parse.double, first.b_value),
        of(Tag.MRModifierSequence, Tag.InversionTimes, parse.double, first.inversion_time),
        of(Tag.CTXRayDetailsSequence, Tag.KVP, parse.decimal, first.kvp),
        of(Tag.MRDiffusionSequence, Tag.DiffusionGradientOrientation, parse.direction,
           first.gradient),
        of(Tag.CTReconstructionSequence, Tag.ConvolutionKernel, parse.text, first.kernel),
        of(_CONTENT, Tag.TemporalPositionIndex, parse.long, first.temporal_position),
        of(Tag.TemporalPositionSequence, Tag.TemporalPositionTimeOffset, parse.double, None),
        of(Tag.CardiacSynchronizationSequence, Tag.NominalCardiacTriggerDelayTime, parse.double,
           first.trigger_time),
        indices, first.instance_number,
        of(_CONTENT, Tag.FrameAcquisitionNumber, parse.word, first.acquisition_number),
        times, first.content_time,
    )  # fmt: skip
    each = [field if type(field) is list else repeat(field, frames) for field in fields]
    return list(map(Plane._make, zip(*each, strict=True)))


class _Columns:
    """What the functional groups of frames say: a frame's own, else the shared ones."""

    def __init__(self, values: PlainValues, frames: int) -> None:
        self._values = values
        self.frames = frames

    def raw(self, sequence: int, tag: int) -> Raw:
        """Return the values of an element in the only item of a sequence."""
        shared = self._values.shared.get(sequence, {}).get(tag)
        if self._values.frames is None:
            return shared
        own = self._values.frames.column(sequence, tag, self.frames)
        if own is None:
            return shared
        if shared is not None:
            own = [shared if value is None else value for value in own]
        return own

    def of(
        self, sequence: int, tag: int, parse_value: Callable[[bytes | None], Any], default: Any
    ) -> Column:
        """Return the parsed values of an element; `default` where there is none."""
        raw = self.raw(sequence, tag)
        if raw is None:
            return default
        if not isinstance(raw, list):
            found = parse_value(raw)
            return default if found is None or found == "" else found
        table = _table(set(raw), parse_value)
        if default is not None and default != "":
            for value, found in table.items():
                if found is None or found == "":
                    table[value] = default
        if len(table) == 1:
            return table[raw[0]]
        return list(map(table.__getitem__, raw))

    def first_of(self, sequences: tuple[int, ...], tag: int) -> Raw:
        """Return the values of an element in the first of the sequences that has it."""
        for sequence in sequences:
            found = self.raw(sequence, tag)
            if found is not None:
                return found
        return None


def _table(
    values: set[bytes | None], parse_value: Callable[[bytes | None], Any]
) -> dict[bytes | None, Any]:
    """Parse each value; positions of many frames all at once."""
    if parse_value is position_of and len(values) > 16:
        order = [value for value in values if value is not None and value.count(b"\\") == 2]
        numbers = decimals_of(b"\\".join(order).split(b"\\"))
        if numbers is not None and len(order) == len(values):
            three = iter(numbers)
            return dict(zip(order, zip(three, three, three, strict=True), strict=True))
    return {value: parse_value(value) for value in values}


def _all_of(combine: Callable[..., Any], *columns: Any) -> Column:
    """Combine columns frame by frame, each different combination once."""
    lists = [column for column in columns if type(column) is list]
    if not lists:
        return combine(*columns)
    count = len(lists[0])
    rows = list(zip(*(c if type(c) is list else repeat(c, count) for c in columns), strict=True))
    table = {row: combine(*row) for row in set(rows)}
    return table[rows[0]] if len(table) == 1 else list(map(table.__getitem__, rows))


def _identities(identity: Identity, kinds: Column) -> Column:
    """Return identities that say whether a frame is a localizer: two objects at the most."""
    both = {flag: identity._replace(is_localizer=flag) for flag in (False, True)}
    return _all_of(lambda kind: both["LOCALIZER" in kind], kinds)


def _geometry(first: Plane, columns: _Columns) -> tuple[list[Column], Column]:
    """Return columns of position, orientation, spacing, thickness, distance; and of faults."""
    found: list[Column] = []
    faults: list[tuple[Fault, ...]] = []
    kept = first.faults
    for field, sequence, tag, parse_value in _GEOMETRY:
        default = getattr(first, field)
        if field == "position" and columns.frames > 1:
            default = None
            kept = tuple(fault for fault in kept if fault.tag != tag)
        column = columns.of(sequence, tag, parse_value, default)
        if columns.raw(sequence, tag) is not None:
            kept = tuple(fault for fault in kept if fault.tag != tag)
        if type(column) is Fault:
            kept, column = (*kept, column), None
        elif type(column) is list and any(type(each) is Fault for each in column):
            faults = faults or [()] * columns.frames
            faults = [
                (*others, each) if type(each) is Fault else others
                for others, each in zip(faults, column, strict=True)
            ]
            column = [None if type(each) is Fault else each for each in column]
        found.append(column)
    return found, [(*kept, *each) for each in faults] if faults else kept


def _dimensions(values: PlainValues, columns: _Columns) -> tuple[tuple[str, ...], Column]:
    """Return names and values of the dimensions that are not spatial (PS3.3 C.7.6.17)."""
    pointers = [
        (parse.tags(item.get(Tag.DimensionIndexPointer)) or (0,))[0] for item in values.dimensions
    ]
    kept = [k for k, pointer in enumerate(pointers) if pointer not in _SPATIAL]
    raw = columns.raw(_CONTENT, Tag.DimensionIndexValues)
    if not kept or raw is None:
        return (), ()
    names = tuple(_dimension_name(pointers[k], k) for k in kept)
    rows = raw if isinstance(raw, list) else [raw] * columns.frames
    size = 4 * len(pointers)
    if any(row is None or len(row) != size for row in rows):
        return (), ()
    table = np.frombuffer(b"".join(row for row in rows if row), "<u4").reshape(len(rows), -1)
    return names, list(map(tuple, table[:, kept].tolist()))


def _dimension_name(pointer: int, k: int) -> str:
    """Return a keyword in snake case; ``dimension_1`` for what the dictionary does not know."""
    keyword = "" if pointer >> 16 & 1 else keyword_of(pointer)
    return parse.snake_case(keyword) if keyword else f"dimension_{k + 1}"
