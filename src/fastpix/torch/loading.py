"""`Loader`: torch's DataLoader, which knows of skipped images, seeds and epochs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import ChainDataset, ConcatDataset, DataLoader, Dataset, Subset

from fastpix.errors import ArgumentError, warn_caller
from fastpix.notes import count_of
from fastpix.torch.batch_pool import BatchPool, BeginWorker, InitWorker, can_pool
from fastpix.torch.collating import Item, collate_or_nothing
from fastpix.torch.seeds import checked_seed

_NAMED = 5  # skipped sources that are told by name


class Loader(DataLoader[Item]):
    """A `torch.utils.data.DataLoader` of batches that fastpix has read, each by one call.

    Parameters
    ----------
    dataset : Dataset
        Of this package, or any other.
    batch_size : int, optional
    seed : int, optional
        Decides the order of each epoch, and what the workers draw: the same number gives the same
        batches again. Torch's own seed decides if it is not given.
    **options
        As `torch.utils.data.DataLoader` has them.

    Warns
    -----
    UserWarning
        At the end of an epoch in which images were skipped: how many, and the first names.

    Notes
    -----
    A batch whose images were all skipped is left out, so that an epoch may have fewer batches than
    ``len(loader)``. `epoch` is the number of the epoch that comes next; it may be set, to go on
    where a run was ended.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        batch_size: int | None = 1,
        *,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        if seed is not None and options.get("generator") is not None:
            raise ArgumentError("seed", "give a seed or a generator")
        if options.get("batch_sampler") is None:  # Lightning passes None
            options["batch_size"] = batch_size
        options.setdefault("collate_fn", collate_or_nothing)
        if seed is not None:
            options["generator"] = torch.Generator()
        super().__init__(dataset, **options)
        self._then: InitWorker = options.get("worker_init_fn")
        self._pool: BatchPool | None = None
        self.epoch = 0
        self._seed = None if seed is None else checked_seed(seed)

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of an epoch."""
        for dataset in _wrapped(self.dataset):  # a stream that goes on knows in which epoch
            resumed = getattr(dataset, "resumed_epoch", None)
            self.epoch = self.epoch if resumed is None else resumed
        if self._seed is not None:
            numbers = np.random.SeedSequence((self._seed, self.epoch)).generate_state(1, np.uint64)
            self.generator.manual_seed(int(numbers[0]))
        for dataset in _wrapped(self.dataset):
            for name, given in (("clear_skipped", ()), ("set_epoch", (self.epoch,))):
                method = getattr(dataset, name, None)
                if method is not None:
                    method(*given)
        set_epoch = getattr(self.sampler, "set_epoch", None)  # of a DistributedSampler
        if set_epoch is not None:
            set_epoch(self.epoch)
        self.epoch += 1
        if self.num_workers and (self._pool is None or not self.persistent_workers) and can_pool():
            # A pool for each set of workers: what they had not handed over would stay taken.
            self._pool = BatchPool(self.num_workers, 2 + (self.prefetch_factor or 2))
            self.worker_init_fn = BeginWorker(self._pool, self._then)
        return self._batches(super().__iter__())

    def _batches(self, batches: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from (batch for batch in batches if batch is not None)
        except Exception as error:
            if not self.num_workers:
                raise
            # Frames of torch hold the error and the workers: these would live on until garbage is
            # collected, which then waits for them for seconds. The text has the worker's own trace.
            del batches
            raise error.with_traceback(None) from None
        skipped = [
            name for each in _wrapped(self.dataset) for name in getattr(each, "skipped", None) or ()
        ]
        if skipped:
            more = ", …" if len(skipped) > _NAMED else ""
            warn_caller(
                f"{count_of(len(skipped), 'source')} could not be read in this epoch, and "
                f"{'was' if len(skipped) == 1 else 'were'} left out: "
                f"{', '.join(skipped[:_NAMED])}{more}",
                UserWarning,
            )


def _wrapped(dataset: Any) -> list[Any]:
    """Return a dataset, and those that torch's Subset, ConcatDataset and ChainDataset are of."""
    found: list[Any] = []
    waiting = [dataset]
    while waiting:
        one = waiting.pop()
        if any(one is each for each in found):
            continue
        found.append(one)
        if isinstance(one, Subset):
            waiting.append(one.dataset)
        elif isinstance(one, (ConcatDataset, ChainDataset)):
            waiting += one.datasets
    return found
