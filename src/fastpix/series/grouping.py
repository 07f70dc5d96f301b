"""`group_planes`: plane headers to stacks. A pure function: no file is opened, no pixel read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import tag_text
from fastpix.notes import count_of
from fastpix.series.arrangement import Arrangement, Finding
from fastpix.series.clusters import parts_of
from fastpix.series.grid import grid_of
from fastpix.series.plane import MOSAIC_UNKNOWN, Fault, Plane
from fastpix.series.plane_table import PlaneTable
from fastpix.series.repeats import SamePixels, conflicts_of, without_copies, without_resent
from fastpix.series.splitting import never_together, split_repeats
from fastpix.series.volume_order import name_volumes, volumes_of
from fastpix.standard.dictionary import keyword_of

_WITHOUT_PLACE = (
    "instance_number",
    "acquisition_number",
    "content_time",
    "sop_uid",
    "frame",
    "tile",
)


def group_planes(
    planes: Sequence[Plane], *, tolerance: float = 0.05, same_pixels: SamePixels = None
) -> list[Arrangement]:
    """Arrange planes as stacks: those that make a volume, or several.

    Parameters
    ----------
    planes : sequence of Plane
        In any order: the result does not depend on it, but for the numbers of the planes.
    tolerance : float
        How far the origin of a slice may lie off the even grid, as a share of the median gap.
    same_pixels : callable, optional
        Whether two planes have the same pixels. It is asked for planes that seem to be repeats;
        without it the headers decide, and a finding says so.

    Returns
    -------
    list of Arrangement
        Each plane is in one of them, or is one of its `Arrangement.dropped`. Stacks of a series
        follow each other.
    """
    if not planes:
        return []
    table = PlaneTable(planes)
    labels = never_together(table)
    conflicts = conflicts_of(table, labels)
    found: list[Arrangement] = []
    for label, members in enumerate(parts_of(labels)):
        copies = without_copies(table, members, same_pixels)
        findings = _faults(table, members)
        missing = _missing_parts(table, members)
        findings += missing
        if label in conflicts:
            text = "a SOP Instance UID of these planes is that of other planes, too"
            findings.append(Finding("sop_conflict", text))
        arrange = _placed if bool(table.has_place[members[0]]) else _without_place
        for made in arrange(table, copies.members, tolerance, same_pixels):
            own = made.planes[made.planes >= 0].tolist()
            dropped, said = copies.of_stack([*own, *made.dropped], same_pixels)
            found.append(
                replace(
                    made,
                    findings=(*said, *findings, *made.findings),
                    complete=() if missing else made.complete,
                    dropped=(*dropped, *made.dropped),
                )
            )
    return sorted(found, key=lambda arrangement: _rank_of(table, arrangement))


def _placed(
    table: PlaneTable, members: NDArray[np.int64], tolerance: float, same_pixels: SamePixels
) -> Iterator[Arrangement]:
    """Arrange planes that have a position and an orientation."""
    for part, places, common in split_repeats(table, members):
        counts = np.bincount(places)
        findings, dropped = [], []
        if counts.max() > 1:
            is_even = bool(counts.max() == counts.min())
            kept = without_resent(table, part, places, same_pixels, is_even=is_even)
            is_kept = np.isin(part, kept.members)
            part, places = part[is_kept], places[is_kept]
            findings, dropped = kept.findings, kept.dropped
        grid = grid_of(
            table.positions[part],
            places,
            common,
            table.numbers("thickness", part),
            table.numbers("between", part),
            tolerance,
        )
        volumes = volumes_of(table, part, places)
        is_uneven = any(finding.code == "uneven" for finding in volumes.findings)
        is_whole = (volumes.planes >= 0).all(axis=1) & (not is_uneven)
        axes, coords = name_volumes(table, volumes.planes)
        on_grid, affine, kind = volumes.planes, grid.affine, grid.kind
        if on_grid.shape[1] != len(grid.slots):
            affine, kind = None, "irregular"
        elif grid.slots[-1] >= len(grid.slots):
            on_grid = np.full((len(volumes.planes), int(grid.slots[-1]) + 1), -1)
            on_grid[:, grid.slots] = volumes.planes
        if table.values("is_detector_spacing")[int(part[0])]:
            text = "the spacing is Imager Pixel Spacing, so that of the detector plane"
            findings = [*findings, Finding("detector_plane", text)]
        if common.spacing is None:
            text = "no pixel spacing, so no affine; slices are in the order of their positions"
            findings = [*findings, Finding("no_geometry", text)]
            kind = "no_geometry"
        yield Arrangement(
            planes=on_grid,
            affine=affine,
            kind=kind,
            axes=axes,
            coords=coords,
            findings=(*findings, *volumes.findings, *grid.findings),
            complete=tuple(np.flatnonzero(is_whole).tolist()),
            dropped=tuple(dropped),
        )


def _without_place(table: PlaneTable, members: NDArray[np.int64], *_: Any) -> Iterator[Arrangement]:
    """Arrange planes without geometry: a file of several frames alone, other files together."""
    keys = [table.ranks(name)[members] for name in reversed(_WITHOUT_PLACE)]
    ordered = members[np.lexsort(keys)]
    files = table.ranks("source")[ordered]
    numbers = np.unique(files, return_inverse=True)[1].reshape(-1)
    many = np.bincount(numbers) > 1
    text = "no usable position or orientation: planes are in the order of their files and frames"
    for part in parts_of(np.where(many[numbers], numbers + 1, 0)):
        planes = ordered[part]
        if many[numbers[part[0]]]:  # in the order of the frames, whatever their groups count
            planes = planes[np.lexsort([table.ranks(name)[planes] for name in ("tile", "frame")])]
        yield Arrangement(
            planes=planes[None],
            affine=None,
            kind="no_geometry",
            findings=(Finding("no_geometry", text),),
            complete=(0,),
        )


def _faults(table: PlaneTable, members: NDArray[np.int64]) -> list[Finding]:
    column = table.values("faults")
    counts: Counter[Fault] = Counter()
    for number in members.tolist():
        if column[number]:
            counts.update(column[number])
    return [_finding(fault, count) for fault, count in sorted(counts.items())]


def _missing_parts(table: PlaneTable, members: NDArray[np.int64]) -> list[Finding]:
    """Find concatenations of which not all files are there (PS3.3 C.7.6.16.2.2.4)."""
    column = table.values("part")
    parts: dict[str, set[int]] = {}
    totals: dict[str, int] = {}
    for part in {column[number] for number in members.tolist()} - {None}:
        parts.setdefault(part.uid, set()).add(part.number)
        totals[part.uid] = max(totals.get(part.uid, 0), part.number, part.total or 0)
    missing = sum(totals[uid] - len(found) for uid, found in parts.items())
    if not missing:
        return []
    text = f"{count_of(missing, 'file')} of {sum(totals.values())} of a concatenation missing"
    return [Finding("incomplete", text)]


def _finding(fault: Fault, count: int) -> Finding:
    where = f"in {count_of(count, 'plane')}"
    if fault.reason == MOSAIC_UNKNOWN:
        return Finding("mosaic_unknown", f"{fault.reason}, {where}")
    text = f"{keyword_of(fault.tag)} {tag_text(fault.tag)}: {fault.reason}, {where}"
    return Finding("bad_geometry", text.strip())


def _rank_of(table: PlaneTable, arrangement: Arrangement) -> tuple[Any, ...]:
    """Return what orders stacks: their series, then the first of their planes."""
    own = arrangement.planes[arrangement.planes >= 0]
    first = table.planes[int(own[0])]
    numbers = table.ranks("instance_number")[own]
    return (
        first.identity.study_uid,
        first.identity.series_uid,
        int(numbers.min()),
        -1.0 if first.echo_time is None else first.echo_time,
        first.component,
        -1 if first.segment is None else first.segment,
        first.stack_id,
        first.identity,
        first.image_type,
        first.position or (),
        first.sop_uid,
        first.frame,
    )
