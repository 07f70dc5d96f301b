"""`Pending`: what of a source is to be done, and what the manifest has already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from fastpix.job.counts import Counts
from fastpix.job.items import Item, SourceFile
from fastpix.job.known import FAILED, PRESENT, Known
from fastpix.job.scan.sharding import in_shard
from fastpix.job.scan.source_locations import BETWEEN

_LOOKED_UP = 1024  # items at a time


class Pending:
    """Looks items up in what is known, and counts what needs not be done.

    Parameters
    ----------
    known : Known
    shard : (int, int) or None
        The items of shard i of n alone.

    Attributes
    ----------
    found : int
        Files so far.
    is_scanned : bool
        Whether all have been found.
    counts : Counts
        Of the files that are not done again.
    """

    def __init__(self, known: Known, shard: tuple[int, int] | None) -> None:
        self._known = known
        self._shard = shard
        self._is_listed = True  # nothing that could not be looked at: what it held has not vanished
        self.found = 0
        self.is_scanned = False
        self.counts = Counts()

    @property
    def is_whole(self) -> bool:
        """Whether all files of the source have been looked up: others have vanished."""
        return self.is_scanned and self._is_listed and self._shard is None

    def counted(self, files: Iterable[SourceFile]) -> Iterator[SourceFile]:
        """Yield files as they are found.

        Parameters
        ----------
        files : iterable of SourceFile
        """
        for file in files:
            self.found += 1
            if not (file.size or file.stamp) or file.location.endswith(BETWEEN):
                self._is_listed = False  # a folder or an archive stands for what it holds
            yield file

    def of(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items that are to be done, in their order.

        Parameters
        ----------
        items : iterable of Item
        """
        rest = iter(items)
        while some := list(islice(rest, _LOOKED_UP)):
            if self._shard is not None:
                index, count = self._shard
                some = [item for item in some if in_shard(item.name, index, count)]
            known = self._known.look_up([item.name for item in some], [item.state for item in some])
            for item, what in zip(some, known.tolist(), strict=True):
                if what == PRESENT:
                    self.counts.present += len(item.files)
                elif what == FAILED:
                    self.counts.known_failures += len(item.files)
                else:
                    yield item
        self.is_scanned = True
