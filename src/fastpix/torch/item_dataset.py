"""What all datasets by number share: names, labels, errors, splits and who asks for what."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from fastpix.errors import ArgumentError
from fastpix.job.packed_columns import PackedTexts
from fastpix.job.patient_split import SPLITS, By, Fractions, split
from fastpix.torch.collating import Item, ItemsOfBatch
from fastpix.torch.item_labels import LabelColumn, Labels, Unlabelled, labels_of
from fastpix.torch.skipping import Skipped, checked_on_error

if TYPE_CHECKING:
    import pyarrow

Transform: TypeAlias = Callable[[Item], Any]


class Behaviour(NamedTuple):
    """What a user asks of the items of a dataset, whatever it is over.

    Attributes
    ----------
    labels, unlabelled, transform, on_error
        As the datasets document them.
    """

    labels: Labels
    unlabelled: Unlabelled
    transform: Transform | None
    on_error: str


class ItemDataset(Dataset[Item]):
    """Items by number, several of which are read by one call.

    Parameters
    ----------
    names : iterable of str
        Of the sources, kept or not.
    table : pyarrow.Table or None
        The rows of the manifest, one for each source; None where there is none.
    column : callable
        Finds a column of labels.
    behaviour : Behaviour
    repeats : int
        How many items there are of each source.
    """

    def __init__(
        self,
        names: Iterable[str],
        table: pyarrow.Table | None,
        column: LabelColumn,
        behaviour: Behaviour,
        repeats: int = 1,
    ) -> None:
        self.on_error = checked_on_error(behaviour.on_error)
        self.transform = behaviour.transform
        self._all_names = PackedTexts(names)
        self._labels, kept = labels_of(
            behaviour.labels, self._all_names, column, behaviour.unlabelled
        )
        self._rows = np.array(kept, np.int64)  # the sources that this dataset has, by number
        self._table = table
        self._patients: PackedTexts | None = None
        if table is not None:
            self._patients = PackedTexts(each or "" for each in table.column("patient").to_pylist())
        self._repeats = repeats
        self._skipped = Skipped(len(self._all_names), self.on_error)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._rows) * self._repeats

    def __getitem__(self, number: int) -> Any:
        """Return an item: see the class for its keys.

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
        return self._items([self._place(number)], goes_on=False)[0]

    def __getitems__(self, numbers: Sequence[int]) -> list[Any]:
        """Return several items, which are read into one array: what a DataLoader asks for.

        Parameters
        ----------
        numbers : sequence of int

        Returns
        -------
        list of dict
            Fewer with ``on_error="skip"``, if some cannot be read.
        """
        return self._items([self._place(k) for k in numbers], goes_on=self.on_error == "skip")

    def _place(self, number: int) -> int:
        place, count = index(number), len(self)
        if not -count <= place < count:
            raise IndexError(f"item {number} of {count}")
        return place % count

    @abstractmethod
    def _items(self, numbers: Sequence[int], goes_on: bool) -> list[Any]:
        """Return items; where it goes on, without those that cannot be read."""

    def _transformed(self, items: list[Item], images: torch.Tensor) -> list[Any]:
        """Return items as the user wants them; images are those of all, in their order."""
        if self.transform is None:
            return ItemsOfBatch(items, images)
        return [self.transform(item) for item in items]

    def _identity(self, row: int) -> Item:
        """Return what an item says of its source."""
        item: Item = {
            "name": self._all_names[row],
            "patient": "" if self._patients is None else self._patients[row],
            "index": row,
        }
        if self._labels is not None:
            item["label"] = self._labels[row]
        return item

    @property
    def names(self) -> list[str]:
        """The names of the sources, in the order of items."""
        return [self._all_names[row] for row in self._rows.tolist()]

    @property
    def patients(self) -> list[str]:
        """The keyed hashes of the patients, in the order of items; empty where not known."""
        if self._patients is None:
            return [""] * len(self._rows)
        return [self._patients[row] for row in self._rows.tolist()]

    @property
    def labels(self) -> list[Any] | None:
        """The labels of the sources, in the order of items; None if there are none."""
        if self._labels is None:
            return None
        return [self._labels[row] for row in self._rows.tolist()]

    @property
    def skipped(self) -> list[str]:
        """The names of sources that could not be read, in this process and in its workers.

        A `Loader` clears them when an epoch begins.
        """
        return [self._all_names[row] for row in self._skipped.numbers()]

    def clear_skipped(self) -> None:
        """Forget which sources could not be read."""
        self._skipped.clear()

    def subset(self, numbers: Sequence[int]) -> Self:
        """Return a dataset of some of these sources, which reads as this one does.

        Parameters
        ----------
        numbers : sequence of int, or of bool
            Of sources, as `names` has them; or a flag for each.

        Raises
        ------
        ArgumentError
            They are neither.
        """
        part = copy.copy(self)
        part._rows = self._rows[_checked_numbers(numbers, len(self._rows))]
        part._skipped = Skipped(len(self._all_names), self.on_error)
        return part

    def split(
        self, fractions: Fractions = SPLITS, *, by: By = "patient", seed: int = 0
    ) -> dict[str, Self]:
        """Share the sources out, so that no patient is in two parts: see `fastpix.split`.

        Parameters
        ----------
        fractions : mapping of str to float, or sequence of three float
            The share of patients of each part; ``train``, ``val`` and ``test`` for three numbers.
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
                "who is in these files is not known: fastpix convert SRC DST --format index makes "
                "a manifest of them, which copies no pixels; give DST",
            )
        parts = split(self._table.take(self._rows), by, fractions, seed)
        return {name: self.subset(numbers.tolist()) for name, numbers in parts.items()}


def _checked_numbers(numbers: Sequence[int], count: int) -> NDArray[np.int64]:
    """Return the numbers of sources, which flags may tell as well."""
    chosen = np.asarray(numbers)
    if chosen.dtype == np.bool_ and chosen.shape == (count,):
        return np.flatnonzero(chosen)
    if chosen.size and (chosen.ndim != 1 or chosen.dtype.kind not in "iu"):
        raise ArgumentError(
            "numbers", f"they are numbers of sources, or a flag for each of {count}"
        )
    return chosen.astype(np.int64).ravel()
