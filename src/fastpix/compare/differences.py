"""How the values of two readers differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 2.0**-22  # of the largest value: four units in the last place of float32


Kind: TypeAlias = Literal[
    "other shape",
    "other values",
    "rounding",
    "other affine",
    "other affine and values",
    "other order of volumes",
]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two arrays, or the volumes of a series, are not the same.

    Attributes
    ----------
    kind : str
        "rounding": no value is further off than float32 arithmetic may be, four units in the last
        place of the largest. "other shape" of a series: its volumes have other shapes, or there are
        more or fewer of them.
    count : int
        Values that differ; 0 where the shapes do.
    index : tuple of int
        Of the first of them.
    ours, theirs : float
        Its two values.
    millimetres : float
        That a corner of a volume lies off; infinite where there is no affine.
    """

    kind: Kind
    count: int = 0
    index: tuple[int, ...] = ()
    ours: float = 0.0
    theirs: float = 0.0
    millimetres: float = 0.0


def find_difference(ours: NDArray[Any], theirs: NDArray[Any]) -> Difference | None:
    """Compare two arrays of float32 exactly; NaN equals NaN, and 0 equals -0.

    Returns
    -------
    Difference or None
        None where they are the same.
    """
    if ours.shape != theirs.shape:
        return Difference("other shape")
    differs = ours != theirs
    if not differs.any():
        return None
    differs &= ~(np.isnan(ours) & np.isnan(theirs))
    count = int(np.count_nonzero(differs))
    if not count:
        return None
    index = tuple(int(k) for k in np.unravel_index(int(np.argmax(differs)), ours.shape))
    left, right = ours[differs].astype(np.float64), theirs[differs].astype(np.float64)
    kind: Kind = "other values"
    if np.isfinite(left).all() and np.isfinite(right).all():
        largest = np.max(np.abs(ours), initial=0.0, where=np.isfinite(ours))
        if np.abs(left - right).max() <= _ROUNDING * largest:
            kind = "rounding"
    return Difference(kind, count, index, float(ours[index]), float(theirs[index]))
