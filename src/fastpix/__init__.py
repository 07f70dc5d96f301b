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
from fastpix.image import Image, open
from fastpix.kernel import kernels, use_kernel
from fastpix.loaders import dicom_to_array, dicom_to_tensor, imread
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
    "backend",
    "convert",
    "dicom_to_array",
    "dicom_to_tensor",
    "imread",
    "kernels",
    "open",
    "use_kernel",
]
