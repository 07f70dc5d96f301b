"""Planes of a few series of a source, kept while headers are read, and the volumes they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fastpix.audit.counting import FindingCounts, Numbers
from fastpix.audit.sampling import rank_of
from fastpix.series.arrangement import Arrangement
from fastpix.series.grouping import group_planes
from fastpix.series.plane import Plane
from fastpix.series.volume import spacing_of

_MOST_PLANES = 4096  # of a series: more is not kept
_STRAIGHT = 0.985  # cosine of 10 degrees
_TOLERANCE = 0.05  # that of `open_series`
_IDS = {
    "missing_slices": "GEO_MISSING_SLICES",
    "irregular": "GEO_IRREGULAR",
    "uneven": "GEO_UNEVEN",
    "incomplete": "GEO_INCOMPLETE",
    "sop_conflict": "GEO_SOP_CONFLICT",
    "mosaic_unknown": "GEO_MOSAIC_UNKNOWN",
    "no_geometry": "GEO_NO_GEOMETRY",
    "bad_geometry": "GEO_BAD_GEOMETRY",
    "tilt": "GEO_TILT",
    "mixed": "GEO_MIXED",
    "detector_plane": "GEO_DETECTOR_PLANE",
    "no_thickness": "GEO_NO_THICKNESS",
    "duplicates": "GEO_DUPLICATES",
    "rounded_positions": "GEO_ROUNDED",
    "spacing_between_slices": "GEO_SPACING_CONTRADICTS",
}
_SILENT = frozenset({"single_slice", "not_compared", "set_aside"})


@dataclass(slots=True)
class KeptSeries:
    """The planes of the series with the lowest ranks, whole.

    A series that is kept at the end was kept from its first file on: the rank above which series
    are dropped only falls.

    Attributes
    ----------
    size, seed : int
        How many series are kept.
    """

    size: int
    seed: int
    _planes: dict[bytes, list[Plane]] = field(default_factory=dict)
    _ranks: dict[bytes, int] = field(default_factory=dict)
    _files: Counter[bytes] = field(default_factory=Counter)
    _limit: int | None = None  # the highest rank, once there are enough series

    def wants(self, series: bytes) -> bool:
        """Whether planes of a series may be kept; another thread may be offering some.

        Parameters
        ----------
        series : bytes
        """
        if not series or series in self._planes:
            return bool(series)
        return self._limit is None or rank_of(self.seed, b"series", series) <= self._limit

    def offer(self, series: bytes, planes: Sequence[Plane]) -> None:
        """Take the planes of a file, if its series is one that is kept.

        Parameters
        ----------
        series : bytes
            Series Instance UID as it stands.
        planes : sequence of Plane
        """
        if not series:  # nothing tells which files belong together
            return
        kept = self._planes.get(series)
        if kept is None:
            rank = rank_of(self.seed, b"series", series)
            if len(self._planes) >= self.size:
                worst = max(self._ranks, key=lambda each: (self._ranks[each], each))
                if (rank, series) >= (self._ranks[worst], worst):
                    return
                del self._planes[worst], self._ranks[worst], self._files[worst]
            kept = self._planes[series] = []
            self._ranks[series] = rank
            if len(self._planes) == self.size:
                self._limit = max(self._ranks.values())
        number = self._files[series]
        self._files[series] += 1
        if len(kept) + len(planes) <= _MOST_PLANES:
            kept.extend(plane._replace(source=number) for plane in planes)
        else:
            self._files[series] = number  # a part of a series would look like missing slices
            kept.clear()
            self._planes[series] = _Full()

    def series(self) -> list[list[Plane]]:
        """Return the planes of each series."""
        ordered = sorted(self._planes, key=lambda each: (self._ranks[each], each))
        return [self._planes[each] for each in ordered if self._planes[each]]


class _Full(list[Plane]):
    """Planes of a series that has too many: none is kept."""

    def extend(self, _: object) -> None:
        """Keep nothing."""

    def __len__(self) -> int:
        return 0


@dataclass(slots=True)
class GeometryTally:
    """What volumes the kept series make."""

    series: int = 0
    volumes: int = 0
    refused: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    orientations: Counter[str] = field(default_factory=Counter)
    slice_spacing: Numbers = field(default_factory=Numbers)
    tilt: Numbers = field(default_factory=Numbers)
    findings: FindingCounts = field(default_factory=FindingCounts)

    def add(self, planes: Sequence[Plane]) -> None:
        """Arrange the planes of one series, and count what they make.

        Parameters
        ----------
        planes : sequence of Plane
        """
        self.series += 1
        found: dict[str, str] = {}
        for arrangement in group_planes(planes, tolerance=_TOLERANCE):
            codes = {finding.code for finding in arrangement.findings}
            refused = {each.code for each in arrangement.findings if each.is_refused}
            self.refused += bool(refused)
            self.volumes += not refused and arrangement.kind in ("grid", "sheared")
            self.refusals.update(refused)
            self.remarks.update(codes - refused - _SILENT)
            for each in arrangement.findings:
                if each.code not in _SILENT:
                    found.setdefault(_IDS.get(each.code, "GEO_OTHER"), each.text)
            self._count_grid(arrangement, planes)
        self.findings.add(found)

    def _count_grid(self, arrangement: Arrangement, planes: Sequence[Plane]) -> None:
        affine = arrangement.affine
        first = planes[int(arrangement.planes[arrangement.planes >= 0][0])]
        self.orientations[_orientation(first)] += 1
        spacing = spacing_of(affine)
        if affine is None or spacing is None or arrangement.planes.shape[1] < 2:
            return
        self.slice_spacing.add(spacing[0])
        self.tilt.add(_tilt(affine))


def _orientation(plane: Plane) -> str:
    if plane.orientation is None:
        return "none"
    a, b, c, d, e, f = plane.orientation
    normal = [abs(b * f - c * e), abs(c * d - a * f), abs(a * e - b * d)]
    nearest = max(range(3), key=normal.__getitem__)
    return ("sagittal", "coronal", "axial")[nearest] if normal[nearest] > _STRAIGHT else "oblique"


def _tilt(affine: NDArray[np.float64]) -> float:
    """Return the degrees between the slice axis and the normal of slices."""
    along, down, across = affine[:3, 0], affine[:3, 1], affine[:3, 2]
    normal = np.cross(down, across)
    size = float(np.linalg.norm(along) * np.linalg.norm(normal))
    if not size:
        return 0.0
    cosine = min(abs(float(along @ normal)) / size, 1.0)
    return float(np.degrees(np.arccos(cosine)))
