"""Clusters: numbers that are alike get one label, whatever their order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def clusters_of(values: NDArray[np.float64], tolerance: float) -> NDArray[np.int64]:
    """Return a label for each point; points of one label lie within `tolerance` on each axis.

    Gaps of `tolerance` and more part points. A chain of points that is longer than `tolerance` has
    no such gap: it is cut into pieces, from its lowest point on.

    Parameters
    ----------
    values : ndarray of float64
        ``(points, axes)``, finite.
    tolerance : float
        Two points this far apart on any axis are not alike.

    Returns
    -------
    ndarray of int64
        ``(points,)``: labels from 0, which depend on the points alone, not on their order.
    """
    if not len(values) or float(np.ptp(values, axis=0).max()) < tolerance:
        return np.zeros(len(values), np.int64)
    distinct, inverse = np.unique(values, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    labels = np.zeros(len(distinct), np.int64)
    waiting = [np.arange(len(distinct))]
    found: list[NDArray[np.int64]] = []
    while waiting:
        members = waiting.pop()
        extent = np.ptp(distinct[members], axis=0)
        axis = int(np.argmax(extent))
        if extent[axis] < tolerance:
            found.append(members)
        else:
            waiting.extend(_parted(members, distinct[members, axis], tolerance))
    found.sort(key=lambda members: int(members.min()))
    for label, members in enumerate(found):
        labels[members] = label
    return labels[inverse]


def _parted(
    members: NDArray[np.int64], along: NDArray[np.float64], tolerance: float
) -> list[NDArray[np.int64]]:
    """Part points by their gaps along one axis, or where there are none, by their distance."""
    order = np.argsort(along, kind="stable")
    along = along[order]
    cuts = np.flatnonzero(np.diff(along) >= tolerance) + 1
    if not len(cuts):
        starts, start = [], 0
        while (start := int(np.searchsorted(along, along[start] + tolerance))) < len(along):
            starts.append(start)
        # Rounding may leave the whole chain in one piece.
        cuts = np.array(starts or [len(along) - 1], np.int64)
    return np.split(members[order], cuts)


def combined(first: NDArray[np.int64], *others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels that tell points apart which any of the labels given tells apart.

    Parameters
    ----------
    first, *others : ndarray of int64
        ``(points,)``: labels from 0.
    """
    labels = first
    for other in others:
        if len(other) and other.max() != other.min():
            labels = np.unique(labels * (other.max() + 1) + other, return_inverse=True)[1]
    return labels.reshape(-1)


def are_distinct(labels: NDArray[np.int64]) -> bool:
    """Whether no two points have one label.

    Parameters
    ----------
    labels : ndarray of int64
        ``(points,)``.
    """
    ordered = np.sort(labels)
    return bool((ordered[1:] != ordered[:-1]).all())


def parts_of(labels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the numbers of the points of each label, in the order of the labels.

    Parameters
    ----------
    labels : ndarray of int64
        ``(points,)``.
    """
    order = np.argsort(labels, kind="stable")
    if not len(order):
        return []
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
