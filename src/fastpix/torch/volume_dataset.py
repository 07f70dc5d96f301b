"""`VolumeDataset`: volumes, or patches of them, of which no more is read than they need."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from operator import index
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from fastpix.errors import ArgumentError, FastpixError
from fastpix.image.frame_threads import checked_threads
from fastpix.image.limits import MAX_BYTES, checked_limit
from fastpix.job.cache import Cache
from fastpix.recipe import Recipe
from fastpix.runs.batch_places import Places, checked_fill, read_each
from fastpix.series.interpolation import check_scipy
from fastpix.series.resampling import Interpolation, checked_interpolation
from fastpix.series.volume import spacing_of
from fastpix.torch.batch_images import BatchImages
from fastpix.torch.cached_samples import Filter, Normalize
from fastpix.torch.collating import Item
from fastpix.torch.item_dataset import ItemDataset
from fastpix.torch.item_labels import Labels, Unlabelled
from fastpix.torch.patch_grid import Grid, grid_of
from fastpix.torch.skipping import OnItemError
from fastpix.torch.source_items import Behaviour, Transform
from fastpix.torch.tensors import threads_here
from fastpix.torch.volume_samples import open_volumes

Sampling: TypeAlias = Literal["random", "grid"]
Three: TypeAlias = tuple[int, int, int]


class VolumeDataset(ItemDataset):
    """Volumes of a cache or of DICOM series: whole, in random patches, or in a grid of patches.

    Parameters
    ----------
    source : path, URL, Cache, or sequence of paths
        A cache of volumes (``--unit series``), or DICOM series: a folder, archive, or files, whose
        headers are read now. A series with several volumes, such as one for each time, gives them
        one by one.
    patch : (int, int, int), optional
        Slices, rows and columns of a patch; whole volumes if not given. Of a cache in format
        ``b2nd``, the blocks that a patch lies in are read, and of DICOM files its planes.
    patches_per_volume : int
        How many random patches an epoch has of each volume.
    sampling : {"random", "grid"}
        Patches anywhere, all positions alike; or side by side, so that they cover each volume: the
        last along an axis ends where the volume does, and overlaps with the one before it.
    stride : (int, int, int), optional
        How far patches of a grid are apart; as far as a patch is long if not given. What lies
        between patches that are further apart than they are long is in none of them.
    spacing : (float, float, float), optional
        Millimetres between slices, rows and columns that volumes are resampled to, as
        `Volume.resample` does it with what is read, normalized values included. Needs the extra
        ``resample``.
    order : {0, 1, 3}
        Of the interpolation: nearest, linear, cubic.
    recipe : Recipe, optional
        Of DICOM series. MONOCHROME1 needs ``invert="range"`` or ``"none"``, since no part of a
        volume tells its maximum; of a cache, the manifest has it.
    normalize : (float, float), "group" or GroupNormalization, optional
        Of a cache: as `CacheDataset` has it.
    gaps : {"error", "fill"}
        Of DICOM series: missing slices are an error, or NaN.
    filter : str, sequence of str or callable, optional
        Which volumes: of a cache, as `CacheDataset` has it; of DICOM series, a function of a
        `Stack`.
    labels, unlabelled, transform
        As `CacheDataset` has them.
    fill : float
        What surrounds a volume that is smaller than a patch, and stands in the middle of it.
    threads : int, optional
        How many threads read the patches of a batch; one if not given.
    max_bytes : int
        The most bytes that an image of a DICOM series may decode to.
    on_error : {"raise", "skip"}
        What becomes of a volume that cannot be read.

    Notes
    -----
    An item is a dictionary:

    - ``image``: tensor, ``(1, slices, rows, columns)``, or ``(3, …)`` for colour.
    - ``affine``: float64, ``(4, 4)``: (slice, row, column, 1) of this patch to millimetres, LPS;
      NaN where the volume has no place in space.
    - ``spacing``: float64, ``(3,)``: millimetres between slices, rows and columns.
    - ``start``: int64, ``(3,)``: where the patch begins in its volume.
    - ``name``, ``patient``, ``index``, ``label``: as `CacheDataset` has them; of DICOM series, the
      name is the Series Instance UID, and the number of the stack where a series has several.
    - ``volume``: which volume of its series it is, from 0.

    Positions are drawn from torch's random numbers, for which a DataLoader gives each worker and
    each epoch a seed of its own; ``Loader(seed=…)`` makes them the same in each run.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | Cache,
        *,
        patch: Three | None = None,
        patches_per_volume: int = 1,
        sampling: Sampling = "random",
        stride: Three | None = None,
        spacing: tuple[float, float, float] | None = None,
        order: Literal[0, 1, 3] = 1,
        recipe: Recipe | None = None,
        normalize: Normalize = None,
        gaps: Literal["error", "fill"] = "error",
        filter: Filter = None,
        labels: Labels = None,
        unlabelled: Unlabelled = "error",
        transform: Transform | None = None,
        fill: float = 0,
        threads: int | None = None,
        max_bytes: int = MAX_BYTES,
        on_error: OnItemError = "raise",
    ) -> None:
        self._patch = None if patch is None else _three("patch", patch)
        if sampling not in get_args(Sampling):
            raise ArgumentError("sampling", f"{sampling!r} is not 'random' or 'grid'")
        if index(patches_per_volume) < 1:
            raise ArgumentError("patches_per_volume", f"{patches_per_volume!r} is not above 0")
        is_random = sampling == "random"
        if self._patch is None and (patches_per_volume != 1 or not is_random or stride is not None):
            raise ArgumentError("patch", "whole volumes have no patches: give patch=")
        if is_random and stride is not None:
            raise ArgumentError("stride", "patches at random have none: sampling='grid'")
        if not is_random and patches_per_volume != 1:
            raise ArgumentError("patches_per_volume", "a grid has as many as cover the volume")
        self._samples = open_volumes(
            source,
            recipe=recipe,
            normalize=normalize,
            filter=filter,
            gaps=gaps,
            max_bytes=checked_limit(max_bytes),
        )
        super().__init__(
            self._samples.names,
            self._samples.table,
            self._samples.column,
            Behaviour(labels, unlabelled, transform, on_error),
            patches_per_volume,
        )
        Places(1, None, fill, None)
        self._fill = fill
        self._threads = threads
        self._spacing: tuple[float, float, float] | None = None
        self._order: Interpolation = order
        if spacing is not None:
            self._spacing = checked_interpolation(spacing, order)
            if order:
                check_scipy()
        self._grid: _PatchGrid | None = None
        self._stride = None
        if not is_random:
            assert self._patch is not None
            self._stride = self._patch if stride is None else _three("stride", stride)
            self._count_patches()

    def _count_patches(self) -> None:
        assert self._patch is not None
        assert self._stride is not None
        shapes = [self._volume(row).shape[:3] for row in self._rows.tolist()]
        self._grid = _PatchGrid(shapes, self._patch, self._stride)

    def __len__(self) -> int:
        """Return the number of items: patches, or whole volumes."""
        return super().__len__() if self._grid is None else len(self._grid)

    def subset(self, numbers: Sequence[int]) -> VolumeDataset:
        """Return a dataset of some of these volumes, which reads as this one does.

        Parameters
        ----------
        numbers : sequence of int, or of bool
            Of volumes, as `names` has them; or a flag for each.
        """
        part = super().subset(numbers)
        if part._grid is not None:
            part._count_patches()
        return part

    def _volume(self, row: int) -> Grid:
        return grid_of(self._samples.part(row), self._spacing, self._order)

    def _items(self, numbers: Sequence[int], goes_on: bool) -> list[Any]:
        chosen = [self._chosen(number) for number in numbers]
        if not chosen:
            return []
        # Before threads read, which take turns as it comes: a seed decides.
        drawn = torch.rand(len(chosen), 3, dtype=torch.float64).tolist()
        rows = [row for row, _ in chosen]
        batch = BatchImages(rows, None, self._fill)
        places = batch.places
        items: list[Item] = [{} for _ in chosen]
        errors: dict[int, Exception] = {}

        def read(k: int) -> None:
            row, start = chosen[k]
            try:
                items[k] = self._read(k, row, start or drawn[k], places)
            except (FastpixError, OSError) as error:
                error.add_note(f"The volume is {self._all_names[row]}")
                errors[k] = error

        asked = threads_here(self._threads)
        count = 1 if asked is None else checked_threads(asked)
        read_each(read, len(chosen), places, count, 1)
        skipped = self._skipped if goes_on else None
        remedy = "give patch=, or batches of one volume"
        kept = batch.finish(errors, self._all_names, skipped, remedy)
        if kept is None:
            return []
        found = [
            {"image": image, **items[place]}
            for place, image in zip(kept.places, kept.images, strict=True)
        ]
        return self._transformed(found, kept.images)

    def _chosen(self, number: int) -> tuple[int, Three | None]:
        """Return which volume an item is of, and where its patch begins if that is settled."""
        if self._grid is not None:
            place, start = self._grid.at(number)
            return int(self._rows[place]), start
        return int(self._rows[number // self._repeats]), None

    def _read(self, place: int, row: int, at: Three | list[float], places: Places) -> Item:
        volume = self._volume(row)
        shape = volume.shape[:3]
        patch = self._patch or shape
        start = at if isinstance(at, tuple) else _random_start(shape, patch, at)
        starts = tuple(max(a, 0) for a in start)
        stops = tuple(min(a + p, n) for a, p, n in zip(start, patch, shape, strict=True))
        values = volume.read(starts, stops)
        if values.shape[:3] != tuple(patch):
            values = self._surrounded(values, patch, start)
        slot = places.array(place, values.shape, values.dtype.name)
        slot[...] = values
        places.put(place, slot, volume.is_color)
        return {
            **self._identity(row),
            **_geometry(volume.affine, start),
            "start": torch.tensor(start),
            "volume": max(int(self._samples.volumes[row]), 0),
        }

    def _surrounded(self, values: NDArray[Any], patch: Sequence[int], start: Three) -> NDArray[Any]:
        fill = checked_fill(self._fill, values.dtype)
        whole = np.full((*patch, *values.shape[3:]), fill, values.dtype)
        inside = tuple(
            slice(max(-a, 0), max(-a, 0) + n) for a, n in zip(start, values.shape, strict=False)
        )
        whole[inside] = values
        return whole


class _PatchGrid:
    """Where the patches of a grid begin, in volume after volume.

    Parameters
    ----------
    shapes : sequence of (int, int, int)
    patch, stride : (int, int, int)
    """

    def __init__(self, shapes: Sequence[Sequence[int]], patch: Three, stride: Three) -> None:
        # Along each axis: all patches of many volumes would be millions of objects.
        self._along = [
            [_along(*axis) for axis in zip(shape, patch, stride, strict=True)] for shape in shapes
        ]
        counts = [math.prod(map(len, axes)) for axes in self._along]
        self._ends = np.cumsum(counts, dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def at(self, number: int) -> tuple[int, Three]:
        """Return the volume that a patch is of, and where it begins.

        Parameters
        ----------
        number : int
        """
        place = int(np.searchsorted(self._ends, number, side="right"))
        begin = int(self._ends[place - 1]) if place else 0
        axes = self._along[place]
        at = np.unravel_index(number - begin, tuple(map(len, axes)))
        a, b, c = (int(starts[k]) for starts, k in zip(axes, at, strict=True))
        return place, (a, b, c)


def _along(length: int, patch: int, stride: int) -> NDArray[np.int64]:
    """Return where patches begin along an axis; a volume that is smaller stands in the middle."""
    if length <= patch:
        return np.array([_middle(length, patch)])
    last = length - patch
    return np.array([*range(0, last, stride), last])


def _middle(length: int, patch: int) -> int:
    return -((patch - length) // 2)


def _random_start(shape: Sequence[int], patch: Sequence[int], drawn: Sequence[float]) -> Three:
    """Return where a patch begins, by three random numbers of 0 to below 1."""
    a, b, c = (
        _middle(length, size) if length <= size else int(number * (length - size + 1))
        for length, size, number in zip(shape, patch, drawn, strict=True)
    )
    return a, b, c


def _geometry(affine: NDArray[np.float64] | None, start: Three) -> Item:
    if affine is None:
        nothing = torch.full((4, 4), torch.nan, dtype=torch.float64)
        return {"affine": nothing, "spacing": nothing[0, :3].clone()}
    own = affine.copy()
    for axis, steps in enumerate(start):
        if steps:  # the distance of slices is NaN where there is one, at which patches begin
            own[:3, 3] += steps * affine[:3, axis]
    return {
        "affine": torch.from_numpy(own),
        "spacing": torch.tensor(spacing_of(affine), dtype=torch.float64),
    }


def _three(name: str, numbers: Sequence[int]) -> Three:
    try:
        a, b, c = map(index, numbers)
    except (TypeError, ValueError) as error:
        raise ArgumentError(name, f"{numbers!r} is not (slices, rows, columns)") from error
    if min(a, b, c) < 1:
        raise ArgumentError(name, f"{numbers!r} has no voxels")
    return a, b, c
