"""Planes of an opened file: one of each frame."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import repeat

from fastpix.header.frame_positions import FramePositions, located_frames
from fastpix.header.geometry import Geometry, geometry_of
from fastpix.header.instance import Instance
from fastpix.header.plain_values import PlainValues, plain_values
from fastpix.series import plane_values as parse
from fastpix.series.grouped_planes import grouped_planes
from fastpix.series.mosaics import tiles_of
from fastpix.series.plane import Identity, Part, Plane
from fastpix.series.vendors import NOTHING, vendor_values
from fastpix.standard.dictionary import keyword_of
from fastpix.standard.tags import Tag
from fastpix.standard.uids import SECONDARY_CAPTURES

# Elsewhere the same private elements mean something else.
_WITH_VENDORS = ("MR", "")
_SPLITTING = (Tag.EnergyWindowVector, Tag.DetectorVector)


def planes_of(instance: Instance, source: int) -> list[Plane]:
    """Return the planes of an opened file, by its header alone.

    A plane is a frame, or a tile of a mosaic. Frames have functional groups (PS3.3 C.7.6.16), or
    are those of a dose grid (C.8.8.3) or of nuclear medicine (C.8.4.8), or have no position.

    Parameters
    ----------
    instance : Instance
    source : int
        Number of the file among those that were given.

    Returns
    -------
    list of Plane
        In the order of the frames, or of the tiles.
    """
    header = instance.header
    values = plain_values(instance)
    if values.frames is not None or values.shared:
        top = geometry_of(values.top)
        first = _plane_at_top(values, instance, source, top)
        return grouped_planes(first, top, values, header.frames)
    located = located_frames(values, header.modality, header.frames)
    if header.frames > 1:
        return _frames_without_groups(values, located, instance, source)
    geometry = located.geometry
    if located.positions is not None:
        geometry = geometry._replace(position=located.positions[0])
    plane = _plane_at_top(values, instance, source, geometry)
    if values.may_be_mosaic:  # one frame that holds many planes
        return tiles_of(instance, plane) or [plane]
    return [plane]


def _frames_without_groups(
    values: PlainValues, located: FramePositions, instance: Instance, source: int
) -> list[Plane]:
    frames = instance.header.frames
    counted = located.counted
    kept = [tag for tag in counted if tag not in (*_SPLITTING, Tag.SliceVector)]
    names = tuple(parse.snake_case(keyword_of(tag).removesuffix("Vector")) for tag in kept)
    first = _plane_at_top(values, instance, source, located.geometry, names)
    indices = list(zip(*(counted[tag] for tag in kept), strict=True)) if kept else [()] * frames
    stacks = _stack_ids(counted, frames) if counted else [first.stack_id] * frames
    positions = located.positions or repeat(None, frames)
    return [
        first._replace(frame=k, position=position, dimension_index=index, stack_id=stack)
        for k, (position, index, stack) in enumerate(zip(positions, indices, stacks, strict=True))
    ]


def _stack_ids(counted: Mapping[int, tuple[int, ...]], frames: int) -> list[str]:
    """Return stacks that energy windows and detectors make, which never are in one volume."""
    stacks = [""] * frames
    for tag in _SPLITTING:
        numbers = counted.get(tag, ())
        if len(set(numbers)) > 1:
            name = parse.snake_case(keyword_of(tag).removesuffix("Vector"))
            stacks = [f"{a} {name} {n}".strip() for a, n in zip(stacks, numbers, strict=True)]
    return stacks


def _plane_at_top(
    values: PlainValues,
    instance: Instance,
    source: int,
    geometry: Geometry,
    dimension_names: tuple[str, ...] = (),
) -> Plane:
    """Return the plane that the attributes at the top of a data set describe."""
    get = values.top.get
    header = instance.header
    kinds = parse.image_type(get(Tag.ImageType))
    vendor = NOTHING
    if values.private and header.modality in _WITH_VENDORS:
        vendor = vendor_values(values.private, get(Tag.Manufacturer, b""))
    b_value = parse.double(get(Tag.DiffusionBValue))
    gradient = parse.direction(get(Tag.DiffusionGradientOrientation))
    identity = _identity(
        get(Tag.StudyInstanceUID), get(Tag.SeriesInstanceUID), get(Tag.SOPClassUID),
        get(Tag.FrameOfReferenceUID), header.rows, header.columns, header.samples,
        header.photometric, header.unit, header.modality, "LOCALIZER" in kinds, dimension_names,
    )  # fmt: skip
    temporal = parse.integer(get(Tag.TemporalPositionIdentifier))
    if temporal is None:
        temporal = parse.long(get(Tag.TemporalPositionIndex))
    return Plane(
        identity, source, 0, None, parse.uid(get(Tag.SOPInstanceUID)),
        *geometry,
        parse.text(get(Tag.StackID)), None,
        parse.component(get(Tag.ComplexImageComponent), kinds, vendor.component),
        kinds, vendor.ge_image_type,
        parse.decimal(get(Tag.EchoTime)),
        vendor.b_value if b_value is None else b_value,
        parse.decimal(get(Tag.InversionTime)),
        parse.decimal(get(Tag.KVP)),
        vendor.gradient if gradient is None else gradient,
        parse.text(get(Tag.ConvolutionKernel)),
        temporal, None,
        parse.decimal(get(Tag.TriggerTime)),
        (),
        parse.integer(get(Tag.InstanceNumber)),
        parse.integer(get(Tag.AcquisitionNumber)),
        parse.moment(
            get(Tag.AcquisitionDateTime), get(Tag.AcquisitionDate), get(Tag.AcquisitionTime)
        ),
        parse.moment(None, get(Tag.ContentDate), get(Tag.ContentTime)),
        _part_of(values),
    )  # fmt: skip


def _part_of(values: PlainValues) -> Part | None:
    uid = parse.uid(values.top.get(Tag.ConcatenationUID))
    number = parse.word(values.top.get(Tag.InConcatenationNumber))
    if not uid or number is None:
        return None
    return Part(uid, number, parse.word(values.top.get(Tag.InConcatenationTotalNumber)))


@lru_cache(1024)
def _identity(
    study: bytes | None,
    series: bytes | None,
    sop_class: bytes | None,
    frame_of_reference: bytes | None,
    rows: int,
    columns: int,
    samples: int,
    photometric: str,
    unit: str,
    modality: str,
    is_localizer: bool,
    dimension_names: tuple[str, ...],
) -> Identity:
    """Return the one object that all planes of these values share."""
    known = parse.uid(sop_class)
    return Identity(
        parse.uid(study), parse.uid(series), known, parse.uid(frame_of_reference),
        rows, columns, samples, photometric, unit, modality, is_localizer,
        known in SECONDARY_CAPTURES, dimension_names,
    )  # fmt: skip
