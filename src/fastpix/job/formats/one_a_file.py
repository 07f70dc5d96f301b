"""What formats with a file for each sample share: writing under hidden names, and sidecars."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from fastpix.job.formats.sample_bytes import crc32
from fastpix.job.sample import Placed, Sample
from fastpix.job.storage.storage_protocol import NewFile, Storage

Encode = Callable[[Sample], dict[str, bytes]]
"""Files of a sample by key; the first has the array."""


class FileWriter:
    """Writes the files of each sample; they are named once the batch is committed.

    Parameters
    ----------
    storage : Storage
    attempt : str
    encode : callable
    """

    def __init__(self, storage: Storage, attempt: str, encode: Encode) -> None:
        self._storage = storage
        self._attempt = attempt
        self._encode = encode
        self._files: list[NewFile] = []

    def add(self, sample: Sample) -> Placed:
        """Store a sample: see `Writer.add`."""
        contents = self._encode(sample)
        written: list[NewFile] = []
        try:
            for key, data in contents.items():
                file = self._storage.new_file(key, self._attempt)
                written.append(file)
                file.write(data)
                file.flush()  # now, since so many files cannot be kept open
        except BaseException:
            for file in written:
                file.discard()
            raise
        self._files += reversed(written)  # the array is published last
        key, data = next(iter(contents.items()))
        return Placed(key, 0, len(data), crc32(data))

    def flush(self) -> None:
        """Each file has been flushed by `add`."""

    def publish(self) -> None:
        """Give files their names: see `Writer.publish`."""
        for file in self._files:
            file.publish()

    def discard(self) -> None:
        """Remove files: see `Writer.discard`."""
        for file in self._files:
            file.discard()


def facts_of(sample: Sample) -> dict[str, Any]:
    """Return the row of a sample as strict JSON can hold it, without empty columns.

    Parameters
    ----------
    sample : Sample
    """
    facts: dict[str, Any] = {"name": sample.name}
    facts |= {key: value for key, value in sample.row.items() if value is not None}
    facts["steps"] = json.loads(sample.remaining.to_json())
    if sample.affine is not None:
        facts["affine"] = sample.affine.tolist()
    strict: dict[str, Any] = _strict(facts)
    return strict


def sidecar(sample: Sample, how_to_open: str, applied: bool, **more: Any) -> bytes:
    """Return a JSON that explains a file to the person who opens it.

    Parameters
    ----------
    sample : Sample
    how_to_open : str
        In words.
    applied : bool
        The file has values: the steps are done.
    **more
        What the format has to add.
    """
    facts = facts_of(sample)
    steps = facts.pop("steps")
    shown = {
        "how_to_open": how_to_open,
        "steps_applied" if applied else "steps_that_remain": steps,
        **more,
        **facts,
    }
    return json.dumps(shown, indent=2, allow_nan=False).encode() + b"\n"


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _strict(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
