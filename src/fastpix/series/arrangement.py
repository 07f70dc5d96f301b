"""`Arrangement`: how planes make a volume, or several, and what is odd about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["grid", "sheared", "single_slice", "irregular", "no_geometry"]

REFUSED = {
    "missing_slices": 'pass gaps="fill" for planes of NaN, or fetch the slices that are missing',
    "irregular": "no even grid passes through the slices: read them one by one with imread",
    "uneven": "places hold different numbers of planes, and no attribute tells why",
    "incomplete": "fetch what is missing, or pass partial=True for the volumes that are complete",
    "sop_conflict": "one SOP Instance UID has different pixels: find out which file is right",
    "mosaic_unknown": "the number of slices in the mosaic is nowhere in the header",
}
"""Findings that make no volume unless the caller asks for one, and what to do then."""


WARNED = frozenset({"mixed", "detector_plane", "no_thickness", "bad_geometry"})
"""Findings that make a volume, of which a reader is warned."""


class Finding(NamedTuple):
    """Something about a stack that a reader of its volume should know.

    Attributes
    ----------
    code : str
        One word for programs; a key of `REFUSED` where reading is refused unless asked for.
    text : str
        In words, free of text from the file.
    """

    code: str
    text: str

    @property
    def is_warning(self) -> bool:
        """Whether readers are warned of it; other findings are notes of the volume."""
        return self.code in WARNED

    @property
    def is_refused(self) -> bool:
        """Whether no volume is made without being asked for."""
        return self.code in REFUSED


@dataclass(frozen=True)
class Arrangement:
    """How planes make a stack.

    Attributes
    ----------
    planes : ndarray of int64
        ``(volumes, slices)``: numbers of planes among those that were grouped. Slices ascend along
        the cross product of row and column direction. -1: a place of the grid that has no plane.
    affine : ndarray of float64 or None
        ``(4, 4)``: (slice, row, column, 1) to millimetres, LPS, centres of voxels. None: there is
        no grid.
    kind : {"grid", "sheared", "single_slice", "irregular", "no_geometry"}
        ``"sheared"`` where the gantry was tilted.
    axes : tuple of str
        Empty for a single volume; else one name of what sets the volumes apart: ``("b_value",)``.
    coords : dict of str to list
        What differs between volumes, a value for each: ``{"b_value": [0.0, 1000.0]}``.
    findings : tuple of Finding
    complete : tuple of int
        Numbers of the volumes that have all their slices.
    dropped : tuple of int
        Numbers of planes that repeat another one, and are left out.
    """

    planes: NDArray[np.int64]
    affine: NDArray[np.float64] | None
    kind: Kind
    axes: tuple[str, ...] = ()
    coords: dict[str, list[Any]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    complete: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
