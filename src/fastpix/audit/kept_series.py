"""Which series of a source are looked at for their geometry: those with the lowest ranks, whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastpix.audit.sampling import LowestSeries
from fastpix.job.items import SourceFile

MOST_SERIES = 50
"""Series of a source whose geometry is looked at, at most."""

_MOST_FILES = 4096  # of a series: a longer one is left out


@dataclass(slots=True)
class KeptSeries:
    """The files of the series with the lowest ranks.

    A series that is kept at the end was kept from its first file on, in each batch: the rank above
    which series are dropped only falls. So which ones are kept, and all of their files, depends
    neither on the order of files nor on how they came in batches. Each of these files takes some
    hundred bytes, in the driver too.

    Attributes
    ----------
    size, seed : int
        How many series are kept.
    """

    size: int
    seed: int
    _lowest: LowestSeries = field(init=False)
    _files: dict[str, list[tuple[str, SourceFile]]] = field(default_factory=dict)
    _too_long: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._lowest = LowestSeries(self.size, self.seed)

    def offer(self, file: SourceFile, name: str, series: str) -> None:
        """Take a file, if its series is one that is kept.

        Parameters
        ----------
        file : SourceFile
        name, series : str
            Keyed hashes.
        """
        if series and self._keeps(series):  # without one, nothing tells which belong together
            self._extend(series, [(name, file)])

    def __iadd__(self, other: KeptSeries) -> KeptSeries:
        """Take the files of another, of the series that are kept."""
        for series in other._lowest.ranks:
            if self._keeps(series):
                if series in other._too_long:
                    self._too_long.add(series)
                self._extend(series, other._files.get(series, []))
        return self

    def series(self) -> list[list[SourceFile]]:
        """Return the files of each series, in an order that their names decide."""
        return [
            [file for _, file in sorted(self._files[each])]
            for each in self._lowest.ordered()
            if each in self._files
        ]

    def _keeps(self, series: str) -> bool:
        is_kept, dropped = self._lowest.take(series)
        if dropped is not None:
            self._files.pop(dropped, None)
            self._too_long.discard(dropped)
        return is_kept

    def _extend(self, series: str, files: list[tuple[str, SourceFile]]) -> None:
        kept = self._files.setdefault(series, [])
        kept += files
        if len(kept) > _MOST_FILES or series in self._too_long:
            self._too_long.add(series)
            del self._files[series]
