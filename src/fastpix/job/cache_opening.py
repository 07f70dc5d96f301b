"""`open_cache`: the samples of a folder or URL, by its manifest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.cache import Cache
from fastpix.job.dataset_file import is_foreign, no_cache, read_settings
from fastpix.job.live_rows import is_one_of
from fastpix.job.manifest_table import live_table
from fastpix.job.settings import Settings
from fastpix.job.source_verdicts import refuse_stale
from fastpix.job.storage import is_url, storage_at

if TYPE_CHECKING:
    import pyarrow

_SAMPLES = ("image", "volume")


def open_cache(dst: str | os.PathLike[str]) -> Cache:
    """Open what `fastpix.convert` has written; no array is read.

    Parameters
    ----------
    dst : path or URL

    Returns
    -------
    Cache

    Raises
    ------
    FastpixError
        It is no cache, or one of another version, or holds images that were made under another
        verdict than the one of their source now.
    """
    destination = os.fspath(dst)
    storage = storage_at(destination)
    settings = read_settings(storage)
    if settings is None:
        raise no_cache(destination)
    is_volumes = settings.unit == "series"
    kinds = (*_SAMPLES, "file") if is_volumes else _SAMPLES
    table = live_table(storage, settings.id, kinds=kinds, statuses=("done",))
    refuse_stale(storage, table)
    if is_volumes:
        import pyarrow as pa

        table = table.filter(pa.array(is_one_of(table.column("kind"), _SAMPLES)))
    return Cache(destination, settings, _without_duplicates(table, settings))


def is_cache(path: str | os.PathLike[str]) -> bool:
    """Whether a folder or URL holds a cache.

    Parameters
    ----------
    path : path or URL

    Raises
    ------
    FastpixError
        It holds one of another version, or one that is damaged.
    """
    place = os.fspath(path)
    if not is_url(place) and not os.path.isdir(place):
        return False
    try:
        storage = storage_at(place)
    except ArgumentError:  # a URL that only files are read from
        return False
    try:
        return read_settings(storage) is not None
    except FastpixError:
        if is_foreign(storage):
            return False
        raise


def _without_duplicates(table: pyarrow.Table, settings: Settings) -> pyarrow.Table:
    if settings.duplicates == "keep" or settings.unit != "file":
        return table
    repeated = duplicates_in(table)
    if not repeated:
        return table
    if settings.duplicates == "error":
        raise FastpixError(
            f"{len(repeated)} images have the SOP Instance UID of another: leave them out of the "
            f"source, or convert with duplicates='first'"
        )
    kept = np.ones(len(table), np.bool_)
    kept[repeated] = False
    return table.filter(kept)


def duplicates_in(table: pyarrow.Table) -> list[int]:
    """Return the places of images whose SOP Instance UID an earlier row has.

    Parameters
    ----------
    table : pyarrow.Table
    """
    seen: set[str] = set()
    found = []
    for place, uid in enumerate(table.column("sop_instance").to_pylist()):
        if uid is None:
            continue
        if uid in seen:
            found.append(place)
        seen.add(uid)
    return found
