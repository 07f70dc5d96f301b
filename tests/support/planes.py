"""Planes made of a few numbers, and what grouping makes of them whatever their order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.series.arrangement import Arrangement, Finding
from fastpix.series.grouping import group_planes
from fastpix.series.plane import Identity, Orientation, Plane

SERIES = Identity(
    study_uid="1.2.1",
    series_uid="1.2.1.1",
    sop_class="1.2.840.10008.5.1.4.1.1.4",
    frame_of_reference="1.2.1.9",
    rows=64,
    columns=48,
    modality="MR",
)
# A double oblique orientation, to more digits than files have.
_TURN = np.linalg.qr(np.array([[0.9, -0.2, 0.1], [0.3, 0.8, -0.3], [-0.1, 0.4, 0.9]]))[0]
OBLIQUE: Orientation = (*_TURN[:, 0].tolist(), *_TURN[:, 1].tolist())
AXIAL: Orientation = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ORIGIN = (-103.7, 58.31, -12.625)
SPACING = (0.9, 0.8)

PlaneKey = tuple[str, int, Any]


def normal_of(orientation: Sequence[float] = OBLIQUE) -> NDArray[np.float64]:
    return np.cross(orientation[:3], orientation[3:])


def make_planes(
    depths: int | Sequence[float] = 5,
    *,
    gap: float = 3.0,
    orientation: Sequence[float] = OBLIQUE,
    origin: Sequence[float] = ORIGIN,
    drift: Sequence[float] = (0.0, 0.0),
    digits: int | None = None,
    first: int = 1,
    **attributes: Any,
) -> list[Plane]:
    """Return planes along a normal, each a file of its own, numbered from `first`.

    Parameters
    ----------
    depths : int or sequence of float
        How many slices, or where they lie along the normal, in units of `gap`.
    drift : (float, float)
        Along row and column, in millimetres, for each millimetre along the normal: a tilt.
    digits : int, optional
        What positions are rounded to.
    **attributes
        Of each plane: a value, or a function of the number of the plane from 0.
    """
    steps = np.arange(depths) if isinstance(depths, int) else np.asarray(depths, np.float64)
    along = normal_of(orientation)
    along = along + drift[0] * np.array(orientation[:3]) + drift[1] * np.array(orientation[3:])
    planes = []
    for k, step in enumerate(steps.tolist()):
        position = np.array(origin) + step * gap * along
        if digits is not None:
            position = np.round(position, digits)
        own = {name: value(k) if callable(value) else value for name, value in attributes.items()}
        whole: dict[str, Any] = {
            "identity": SERIES,
            "source": first + k,
            "sop_uid": f"1.2.1.1.{first + k}",
            "position": tuple(position.tolist()),
            "orientation": tuple(orientation),
            "spacing": SPACING,
            "thickness": gap,
            "instance_number": first + k,
        }
        planes.append(Plane(**{**whole, **own}))
    return planes


def make_volumes(
    count: int, slices: int = 4, *, of_volume: dict[str, Callable[[int], Any]], **attributes: Any
) -> list[Plane]:
    """Return planes of several volumes at the same places; `of_volume` sets them apart."""
    planes: list[Plane] = []
    for volume in range(count):
        own = {name: value(volume) for name, value in of_volume.items()}
        planes += make_planes(slices, first=1 + volume * slices, **{**attributes, **own})
    return planes


def key_of(plane: Plane) -> PlaneKey:
    return plane.sop_uid, plane.frame, plane.tile


class Stacked(NamedTuple):
    """An arrangement, with its planes in place of their numbers."""

    planes: list[list[Plane | None]]
    affine: NDArray[np.float64] | None
    kind: str
    axes: tuple[str, ...]
    coords: dict[str, list[Any]]
    findings: tuple[Finding, ...]
    complete: tuple[int, ...]
    dropped: list[Plane]

    @property
    def codes(self) -> set[str]:
        return {finding.code for finding in self.findings}

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.planes), len(self.planes[0])

    def each(self, name: str) -> list[list[Any]]:
        """Return an attribute of each plane, None where there is none."""
        return [
            [None if plane is None else getattr(plane, name) for plane in row]
            for row in self.planes
        ]

    def text(self, code: str) -> str:
        """Return what the one finding of this code says."""
        (text,) = [finding.text for finding in self.findings if finding.code == code]
        return text


def _stacked(planes: Sequence[Plane], made: Arrangement) -> Stacked:
    return Stacked(
        planes=[[None if k < 0 else planes[k] for k in row] for row in made.planes.tolist()],
        affine=made.affine,
        kind=made.kind,
        axes=made.axes,
        coords=made.coords,
        findings=made.findings,
        complete=made.complete,
        dropped=[planes[k] for k in made.dropped],
    )


def _shown(stack: Stacked) -> object:
    """Return what must be the same in whatever order the planes came."""
    affine = None if stack.affine is None else np.round(stack.affine, 9).tolist()
    return (
        [[None if plane is None else key_of(plane) for plane in row] for row in stack.planes],
        str(affine),  # NaN is not equal to itself
        *stack[2:7],
        sorted(map(str, map(key_of, stack.dropped))),
    )


def check_stacks(planes: Sequence[Plane], stacks: Sequence[Stacked], tolerance: float) -> None:
    """Check what holds for every result of grouping."""
    used = [plane for stack in stacks for row in stack.planes for plane in row if plane is not None]
    used += [plane for stack in stacks for plane in stack.dropped]
    assert Counter(used) == Counter(planes)
    for stack in stacks:
        rows, count = stack.shape
        assert all(len(row) == count for row in stack.planes)
        assert bool(stack.axes) == (rows > 1)
        assert all(len(values) == rows for values in stack.coords.values())
        there = [[plane is not None for plane in row] for row in stack.planes]
        anywhere = [k for k in range(count) if any(row[k] for row in there)]
        whole = [v for v, row in enumerate(there) if all(row[k] for k in anywhere)]
        assert stack.complete == (() if "uneven" in stack.codes else tuple(whole))
        if stack.affine is None:
            assert stack.kind in ("irregular", "no_geometry")
            continue
        step = stack.affine[:3, 0]
        first = next(plane for row in stack.planes for plane in row if plane is not None)
        assert first.orientation is not None
        for row in stack.planes:
            for k, plane in enumerate(row):
                if plane is None or (stack.kind == "single_slice" and k == 0):
                    continue
                off = (stack.affine @ [k, 0, 0, 1])[:3] - np.array(plane.position)
                assert np.linalg.norm(off) <= 1.01 * tolerance * np.linalg.norm(step)


def stacks_of(
    planes: Sequence[Plane], *, tolerance: float = 0.05, shuffles: int = 4, **keywords: Any
) -> list[Stacked]:
    """Group planes in several orders, files in several orders too, and return the one result."""
    results: list[list[Stacked]] = []
    for seed in range(shuffles):
        rng = random.Random(seed)
        numbers = sorted({plane.source for plane in planes})
        moved = dict(zip(numbers, rng.sample(numbers, len(numbers)), strict=True))
        mixed = [plane._replace(source=moved[plane.source]) for plane in planes]
        rng.shuffle(mixed)
        made = group_planes(mixed, tolerance=tolerance, **keywords)
        stacks = [_stacked(mixed, arrangement) for arrangement in made]
        check_stacks(mixed, stacks, tolerance)
        results.append(stacks)
    shown = [list(map(_shown, stacks)) for stacks in results]
    assert all(one == shown[0] for one in shown[1:])
    return results[0]


def stack_of(planes: Sequence[Plane], **keywords: Any) -> Stacked:
    """Group planes, and return the one stack that they make."""
    (stack,) = stacks_of(planes, **keywords)
    return stack
