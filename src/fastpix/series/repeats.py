"""Planes that come twice: files copied, sent again under a new UID, or in conflict."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.notes import count_of
from fastpix.series.arrangement import Finding
from fastpix.series.clusters import are_distinct, parts_of
from fastpix.series.plane import Plane
from fastpix.series.plane_table import PlaneTable

SamePixels: TypeAlias = Callable[[Plane, Plane], bool] | None

_NOT_COMPARED = "; their pixels were not compared"
_MOST_ALIKE = 16  # planes at one place that are compared with each other

# What tells the volumes of a series apart. A plane that was sent again has them all from the first.
_TELLING = (
    "temporal_position", "dimension_index", "b_value", "gradient", "trigger_time", "time_offset",
    "inversion_time", "echo_time", "kvp", "kernel", "image_type", "acquisition_number",
    "acquisition_time",
)  # fmt: skip
_NUMBERING = ("instance_number", "content_time", "frame", "tile")


class Kept(NamedTuple):
    """What is left of planes once those that were sent again are gone.

    Attributes
    ----------
    members : ndarray of int64
        Numbers of planes.
    dropped : list of int
    findings : list of Finding
    """

    members: NDArray[np.int64]
    dropped: list[int]
    findings: list[Finding]


def conflicts_of(table: PlaneTable, labels: NDArray[np.int64]) -> set[int]:
    """Return labels in which a SOP Instance UID stands that stands in another label, too.

    Parameters
    ----------
    table : PlaneTable
    labels : ndarray of int64
        ``(planes,)``: what was split, within one series.
    """
    if not table.has_repeated_uids:
        return set()
    first: dict[object, int] = {}
    found: set[int] = set()
    series = (identity.series_uid for identity in table.values("identity"))
    for key, uid, label in zip(uids_of(table, range(len(table))), series, labels, strict=True):
        other = first.setdefault((uid, *key), int(label)) if key[0] else label
        if other != label:
            found |= {int(label), int(other)}
    return found


def uids_of(table: PlaneTable, members: Iterable[int]) -> list[tuple[str, int, object]]:
    """Return what names each plane: SOP Instance UID, frame and tile."""
    columns = [table.values(name) for name in ("sop_uid", "frame", "tile")]
    return [(columns[0][k], columns[1][k], columns[2][k]) for k in members]


class Copies(NamedTuple):
    """Planes without those whose SOP Instance UID came already.

    Attributes
    ----------
    members : ndarray of int64
        Numbers of planes that are left.
    of : dict of int to list of int
        Numbers of planes that were left out, by that of the plane which they repeat.
    conflicts : set of int
        Those of the planes left whose UID other pixels have, or another place.
    """

    members: NDArray[np.int64]
    of: dict[int, list[int]]
    conflicts: set[int]

    def of_stack(
        self, own: Iterable[int], same_pixels: SamePixels
    ) -> tuple[list[int], list[Finding]]:
        """Return planes that were left out for planes of one stack, and what is to be said.

        Parameters
        ----------
        own : iterable of int
            Numbers of planes.
        same_pixels : callable or None
            What compared them.
        """
        if not (self.of or self.conflicts):
            return [], []
        repeated = self.of.keys() & own
        dropped = sorted(number for plane in repeated for number in self.of[plane])
        findings = []
        if conflicts := len(self.conflicts.intersection(own)):
            text = f"{count_of(conflicts, 'plane')} under a SOP Instance UID that other pixels have"
            findings.append(Finding("sop_conflict", text))
        if repeated - self.conflicts:
            text = f"{count_of(len(dropped), 'plane')} left out, whose SOP Instance UID came before"
            findings.append(Finding("duplicates", text + ("" if same_pixels else _NOT_COMPARED)))
        return dropped, findings


def without_copies(
    table: PlaneTable, members: NDArray[np.int64], same_pixels: SamePixels
) -> Copies:
    """Drop planes whose SOP Instance UID came already.

    Planes of one UID that stand at different places are kept, and are in conflict.

    Parameters
    ----------
    table : PlaneTable
    members : ndarray of int64
        Numbers of planes.
    same_pixels : callable or None
        Whether two planes have the same pixels.
    """
    if not table.has_repeated_uids:
        return Copies(members, {}, set())
    groups: dict[tuple[str, int, object], list[int]] = {}
    numbers = members.tolist()
    for number, key in zip(numbers, uids_of(table, numbers), strict=True):
        groups.setdefault(key, []).append(number)
    copies: dict[int, list[int]] = {}
    conflicts: set[int] = set()
    for key, group in groups.items():
        if len(group) == 1 or not key[0]:
            continue  # files without a UID are not known to be one instance
        kept: dict[object, int] = {}
        for number in sorted(group, key=lambda k: table.planes[k].source):
            plane = table.planes[number]
            first = kept.setdefault(_place_of(plane), number)
            if first != number:
                copies.setdefault(first, []).append(number)
                if same_pixels is not None and not same_pixels(table.planes[first], plane):
                    conflicts.add(first)
        if len(kept) > 1:
            conflicts.update(kept.values())
    left_out = [number for dropped in copies.values() for number in dropped]
    return Copies(np.setdiff1d(members, left_out), copies, conflicts)


def _place_of(plane: Plane) -> object:
    """Return the position to 0.01 mm: a copy may have been written with fewer digits."""
    return plane.position and tuple(round(coordinate, 2) for coordinate in plane.position)


def without_resent(
    table: PlaneTable,
    members: NDArray[np.int64],
    places: NDArray[np.int64],
    same_pixels: SamePixels,
    *,
    is_even: bool,
) -> Kept:
    """Drop planes that were sent again under a new UID.

    These have the place, the pixels and all that tells volumes apart from a plane before them.

    Parameters
    ----------
    table : PlaneTable
    members : ndarray of int64
        Numbers of planes.
    places : ndarray of int64
        ``(members,)``.
    same_pixels : callable or None
        Whether two planes have the same pixels.
    is_even : bool
        All places hold as many planes. Then only planes are compared that are alike in their
        numbers and times, too.
    """
    names = (*_NUMBERING, *_TELLING) if is_even else _TELLING
    _, labels = table.telling(members, places, names)
    if are_distinct(labels):
        return Kept(members, [], [])
    alike = [members[part] for part in parts_of(labels) if 1 < len(part) <= _MOST_ALIKE]
    if not alike:
        return Kept(members, [], [])
    if same_pixels is None:
        text = f"headers of planes at {count_of(len(alike), 'place')} are alike" + _NOT_COMPARED
        return Kept(members, [], [Finding("not_compared", text)])
    dropped: list[int] = []
    uids = table.values("sop_uid")
    for part in alike:
        kept: list[Plane] = []
        for number in sorted(part.tolist(), key=lambda k: (uids[k], k)):
            plane = table.planes[number]
            if any(map(same_pixels, kept, repeat(plane))):
                dropped.append(number)
            else:
                kept.append(plane)
    if not dropped:
        return Kept(members, [], [])
    text = f"{count_of(len(dropped), 'plane')} left out, sent again under a new SOP Instance UID"
    return Kept(np.setdiff1d(members, dropped), sorted(dropped), [Finding("duplicates", text)])
