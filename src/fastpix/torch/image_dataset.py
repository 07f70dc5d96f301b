"""What the datasets of images share: items, batches, labels, errors and splits."""

from __future__ import annotations

import copy
import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch.utils.data import Dataset

from fastpix.errors import ArgumentError
from fastpix.runs.batch_places import Places
from fastpix.torch.collating import Item, ItemsOfBatch
from fastpix.torch.item_labels import Labels, Unlabelled, labels_of
from fastpix.torch.skipping import Skipped, checked_on_error
from fastpix.torch.tensors import BatchMemory, channels_first

if TYPE_CHECKING:
    import pyarrow

Transform = Callable[[Item], Any]


class ImageDataset(Dataset[Item]):
    """Images by number, each a dictionary; a batch of them is read by one call.

    Parameters
    ----------
    names : sequence of str
        Of all images, kept or not.
    table : pyarrow.Table or None
        The rows of the manifest.
    column : callable
        Finds a column of labels.
    labels, unlabelled, transform, size, fill, on_error
        As the datasets document them.
    """

    def __init__(
        self,
        names: Sequence[str],
        table: pyarrow.Table | None,
        *,
        labels: Labels,
        unlabelled: Unlabelled,
        transform: Transform | None,
        size: tuple[int, int] | None,
        fill: float,
        on_error: str,
        column: Callable[[str], Sequence[Any]],
    ) -> None:
        self.on_error = checked_on_error(on_error)
        self.transform = transform
        self._size = size
        self._fill = fill
        self._all_names = list(names)
        self._labels, kept = labels_of(labels, names, column, unlabelled)
        self._rows = np.array(kept, np.int64)  # the images that this dataset has, by number
        self._table = table
        self._patients: list[str | None] | None = None
        self._spacings: np.ndarray[Any, Any] | None = None
        if table is not None:
            self._patients = table.column("patient").to_pylist()
            self._spacings = spacings_of(table)
        self._skipped = Skipped(len(names))

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._rows)

    def __getitem__(self, number: int) -> Any:
        """Return an image: see the class for its keys.

        Parameters
        ----------
        number : int
            Negative ones count from the end.

        Raises
        ------
        FastpixError, OSError
            It cannot be read; the error names it. With ``on_error="skip"``, too: there is no other
            item to give.
        """
        place = index(number)
        if not -len(self) <= place < len(self):
            raise IndexError(f"image {number} of {len(self)}")
        return self._items([place % len(self)], goes_on=False)[0]

    def __getitems__(self, numbers: Sequence[int]) -> list[Any]:
        """Return several images, which are read into one array: what a DataLoader asks for.

        Parameters
        ----------
        numbers : sequence of int

        Returns
        -------
        list of dict
            Fewer with ``on_error="skip"``, if some cannot be read.
        """
        return self._items(list(numbers), goes_on=self.on_error == "skip")

    def _items(self, numbers: Sequence[int], goes_on: bool) -> list[Any]:
        rows = self._rows[list(numbers)].tolist()
        if not rows:
            return []
        memory = BatchMemory()
        places = Places(len(rows), self._size, self._fill, None, memory.empty)
        errors = self._read(rows, places, goes_on)
        names = [self._all_names[row] for row in rows]
        if errors or places.is_begun is False:
            self._note(errors, rows, goes_on)
        misfits = places.misfits(names)
        if misfits and not goes_on:
            places.check_all_fit(names)
        self._note(misfits, rows, goes_on)
        left = [k for k in range(len(rows)) if k not in errors and k not in misfits]
        if not left:
            return []
        images = channels_first(memory.tensor(places.result.shape), places.is_color)
        if len(left) < len(rows):
            images = images[left]
        items = [self._item(rows[k], images[i]) for i, k in enumerate(left)]
        if self.transform is None:
            return ItemsOfBatch(items, images)
        return [self.transform(item) for item in items]

    def _note(self, errors: Mapping[int, Exception], rows: Sequence[int], goes_on: bool) -> None:
        for place in sorted(errors):
            if not goes_on:
                raise errors[place]
            self._skipped.add(rows[place])

    def _item(self, row: int, image: torch.Tensor) -> Item:
        item: Item = {
            "image": image,
            "name": self._all_names[row],
            "patient": (self._patients and self._patients[row]) or "",
            "spacing": torch.full((2,), torch.nan, dtype=torch.float64)
            if self._spacings is None
            else torch.from_numpy(self._spacings[row]),
            "index": row,
        }
        if self._labels is not None:
            item["label"] = self._labels[row]
        return item

    @abstractmethod
    def _read(self, rows: Sequence[int], places: Places, goes_on: bool) -> dict[int, Exception]:
        """Read images to their places; return why some could not be read."""

    @property
    def names(self) -> list[str]:
        """The names of the images, in their order."""
        return [self._all_names[row] for row in self._rows]

    @property
    def labels(self) -> list[Any] | None:
        """The labels of the images, in their order; None if there are none."""
        if self._labels is None:
            return None
        return [self._labels[row] for row in self._rows]

    @property
    def skipped(self) -> list[str]:
        """The names of images that could not be read, in this process and in its workers.

        A `Loader` clears them when an epoch begins.
        """
        return self._skipped.names(self._all_names)

    def clear_skipped(self) -> None:
        """Forget which images could not be read."""
        self._skipped.clear()

    def subset(self, numbers: Sequence[int]) -> Self:
        """Return a dataset of some of these images, which reads as this one does.

        Parameters
        ----------
        numbers : sequence of int
        """
        part = copy.copy(self)
        part._rows = self._rows[np.asarray(numbers, np.int64)]
        part._skipped = Skipped(len(self._all_names))
        return part

    def split(
        self,
        fractions: Mapping[str, float] | Sequence[float] | None = None,
        *,
        by: str = "patient",
        seed: int = 0,
    ) -> dict[str, Self]:
        """Split the images, so that no patient is in two parts.

        A keyed hash decides, so that the answer is the same whatever images there are, and images
        that come later move no other. Shares are those of patients, about.

        Parameters
        ----------
        fractions : mapping of str to float, or sequence of float, optional
            The share of each part, by its name; ``train``, ``val`` and ``test`` for a sequence of
            three. 0.8, 0.1 and 0.1 if not given.
        by : {"patient", "study", "series", "image"}
            What is never parted.
        seed : int
            Another number gives other parts.

        Returns
        -------
        dict of str to dataset

        Raises
        ------
        ArgumentError
            The dataset was not made of a manifest, so that no patient is known.
        """
        if self._table is None:
            raise ArgumentError(
                "by",
                f"who is in these files is not known: {os.linesep}make a manifest of them, which "
                f"copies no pixels, by fastpix convert SRC DST --format index, and give DST",
            )
        from fastpix.job.splitting import split

        parts = split(self._table.take(self._rows), by=by, fractions=fractions, seed=seed)
        return {name: self.subset(numbers) for name, numbers in parts.items()}


def spacings_of(table: pyarrow.Table) -> np.ndarray[Any, Any]:
    """Return ``(N, 2)``: distances of rows and of columns in mm, NaN where they are not known.

    Parameters
    ----------
    table : pyarrow.Table
        Of the manifest.
    """
    found = np.full((len(table), 2), np.nan)
    for k, spacing in enumerate(table.column("pixel_spacing").to_pylist()):
        if spacing is not None and len(spacing) == 2:
            found[k] = spacing
    return found
