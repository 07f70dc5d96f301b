"""`Masks`: which voxels of a volume belong to which label."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from operator import index
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.image.limits import MAX_VOLUME_BYTES, check_size
from fastpix.notes import Note

_LARGEST = 2**16 - 1  # that a label map can hold
_FEWER = "choose fewer labels with names=, or raise max_bytes="


class Box(NamedTuple):
    """A part of a mask; outside of it, the mask is False.

    Attributes
    ----------
    start : (int, int, int)
        Slice, row and column of the volume where it begins.
    array : ndarray of bool
        ``(slice, row, column)``.
    """

    start: tuple[int, int, int]
    array: NDArray[np.bool_]

    def of(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the view of an array ``(slice, row, column)`` of the whole volume."""
        spans = (slice(at, at + n) for at, n in zip(self.start, self.array.shape, strict=True))
        return array[tuple(spans)]


EMPTY = Box((0, 0, 0), np.zeros((0, 0, 0), np.bool_))


def trimmed(start: Iterable[int], array: NDArray[np.bool_]) -> Box:
    """Return the smallest box that has all True voxels of an array that begins at `start`."""
    begin = list(start)
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(array.any(axis=others))
        if not len(filled):
            return EMPTY
        first, last = int(filled[0]), int(filled[-1])
        array = array[(slice(None),) * axis + (slice(first, last + 1),)]
        begin[axis] += first
    return Box((begin[0], begin[1], begin[2]), array.copy())


def within_limit(boxes: Iterable[Box], max_bytes: int) -> list[Box]:
    """Return boxes as a list.

    Raises
    ------
    PixelDataError
        Together they take more than `max_bytes`.
    """
    kept: list[Box] = []
    for box in boxes:
        kept.append(box)
        check_size(sum(each.array.size for each in kept), max_bytes, "the masks take", _FEWER)
    return kept


@dataclass(frozen=True, eq=False)
class Masks:
    """Labels on the voxels of a volume.

    ``masks[0]`` and ``masks["Liver"]`` are masks of one label, ``(slice, row, column)`` of bool, as
    the volume has them. Each is made when it is asked for: what is kept is the box around each
    label, so that a hundred labels on a large volume take little memory.

    Attributes
    ----------
    names : tuple of str
        Segment Label, or ROI Name, of each label.
    numbers : tuple of int
        Segment Number, or ROI Number, of each label.
    shape : (int, int, int)
        Slices, rows and columns of the volume.
    affine : ndarray of float64
        ``(4, 4)``, that of the volume: (slice, row, column, 1) to millimetres, LPS.
    notes : tuple of Note
        Without the text of the file.
    boxes : tuple of Box
        The part of each mask that has all its True voxels.
    max_bytes : int
        What `array` may take.
    """

    names: tuple[str, ...]
    numbers: tuple[int, ...]
    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    notes: tuple[Note, ...] = ()
    boxes: tuple[Box, ...] = field(default=(), repr=False)
    max_bytes: int = field(default=MAX_VOLUME_BYTES, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[NDArray[np.bool_]]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, label: int | str) -> NDArray[np.bool_]:
        """Return the mask of one label, new: by index, or by a name that one label has."""
        if isinstance(label, str):
            if self.names.count(label) != 1:
                many = "several labels have" if label in self.names else "no label has"
                raise KeyError(f"{many} the name {label!r}: the names are {self.names}")
            label = self.names.index(label)
        box = self.boxes[index(label)]
        mask = np.zeros(self.shape, np.bool_)
        box.of(mask)[:] = box.array
        return mask

    @cached_property
    def array(self) -> NDArray[np.bool_]:
        """All masks, ``(label, slice, row, column)``; made when first asked for, and kept.

        Raises
        ------
        PixelDataError
            It takes more than the `max_bytes` of `read_masks`.
        """
        whole = (len(self), *self.shape)
        remedy = f"take one at a time (masks[0]), or masks.label_map(); {_FEWER}"
        check_size(math.prod(whole), self.max_bytes, "the masks take", remedy)
        masks = np.zeros(whole, np.bool_)
        for mask, box in zip(masks, self.boxes, strict=True):
            box.of(mask)[:] = box.array
        return masks

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
        result = np.zeros(self.shape, np.uint8 if max(numbers, default=0) < 256 else np.uint16)
        for number, box in zip(numbers, self.boxes, strict=True):
            part = box.of(result)
            if (taken := part[box.array]).any():
                raise self._overlap(int(taken.max()), number, int(np.count_nonzero(taken)))
            part[box.array] = number
        return result

    def _overlap(self, number: int, other: int, voxels: int) -> FastpixError:
        names = [self.names[self.numbers.index(each)] for each in (number, other)]
        said = f"label {other} overlaps label {number} or others in {voxels} voxels"
        rest = (
            ", and a label map holds one label a voxel: use `array`, or choose labels that do not "
            "overlap with names="
        )
        return FastpixError(f"{said} ({names[1]!r}, {names[0]!r}){rest}", said + rest)
