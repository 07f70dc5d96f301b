"""`ItemDataset`: what datasets by number share: lengths, batches, subsets and splits."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from fastpix.errors import ArgumentError
from fastpix.job.patient_split import SPLITS, By, Fractions, split
from fastpix.torch.collating import Item
from fastpix.torch.item_labels import LabelColumn
from fastpix.torch.skipping import Skipped
from fastpix.torch.source_items import Behaviour, SourceItems

if TYPE_CHECKING:
    import pyarrow


class ItemDataset(SourceItems, Dataset[Item]):
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
        super().__init__(names, table, column, behaviour)
        self._rows = np.array(self._labelled, np.int64)  # those that this dataset has, by number
        self._table = table
        self._repeats = repeats

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
