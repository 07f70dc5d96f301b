"""Functional groups of frames by columns, and where frames lie (PS3.3 C.7.6.16).

A column is what one attribute is in each frame: a list, or the one value that all frames have.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any, TypeAlias

from fastpix._index import decimals_of
from fastpix.header.geometry import (
    LARGEST,
    Fault,
    Geometry,
    distance_of,
    orientation_of,
    position_of,
    spacing_of,
)
from fastpix.header.plain_values import PlainValues
from fastpix.standard.tags import Tag

Column: TypeAlias = Any
Raw: TypeAlias = "list[bytes | None] | bytes | None"

_MANY = 16  # positions that are worth to be read all at once


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


class Columns:
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
        return own[0] if len(set(own)) == 1 else own

    def of(
        self, sequence: int, tag: int, parse_value: Callable[[bytes | None], Any], default: Any
    ) -> Column:
        """Return the parsed values of an element; `default` where there is none."""
        return _parsed(self.raw(sequence, tag), parse_value, default)

    def first_of(self, sequences: tuple[int, ...], tag: int) -> Raw:
        """Return the values of an element in the first of the sequences that has it."""
        for sequence in sequences:
            found = self.raw(sequence, tag)
            if found is not None:
                return found
        return None


def _parsed(raw: Raw, parse_value: Callable[[bytes | None], Any], default: Any) -> Column:
    """Parse a column, each different value once."""
    if not isinstance(raw, list):
        found = None if raw is None else parse_value(raw)
        return default if found is None or found == "" else found
    table = _positions(raw) if parse_value is position_of else None
    if table is None:
        table = {value: parse_value(value) for value in set(raw)}
        if default is not None and default != "":
            absent = [value for value, found in table.items() if found is None or found == ""]
            table.update(dict.fromkeys(absent, default))
    return list(map(table.__getitem__, raw))


def _positions(raw: list[bytes | None]) -> dict[bytes | None, Any] | None:
    """Parse positions all at once; None where they are few, or one is odd."""
    values = set(raw)
    if len(values) <= _MANY or None in values:
        return None
    order: list[Any] = list(values)
    numbers = decimals_of([*b"\\".join(order).split(b"\\")])
    if numbers is None or set(map(bytes.count, order, repeat(b"\\"))) != {2}:
        return None
    if max(map(abs, numbers)) > LARGEST:
        return None
    three = iter(numbers)
    return dict(zip(order, zip(three, three, three, strict=True), strict=True))


def geometry_columns(top: Geometry, columns: Columns) -> tuple[Column, ...]:
    """Return a column for each field of `Geometry`: what groups say, else what `top` says.

    With more frames than one, the position of `top` is that of none.
    """
    found: list[Column] = []
    faults: list[tuple[Fault, ...]] = []
    kept = top.faults
    for field, sequence, tag, parse_value in _GEOMETRY:
        default = getattr(top, field)
        if field == "position" and columns.frames > 1:
            default = None
            kept = tuple(fault for fault in kept if fault.tag != tag)
        raw = columns.raw(sequence, tag)
        column = _parsed(raw, parse_value, default)
        if raw is not None:
            kept = tuple(fault for fault in kept if fault.tag != tag)
        if type(column) is Fault:
            kept, column = (*kept, column), None
        elif type(column) is list and Fault in set(map(type, column)):
            faults = faults or [()] * columns.frames
            faults = [
                (*others, each) if type(each) is Fault else others
                for others, each in zip(faults, column, strict=True)
            ]
            column = [None if type(each) is Fault else each for each in column]
        found.append(column)
    position, orientation, spacing, thickness, between = found
    is_detector = top.is_detector_spacing and spacing is top.spacing
    all_faults = [(*kept, *each) for each in faults] if faults else kept
    return position, orientation, spacing, is_detector, thickness, between, all_faults
