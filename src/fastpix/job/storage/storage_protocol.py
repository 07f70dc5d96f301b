"""What a job asks of the place where a cache lies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """A file of a cache.

    Attributes
    ----------
    key : str
        Relative to the cache, with ``/``.
    size : int
    modified : float
        Seconds since 1970.
    """

    key: str
    size: int
    modified: float


class NewFile(Protocol):
    """A file that is being written. Nobody else sees it under its key until it is published."""

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""

    def tell(self) -> int:
        """Return how many bytes have been written."""

    def flush(self) -> None:
        """Make all that was written last through a power failure; nothing is written after it."""

    def publish(self) -> None:
        """Give the file its key, once it is flushed; it replaces what had it."""

    def discard(self) -> None:
        """Remove what was written; nothing happens after `publish`."""


class Storage(Protocol):
    """A folder, or a prefix of an object store; keys are relative, with ``/``."""

    def create(self, key: str, data: bytes) -> bool:
        """Write a file unless its key is taken; whole, and lasting when this returns.

        Returns
        -------
        bool
            False where the key is taken: what it holds is left as it is.
        """

    def replace(self, key: str, data: bytes) -> None:
        """Write a file, in place of what has its key: readers see the old one or the new one."""

    def new_file(self, key: str, attempt: str) -> NewFile:
        """Begin a file whose size is not known.

        Parameters
        ----------
        key : str
            Its key once it is published.
        attempt : str
            Unique to this attempt: what is not published yet is found again by key and attempt.
        """

    def unpublished(self, key: str, attempt: str) -> NewFile | None:
        """Return a flushed file that a run which died has not published; None if there is none."""

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file, or all; fewer where it ends.

        Raises
        ------
        FileNotFoundError
        """

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Yield the files whose keys begin with `prefix`, hidden ones included."""

    def remove(self, key: str) -> None:
        """Remove a file, if it is there."""
