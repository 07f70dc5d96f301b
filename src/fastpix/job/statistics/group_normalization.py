"""The interval that `normalize` takes for each group of images, counted on the training split."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.formats import format_named
from fastpix.job.patient_split import SPLITS, By, Fractions
from fastpix.job.statistics.cache_statistics import read_statistics
from fastpix.job.statistics.counted_images import Counted, counted_of
from fastpix.job.statistics.group_counts import Group
from fastpix.job.statistics.outliers import groups_of
from fastpix.job.statistics.stats_report import VERSION, stats_json, title_of
from fastpix.job.storage import storage_at

if TYPE_CHECKING:
    import pyarrow

    from fastpix.job.cache import Cache

_COLUMNS = ("modality", "manufacturer", "model", "unit")


@dataclass(frozen=True, slots=True)
class GroupNormalization:
    """What `normalize` is for each group of images: its percentiles 0.5 and 99.5.

    Attributes
    ----------
    intervals : dict of Group to (float, float) or None
        By modality, maker, model and unit; None where a group cannot be normalized.
    counted : Counted
        The images that the percentiles are of.
    """

    intervals: Mapping[Group, tuple[float, float] | None]
    counted: Counted

    @classmethod
    def of(
        cls,
        cache: Cache,
        split: str | None = "train",
        by: By = "patient",
        fractions: Fractions = SPLITS,
        seed: int = 0,
    ) -> GroupNormalization:
        """Return the intervals that ``fastpix stats --split train`` has proposed.

        Parameters
        ----------
        cache : Cache
            Whole or a subset: it is the whole one that was counted.
        split : str or None
            None: counted on all images, those that a model is tested on included.
        by, fractions, seed
            What decided the splits: as in `fastpix.split`.

        Raises
        ------
        FastpixError
            There are no such statistics, or they are of other images than the split has now.
        ArgumentError
            There is no such split, or the cache holds values that have been normalized.
        """
        if cache.is_subset:
            from fastpix.job.cache_opening import open_cache

            cache = open_cache(cache.destination)
        _check_holds_values_before(cache)
        expected, _ = counted_of(cache, split, by, fractions, seed)
        try:
            data = storage_at(cache.destination).read(expected.key)
        except FileNotFoundError:
            raise FastpixError(f"the cache has no {expected.key}: run {expected.command}") from None
        try:
            found = cls.from_stats(json.loads(data), is_of_all=split is None)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            if isinstance(error, FastpixError):
                raise
            raise FastpixError(
                f"{expected.key} of the cache is damaged: run {expected.command} again"
            ) from error
        if found.counted != expected:
            raise FastpixError(
                f"{expected.key} was counted on {found.counted.images} images, which are not the "
                f"{expected.images} that belong there now: run {expected.command} again"
            )
        return found

    @classmethod
    def count(
        cls,
        cache: Cache,
        split: str | None = "train",
        by: By = "patient",
        fractions: Fractions = SPLITS,
        seed: int = 0,
    ) -> GroupNormalization:
        """Return what `of` does after ``fastpix stats``, and write nothing.

        Images of batches that are not in the split as a whole are read for it.

        Parameters
        ----------
        cache, split, by, fractions, seed
            As in `of`.

        Raises
        ------
        FastpixError
            An image cannot be read.
        ArgumentError
            As in `of`.
        """
        _check_holds_values_before(cache)
        found = read_statistics(cache.destination, split, by=by, fractions=fractions, seed=seed)
        stats = json.loads(stats_json(found.groups, counted=found.counted))
        return cls.from_stats(stats, is_of_all=split is None)

    @classmethod
    def from_stats(cls, stats: Mapping[str, Any], *, is_of_all: bool = False) -> GroupNormalization:
        """Return the intervals of a ``stats.json``, whatever images it was counted on.

        Parameters
        ----------
        stats : mapping
            What ``json.load`` gives.
        is_of_all : bool
            Take statistics of all images: those that a model is tested on are among them.

        Raises
        ------
        FastpixError
            They are of all images, or of another version of fastpix.
        """
        if stats.get("version") != VERSION or "counted" not in stats:
            raise FastpixError(
                "these statistics are of another version of fastpix: run fastpix stats again"
            )
        counted = Counted(**stats["counted"])
        if counted.split is None and not is_of_all:
            raise FastpixError(
                "these statistics are of all images, those that a model is tested on included: run "
                "fastpix stats DST --split train, or say that all are meant"
            )
        intervals: dict[Group, tuple[float, float] | None] = {}
        for each in stats["groups"]:
            group = Group(*(str(each[name]) for name in Group._fields))
            found = each["normalize"]
            intervals[group] = None if found is None else (float(found[0]), float(found[1]))
        return cls(intervals, counted)

    def interval(self, row: Mapping[str, Any]) -> tuple[float, float]:
        """Return ``(lo, hi)`` for an image.

        Parameters
        ----------
        row : mapping
            Of the manifest, such as `Cache.row` gives.

        Raises
        ------
        FastpixError
            Its group was not counted, or cannot be normalized.
        """
        (group,) = groups_of({name: [row.get(name)] for name in _COLUMNS})
        return self._of_group(group)

    def intervals_of(self, table: pyarrow.Table) -> NDArray[np.float64]:
        """Return the interval of each row of a manifest, ``(rows, 2)``.

        Parameters
        ----------
        table : pyarrow.Table
            Such as `Cache.table`.

        Raises
        ------
        FastpixError
            The group of a row was not counted, or cannot be normalized.
        """
        groups = groups_of({name: table.column(name).to_pylist() for name in _COLUMNS})
        found = {group: self._of_group(group) for group in dict.fromkeys(groups)}
        return np.array([found[group] for group in groups], np.float64).reshape(-1, 2)

    def to_dict(self) -> dict[str, Any]:
        """Return the intervals as JSON can hold them; `from_dict` is the way back."""
        groups = [
            {**group._asdict(), "normalize": None if found is None else list(found)}
            for group, found in self.intervals.items()
        ]
        return {"version": VERSION, "groups": groups, "counted": self.counted.to_dict()}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> GroupNormalization:
        """Return the intervals that `to_dict` has written.

        Parameters
        ----------
        kept : mapping
        """
        return cls.from_stats(kept, is_of_all=True)

    def _of_group(self, group: Group) -> tuple[float, float]:
        if group.unit == "RGB":
            raise FastpixError(
                f"{title_of(group)}: colour is not normalized by group; leave these images out"
            )
        if group not in self.intervals:
            what = "all images" if self.counted.split is None else f"split {self.counted.split}"
            raise FastpixError(
                f"no image of {title_of(group)} was counted ({what}), so nothing is known of its "
                f"values: leave these images out, share the patients out by another seed, or pass "
                f"normalize=(lo, hi)"
            )
        found = self.intervals[group]
        if found is None:
            raise FastpixError(
                f"all pixels of {title_of(group)} have one value, which cannot be normalized: "
                f"leave these images out, or pass normalize=(lo, hi)"
            )
        return found


def _check_holds_values_before(cache: Cache) -> None:
    settings = cache.settings
    if format_named(settings.format).holds == "values" and (
        settings.recipe.normalize is not None or settings.window is not None
    ):
        raise ArgumentError(
            "normalize",
            f"{settings.format} holds values that have been normalized, and statistics are of "
            f"those before: convert without normalize and window, or with format='tar'",
        )
