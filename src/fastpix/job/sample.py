"""What a format stores: one image or volume, and where it was put."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.job.remaining import Remaining


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One image or volume of a cache.

    Attributes
    ----------
    name : str
        32 hex digits, and for the volumes of a series ``-0``, ``-1``: a file name on any system.
    stored : ndarray
        Step 3's integers (or float data as stored, or RGB), C-contiguous, in native byte order:
        ``(rows, columns)``, ``(frames, rows, columns)``, ``(slices, rows, columns)``,
        ``(volumes, slices, rows, columns)``, colour with a last axis of 3.
    remaining : Remaining
        The steps that make values of them.
    affine : ndarray of float64 or None
        ``(4, 4)``, LPS, for index (slice, row, column, 1); None without a grid.
    row : dict
        The row of the manifest so far; sidecars show it.
    """

    name: str
    stored: NDArray[Any]
    remaining: Remaining
    affine: NDArray[np.float64] | None = None
    row: dict[str, Any] = field(default_factory=dict)


class Placed(NamedTuple):
    """Where the bytes of a sample are.

    Attributes
    ----------
    file : str
        Relative to the cache, with ``/``.
    offset, length : int
        Of its bytes in the file.
    checksum : int
        CRC-32 of these bytes.
    """

    file: str
    offset: int
    length: int
    checksum: int
