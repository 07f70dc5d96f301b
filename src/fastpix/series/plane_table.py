"""`PlaneTable`: planes as columns, an array for each attribute."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.series.clusters import are_distinct, combined
from fastpix.series.plane import Plane

_FARTHEST = 1e9  # mm: no position of a patient is this large


class PlaneTable:
    """Attributes of planes as arrays, made when they are asked for.

    Parameters
    ----------
    planes : sequence of Plane
    """

    def __init__(self, planes: Sequence[Plane]) -> None:
        self.planes = planes
        columns = zip(*planes, strict=True) if planes else ((),) * len(Plane._fields)
        self._columns: dict[str, Sequence[Any]] = dict(zip(Plane._fields, columns, strict=True))
        self._numbers: dict[str, NDArray[np.float64]] = {}
        self._ranks: dict[str, tuple[NDArray[np.int64], list[Any]]] = {}

    def __len__(self) -> int:
        return len(self.planes)

    def values(self, name: str) -> Sequence[Any]:
        """Return an attribute of all planes."""
        return self._columns[name]

    def ranked(self, name: str) -> tuple[NDArray[np.int64], list[Any]]:
        """Return the rank of each plane by an attribute, and the value of each rank.

        Equal values have equal ranks; None, which stands for what the file does not say, comes
        last.
        """
        if name not in self._ranks:
            self._ranks[name] = _ranked(self._columns[name])
        return self._ranks[name]

    def ranks(self, name: str) -> NDArray[np.int64]:
        """Return the rank of each plane by an attribute."""
        return self.ranked(name)[0]

    def telling(
        self, members: NDArray[np.int64], labels: NDArray[np.int64], names: Iterable[str]
    ) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
        """Tell planes of one label apart, by one attribute after the other until none is left.

        Parameters
        ----------
        members : ndarray of int64
            Numbers of planes.
        labels : ndarray of int64
            ``(members,)``.
        names : iterable of str
            Attributes.

        Returns
        -------
        keys : list of ndarray of int64
            Ranks by the attributes that were needed.
        labels : ndarray of int64
            ``(members,)``: equal where neither the labels given nor an attribute differ.
        """
        keys: list[NDArray[np.int64]] = []
        for name in names:
            if are_distinct(labels):
                break
            keys.append(self.ranks(name)[members])
            labels = combined(labels, keys[-1])
        return keys, labels

    def numbers(self, name: str, members: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return an attribute of some planes as float64, NaN where the file does not say."""
        if name not in self._numbers:
            values = self.ranked(name)[1]
            self._numbers[name] = np.array([np.nan if v is None else v for v in values], np.float64)
        return self._numbers[name][self.ranks(name)[members]]

    def vectors(self, name: str, length: int) -> NDArray[np.float64]:
        """Return an attribute as ``(planes, length)`` float64, NaN where the file does not say."""
        ranks, values = self.ranked(name)
        nothing = (np.nan,) * length
        rows = [nothing if value is None else value for value in values]
        return np.array(rows, np.float64).reshape(len(rows), length)[ranks]

    @cached_property
    def has_repeated_uids(self) -> bool:
        """Whether two planes have the same SOP Instance UID, frame and tile."""
        if len(set(self._columns["sop_uid"])) == len(self.planes):
            return False
        keys = zip(*map(self._columns.get, ("sop_uid", "frame", "tile")), strict=True)
        return len(set(keys)) < len(self.planes)

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """``(planes, 3)``: centres of the first voxels, in millimetres, LPS."""
        return self.vectors("position", 3)

    @cached_property
    def orientations(self) -> NDArray[np.float64]:
        """``(planes, 6)``: directions of a row and of a column."""
        return self.vectors("orientation", 6)

    @cached_property
    def spacings(self) -> NDArray[np.float64]:
        """``(planes, 2)``: between rows, and between columns, in millimetres."""
        return self.vectors("spacing", 2)

    @cached_property
    def has_place(self) -> NDArray[np.bool_]:
        """``(planes,)``: the plane has a position and an orientation that can be used."""
        where = np.concatenate([self.positions, self.orientations], axis=1)
        with np.errstate(invalid="ignore"):
            usable: NDArray[np.bool_] = (np.abs(where) < _FARTHEST).all(axis=1)
        return usable


def _ranked(column: Sequence[Hashable]) -> tuple[NDArray[np.int64], list[Any]]:
    distinct = set(column)
    if len(distinct) == 1:
        return np.zeros(len(column), np.int64), list(distinct)
    values: list[Any] = sorted(value for value in distinct if value is not None)
    if None in distinct:
        values.append(None)
    rank = {value: k for k, value in enumerate(values)}
    return np.fromiter(map(rank.__getitem__, column), np.int64, len(column)), values
