"""Statistics of a cache: those of the parts of its manifest, or counted again where they must be.

A part says what its batch had. Where some of these rows no longer count, or are in another split,
its images are read from the cache and counted again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.patient_split import SPLITS, By, Fractions
from fastpix.job.remaining import Remaining
from fastpix.job.statistics.batch_statistics import recount
from fastpix.job.statistics.counted_images import Counted, counted_of
from fastpix.job.statistics.group_counts import Group
from fastpix.job.statistics.group_statistics import GroupStatistics
from fastpix.job.statistics.merging import Statistics
from fastpix.job.statistics.outliers import Outlier, groups_of
from fastpix.job.statistics.stats_report import outliers_by_group

if TYPE_CHECKING:
    from fastpix.job.cache import Cache

_COLUMNS = (
    "name", "modality", "manufacturer", "model", "unit", "mean", "std", "min", "max",
)  # fmt: skip
_IDENTITY = ("name", "generation", "file")  # of a row; a name may have rows of several runs
_SAMPLES = ("image", "volume")


class CacheStatistics(NamedTuple):
    """Statistics of a cache, or of one split of it.

    Attributes
    ----------
    groups : list of GroupStatistics
        Those with most images first.
    outliers : dict of Group to list of Outlier
    recounted : int
        How many images have been read for it.
    counted : Counted
        Which images these are.
    """

    groups: list[GroupStatistics]
    outliers: dict[Group, list[Outlier]]
    recounted: int
    counted: Counted


def read_statistics(
    dst: str | os.PathLike[str],
    split: str | None = None,
    report: Callable[[int], None] | None = None,
    *,
    by: By = "patient",
    fractions: Fractions = SPLITS,
    seed: int = 0,
) -> CacheStatistics:
    """Return the statistics of the images or volumes of a cache.

    Parameters
    ----------
    dst : path or URL
    split : str, optional
        The name of one split, such as ``"train"``; all images if not given.
    report : callable, optional
        Called now and then with the number of images that have been read again.
    by, fractions, seed
        What decides the splits: as in `fastpix.split`.

    Raises
    ------
    FastpixError
        It is no cache, or damaged; or images have to be read again, of a format that holds
        normalized values alone.
    ArgumentError
        There is no such split.
    """
    from fastpix.job.cache_opening import open_cache

    cache = open_cache(dst)
    counted, chosen = counted_of(cache, split, by, fractions, seed)
    columns = {name: cache.table.column(name).to_pylist() for name in (*_COLUMNS, *_IDENTITY)}
    rows = {name: [column[k] for k in chosen] for name, column in columns.items()}
    groups = groups_of(rows)
    places = {
        key: (place, group)
        for key, place, group in zip(_identities(rows), chosen, groups, strict=True)
    }
    statistics = Statistics()
    again: list[tuple[int, Group]] = []
    for of_part, wanted in _parts(cache, os.fspath(dst), places):
        if of_part is not None:
            statistics.add(of_part)
        again += wanted
    statistics.add(recount(_read_again(cache, again, report)))
    far = outliers_by_group(rows)
    return CacheStatistics(statistics.results(), far, len(again), counted)


def _parts(
    cache: Cache, dst: str, places: dict[tuple[Any, ...], tuple[int, Group]]
) -> Iterator[tuple[Statistics | None, list[tuple[int, Group]]]]:
    """Yield the statistics of each part, or None and which of its samples are to be read again."""
    from fastpix.job.manifest import read_parts
    from fastpix.job.storage import storage_at

    columns = (*_IDENTITY, "kind", "status")
    for facts, table in read_parts(storage_at(dst), columns):
        if facts.settings != cache.settings.id:
            continue
        rows = {name: table.column(name).to_pylist() for name in columns}
        samples = [
            key
            for key, kind, status in zip(
                _identities(rows), rows["kind"], rows["status"], strict=True
            )
            if status == "done" and kind in _SAMPLES
        ]
        wanted = [places[key] for key in samples if key in places]
        counted = None
        if len(wanted) == len(samples) and facts.statistics:
            counted = Statistics.from_bytes(facts.statistics)
            # A batch may have counted an image before its volume was given up.
            if sum(counts.images for counts in counted.groups.values()) != len(samples):
                counted = None
        yield (None, wanted) if counted is None else (counted, [])


def _identities(rows: dict[str, list[Any]]) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[name] for name in _IDENTITY), strict=True)


def _read_again(
    cache: Cache, places: list[tuple[int, Group]], report: Callable[[int], None] | None
) -> Iterator[tuple[Group, NDArray[Any], Remaining]]:
    for done, (place, group) in enumerate(places):
        if report is not None and done % 16 == 0:
            report(done)
        try:
            yield group, cache.stored(place), cache.remaining(place)
        except ArgumentError as error:  # the format holds values
            if cache.settings.recipe.normalize is not None:
                raise FastpixError(
                    f"statistics have to be counted again, and {cache.settings.format} holds "
                    f"normalized values: convert without normalize, or with format='tar'"
                ) from error
            values = np.ascontiguousarray(cache.read(place))
            yield group, values, Remaining(values.dtype.name)
