"""fastpix: DICOM files to exact arrays, fast.

A public name is loaded when it is first used (PEP 562), so that `import fastpix` costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastpix import backend
    from fastpix.deidentification.run.deidentifying import deidentify
    from fastpix.errors import (
        ArgumentError,
        DecodeError,
        DecoderWarning,
        FastpixError,
        HeaderWarning,
        InexactError,
        LabelMismatchError,
        NoPixelDataError,
        NotDicomError,
        PixelDataError,
        PixelHeaderError,
        SeriesError,
        UnsupportedTransferSyntaxError,
    )
    from fastpix.header.dcmread import dcmread
    from fastpix.image.image import Image
    from fastpix.image.open_image import open
    from fastpix.interop.masks import Masks, read_masks
    from fastpix.interop.pydicom_pixels import (
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
    from fastpix.job.cache import Cache
    from fastpix.job.cache_opening import open_cache
    from fastpix.job.conversion import convert
    from fastpix.job.label_join import join_labels
    from fastpix.job.manifest_table import read_manifest
    from fastpix.job.patient_split import split
    from fastpix.job.statistics.group_normalization import GroupNormalization
    from fastpix.job.summary import Summary
    from fastpix.kernel.registry import kernels, use_kernel
    from fastpix.loaders import dicom_to_array, dicom_to_tensor, imread, read_series
    from fastpix.plan.plan import Plan
    from fastpix.recipe import Recipe
    from fastpix.runs.batch import imread_batch
    from fastpix.runs.batch_places import MaskedBatch
    from fastpix.runs.many import imread_many
    from fastpix.series.open_series import open_series
    from fastpix.series.stack import Stack
    from fastpix.series.volume import Volume

_WHERE = {
    "ArgumentError": "fastpix.errors",
    "DecodeError": "fastpix.errors",
    "DecoderWarning": "fastpix.errors",
    "FastpixError": "fastpix.errors",
    "HeaderWarning": "fastpix.errors",
    "InexactError": "fastpix.errors",
    "LabelMismatchError": "fastpix.errors",
    "NoPixelDataError": "fastpix.errors",
    "NotDicomError": "fastpix.errors",
    "PixelDataError": "fastpix.errors",
    "PixelHeaderError": "fastpix.errors",
    "SeriesError": "fastpix.errors",
    "UnsupportedTransferSyntaxError": "fastpix.errors",
    "deidentify": "fastpix.deidentification.run.deidentifying",
    "dcmread": "fastpix.header.dcmread",
    "Image": "fastpix.image.image",
    "open": "fastpix.image.open_image",
    "Masks": "fastpix.interop.masks",
    "read_masks": "fastpix.interop.masks",
    "apply_color_lut": "fastpix.interop.pydicom_pixels",
    "apply_modality_lut": "fastpix.interop.pydicom_pixels",
    "apply_rescale": "fastpix.interop.pydicom_pixels",
    "apply_voi": "fastpix.interop.pydicom_pixels",
    "apply_voi_lut": "fastpix.interop.pydicom_pixels",
    "apply_windowing": "fastpix.interop.pydicom_pixels",
    "convert_color_space": "fastpix.interop.pydicom_pixels",
    "iter_pixels": "fastpix.interop.pydicom_pixels",
    "pixel_array": "fastpix.interop.pydicom_pixels",
    "Cache": "fastpix.job.cache",
    "open_cache": "fastpix.job.cache_opening",
    "read_manifest": "fastpix.job.manifest_table",
    "GroupNormalization": "fastpix.job.statistics.group_normalization",
    "Summary": "fastpix.job.summary",
    "convert": "fastpix.job.conversion",
    "join_labels": "fastpix.job.label_join",
    "split": "fastpix.job.patient_split",
    "kernels": "fastpix.kernel.registry",
    "use_kernel": "fastpix.kernel.registry",
    "dicom_to_array": "fastpix.loaders",
    "dicom_to_tensor": "fastpix.loaders",
    "imread": "fastpix.loaders",
    "read_series": "fastpix.loaders",
    "Plan": "fastpix.plan.plan",
    "Recipe": "fastpix.recipe",
    "MaskedBatch": "fastpix.runs.batch_places",
    "imread_batch": "fastpix.runs.batch",
    "imread_many": "fastpix.runs.many",
    "open_series": "fastpix.series.open_series",
    "Stack": "fastpix.series.stack",
    "Volume": "fastpix.series.volume",
}

__all__ = [
    "ArgumentError",
    "Cache",
    "DecodeError",
    "DecoderWarning",
    "FastpixError",
    "GroupNormalization",
    "HeaderWarning",
    "Image",
    "InexactError",
    "LabelMismatchError",
    "MaskedBatch",
    "Masks",
    "NoPixelDataError",
    "NotDicomError",
    "PixelDataError",
    "PixelHeaderError",
    "Plan",
    "Recipe",
    "SeriesError",
    "Stack",
    "Summary",
    "UnsupportedTransferSyntaxError",
    "Volume",
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
    "deidentify",
    "dicom_to_array",
    "dicom_to_tensor",
    "imread",
    "imread_batch",
    "imread_many",
    "iter_pixels",
    "join_labels",
    "kernels",
    "open",
    "open_cache",
    "open_series",
    "pixel_array",
    "read_manifest",
    "read_masks",
    "read_series",
    "split",
    "use_kernel",
]


def __getattr__(name: str) -> Any:
    value: Any
    if name == "__version__":
        from importlib.metadata import version

        value = version("fastpix")
    elif name == "backend":
        value = importlib.import_module("fastpix.backend")
    elif name in _WHERE:
        value = getattr(importlib.import_module(_WHERE[name]), name)
    else:
        raise AttributeError(f"module 'fastpix' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
