"""`as_meta_tensor`: an item whose image knows its place, for MONAI's transforms of space."""

from __future__ import annotations

import torch

from fastpix.errors import FastpixError
from fastpix.torch.collating import Item

# From (slice, row, column) in LPS to MONAI's (x, y, z) in RAS.
_REVERSED = torch.tensor(
    [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=torch.float64
)
_TO_RAS = torch.diag(torch.tensor([-1, -1, 1, 1], dtype=torch.float64))


def as_meta_tensor(item: Item) -> Item:
    """Return an item of `VolumeDataset` with a MONAI ``MetaTensor``: a ``transform=`` for it.

    Parameters
    ----------
    item : dict
        With ``image`` of ``(channels, slices, rows, columns)``, and ``affine``.

    Returns
    -------
    dict
        ``image`` is ``(channels, columns, rows, slices)`` with its affine to RAS, as MONAI's own
        readers give it; the rest as it was.

    Raises
    ------
    FastpixError
        The item has no place in space.
    ImportError
        MONAI is not installed: ``pip install 'fastpix[monai]'``.
    """
    try:
        from monai.data import MetaTensor
    except ModuleNotFoundError as error:
        raise ImportError("as_meta_tensor needs MONAI: pip install 'fastpix[monai]'") from error
    affine = item.get("affine")
    if affine is None or not bool(torch.isfinite(affine).all()):
        raise FastpixError(f"{item.get('name')} has no place in space: leave it out by filter=")
    image = item["image"].movedim((1, 2, 3), (3, 2, 1)).contiguous()
    return item | {"image": MetaTensor(image, affine=_TO_RAS @ affine @ _REVERSED)}
