"""Files of two sources that have the same names: the copy of one would be taken for the other's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from fastpix.errors import ArgumentError
from fastpix.job.items import SourceFile
from fastpix.job.known import Known
from fastpix.job.live_rows import name_numbers
from fastpix.pseudonyms import Names


class OtherSources:
    """Refuses files whose names are those of files of another source that is still there.

    A folder of copies keeps no list of paths. It does keep in mind, in DST.work, which roots it was
    made of; where a file lies below one follows from its relative path.

    Parameters
    ----------
    roots : sequence of str
        The other ones.
    known : Known
        What copies there are.
    names : Names
    """

    def __init__(self, roots: Sequence[str], known: Known, names: Names) -> None:
        self._roots = roots
        self._known = frozenset(known.numbers.tolist()) if roots else frozenset()
        self._names = names

    def checked(self, files: Iterable[SourceFile]) -> Iterator[SourceFile]:
        """Yield files, as long as none has the name of another file.

        Parameters
        ----------
        files : iterable of SourceFile

        Raises
        ------
        ArgumentError
        """
        for file in files:
            if self._known:
                self._check(file)
            yield file

    def _check(self, file: SourceFile) -> None:
        (number,) = name_numbers([self._names.of_path(file.relative)]).tolist()
        if number not in self._known:
            return
        for root in self._roots:
            # Below the root, or, of several sources, below the folder that it lies in.
            for place in (os.path.join(root, file.relative),
                          os.path.join(os.path.dirname(root), file.relative)):  # fmt: skip
                if _is_another(place, file.location):
                    raise ArgumentError(
                        "dst",
                        "these copies were made of another source, which is still there and has "
                        "files of the same names, so that files of this one would be taken for "
                        "them. De-identify into another folder, or both sources into a new one "
                        "with a root that holds both (--root). Only if this source takes the place "
                        "of the other: move that one away first",
                    )


def _is_another(place: str, location: str) -> bool:
    try:
        return not os.path.samefile(place, location)
    except (OSError, ValueError):  # one is not there, or no file of this machine
        return os.path.isfile(place)
