"""What of a stack is read: repeats are compared by their pixels, and what was not asked for fails.

A finding that makes no volume is an error, unless the caller asked for what is left of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from fastpix.errors import ArgumentError
from fastpix.recipe import Recipe
from fastpix.series.arrangement import REFUSED, Arrangement
from fastpix.series.choosing import StackRow, error_of_stacks
from fastpix.series.grouping import group_planes
from fastpix.series.plane import Plane
from fastpix.series.plane_reader import PlaneReader
from fastpix.series.series_files import SeriesFile

Gaps: TypeAlias = Literal["error", "fill"]

_COMPARED = frozenset({"duplicates", "not_compared", "uneven", "incomplete"})


def checked_gaps(gaps: Gaps, partial: bool) -> None:
    """Raise an error where `gaps` or `partial` is none of the values that it may have."""
    if not isinstance(gaps, str) or gaps not in get_args(Gaps):
        raise ArgumentError("gaps", f"{gaps!r} is not 'error' or 'fill'")
    if not isinstance(partial, (bool, np.bool_)):
        raise ArgumentError("partial", f"{partial!r} is not True or False")


def settled(
    files: Sequence[SeriesFile],
    planes: Sequence[Plane],
    arrangement: Arrangement,
    tolerance: float,
) -> list[Arrangement]:
    """Return the arrangements of the planes of a stack, with the pixels of repeats compared.

    Parameters
    ----------
    files : sequence of SeriesFile
    planes : sequence of Plane
        Those of the stack alone.
    arrangement : Arrangement
        As their headers have it.
    tolerance : float
        That of the grouping.

    Returns
    -------
    list of Arrangement
        More than one where pixels tell that planes at one place are no repeats.
    """
    codes = {finding.code for finding in arrangement.findings}
    # Planes of other stacks may be part of a conflict of UIDs: it is settled already.
    if "sop_conflict" in codes or not _COMPARED & codes:
        return [arrangement]
    reader = PlaneReader(files, planes, Recipe("float64", invert="none"), 1)

    def same_pixels(one: Plane, other: Plane) -> bool:
        values = reader.values_of(one), reader.values_of(other)
        return bool(np.array_equal(*values, equal_nan=True))

    return group_planes(planes, tolerance=tolerance, same_pixels=same_pixels)


def accepted(arrangement: Arrangement, gaps: Gaps, partial: bool, row: StackRow) -> Arrangement:
    """Return what is to be read of a stack.

    Parameters
    ----------
    arrangement : Arrangement
        With its repeats compared.
    gaps : {"error", "fill"}
    partial : bool
        Whether complete volumes are read where others are not.
    row : StackRow
        What a table says of the stack.

    Raises
    ------
    SeriesError
        It makes no volume, or not without being asked for.
    """
    findings = arrangement.findings
    refused = {finding.code for finding in findings if finding.is_refused}
    if "incomplete" in refused and partial and arrangement.complete:
        complete = list(arrangement.complete)
        arrangement = replace(
            arrangement,
            planes=arrangement.planes[complete],
            coords={
                name: [values[k] for k in complete] for name, values in arrangement.coords.items()
            },
        )
        refused.discard("incomplete")
    if "missing_slices" in refused and gaps == "fill":
        refused.discard("missing_slices")
    if refused:
        said = "; ".join(
            f"{finding.text}: {REFUSED[finding.code]}"
            for finding in findings
            if finding.code in refused
        )
        raise error_of_stacks(said, [row._replace(codes=tuple(sorted(refused)))])
    return arrangement
