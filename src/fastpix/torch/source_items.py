"""`SourceItems`: what an item says of its source, for datasets by number and for streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch

from fastpix.job.packed_columns import PackedTexts
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


class SourceItems:
    """Names, patients and labels of sources, and which of them could not be read.

    Parameters
    ----------
    names : iterable of str
        Of the sources, kept or not.
    table : pyarrow.Table or None
        The rows of the manifest, one for each source; None where there is none.
    column : callable
        Finds a column of labels.
    behaviour : Behaviour
    """

    def __init__(
        self,
        names: Iterable[str],
        table: pyarrow.Table | None,
        column: LabelColumn,
        behaviour: Behaviour,
    ) -> None:
        self.on_error = checked_on_error(behaviour.on_error)
        self.transform = behaviour.transform
        self._all_names = PackedTexts(names)
        self._labels, self._labelled = labels_of(
            behaviour.labels, self._all_names, column, behaviour.unlabelled
        )
        self._patients: PackedTexts | None = None
        if table is not None:
            self._patients = PackedTexts(each or "" for each in table.column("patient").to_pylist())
        self._skipped = Skipped(len(self._all_names), self.on_error)

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
    def skipped(self) -> list[str]:
        """The names of sources that could not be read, in this process and in its workers.

        A `Loader` clears them when an epoch begins.
        """
        return [self._all_names[row] for row in self._skipped.numbers()]

    def clear_skipped(self) -> None:
        """Forget which sources could not be read."""
        self._skipped.clear()
