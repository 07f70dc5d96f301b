"""`pydicom.pixels` by name, argument and result, on compiled loops (docs/pydicom.md)."""

from fastpix.interop.pydicom_pixels.arrays import iter_pixels, pixel_array
from fastpix.interop.pydicom_pixels.color_spaces import apply_color_lut, convert_color_space
from fastpix.interop.pydicom_pixels.lookup import (
    apply_modality_lut,
    apply_rescale,
    apply_voi,
    apply_voi_lut,
)
from fastpix.interop.pydicom_pixels.windowing import apply_windowing

__all__ = [
    "apply_color_lut",
    "apply_modality_lut",
    "apply_rescale",
    "apply_voi",
    "apply_voi_lut",
    "apply_windowing",
    "convert_color_space",
    "iter_pixels",
    "pixel_array",
]
