"""`Masks`: which voxels of a volume belong to which label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.notes import Note

_LARGEST = 2**16 - 1  # that a label map can hold


@dataclass(frozen=True, eq=False)
class Masks:
    """Labels on the voxels of a volume.

    Attributes
    ----------
    array : ndarray of bool
        ``(segment, slice, row, column)``: the last three are those of the volume.
    names : tuple of str
        Segment Label, or ROI Name, of each mask.
    numbers : tuple of int
        Segment Number, or ROI Number, of each mask.
    affine : ndarray of float64
        ``(4, 4)``, that of the volume: (slice, row, column, 1) to millimetres, LPS.
    notes : tuple of Note
        Without the text of the file.
    """

    array: NDArray[np.bool_]
    names: tuple[str, ...]
    numbers: tuple[int, ...]
    affine: NDArray[np.float64]
    notes: tuple[Note, ...] = ()

    def label_map(self) -> NDArray[Any]:
        """Return one array with the number of the label of each voxel, and 0 where there is none.

        Returns
        -------
        ndarray of uint8 or uint16
            ``(slice, row, column)``: uint8 where all numbers are below 256.

        Raises
        ------
        FastpixError
            Labels overlap, or a number cannot stand in a label map: 0 or less, above 65535, or that
            of two labels.
        """
        numbers = self.numbers
        if wrong := [n for n in numbers if not 0 < n <= _LARGEST or numbers.count(n) > 1]:
            raise FastpixError(
                f"a label map cannot hold the number {wrong[0]} (it holds each of 1 to {_LARGEST} "
                "once, and 0 is no label): use `array`, or choose other labels with names="
            )
        dtype = np.uint8 if max(numbers, default=0) < 256 else np.uint16
        result = np.zeros(self.array.shape[1:], dtype)
        for number, mask in zip(numbers, self.array, strict=True):
            if result[mask].any():
                raise self._overlap()
            result[mask] = number
        return result

    def _overlap(self) -> FastpixError:
        """Return the error of the first two labels that overlap."""
        for k, mask in enumerate(self.array):
            for j in range(k):
                if common := int(np.count_nonzero(mask & self.array[j])):
                    said = f"labels {self.numbers[j]} and {self.numbers[k]}"
                    named = f"{said} ({self.names[j]!r} and {self.names[k]!r})"
                    rest = (
                        f" overlap in {common} voxels, and a label map holds one label a voxel: "
                        "use `array`, or choose labels that do not overlap with names="
                    )
                    return FastpixError(named + rest, said + rest)
        raise AssertionError("no two labels overlap")
