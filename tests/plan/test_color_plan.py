"""Colours that a codec undoes by itself: those of JPEG 2000 and of JPEG XL, under them alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from support.builders import encode, make_dataset
from support.codestream_cases import (
    BASELINE,
    DEFLATED_FRAMES,
    HT_LOSSLESS,
    HT_LOSSY,
    HT_RPCL,
    J2K_LOSSLESS,
    J2K_LOSSY,
    JPEG_LS_LOSSLESS,
    JXL_LOSSLESS,
    JXL_LOSSY,
    JXL_RECOMPRESSED,
    LOSSLESS_70,
    RLE_LOSSLESS,
)
from support.matrices import every

import fastpix
from fastpix import PixelHeaderError, Recipe
from fastpix.plan.making import make_plan
from fastpix.standard.tags import Tag

NATIVE = "1.2.840.10008.1.2.1"
JPEG_2000 = (J2K_LOSSLESS, J2K_LOSSY, HT_LOSSLESS, HT_RPCL, HT_LOSSY)
JPEG_XL = (JXL_LOSSLESS, JXL_LOSSY, JXL_RECOMPRESSED)
OTHERS = (NATIVE, BASELINE, LOSSLESS_70, JPEG_LS_LOSSLESS, RLE_LOSSLESS, DEFLATED_FRAMES)
BY_CODEC = {*product(JPEG_2000, ("YBR_RCT", "YBR_ICT")), *product(JPEG_XL, ("XYB",))}
COLOR = encode(make_dataset(np.zeros((2, 2, 3), np.uint8), SamplesPerPixel=3))


@pytest.mark.parametrize(
    "photometric", ["YBR_RCT", "YBR_ICT", "XYB", "YBR_PARTIAL_420", "HSV", "CMYK"]
)
@every("syntax", [*JPEG_2000, *JPEG_XL, *OTHERS])
def test_colors_of_a_codec(syntax: str, photometric: str) -> None:
    header = replace(fastpix.open(COLOR).header, transfer_syntax=syntax, photometric=photometric)
    if (syntax, photometric) in BY_CODEC:
        plan = make_plan(header, Recipe())
        assert plan.color is not None
        assert not plan.color.ybr  # the codec has undone it
    else:
        with pytest.raises(PixelHeaderError, match="cannot be converted to RGB") as caught:
            make_plan(header, Recipe())
        assert caught.value.tag == Tag.PhotometricInterpretation
        assert caught.value.value == photometric


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@every("syntax", [*JPEG_2000, *JPEG_XL, *OTHERS])
def test_colors_of_every_syntax(syntax: str, photometric: str) -> None:
    header = replace(
        fastpix.open(COLOR).header,
        transfer_syntax=syntax,
        encapsulated=syntax != NATIVE,
        photometric=photometric,
    )
    color = make_plan(header, Recipe()).color
    assert color is not None
    assert color.ybr == (photometric != "RGB")


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_luminance_with_a_sign_is_refused(photometric: str) -> None:
    header = replace(fastpix.open(COLOR).header, photometric=photometric, signed=True)
    with pytest.raises(PixelHeaderError) as caught:
        make_plan(header, Recipe())
    assert caught.value.tag == Tag.PixelRepresentation
    assert make_plan(replace(header, photometric="RGB"), Recipe()).color is not None


def partial(photometric: str, cells: bytes, columns: int = 2) -> bytes:
    """A native file of two rows whose pixels share their chrominance."""
    dataset = make_dataset(
        np.zeros((2, columns, 3), np.uint8),
        SamplesPerPixel=3,
        PhotometricInterpretation=photometric,
    )
    dataset.PixelData = cells
    return encode(dataset)


def test_native_4_2_0_is_not_supported() -> None:
    """Its data is shorter than three samples a pixel, and not damaged."""
    for size in (6, 12):
        with pytest.raises(PixelHeaderError, match="is not supported") as caught:
            fastpix.open(partial("YBR_PARTIAL_420", bytes(size)))
        assert caught.value.tag == Tag.PhotometricInterpretation
        assert "RGB" in caught.value.remedy


def test_partial_4_2_2_keeps_its_samples() -> None:
    """The retired equations are not those of YBR_FULL; samples are found all the same."""
    image = fastpix.open(partial("YBR_PARTIAL_422", bytes([1, 2, 3, 4, 5, 6, 7, 8])))
    assert image.stored().tolist() == [[[1, 3, 4], [2, 3, 4]], [[5, 7, 8], [6, 7, 8]]]
    with pytest.raises(PixelHeaderError, match="is not supported") as caught:
        image.read()
    assert "stored()" in caught.value.remedy
    with pytest.raises(PixelHeaderError, match="YBR_PARTIAL_422 shares chrominance"):
        fastpix.open(partial("YBR_PARTIAL_422", bytes(12), columns=3))
