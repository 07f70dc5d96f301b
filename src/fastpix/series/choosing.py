"""Which of several stacks is the volume, and the table that is shown where nothing tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, Self, TypeVar

import numpy as np

from fastpix.errors import ArgumentError, SeriesError
from fastpix.series.arrangement import Finding, Kind
from fastpix.series.plane import Orientation, Plane

_STRAIGHT = 0.985  # cosine of 10 degrees, within which a slice is called axial and so on


class StackRow(NamedTuple):
    """A stack in a table: numbers and terms alone, free of patient data.

    Attributes
    ----------
    series_uid : str
    number : int
        Among the stacks of its series, from 0.
    modality : str
        A term of the standard; empty if the file has another text.
    shape : tuple of int
    spacing : (float, float, float) or None
        Along slice, row and column axis, in millimetres.
    axes : tuple of str
    kind : str
    codes : tuple of str
        Of its findings.
    hint : str
        What sets it apart, in words.
    """

    series_uid: str
    number: int
    modality: str
    shape: tuple[int, ...]
    spacing: tuple[float, float, float] | None
    axes: tuple[str, ...]
    kind: Kind
    codes: tuple[str, ...]
    hint: str

    def __str__(self) -> str:
        size = " x ".join(map(str, self.shape))
        spacing = "no geometry"
        if self.spacing is not None:
            spacing = " x ".join(f"{mm:.4g}" for mm in self.spacing) + " mm"
        said = [f"stack {self.number}: {shown(self.modality) or '?'} {size}, {spacing}"]
        said += [f"by {axis}" for axis in self.axes]
        said += [self.kind] if self.kind not in ("grid", "no_geometry") else []
        said += [self.hint] if self.hint else []
        codes = " ".join(code for code in self.codes if code != self.kind)
        said += [codes] if codes else []
        return ", ".join(said)


def hint_of(plane: Plane) -> str:
    """Say what sets a stack apart from others of its series, in numbers and terms.

    Parameters
    ----------
    plane : Plane
        The first of the stack.
    """
    said = []
    if plane.identity.is_localizer:
        said.append("localizer")
    if plane.identity.is_secondary:
        said.append("secondary capture")
    if plane.orientation is not None:
        said.append(_orientation_name(plane.orientation))
    if plane.component:
        said.append(f"component {plane.component}")
    if plane.echo_time is not None:
        said.append(f"echo time {plane.echo_time:g} ms")
    if plane.segment is not None:
        said.append(f"segment {plane.segment}")
    return ", ".join(said)


def _orientation_name(orientation: Orientation) -> str:
    """Return which plane of the body a slice is nearest to, oblique if that is 10 degrees off."""
    a, b, c, d, e, f = orientation
    normal = [abs(b * f - c * e), abs(c * d - a * f), abs(a * e - b * d)]
    nearest = max(range(3), key=normal.__getitem__)
    name = ("sagittal", "coronal", "axial")[nearest]
    return name if normal[nearest] > _STRAIGHT else f"oblique, nearly {name}"


class Choosable(Protocol):
    """What choosing needs of a stack."""

    number: int

    @property
    def series_uid(self) -> str:
        """Series Instance UID."""

    @property
    def is_aside(self) -> bool:
        """Whether it is a localizer or a secondary capture."""

    @property
    def is_doubtful(self) -> bool:
        """Whether it has no geometry, or is a single derived slice, such as a table of results."""

    def is_like(self, other: Self) -> bool:
        """Whether its planes look like slices of the other stack, whatever their geometry."""

    def row(self) -> StackRow:
        """Return what a table says of it."""


S = TypeVar("S", bound=Choosable)


def choose_stack(
    stacks: Sequence[S], series_uid: str | None, number: int | None
) -> tuple[S, list[Finding]]:
    """Return the stack that is meant, and what was set aside.

    Parameters
    ----------
    stacks : sequence of Stack
        All that were found.
    series_uid : str or None
        The series that is meant.
    number : int or None
        The stack that is meant, among those of its series.

    Raises
    ------
    SeriesError
        None is meant, or several could be.
    """
    if number is not None:
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
            raise ArgumentError("stack", f"{number!r} is not the number of a stack")
        number = int(number)
    if not stacks:
        raise SeriesError("there is no image here: give a folder or files that hold images")
    some = [s for s in stacks if series_uid is None or s.series_uid == series_uid]
    if not some:
        raise _ambiguous(f"no series has the UID {series_uid}", stacks, "no such series")
    if len({stack.series_uid for stack in some}) > 1:
        raise _ambiguous(
            "there are several series: choose with series_uid= (--series-uid)", some, "many series"
        )
    if number is not None:
        chosen = [stack for stack in some if stack.number == number]
        if not chosen:
            raise _ambiguous(f"the series has no stack {number}", some, "no such stack")
        return chosen[0], []
    left = [stack for stack in some if not stack.is_aside] or some
    sound = [stack for stack in left if not stack.is_doubtful]
    if sound:
        # Slices that lost their position are no table of results: a volume would lack them.
        left = [s for s in left if not s.is_doubtful or any(map(s.is_like, sound))]
    if len(left) > 1:
        raise _ambiguous(
            "the series has several stacks: choose with stack= (--stack)", some, "many stacks"
        )
    aside = [stack for stack in some if stack is not left[0]]
    findings = [Finding("set_aside", f"set aside: {stack.row()}") for stack in aside]
    return left[0], findings


def _ambiguous(said: str, stacks: Sequence[Choosable], storable: str) -> SeriesError:
    rows = [stack.row() for stack in stacks]
    return SeriesError(f"{said}\n{table_of(rows)}", rows, storable=storable)


def error_of_stacks(said: str, rows: Sequence[StackRow]) -> SeriesError:
    """Return the error of stacks that make no volume.

    Parameters
    ----------
    said : str
        Why, and what to do.
    rows : sequence of StackRow
    """
    codes = tuple(dict.fromkeys(code for row in rows for code in row.codes))
    storable = " ".join(codes) or "several stacks"
    return SeriesError(f"{said}\n{table_of(rows)}", rows, codes, f"no volume: {storable}")


def table_of(rows: Iterable[StackRow]) -> str:
    """Return stacks in lines, those of a series under its UID."""
    lines: list[str] = []
    last: str | None = None
    for row in rows:
        if row.series_uid != last:
            lines.append(f"series {shown(row.series_uid) or 'without a UID'}")
            last = row.series_uid
        lines.append(f"  {row}")
    return "\n".join(lines)


def shown(text: str) -> str:
    """Return text of a file as a terminal may show it: on one line, without control characters."""
    return text if text.isprintable() else ascii(text)
