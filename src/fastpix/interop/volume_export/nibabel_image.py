"""A volume as an image of nibabel, so as NIfTI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import SeriesError
from fastpix.interop.volume_export.placement import (
    is_color,
    is_same_place,
    placed_affine,
    right_angled,
)
from fastpix.series.time_steps import seconds_between
from fastpix.series.volume import Volume

if TYPE_CHECKING:
    import nibabel

_SCANNER = 1  # NIFTI_XFORM_SCANNER_ANAT
_LONGEST = 2**15 - 1  # of an axis: the header holds it in 16 bits
_RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


def to_nibabel(volume: Volume) -> nibabel.Nifti1Image:
    """Return a volume as an image of nibabel; see `Volume.to_nibabel`."""
    try:
        import nibabel
    except ModuleNotFoundError as error:
        raise ImportError("NIfTI needs nibabel: pip install 'fastpix[nifti]'") from error
    placed_affine(volume)
    affine = volume.affine_as("RAS", order="xyz")
    data = _data(volume).T  # columns first, volumes last
    if max(data.shape) > _LONGEST:
        raise SeriesError(f"an axis has {max(data.shape)} voxels, and NIfTI holds {_LONGEST}")
    image = nibabel.Nifti1Image(data, affine, dtype=data.dtype)
    header = image.header
    header.set_sform(affine, _SCANNER)
    straight = right_angled(affine)
    is_straight = is_same_place(straight, affine, data.shape[:3])
    header.set_qform(straight, _SCANNER if is_straight else 0)
    step = seconds_between(volume.axes, volume.coords)
    header.set_xyzt_units("mm", None if step is None else "sec")
    spacing = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    header.set_zooms((*spacing, *([step or 1.0] if volume.axes else [])))
    header["descrip"] = f"fastpix {_version()}"
    return image


def _data(volume: Volume) -> NDArray[Any]:
    """Return the values in a dtype of NIfTI; they are never rounded."""
    array = volume.array
    if is_color(volume):
        with np.errstate(invalid="ignore"):
            bytes_ = np.ascontiguousarray(array.astype(np.uint8))
        if not np.array_equal(bytes_, array):
            raise SeriesError("NIfTI holds colours of 8 bits, and these are no integers of 0..255")
        return bytes_.view(_RGB)[..., 0]
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8 or array.dtype == np.float16:
        raise SeriesError(f"NIfTI has no dtype {array.dtype}: read the volume as float32")
    return array


def _version() -> str:
    from importlib.metadata import version

    return version("fastpix")
