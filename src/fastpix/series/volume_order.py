"""The fourth axis: which planes of the places that repeat make a volume, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.notes import count_of
from fastpix.series.arrangement import Finding
from fastpix.series.clusters import are_distinct, combined
from fastpix.series.plane_table import PlaneTable

# What orders the planes at one place, the first that differs.
_ORDER = (
    "temporal_position", "dimension_index", "instance_number", "trigger_time",
    "acquisition_number", "acquisition_time", "content_time", "frame",
    "time_offset", "inversion_time", "b_value", "gradient", "kvp", "kernel", "sop_uid", "tile",
)  # fmt: skip
_FROM_HEADERS = _ORDER[:-2]  # the others order, but say nothing

# What makes volumes of planes whose places repeat unevenly, the first that does.
_MAKING_VOLUMES = (
    ("temporal_position",), ("dimension_index",), ("acquisition_number",), ("trigger_time",),
    ("b_value",), ("b_value", "gradient"), ("time_offset",), ("inversion_time",),
    ("acquisition_time",), ("content_time",),
)  # fmt: skip

# What planes of one volume should share, if each place has the same values of it.
_SHARED = (
    "temporal_position", "b_value", "gradient", "inversion_time", "trigger_time", "time_offset",
    "kvp", "kernel", "dimension_index", "acquisition_number", "acquisition_time", "content_time",
)  # fmt: skip

# What sets volumes apart: the first that does names the axis, all are coordinates.
_NAMING = (
    "b_value", "gradient", "inversion_time", "trigger_time", "time_offset", "temporal_position",
    "kvp", "kernel", "dimension_index", "acquisition_number", "acquisition_time",
)  # fmt: skip
_NAMING_ELSE = ("content_time", "instance_number")
_IN_TIME = frozenset({"trigger_time", "time_offset", "acquisition_time", "content_time"})

_MOST_HOLES = 3  # volumes have room for this many times the planes that are there

_ALWAYS_MIXED = ("echo_time", "b_value", "temporal_position", "kernel", "kvp")
_MIXED_IN_REPEATS = (*_ALWAYS_MIXED, "acquisition_number")
_NOISE = {"echo_time": 0.01}  # ms
_WORDS = {
    "echo_time": "Echo Time", "b_value": "b-value", "temporal_position": "Temporal Position",
    "kernel": "Convolution Kernel", "kvp": "KVP", "acquisition_number": "Acquisition Number",
}  # fmt: skip


class Volumes(NamedTuple):
    """Planes as volumes.

    Attributes
    ----------
    planes : ndarray of int64
        ``(volumes, places)``: numbers of planes, -1 where a volume has none. Where it would be
        mostly empty: ``(1, planes)``, place by place.
    findings : list of Finding
    """

    planes: NDArray[np.int64]
    findings: list[Finding]


def volumes_of(table: PlaneTable, members: NDArray[np.int64], places: NDArray[np.int64]) -> Volumes:
    """Return volumes of planes.

    Parameters
    ----------
    table : PlaneTable
    members : ndarray of int64
        Numbers of planes.
    places : ndarray of int64
        ``(members,)``.
    """
    counts = np.bincount(places)
    most = int(counts.max())
    if most == 1:
        planes = members[np.argsort(places)][None]
        return Volumes(planes, _mixed(table, planes, _ALWAYS_MIXED))
    if most == int(counts.min()):
        planes = _even(table, members, places, most)
        findings = _mixed(table, planes, _MIXED_IN_REPEATS)
        if not _is_ordered(table, planes):
            text = "nothing in the headers orders the planes at one place: volumes may be mixed up"
            findings.append(Finding("mixed", text))
        return Volumes(planes, findings)
    labels = _making_volumes(table, members, places, most)
    if labels is not None:
        planes = np.full((int(labels.max()) + 1, len(counts)), -1)
        planes[labels, places] = members
        planes = planes[_order_of_volumes(table, planes)]
        lacking = int((planes < 0).any(axis=1).sum())
        text = f"{lacking} of {count_of(len(planes), 'volume')} lack slices"
        findings = [Finding("incomplete", text), *_mixed(table, planes, _MIXED_IN_REPEATS)]
        return Volumes(planes, findings)
    text = f"places of slices hold {counts.min()} to {most} planes, and nothing tells volumes apart"
    findings = [Finding("uneven", text)]
    order = _in_order(table, members, places)
    if most * len(counts) > _MOST_HOLES * len(members):
        return Volumes(members[order][None], findings)
    planes = np.full((most, len(counts)), -1)
    starts = np.cumsum(counts) - counts
    planes[np.arange(len(members)) - np.repeat(starts, counts), places[order]] = members[order]
    return Volumes(planes, findings)


def _in_order(
    table: PlaneTable, members: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return planes in order: place by place, and what stands at one place by the headers."""
    keys, _ = table.telling(members, places, _ORDER)
    order: NDArray[np.int64] = np.lexsort((*reversed(keys), places))
    return order


def _even(
    table: PlaneTable, members: NDArray[np.int64], places: NDArray[np.int64], volumes: int
) -> NDArray[np.int64]:
    """Return the k-th plane of each place as volume k."""
    order = _in_order(table, members, places)
    planes = members[order].reshape(-1, volumes)
    shared = np.zeros_like(planes)
    for name in _SHARED:
        if are_distinct(shared[0]):
            break
        ranks = table.ranks(name)[planes]
        both = combined(shared.ravel(), ranks.ravel()).reshape(planes.shape)
        ordered = np.sort(both, axis=1)
        if (ordered == ordered[0]).all():
            shared = both
    if (shared == shared[0]).all():
        return planes.T
    # The order differs between places: what volumes share goes first, at all places alike.
    column = np.argsort(shared, axis=1, kind="stable")
    aligned = np.take_along_axis(planes, column, axis=1)
    return aligned[:, np.argsort(column[0], kind="stable")].T


def _is_ordered(table: PlaneTable, planes: NDArray[np.int64]) -> bool:
    """Whether headers tell the planes at each place apart."""
    places = np.broadcast_to(np.arange(planes.shape[1]), planes.shape).ravel()
    _, labels = table.telling(planes.ravel(), places, _FROM_HEADERS)
    return are_distinct(labels)


def _making_volumes(
    table: PlaneTable, members: NDArray[np.int64], places: NDArray[np.int64], most: int
) -> NDArray[np.int64] | None:
    """Return the volume of each plane, where one attribute tells."""
    for names in _MAKING_VOLUMES:
        labels = combined(*(table.ranks(name)[members] for name in names))
        labels = np.unique(labels, return_inverse=True)[1].reshape(-1)
        if _makes_volumes(labels, places, most):
            return labels
    counted = _by_instance_number(table, members, places)
    return counted if counted is not None and _makes_volumes(counted, places, most) else None


def _order_of_volumes(table: PlaneTable, planes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order of volumes in which planes at one place have it, else that which is."""
    lowest = [_extent(table.ranks(name), planes)[0] for name in _ORDER[:3]]
    order: NDArray[np.int64] = np.lexsort(lowest[::-1])
    return order


def _makes_volumes(labels: NDArray[np.int64], places: NDArray[np.int64], most: int) -> bool:
    volumes, slices = int(labels.max()) + 1, int(places.max()) + 1
    if not most <= volumes <= 2 * most:
        return False
    if volumes * slices > _MOST_HOLES * len(labels):
        return False
    is_unique = are_distinct(labels * slices + places)
    return is_unique and bool((np.bincount(labels) == slices).any())


def _by_instance_number(
    table: PlaneTable, members: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Return volumes by Instance Number, where it counts slices in the same order each time."""
    numbers = table.numbers("instance_number", members)
    slices = int(places.max()) + 1
    if not (np.abs(numbers) < 2**53).all():
        return None  # not all files say, or the numbers are no exact floats
    numbers = numbers.astype(np.int64)
    turn = numbers % slices
    if len(np.unique(turn * slices + places)) != slices or len(np.unique(turn)) != slices:
        return None
    best: tuple[int, NDArray[np.int64]] | None = None
    for start in (1, 0, int(numbers.min())):
        labels = np.unique((numbers - start) // slices, return_inverse=True)[1].reshape(-1)
        whole = int((np.bincount(labels) == slices).sum())
        if whole >= 2 and (best is None or whole > best[0]):
            best = whole, labels
    return None if best is None else best[1]


def _extent(
    ranks: NDArray[np.int64], planes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the least and the greatest rank in each volume."""
    there = planes >= 0
    own = ranks[planes]
    return (
        np.where(there, own, np.iinfo(np.int64).max).min(axis=1),
        np.where(there, own, -1).max(axis=1),
    )


def _mixed(table: PlaneTable, planes: NDArray[np.int64], names: Sequence[str]) -> list[Finding]:
    """Warn of what differs between planes of one volume, and seldom should."""
    found = []
    for name in names:
        ranks, values = table.ranked(name)
        if len(values) == 1 or planes.shape[1] == 1:
            continue
        if name == "acquisition_number":
            low, high = _extent(ranks, planes.T)
            if (low == high).all():
                continue  # scanners of GE count places
        low, high = _extent(ranks, planes)
        noise = _NOISE.get(name)
        differs = [
            a != b and (noise is None or None in (values[a], values[b])
                        or values[b] - values[a] > noise)
            for a, b in zip(low.tolist(), high.tolist(), strict=True)
        ]  # fmt: skip
        if any(differs):
            found.append(_WORDS[name])
    if not found:
        return []
    return [Finding("mixed", f"{', '.join(found)} changes between slices of one volume")]


def name_volumes(
    table: PlaneTable, planes: NDArray[np.int64]
) -> tuple[tuple[str, ...], dict[str, list[Any]]]:
    """Return the name of the axis of volumes, and what differs between volumes.

    Parameters
    ----------
    table : PlaneTable
    planes : ndarray of int64
        ``(volumes, places)``, -1 where a volume has none.

    Returns
    -------
    axes : tuple of str
        Empty for one volume.
    coords : dict of str to list
        A value for each volume; of times that differ between slices, the first.
    """
    if len(planes) == 1:
        return (), {}
    coords: dict[str, list[Any]] = {}
    for name in _NAMING:
        coords |= _coordinates(table, planes, name)
    for name in _NAMING_ELSE:
        coords = coords or _coordinates(table, planes, name)
    if not coords:
        coords["repetition"] = list(range(len(planes)))
    return (next(iter(coords)),), coords


def _coordinates(table: PlaneTable, planes: NDArray[np.int64], name: str) -> dict[str, list[Any]]:
    """Return the values of an attribute that sets volumes apart; nothing if it does not."""
    ranks, values = table.ranked(name)
    if len(values) == 1:
        return {}
    low, high = _extent(ranks, planes)
    if (low == low[0]).all():
        return {}
    follow = name in _IN_TIME and values[-1] is not None and bool((high[:-1] <= low[1:]).all())
    if not follow and (low != high).any():
        return {}
    found = [values[k] for k in low.tolist()]
    if name != "dimension_index":
        return {name: found}
    columns = {}
    for k, of_index in enumerate(table.planes[int(planes.max())].identity.dimension_names):
        own = [value[k] if len(value) > k else None for value in found]
        if len(set(own)) > 1:
            columns[of_index or name] = own
    return columns
