"""`fastpix.pixel_array` keeps pydicom's rules for colours of JPEG, where `imread` has its own."""

from __future__ import annotations

from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from pydicom.pixels.utils import pixel_array
from support.codec_fuzz_worker import COLOR, picture
from support.codestream_cases import (
    BASELINE,
    JPEG_LS_LOSSLESS,
    LOSSLESS_70,
    file_of_frames,
    jpeg,
    jpeg_lossless,
    jpeg_ls,
    remarked,
)

import fastpix

IMAGE = picture(COLOR, 8)
JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


def with_jfif(stream: bytes) -> bytes:
    return stream[:2] + JFIF + stream[2:]


PLAIN = remarked(jpeg_lossless(IMAGE, 8), names=b"\1\2\3")
LOSSLESS = {
    "JFIF under RGB": (LOSSLESS_70, with_jfif(PLAIN), "RGB", True),
    "JPEG-LS, JFIF under RGB": (JPEG_LS_LOSSLESS, with_jfif(jpeg_ls(IMAGE, 8)), "RGB", True),
    "no marker under YBR_FULL_422": (LOSSLESS_70, PLAIN, "YBR_FULL_422", True),
    "names under YBR_FULL": (LOSSLESS_70, remarked(PLAIN, names=b"RGB"), "YBR_FULL", False),
    "an Adobe marker under RGB": (LOSSLESS_70, remarked(PLAIN, adobe=1), "RGB", False),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", LOSSLESS)
def test_lossless_as_pydicom_has_it(case: str) -> None:
    syntax, stream, photometric, converted = LOSSLESS[case]
    data = file_of_frames([stream], IMAGE, syntax, PhotometricInterpretation=photometric)
    found = fastpix.pixel_array(BytesIO(data))
    wanted = fastpix.convert_color_space(IMAGE, "YBR_FULL", "RGB") if converted else IMAGE
    assert np.array_equal(found, wanted)
    assert np.array_equal(fastpix.pixel_array(BytesIO(data), raw=True), IMAGE)
    theirs = pixel_array(BytesIO(data), raw=True)
    assert np.array_equal(theirs, IMAGE)
    assert np.abs(pixel_array(BytesIO(data)).astype(int) - found).max() <= 1


DCT = {
    "JFIF under RGB": (jpeg(IMAGE), "RGB", True),
    "names under YBR_FULL": (remarked(jpeg(IMAGE), names=b"RGB"), "YBR_FULL", False),
    "an Adobe marker under RGB": (remarked(jpeg(IMAGE), adobe=1), "RGB", False),
    "Adobe 0 under YBR_FULL": (remarked(jpeg(IMAGE), adobe=0), "YBR_FULL", True),
    "4:2:0 under RGB": (remarked(jpeg(IMAGE, subsampling="420")), "RGB", False),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", DCT)
def test_dct_as_pydicom_has_it(case: str) -> None:
    """The rule, on fastpix's own samples: other decoders differ by rounding."""
    stream, photometric, converted = DCT[case]
    data = file_of_frames([stream], IMAGE, BASELINE, PhotometricInterpretation=photometric)
    samples = imagecodecs.jpeg8_decode(stream, colorspace="YCBCR", outcolorspace="YCBCR")
    wanted = fastpix.convert_color_space(samples, "YBR_FULL", "RGB") if converted else samples
    assert np.array_equal(fastpix.pixel_array(BytesIO(data)), wanted)
