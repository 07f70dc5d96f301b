"""JPEG scans that end too early, closed with an end marker: every cut is refused, nothing else."""

from __future__ import annotations

import random
import struct
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from support.codestream_cases import (
    BASELINE,
    EXTENDED,
    JXL_RECOMPRESSED,
    LOSSLESS_57,
    LOSSLESS_70,
    PROGRESSIVE,
    file_of_frames,
    jpeg,
    jpeg_lossless,
    jxl_of_jpeg,
)
from support.jpeg_scans import cut_scans, lossless_with_restarts, one_scan_each, scans_of
from support.sizes import is_quick

import fastpix
from fastpix._scans import find_segment, make_tables, walk_ac, walk_dc, walk_sequential
from fastpix.errors import PixelDataError
from fastpix.frames.codecs import jpeg_turbo
from fastpix.frames.codecs.scans import CutScanError, check_scans
from fastpix.frames.codestreams import read_codestream

RNG = np.random.default_rng(11)
NOISE = RNG.integers(0, 256, (43, 51)).astype(np.uint8)
SMOOTH = np.add.outer(np.arange(43) * 3, np.arange(51) * 2).astype(np.uint8)
COLOR = np.stack([SMOOTH, SMOOTH[::-1], np.full_like(SMOOTH, 90)], axis=-1)
DEEP = RNG.integers(0, 4096, (43, 51)).astype(np.uint16)
LARGE = np.add.outer(np.arange(200), np.arange(170)).astype(np.uint8) // 2 + 40


def by_pillow(cells: NDArray[np.uint8], **options: Any) -> bytes:
    image = PillowImage.fromarray(cells, "L" if cells.ndim == 2 else "YCbCr")
    buffer = BytesIO()
    image.save(buffer, "JPEG", **{"quality": 88, "subsampling": 0, **options})
    return buffer.getvalue()


KINDS: dict[str, tuple[NDArray[Any], str, bytes]] = {
    "grey": (NOISE, BASELINE, jpeg(NOISE)),
    "coarse": (SMOOTH, BASELINE, jpeg(SMOOTH, level=20)),
    "own tables": (SMOOTH, BASELINE, by_pillow(SMOOTH, optimize=True)),
    "flat": (np.full_like(SMOOTH, 128), BASELINE, jpeg(np.full_like(SMOOTH, 128))),
    "12 bits": (DEEP, EXTENDED, jpeg(DEEP, 12)),
    "4:4:4": (COLOR, BASELINE, jpeg(COLOR)),
    "4:2:2": (COLOR, BASELINE, jpeg(COLOR, subsampling="422")),
    "4:2:0": (COLOR, BASELINE, jpeg(COLOR, subsampling="420")),
    "4:1:1": (COLOR, BASELINE, jpeg(COLOR, subsampling="411")),
    "restarts": (NOISE, BASELINE, by_pillow(NOISE, restart_marker_blocks=3)),
    "restarts, 4:2:0": (COLOR, BASELINE, by_pillow(COLOR, subsampling=2, restart_marker_rows=1)),
    "restarts, progressive": (COLOR, PROGRESSIVE, by_pillow(
        COLOR, progressive=True, restart_marker_blocks=4)),
    "a scan each": (COLOR, BASELINE, one_scan_each(
        [jpeg(np.ascontiguousarray(COLOR[..., k])) for k in range(3)])),
    "progressive": (NOISE, PROGRESSIVE, by_pillow(NOISE, progressive=True)),
    "progressive, smooth": (LARGE, PROGRESSIVE, by_pillow(LARGE, progressive=True, quality=95)),
    "progressive, 4:2:0": (COLOR, PROGRESSIVE, by_pillow(COLOR, progressive=True, subsampling=2)),
    "lossless": (DEEP, LOSSLESS_70, jpeg_lossless(DEEP, 12)),
    "lossless, smooth": (SMOOTH, LOSSLESS_57, jpeg_lossless(SMOOTH, 8, 6)),
    "lossless, colour": (COLOR, LOSSLESS_57, jpeg_lossless(COLOR, 8, 2)),
    "lossless, restarts": (DEEP, LOSSLESS_57, lossless_with_restarts(DEEP, 12)),
}  # fmt: skip


def file_of(kind: str, stream: bytes) -> bytes:
    cells, syntax, _ = KINDS[kind]
    attributes: dict[str, Any] = {} if cells.dtype == np.uint8 else {"BitsStored": 12}
    if cells.ndim == 3:
        attributes["PhotometricInterpretation"] = "RGB" if "lossless" in kind else "YBR_FULL"
    return file_of_frames([stream], cells, syntax, **attributes)


@pytest.mark.parametrize("kind", KINDS)
def test_whole_frames_are_what_the_decoder_gives(kind: str) -> None:
    cells, _, stream = KINDS[kind]
    color: dict[str, Any] = {}
    if cells.ndim == 3:
        color = {"colorspace": "YCBCR", "outcolorspace": "YCBCR"}
    wanted = imagecodecs.jpeg8_decode(stream, **color)
    assert np.array_equal(jpeg_turbo.decode_whole_jpeg(stream, 1 if cells.ndim == 2 else 3), wanted)
    if "lossless" in kind:
        assert np.array_equal(wanted, cells)
    fastpix.open(file_of(kind, stream)).stored()


@pytest.mark.parametrize("kind", KINDS)
def test_every_cut_is_refused(kind: str) -> None:
    """One to all bytes are lost at the end of a scan, or of a part between restart markers."""
    _, _, stream = KINDS[kind]
    for cut in cut_scans(stream, 6 if is_quick() else 12):
        with pytest.raises(PixelDataError, match=r"cut off|encoded bytes"):
            fastpix.open(file_of(kind, cut)).stored()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_from_a_place_on_is_refused(kind: str) -> None:
    """Restart intervals and scans that follow are lost with the rest."""
    _, _, stream = KINDS[kind]
    parts = scans_of(stream)
    places = [at for a, b in parts for at in (a, a + 1, (a + b) // 2, b - 1) if at < b]
    for at in places[:: 1 + len(places) // 100]:
        with pytest.raises(PixelDataError, match=r"cut off|encoded bytes|damaged: its scans"):
            fastpix.open(file_of(kind, stream[:at] + b"\xff\xd9")).stored()


@pytest.mark.parametrize("kind", KINDS)
def test_the_walk_alone_refuses_every_cut(kind: str) -> None:
    """Without what the decoder shows: as other decoders have it."""
    _, _, stream = KINDS[kind]
    header = read_codestream(stream)
    assert header is not None
    check_scans(stream, header)
    for cut in cut_scans(stream, 60):
        with pytest.raises(CutScanError, match=r"a scan ends after \d+ of \d+"):
            check_scans(cut, header)


@pytest.mark.parametrize("decoder", ["imagecodecs", "pylibjpeg-libjpeg", "python-gdcm"])
def test_for_every_decoder(decoder: str) -> None:
    pytest.importorskip(
        {"pylibjpeg-libjpeg": "libjpeg", "python-gdcm": "gdcm"}.get(decoder, "fastpix")
    )
    stream = KINDS["grey"][2]
    fastpix.imread(file_of("grey", stream), decoder=decoder)
    cut = stream[:-40] + b"\xff\xd9"
    with pytest.raises(PixelDataError, match="frame 0 is cut off: a scan ends after"):
        fastpix.imread(file_of("grey", cut), decoder=decoder)


def test_a_cut_jpeg_in_jpeg_xl_cannot_be() -> None:
    """JPEG XL makes a JPEG of its own: one that is cut has no JPEG XL."""
    with pytest.raises(imagecodecs.JpegxlError):
        jxl_of_jpeg(KINDS["4:4:4"][2][:-60] + b"\xff\xd9")
    found = fastpix.imread(file_of_frames([jxl_of_jpeg(KINDS["4:4:4"][2])], COLOR, JXL_RECOMPRESSED,
                                          PhotometricInterpretation="YBR_FULL"))  # fmt: skip
    assert np.array_equal(found, fastpix.imread(file_of("4:4:4", KINDS["4:4:4"][2])))


def test_what_lies_between_scan_and_end_is_left_alone() -> None:
    """Extraneous bytes are harmless, and so are fill bytes before a marker."""
    for kind in ("grey", "4:2:0", "lossless", "restarts", "progressive"):
        _, _, stream = KINDS[kind]
        wanted = fastpix.open(file_of(kind, stream)).stored()
        for more in (b"\0\0\0", b"\xff\xff\xff", b"\x55" * 9, b"\xff\xfe\x00\x06note"):
            found = fastpix.open(file_of(kind, stream[:-2] + more + stream[-2:])).stored()
            assert np.array_equal(found, wanted)


def test_grey_beyond_the_end_is_no_cut() -> None:
    """The decoder shows nothing where the bits behind the end code grey: the walk does."""
    walks = 0
    for columns in range(8, 200, 8):
        cells = np.full((8, columns), 128, np.uint8)
        stream = by_pillow(cells, optimize=True)
        size = struct.pack(">HH", 8, columns)
        more = imagecodecs.jpeg8_decode(stream.replace(size, struct.pack(">HH", 9, columns), 1))
        walks += int(more[8, 0]) == 128
        found = fastpix.open(file_of_frames([stream], cells, BASELINE)).stored()
        assert np.array_equal(found, cells)
    assert walks


def test_decoder_and_walk_agree_on_damage() -> None:
    """Random damage: what the walk finds cut, libjpeg-turbo has filled in, and nothing else."""
    pick = random.Random(3)
    kinds = ["grey", "coarse", "own tables", "12 bits", "4:4:4", "4:2:2", "lossless",
             "lossless, colour"]  # fmt: skip
    seen = {True: 0, False: 0}
    for _ in range(3000):
        stream = bytearray(KINDS[pick.choice(kinds)][2])
        begin = scans_of(bytes(stream))[0][0]
        at = pick.randrange(begin, len(stream) - 2)
        if pick.random() < 0.7:
            stream[at] ^= 1 << pick.randrange(8)
        else:
            del stream[at : at + pick.randrange(1, 9)]
        damaged = bytes(stream)
        header = read_codestream(damaged)
        assert header is not None
        rows = jpeg_turbo._rows_and_more(damaged, header)
        assert rows is not None
        height = header.at + 5
        taller = damaged[:height] + struct.pack(">H", rows) + damaged[height + 2 :]
        try:
            decoded = jpeg_turbo._decode(taller, header.samples)
        except imagecodecs.Jpeg8Error:
            continue
        is_grey = decoded[rows - 1].flat[0] == 1 << (header.precision - 1)
        try:
            check_scans(damaged, header)
        except CutScanError:
            assert is_grey
            seen[True] += 1
        else:
            seen[False] += 1
    assert min(seen.values()) > 300


def test_scans_that_cannot_be_followed_are_left_to_the_decoder() -> None:
    """libjpeg-turbo has the standard's tables at hand where a frame has none."""
    stream = KINDS["4:2:0"][2]
    header = read_codestream(stream)
    assert header is not None
    at = stream.index(b"\xff\xc4")
    (length,) = struct.unpack_from(">H", stream, at + 2)
    without = stream[:at] + stream[at + 2 + length :]
    again = read_codestream(without)
    assert again is not None
    check_scans(without, again)
    sampling = bytearray(stream)
    sampling[header.at + 11] = 0
    check_scans(bytes(sampling), header)


def test_arithmetic_codes_have_no_end() -> None:
    stream = KINDS["grey"][2]
    header = read_codestream(stream.replace(b"\xff\xc0", b"\xff\xc9"))
    assert header is not None
    assert header.coding == "arithmetic"
    check_scans(stream[:-100], header)


def test_walks_stay_within_their_buffer() -> None:
    """Whatever the bytes are, and wherever a walk begins."""
    pick = random.Random(5)
    for _ in range(400):
        data = bytes(pick.choice([0xFF, 0xD0, 0, pick.randrange(256)]) for _ in range(40))
        source = bytes(pick.randrange(4) for _ in range(16)) + pick.randbytes(256)
        table, of_bands = make_tables(source, False), make_tables(source, True)
        at = pick.choice([-5, 0, 3, 39, 40, 900])
        for walked, end in (
            walk_sequential(data, at, 2 * table, b"\0\1\1\0", 90, pick.choice([0, 1, 7]), False),
            walk_sequential(data, at, table, b"\0\0", 90, 0, True),
            walk_dc(data, at, table, b"\0", 90, pick.choice([0, 2]), False),
            walk_dc(data, at, b"", b"\0", 900, 0, True),
            walk_ac(data, at, of_bands, np.zeros((9, 9), np.uint64), 9, 9, 2, 1, 63, True),
            walk_ac(data, at, of_bands, np.zeros((9, 9), np.uint64), 9, 9, 0, 1, 63, False),
        ):
            assert 0 <= walked <= 900
            assert 0 <= end <= 40
        assert -1 <= find_segment(data, at) < 40
    assert walk_dc(b"", 0, b"", b"\0", 5, 0, True) == (0, 0)


def test_walks_refuse_what_they_were_not_given() -> None:
    table = make_tables(bytes(272), False)
    known = np.zeros((2, 2), np.uint64)
    for first, last, rows in ((0, 5, 2), (6, 5, 2), (1, 64, 2), (1, 63, 3)):
        with pytest.raises(ValueError, match="without such coefficients"):
            walk_ac(bytes(9), 0, table, known, rows, 2, 0, first, last, False)
    with pytest.raises(ValueError, match="without a table"):
        walk_sequential(bytes(9), 0, table, b"\0\1", 1, 0, False)
    with pytest.raises(ValueError, match="without a table"):
        walk_dc(bytes(9), 0, b"", b"\0", 1, 0, False)
    with pytest.raises(ValueError, match="without such coefficients"):
        walk_ac(bytes(9), 0, 2 * table, known, 2, 2, 0, 1, 63, False)
