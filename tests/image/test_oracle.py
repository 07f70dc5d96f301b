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
from pydicom.pixels.processing import (
    convert_color_space,
)
from support.matrices import every
from support.oracle import TWINS, expected
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


def check(path: Path) -> None:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    ours: NDArray[Any] | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # real files are odd; tests/header tests the warnings
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


@every("path", files_under(WHEEL))
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
