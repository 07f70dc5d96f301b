"""`DicomDataset`: DICOM files as they are, with no cache in between."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fastpix.image.frame_selection import Frames
from fastpix.image.limits import MAX_BYTES, checked_limit
from fastpix.job.cache import Cache
from fastpix.job.packed_columns import PackedTexts
from fastpix.job.scan.source_locations import LazyFile, is_plain
from fastpix.job.source_verdicts import SourcesLike
from fastpix.recipe import Recipe
from fastpix.runs.batch import read_to_places
from fastpix.runs.batch_places import PartOfPlaces, Places
from fastpix.torch.cached_samples import Filter
from fastpix.torch.dicom_files import find_files, obeyed_of
from fastpix.torch.image_dataset import ImageDataset
from fastpix.torch.item_dataset import Behaviour, Transform
from fastpix.torch.item_labels import Labels, Unlabelled
from fastpix.torch.skipping import OnItemError
from fastpix.torch.tensors import threads_here


class DicomDataset(ImageDataset):
    """DICOM files, each batch of which is one call of `fastpix.imread_batch`.

    Parameters
    ----------
    source : path, URL, Cache, or sequence of paths
        A list of files, which are not opened before they are read; a folder, archive, glob or a
        list of ``fastpix scan``, whose headers are read now, so that files which are no images are
        left out; or a cache of format ``index``, whose manifest says all that is asked.
    recipe : Recipe, optional
        How stored values become output values.
    filter : str, sequence of str or callable, optional
        Which images: conditions such as ``"modality in CT,MR"``, all of which must hold, or a
        function of the columns that a manifest has of a header.
    labels : str, sequence or mapping, optional
        One label for each image, in the order of `names`; labels by their names; or, of a cache, a
        column that ``fastpix join`` has added.
    unlabelled : {"error", "drop"}
        What becomes of images that have no label.
    transform : callable, optional
        Is given each item, and returns what takes its place.
    size : (int, int), optional
        Rows and columns of all images: larger ones lose their edges, smaller ones are surrounded by
        `fill`, both centred, as in `imread_batch`.
    fill : float
    frames : int, slice, sequence of int or None
        Which frames of each image; an int drops the frame axis, None reads all.
    threads : int, optional
        How many threads read a batch. If not given: one in a worker of a DataLoader, else as many
        as help.
    max_bytes : int
        The most bytes that one image may decode to.
    on_error : {"raise", "skip"}
        What becomes of images that cannot be read, or do not fit into their batch: an error that
        names them, or they are left out of their batches, and counted: see `skipped`.
    sources : path or Verdicts, optional
        ``sources.toml``: as `fastpix.convert` obeys it. Headers are read now, and sources that
        nobody has looked at are an error. A cache has obeyed its verdicts already.
    allow_unseen : bool
        Take sources that nobody has looked at as they are.
    key_file : path, optional
        The key that the ids of `sources` were made with.

    Notes
    -----
    An item is a dictionary:

    - ``image``: tensor, ``(1, rows, columns)``, or ``(3, rows, columns)`` for colour; several
      frames stand before the rows.
    - ``name``: the path as it was given, or below the folder; of a cache, the keyed name.
    - ``patient``: of a cache, the keyed hash of its patient; else empty.
    - ``spacing``: float64, ``(2,)``: millimetres between rows and between columns; NaN where they
      are not known, as for files of a list.
    - ``index``: its number in the source.
    - ``label``: with `labels` alone.

    Examples
    --------
    >>> dataset = DicomDataset("study/", recipe=Recipe(normalize=(-1000, 400)))  # doctest: +SKIP
    >>> for batch in Loader(dataset, batch_size=32, num_workers=2):              # doctest: +SKIP
    ...     model(batch["image"])
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | Cache,
        *,
        recipe: Recipe | None = None,
        filter: Filter = None,
        labels: Labels = None,
        unlabelled: Unlabelled = "error",
        transform: Transform | None = None,
        size: tuple[int, int] | None = None,
        fill: float = 0,
        frames: Frames = None,
        threads: int | None = None,
        max_bytes: int = MAX_BYTES,
        on_error: OnItemError = "raise",
        sources: SourcesLike = None,
        allow_unseen: bool = False,
        key_file: str | os.PathLike[str] | None = None,
    ) -> None:
        found = find_files(source, filter, obeyed_of(sources, allow_unseen, key_file))
        behaviour = Behaviour(labels, unlabelled, transform, on_error)
        super().__init__(
            found.names, found.table, found.spacings, found.column, behaviour, size, fill
        )
        self.recipe = recipe or Recipe()
        self._locations = PackedTexts(found.locations)
        self._is_inverted = found.is_inverted if found.is_inverted.any() else None
        self._frames = frames
        self._threads = threads
        self._max_bytes = checked_limit(max_bytes)

    def _read(self, rows: Sequence[int], places: Places, goes_on: bool) -> dict[int, Exception]:
        if self._is_inverted is None:
            return self._read_alike(rows, places, goes_on, False)
        errors: dict[int, Exception] = {}
        is_inverted = self._is_inverted[list(rows)]
        for exchanges in (False, True):
            numbers = np.flatnonzero(is_inverted == exchanges).tolist()
            if not numbers or (errors and not goes_on):
                continue
            part = PartOfPlaces(places, numbers)
            found = self._read_alike([rows[k] for k in numbers], part, goes_on, exchanges)
            errors |= {numbers[k]: error for k, error in found.items()}
        return errors

    def _read_alike(
        self, rows: Sequence[int], places: Places, goes_on: bool, exchanges: bool
    ) -> dict[int, Exception]:
        """Read images, either all of which are of inverted sources, or none."""
        locations = [self._locations[row] for row in rows]
        sources: list[Any] = [e if is_plain(e) else LazyFile(e) for e in locations]
        return read_to_places(
            sources,
            places,
            self.recipe,
            self._frames,
            self._max_bytes,
            threads_here(self._threads),
            goes_on=goes_on,
            exchanges=exchanges,
        )
