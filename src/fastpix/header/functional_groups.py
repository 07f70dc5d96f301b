"""Functional groups of frames, as the index takes them: equal ones that follow each other once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix._index import column_of, tags_of


class FrameEntries(NamedTuple):
    """What was taken of Per-Frame Functional Groups (PS3.3 C.7.6.16).

    A run has frames that follow each other and whose groups hold the same bytes.

    Attributes
    ----------
    entries : bytes
        Of each run, as `elements_of` reads them.
    ends : bytes
        Two int64 of each run: where its entries end, and how many frames have come by then.
    """

    entries: bytes = b""
    ends: bytes = b""

    def __len__(self) -> int:
        """Return the number of frames."""
        return int(self._table()[-1, 1]) if self.ends else 0

    def _table(self) -> NDArray[np.int64]:
        return np.frombuffer(self.ends, np.int64).reshape(-1, 2)

    @property
    def counts(self) -> list[int]:
        """How many frames each run has."""
        counts: list[int] = np.diff(self._table()[:, 1], prepend=0).tolist()
        return counts

    def runs(self) -> Iterator[tuple[bytes, int]]:
        """Yield the entries of each run, and its number of frames."""
        start = 0
        for end, count in zip(self._table()[:, 0].tolist(), self.counts, strict=True):
            yield self.entries[start:end], count
            start = end

    def tags(self) -> set[int]:
        """Return the tags of the groups of all frames."""
        return tags_of(self.entries)

    def column(self, sequence: int, tag: int) -> list[bytes | None] | None:
        """Return the value of an element in the only item of a sequence, for each run.

        Parameters
        ----------
        sequence : int
            Tag of the sequence, which stands in the groups.
        tag : int
            Tag of the element.

        Returns
        -------
        list of (bytes or None), or None
            None in the list: a run that lacks it. None in place of the list: the sequence has no
            item, or several.
        """
        ends = np.ascontiguousarray(self._table()[:, 0]).data
        return column_of(self.entries, ends, sequence, tag)

    def joined(self, other: FrameEntries) -> FrameEntries:
        """Return what both have taken of the same groups, as one."""
        table, others = self._table(), other._table()
        entries, ends = bytearray(), []
        for last in np.union1d(table[:, 1], others[:, 1]):
            for part, rows in ((self, table), (other, others)):
                run = int(np.searchsorted(rows[:, 1], last))
                start = rows[run - 1, 0] if run else 0
                entries += part.entries[start : rows[run, 0]]
            ends.append((len(entries), last))
        return FrameEntries(bytes(entries), np.array(ends, np.int64).tobytes())


NO_FRAMES = FrameEntries()
