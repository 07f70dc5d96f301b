"""A volume as one of highdicom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastpix.interop.volume_export.placement import (
    is_color,
    is_same_place,
    placed_affine,
    refuse_shear,
    right_angled,
)
from fastpix.series.volume import Volume

if TYPE_CHECKING:
    import highdicom


def to_highdicom(volume: Volume) -> highdicom.Volume:
    """Return a volume as one of highdicom; see `Volume.to_highdicom`."""
    try:
        import highdicom
    except ModuleNotFoundError as error:
        raise ImportError("to_highdicom needs highdicom: pip install highdicom") from error
    affine = placed_affine(volume)
    refuse_shear(volume, "highdicom")
    straight = right_angled(affine)
    array = volume.array
    channels: dict[Any, list[Any]] = {}
    if volume.axes:  # highdicom has them behind the axes of space
        array = np.moveaxis(array, 0, 3)
        channels |= _volumes(volume)
    if is_color(volume):
        channels[highdicom.RGB_COLOR_CHANNEL_DESCRIPTOR] = ["R", "G", "B"]
    return highdicom.Volume(
        array=array,
        affine=straight if is_same_place(straight, affine, array.shape[:3]) else affine,
        coordinate_system="PATIENT",
        frame_of_reference_uid=volume.frame_of_reference or None,
        channels=channels,
    )


def _volumes(volume: Volume) -> dict[Any, list[Any]]:
    """Return the channel of volumes: its values by number where they are numbers, else indices."""
    from highdicom import ChannelDescriptor

    name = volume.axes[0]
    values = [x for x in volume.coords.get(name, ()) if isinstance(x, (int, float))]
    kind = float if any(isinstance(x, float) for x in values) else int
    if len(values) != len(volume.array):
        values, kind = list(range(len(volume.array))), int
    descriptor = ChannelDescriptor(name, is_custom=True, value_type=kind)
    return {descriptor: [kind(x) for x in values]}
