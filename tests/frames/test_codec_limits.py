"""Frames that are not what they say: cut off, too small for what they claim, at odds with the file.

No decoder is asked for memory that a frame cannot fill, and none makes up what is missing.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from support.builders import jpeg_2000_header, jpeg_header
from support.codec_fuzz_worker import FAMILIES
from support.codestream_cases import (
    BASELINE,
    DEFLATED_FRAMES,
    HT_LOSSLESS,
    J2K_LOSSLESS,
    JPEG_LS_LOSSLESS,
    JXL_LOSSLESS,
    JXL_RECOMPRESSED,
    LOSSLESS_57,
    PROGRESSIVE,
    RLE_LOSSLESS,
    deflated,
    file_of_frames,
    htj2k,
    j2k,
    jpeg,
    jpeg_lossless,
    jpeg_ls,
    jpeg_progressive,
    jxl,
    jxl_of_jpeg,
    rle,
)
from support.matrices import every

import fastpix
from fastpix.errors import FastpixError, PixelDataError
from fastpix.frames.codecs import all_decoders


def read_or_refuse(data: bytes, pinned: str | None = None) -> NDArray[Any] | None:
    """The stored values, or None where there is an error of ours."""
    try:
        return fastpix.open(data, decoder=pinned).stored()
    except FastpixError:
        return None


# --- frames that are cut off ----------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_cut_at_every_length(family: str) -> None:
    """What is left of a frame is refused, or lacks nothing but what no sample is made of."""
    kind = FAMILIES[family]
    for seed in kind.seeds((7, 9), (4, 6, 3)):
        whole = fastpix.open(kind.file(seed.stream, seed)).stored()
        refused = 0
        for length in range(1, len(seed.stream)):
            found = read_or_refuse(kind.file(seed.stream[:length], seed))
            assert found is None or np.array_equal(found, whole), f"{length} bytes"
            refused += found is None
        assert refused > len(seed.stream) - 10


PINNED = [
    (family, name)
    for family, kind in FAMILIES.items()
    for name in dict.fromkeys(d.name for d in all_decoders()[kind.syntax] if d.is_present())
]


@pytest.mark.filterwarnings("ignore:pylibjpeg-libjpeg is pinned")
@pytest.mark.parametrize(("family", "decoder"), PINNED)
def test_cut_for_every_decoder(family: str, decoder: str) -> None:
    kind = FAMILIES[family]
    for seed in kind.seeds((16, 21), (9, 8, 3)):
        whole = read_or_refuse(kind.file(seed.stream, seed), decoder)
        for share in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
            part = seed.stream[: int(share * len(seed.stream)) - 1]
            found = read_or_refuse(kind.file(part, seed), decoder)
            assert found is None or (whole is not None and np.array_equal(found, whole))


def test_end_marker_of_a_thumbnail_is_no_end() -> None:
    """A thumbnail has an image's end before the image's own scan has begun."""
    cells = np.arange(64, dtype=np.uint8).reshape(8, 8)
    stream = jpeg_lossless(cells, 8)
    thumbnail = b"\xff\xd8\xff\xd9"
    app = b"\xff\xe1" + struct.pack(">H", 2 + len(thumbnail)) + thumbnail
    with_it = stream[:2] + app + stream[2:]
    assert np.array_equal(
        fastpix.open(file_of_frames([with_it], cells, LOSSLESS_57)).stored(), cells
    )
    for length in range(len(app) + 2, len(with_it)):
        data = file_of_frames([with_it[:length]], cells, LOSSLESS_57)
        found = read_or_refuse(data)
        assert found is None or np.array_equal(found, cells), length


def test_what_follows_the_end_is_left_alone() -> None:
    """Padding behind the end marker, of one byte or many, is no damage."""
    cells = np.arange(64, dtype=np.uint8).reshape(8, 8)
    for syntax, stream in (
        (LOSSLESS_57, jpeg_lossless(cells, 8)),
        (JPEG_LS_LOSSLESS, jpeg_ls(cells, 8)),
        (J2K_LOSSLESS, j2k(cells, 8)),
        (HT_LOSSLESS, htj2k(cells)),
        (JXL_LOSSLESS, jxl(cells, 8)),
        (RLE_LOSSLESS, rle(cells)),
        (DEFLATED_FRAMES, deflated(cells.tobytes())),
    ):
        for padding in (b"\0", b"\0" * 100, b"\xff" * 7):
            data = file_of_frames([stream + padding], cells, syntax)
            assert np.array_equal(fastpix.open(data).stored(), cells), syntax


# --- frames that claim too much -------------------------------------------------------------------

ROWS = COLUMNS = 16384  # 512 MiB of 16 bits


class Bits:
    """Writes bits from the least significant one of each byte on, as JPEG XL reads them."""

    def __init__(self) -> None:
        self.number = self.length = 0

    def put(self, value: int, count: int) -> Bits:
        self.number |= value << self.length
        self.length += count
        return self

    def to_bytes(self) -> bytes:
        return self.number.to_bytes((self.length + 7) // 8, "little")


def jxl_header(rows: int, columns: int, precision: int) -> bytes:
    """Signature, size, depth and a grey colour space (ISO/IEC 18181-1 D)."""
    bits = Bits().put(0, 1)  # not small
    bits.put(3, 2).put(rows - 1, 30).put(0, 3).put(3, 2).put(columns - 1, 30)
    bits.put(0, 1).put(0, 1).put(0, 1)  # not all_default, no extra_fields, integers
    bits.put(3, 2).put(precision - 1, 6).put(1, 1).put(0, 2).put(0, 1)
    bits.put(0, 1).put(0, 1).put(1, 2)  # the encoding is not the default: no profile, grey
    return b"\xff\x0a" + bits.to_bytes()


def claims() -> dict[str, tuple[str, bytes]]:
    """A kilobyte of every family, whose own header claims as much as the file's."""
    tail = np.random.default_rng(1).integers(0, 0x4F, 1000, dtype=np.uint8).tobytes() + b"\xff\xd9"
    size: dict[str, Any] = {"rows": ROWS, "columns": COLUMNS, "precision": 16}
    lossless = jpeg_header(**size, marker=0xC3)[:-2] + tail
    rle_header = struct.pack("<16I", 2, 64, 500, *[0] * 13)
    return {
        "JPEG": (BASELINE, jpeg_header(**size)[:-2] + tail),
        "JPEG progressive": (PROGRESSIVE, jpeg_header(**size, marker=0xC2)[:-2] + tail),
        "JPEG arithmetic": (
            "1.2.840.10008.1.2.4.56", jpeg_header(**size, marker=0xCA)[:-2] + tail
        ),
        "JPEG Lossless": (LOSSLESS_57, lossless),
        "JPEG-LS": (JPEG_LS_LOSSLESS, jpeg_header(**size, marker=0xF7)[:-2] + tail),
        "JPEG 2000": (J2K_LOSSLESS, jpeg_2000_header(**size)[:-2] + tail),
        "HTJ2K": (HT_LOSSLESS, jpeg_2000_header(**size)[:-2] + tail),
        "JPEG XL": (JXL_LOSSLESS, jxl_header(ROWS, COLUMNS, 16) + tail),
        "JPEG XL recompressed": (JXL_RECOMPRESSED, jxl_header(ROWS, COLUMNS, 16) + tail),
        "RLE": (RLE_LOSSLESS, rle_header + tail),
        "deflate": (DEFLATED_FRAMES, deflated(bytes(2**20))[:1000]),
    }  # fmt: skip


HEADER_OF_CLAIM = np.zeros((1, 1), np.uint16)
READ_IN_LITTLE_MEMORY = """
import resource, sys, time, fastpix
fastpix.open(sys.argv[1]).stored()  # loads what there is to load
with open("/proc/self/statm") as sizes:
    taken = int(sizes.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**26,) * 2)
for path in sys.argv[2:]:
    start = time.perf_counter()
    try:
        fastpix.imread(path)
    except fastpix.PixelDataError as error:
        assert "cannot decode" in str(error), error
        assert time.perf_counter() - start < 0.5
    else:
        raise AssertionError(path)
"""


def test_a_kilobyte_that_claims_512_megabytes(tmp_path: Path) -> None:
    paths = []
    for name, (syntax, stream) in claims().items():
        path = tmp_path / name
        path.write_bytes(
            file_of_frames([stream], HEADER_OF_CLAIM, syntax, Rows=ROWS, Columns=COLUMNS)
        )
        paths.append(path)
    small = tmp_path / "small"
    small.write_bytes(file_of_frames([j2k(HEADER_OF_CLAIM, 16)], HEADER_OF_CLAIM, J2K_LOSSLESS))
    ran = subprocess.run(
        [sys.executable, "-c", READ_IN_LITTLE_MEMORY, small, *paths], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr[-2000:]


@pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")
@pytest.mark.parametrize("shape", [(1500, 1500), (700, 700, 3)], ids=str)
def test_blank_images_are_not_taken_for_claims(shape: tuple[int, ...]) -> None:
    """The least that a family can spend on an image is enough."""
    cells = np.full(shape, 128, np.uint8)
    photometric = "MONOCHROME2" if len(shape) == 2 else "YBR_FULL"
    buffers = [BytesIO(), BytesIO()]
    for buffer, progressive in zip(buffers, (False, True), strict=True):
        PillowImage.fromarray(cells, "L" if len(shape) == 2 else "YCbCr").save(
            buffer, "JPEG", quality=30, optimize=True, progressive=progressive, subsampling=2
        )
    for syntax, stream in (
        (BASELINE, buffers[0].getvalue()),
        (PROGRESSIVE, buffers[1].getvalue()),
        (LOSSLESS_57, jpeg_lossless(cells, 8)),
        (JPEG_LS_LOSSLESS, jpeg_ls(cells, 8)),
        (J2K_LOSSLESS, j2k(cells, 8)),
        (HT_LOSSLESS, htj2k(cells)),
        (JXL_LOSSLESS, jxl(cells, 8)),
        (RLE_LOSSLESS, rle(cells)),
        (DEFLATED_FRAMES, deflated(cells.tobytes())),
    ):
        data = file_of_frames([stream], cells, syntax, PhotometricInterpretation=photometric)
        assert np.array_equal(fastpix.open(data).stored(), cells), syntax


def test_a_deflated_frame_goes_no_further_than_the_frame() -> None:
    """A stream of many gigabytes for a frame of a few bytes."""
    cells = np.zeros((4, 4), np.uint8)
    bomb = deflated(bytes(50_000_000))
    for name in (None, "zlib"):
        start = time.perf_counter()
        read_or_refuse(file_of_frames([bomb], cells, DEFLATED_FRAMES), name)
        assert time.perf_counter() - start < 0.5


def test_progressive_with_thousands_of_scans() -> None:
    """Each scan is a pass over the whole image, for a few bytes."""
    cells = np.arange(4096, dtype=np.uint8).reshape(64, 64)
    stream = jpeg_progressive(cells)
    last = stream.rindex(b"\xff\xda")
    data = file_of_frames([stream], cells, PROGRESSIVE)
    assert fastpix.open(data).stored().shape == (64, 64)
    for count in (500, 5000):
        many = stream[:-2] + stream[last:-2] * count + b"\xff\xd9"
        with pytest.raises(PixelDataError, match="scans"):
            fastpix.imread(file_of_frames([many], cells, PROGRESSIVE))


# --- frames at odds with the file -----------------------------------------------------------------

CELLS = np.arange(12, dtype=np.uint16).reshape(3, 4)
ENCODED: dict[str, tuple[str, Any, int]] = {
    "JPEG": (BASELINE, lambda c, bits: jpeg(c.astype(np.uint8)), 8),
    "JPEG progressive": (PROGRESSIVE, lambda c, bits: jpeg_progressive(c.astype(np.uint8)), 8),
    "JPEG Lossless": (LOSSLESS_57, jpeg_lossless, 16),
    "JPEG-LS": (JPEG_LS_LOSSLESS, jpeg_ls, 16),
    "JPEG 2000": (J2K_LOSSLESS, j2k, 16),
    "HTJ2K": (HT_LOSSLESS, lambda c, bits: htj2k(c), 16),
    "JPEG XL": (JXL_LOSSLESS, jxl, 16),
    "JPEG XL recompressed": (
        JXL_RECOMPRESSED, lambda c, bits: jxl_of_jpeg(jpeg(c.astype(np.uint8))), 8
    ),
}  # fmt: skip


@pytest.mark.parametrize("family", ENCODED)
@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"Rows": 4, "Columns": 3}, "3 rows x 4 columns"),
        ({"Rows": 2}, "3 rows x 4 columns"),
        ({"Rows": 3000}, "3 rows x 4 columns"),
        ({"Columns": 5}, "3 rows x 4 columns"),
    ],
)
def test_other_sizes(family: str, attributes: dict[str, Any], said: str) -> None:
    syntax, encode, bits = ENCODED[family]
    data = file_of_frames([encode(CELLS, bits)], CELLS, syntax, **attributes)
    with pytest.raises(PixelDataError, match=said):
        fastpix.imread(data)


@pytest.mark.parametrize("family", [name for name in ENCODED if ENCODED[name][2] == 16])
def test_more_precision_than_bits_allocated(family: str) -> None:
    syntax, encode, bits = ENCODED[family]
    cells = CELLS.astype(np.uint8)
    with pytest.raises(PixelDataError, match="16 bits a sample") as caught:
        fastpix.imread(file_of_frames([encode(CELLS, bits)], cells, syntax))
    assert (caught.value.expected, caught.value.found) == (8, 16)


@pytest.mark.filterwarnings("ignore::fastpix.HeaderWarning")
@pytest.mark.parametrize("family", ENCODED)
def test_three_samples_where_the_codestream_has_one(family: str) -> None:
    syntax, encode, bits = ENCODED[family]
    color = np.zeros((3, 4, 3), np.uint16)
    with pytest.raises(PixelDataError, match="1 samples"):
        fastpix.imread(file_of_frames([encode(CELLS, bits)], color, syntax))


@pytest.mark.parametrize("family", ENCODED)
def test_one_sample_where_the_codestream_has_three(family: str) -> None:
    syntax, encode, bits = ENCODED[family]
    color = np.zeros((3, 4, 3), np.uint8 if bits == 8 else np.uint16)
    data = file_of_frames([encode(color, bits)], CELLS, syntax)
    with pytest.raises(PixelDataError, match="3 samples"):
        fastpix.imread(data)


@pytest.mark.parametrize("stream", [bytes(100), b"\xff" * 100, b"\xff\xd8\xff\xd9", b"GIF89a" * 9])
@every("family", ENCODED)
def test_no_codestream(family: str, stream: bytes) -> None:
    data = file_of_frames([stream], CELLS, ENCODED[family][0])
    with pytest.raises(PixelDataError, match="no codestream header"):
        fastpix.imread(data)


@pytest.mark.parametrize("family", ENCODED)
@every("other", ENCODED)
def test_codestreams_of_another_family(family: str, other: str) -> None:
    """A syntax may lie about its codestreams: what comes out is right, or nothing does."""
    syntax, _, bits = ENCODED[family]
    _, encode, depth = ENCODED[other]
    if bits != depth:
        return
    cells = np.full((3, 4), 77, np.uint16)  # an image that lossy codecs give back
    found = read_or_refuse(file_of_frames([encode(cells, depth)], cells, syntax, BitsStored=bits))
    assert found is None or np.array_equal(found, cells)


@pytest.mark.parametrize("bits", [2, 7])
def test_narrow_samples_that_gdcm_is_not_given(bits: int) -> None:
    """It asserts that there are 8 bits or more, and that cells have no more than 16."""
    cells = np.zeros((4, 5), np.uint8)
    data = file_of_frames([jpeg_lossless(cells, bits)], cells, LOSSLESS_57, BitsStored=bits)
    wide = cells.astype(np.uint32)
    for pinned in (
        data,
        file_of_frames([jpeg_lossless(cells, 8)], wide, LOSSLESS_57, BitsStored=8),
    ):
        with pytest.raises(fastpix.DecodeError, match="end the process"):
            fastpix.imread(pinned, decoder="python-gdcm")
