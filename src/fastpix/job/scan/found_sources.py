"""`Sources`: where the files of a job come from, before they are looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from fastpix.job.items import SourceFile
from fastpix.job.scan.walking import Walk


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the files of a job come from.

    Attributes
    ----------
    root_mode : {"source", "sources", "given", "absolute"}
        What relative paths are relative to: the one source; the folder of each of several, with its
        name; the root that was given; nothing.
    roots : tuple of str
        Absolute paths, or URLs, of these; none where paths are relative to nothing.
    """

    root_mode: str
    _parts: list[Callable[[Walk], Iterable[SourceFile]]] = field(default_factory=list)
    _skipped: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()

    def files(self) -> Iterator[SourceFile]:
        """Yield the files as they are found; they are looked for anew each time."""
        # What is to be skipped may not have been there when the sources were opened.
        walk = Walk(self._skipped)
        return chain.from_iterable(part(walk) for part in self._parts)
