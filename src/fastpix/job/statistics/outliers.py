"""Images whose values lie far from those of their group: a few of them can decide its spread."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.job.statistics.group_counts import Group

_FEWEST = 8  # images of a group, so that there is something to differ from
_FAR = 10.0  # robust standard deviations
_NORMAL = 1.4826  # median absolute deviations in the standard deviation of a normal distribution
_NORMALIZED = re.compile(r"^0\.\.1, from \S+ ")
_MEASURES = {"mean": "mean", "max": "maximum", "min": "minimum"}


class Outlier(NamedTuple):
    """An image far from its group.

    Attributes
    ----------
    name : str
        As in the manifest.
    why : str
    distance : float
        In robust standard deviations.
    """

    name: str
    why: str
    distance: float


def groups_of(rows: Mapping[str, Sequence[Any]]) -> list[Group]:
    """Return the group of each row of the manifest.

    Parameters
    ----------
    rows : mapping of str to sequence
        The columns ``modality``, ``manufacturer``, ``model`` and ``unit``.
    """
    columns = [rows[name] for name in ("modality", "manufacturer", "model", "unit")]
    return [
        Group(modality or "", maker or "", model or "", _NORMALIZED.sub("", unit or ""))
        for modality, maker, model, unit in zip(*columns, strict=True)
    ]


def outliers(rows: Mapping[str, Sequence[Any]], most: int = 20) -> list[Outlier]:
    """Return the images of one group that lie far from the others, the farthest first.

    The mean, the maximum and the minimum of each image are compared with their medians in the
    group. An image is far where one differs by more than 10 robust standard deviations (1.4826
    times the median absolute deviation), and by more than an image's own standard deviation, so
    that groups of nearly equal images have none. In a group of less than 8 images none is far.

    Parameters
    ----------
    rows : mapping of str to sequence
        The columns ``name``, ``mean``, ``std``, ``min`` and ``max``; None or NaN: not known.
    most : int
        How many are returned at most.
    """
    names = rows["name"]
    spread = _numbers(rows["std"])
    distances = np.zeros(len(names))
    reasons = np.zeros(len(names), np.int64)
    known: dict[str, tuple[NDArray[np.float64], str]] = {}
    for place, column in enumerate(_MEASURES):
        values = _numbers(rows[column])
        is_known = np.isfinite(values)
        if np.count_nonzero(is_known) < _FEWEST:
            continue
        low, middle, high = np.percentile(values[is_known], (25, 50, 75))
        known[column] = values, f"half of the group's are between {low:g} and {high:g}"
        away = np.abs(np.where(is_known, values, middle) - middle)
        scale = _scale(away[is_known])
        if not scale > 0:
            continue
        own = spread[np.isfinite(spread)]
        away[away <= (np.median(own) if own.size else 0.0)] = 0.0
        is_farther = away / scale > distances
        distances[is_farther] = away[is_farther] / scale
        reasons[is_farther] = place
    found = []
    for k in np.argsort(-distances, kind="stable")[:most]:
        if not distances[k] > _FAR:
            break
        column, word = list(_MEASURES.items())[reasons[k]]
        values, others = known[column]
        why = f"{word} {values[k]:g}; {others}"
        found.append(Outlier(str(names[k]), why, float(distances[k])))
    return found


def _numbers(column: Sequence[Any]) -> NDArray[np.float64]:
    return np.array([np.nan if v is None else v for v in column], np.float64)


def _scale(away: NDArray[np.float64]) -> float:
    """Return a standard deviation that a few far ones do not change."""
    middle = float(np.median(away)) * _NORMAL
    # More than half are equal: the others say what a distance is.
    return middle if middle > 0 else float(np.mean(np.minimum(away, np.percentile(away, 99))))
