"""`CacheDataset`: the images that a job has converted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from fastpix.job.cache import Cache
from fastpix.job.cache_batch import cache_to_places
from fastpix.runs.batch_places import Places
from fastpix.torch.cached_samples import (
    Filter,
    Intervals,
    Normalize,
    intervals_of,
    kept_of,
    label_column,
    opened,
)
from fastpix.torch.image_dataset import ImageDataset, spacings_of
from fastpix.torch.item_labels import Labels, Unlabelled
from fastpix.torch.skipping import OnItemError
from fastpix.torch.source_items import Behaviour, Transform
from fastpix.torch.tensors import threads_here


class CacheDataset(ImageDataset):
    """Images of a cache that ``fastpix convert`` has written, in any of its formats.

    Parameters
    ----------
    source : path, URL or Cache
        Of images (``--unit file``).
    normalize : (float, float), "group" or GroupNormalization, optional
        Clip to this interval and map it to 0..1. ``"group"``: by the interval of the image's group
        (modality, maker, model, unit), which ``fastpix stats DST --split train`` has counted on the
        training split alone. A cache that was made with ``normalize`` is normalized already.
        Colour is left alone if the cache was made with ``color_range``, and else is an error.
    filter : str, sequence of str or callable, optional
        Which images: conditions such as ``"modality in CT,MR"``, all of which must hold, or a
        function of a row of the manifest.
    labels : str, sequence or mapping, optional
        A column that ``fastpix join`` has added to the cache, or one of its manifest; one label for
        each image, in the order of ``cache.names``; or labels by the names of images.
    unlabelled : {"error", "drop"}
        What becomes of images that have no label.
    transform : callable, optional
        Is given each item, and returns what takes its place.
    size : (int, int), optional
        Rows and columns of all images: larger ones lose their edges, smaller ones are surrounded by
        `fill`, both centred, as in `imread_batch`.
    fill : float
    threads : int, optional
        How many threads read a batch. If not given: one in a worker of a DataLoader, else as many
        as help.
    on_error : {"raise", "skip"}
        What becomes of images that cannot be read, or do not fit into their batch: an error that
        names them, or they are left out of their batches, and counted: see `skipped`.

    Notes
    -----
    An item is a dictionary:

    - ``image``: tensor, ``(1, rows, columns)``, or ``(3, rows, columns)`` for colour; several
      frames stand before the rows. Its dtype is that of the cache's recipe.
    - ``name``: the keyed name of the image, as in the manifest.
    - ``patient``: the keyed hash of its patient.
    - ``spacing``: float64, ``(2,)``: millimetres between rows and between columns; NaN where they
      are not known.
    - ``index``: its number among all images of the cache that the filter keeps.
    - ``label``: with `labels` alone.

    Examples
    --------
    >>> dataset = CacheDataset("cache/", labels="diagnosis")                   # doctest: +SKIP
    >>> parts = dataset.split((0.8, 0.1, 0.1), seed=1)                         # doctest: +SKIP
    >>> loader = Loader(parts["train"], batch_size=32, num_workers=4)          # doctest: +SKIP
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Cache,
        *,
        normalize: Normalize = None,
        filter: Filter = None,
        labels: Labels = None,
        unlabelled: Unlabelled = "error",
        transform: Transform | None = None,
        size: tuple[int, int] | None = None,
        fill: float = 0,
        threads: int | None = None,
        on_error: OnItemError = "raise",
    ) -> None:
        cache = kept_of(opened(source, "file"), filter)
        super().__init__(
            cache.names,
            cache.table,
            spacings_of(cache.table.column("pixel_spacing").to_pylist()),
            partial(label_column, cache),
            Behaviour(labels, unlabelled, transform, on_error),
            size,
            fill,
        )
        self.cache = cache
        self._intervals: Intervals = intervals_of(cache, normalize)
        self._threads = threads

    def _read(self, rows: Sequence[int], places: Places, goes_on: bool) -> dict[int, Exception]:
        del goes_on  # whether an image can be read, its neighbours need not know
        intervals = None if self._intervals is None else [self._intervals[row] for row in rows]
        threads = threads_here(self._threads)
        return cache_to_places(self.cache, rows, places, normalize=intervals, threads=threads)
