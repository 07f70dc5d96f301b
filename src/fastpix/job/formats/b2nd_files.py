"""A ``.b2nd`` for each sample: an array of blosc2, in blocks that patches are read from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from fastpix.job.formats.blosc2_frames import frame_of, read_frame
from fastpix.job.formats.blosc2_parts import read_part
from fastpix.job.formats.one_a_file import FileWriter, facts_of
from fastpix.job.sample import Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.local_storage import LocalStorage
from fastpix.job.storage.storage_protocol import Storage


class B2ndFiles:
    """Stored integers; the row and the steps that remain are in ``vlmeta["fastpix"]``."""

    name = "b2nd"
    holds = "stored"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> FileWriter:  # noqa: ARG002
        """Return a writer: see `Format.writer`."""

        def encode(sample: Sample) -> dict[str, bytes]:
            frame = frame_of(sample.stored, facts_of(sample), settings.compress, whole=False)
            return {f"{sample.name}.b2nd": frame}

        return FileWriter(storage, attempt, encode)

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:  # noqa: ARG002
        """Return the array of a row: see `Format.read`."""
        return read_frame(storage, row)

    def read_block(
        self, storage: Storage, row: dict[str, Any], starts: Sequence[int], stops: Sequence[int]
    ) -> NDArray[Any] | None:
        """Return a part of the array of a row: see `InBlocks.read_block`."""
        if not isinstance(storage, LocalStorage):
            return None
        return read_part(storage, row, starts, stops)
