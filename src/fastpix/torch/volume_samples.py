"""Volumes that parts are read of: those of a cache, or stacks of DICOM files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.cache import Cache
from fastpix.job.cache_block import read_cache_block
from fastpix.job.cache_opening import is_cache
from fastpix.recipe import Recipe
from fastpix.series.open_series import open_series
from fastpix.series.stack import Stack
from fastpix.series.stack_blocks import StackBlocks
from fastpix.torch.cached_samples import (
    Filter,
    Intervals,
    Normalize,
    intervals_of,
    keeps_of,
    kept_of,
    label_column,
    opened,
)
from fastpix.torch.image_dataset import no_column
from fastpix.torch.item_labels import LabelColumn

if TYPE_CHECKING:
    import pyarrow

PathLike: TypeAlias = "str | os.PathLike[str]"
Numbers: TypeAlias = Sequence[int]


class Readable(Protocol):
    """Something with parts: `StackBlocks`, or a volume of a cache."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""

    @property
    def affine(self) -> NDArray[np.float64] | None:
        """See `Volume.affine`."""

    @property
    def is_color(self) -> bool:
        """Whether the last axis is red, green and blue."""

    @property
    def read(self) -> Callable[[Numbers, Numbers], NDArray[Any]]:
        """Takes where a part begins and ends, along the axes of the array but that of colours."""


class CachedVolume(NamedTuple):
    """A volume of a cache.

    Attributes
    ----------
    shape : tuple of int
    affine : ndarray of float64 or None
    is_color : bool
    read : callable
        Takes where a part begins and ends.
    """

    shape: tuple[int, ...]
    affine: NDArray[np.float64] | None
    is_color: bool
    read: Callable[[Numbers, Numbers], NDArray[Any]]


class VolumePart(NamedTuple):
    """One volume of three axes: all of a stack, or one along its axis of volumes.

    Attributes
    ----------
    whole : Readable
    at : int or None
        Along the axis of volumes, if there is one.
    """

    whole: Readable
    at: int | None

    @property
    def shape(self) -> tuple[int, ...]:
        """``(slices, rows, columns)``, with a last axis of 3 for colour."""
        return self.whole.shape if self.at is None else self.whole.shape[1:]

    def read(self, starts: Numbers, stops: Numbers) -> NDArray[Any]:
        """Return a part.

        Parameters
        ----------
        starts, stops : sequence of int
            Along (slice, row, column).
        """
        if self.at is None:
            return self.whole.read(starts, stops)
        one: NDArray[Any] = self.whole.read((self.at, *starts), (self.at + 1, *stops))[0]
        return one


class VolumeSamples(NamedTuple):
    """The volumes of a dataset, with three axes each.

    Attributes
    ----------
    names : list of str
    table : pyarrow.Table or None
        A row of the manifest for each.
    column : callable
        Finds a column of labels.
    samples : ndarray of int64
        Of which sample each volume is.
    volumes : ndarray of int64
        Which of its volumes each is, from 0; -1 where a sample has no axis of volumes.
    open : callable
        Returns a sample, by its number.
    """

    names: list[str]
    table: pyarrow.Table | None
    column: LabelColumn
    samples: NDArray[np.int64]
    volumes: NDArray[np.int64]
    open: Callable[[int], Readable]

    def part(self, number: int) -> VolumePart:
        """Return a volume.

        Parameters
        ----------
        number : int
        """
        at = int(self.volumes[number])
        return VolumePart(self.open(int(self.samples[number])), None if at < 0 else at)


def volumes_of_cache(
    source: PathLike | Cache, filter: Filter, normalize: Normalize
) -> VolumeSamples:
    """Return the volumes of a cache.

    Parameters
    ----------
    source : path, URL or Cache
    filter, normalize
        As `VolumeDataset` has them.
    """
    cache = kept_of(opened(source, "series"), filter)
    table = cache.table
    has_axis = [bool(axes) for axes in table.column("axes").to_pylist()]
    samples, volumes = _by_volume(has_axis, [cache.shape(k) for k in range(len(cache))])

    opening = partial(_cached, cache, intervals_of(cache, normalize))
    column = partial(_column, cache, samples)
    names = [cache.names[k] for k in samples.tolist()]
    return VolumeSamples(names, table.take(samples), column, samples, volumes, opening)


def _column(cache: Cache, samples: NDArray[np.int64], name: str) -> list[Any]:
    values = label_column(cache, name)
    return [values[k] for k in samples.tolist()]


def _cached(cache: Cache, intervals: Intervals, number: int) -> CachedVolume:
    interval = None if intervals is None else intervals[number]
    return CachedVolume(
        cache.shape(number),
        cache.affine(number),
        cache.is_color(number),
        lambda starts, stops: read_cache_block(cache, number, starts, stops, interval),
    )


def volumes_of_files(
    source: PathLike | Iterable[PathLike],
    recipe: Recipe,
    filter: Filter,
    gaps: str,
    max_bytes: int,
) -> VolumeSamples:
    """Return the volumes of DICOM series, whose headers are read.

    Parameters
    ----------
    source : path, or iterable of paths
    recipe : Recipe
    filter : callable or None
        Is given a `Stack`.
    gaps : {"error", "fill"}
    max_bytes : int

    Raises
    ------
    ArgumentError
        There are none, or a filter of texts, which are about a manifest.
    SeriesError
        A series is no volume.
    """
    if not (filter is None or callable(filter)):
        raise ArgumentError("filter", "of DICOM series it is a function of a Stack")
    keeps: Callable[[Any], object] = keeps_of(filter)
    stacks = [stack for stack in open_series(source, max_bytes=max_bytes) if keeps(stack)]
    if not stacks:
        raise ArgumentError("source", "there are no volumes in it, or the filter leaves none")
    blocks = [_blocks(stack, recipe, gaps) for stack in stacks]
    samples, volumes = _by_volume([bool(s.axes) for s in stacks], [b.shape for b in blocks])
    all_names = [_name(stack) for stack in stacks]
    names = [all_names[k] for k in samples.tolist()]
    return VolumeSamples(names, None, no_column, samples, volumes, blocks.__getitem__)


def _blocks(stack: Stack, recipe: Recipe, gaps: Any) -> StackBlocks:
    try:
        return stack.blocks(recipe, gaps=gaps)
    except FastpixError as error:
        error.add_note(f"The series is {_name(stack)}; filter= leaves it out")
        raise


def _name(stack: Stack) -> str:
    return f"{stack.series_uid}/{stack.number}" if stack.number else stack.series_uid


def _by_volume(
    has_axis: Sequence[bool], shapes: Sequence[tuple[int, ...]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return of which sample each volume of three axes is, and which of it."""
    pairs = [
        (sample, at)
        for sample, (has, shape) in enumerate(zip(has_axis, shapes, strict=True))
        for at in (range(shape[0]) if has else (-1,))
    ]
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()


def open_volumes(
    source: PathLike | Iterable[PathLike] | Cache,
    *,
    recipe: Recipe | None,
    normalize: Normalize,
    filter: Filter,
    gaps: str,
    max_bytes: int,
) -> VolumeSamples:
    """Return the volumes of a cache, or of DICOM files.

    Parameters
    ----------
    source, recipe, normalize, filter, gaps, max_bytes
        As `VolumeDataset` has them.

    Raises
    ------
    ArgumentError
        An argument is for the other kind of source.
    """
    if isinstance(source, Cache) or (isinstance(source, (str, os.PathLike)) and is_cache(source)):
        if recipe is not None:
            raise ArgumentError("recipe", "a cache has its own: pass normalize, or convert anew")
        return volumes_of_cache(source, filter, normalize)
    if normalize is not None:
        raise ArgumentError("normalize", "of DICOM series it is part of the recipe")
    return volumes_of_files(source, recipe or Recipe(), filter, gaps, max_bytes)
