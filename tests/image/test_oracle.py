"""Our values against pydicom's over real files: equal bit for bit wherever pydicom is right.

Where pydicom's pipeline stops short of the modality values (it leaves Dose Grid Scaling, per-frame
rescales and palettes to its user), the test does that last step from pydicom's own parse.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import (
    apply_color_lut,
    apply_modality_lut,
    convert_color_space,
)
from support.real_files import WHEEL, corpus_parameters, file_id, files_under

import fastpix
from fastpix.kernel import reference
from fastpix.kernel.steps import ColorSteps, Steps

# Files that pydicom reads and we refuse, with the reason; none so far.
REFUSED: dict[str, str] = {}
# Files that nothing here can check.
NO_ORACLE = {
    "JPEG-lossy.dcm": "no plugin of pydicom decodes 12-bit JPEG Extended",
    "JPGExtended.dcm": "no plugin of pydicom decodes 12-bit JPEG Extended",
    "JPEGLosslessP14SV1_1s_1f_u_16_16.dcm": "16-bit JPEG Lossless that pydicom's plugins refuse",
}
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


def check(path: Path) -> None:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    ours: NDArray[Any] | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # real files are odd; test_header.py tests the warnings
        try:
            ours = fastpix.imread(path, invert="none")
            stored = fastpix.open(path).stored()
        except fastpix.FastpixError as error:
            refusal = error
        if path.name in TWINS:
            assert ours is not None
            twin = fastpix.imread(path.with_name(TWINS[path.name]), invert="none")
            assert ours.tobytes() == twin.tobytes()
            return
        try:
            wanted = expected(path)
        except Exception:
            wanted = None
        if path.name in NO_ORACLE:
            assert ours is not None
            return
        if wanted is None:
            assert ours is None, "we read it, pydicom does not"
            return
        if ours is None:
            assert path.name in REFUSED, f"pydicom reads it, we say: {refusal}"
            return
        assert ours.shape == wanted.shape
        assert ours.tobytes() == wanted.tobytes()
        dataset = pydicom.dcmread(path, force=True)
        if stored.ndim == 2 and "TransferSyntaxUID" in dataset.file_meta:
            assert stored.tobytes() == dataset.pixel_array.astype(stored.dtype).tobytes()
            assert np.array_equal(stored, dataset.pixel_array)


@pytest.mark.parametrize("path", files_under(WHEEL), ids=file_id)
def test_wheel(path: Path) -> None:
    check(path)


@pytest.mark.corpus
@pytest.mark.parametrize("path", corpus_parameters(), ids=file_id)
def test_corpus(path: Path) -> None:
    check(path)


def test_ybr_is_pydicoms_for_every_color() -> None:
    """pydicom computes in float32, which cannot hold an exact half: there it rounds either way."""
    steps = ColorSteps(Steps("u1", False, 7, 8, False), "interleaved", ybr=True)
    cb, cr = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    green = -202008 * (cb.astype(np.int64) - 128) - 419198 * (cr.astype(np.int64) - 128)
    half = green % 587000 == 293500
    assert 0 < half.sum() < 300
    for luma in range(0, 256, 5):
        ybr = np.stack([np.full_like(cb, luma), cb, cr], axis=-1)
        ours = np.empty_like(ybr)
        assert reference.color(ybr.reshape(-1), ours.reshape(-1), steps) == -1
        theirs = convert_color_space(ybr, "YBR_FULL", "RGB")
        assert np.array_equal(ours[~half], theirs[~half])
        exact = np.clip((587000 * luma + green[half] + 293500) // 587000, 0, 255)
        assert np.array_equal(ours[half][:, 1], exact)
