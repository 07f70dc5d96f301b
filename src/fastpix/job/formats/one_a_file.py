"""A file for each sample, and beside it what a person needs who opens it by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from fastpix.job.formats.stored_bytes import checksum_of
from fastpix.job.sample import Placed, Sample
from fastpix.job.storage.storage_protocol import NewFile, Storage


class Encoded(NamedTuple):
    """A sample as a file has it.

    Attributes
    ----------
    ending : str
        Of the name of its file.
    data : bytes
    words : str
        How to open it, and what it holds; empty: there is no sidecar.
    facts : dict
        For the sidecar, besides the row.
    """

    ending: str
    data: bytes
    words: str = ""
    facts: dict[str, Any] = {}  # noqa: RUF012 (never changed)


class FileWriter:
    """Writes a file for each sample, whole or not at all.

    Files get their names before the batch is committed: they are the same whichever attempt has
    written them, and readers find them through the manifest alone.

    Parameters
    ----------
    storage : Storage
    attempt : str
    encode : callable
        Makes the file of a sample.
    """

    def __init__(
        self, storage: Storage, attempt: str, encode: Callable[[Sample], Encoded]
    ) -> None:
        self._storage = storage
        self._attempt = attempt
        self._encode = encode
        self._files: list[NewFile] = []

    def add(self, sample: Sample) -> Placed:
        """Write a sample under a name that nothing finds."""
        encoded = self._encode(sample)
        key = sample.name + encoded.ending
        placed = Placed(key, 0, len(encoded.data), checksum_of(encoded.data))
        self._write(key, encoded.data)
        if encoded.words:
            said = {"about": encoded.words, **encoded.facts, **sample.row, **placed._asdict()}
            steps = sample.row.get("steps")
            said["steps"] = json.loads(steps) if steps else None
            self._write(f"{sample.name}.json", readable(said))
        return placed

    def _write(self, key: str, data: bytes) -> None:
        file = self._storage.new_file(key, self._attempt)
        self._files.append(file)
        file.write(data)

    def flush(self) -> None:
        """Make all files last, and give them their names."""
        for file in self._files:
            file.flush()
        for file in self._files:
            file.publish()

    def publish(self) -> None:
        """Do nothing: files have their names."""

    def discard(self) -> None:
        """Remove what has no name yet."""
        for file in self._files:
            file.discard()


def readable(facts: dict[str, Any]) -> bytes:
    """Return facts as strict JSON that a person reads, without what is empty.

    Parameters
    ----------
    facts : dict
    """
    kept = {key: _strict(value) for key, value in facts.items() if value is not None}
    return (json.dumps(kept, indent=1, allow_nan=False) + "\n").encode()


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strict(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return list(map(_strict, value))
    return None if isinstance(value, float) and not math.isfinite(value) else value
