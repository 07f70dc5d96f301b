"""The array of masks, and the limit to its size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fastpix.image.limits import check_size
from fastpix.interop.masks.volume_grid import VolumeGrid


def empty_masks(count: int, grid: VolumeGrid, max_bytes: int) -> NDArray[np.bool_]:
    """Return so many masks of a volume, False everywhere.

    Raises
    ------
    PixelDataError
        They take more than `max_bytes`.
    """
    shape = (count, *grid.shape)
    remedy = "choose fewer labels with names=, or raise max_bytes="
    check_size(math.prod(shape), max_bytes, "the masks take", remedy)
    return np.zeros(shape, np.bool_)
