"""Splitting: what never stands in one volume, and what splits where it differs at one place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fastpix.series.clusters import clusters_of, combined, parts_of
from fastpix.series.grid import CommonPlane, common_plane_of, origins_of, places_of
from fastpix.series.plane_table import PlaneTable

COSINE = 1e-3
"""Orientations with a cosine this far apart are two."""

_SPACING = 1e-3  # relative
_ECHO_TIME = 0.01  # ms
_OF_PIXEL = 0.25  # pixels: fields of view nearer than this are one

_ALWAYS = ("stack_id", "segment", "component", "is_detector_spacing")
_GE_MAPS = (0, 1, 2)  # magnitude, frequency map, phase


def never_together(table: PlaneTable) -> NDArray[np.int64]:
    """Return labels that tell apart planes which never stand in one volume.

    Parameters
    ----------
    table : PlaneTable
    """
    labels = combined(
        _identities(table),
        *(table.ranks(name) for name in _ALWAYS),
        table.has_place.astype(np.int64),
    )
    placed = np.flatnonzero(table.has_place)
    further = np.zeros(len(table), np.int64)
    count = 0
    for part in parts_of(labels[placed]):
        members = placed[part]
        own = clusters_of(table.orientations[members], COSINE)
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = np.log(table.spacings[members])
        own = combined(own, clusters_of(_or_unknown(scale), _SPACING))
        further[members] = count + own
        count += int(own.max()) + 1
    return combined(labels, further)


def _identities(table: PlaneTable) -> NDArray[np.int64]:
    """Return the rank of each plane's identity."""
    column = table.values("identity")
    # Planes of a file share one object, which is hashed once.
    by_object = {id(identity): identity for identity in column}
    rank = {identity: k for k, identity in enumerate(sorted(set(by_object.values())))}
    by_id = {key: rank[identity] for key, identity in by_object.items()}
    return np.fromiter(map(by_id.__getitem__, map(id, column)), np.int64, len(column))


def split_repeats(
    table: PlaneTable, members: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], CommonPlane]]:
    """Split planes by what makes stacks of them where it differs at one place.

    These are the field of view, echo time, Image Type, and GE's kinds of B0 maps, in this order.

    Parameters
    ----------
    table : PlaneTable
    members : ndarray of int64
        Numbers of planes, which could be one volume.

    Yields
    ------
    (ndarray of int64, ndarray of int64, CommonPlane)
        Numbers of planes, the place of each, and what they share in space.
    """
    common = common_plane_of(table.orientations[members], table.spacings[members])
    places = places_of(table.positions[members], common)
    if len(members) > int(places.max()) + 1:
        for labels in _splits(table, members, places, common):
            if varies_at_a_place(labels, places):
                for part in parts_of(labels):
                    yield from split_repeats(table, members[part])
                return
    yield members, places, common


def _splits(
    table: PlaneTable, members: NDArray[np.int64], places: NDArray[np.int64], common: CommonPlane
) -> Iterator[NDArray[np.int64]]:
    yield _fields_of_view(table.positions[members], places, common)
    yield _echoes(table, members)
    yield table.ranks("image_type")[members]
    yield _ge_maps(table, members)


def varies_at_a_place(labels: NDArray[np.int64], places: NDArray[np.int64]) -> bool:
    """Whether planes at one place have different labels.

    Parameters
    ----------
    labels, places : ndarray of int64
        ``(planes,)``.
    """
    if labels.max() == labels.min():
        return False
    pairs = np.unique(places * (labels.max() + 1) + labels)
    return len(pairs) > int(places.max()) + 1


def _echoes(table: PlaneTable, members: NDArray[np.int64]) -> NDArray[np.int64]:
    times = table.numbers("echo_time", members)
    return clusters_of(_or_unknown(times)[:, None], _ECHO_TIME)


def _or_unknown(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one number, which no file has, for all that are none."""
    return np.where(np.isfinite(values), values, -99.0)


def _ge_maps(table: PlaneTable, members: NDArray[np.int64]) -> NDArray[np.int64]:
    kinds = table.numbers("ge_image_type", members)
    return np.where(np.isin(kinds, _GE_MAPS), kinds, len(_GE_MAPS)).astype(np.int64)


def _fields_of_view(
    positions: NDArray[np.float64], places: NDArray[np.int64], common: CommonPlane
) -> NDArray[np.int64]:
    """Return labels of planes by their origins in the plane, the drift of a tilt taken off."""
    nothing = np.zeros(len(places), np.int64)
    within = np.stack([positions @ common.row, positions @ common.column], axis=1)
    count = int(places.max()) + 1
    order = np.lexsort((within[:, 1], within[:, 0], places))
    starts = np.searchsorted(places[order], np.arange(count))
    spread = np.maximum.reduceat(within[order], starts) - np.minimum.reduceat(within[order], starts)
    apart = _apart(positions, places, common)
    if float(spread.max()) <= apart:
        return nothing
    if count > 1:
        # The tilt moves the first origin of most places by the same distance.
        depth = origins_of(positions, places) @ common.normal
        drift = np.median(np.diff(within[order[starts]], axis=0) / np.diff(depth)[:, None], axis=0)
        within = within - depth[places][:, None] * drift
    # Origins that are apart at one place tell how far fields of view are apart.
    ordered = np.sort(within, axis=0)
    steps = [_steps_at_places(within[:, axis], places) for axis in range(ordered.shape[1])]
    wide = np.concatenate([step[step > apart] for step in steps])
    if not len(wide):
        return nothing
    half = float(wide.min()) / 2
    return combined(*(_linked(within[:, axis], half) for axis in range(2)))


def _steps_at_places(along: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    order = np.lexsort((along, places))
    steps: NDArray[np.float64] = np.diff(along[order])[np.diff(places[order]) == 0]
    return steps


def _linked(along: NDArray[np.float64], gap: float) -> NDArray[np.int64]:
    order = np.argsort(along, kind="stable")
    labels = np.zeros(len(along), np.int64)
    labels[order[1:]] = np.cumsum(np.diff(along[order]) > gap)
    return labels


def _apart(positions: NDArray[np.float64], places: NDArray[np.int64], common: CommonPlane) -> float:
    """Return how far apart origins at one place make two fields of view, in millimetres."""
    limits = [] if common.spacing is None else [_OF_PIXEL * min(common.spacing)]
    depth = np.unique(origins_of(positions, places) @ common.normal)
    if len(depth) > 1:
        limits.append(0.05 * float(np.median(np.diff(depth))))
    return min(limits, default=0.01)
