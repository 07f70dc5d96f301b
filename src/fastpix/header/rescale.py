"""Rescale Slope and Intercept of every frame (PS3.3 C.11.1, C.7.6.16.2.9, C.8.8.3)."""

from __future__ import annotations

from typing import NamedTuple

from fastpix.errors import PixelHeaderError
from fastpix.header.attributes import Attributes, all_equal, header_error, name_of
from fastpix.standard.tags import Tag

_REMEDY = "correct it, or pass rescale=False for stored values"


class Rescale(NamedTuple):
    """Modality units per stored unit, the value of stored 0, and the unit if the file gives it."""

    slope: float
    intercept: float
    unit: str = ""


class RescaleError(PixelHeaderError):
    """The file gives stored values, but no rescaled ones."""


def rescale_error(error: PixelHeaderError) -> RescaleError:
    """Return an error for those alone who ask for rescaled values."""
    return RescaleError(
        tag=error.tag, keyword=error.keyword, value=error.value, reason=error.reason,
        remedy=_REMEDY,
    )  # fmt: skip


def read_rescales(attributes: Attributes, frames: int, modality: str) -> tuple[Rescale, ...]:
    """Read what scales each frame: its own functional group, else the shared one, else top level.

    Parameters
    ----------
    attributes : Attributes
        Of the data set.
    frames : int
    modality : str
        RTDOSE scales by Dose Grid Scaling; PT may not have a slope of 0.

    Returns
    -------
    tuple of Rescale
        One if all frames are alike, else one for each frame.

    Raises
    ------
    RescaleError
        A value is no number, or there are fewer functional groups than frames.
    """
    try:
        if modality == "RTDOSE":
            return (_dose(attributes),)
        own = [_of_group(group, modality) for group in _groups_of_frames(attributes, frames)]
        rescales = _completed(own, attributes, modality)
    except PixelHeaderError as error:
        raise rescale_error(error) from error
    if any(own) and not all(own):
        attributes.remark(
            f"{own.count(None)} of {frames} frames have no Pixel Value "
            f"Transformation of their own: the shared or top level one is used"
        )
    return rescales[:1] if all_equal(rescales) else rescales


def _groups_of_frames(attributes: Attributes, frames: int) -> list[Attributes]:
    """Return the functional group of each frame; none if the file has no such groups."""
    groups = attributes.items(Tag.PerFrameFunctionalGroupsSequence)
    if groups and len(groups) < frames:
        raise header_error(
            Tag.PerFrameFunctionalGroupsSequence,
            f"{len(groups)} items",
            f"there are {frames} frames",
        )
    if len(groups) > frames:
        attributes.remark(
            f"{name_of(Tag.PerFrameFunctionalGroupsSequence)} has {len(groups)} items, "
            f"NumberOfFrames (0028,0008) says {frames}: those beyond are not used"
        )
    return groups[:frames]


def _completed(
    own: list[Rescale | None], attributes: Attributes, modality: str
) -> tuple[Rescale, ...]:
    """Fill in the rescale of frames that have none of their own: the shared, or top level one."""
    complete = tuple(rescale for rescale in own if rescale is not None)
    if complete and len(complete) == len(own):
        return complete  # the shared and top level ones, even if wrong, do not matter then
    base = _shared(attributes, modality) or _read(attributes, modality)
    return tuple(rescale or base for rescale in own) or (base,)


def _shared(attributes: Attributes, modality: str) -> Rescale | None:
    groups = attributes.items(Tag.SharedFunctionalGroupsSequence)
    found = [_of_group(group, modality) for group in groups]
    if not all_equal(found):
        raise header_error(
            Tag.SharedFunctionalGroupsSequence, f"{len(groups)} items", "they differ; it has one"
        )
    return found[0] if found else None


def _of_group(group: Attributes, modality: str) -> Rescale | None:
    """Return the rescale of a functional group; None if it has none."""
    items = group.items(Tag.PixelValueTransformationSequence)
    if not items:
        return None
    if not any(i.numbers(Tag.RescaleSlope) or i.numbers(Tag.RescaleIntercept) for i in items):
        return None
    found = [_read(item, modality) for item in items]
    if not all_equal(found):
        raise header_error(
            Tag.PixelValueTransformationSequence, f"{len(items)} items", "they differ; it has one"
        )
    return found[0]


def _read(attributes: Attributes, modality: str) -> Rescale:
    slope = attributes.number(Tag.RescaleSlope)
    intercept = attributes.number(Tag.RescaleIntercept)
    if slope == 0:
        if modality == "PT":
            raise header_error(Tag.RescaleSlope, slope, "it would pass counts off as activity")
        attributes.remark(
            "RescaleSlope (0028,1053) is 0, some vendors' way to say absent: read as 1"
        )
        slope = 1.0
    return Rescale(
        1.0 if slope is None else slope,
        0.0 if intercept is None else intercept,
        attributes.text(Tag.RescaleType) or "",
    )


def _dose(attributes: Attributes) -> Rescale:
    scaling = attributes.number(Tag.DoseGridScaling)
    if not scaling or scaling < 0:
        raise header_error(Tag.DoseGridScaling, scaling, "RTDOSE has no dose without it")
    return Rescale(scaling, 0.0)
