"""A volume as an image of SimpleITK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastpix.interop.volume_export.placement import (
    is_color,
    placed_affine,
    refuse_shear,
)
from fastpix.series.time_steps import seconds_between
from fastpix.series.volume import Volume

if TYPE_CHECKING:
    import SimpleITK


def to_simpleitk(volume: Volume) -> SimpleITK.Image:
    """Return a volume as an image of SimpleITK; see `Volume.to_simpleitk`."""
    try:
        import SimpleITK
    except ModuleNotFoundError as error:
        raise ImportError("to_simpleitk needs SimpleITK: pip install SimpleITK") from error
    placed_affine(volume)
    refuse_shear(volume, "ITK")
    affine = volume.affine_as("LPS", order="xyz")  # ITK's patient space, and its order of axes
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    count = 3 + len(volume.axes)
    direction = np.eye(count)
    direction[:3, :3] = affine[:3, :3] / spacing
    between = [seconds_between(volume.axes, volume.coords) or 1.0] * len(volume.axes)
    image = SimpleITK.GetImageFromArray(volume.array, isVector=is_color(volume))
    image.SetOrigin([*affine[:3, 3].tolist(), *[0.0] * len(volume.axes)])
    image.SetSpacing([*spacing.tolist(), *between])
    image.SetDirection(direction.ravel().tolist())
    return image
