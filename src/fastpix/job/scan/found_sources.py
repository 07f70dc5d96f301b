"""`Sources`: where the files of a job come from, before they are looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from fastpix.job.items import SourceFile


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the files of a job come from.

    Attributes
    ----------
    root_mode : {"source", "sources", "given", "absolute"}
        What relative paths are relative to: the one source; the folder of each of several, with its
        name; the root that was given; nothing.
    """

    root_mode: str
    _parts: list[Callable[[], Iterable[SourceFile]]] = field(default_factory=list)

    def files(self) -> Iterator[SourceFile]:
        """Yield the files as they are found."""
        return chain.from_iterable(part() for part in self._parts)
