"""`ShardDataset`: a cache of tar shards as a stream, for storage that is slow to look up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from itertools import islice
from operator import index
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed
from torch.utils.data import IterableDataset, get_worker_info

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.cache import Cache
from fastpix.job.cache_run import read_cache_run
from fastpix.runs.batch_places import Places
from fastpix.torch.batch_images import BatchImages
from fastpix.torch.cached_samples import (
    Filter,
    Normalize,
    intervals_of,
    kept_of,
    label_column,
    opened,
)
from fastpix.torch.collating import Item
from fastpix.torch.image_dataset import spacing_at, spacings_of
from fastpix.torch.item_labels import Labels, Unlabelled
from fastpix.torch.seeds import checked_seed
from fastpix.torch.shard_order import Reader, rows_of_reader, runs_of, share_of, shuffled_within
from fastpix.torch.skipping import OnItemError
from fastpix.torch.source_items import Behaviour, SourceItems, Transform
from fastpix.torch.tensors import for_main_process, shared_zeros

_RUN = 2**23  # bytes that are read at once
_GAP = 2**14  # bytes between samples that are read for nothing: headers and JSON of tar


class ShardDataset(SourceItems, IterableDataset[Item]):
    """Images of a cache in format ``tar``, streamed shard by shard: for object storage.

    Shards are read from their beginning to their end, several megabytes at a time. They are shared
    out evenly to the processes of a distributed training and to the workers of each: all processes
    have as many images, so that none waits for another, and up to ``world_size - 1`` images of an
    epoch are left out.

    Parameters
    ----------
    source : path, URL or Cache
    batch_size : int, optional
        Give lists of so many items, which are read into one array: for a
        ``Loader(dataset, batch_size=None)``, which has no image to copy then. Items one by one if
        not given.
    shuffle : bool
        Read the shards in another order in each epoch, and give images from random places of a
        buffer.
    buffer : int
        How many images wait, as they are stored; 1 leaves the order within a shard as it is.
    seed : int
        Another number gives another order; all processes must have the same.
    rank, world_size : int, optional
        Of the processes of a distributed training; those of `torch.distributed`, or of the
        environment (``RANK``, ``WORLD_SIZE``), if not given.
    normalize, filter, labels, unlabelled, transform, size, fill, on_error
        As `CacheDataset` has them.

    Notes
    -----
    Items are those of `CacheDataset`. `set_epoch` says which epoch comes next, as a `Loader` does
    by itself. `state_dict` and `load_state_dict` keep where a stream stands, to go on there:
    torchdata's ``StatefulDataLoader`` calls them in its workers. To go on, the cache, the seed and
    the numbers of processes and workers must be the same.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Cache,
        *,
        batch_size: int | None = None,
        shuffle: bool = True,
        buffer: int = 256,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        normalize: Normalize = None,
        filter: Filter = None,
        labels: Labels = None,
        unlabelled: Unlabelled = "error",
        transform: Transform | None = None,
        size: tuple[int, int] | None = None,
        fill: float = 0,
        on_error: OnItemError = "raise",
    ) -> None:
        cache = kept_of(opened(source, "file"), filter)
        if cache.settings.format != "tar":
            raise ArgumentError(
                "source", f"its format is {cache.settings.format}, not tar: use CacheDataset"
            )
        if index(buffer) < 1:
            raise ArgumentError("buffer", f"{buffer!r} is not above 0")
        if batch_size is not None and index(batch_size) < 1:
            raise ArgumentError("batch_size", f"{batch_size!r} is not above 0")
        BatchImages([0], size, fill)  # an error now, not in a worker
        self._batch = None if batch_size is None else index(batch_size)
        super().__init__(
            cache.names,
            cache.table,
            partial(label_column, cache),
            Behaviour(labels, unlabelled, transform, on_error),
        )
        self.cache = cache
        self._shuffle = shuffle
        self._buffer = index(buffer)
        self._seed = checked_seed(seed)
        self._rank = _checked_rank(rank, world_size)
        self._size = size
        self._fill = fill
        self._intervals = intervals_of(cache, normalize)
        self._spacings = spacings_of(cache.table.column("pixel_spacing").to_pylist())
        self._set_shards(np.array(self._labelled, np.int64))
        self._epoch = shared_zeros(1, torch.int64)  # workers may live on
        self._given = 0
        self._resumed: dict[str, int] | None = None

    def _set_shards(self, rows: NDArray[np.int64]) -> None:
        """Keep where samples lie, in the order of their shards and of their places in these."""
        table = self.cache.table
        files = np.unique(np.array(table.column("file").to_pylist()), return_inverse=True)[1]
        self._starts = table.column("offset").to_numpy()
        self._stops = self._starts + table.column("length").to_numpy()
        self._files = files.astype(np.int64)
        rows = rows[np.lexsort((self._starts[rows], files[rows]))]
        self._shards = np.split(rows, np.flatnonzero(np.diff(files[rows])) + 1)

    @property
    def count(self) -> int:
        """How many images this process has in an epoch, all its workers together."""
        return sum(map(len, self._shards)) // self._processes()[1]

    def _processes(self) -> tuple[int, int]:
        if self._rank is not None:
            return self._rank
        if distributed.is_available() and distributed.is_initialized():
            return distributed.get_rank(), distributed.get_world_size()
        number, count = (
            int(os.environ.get(name, k)) for name, k in (("RANK", 0), ("WORLD_SIZE", 1))
        )
        if not 0 <= number < count:  # such a process would have no image at all
            raise for_main_process(
                ArgumentError("rank", f"RANK={number} and WORLD_SIZE={count} are of no group")
            )
        return number, count

    def __getstate__(self) -> dict[str, Any]:
        # A process that is started anew is in no group: what this one is must go along.
        return self.__dict__ | {"_rank": self._processes()}

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next; another number gives another order.

        Parameters
        ----------
        epoch : int
        """
        self._epoch.fill_(epoch)

    def state_dict(self) -> dict[str, int]:
        """Return where the stream of this process or worker stands: a few plain numbers."""
        return {"epoch": int(self._epoch), "given": self._given, **self._reading()}

    def _reading(self) -> dict[str, int]:
        """Return what must be the same for a stream to go on."""
        reader, info = self._reader(), get_worker_info()
        begin, end = share_of(sum(map(len, self._shards)), reader)
        return {
            "seed": self._seed,
            "processes": reader.processes,
            "workers": 0 if info is None else info.num_workers,
            "images": end - begin,
        }

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where a stream stood, when it is iterated next.

        Parameters
        ----------
        state : dict
            What `state_dict` has returned.

        Raises
        ------
        ArgumentError
            It is of another seed. Other numbers of processes, workers or images are an error when
            the stream is iterated.
        """
        if state["seed"] != self._seed:
            raise ArgumentError("state", f"it is of seed {state['seed']}, this is {self._seed}")
        self._resumed = dict(state)

    @property
    def resumed_epoch(self) -> int | None:
        """The epoch that it goes on in when it is iterated next; None if no state was loaded."""
        return None if self._resumed is None else self._resumed["epoch"]

    def _go_on(self, state: dict[str, int]) -> None:
        for name, now in self._reading().items():
            if state[name] != now:
                error = ArgumentError(
                    "state",
                    f"it is of {state[name]} {name}, here are {now}: to go on, they must be the "
                    f"same; with workers, torchdata's StatefulDataLoader keeps all states",
                )
                raise for_main_process(error)
        self._given = state["given"]
        self._epoch.fill_(state["epoch"])

    def _reader(self) -> Reader:
        info = get_worker_info()
        number, count = self._processes()
        return (
            Reader(number, count)
            if info is None
            else Reader(number, count, info.id, info.num_workers)
        )

    def __iter__(self) -> Iterator[Any]:
        """Yield the images of this process, or of this worker of it."""
        self._given = 0
        if self._resumed is not None:
            self._go_on(self._resumed)
            self._resumed = None
        epoch, reader = int(self._epoch), self._reader()
        order = list(range(len(self._shards)))
        if self._shuffle:
            np.random.default_rng((self._seed, epoch)).shuffle(order)
        rows = rows_of_reader(self._shards, order, reader)
        given = np.arange(len(rows))
        if self._shuffle:
            random = np.random.default_rng((self._seed, epoch, reader.rank, reader.worker, 1))
            given = shuffled_within(len(rows), self._buffer, random)
        return self._items(self._stream(rows, given.tolist()))

    def _stream(
        self, rows: NDArray[np.int64], given: list[int]
    ) -> Iterator[tuple[int, NDArray[Any] | Exception]]:
        """Yield samples in the order `given`; they are read in the order that they lie in."""
        left = given[self._given :]
        is_left = np.zeros(len(rows), np.bool_)
        is_left[left] = True
        waiting = np.flatnonzero(is_left)
        found: dict[int, NDArray[Any] | Exception] = {}
        runs = runs_of(
            self._files[rows[waiting]],
            self._starts[rows[waiting]],
            self._stops[rows[waiting]],
            _RUN,
            _GAP,
        )
        for place in left:
            while place not in found:
                run = waiting[next(runs)].tolist()
                arrays = read_cache_run(self.cache, rows[run].tolist())
                found.update(zip(run, arrays, strict=True))
            yield int(rows[place]), found.pop(place)

    def _items(self, stream: Iterator[tuple[int, NDArray[Any] | Exception]]) -> Iterator[Any]:
        while samples := list(islice(stream, self._batch or 1)):
            self._given += len(samples)
            items = self._batch_of(samples)
            if self._batch is None:
                yield from items
            elif items:
                yield items

    def _batch_of(self, samples: list[tuple[int, NDArray[Any] | Exception]]) -> list[Any]:
        rows = [row for row, _ in samples]
        batch = BatchImages(rows, self._size, self._fill)
        errors: dict[int, Exception] = {}
        for place, (row, stored) in enumerate(samples):
            try:
                if isinstance(stored, Exception):
                    raise stored
                self._put(batch.places, place, row, stored)
            except (FastpixError, OSError) as error:
                errors[place] = error
        skipped = self._skipped if self.on_error == "skip" else None
        kept = batch.finish(errors, self._all_names, skipped)
        if kept is None:
            return []
        items = [
            self._item(rows[place], image)
            for place, image in zip(kept.places, kept.images, strict=True)
        ]
        return self._transformed(items, kept.images)

    def _put(self, places: Places, place: int, row: int, stored: NDArray[Any]) -> None:
        is_color = self.cache.is_color(row)
        interval = None if self._intervals is None else self._intervals[row]
        remaining = self.cache.remaining(row, interval)
        values = remaining.values(stored, places.array(place, stored.shape, remaining.output))
        places.put(place, values, is_color)

    def _item(self, row: int, image: torch.Tensor) -> Item:
        return {"image": image, **self._identity(row), "spacing": spacing_at(self._spacings, row)}


def _checked_rank(rank: int | None, world_size: int | None) -> tuple[int, int] | None:
    if rank is None and world_size is None:
        return None
    if rank is None or world_size is None or not 0 <= index(rank) < index(world_size):
        raise ArgumentError("rank", f"{rank!r} of {world_size!r} is no process of a group")
    return index(rank), index(world_size)
