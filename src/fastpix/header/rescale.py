"""Rescale Slope and Intercept of every frame (PS3.3 C.11.1, C.7.6.16.2.9, C.8.8.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fastpix.errors import PixelHeaderError
from fastpix.header.attributes import Attributes, all_equal, header_error, name_of
from fastpix.standard.tags import Tag

_REMEDY = "correct it, or pass rescale=False for stored values"


class Rescale(NamedTuple):
    """Modality units per stored unit, the value of stored 0, and the unit where the file says."""

    slope: float
    intercept: float
    unit: str = ""


class RescaleError(PixelHeaderError):
    """Rescaled values cannot be had from this file; stored values can."""


def read_rescales(
    at: Attributes, frames: int, modality: str, remark: Callable[[str], None]
) -> tuple[Rescale, ...]:
    """Read what scales each frame: its own functional group, else the shared one, else top level.

    Parameters
    ----------
    at : Attributes
        Of the data set.
    frames : int
    modality : str
        RTDOSE scales by Dose Grid Scaling; PT may not have a slope of 0.
    remark : callable

    Returns
    -------
    tuple of Rescale
        One where all frames are alike, else one a frame.

    Raises
    ------
    RescaleError
        A value that is no number, or fewer functional groups than frames.
    """
    try:
        if modality == "RTDOSE":
            return (_dose(at),)
        per_frame = at.items(Tag.PerFrameFunctionalGroupsSequence)
        if per_frame and len(per_frame) < frames:
            raise header_error(
                Tag.PerFrameFunctionalGroupsSequence,
                f"{len(per_frame)} items",
                f"there are {frames} frames",
            )
        if len(per_frame) > frames:
            remark(
                f"{name_of(Tag.PerFrameFunctionalGroupsSequence)} has {len(per_frame)} items, "
                f"NumberOfFrames (0028,0008) says {frames}: those beyond are not used"
            )
        own = [_from_group(group, modality, remark) for group in per_frame[:frames]]
        if own and all(own):  # what no frame falls back to decides nothing
            rescales = tuple(rescale for rescale in own if rescale)
        else:
            base = _shared(at, modality, remark) or _read(at, modality, remark)
            rescales = tuple(rescale or base for rescale in own) or (base,)
    except PixelHeaderError as error:
        raise RescaleError(
            tag=error.tag, keyword=error.keyword, value=error.value, reason=error.reason,
            remedy=_REMEDY,
        ) from error  # fmt: skip
    if any(own) and not all(own):
        remark(
            f"{sum(rescale is None for rescale in own)} of {frames} frames have no Pixel Value "
            f"Transformation of their own: the shared or top level one is used"
        )
    return rescales[:1] if all_equal(rescales) else rescales


def _shared(at: Attributes, modality: str, remark: Callable[[str], None]) -> Rescale | None:
    groups = at.items(Tag.SharedFunctionalGroupsSequence)
    found = [_from_group(group, modality, remark) for group in groups]
    if not all_equal(found):
        raise header_error(
            Tag.SharedFunctionalGroupsSequence, f"{len(groups)} items", "they differ; it has one"
        )
    return found[0] if found else None


def _from_group(group: Attributes, modality: str, remark: Callable[[str], None]) -> Rescale | None:
    """Return the rescale of a functional group; None where it has none."""
    items = group.items(Tag.PixelValueTransformationSequence)
    if not items:
        return None
    if not any(i.numbers(Tag.RescaleSlope) or i.numbers(Tag.RescaleIntercept) for i in items):
        return None
    found = [_read(item, modality, remark) for item in items]
    if not all_equal(found):
        raise header_error(
            Tag.PixelValueTransformationSequence, f"{len(items)} items", "they differ; it has one"
        )
    return found[0]


def _read(at: Attributes, modality: str, remark: Callable[[str], None]) -> Rescale:
    slope = at.number(Tag.RescaleSlope)
    intercept = at.number(Tag.RescaleIntercept)
    if slope == 0:
        if modality == "PT":
            raise header_error(Tag.RescaleSlope, slope, "it would pass counts off as activity")
        remark("RescaleSlope (0028,1053) is 0, some vendors' way to say absent: read as 1")
        slope = 1.0
    return Rescale(
        1.0 if slope is None else slope,
        0.0 if intercept is None else intercept,
        at.text(Tag.RescaleType) or "",
    )


def _dose(at: Attributes) -> Rescale:
    scaling = at.number(Tag.DoseGridScaling)
    if not scaling or scaling < 0:
        raise header_error(Tag.DoseGridScaling, scaling, "RTDOSE has no dose without it")
    return Rescale(scaling, 0.0)
