"""What is missing, or far too much, behind a sound header: decoders would fill it in, or choke."""

from __future__ import annotations

import struct
import time
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.builders import encode_frames, make_dataset
from support.codestream_cases import (
    BASELINE,
    DEFLATED_FRAMES,
    HT_LOSSLESS,
    J2K_LOSSLESS,
    JXL_LOSSLESS,
    JXL_LOSSY,
    JXL_RECOMPRESSED,
    LOSSLESS_70,
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
    jxl_of_jpeg,
    rle,
)

import fastpix
from fastpix.errors import DecodeError, PixelDataError

GREY = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
COLOR = np.stack([GREY, GREY[::-1], np.full_like(GREY, 40)], axis=-1)


def refused(data: bytes, match: str) -> None:
    with pytest.raises(PixelDataError, match=match):
        fastpix.imread(data)


def sos(components: list[int], first: int = 0, last: int = 63, bits: int = 0) -> bytes:
    named = b"".join(bytes((c, 0)) for c in components)
    content = bytes([len(components)]) + named + bytes((first, last, bits))
    return b"\xff\xda" + struct.pack(">H", 2 + len(content)) + content


def jpeg_parts(stream: bytes) -> tuple[bytes, bytes]:
    """All before the first scan, and the rest."""
    at = stream.index(b"\xff\xda")
    return stream[:at], stream[at:]


# --- scans ------------------------------------------------------------------------------------


@pytest.mark.parametrize("encode", [jpeg, jpeg_progressive])
def test_no_scan_at_all(encode: Any) -> None:
    head, _ = jpeg_parts(encode(GREY))
    syntax = BASELINE if encode is jpeg else PROGRESSIVE
    refused(file_of_frames([head + b"\xff\xd9"], GREY, syntax), "scans")


def test_a_component_that_is_not_scanned() -> None:
    head, scan = jpeg_parts(jpeg(COLOR))
    at = scan.index(b"\xff\xd9")
    first = sos([1]) + scan[2 + struct.unpack_from(">H", scan, 2)[0] : at]
    stream = head + first + b"\xff\xd9"
    data = file_of_frames([stream], COLOR, BASELINE, PhotometricInterpretation="YBR_FULL")
    refused(data, "each sample once")


def test_scans_by_the_thousand() -> None:
    head, scan = jpeg_parts(jpeg(GREY))
    body = scan[: scan.index(b"\xff\xd9")]
    refused(file_of_frames([head + 3000 * body + b"\xff\xd9"], GREY, BASELINE), "once")
    head, scan = jpeg_parts(jpeg_progressive(GREY))
    more = 200 * (sos([1], 1, 5, 0x10) + b"\0\0")
    stream = head + scan[: scan.rindex(b"\xff\xd9")] + more + b"\xff\xd9"
    refused(file_of_frames([stream], GREY, PROGRESSIVE), "scans")


def test_scan_markers_in_tables_are_none() -> None:
    """A quantization table may hold the two bytes of SOS."""
    stream = jpeg(GREY, level=2)
    table = stream.index(b"\xff\xdb") + 5
    forged = stream[:table] + b"\xff\xda" + stream[table + 2 :]
    fastpix.imread(file_of_frames([forged], GREY, BASELINE))


# --- tiles ------------------------------------------------------------------------------------


def tiled() -> tuple[bytes, list[bytes], bytes]:
    """Main header, tile-parts and end of a JPEG 2000 codestream of four tiles."""
    buffer = BytesIO()
    Image.fromarray(GREY).save(buffer, "JPEG2000", no_jp2=True, tile_size=(32, 32))
    stream = buffer.getvalue()
    at = stream.index(b"\xff\x90")
    head, parts = stream[:at], []
    while stream[at : at + 2] == b"\xff\x90":
        (length,) = struct.unpack_from(">I", stream, at + 6)
        parts.append(stream[at : at + length])
        at += length
    return head, parts, stream[at:]


def test_tiles_in_any_order_are_all_there() -> None:
    head, parts, end = tiled()
    for order in (parts, parts[::-1]):
        data = file_of_frames([head + b"".join(order) + end], GREY, J2K_LOSSLESS)
        assert np.array_equal(fastpix.open(data).stored(), GREY)


@pytest.mark.parametrize("kept", [[], [0], [0, 1, 2], [1, 2, 3], [0, 0, 1, 2]])
@pytest.mark.parametrize("syntax", [J2K_LOSSLESS, HT_LOSSLESS])
def test_missing_tiles(kept: list[int], syntax: str) -> None:
    head, parts, end = tiled()
    stream = head + b"".join(parts[k] for k in kept) + end
    refused(file_of_frames([stream], GREY, syntax), "tiles are missing|tiles|marker")


def test_a_tile_that_is_cut() -> None:
    head, parts, end = tiled()
    shorter = parts[3][:-20]
    refused(file_of_frames([head + b"".join(parts[:3]) + shorter + end], GREY, J2K_LOSSLESS),
            "damaged")  # fmt: skip
    missing = parts[3][:11] + b"\2" + parts[3][12:]  # the first of two parts
    refused(file_of_frames([head + b"".join(parts[:3]) + missing + end], GREY, J2K_LOSSLESS),
            "parts of its tiles")  # fmt: skip


def test_high_throughput_frames_that_are_cut_are_no_images_of_zeros() -> None:
    cells = np.random.default_rng(1).integers(1, 4096, (64, 64)).astype(np.uint16)
    stream = htj2k(cells)
    at = stream.index(b"\xff\x90")
    body = stream[at:-2]
    cut = body[: len(body) * 9 // 10]
    cut = cut[:6] + struct.pack(">I", len(cut)) + cut[10:]
    data = file_of_frames([stream[:at] + cut + stream[-2:]], cells, HT_LOSSLESS, BitsStored=12)
    with pytest.raises((DecodeError, PixelDataError)):
        fastpix.imread(data)


def forged(stream: bytes, marker: bytes, at: int, content: bytes) -> bytes:
    place = stream.index(marker) + at
    return stream[:place] + content + stream[place + len(content) :]


@pytest.mark.parametrize(
    ("what", "marker", "at", "content"),
    [
        ("a million tiles", b"\xff\x51", 22, struct.pack(">II", 1, 1)),
        ("no tiles", b"\xff\x51", 22, bytes(8)),
        ("tiles beside the image", b"\xff\x51", 30, b"\x7f\xff\xff\xff"),
        ("levels", b"\xff\x52", 9, b"\x40"),
    ],
)
def test_claims_of_a_main_header(what: str, marker: bytes, at: int, content: bytes) -> None:
    cells = np.zeros((2000, 2000), np.uint16)
    stream = forged(j2k(cells, 16), marker, at, content)
    begin = time.perf_counter()
    refused(file_of_frames([stream], cells, J2K_LOSSLESS), "damaged")
    assert time.perf_counter() - begin < 5, what


def with_style(stream: bytes, style: bytes) -> bytes:
    """A codestream with another SPcod, precincts of 1 x 1 included."""
    at = stream.index(b"\xff\x52")
    (length,) = struct.unpack_from(">H", stream, at + 2)
    content = b"\1" + stream[at + 5 : at + 9] + style
    segment = b"\xff\x52" + struct.pack(">H", 2 + len(content)) + content
    return stream[:at] + segment + stream[at + 2 + length :]


def test_precincts_and_code_blocks_without_bytes_for_them() -> None:
    cells = np.zeros((4096, 4096), np.uint8)
    plain = j2k(cells, 8)
    at = plain.index(b"\xff\x52")
    levels, reversible = plain[at + 9], plain[at + 13 : at + 14]
    tiny = bytes([levels]) + b"\4\4\0" + reversible + bytes(levels + 1)
    refused(file_of_frames([with_style(plain, tiny)], cells, J2K_LOSSLESS), "packets")
    small = bytes([levels]) + b"\0\0\0" + reversible + b"\xff" * (levels + 1)
    large = np.zeros((8192, 8192), np.uint8)
    stream = with_style(j2k(large, 8), small)
    refused(file_of_frames([stream], large, J2K_LOSSLESS), "code-blocks")


# --- boxes, colours, families -----------------------------------------------------------------


def test_boxes_of_jp2_change_no_sample() -> None:
    jp2 = bytes(imagecodecs.jpeg2k_encode(COLOR, codecformat="jp2", level=0, reversible=True))
    as_ycc = jp2.replace(b"colr\x01\0\0\0\0\0\x10", b"colr\x01\0\0\0\0\0\x12")
    assert as_ycc != jp2
    for stream in (jp2, as_ycc):
        found = fastpix.open(file_of_frames([stream], COLOR, J2K_LOSSLESS)).stored()
        assert np.array_equal(found, COLOR)


@pytest.mark.parametrize("syntax", [JXL_LOSSLESS, JXL_LOSSY, JXL_RECOMPRESSED])
def test_a_jpeg_in_jpeg_xl_is_read_as_the_jpeg(syntax: str) -> None:
    stream = jpeg(COLOR)
    attributes = {"PhotometricInterpretation": "YBR_FULL"}
    wanted = fastpix.imread(file_of_frames([stream], COLOR, BASELINE, **attributes))
    found = fastpix.imread(file_of_frames([jxl_of_jpeg(stream)], COLOR, syntax, **attributes))
    assert np.array_equal(found, wanted)


def test_a_codestream_of_another_family() -> None:
    refused(file_of_frames([jpeg_ls(GREY, 8)], GREY, LOSSLESS_70), "is JPEG-LS, the transfer")
    refused(file_of_frames([j2k(GREY, 8)], GREY, BASELINE), "is JPEG 2000, the transfer")


def test_lossy_samples_under_a_lossless_syntax_are_clipped() -> None:
    ramp = np.clip(np.add.outer(np.arange(32), np.arange(32)) * 80, 0, 4095).astype(np.uint16)
    data = file_of_frames([jpeg(ramp, 12, level=100)], ramp, LOSSLESS_70, BitsStored=10)
    with pytest.warns(fastpix.HeaderWarning, match="they are clipped"):
        found = fastpix.open(data).stored()
    assert np.abs(found.astype(int) - ramp.clip(0, 1023)).max() < 20


# --- too much, too wide -----------------------------------------------------------------------


def test_a_deflated_frame_that_holds_more() -> None:
    cells = np.arange(120, dtype=np.uint16).reshape(10, 12)
    narrow = np.zeros((10, 12), np.uint8)
    with pytest.raises(DecodeError, match=r"inflates to more|more than"):
        fastpix.imread(file_of_frames([deflated(cells.tobytes())], narrow, DEFLATED_FRAMES))
    odd = np.arange(35, dtype=np.uint8).reshape(5, 7)
    padded = file_of_frames([deflated(odd.tobytes() + b"\0")], odd, DEFLATED_FRAMES)
    assert np.array_equal(fastpix.open(padded).stored(), odd)


def test_rle_of_64_bits_is_left_to_pydicom() -> None:
    cells: NDArray[np.uint64] = np.arange(35, dtype=np.uint64).reshape(5, 7) * 0x0102030405060708
    dataset = make_dataset(np.zeros((5, 7), np.uint16), BitsAllocated=64, BitsStored=64, HighBit=63)
    data = encode_frames(dataset, RLE_LOSSLESS, [rle(cells)])
    assert np.array_equal(fastpix.pixel_array(BytesIO(data)), cells)
    fastpix.backend.enable()
    try:
        assert np.array_equal(pydicom.dcmread(BytesIO(data)).pixel_array, cells)
    finally:
        fastpix.backend.disable()


def test_lossless_frames_are_whole() -> None:
    """The checks pass what encoders write."""
    for stream, syntax in ((jpeg_lossless(GREY, 8), LOSSLESS_70), (j2k(GREY, 8), J2K_LOSSLESS)):
        assert np.array_equal(fastpix.open(file_of_frames([stream], GREY, syntax)).stored(), GREY)
