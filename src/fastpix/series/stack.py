"""`Stack`: planes that make a volume, or several: headers are read, pixels are not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastpix.errors import warn_caller
from fastpix.image.frame_selection import checked_out
from fastpix.image.limits import MAX_VOLUME_BYTES, check_size, checked_limit
from fastpix.notes import Note
from fastpix.plan.plan import Plan
from fastpix.recipe import Invert, Recipe, one_recipe
from fastpix.series.accepting import Gaps, accepted, checked_gaps, settled
from fastpix.series.arrangement import Arrangement, Finding, Kind
from fastpix.series.choosing import StackRow, error_of_stacks, hint_of
from fastpix.series.plane import Identity, Plane
from fastpix.series.plane_reader import PlaneReader
from fastpix.series.series_files import SeriesFile
from fastpix.series.stack_blocks import StackBlocks, check_fill
from fastpix.series.stack_plan import StackPlan
from fastpix.series.volume import PlaneSource, Volume, spacing_of
from fastpix.standard.terms import MODALITIES

_TOO_LARGE = "raise max_bytes= if the headers can be believed, or read one stack at a time"


class Stack:
    """Planes of one series that make a volume, or several that differ in one thing.

    Made by `fastpix.open_series`. Headers are read, pixels are not.

    Attributes
    ----------
    number : int
        Among the stacks of its series, from 0: what ``stack=`` takes.
    """

    def __init__(
        self,
        files: Sequence[SeriesFile],
        planes: Sequence[Plane],
        arrangement: Arrangement,
        tolerance: float,
    ) -> None:
        self._files = files
        self._planes = planes
        self._arrangement = arrangement
        self._tolerance = tolerance
        self.number = 0
        self._first = planes[int(arrangement.planes[arrangement.planes >= 0][0])]
        self._header = files[self._first.source].header

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy in another process needs: its own files alone, by their paths."""
        state = self.__dict__.copy()
        used = sorted({plane.source for plane in self._planes})
        number = {source: k for k, source in enumerate(used)}
        planes = [plane._replace(source=number[plane.source]) for plane in self._planes]
        state["_planes"] = planes
        state["_first"] = planes[self._planes.index(self._first)]
        state["_files"] = [self._files[source] for source in used]
        return state

    @property
    def _identity(self) -> Identity:
        return self._first.identity

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found about geometry, and missing or repeated planes; some refuse `read`."""
        return self._arrangement.findings

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the findings."""
        return tuple(dict.fromkeys(finding.code for finding in self.findings))

    @property
    def series_uid(self) -> str:
        """Series Instance UID; empty where the files do not say."""
        return self._identity.series_uid

    @property
    def study_uid(self) -> str:
        """Study Instance UID; empty where the files do not say."""
        return self._identity.study_uid

    @property
    def modality(self) -> str:
        """Modality, a term of PS3.3 C.7.3.1.1.1."""
        return self._identity.modality

    @property
    def kind(self) -> Kind:
        """What its grid is: see `Volume.kind`."""
        return self._arrangement.kind

    @property
    def axes(self) -> tuple[str, ...]:
        """What stands before (slice, row, column): see `Volume.axes`."""
        return self._arrangement.axes

    @property
    def coords(self) -> Mapping[str, Sequence[Any]]:
        """What differs between the volumes, a value for each."""
        return self._arrangement.coords

    @property
    def affine(self) -> NDArray[np.float64] | None:
        """``(4, 4)``: (slice, row, column, 1) to millimetres, LPS; None where there is no grid."""
        return self._arrangement.affine

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Distance of neighbouring voxels along slice, row and column axis, in millimetres."""
        return spacing_of(self._arrangement.affine)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(slice, row, column)``, a volume axis before it if `axes` names one, 3 for colour."""
        return self._shape_of(self._arrangement)

    def _shape_of(self, arrangement: Arrangement) -> tuple[int, ...]:
        volumes, slices = arrangement.planes.shape
        before = (volumes, slices) if arrangement.axes else (slices,)
        colour = () if self._header.is_gray else (3,)
        return (*before, self._identity.rows, self._identity.columns, *colour)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.shape))
        codes = f", {' '.join(self.codes)}" if self.codes else ""
        return f"<fastpix.Stack {self.number}: {size}, {self.modality or 'no modality'}{codes}>"

    @property
    def files(self) -> list[SeriesFile]:
        """The files that its planes are in, in their order."""
        used = dict.fromkeys(p.source for p in self._ordered(self._arrangement) if p is not None)
        return [self._files[number] for number in used]

    @property
    def is_aside(self) -> bool:
        """Whether it is a localizer or a secondary capture."""
        return self._identity.is_localizer or self._identity.is_secondary

    @property
    def is_doubtful(self) -> bool:
        """Whether it has no geometry, or is a single derived slice, such as a table of results."""
        is_derived = self._first.image_type[:1] == ("DERIVED",)
        return self.kind == "no_geometry" or (len(self._planes) == 1 and is_derived)

    def is_like(self, other: Stack) -> bool:
        """Whether its planes look like slices of the other stack, whatever their geometry."""
        return self._look == other._look

    @property
    def _look(self) -> tuple[Any, ...]:
        identity = self._identity
        return (
            identity.sop_class, identity.rows, identity.columns, identity.samples,
            identity.photometric, self._first.image_type[:2],
        )  # fmt: skip

    def row(self) -> StackRow:
        """Return what a table of stacks says of this one."""
        return StackRow(
            series_uid=self.series_uid,
            number=self.number,
            modality=self.modality if self.modality in MODALITIES else "",
            shape=self.shape,
            spacing=self.spacing,
            axes=self.axes,
            kind=self.kind,
            codes=self.codes,
            hint=hint_of(self._first),
        )

    def exchanged(self) -> Stack:
        """Return the same planes, read with MONOCHROME1 and MONOCHROME2 exchanged."""
        files = [file.exchanged() for file in self._files]
        other = Stack(files, self._planes, self._arrangement, self._tolerance)
        other.number = self.number
        return other

    def plan(
        self,
        recipe: Recipe | None = None,
        *,
        dtype: DTypeLike = "float32",
        rescale: bool = True,
        invert: Invert = "max",
        normalize: tuple[float, float] | None = None,
        padding: float | None = None,
        color_range: tuple[float, float] | None = None,
        decoder: str | None = None,
    ) -> StackPlan:
        """Return what `read` with these arguments would give; print it.

        Parameters
        ----------
        recipe : Recipe, optional
            In place of the keywords.
        dtype, rescale, invert, normalize, padding, color_range, decoder
            As in `read`.
        """
        asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder, color_range)
        reader = PlaneReader(self._files, self._ordered(self._arrangement), asked)
        plans: dict[int, tuple[Plan, int]] = {}
        for plan in reader.plans.values():
            plans[id(plan)] = plan, plans.get(id(plan), (plan, 0))[1] + 1
        itemsize = np.dtype(reader.plan.dtype).itemsize
        return StackPlan(
            shape=self.shape,
            dtype=reader.plan.dtype,
            unit=reader.plan.unit,
            nbytes=math.prod(self.shape) * itemsize,
            axes=self.axes,
            plans=tuple(plans.values()),
            findings=self.findings,
        )

    def read(
        self,
        recipe: Recipe | None = None,
        *,
        gaps: Gaps = "error",
        partial: bool = False,
        dtype: DTypeLike = "float32",
        rescale: bool = True,
        invert: Invert = "max",
        normalize: tuple[float, float] | None = None,
        padding: float | None = None,
        color_range: tuple[float, float] | None = None,
        decoder: str | None = None,
        out: NDArray[Any] | None = None,
        threads: int | None = None,
        max_bytes: int = MAX_VOLUME_BYTES,
    ) -> Volume:
        """Return the values of all planes, as one volume.

        Parameters
        ----------
        recipe : Recipe, optional
            In place of the keywords from `dtype` to `decoder`.
        gaps : {"error", "fill"}
            Missing slices: an error, or planes of NaN on the true grid (float dtypes only).
        partial : bool
            Where a volume is incomplete, as after an interrupted scan: read the complete ones.
        dtype : str or numpy dtype
            float32, float64, an integer dtype (exact or an error), or "auto", chosen by the header.
        rescale : bool
            Apply Rescale Slope and Intercept, or the Modality LUT; False leaves stored values.
        invert : {"max", "range", "none"}
            MONOCHROME1: subtract from the maximum of all planes, mirror in the possible range, or
            leave.
        normalize : (float, float), optional
            Clip to this interval, in output units, and map it to 0..1.
        padding : float, optional
            What pixels marked by Pixel Padding Value become; if not given, they stay as they are.
        color_range : (float, float), optional
            Colour: bring it to 8 bits, and map 0..255 to this interval; monochrome images stay.
        decoder : str, optional
            The one package that may decode compressed frames.
        out : ndarray, optional
            Filled, and the array of the volume; C-contiguous, of the right shape and dtype.
        threads : int, optional
            How many threads read; as many as help if not given.
        max_bytes : int
            What the array may take.

        Returns
        -------
        Volume

        Raises
        ------
        SeriesError
            The planes make no volume, or not without being asked for.
        FastpixError
            A file cannot be read; the error names it.
        """
        limit = checked_limit(max_bytes)
        asked = one_recipe(recipe, dtype, rescale, invert, normalize, padding, decoder, color_range)
        arrangement = self._accepted(gaps, partial)
        planes = self._ordered(arrangement)
        reader = PlaneReader(self._files, planes, asked, threads)
        plan = reader.plan
        check_fill(planes, plan)
        shape, dtype = self._shape_of(arrangement), np.dtype(plan.dtype)
        check_size(math.prod(shape) * dtype.itemsize, limit, "the volume takes", _TOO_LARGE)
        if out is None:
            result: NDArray[Any] = np.empty(shape, dtype)
        else:
            result = checked_out(out, shape, dtype)
        reader.fill(result.reshape(len(planes), *shape[1 + bool(arrangement.axes) :]))
        notes = reader.notes(arrangement.findings)
        self._warn(notes)
        return Volume(
            array=result,
            affine=None if arrangement.affine is None else arrangement.affine.copy(),
            axes=arrangement.axes,
            coords={name: list(values) for name, values in arrangement.coords.items()},
            kind=arrangement.kind,
            frame_of_reference=self._identity.frame_of_reference,
            unit=plan.unit,
            modality=self.modality,
            notes=notes,
            sources=[self._source_of(plane) for plane in planes],
        )

    def blocks(
        self, recipe: Recipe | None = None, *, gaps: Gaps = "error", partial: bool = False
    ) -> StackBlocks:
        """Return what reads parts of the volume, each from the files of its planes alone.

        Parameters
        ----------
        recipe : Recipe, optional
        gaps, partial
            As in `read`.

        Raises
        ------
        SeriesError
            As for `read`.
        ArgumentError
            Values are inverted by their maximum, which no part tells.
        """
        arrangement = self._accepted(gaps, partial)
        shape, planes = self._shape_of(arrangement), self._ordered(arrangement)
        reader = PlaneReader(self._files, planes, recipe or Recipe())
        self._warn(reader.notes(arrangement.findings))
        return StackBlocks(reader, shape, arrangement.affine)

    def _accepted(self, gaps: Gaps, partial: bool) -> Arrangement:
        checked_gaps(gaps, partial)
        return accepted(self._settled(), gaps, partial, self.row())

    def _settled(self) -> Arrangement:
        """Return the arrangement, with the pixels of repeated planes compared."""
        found = settled(self._files, self._planes, self._arrangement, self._tolerance)
        if len(found) != 1:
            of_files = self._files, self._planes
            rows = [stack_of(*of_files, each, self._tolerance).row() for each in found]
            said = "planes at the same place have different pixels, which makes several stacks"
            raise error_of_stacks(said, rows)
        conflicts = [f for f in self.findings if f.code == "sop_conflict"]  # with other stacks, too
        findings = dict.fromkeys([*conflicts, *found[0].findings])
        return replace(found[0], findings=tuple(findings))

    def _ordered(self, arrangement: Arrangement) -> list[Plane | None]:
        planes = self._planes
        return [planes[k] if k >= 0 else None for k in arrangement.planes.ravel().tolist()]

    def _source_of(self, plane: Plane | None) -> PlaneSource | None:
        if plane is None:
            return None
        return PlaneSource(self._files[plane.source].source, plane.frame)

    def _warn(self, notes: Sequence[Note]) -> None:
        """Warn of oddities, but of those of headers: who opened the files was warned of them."""
        told = {note for p in self._planes for note in self._files[p.source].header.notes}
        for note in notes:
            if note.oddity and note not in told:
                warn_caller(note.text)


def stack_of(
    files: Sequence[SeriesFile],
    planes: Sequence[Plane],
    arrangement: Arrangement,
    tolerance: float,
) -> Stack:
    """Return the stack of an arrangement, which holds its own planes alone.

    Parameters
    ----------
    files : sequence of SeriesFile
    planes : sequence of Plane
        What was grouped.
    arrangement : Arrangement
        Of some of them.
    tolerance : float
        That of the grouping.
    """
    own = arrangement.planes[arrangement.planes >= 0]
    members = np.unique(np.concatenate([own, np.array(arrangement.dropped, np.int64)]))
    places = np.full(arrangement.planes.shape, -1, np.int64)
    places[arrangement.planes >= 0] = np.searchsorted(members, own)
    renumbered = replace(
        arrangement,
        planes=places,
        dropped=tuple(np.searchsorted(members, arrangement.dropped).tolist()),
    )
    return Stack(files, [planes[k] for k in members.tolist()], renumbered, tolerance)
