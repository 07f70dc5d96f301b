"""What a job works on: files as they were found, items that are done whole, batches of items."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple


class SourceFile(NamedTuple):
    """A file as it was found.

    Attributes
    ----------
    location : str
        What opens it: a path, ``archive.zip!/member``, a URL. It may name a patient, so it is
        never kept in the output.
    relative : str
        Its path below the root of the job, with ``/``: what its name is made of.
    size : int
        Bytes.
    stamp : int
        What changes when the file does: its time of change in nanoseconds since 1970, or the
        checksum of a member of an archive.
    series : str or None
        Series Instance UID, where a list of files says so; empty: the file has none. None: it is
        in the header.
    """

    location: str
    relative: str
    size: int
    stamp: int
    series: str | None = None


class Item(NamedTuple):
    """What is converted whole or not at all: a file, or the files of a series.

    Attributes
    ----------
    name : str
        Keyed hash of the path, or of the Series Instance UID.
    state : str
        Keyed hash of the size and stamp of its files.
    files : tuple of SourceFile
    """

    name: str
    state: str
    files: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Items that one worker converts, and commits together.

    Attributes
    ----------
    generation : int
        Of the run; a later run has a higher one.
    settings : str
        Id of the settings of the cache.
    items : tuple of Item
    """

    generation: int
    settings: str
    items: tuple[Item, ...]

    @property
    def id(self) -> str:
        """32 hex digits of what is converted and how: the same batch has the same id anywhere."""
        digest = hashlib.sha256(self.settings.encode())
        for item in self.items:
            digest.update(f"\n{item.name} {item.state}".encode())
        return digest.hexdigest()[:32]

    @property
    def files(self) -> int:
        """How many source files it has."""
        return sum(len(item.files) for item in self.items)

    def __reduce__(self) -> tuple[Any, ...]:
        # As columns, it takes a quarter of the time: one process pickles for a whole cluster.
        files = [file for item in self.items for file in item.files]
        return _batch_of, (
            self.generation,
            self.settings,
            [item.name for item in self.items],
            [item.state for item in self.items],
            [len(item.files) for item in self.items],
            list(map(list, zip(*files, strict=True))),
        )


def _batch_of(
    generation: int,
    settings: str,
    names: list[str],
    states: list[str],
    counts: list[int],
    columns: list[list[Any]],
) -> Batch:
    """Return the batch of which `Batch.__reduce__` has made columns."""
    files = map(SourceFile._make, zip(*columns, strict=True))
    items = zip(names, states, counts, strict=True)
    return Batch(
        generation,
        settings,
        tuple(Item(name, state, tuple(islice(files, count))) for name, state, count in items),
    )
