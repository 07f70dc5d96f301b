"""The grid of a stack: where its slices lie along the normal, and the affine through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.notes import count_of
from fastpix.series.arrangement import Finding, Kind

SAME_PLACE = 0.01
"""Slices nearer than this, in millimetres, are at one place."""

_NO_GAP = 0.001  # mm: what rounding makes of equal positions
_SHARE = 0.05  # of a gap, within which slices are at one place
_NOTED = 0.01  # of a gap: a place this far off the grid is noted
_STRAIGHT = 2e-3  # tangent of a tilt that is none
_NEAR_MULTIPLE = 0.25  # of a gap: rounded positions move gaps, and the origins are checked after
_MOST_SLOTS = 4096  # of grids with missing slices, or ten times the slices that are there


# Of x, y and z the next and the one after, for a cross product.
_NEXT = np.array([1, 2, 0])
_LAST = np.array([2, 0, 1])


class CommonPlane(NamedTuple):
    """What all planes of a stack share in space.

    Attributes
    ----------
    row, column, normal : ndarray of float64
        ``(3,)``: directions of a row, of a column, and their cross product.
    spacing : (float, float) or None
        Between rows, and between columns, in millimetres.
    noise : float
        How far the cosines of the planes differ, or may be rounded.
    """

    row: NDArray[np.float64]
    column: NDArray[np.float64]
    normal: NDArray[np.float64]
    spacing: tuple[float, float] | None
    noise: float


class Grid(NamedTuple):
    """The even grid of places, if there is one.

    Attributes
    ----------
    kind : str
    affine : ndarray of float64 or None
        ``(4, 4)``: (slice, row, column, 1) to millimetres, LPS.
    slots : ndarray of int64
        ``(places,)``: the number of each place on the grid.
    findings : list of Finding
    """

    kind: Kind
    affine: NDArray[np.float64] | None
    slots: NDArray[np.int64]
    findings: list[Finding]


def common_plane_of(
    orientations: NDArray[np.float64], spacings: NDArray[np.float64]
) -> CommonPlane:
    """Return what planes of nearly one orientation share.

    Parameters
    ----------
    orientations : ndarray of float64
        ``(planes, 6)``.
    spacings : ndarray of float64
        ``(planes, 2)``: NaN where the file does not say.
    """
    cosines = _typical(orientations)
    row, column = cosines[:3], cosines[3:]
    normal = row[_NEXT] * column[_LAST] - row[_LAST] * column[_NEXT]
    normal /= np.sqrt(normal @ normal)
    spacing = None
    if np.isfinite(spacings).all():
        between_rows, between_columns = _typical(spacings).tolist()
        spacing = between_rows, between_columns
    noise = float(np.ptp(orientations, axis=0).max())
    if ((cosines != 0) & (np.abs(cosines) != 1)).any():
        noise += _quantum(cosines)
    return CommonPlane(row, column, normal, spacing, noise)


def _typical(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of each column that occurs in it: the value itself if all are equal."""
    middle = (len(rows) - 1) // 2
    ordered: NDArray[np.float64] = np.partition(rows, middle, axis=0)[middle] + 0.0
    return ordered


def _quantum(values: NDArray[np.float64]) -> float:
    """Return the power of ten, at most 1, of which all values are multiples; 0 if there is none."""
    for digits in range(7):
        scaled = values * 10.0**digits
        if np.abs(scaled - np.round(scaled)).max() < 1e-7 * 10.0**digits:
            return float(10.0**-digits)
    return 0.0


def places_of(positions: NDArray[np.float64], common: CommonPlane) -> NDArray[np.int64]:
    """Return the place of each plane, counted along the normal.

    Planes are at one place within the smaller of 0.01 mm and 5 % of the median gap.

    Parameters
    ----------
    positions : ndarray of float64
        ``(planes, 3)``.
    common : CommonPlane
        Of these planes.

    Returns
    -------
    ndarray of int64
        ``(planes,)``, from 0.
    """
    depth = positions @ common.normal
    order = np.argsort(depth, kind="stable")
    gaps = np.diff(depth[order])
    pixel = np.inf if common.spacing is None else min(common.spacing)
    # Where planes at one place differ by noise, gaps of noise are the most: those that are surely
    # none of noise count. With pixels of some micrometres, such gaps may be between slices.
    of_noise = (SAME_PLACE, _NO_GAP) if pixel > 10 * SAME_PLACE else (min(_NO_GAP, 0.05 * pixel),)
    places = np.zeros(len(depth), np.int64)
    for noise in of_noise:
        wide = gaps[gaps > noise]
        if len(wide):
            alike = min(SAME_PLACE, _SHARE * float(np.median(wide)))
            places[order[1:]] = np.cumsum(gaps > alike)
            starts = np.flatnonzero(np.diff(places[order], prepend=-1))
            ends = np.append(starts[1:], len(depth)) - 1
            if (depth[order[ends]] - depth[order[starts]] <= SAME_PLACE).all():
                break
    return places


def origins_of(positions: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the origin of each place, ``(places, 3)``: the mean of its planes.

    Parameters
    ----------
    positions : ndarray of float64
        ``(planes, 3)``.
    places : ndarray of int64
        ``(planes,)``.
    """
    ordered = positions[np.argsort(places, kind="stable")]
    counts = np.bincount(places)
    starts = np.cumsum(counts) - counts
    low = np.minimum.reduceat(ordered, starts)
    high = np.maximum.reduceat(ordered, starts)
    # The middle of equal numbers is that number, to the last bit.
    return low + (high - low) / 2


def grid_of(
    positions: NDArray[np.float64],
    places: NDArray[np.int64],
    common: CommonPlane,
    thickness: NDArray[np.float64],
    between: NDArray[np.float64],
    tolerance: float,
) -> Grid:
    """Return the even grid from the first to the last place, or say why there is none.

    Parameters
    ----------
    positions : ndarray of float64
        ``(planes, 3)``.
    places : ndarray of int64
        ``(planes,)``.
    common : CommonPlane
    thickness, between : ndarray of float64
        ``(planes,)``: Slice Thickness and Spacing Between Slices, NaN where the file does not say.
    tolerance : float
        How far an origin may lie off the grid, as a share of the median gap.
    """
    origins = origins_of(positions, places)
    slots = np.arange(len(origins))
    if len(origins) == 1:
        return _single(origins[0], common, thickness, between)
    gaps = np.diff(origins @ common.normal)
    gap = float(np.median(gaps))
    step = (origins[-1] - origins[0]) / slots[-1]
    off = _distance(positions, origins[0], step, slots[places])
    findings: list[Finding] = []
    if off > tolerance * gap:
        for slots in _slots_of_gaps(gaps, _base_gaps(gaps, thickness, between), len(positions)):
            step = (origins[-1] - origins[0]) / slots[-1]
            off = _distance(positions, origins[0], step, slots[places])
            if off <= tolerance * float(step @ common.normal) and _is_constant(thickness):
                break
        else:
            findings.append(Finding("irregular", _irregular(gaps, off, gap)))
            return Grid("irregular", None, np.arange(len(origins)), findings)
        gap = float(step @ common.normal)
        missing = int(slots[-1]) + 1 - len(slots)
        text = f"{count_of(missing, 'slice')} missing of {slots[-1] + 1}, {gap:.4g} mm apart"
        findings.append(Finding("missing_slices", text))
    if off > _NOTED * gap:
        text = f"positions lie up to {off:.2g} mm off an even grid of {gap:.4g} mm, as if rounded"
        findings.append(Finding("rounded_positions", text))
    kind: Kind = "grid"
    drift = step - (step @ common.normal) * common.normal
    length = gap * float(slots[-1])
    rounding = max(_STRAIGHT * length, common.noise * length + _quantum(positions))
    if float(np.linalg.norm(drift)) * slots[-1] > rounding:
        kind = "sheared"
        angle = np.degrees(np.arctan2(np.linalg.norm(drift), gap))
        findings.append(Finding("tilt", f"the gantry was tilted by {angle:.3g} degrees"))
    findings += _contradiction(between, gap, float(np.linalg.norm(step)))
    return Grid(kind, _affine(common, step, origins[0]), slots, findings)


def _distance(
    positions: NDArray[np.float64],
    first: NDArray[np.float64],
    step: NDArray[np.float64],
    slots: NDArray[np.int64],
) -> float:
    off = positions - (first + slots[:, None] * step)
    return float(np.sqrt((off * off).sum(axis=1).max()))


def _base_gaps(
    gaps: NDArray[np.float64], thickness: NDArray[np.float64], between: NDArray[np.float64]
) -> list[float]:
    """Return the gaps of which others may be multiples: the median, or the least if it is meant."""
    least = float(gaps.min())
    meant = [abs(float(column[0])) for column in (between, thickness) if _is_constant(column)]
    is_meant = any(abs(value - least) <= _SHARE * least for value in meant)
    return [float(np.median(gaps)), *([least] if is_meant else [])]


def _slots_of_gaps(
    gaps: NDArray[np.float64], bases: list[float], planes: int
) -> Iterator[NDArray[np.int64]]:
    """Yield the grids on which gaps may be multiples of one; their origins have to be checked."""
    for base in bases:
        multiples = np.round(gaps / base)
        is_near = np.abs(gaps / base - multiples) <= _NEAR_MULTIPLE
        volumes = planes / (len(gaps) + 1)
        few = volumes * (multiples.sum() + 1) < max(_MOST_SLOTS, 10 * planes)
        if is_near.all() and multiples.min() >= 1 and multiples.max() > 1 and few:
            yield np.concatenate([[0], np.cumsum(multiples)]).astype(np.int64)


def _is_constant(column: NDArray[np.float64]) -> bool:
    """Whether all planes say the same, nothing included."""
    says = np.isfinite(column)
    if not says.any():
        return True
    return bool(says.all()) and float(np.ptp(column)) <= 1e-3 * abs(float(column[0]))


def _irregular(gaps: NDArray[np.float64], off: float, gap: float) -> str:
    if float(np.ptp(gaps)) > 2 * _SHARE * gap:
        low, high = float(gaps.min()), float(gaps.max())
        return f"gaps between slices range from {low:.4g} to {high:.4g} mm"
    return f"origins of slices lie up to {off:.3g} mm off a line with even steps of {gap:.4g} mm"


def _single(
    origin: NDArray[np.float64],
    common: CommonPlane,
    thickness: NDArray[np.float64],
    between: NDArray[np.float64],
) -> Grid:
    """Return the grid of one slice, whose slice axis is the cross product of row and column."""
    width, source = np.nan, ""
    for column, name in ((between, "Spacing Between Slices"), (thickness, "Slice Thickness")):
        said = np.abs(column[np.isfinite(column) & (column != 0)])
        if len(said):
            width, source = float(_typical(said[:, None])[0]), name
            break
    extent = f"; its extent is {source}, {width:.4g} mm" if source else ""
    findings = [Finding("single_slice", "one slice" + extent)]
    if not source:
        text = (
            "one slice, with neither Spacing Between Slices nor Slice Thickness: the slice column "
            "of the affine is NaN"
        )
        findings.append(Finding("no_thickness", text))
    affine = _affine(common, width * common.normal, origin)
    return Grid("single_slice", affine, np.zeros(1, np.int64), findings)


def _affine(
    common: CommonPlane, step: NDArray[np.float64], origin: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    if common.spacing is None:
        return None
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = common.column * common.spacing[0]
    affine[:3, 2] = common.row * common.spacing[1]
    affine[:3, 3] = origin
    return affine


def _contradiction(between: NDArray[np.float64], gap: float, step: float) -> list[Finding]:
    said = between[np.isfinite(between)]
    if not len(said):
        return []
    wrong = said[(np.abs(said - gap) > _SHARE * gap) & (np.abs(said - step) > _SHARE * step)]
    if not len(wrong):
        return []
    text = (
        f"Spacing Between Slices is {float(_typical(wrong[:, None])[0]):.4g} mm, but slices lie "
        f"{gap:.4g} mm apart by their positions, which count"
    )
    return [Finding("spacing_between_slices", text)]
