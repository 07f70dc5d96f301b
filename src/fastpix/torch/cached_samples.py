"""Which samples of a cache a dataset has, and columns of labels for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.cache import Cache
from fastpix.job.cache_opening import open_cache
from fastpix.job.remaining import interval_of
from fastpix.job.scan.filters import filters_of
from fastpix.job.statistics.group_normalization import GroupNormalization

Filter: TypeAlias = "str | Sequence[str] | Callable[[Any], object] | None"
Normalize: TypeAlias = "tuple[float, float] | Literal['group'] | GroupNormalization | None"
Intervals: TypeAlias = "Sequence[tuple[float, float] | None] | None"

_ROWS = 2**12  # of the manifest that are Python objects at a time


def opened(source: str | os.PathLike[str] | Cache, unit: str) -> Cache:
    """Return a cache of images, or of volumes.

    Parameters
    ----------
    source : path, URL or Cache
    unit : {"file", "series"}

    Raises
    ------
    ArgumentError
        It is of the other kind, or empty.
    """
    cache = source if isinstance(source, Cache) else open_cache(source)
    if cache.settings.unit != unit:
        use = "VolumeDataset" if unit == "file" else "CacheDataset"
        what = "volumes" if unit == "file" else "images"
        raise ArgumentError("source", f"{cache.destination} holds {what}: use {use}")
    if not len(cache) and not cache.is_subset:  # a loop over nothing would train nothing, silently
        raise ArgumentError(
            "source", f"{cache.destination} is empty: no source of it has been converted"
        )
    return cache


def kept_of(cache: Cache, filter: Filter) -> Cache:
    """Return the samples of a cache that a filter keeps.

    Parameters
    ----------
    cache : Cache
    filter : str, sequence of str, callable or None
        Conditions of ``fastpix convert --only``; or it is given a row of the manifest.

    Raises
    ------
    ArgumentError
        None is left, or it is no condition.
    """
    if filter is None:
        return cache
    keeps = keeps_of(filter)
    kept = [
        at + k
        for at in range(0, len(cache), _ROWS)
        for k, row in enumerate(cache.table.slice(at, _ROWS).to_pylist())
        if keeps(row)
    ]
    if not kept:
        raise ArgumentError("filter", f"it leaves none of {len(cache)} samples")
    return cache.subset(kept)


def keeps_of(filter: Filter) -> Callable[[Any], object]:
    """Return what a filter says of a row.

    Parameters
    ----------
    filter : str, sequence of str, callable or None
    """
    if filter is None:
        filter = ()
    if callable(filter):
        return filter
    return filters_of((filter,) if isinstance(filter, str) else tuple(filter)).matches


def label_column(cache: Cache, name: str) -> list[Any]:
    """Return a column that was joined to a cache, or one of its manifest, with None where empty.

    Parameters
    ----------
    cache : Cache
    name : str

    Raises
    ------
    ArgumentError
        There is no such column.
    """
    try:
        joined = cache.labels
    except FastpixError:
        joined = None
    for table in (joined, cache.table):
        if table is not None and name in table.column_names:
            column: list[Any] = table.column(name).to_pylist()
            return column
    known = "none" if joined is None else ", ".join(joined.column_names)
    raise ArgumentError(
        "labels",
        f"there is no column {name!r} (joined: {known}): fastpix join DST labels.csv --on "
        f"SOPInstanceUID adds those of a file",
    )


def intervals_of(cache: Cache, normalize: Normalize) -> Intervals:
    """Return the interval that each sample is normalized by; None: it is left alone.

    Parameters
    ----------
    cache : Cache
    normalize : (float, float), "group", GroupNormalization or None

    Raises
    ------
    FastpixError
        There are no statistics of the training split, or none of a group.
    """
    if normalize is None:
        return None
    if isinstance(normalize, str):
        if normalize != "group":
            raise ArgumentError("normalize", f"{normalize!r} is not (lo, hi) or 'group'")
        normalize = GroupNormalization.of(cache)
    asked = (0.0, 1.0) if isinstance(normalize, GroupNormalization) else normalize
    asked = float(asked[0]), float(asked[1])
    recipe = cache.settings.recipe
    found = [interval_of(asked, cache.is_color(k), recipe) for k in range(len(cache))]
    if isinstance(normalize, GroupNormalization):
        which = [k for k, own in enumerate(found) if own is not None]
        table = (
            cache.table if len(which) == len(cache) else cache.table.take(np.array(which, np.int64))
        )
        for k, (lo, hi) in zip(which, normalize.intervals_of(table).tolist(), strict=True):
            found[k] = lo, hi
    return found
