"""The right values of a real file: by pydicom or, where it is wrong, by a file that is its twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import (
    apply_color_lut,
    apply_modality_lut,
)

# Files that pydicom cannot read, or reads wrongly: the same image in another syntax says what is
# right. The big-endian palettes it takes for little-endian; the others it does not decode.
TWINS = {
    "OBXXXX1A_expb.dcm": "OBXXXX1A.dcm",
    "OBXXXX1A_expb_2frame.dcm": "OBXXXX1A_2frame.dcm",
    "liver_deflate.dcm": "liver.dcm",
    "liver_rle.dcm": "liver.dcm",
    "liver_nonbyte_aligned_deflate.dcm": "liver_nonbyte_aligned.dcm",
    "liver_nonbyte_aligned_rle.dcm": "liver_nonbyte_aligned.dcm",
}


def rescale_of(group: Dataset) -> tuple[float, float] | None:
    sequence = group.get("PixelValueTransformationSequence")
    if not sequence:
        return None
    item = sequence[0]
    return float(item.get("RescaleSlope", 1)), float(item.get("RescaleIntercept", 0))


def frame_rescales(dataset: Dataset) -> list[tuple[float, float]] | None:
    """Slope and intercept of each frame by the functional groups, or None where there are none."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    common = rescale_of(shared[0]) if shared else None
    own = [rescale_of(group) for group in per_frame]
    if common is None and not any(own):
        return None
    base = common or (
        float(dataset.get("RescaleSlope", 1)),
        float(dataset.get("RescaleIntercept", 0)),
    )
    frames = int(dataset.get("NumberOfFrames") or 1)
    return [rescale or base for rescale in own] or [base] * frames


def expected(path: Path) -> NDArray[np.float32]:
    """The right values from pydicom's stored values."""
    dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        # pydicom's pixel_array wants it said; its own parse knows the encoding.
        implicit, little = dataset.original_encoding
        assert little
        dataset.file_meta.TransferSyntaxUID = (
            pydicom.uid.ImplicitVRLittleEndian if implicit else pydicom.uid.ExplicitVRLittleEndian
        )
    stored: NDArray[Any] = dataset.pixel_array
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return apply_color_lut(stored, dataset).astype(np.float32)
    if dataset.get("Modality") == "RTDOSE":
        # pydicom leaves the dose unscaled: numbers that are no dose at all.
        dose: NDArray[np.float64] = stored.astype(np.float64) * float(dataset.DoseGridScaling)
        return dose.astype(np.float32)
    rescales = frame_rescales(dataset)
    if rescales is not None:
        # pydicom's apply_modality_lut looks at the top level alone.
        frames = stored.reshape(-1, *stored.shape[-2:]).astype(np.float64)
        scaled = [
            f * slope + intercept for f, (slope, intercept) in zip(frames, rescales, strict=True)
        ]
        return np.stack(scaled).reshape(stored.shape).astype(np.float32)
    return apply_modality_lut(stored, dataset).astype(np.float32)
