"""Comments, thumbnails and what follows the end: found, and taken out beside the image."""

from __future__ import annotations

import struct
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from PIL import Image as PillowImage
from pydicom import dcmread
from support import codestream_cases as c
from support.redacted_files import redact

import fastpix
from fastpix.deidentification.pixels.codestream_remarks import remarks_of, without_remarks

pytestmark = pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")

NAME = b"DOE^JANE"
CELLS = np.random.default_rng(1).integers(0, 256, (24, 30)).astype(np.uint8)
COLORS = np.random.default_rng(2).integers(0, 256, (24, 30, 3)).astype(np.uint8)


def segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + struct.pack(">BH", marker, 2 + len(content)) + content


def with_segments(stream: bytes, *segments: bytes) -> bytes:
    return stream[:2] + b"".join(segments) + stream[2:]


def with_comment(stream: bytes) -> bytes:
    """JPEG 2000: behind SIZ, the first segment (T.800 A.9.2)."""
    (size,) = struct.unpack_from(">H", stream, 4)
    content = struct.pack(">H", 1) + NAME
    return stream[: 4 + size] + segment(0x64, content) + stream[4 + size :]


JPEGS = {
    c.BASELINE: c.jpeg(CELLS),
    c.LOSSLESS_70: c.jpeg_lossless(CELLS, 8),
    c.JPEG_LS_LOSSLESS: c.jpeg_ls(CELLS, 8),
    c.PROGRESSIVE: c.jpeg_progressive(CELLS),
}


@pytest.mark.parametrize("syntax", JPEGS)
def test_segments_of_jpeg(syntax: str) -> None:
    stream = JPEGS[syntax]
    own = remarks_of(stream, syntax)
    planted = with_segments(
        stream, segment(0xFE, NAME), segment(0xE1, b"Exif\0\0" + NAME),
        segment(0xE0, b"JFXX\0\x13" + NAME),
    ) + NAME  # fmt: skip
    found = remarks_of(planted, syntax)
    assert sum(NAME in remark for remark in found) == 4
    cleared = without_remarks(planted, syntax)
    assert NAME not in cleared
    assert remarks_of(cleared, syntax) == []
    assert without_remarks(planted, syntax, lambda remark: NAME in remark) == stream
    assert len(own) <= 1  # SPIFF and JFIF say what the image is


def test_comments_between_scans() -> None:
    stream = JPEGS[c.PROGRESSIVE]
    second = stream.index(b"\xff\xda", stream.index(b"\xff\xda") + 2)
    table = stream.rindex(b"\xff\xc4", 0, second)
    planted = stream[:table] + segment(0xFE, NAME) + stream[table:]
    assert remarks_of(planted, c.PROGRESSIVE) == [NAME]
    assert without_remarks(planted, c.PROGRESSIVE) == stream


def test_what_colours_are_told_by_stays() -> None:
    for adobe, names in ((0, None), (1, None), (None, b"RGB")):
        stream = c.remarked(c.jpeg(COLORS), adobe=adobe, names=names)
        assert remarks_of(stream, c.BASELINE) == []
        assert without_remarks(stream, c.BASELINE) == stream
    jfif = c.jpeg(COLORS)
    assert remarks_of(jfif, c.BASELINE) == []


def test_jpeg_2000() -> None:
    for encoded in (c.j2k(CELLS, 8), c.htj2k(CELLS)):
        planted = with_comment(encoded) + NAME
        assert sum(NAME in remark for remark in remarks_of(planted, c.J2K_LOSSLESS)) == 2
        cleared = without_remarks(planted, c.J2K_LOSSLESS)
        assert NAME not in cleared
        assert remarks_of(cleared, c.J2K_LOSSLESS) == []
        assert (imagecodecs.jpeg2k_decode(cleared) == CELLS).all()
    boxed = bytes(imagecodecs.jpeg2k_encode(CELLS, codecformat="jp2", reversible=True))
    assert without_remarks(boxed, c.J2K_LOSSLESS)[:4] == b"\xff\x4f\xff\x51"


def test_jpeg_xl() -> None:
    stream = c.jxl(CELLS, 8, container=True)
    box = struct.pack(">I4s", 12 + len(NAME), b"Exif") + b"\0\0\0\0" + NAME
    planted = stream[:32] + box + stream[32:]  # behind signature and file type
    assert [NAME in remark for remark in remarks_of(planted, c.JXL_LOSSLESS)] == [True]
    assert without_remarks(planted, c.JXL_LOSSLESS) == stream
    assert remarks_of(c.jxl(CELLS, 8), c.JXL_LOSSLESS) == []


def test_rle_and_deflated_frames_have_none() -> None:
    assert remarks_of(c.rle(CELLS), c.RLE_LOSSLESS) == []
    assert without_remarks(c.rle(CELLS), c.RLE_LOSSLESS) == c.rle(CELLS)


def test_an_image_library_leaves_nothing_behind() -> None:
    """Pillow's own comment and EXIF."""
    buffer = BytesIO()
    exif = PillowImage.Exif()
    exif[0x010E] = NAME.decode()
    PillowImage.fromarray(CELLS).save(buffer, "JPEG", comment=NAME, exif=exif)
    assert sum(NAME in remark for remark in remarks_of(buffer.getvalue(), c.BASELINE)) == 2
    assert NAME not in without_remarks(buffer.getvalue(), c.BASELINE)


def test_frames_of_a_file() -> None:
    cells = np.stack([CELLS, CELLS])
    stream = c.jpeg(CELLS)
    streams = [
        with_segments(stream, segment(0xFE, NAME)),
        with_segments(stream, segment(0xFE, b"x")),
    ]
    data = c.file_of_frames(streams, cells, c.BASELINE, NumberOfFrames=2)
    _, kept = redact(data, [])
    assert NAME in kept
    _, written = redact(data, [], is_identifying=lambda remark: NAME in remark)
    assert NAME not in written
    assert segment(0xFE, b"x") in dcmread(BytesIO(written)).PixelData
    assert (fastpix.open(written).stored() == fastpix.open(data).stored()).all()
