"""fastpix: DICOM files to exact arrays, fast."""

from importlib.metadata import version as _version

from fastpix import backend
from fastpix.convert import Summary, convert
from fastpix.errors import (
    ArgumentError,
    DecodeError,
    DecoderWarning,
    FastpixError,
    HeaderWarning,
    InexactError,
    NoPixelDataError,
    NotDicomError,
    PixelDataError,
    PixelHeaderError,
    SeriesError,
    UnsupportedTransferSyntaxError,
)
from fastpix.filereader import dcmread
from fastpix.image import Image, open
from fastpix.kernel import kernels, use_kernel
from fastpix.loaders import dicom_to_array, dicom_to_tensor, imread
from fastpix.many import imread_many
from fastpix.pixels import (
    apply_color_lut,
    apply_modality_lut,
    apply_rescale,
    apply_voi,
    apply_voi_lut,
    apply_windowing,
    convert_color_space,
    iter_pixels,
    pixel_array,
)
from fastpix.plan import Plan
from fastpix.recipe import Recipe

__version__ = _version("fastpix")

__all__ = [
    "ArgumentError",
    "DecodeError",
    "DecoderWarning",
    "FastpixError",
    "HeaderWarning",
    "Image",
    "InexactError",
    "NoPixelDataError",
    "NotDicomError",
    "PixelDataError",
    "PixelHeaderError",
    "Plan",
    "Recipe",
    "SeriesError",
    "Summary",
    "UnsupportedTransferSyntaxError",
    "apply_color_lut",
    "apply_modality_lut",
    "apply_rescale",
    "apply_voi",
    "apply_voi_lut",
    "apply_windowing",
    "backend",
    "convert",
    "convert_color_space",
    "dcmread",
    "dicom_to_array",
    "dicom_to_tensor",
    "imread",
    "imread_many",
    "iter_pixels",
    "kernels",
    "open",
    "pixel_array",
    "use_kernel",
]
