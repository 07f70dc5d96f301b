"""``NAME.npz`` with the values of an image as ``pixels``, and ``NAME.json``: for small jobs."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.job.formats.one_a_file import Encoded, FileWriter
from fastpix.job.formats.stored_bytes import damaged, read_bytes
from fastpix.job.sample import Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage

ARRAY_KEY = "pixels"


class _Npz:
    holds = "values"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> FileWriter:
        """Return a writer of a file for each sample."""
        del batch
        save = np.savez_compressed if settings.compress == "zstd" else np.savez

        def encode(sample: Sample) -> Encoded:
            values = sample.remaining.values(sample.stored)
            stream = io.BytesIO()
            save(stream, **{ARRAY_KEY: values})
            words = (
                f'numpy.load("{sample.name}.npz")["{ARRAY_KEY}"]: {values.dtype.name}, in '
                f"{sample.row.get('unit') or 'no unit'}; the steps below have been applied"
            )
            facts = {"values_dtype": values.dtype.name}
            return Encoded(".npz", stream.getvalue(), words, facts)

        return FileWriter(storage, attempt, encode)

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:
        """Return the array of a row."""
        data = read_bytes(storage, row, verify)
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                values: NDArray[Any] = arrays[ARRAY_KEY]
        except (ValueError, KeyError, OSError, zipfile.BadZipFile, EOFError) as error:
            raise damaged(row, "it is no sound npz file") from error
        if values.shape != tuple(row["shape"]):
            raise damaged(row, "it holds another array")
        return values


FORMAT = _Npz()
