"""What a job asks of a format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from fastpix.job.sample import Placed, Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage


class Writer(Protocol):
    """Writes the samples of one batch."""

    def add(self, sample: Sample) -> Placed:
        """Store a sample; what was added before it stays sound if this fails."""

    def flush(self) -> None:
        """Make all samples last; called before the batch is committed."""

    def publish(self) -> None:
        """Give files their names; called once the batch is committed, and again if need be."""

    def discard(self) -> None:
        """Remove what was written: another run has committed this batch, or this one failed."""


class Format(Protocol):
    """A way to store samples.

    Attributes
    ----------
    name : str
        What ``format=`` takes.
    holds : {"stored", "values"}
        Whether `read` returns what `Sample.stored` was, or values that no step remains for.
    """

    name: str
    holds: str

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> Writer:
        """Return a writer for a batch.

        Parameters
        ----------
        storage : Storage
        batch : str
            Its id.
        attempt : str
            Unique to this attempt at the batch.
        settings : Settings
        """

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:
        """Return the array of a row of the manifest.

        Parameters
        ----------
        storage : Storage
        row : dict
            With ``file``, ``offset``, ``length``, ``shape`` and ``dtype`` of what is stored.
        verify : bool
            Hold the bytes against ``checksum``; their length is always checked.

        Raises
        ------
        FastpixError
            The file is damaged, or no longer what the manifest says.
        """


class InBlocks(Protocol):
    """A format that reads a part of an array without the rest."""

    def read_block(
        self, storage: Storage, row: dict[str, Any], starts: Sequence[int], stops: Sequence[int]
    ) -> NDArray[Any] | None:
        """Return a part of the array of a row, C-contiguous; None where all has to be read.

        Parameters
        ----------
        storage : Storage
        row : dict
            As for `Format.read`.
        starts, stops : sequence of int
            Along each axis, within the array.

        Raises
        ------
        FastpixError
            The file is damaged, or no longer what the manifest says.
        """
