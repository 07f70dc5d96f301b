"""Colour of compressed frames: the header decides, whatever a codestream says of itself."""

from __future__ import annotations

import warnings
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from support.codec_fuzz_worker import COLOR, picture
from support.codestream_cases import (
    BASELINE,
    EXTENDED,
    J2K_LOSSLESS,
    JPEG_LS_LOSSLESS,
    JXL_LOSSLESS,
    JXL_LOSSY,
    JXL_RECOMPRESSED,
    LOSSLESS_57,
    PROGRESSIVE,
    RLE_LOSSLESS,
    file_of_frames,
    j2k,
    jpeg,
    jpeg_lossless,
    jpeg_ls,
    jpeg_progressive,
    jxl,
    jxl_of_jpeg,
    remarked,
    rle,
)

import fastpix
from fastpix.frames.codecs import all_decoders
from fastpix.kernel import reference
from fastpix.kernel.steps import ColorSteps, Steps

IMAGE = picture(COLOR, 8)


def as_rgb(ycbcr: NDArray[Any]) -> NDArray[Any]:
    """YBR_FULL to RGB, by the reference."""
    out = np.empty_like(ycbcr)
    bits = 8 * ycbcr.dtype.itemsize
    steps = ColorSteps(Steps(f"u{ycbcr.dtype.itemsize}", False, bits - 1, bits, False),
                       "interleaved", ybr=True)  # fmt: skip
    assert reference.color(ycbcr.reshape(-1).view(np.uint8), out.reshape(-1), steps) == -1
    return out


def as_coded(stream: bytes) -> NDArray[Any]:
    """The samples of a JPEG as they were coded."""
    samples: NDArray[Any] = imagecodecs.jpeg8_decode(
        stream, colorspace="YCBCR", outcolorspace="YCBCR"
    )
    return samples


def read(data: bytes, match: str = "") -> fastpix.Image:
    """Open a file whose colours are odd in this one way, or in none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        image = fastpix.open(data)
    odd = [str(w.message) for w in caught]
    assert [match in text for text in odd] == [True] * bool(match), odd
    assert odd == [note.text for note in image.plan().notes if note.oddity]
    return image


MARKS: dict[str, tuple[dict[str, Any], str]] = {
    "JFIF": ({}, "YBR"),
    "no marker": ({"adobe": None}, ""),
    "Adobe 0": ({"adobe": 0}, "RGB"),
    "Adobe 1": ({"adobe": 1}, "YBR"),
    "IDs R G B": ({"names": b"RGB"}, "RGB"),
    "IDs r g b": ({"names": b"rgb"}, "RGB"),
    "IDs 0 1 2": ({"names": b"\x00\x01\x02"}, ""),
    "Adobe 1, IDs R G B": ({"adobe": 1, "names": b"RGB"}, "RGB"),
}


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("marks", MARKS)
@pytest.mark.parametrize("family", ["baseline", "4:2:2", "4:2:0", "progressive", "lossless"])
def test_markers_do_not_decide(family: str, marks: str, photometric: str) -> None:
    syntax, stream = {
        "baseline": (BASELINE, jpeg(IMAGE)),
        "4:2:2": (BASELINE, jpeg(IMAGE, subsampling="422")),
        "4:2:0": (BASELINE, jpeg(IMAGE, subsampling="420")),
        "progressive": (PROGRESSIVE, jpeg_progressive(IMAGE)),
        "lossless": (LOSSLESS_57, jpeg_lossless(IMAGE, 8)),
    }[family]
    samples = IMAGE if family == "lossless" else as_coded(stream)
    keywords, said = MARKS[marks]
    if marks != "JFIF":
        names = {} if family != "lossless" else {"names": b"\x01\x02\x03"}
        stream = remarked(stream, **{**names, **keywords})
    elif family == "lossless":
        said = "RGB"  # what encodes it writes an Adobe marker and IDs
    data = file_of_frames([stream], IMAGE, syntax, PhotometricInterpretation=photometric)
    ybr = photometric != "RGB"
    odd = said and (said == "YBR") != ybr
    image = read(data, "read as the header says" if odd else "")
    assert np.array_equal(image.stored(), samples)
    assert np.array_equal(image.read(dtype="uint8"), as_rgb(samples) if ybr else samples)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("marks", MARKS)
@pytest.mark.filterwarnings("ignore")  # ours, and pydicom's on its way to gdcm
def test_every_decoder_leaves_colors_alone(marks: str, photometric: str) -> None:
    """Two decoders of lossy JPEG may differ by one in a sample, not by a conversion."""
    stream = jpeg(IMAGE)
    samples = as_coded(stream).astype(np.int64)
    if marks != "JFIF":
        stream = remarked(stream, **MARKS[marks][0])
    data = file_of_frames([stream], IMAGE, BASELINE, PhotometricInterpretation=photometric)
    for name in dict.fromkeys(d.name for d in all_decoders()[BASELINE] if d.is_present()):
        stored = fastpix.open(data, decoder=name).stored()
        assert np.abs(stored - samples).max() <= 1, name


def test_twelve_bits() -> None:
    cells = picture(COLOR, 12)
    stream = jpeg(cells, 12)
    samples = as_coded(stream)
    assert 0 < np.abs(samples.astype(np.int64) - cells).max() < 200
    for photometric in ("RGB", "YBR_FULL"):
        data = file_of_frames([stream], cells, EXTENDED, BitsStored=12,
                              PhotometricInterpretation=photometric)  # fmt: skip
        image = read(data, "read as the header says" if photometric == "RGB" else "")
        assert np.array_equal(image.stored(), samples)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_codecs_that_know_no_colors(photometric: str) -> None:
    """JPEG-LS and RLE have samples, and nothing to say of what they are."""
    for syntax, stream in ((JPEG_LS_LOSSLESS, jpeg_ls(IMAGE, 8)), (RLE_LOSSLESS, rle(IMAGE))):
        image = read(file_of_frames([stream], IMAGE, syntax, PhotometricInterpretation=photometric))
        wanted = as_rgb(IMAGE) if photometric == "YBR_FULL" else IMAGE
        assert np.array_equal(image.stored(), IMAGE)
        assert np.array_equal(image.read(dtype="uint8"), wanted)


@pytest.mark.parametrize(
    ("photometric", "transformed", "said"),
    [
        ("RGB", True, ""),
        ("RGB", False, ""),
        ("YBR_RCT", True, ""),
        ("YBR_RCT", False, "has no such transform"),
        ("YBR_FULL", False, ""),
        ("YBR_FULL", True, "both are undone"),
    ],
)
def test_jpeg_2000_undoes_its_own_transform(photometric: str, transformed: bool, said: str) -> None:
    stream = j2k(IMAGE, 8, mct=transformed)
    data = file_of_frames([stream], IMAGE, J2K_LOSSLESS, PhotometricInterpretation=photometric)
    image = read(data, said)
    assert np.array_equal(image.stored(), IMAGE)
    wanted = as_rgb(IMAGE) if photometric == "YBR_FULL" else IMAGE
    assert np.array_equal(image.read(dtype="uint8"), wanted)
    for name in dict.fromkeys(d.name for d in all_decoders()[J2K_LOSSLESS] if d.is_present()):
        with warnings.catch_warnings(action="ignore"):
            assert np.array_equal(fastpix.open(data, decoder=name).stored(), IMAGE), name


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
def test_jpeg_inside_jpeg_xl(photometric: str, subsampling: str) -> None:
    """The JPEG file is had back byte for byte, and read as it would be in its own syntax."""
    stream = jpeg(IMAGE, subsampling=subsampling)
    data = file_of_frames([jxl_of_jpeg(stream)], IMAGE, JXL_RECOMPRESSED,
                          PhotometricInterpretation=photometric)  # fmt: skip
    image = read(data)
    samples = as_coded(stream)
    assert np.array_equal(image.stored(), samples)
    wanted = samples if photometric == "RGB" else as_rgb(samples)
    assert np.array_equal(image.read(dtype="uint8"), wanted)
    grey = picture((40, 30), 8)
    stream = jpeg(grey)
    image = read(file_of_frames([jxl_of_jpeg(stream)], grey, JXL_RECOMPRESSED))
    assert np.array_equal(image.stored(), imagecodecs.jpeg8_decode(stream))


def test_color_in_a_recompressed_syntax_without_its_jpeg() -> None:
    """What libjxl would make of it has its own colours: refused."""
    data = file_of_frames([jxl(IMAGE, 8)], IMAGE, JXL_RECOMPRESSED,
                          PhotometricInterpretation="YBR_FULL_422")  # fmt: skip
    with pytest.raises(fastpix.DecodeError, match="JPEG file"):
        fastpix.imread(data)


def test_jpeg_xl() -> None:
    """Lossless samples as they are; lossy ones come back as RGB from libjxl's own space."""
    for photometric in ("RGB", "YBR_FULL"):
        data = file_of_frames([jxl(IMAGE, 8)], IMAGE, JXL_LOSSLESS,
                              PhotometricInterpretation=photometric)  # fmt: skip
        assert np.array_equal(read(data).stored(), IMAGE)
    stream = jxl(IMAGE, 8, lossless=False)
    decoded = imagecodecs.jpegxl_decode(stream)
    assert 0 < np.abs(decoded.astype(np.int64) - IMAGE).max() < 80
    for photometric in ("RGB", "XYB"):
        data = file_of_frames([stream], IMAGE, JXL_LOSSY, PhotometricInterpretation=photometric)
        image = read(data)
        assert np.array_equal(image.read(dtype="uint8"), decoded)
