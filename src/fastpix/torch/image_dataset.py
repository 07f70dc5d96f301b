"""What the datasets of images share: a batch is one array, in which each image has its place."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from fastpix.errors import ArgumentError
from fastpix.runs.batch_places import Places
from fastpix.torch.batch_images import BatchImages
from fastpix.torch.collating import Item
from fastpix.torch.item_dataset import ItemDataset
from fastpix.torch.item_labels import LabelColumn
from fastpix.torch.source_items import Behaviour

if TYPE_CHECKING:
    import pyarrow


class ImageDataset(ItemDataset):
    """Images by number, each a dictionary; a batch of them is read by one call.

    Parameters
    ----------
    names : iterable of str
        Of all images, kept or not.
    table : pyarrow.Table or None
        The rows of the manifest.
    spacings : ndarray or None
        ``(N, 2)``: see `spacings_of`.
    column : callable
        Finds a column of labels.
    behaviour : Behaviour
    size, fill
        As `imread_batch` has them.
    """

    def __init__(
        self,
        names: Iterable[str],
        table: pyarrow.Table | None,
        spacings: NDArray[np.float64] | None,
        column: LabelColumn,
        behaviour: Behaviour,
        size: tuple[int, int] | None,
        fill: float,
    ) -> None:
        super().__init__(names, table, column, behaviour)
        Places(1, size, fill, None)  # an error now, not in a worker
        self._size = size
        self._fill = fill
        count = len(self._all_names)
        self._spacings = np.full((count, 2), np.nan) if spacings is None else spacings

    def _items(self, numbers: Sequence[int], goes_on: bool) -> list[Any]:
        rows: list[int] = self._rows[list(numbers)].tolist()
        if not rows:
            return []
        batch = BatchImages(rows, self._size, self._fill)
        errors = self._read(rows, batch.places, goes_on)
        kept = batch.finish(errors, self._all_names, self._skipped if goes_on else None)
        if kept is None:
            return []
        items = [
            self._item(rows[place], image)
            for place, image in zip(kept.places, kept.images, strict=True)
        ]
        return self._transformed(items, kept.images)

    def _item(self, row: int, image: torch.Tensor) -> Item:
        return {"image": image, **self._identity(row), "spacing": spacing_at(self._spacings, row)}

    @abstractmethod
    def _read(self, rows: Sequence[int], places: Places, goes_on: bool) -> dict[int, Exception]:
        """Read images to their places; return why some could not be read."""


def spacings_of(pixel_spacings: Iterable[Sequence[float] | None]) -> NDArray[np.float64]:
    """Return ``(N, 2)``: distances of rows and of columns in mm, NaN where they are not known.

    Parameters
    ----------
    pixel_spacings : iterable of (sequence of float, or None)
        The column ``pixel_spacing`` of a manifest.
    """
    rows = [
        (np.nan, np.nan) if spacing is None or len(spacing) != 2 else tuple(spacing)
        for spacing in pixel_spacings
    ]
    return np.array(rows, np.float64).reshape(-1, 2)


def spacing_at(spacings: NDArray[np.float64], row: int) -> torch.Tensor:
    """Return the spacing of one image; a copy, which its user may write to.

    Parameters
    ----------
    spacings : ndarray
        See `spacings_of`.
    row : int
    """
    return torch.from_numpy(spacings[row].copy())


def no_column(name: str) -> Sequence[Any]:
    """Refuse labels by the name of a column, where there are no columns.

    Parameters
    ----------
    name : str
    """
    raise ArgumentError(
        "labels",
        f"{name!r}: files have no columns; give one label for each, or a mapping by name, or a "
        f"cache (format 'index' copies no pixels) to which fastpix join has added the column",
    )
