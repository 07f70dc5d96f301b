"""The volumes that a few series of a source make: their headers are read once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fastpix.audit.counting import FindingCounts, Numbers
from fastpix.errors import warnings_kept
from fastpix.job.item_making import place_of
from fastpix.job.items import SourceFile
from fastpix.job.scan.scanned_headers import instance_at
from fastpix.job.scan.waiting import map_waiting
from fastpix.series.arrangement import Arrangement
from fastpix.series.grouping import group_planes
from fastpix.series.plane import Plane
from fastpix.series.planes import planes_of
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


def planes_of_files(files: Iterable[SourceFile]) -> list[Plane]:
    """Return the planes of the files of a series; none if there are too many to arrange.

    Parameters
    ----------
    files : iterable of SourceFile
        Those that cannot be read have none: the header pass has counted them.
    """
    planes: list[Plane] = []
    number = 0
    for found in map_waiting(_planes_of_file, files):
        planes.extend(plane._replace(source=number) for plane in found)
        number += bool(found)
        if len(planes) > _MOST_PLANES:  # a part of a series would look like missing slices
            return []
    return planes


def _planes_of_file(file: SourceFile) -> list[Plane]:
    try:
        with warnings_kept(), instance_at(file.location) as instance:
            return planes_of(instance, 0)
    except Exception:  # broken functional groups, say: a finding tells
        return []


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
        try:
            arrangements = list(group_planes(planes, tolerance=_TOLERANCE))
        except Exception as error:  # one series never ends an audit of many
            self.findings.add({"GEO_OTHER": f"unexpected, at {place_of(error)}"})
            return
        found: dict[str, str] = {}
        for arrangement in arrangements:
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
