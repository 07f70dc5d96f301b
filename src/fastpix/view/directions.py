"""Letters of patient directions, for the edges of a picture (PS3.3 C.7.6.1.1.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_TOWARDS = ("LR", "PA", "HF")  # of x, y and z in LPS: where it grows, and where it falls
_OPPOSITES = {"L": "R", "R": "L", "P": "A", "A": "P", "H": "F", "F": "H"}
_OBLIQUE = 0.1736  # sine of 10 degrees, within which a slice is called axial and so on


class Edges(NamedTuple):
    """What direction of the patient each edge of a picture is.

    Attributes
    ----------
    left, right, top, bottom : str
        A letter, or two where the picture is oblique: L, R, P, A, H (head), F (feet).
    """

    left: str
    right: str
    top: str
    bottom: str


def letters_of(direction: Sequence[float]) -> str:
    """Return one or two letters for a direction in LPS; none if it is not known.

    Parameters
    ----------
    direction : three float
        Of any length.
    """
    length = float(np.linalg.norm(direction))
    if not np.isfinite(length) or not length:
        return ""
    parts = [float(component) / length for component in direction]
    order = sorted(range(3), key=lambda axis: -abs(parts[axis]))
    return "".join(
        _TOWARDS[axis][parts[axis] < 0]
        for place, axis in enumerate(order[:2])
        if not place or abs(parts[axis]) > _OBLIQUE
    )


def edges_of_affine(affine: NDArray[np.float64] | None) -> Edges | None:
    """Return the edges of the slices of an affine: (slice, row, column, 1) to millimetres, LPS."""
    if affine is None:
        return None
    down, right = letters_of(affine[:3, 1].tolist()), letters_of(affine[:3, 2].tolist())
    return _edges(right, down)


def edges_of_text(patient_orientation: str | None) -> Edges | None:
    r"""Return the edges that Patient Orientation says, such as ``L\F`` of a radiograph."""
    values = (patient_orientation or "").upper().split("\\")
    if len(values) != 2 or not all(value and set(value) <= _OPPOSITES.keys() for value in values):
        return None
    return _edges(values[0][:2], values[1][:2])


def _edges(right: str, down: str) -> Edges | None:
    if not right or not down:
        return None
    left, top = ("".join(_OPPOSITES[letter] for letter in each) for each in (right, down))
    return Edges(left, right, top, down)
