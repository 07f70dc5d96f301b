"""A ``.npz`` of values for each sample, with a sidecar: for small jobs, and for people."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.formats.one_a_file import FileWriter, sidecar
from fastpix.job.formats.sample_bytes import damaged, read_bytes
from fastpix.job.sample import Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage


class NpzFiles:
    """Values under the key ``pixels``; compressed by deflate, which numpy alone can read."""

    name = "npz"
    holds = "values"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> FileWriter:  # noqa: ARG002
        """Return a writer: see `Format.writer`."""
        save = np.savez if settings.compress == "none" else np.savez_compressed

        def encode(sample: Sample) -> dict[str, bytes]:
            file = io.BytesIO()
            save(file, pixels=sample.remaining.values(sample.stored))
            how = f'numpy.load("{sample.name}.npz")["pixels"] gives the values, in `unit`'
            return {
                f"{sample.name}.npz": file.getvalue(),
                f"{sample.name}.json": sidecar(sample, how, applied=True),
            }

        return FileWriter(storage, attempt, encode)

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:  # noqa: ARG002
        """Return the array of a row: see `Format.read`."""
        data = read_bytes(storage, row, verify=True)  # another run may have written it
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                values: NDArray[Any] = file["pixels"]
        except (ValueError, KeyError, OSError, EOFError, TypeError, AttributeError,
                zipfile.BadZipFile, zlib.error, NotImplementedError) as error:  # fmt: skip
            raise damaged(row, error) from error
        if values.shape != tuple(row["shape"]):
            raise damaged(row, f"{values.shape}, not {tuple(row['shape'])}")
        return values
