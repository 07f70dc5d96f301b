"""A volume as a tensor of MONAI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import SeriesError
from fastpix.interop.volume_export.placement import is_color, placed_affine
from fastpix.interop.volume_export.transposition import columns_first
from fastpix.series.volume import Volume

if TYPE_CHECKING:
    from monai.data import MetaTensor


def to_monai(volume: Volume) -> MetaTensor:
    """Return a volume as a tensor of MONAI; see `Volume.to_monai`."""
    try:
        from monai.data import MetaTensor
        from monai.utils import MetaKeys, SpaceKeys
    except ModuleNotFoundError as error:  # torch, without which MONAI cannot be imported, included
        raise ImportError("to_monai needs MONAI: pip install 'fastpix[monai]'") from error
    placed_affine(volume)
    affine = volume.affine_as("RAS", order="xyz")
    array = _channels_last(volume)
    metadata = {
        MetaKeys.AFFINE: affine,
        MetaKeys.ORIGINAL_AFFINE: affine.copy(),
        MetaKeys.SPATIAL_SHAPE: np.array(array.shape[:3]),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.ORIGINAL_CHANNEL_DIM: -1 if array.ndim == 4 else float("nan"),
    }
    return MetaTensor.ensure_torch_and_prune_meta(array, metadata)


def _channels_last(volume: Volume) -> NDArray[Any]:
    """Return ``(column, row, slice)``, and behind it the axis of volumes or of colours."""
    if not is_color(volume):
        return columns_first(volume.array)
    if volume.axes:
        raise SeriesError("MONAI has one axis of channels: there are several volumes of colours")
    return np.ascontiguousarray(volume.array.transpose(2, 1, 0, 3))
