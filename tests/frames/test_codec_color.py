"""Colour of compressed frames: what a codestream proves of itself, and what the header says."""

from __future__ import annotations

import re
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
    J2K_LOSSY,
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
from support.matrices import every

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


# What is marked in a JPEG, and which colours that proves.
MARKS: dict[str, tuple[dict[str, Any], str]] = {
    "JFIF": ({}, "Y"),
    "no marker": ({"adobe": None}, ""),
    "Adobe 0": ({"adobe": 0}, "R"),
    "Adobe 1": ({"adobe": 1}, "Y"),
    "Adobe 2": ({"adobe": 2}, "Y"),
    "IDs R G B": ({"names": b"RGB"}, "R"),
    "IDs r g b": ({"names": b"rgb"}, "R"),
    "IDs 0 1 2": ({"names": b"\x00\x01\x02"}, ""),
    "Adobe 1, IDs R G B": ({"adobe": 1, "names": b"RGB"}, "YR"),
}


def marked(stream: bytes, marks: str) -> tuple[bytes, str]:
    """A stream with these marks, and what they prove."""
    keywords, proved = MARKS[marks]
    return (stream if marks == "JFIF" else remarked(stream, **keywords)), proved


def check_evidence(
    data: bytes, samples: NDArray[Any], photometric: str, proved: str, dtype: str = "uint8"
) -> None:
    """A frame of DCT data is read by the rule of docs/codecs.md, "Colours of JPEG"."""
    in_ybr = photometric != "RGB"
    is_ybr, match = in_ybr, ""
    if set(proved) == {"Y", "R"}:
        match = "has both .*: read as the header says"
    elif proved == "Y" and not in_ybr:
        is_ybr, match = True, "so its samples are YCbCr: converted to RGB"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        image = fastpix.open(data)
        assert np.array_equal(image.stored(), samples)
        if proved == "R" and in_ybr:
            with pytest.raises(fastpix.PixelHeaderError, match="samples are RGB; correct") as told:
                image.read(dtype=dtype)
            assert told.value.tag == 0x00280004
            assert "Image.stored()" in str(told.value)
        else:
            found = image.read(dtype=dtype)
            assert np.array_equal(found, as_rgb(samples) if is_ybr else samples)
    texts = [str(w.message) for w in caught]
    assert len(texts) == bool(match), texts
    assert all(re.search(match, text) for text in texts)
    assert texts == [note.text for note in image.plan().notes if note.oddity]


@pytest.mark.parametrize("family", ["baseline", "4:2:2", "4:2:0", "progressive", "in JPEG XL"])
@every("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@every("marks", MARKS)
def test_dct_is_what_it_proves_to_be(family: str, marks: str, photometric: str) -> None:
    syntax, stream = {
        "baseline": (BASELINE, jpeg(IMAGE)),
        "4:2:2": (BASELINE, jpeg(IMAGE, subsampling="422")),
        "4:2:0": (BASELINE, jpeg(IMAGE, subsampling="420")),
        "progressive": (PROGRESSIVE, jpeg_progressive(IMAGE)),
        "in JPEG XL": (JXL_RECOMPRESSED, jpeg(IMAGE)),
    }[family]
    samples = as_coded(stream)
    stream, proved = marked(stream, marks)
    if family.startswith("4"):
        proved = "YR" if "R" in proved else "Y"  # subsampled chrominance is evidence too
    if family == "in JPEG XL":
        stream = jxl_of_jpeg(stream)
    data = file_of_frames([stream], IMAGE, syntax, PhotometricInterpretation=photometric)
    check_evidence(data, samples, photometric, proved)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.filterwarnings("ignore")
def test_twelve_bits_prove_as_much(photometric: str) -> None:
    cells = picture(COLOR, 12)
    stream = jpeg(cells, 12)
    samples = as_coded(stream)
    data = file_of_frames([stream], cells, EXTENDED, BitsStored=12,
                          PhotometricInterpretation=photometric)  # fmt: skip
    image = fastpix.open(data)
    steps = ColorSteps(Steps("u2", False, 11, 12, False), "interleaved", ybr=True)
    out = np.empty_like(samples)
    assert reference.color(samples.reshape(-1).view(np.uint8), out.reshape(-1), steps) == -1
    assert np.array_equal(image.read(dtype="uint16"), out)
    assert np.array_equal(image.stored(), samples)


def test_markers_that_are_none() -> None:
    """An Adobe marker that is too short, a JFXX extension, a JFIF file within a thumbnail."""
    stream, _ = marked(jpeg(IMAGE), "no marker")
    for segment in (
        b"\xff\xee\x00\x0dAdobe\x00\x64\x00\x00\x00\x00",
        b"\xff\xe0\x00\x08JFXX\x00\x10",
        b"\xff\xe1\x00\x0dExif\x00\xff\xe0JFIF",
        b"\xff\xee\x00\x0eAdobf\x00\x64\x00\x00\x00\x00\x01",
    ):
        data = file_of_frames([stream[:2] + segment + stream[2:]], IMAGE, BASELINE)
        assert np.array_equal(read(data).read(dtype="uint8"), as_coded(stream))


def test_a_marker_behind_the_frame_header_counts() -> None:
    """It may stand anywhere before the scan; behind it, there is nothing to mark."""
    stream, _ = marked(jpeg(IMAGE), "no marker")
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x01"
    at = stream.index(b"\xff\xda")
    data = file_of_frames([stream[:at] + adobe + stream[at:]], IMAGE, BASELINE)
    image = read(data, "converted to RGB")
    assert np.array_equal(image.read(dtype="uint8"), as_rgb(as_coded(stream)))
    data = file_of_frames([stream[:-2] + adobe + stream[-2:]], IMAGE, BASELINE)
    assert np.array_equal(read(data).read(dtype="uint8"), as_coded(stream))


def test_each_frame_is_what_it_proves_to_be() -> None:
    """Frames of one file may have been coded by several encoders."""
    plain, _ = marked(jpeg(IMAGE), "no marker")
    ybr = jpeg(IMAGE[::-1].copy())
    frames = np.stack([IMAGE] * 4)
    data = file_of_frames([plain, ybr, plain, ybr], frames, BASELINE)
    image = read(data)  # nothing is odd about the first
    wanted = [as_coded(plain), as_rgb(as_coded(ybr))] * 2
    for threads in (1, 2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert np.array_equal(image.read(dtype="uint8", threads=threads), np.stack(wanted))
        assert [str(w.message) for w in caught] == [
            "PhotometricInterpretation (0028,0004) is RGB, but the JPEG data has a JFIF marker, "
            "so its samples are YCbCr: converted to RGB"
        ] * (threads == 1)
    image = read(data)
    assert np.array_equal(image.read(dtype="uint8", frames=0), wanted[0])
    with pytest.warns(fastpix.HeaderWarning, match="so its samples are YCbCr") as warned:
        assert np.array_equal(image.read(dtype="float32", frames=3), wanted[3])
    assert warned[0].filename == __file__
    assert [note.oddity for note in image.plan().notes] == [True, False]
    with warnings.catch_warnings(action="ignore"):
        values = fastpix.imread(data)
    assert np.array_equal(values, np.stack(wanted).astype(np.float32))


def test_a_frame_of_rgb_among_frames_of_ybr() -> None:
    ybr = jpeg(IMAGE)
    rgb, _ = marked(jpeg(IMAGE), "IDs R G B")
    data = file_of_frames([ybr, rgb], np.stack([IMAGE] * 2), BASELINE,
                          PhotometricInterpretation="YBR_FULL_422")  # fmt: skip
    image = read(data)
    assert np.array_equal(image.read(dtype="uint8", frames=0), as_rgb(as_coded(ybr)))
    for frames in (1, None):
        with pytest.raises(fastpix.PixelHeaderError, match="components named R, G and B"):
            image.read(frames=frames)
    assert np.array_equal(image.stored()[1], as_coded(ybr))


def test_ycbcr_has_no_sign() -> None:
    data = file_of_frames([jpeg(IMAGE)], IMAGE, BASELINE, PixelRepresentation=1)
    image = fastpix.open(data)
    with pytest.raises(fastpix.PixelHeaderError, match="YCbCr, and those are unsigned"):
        image.read()
    assert image.stored().dtype == np.int8


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("stored", [10, 16])
def test_ycbcr_of_another_depth(stored: int, photometric: str) -> None:
    """The middle of chrominance is that of the codestream's depth, and the header's is another."""
    cells = picture(COLOR, 12)
    for stream, is_ybr in ((jpeg(cells, 12), True), (remarked(jpeg(cells, 12), adobe=0), False)):
        if photometric == "YBR_FULL" and not is_ybr:
            continue
        data = file_of_frames([stream], cells, EXTENDED, BitsStored=stored,
                              PhotometricInterpretation=photometric)  # fmt: skip
        with warnings.catch_warnings(action="ignore"):
            image = fastpix.open(data)
            samples = as_coded(stream)
            assert np.array_equal(image.stored(), samples.clip(0, (1 << stored) - 1))
            if is_ybr:
                with pytest.raises(fastpix.PixelHeaderError, match="data have 12 bits; correct"):
                    image.read()
            else:
                assert np.array_equal(image.read(), image.stored())


@pytest.mark.parametrize("syntax", [BASELINE, LOSSLESS_57, JPEG_LS_LOSSLESS])
@every("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@every("marks", MARKS)
def test_the_header_says_what_lossless_samples_are(
    syntax: str, marks: str, photometric: str
) -> None:
    proved = MARKS[marks][1]
    if syntax == JPEG_LS_LOSSLESS:
        stream = jpeg_ls(IMAGE, 8)
        marker = {"JFIF": b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"}.get(
            marks, b""
        )
        stream, proved = stream[:2] + marker + stream[2:], proved if marker else ""
    else:
        stream = remarked(jpeg_lossless(IMAGE, 8), **{"names": b"\x01\x02\x03", **MARKS[marks][0]})
        proved = "" if marks == "JFIF" else proved
    data = file_of_frames([stream], IMAGE, syntax, PhotometricInterpretation=photometric)
    if photometric == "YBR_FULL_422":
        image = read(data)
        with pytest.raises(fastpix.PixelHeaderError, match="all samples of every pixel"):
            image.read()
    else:
        against = "R" if photometric == "YBR_FULL" else "Y"
        image = read(data, "read as the header says" if against in proved else "")
        wanted = as_rgb(IMAGE) if photometric == "YBR_FULL" else IMAGE
        assert np.array_equal(image.read(dtype="uint8"), wanted)
    assert np.array_equal(image.stored(), IMAGE)


def test_indices_that_are_approximate() -> None:
    """A palette over lossy data: a neighbour of an index may have any colour."""
    indices = picture((40, 56), 8)
    palette: dict[str, Any] = {}
    for name, step in (("Red", 1), ("Green", 3), ("Blue", 7)):
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
        table = (np.arange(256) * step).astype(np.uint8)
        palette[f"{name}PaletteColorLookupTableData"] = table.tobytes()
    for stream, syntax, said in (
        (jpeg(indices), BASELINE, "indices are approximate"),
        (j2k(indices, 8, lossless=False), J2K_LOSSY, "indices are approximate"),
        (jpeg_lossless(indices, 8), LOSSLESS_57, ""),
        (j2k(indices, 8), J2K_LOSSY, ""),
        (rle(indices), RLE_LOSSLESS, ""),
    ):
        data = file_of_frames([stream], indices, syntax,
                              PhotometricInterpretation="PALETTE COLOR", **palette)  # fmt: skip
        image = read(data, said)
        stored = image.stored()
        wanted = np.stack([(stored.astype(int) * k) % 256 for k in (1, 3, 7)], -1)
        assert np.array_equal(image.read(dtype="uint8"), wanted)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("marks", [m for m in MARKS if m != "Adobe 2"])  # gdcm would abort
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


@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
def test_jpeg_inside_jpeg_xl(subsampling: str) -> None:
    """The JPEG file is had back byte for byte, and read as it would be in its own syntax."""
    stream = jpeg(IMAGE, subsampling=subsampling)
    data = file_of_frames([jxl_of_jpeg(stream)], IMAGE, JXL_RECOMPRESSED,
                          PhotometricInterpretation="YBR_FULL_422")  # fmt: skip
    image = read(data)
    samples = as_coded(stream)
    assert np.array_equal(image.stored(), samples)
    assert np.array_equal(image.read(dtype="uint8"), as_rgb(samples))
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
