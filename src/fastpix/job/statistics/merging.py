"""Statistics of groups as bytes, for the metadata of a part of the manifest, and their sums."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.statistics.group_counts import Group, GroupCounts
from fastpix.job.statistics.group_statistics import GroupStatistics, statistics_of
from fastpix.job.statistics.moments import FloatMoments, IntegerMoments

_MAGIC = b"fpstats1"
_MOST_BYTES = 1 << 28  # what a part may inflate to
_SIZES = ("u1", "<u2", "<u4", "<i8")


class Statistics:
    """Statistics of any number of samples, by group."""

    def __init__(self) -> None:
        self.groups: dict[Group, GroupCounts] = {}

    def group(self, group: tuple[str, str, str, str]) -> GroupCounts:
        """Return the counts of a group, none at first."""
        key = Group(*group)
        counts = self.groups.get(key)
        if counts is None:
            counts = self.groups[key] = GroupCounts()
        return counts

    def add(self, other: Statistics) -> None:
        """Add the statistics of other samples."""
        for group, counts in other.groups.items():
            self.group(group).add(counts)

    @classmethod
    def merge(cls, parts: Iterable[bytes]) -> Statistics:
        """Return the sum of parts.

        The order of parts makes no difference, except for the last bits of mean and standard
        deviation where values are not integers.

        Parameters
        ----------
        parts : iterable of bytes
            What `to_bytes` has returned.

        Raises
        ------
        FastpixError
            A part is damaged, or of another version.
        """
        merged = cls()
        for part in parts:
            merged.add(cls.from_bytes(part))
        return merged

    def results(self) -> list[GroupStatistics]:
        """Return the statistics of each group, those with most images first."""
        found = [statistics_of(group, counts) for group, counts in self.groups.items()]
        return sorted(found, key=lambda result: (-result.images, result.group))

    def to_bytes(self) -> bytes:
        """Return the statistics in a compact form, which has a version; `from_bytes` reads it."""
        heads = []
        arrays: list[bytes] = []
        for group, counts in self.groups.items():
            values, often = counts.histogram.integers()
            used, of_bins = counts.histogram.floats()
            heads.append(
                {
                    "group": list(group),
                    "pixels": [counts.images, counts.padding, counts.nans],
                    "integers": _of_integers(counts.integers),
                    "floats": _of_floats(counts.floats),
                    "many": counts.histogram.has_many,
                    "first": [
                        int(values[0]) if values.size else 0,
                        int(used[0]) if used.size else 0,
                    ],
                    "arrays": [
                        [array.size, _pack(array, arrays)]
                        for array in (np.diff(values), often, np.diff(used), of_bins)
                    ],
                }
            )
        head = json.dumps(heads, separators=(",", ":")).encode()
        return _MAGIC + zlib.compress(b"".join([struct.pack("<I", len(head)), head, *arrays]), 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> Statistics:
        """Return the statistics that `to_bytes` has written.

        Raises
        ------
        FastpixError
            The bytes are damaged, or of another version.
        """
        if data[: len(_MAGIC)] != _MAGIC:
            raise FastpixError("statistics of a version that is not known: update fastpix")
        try:
            return cls._from_bytes(data[len(_MAGIC) :])
        except (zlib.error, struct.error, ValueError, KeyError, TypeError, IndexError) as error:
            raise FastpixError("statistics of a part of the manifest are damaged") from error

    @classmethod
    def _from_bytes(cls, data: bytes) -> Statistics:
        inflater = zlib.decompressobj()
        plain = inflater.decompress(data, _MOST_BYTES)
        if not inflater.eof:
            raise ValueError("cut, or too long")
        (length,) = struct.unpack_from("<I", plain)
        place = struct.calcsize("<I") + length
        statistics = cls()
        for head in json.loads(plain[place - length : place]):
            arrays = []
            for size, kind in head["arrays"]:
                array = np.frombuffer(plain, _SIZES[kind], size, place)
                arrays.append(array.astype(np.int64))
                place += array.nbytes
            counts = statistics.group(Group(*head["group"]))
            counts.images, counts.padding, counts.nans = head["pixels"]
            counts.integers = IntegerMoments(*map(int, head["integers"]))
            count, *numbers = head["floats"]
            counts.floats = FloatMoments(int(count), *map(float.fromhex, numbers))
            first_value, first_bin = head["first"]
            histogram = counts.histogram
            if arrays[3].size:
                used = _undone(first_bin, arrays[2])
                histogram.add_floats(used, arrays[3], has_many=bool(head["many"]))
            if arrays[1].size:
                histogram.add_integers(_undone(first_value, arrays[0]), arrays[1])
        return statistics


def _of_integers(moments: IntegerMoments) -> list[int]:
    return [moments.count, moments.total, moments.squares, moments.low, moments.high]


def _of_floats(moments: FloatMoments) -> list[Any]:
    # In hexadecimal: strict JSON has no infinity, which a spread can come to.
    numbers = (moments.mean, moments.spread, moments.low, moments.high)
    return [moments.count, *(float(number).hex() for number in numbers)]


def _pack(array: NDArray[np.int64], into: list[bytes]) -> int:
    """Append the bytes of positive integers, as narrow as they go; return which of `_SIZES`."""
    largest = int(array.max()) if array.size else 0
    kind = (largest > 0xFF) + (largest > 0xFFFF) + (largest > 0xFFFFFFFF)
    into.append(array.astype(_SIZES[kind]).tobytes())
    return kind


def _undone(first: int, steps: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(np.concatenate([np.array([first], np.int64), steps]))
