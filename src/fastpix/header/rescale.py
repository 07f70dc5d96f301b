"""Rescale Slope and Intercept of every frame (PS3.3 C.11.1, C.7.6.16.2.9, C.8.8.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike

from fastpix._index import decimals_of
from fastpix.errors import PixelHeaderError
from fastpix.header.attributes import (
    Attributes,
    all_equal,
    header_error,
    name_of,
    text_of,
)
from fastpix.header.index import Elements
from fastpix.standard.tags import Tag

_MANY_RUNS = 16 * 8  # bytes of `FrameEntries.ends`
_REMEDY = "correct it, or pass rescale=False for stored values"


class Rescale(NamedTuple):
    """Modality units per stored unit, the value of stored 0, and the unit if the file gives it."""

    slope: float
    intercept: float
    unit: str = ""


class Rescales(Sequence[Rescale]):
    """The rescale of each frame, or of all; 16 bytes a frame.

    Parameters
    ----------
    slopes, intercepts : array-like of float64
        One, or one a frame.
    units : sequence of str
        One, or one a frame.
    """

    __slots__ = ("intercepts", "slopes", "units")

    def __init__(self, slopes: ArrayLike, intercepts: ArrayLike, units: Sequence[str]) -> None:
        self.slopes = np.array(slopes, np.float64)
        self.intercepts = np.array(intercepts, np.float64)
        self.units = (units[0],) if all_equal(units) else tuple(units)
        if len(self.slopes) > 1 and len(self.units) == 1:
            alike = (self.slopes == self.slopes[0]) & (self.intercepts == self.intercepts[0])
            if alike.all():
                self.slopes, self.intercepts = self.slopes[:1], self.intercepts[:1]
        self.slopes.flags.writeable = self.intercepts.flags.writeable = False

    @overload
    def __getitem__(self, index: int) -> Rescale: ...
    @overload
    def __getitem__(self, index: slice) -> list[Rescale]: ...
    def __getitem__(self, index: int | slice) -> Rescale | list[Rescale]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        unit = self.units[0 if len(self.units) == 1 else index]
        return Rescale(float(self.slopes[index]), float(self.intercepts[index]), unit)

    def __len__(self) -> int:
        return len(self.slopes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rescales) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def __repr__(self) -> str:
        return f"Rescales({self.slopes.tolist()}, {self.intercepts.tolist()}, {self.units})"

    def _facts(self) -> tuple[bytes, bytes, tuple[str, ...]]:
        return self.slopes.tobytes(), self.intercepts.tobytes(), self.units


SAME = Rescales([1.0], [0.0], [""])
"""What leaves stored values as they are."""


class RescaleError(PixelHeaderError):
    """The file gives stored values, but no rescaled ones."""


def rescale_error(error: PixelHeaderError) -> RescaleError:
    """Return an error for those alone who ask for rescaled values."""
    made = RescaleError(
        tag=error.tag, keyword=error.keyword, value=error.value, reason=error.reason,
        remedy=_REMEDY,
    )  # fmt: skip
    if error.__cause__ is not None:  # kept with the header, so without the frames of its traceback
        made.__cause__ = error.__cause__.with_traceback(None)
    return made


def read_rescales(attributes: Attributes, frames: int, modality: str) -> Rescales:
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
    Rescales
        One if all frames are alike, else one for each frame.

    Raises
    ------
    RescaleError
        A value is no number, or there are fewer functional groups than frames.
    """
    try:
        if modality == "RTDOSE":
            return _rescales([_dose(attributes)])
        plain = _plain_rescales(attributes, frames)
        if plain is not None:
            return plain
        own = _own_rescales(attributes, frames, modality)
        rescales = _completed(own, attributes, modality)
    except PixelHeaderError as error:
        raise rescale_error(error) from error
    if any(own) and not all(own):
        attributes.remark(
            f"{own.count(None)} of {frames} frames have no Pixel Value "
            f"Transformation of their own: the shared or top level one is used",
            code="HDR_GROUPS_PARTIAL",
        )
    return _rescales(rescales)


def _rescales(rescales: Sequence[Rescale]) -> Rescales:
    slopes, intercepts, units = zip(*rescales, strict=True)
    return Rescales(slopes, intercepts, units)


def _plain_rescales(attributes: Attributes, frames: int) -> Rescales | None:
    """Read frames whose groups have a slope and an intercept each, and nothing odd; else None.

    What the rules below would read group by group, at a microsecond a frame.
    """
    if not isinstance(attributes.dataset, Elements):
        return None
    groups = attributes.dataset.frames
    if len(groups) != frames or len(groups.ends) < _MANY_RUNS:
        return None
    slopes, intercepts, types = (
        groups.column(Tag.PixelValueTransformationSequence, tag)
        for tag in (Tag.RescaleSlope, Tag.RescaleIntercept, Tag.RescaleType)
    )
    if slopes is None or intercepts is None or types is None:
        return None
    numbers = decimals_of(slopes), decimals_of(intercepts)
    if numbers[0] is None or numbers[1] is None or 0 in numbers[0]:
        return None
    different = set(types)
    units = [text_of(value or b"") for value in (different if len(different) == 1 else types)]
    counts = groups.counts
    if len(units) > 1:
        units = [unit for unit, count in zip(units, counts, strict=True) for _ in range(count)]
    return Rescales(np.repeat(numbers[0], counts), np.repeat(numbers[1], counts), units)


def _own_rescales(attributes: Attributes, frames: int, modality: str) -> list[Rescale | None]:
    """Return the rescale of each frame's own group, None where it has none."""
    groups = attributes.frame_groups()
    found = sum(count for _, count in groups)
    name = name_of(Tag.PerFrameFunctionalGroupsSequence)
    if groups and found < frames:
        raise header_error(
            Tag.PerFrameFunctionalGroupsSequence, f"{found} items", f"there are {frames} frames"
        )
    if found > frames:
        attributes.remark(
            f"{name} has {found} items, NumberOfFrames (0028,0008) says {frames}: "
            f"those beyond are not used",
            code="HDR_GROUPS_TOO_MANY",
        )
    own: list[Rescale | None] = []
    for group, count in groups:
        if len(own) < frames:
            own += [_of_group(group, modality)] * min(count, frames - len(own))
    return own


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
            "RescaleSlope (0028,1053) is 0, some vendors' way to say absent: read as 1",
            code="HDR_SLOPE_ZERO",
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
