"""`collate`: the items of a batch to the batch, without a copy where they were read together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import default_collate, default_convert

from fastpix.errors import FastpixError
from fastpix.torch.batch_pool import handed_over

Item = dict[str, Any]


class ItemsOfBatch(list[Item]):
    """Items that are views of one batch, which `collate` gives back as it is.

    Parameters
    ----------
    items : sequence of dict
    image : Tensor
        The images of all items, in their order.
    """

    def __init__(self, items: Sequence[Item], image: torch.Tensor) -> None:
        super().__init__(items)
        self.image = image


def collate(items: Sequence[Item]) -> Item:
    """Return the batch of items: what torch's ``default_collate`` gives, with one copy less.

    For ``DataLoader(dataset, collate_fn=fastpix.torch.collate)``.

    Parameters
    ----------
    items : sequence of dict
        What a dataset of this package has given. One item, which a DataLoader without batches
        gives, is returned as it is.

    Returns
    -------
    dict
        A tensor for each key whose values are tensors or numbers, a list for texts.

    Raises
    ------
    FastpixError
        There is no item: all files of the batch were skipped.
    """
    if not items:
        raise FastpixError(
            "no image of this batch can be read: use fastpix.torch.Loader, which leaves such "
            "batches out, or larger batches"
        )
    if isinstance(items, dict):  # a loader without batches: Loader(dataset, batch_size=None)
        single: Item = default_convert(items)
        return single
    image = items.image if isinstance(items, ItemsOfBatch) else None
    if image is None or not _are_parts_of(image, items):
        collated: Item = default_collate(list(items))
        return collated
    rest = [{key: value for key, value in item.items() if key != "image"} for item in items]
    return {"image": image, **default_collate(rest)}


def _are_parts_of(image: torch.Tensor, items: Sequence[Item]) -> bool:
    """Whether items still are what they were made as: a wrapper may have changed them."""
    return len(image) == len(items) and all(
        isinstance(own := item.get("image"), torch.Tensor)
        and own.data_ptr() == part.data_ptr()
        and own.dtype == part.dtype
        and own.shape == part.shape
        and own.stride() == part.stride()
        for item, part in zip(items, image, strict=True)
    )


def collate_or_nothing(items: Sequence[Item]) -> Item | None:
    """Return the batch of items for a `Loader`; None if there is none.

    Parameters
    ----------
    items : sequence of dict
    """
    if not items:
        return None
    batch = collate(items)
    if not isinstance(batch, dict):  # a transform makes something else of items
        return batch
    return {key: handed_over(value) if key == "image" else value for key, value in batch.items()}
