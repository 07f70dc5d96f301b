"""Planes of frames that have functional groups (PS3.3 C.7.6.16), read column by column.

A column is what one attribute is in each frame: a list, or the one value that all frames have.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any

import numpy as np

from fastpix.header.frame_geometry import Column, Columns, geometry_columns
from fastpix.header.geometry import Geometry
from fastpix.header.plain_values import PlainValues
from fastpix.series import plane_values as parse
from fastpix.series.plane import Identity, Plane
from fastpix.standard.dictionary import keyword_of
from fastpix.standard.tags import Tag

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

_UNKNOWN = 0xFFFFFFFF  # a pointer that the dictionary does not know


def grouped_planes(first: Plane, top: Geometry, values: PlainValues, frames: int) -> list[Plane]:
    """Return the planes of frames: what their groups say, else the shared ones, else `first`.

    Parameters
    ----------
    first : Plane
        What the attributes at the top of the data set say.
    top : Geometry
        Theirs. With more frames than one, its position is that of none.
    values : PlainValues
    frames : int

    Returns
    -------
    list of Plane
    """
    columns = Columns(values, frames)
    of = columns.of
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
        *geometry_columns(top, columns),
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
        times, first.content_time, first.part,
    )  # fmt: skip
    each = [field if type(field) is list else repeat(field, frames) for field in fields]
    return list(map(Plane._make, zip(*each, strict=True)))


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


def _dimensions(values: PlainValues, columns: Columns) -> tuple[tuple[str, ...], Column]:
    """Return names and values of the dimensions that are not spatial (PS3.3 C.7.6.17)."""
    pointers = [
        (parse.tags(item.get(Tag.DimensionIndexPointer)) or (_UNKNOWN,))[0]
        for item in values.dimensions
    ]
    kept = [k for k, pointer in enumerate(pointers) if pointer not in _SPATIAL]
    raw = columns.raw(_CONTENT, Tag.DimensionIndexValues)
    if not kept or raw is None:
        return (), ()
    names = tuple(_dimension_name(pointers[k], k) for k in kept)
    rows = raw if isinstance(raw, list) else [raw] * columns.frames
    size = 4 * len(pointers)
    if {len(row or b"") for row in set(rows)} != {size}:
        return (), ()
    whole = b"".join([row for row in rows if row])
    table = np.frombuffer(whole, "<u4").reshape(len(rows), -1)
    return names, list(zip(*(table[:, k].tolist() for k in kept), strict=True))


def _dimension_name(pointer: int, k: int) -> str:
    """Return a keyword in snake case; ``dimension_1`` for what the dictionary does not know."""
    keyword = "" if pointer >> 16 & 1 else keyword_of(pointer)
    return parse.snake_case(keyword) if keyword else f"dimension_{k + 1}"
