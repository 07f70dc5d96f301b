"""A Zarr array, version 3, for each sample: one shard of chunks, and its ``zarr.json``."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import FastpixError
from fastpix.job.formats.one_a_file import FileWriter, facts_of
from fastpix.job.formats.sample_bytes import check_array, damaged, is_color, read_bytes
from fastpix.job.sample import Sample
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage

_CHUNK = (16, 64, 64)
_METADATA = "zarr.json"


class ZarrArrays:
    """Stored integers; the row and the steps that remain are the attributes."""

    name = "zarr"
    holds = "stored"

    def writer(self, storage: Storage, batch: str, attempt: str, settings: Settings) -> FileWriter:  # noqa: ARG002
        """Return a writer: see `Format.writer`."""

        def encode(sample: Sample) -> dict[str, bytes]:
            return _files(sample, settings.compress)

        return FileWriter(storage, attempt, encode)

    def read(self, storage: Storage, row: dict[str, Any], verify: bool = False) -> NDArray[Any]:  # noqa: ARG002
        """Return the array of a row: see `Format.read`."""
        shard = read_bytes(storage, row, verify=True)  # another run may have written it
        folder, _, inside = row["file"].partition("/")
        zarr = _zarr()
        from zarr.core.buffer import default_buffer_prototype

        buffer = default_buffer_prototype().buffer.from_bytes
        try:
            metadata = storage.read(f"{folder}/{_METADATA}")
            facts = json.loads(metadata)
            if facts["shape"] != list(row["shape"]):  # before memory is asked for
                raise damaged(row, f"{facts['shape']}, not {list(row['shape'])}")
            store = zarr.storage.MemoryStore({_METADATA: buffer(metadata), inside: buffer(shard)})
            array = np.ascontiguousarray(zarr.open_array(store, mode="r")[...])
        except FileNotFoundError as error:
            raise FastpixError(f"{folder}/{_METADATA} is missing from the cache") from error
        except FastpixError:
            raise
        except (ValueError, TypeError, KeyError, RuntimeError, OSError, IndexError) as error:
            raise damaged(row, error) from error
        return check_array(array, row)


def _files(sample: Sample, compress: str) -> dict[str, bytes]:
    zarr = _zarr()
    stored = sample.stored
    color = is_color(sample)
    space = _CHUNK[-min(3, stored.ndim - color) :]
    ahead = stored.ndim - color - len(space)
    wanted = (1,) * ahead + space + (3,) * color
    chunks = tuple(min(n, most) for n, most in zip(stored.shape, wanted, strict=True))
    shard = tuple(-(-n // k) * k for n, k in zip(stored.shape, chunks, strict=True))
    compressors = None
    if compress != "none":
        compressors = zarr.codecs.BloscCodec(
            cname=compress,
            clevel=1,
            typesize=stored.itemsize,
            shuffle="bitshuffle" if compress == "zstd" else "shuffle",
        )
    store = zarr.storage.MemoryStore()
    array = zarr.create_array(
        store, shape=stored.shape, dtype=stored.dtype, chunks=chunks, shards=shard,
        compressors=compressors, attributes={"fastpix": facts_of(sample)},
        config={"write_empty_chunks": True},
    )  # fmt: skip
    array[...] = stored
    found = {key: value.to_bytes() for key, value in store._store_dict.items()}
    inside = next(key for key in found if key != _METADATA)
    folder = f"{sample.name}.zarr"
    # The shard first: it is what the row of the manifest leads to.
    return {f"{folder}/{inside}": found[inside], f"{folder}/{_METADATA}": found[_METADATA]}


def _zarr() -> Any:
    try:
        import zarr
    except ModuleNotFoundError as error:
        raise ImportError("format='zarr' needs zarr: pip install 'fastpix[zarr]'") from error
    return zarr
