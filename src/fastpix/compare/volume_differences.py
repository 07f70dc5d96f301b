"""How the volumes of two readers differ: in shape, in where their voxels are, or in values.

Readers turn axes round as they like, so a volume is first turned until its axes are those of
fastpix's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.compare.differences import Difference, find_difference
from fastpix.compare.volume_readers import GivenVolume

MILLIMETRES = 0.05
"""That a corner may lie off: more is another affine. Positions in headers are rounded."""


def find_volume_difference(
    ours: Sequence[GivenVolume], theirs: Sequence[GivenVolume]
) -> Difference | None:
    """Compare the volumes of a series; values exactly, as `find_difference` does.

    Parameters
    ----------
    ours, theirs : sequence of GivenVolume
        Without an axis of volumes.

    Returns
    -------
    Difference or None
        The first one found, and None where they are the same.
    """
    if len(ours) != len(theirs):
        return Difference("other shape")
    pairs = _pairs(ours, theirs)
    if any(mine.array.shape != other.array.shape for mine, other in pairs):
        return Difference("other shape")
    distances = [_distance(mine, other) for mine, other in pairs]
    found = [find_difference(mine.array, other.array) for mine, other in pairs]
    off = max(distances, default=0.0)
    values = next((each for each in found if each is not None), None)
    if values is None:
        return Difference("other affine", millimetres=off) if off > MILLIMETRES else None
    if off > MILLIMETRES:
        kinds = {each.kind for each in found if each is not None}
        if kinds == {"rounding"}:
            return Difference("other affine", millimetres=off)
        return replace(values, kind="other affine and values", millimetres=off)
    if len(pairs) > 1 and _placed(pairs, 0) == _placed(pairs, 1):
        return Difference("other order of volumes")
    return next((each for each in found if each is not None and each.kind != "rounding"), values)


def _pairs(
    ours: Sequence[GivenVolume], theirs: Sequence[GivenVolume]
) -> list[tuple[GivenVolume, GivenVolume]]:
    """Give each of our volumes one of theirs: the first at the same place, else what is left."""
    left = list(theirs)
    chosen: dict[int, GivenVolume] = {}
    for number, mine in enumerate(ours):
        for k, other in enumerate(left):
            turned = turned_like(other, mine)
            is_alike = turned.array.shape == mine.array.shape
            if is_alike and _distance(mine, turned) <= MILLIMETRES:
                chosen[number] = turned
                del left[k]
                break
    rest = iter(left)
    return [
        (mine, chosen[k] if k in chosen else turned_like(next(rest), mine))
        for k, mine in enumerate(ours)
    ]


def turned_like(volume: GivenVolume, like: GivenVolume) -> GivenVolume:
    """Return a volume with its axes in the order and direction of another one's, as near as can be.

    Where either has no affine, nobody knows how: it comes back as it is. So does what is no volume,
    for it has fewer than three axes.
    """
    if volume.affine is None or like.affine is None or volume.array.ndim < 3:
        return volume
    order, signs = _turn(volume.affine[:3, :3].tobytes(), like.affine[:3, :3].tobytes())
    array = volume.array.transpose(*order, *range(3, volume.array.ndim))
    affine = volume.affine[:, [*order, 3]].copy()
    for axis, sign in enumerate(signs):
        if sign < 0:
            array = np.flip(array, axis)
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
    return volume._replace(array=array, affine=affine)


@lru_cache
def _turn(axes: bytes, wanted: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the order and the signs of axes that bring them nearest to those wanted."""
    given, aim = (np.frombuffer(each, np.float64).reshape(3, 3) for each in (axes, wanted))
    return min(
        product(permutations(range(3)), product((1, -1), repeat=3)),
        key=lambda turn: float(np.sum((given[:, turn[0]] * turn[1] - aim) ** 2)),
    )


def _distance(ours: GivenVolume, theirs: GivenVolume) -> float:
    """Return how far corners of two volumes of one shape lie apart, in millimetres, at most."""
    if ours.affine is None:
        return 0.0
    if theirs.affine is None:
        return float("inf")
    last = np.array(ours.array.shape[:3]) - 1
    corners = np.array([[*(last * each), 1] for each in product((0, 1), repeat=3)], np.float64)
    apart = (corners @ (theirs.affine - ours.affine).T)[:, :3]
    largest = float(np.linalg.norm(apart, axis=1).max())
    return largest if np.isfinite(largest) else float("inf")


def _placed(pairs: Sequence[tuple[GivenVolume, GivenVolume]], of: int) -> Counter[object]:
    """Count values, each at the place of our volume: of ours (0), or of theirs (1)."""
    return Counter(
        (None if pair[0].affine is None else pair[0].affine.tobytes(), _digest(pair[of].array))
        for pair in pairs
    )


def _digest(array: NDArray[Any]) -> bytes:
    values = np.ascontiguousarray(array + np.float32(0))  # 0 and -0 are the same
    return blake2b(values.data, digest_size=16).digest()
