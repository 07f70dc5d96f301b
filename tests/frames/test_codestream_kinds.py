"""What a codestream is, whatever its transfer syntax says: exact or not, and supported or not."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from support.codec_fuzz_worker import COLOR, GREY, picture
from support.codestream_cases import (
    BASELINE,
    EXTENDED,
    HT_LOSSLESS,
    HT_LOSSY,
    J2K_LOSSLESS,
    J2K_LOSSY,
    JPEG_LS_LOSSLESS,
    JPEG_LS_LOSSY,
    JXL_LOSSLESS,
    JXL_LOSSY,
    LOSSLESS_57,
    file_of_frames,
    htj2k,
    j2k,
    jpeg,
    jpeg_lossless,
    jpeg_ls,
    jxl,
    jxl_of_jpeg,
    remarked,
)

import fastpix
from fastpix.frames.codestreams import read_codestream
from fastpix.frames.jpeg_xl import holds_jpeg, read_jpeg_xl

# --- exact samples are masked, approximate ones are clipped ---------------------------------------

RAW = np.array([[0xA123, 0x0123], [0xFFFF, 0x0FFF]], np.uint16)
MASKED = RAW & 0xFFF
CLIPPED = RAW.clip(0, 0xFFF)


@pytest.mark.parametrize(
    ("syntax", "stream"),
    [
        (J2K_LOSSLESS, j2k(RAW, 16)),
        (J2K_LOSSY, j2k(RAW, 16)),
        (HT_LOSSLESS, htj2k(RAW)),
        (HT_LOSSY, htj2k(RAW)),
        (JPEG_LS_LOSSLESS, jpeg_ls(RAW, 16)),
        (JPEG_LS_LOSSY, jpeg_ls(RAW, 16)),
        (JXL_LOSSLESS, jxl(RAW, 16)),
        (JXL_LOSSY, jxl(RAW, 16)),
        (LOSSLESS_57, jpeg_lossless(RAW, 16)),
        (EXTENDED, jpeg_lossless(RAW, 16)),
    ],
)
def test_exact_samples_are_masked_under_any_syntax(syntax: str, stream: bytes) -> None:
    for signed in (False, True):
        data = file_of_frames([stream], RAW, syntax, BitsStored=12, PixelRepresentation=int(signed))
        with pytest.warns(fastpix.HeaderWarning, match="beyond 12 bits: their upper bits are mask"):
            stored = fastpix.open(data).stored()
        wanted = (MASKED.astype(int) ^ 0x800) - 0x800 if signed else MASKED
        assert np.array_equal(stored, wanted)


BRIGHT = np.where(picture(GREY, 8) > 100, 0xA123, 0x0123).astype(np.uint16)


@pytest.mark.parametrize(
    ("syntax", "stream"),
    [
        (J2K_LOSSLESS, j2k(BRIGHT, 16, lossless=False, level=90)),
        (J2K_LOSSY, j2k(BRIGHT, 16, lossless=False, level=90)),
        (HT_LOSSY, htj2k(BRIGHT, lossless=False)),
        (JPEG_LS_LOSSLESS, jpeg_ls(BRIGHT, 16, near=3)),
        (JPEG_LS_LOSSY, jpeg_ls(BRIGHT, 16, near=3)),
        (JXL_LOSSLESS, jxl(BRIGHT, 16, lossless=False)),
        (JXL_LOSSY, jxl(BRIGHT, 16, lossless=False)),
    ],
)
def test_approximate_samples_are_clipped_under_any_syntax(syntax: str, stream: bytes) -> None:
    data = file_of_frames([stream], BRIGHT, syntax, BitsStored=12)
    with pytest.warns(fastpix.HeaderWarning, match="beyond 12 bits: they are clipped"):
        stored = fastpix.open(data).stored()
    assert (stored[BRIGHT > 0xFFF] == 0xFFF).all()


# --- what says that samples are exact -------------------------------------------------------------


def is_lossy(stream: bytes) -> bool:
    found = read_codestream(stream) or read_jpeg_xl(stream)
    assert found is not None
    return found.lossy


@pytest.mark.parametrize("shape", [GREY, COLOR], ids=["grey", "colour"])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_encoders_say_which(bits: int, shape: tuple[int, ...]) -> None:
    cells = picture(shape, bits)
    for container in (False, True):
        assert not is_lossy(jxl(cells, bits, container=container))
        assert is_lossy(jxl(cells, bits, lossless=False, container=container))
    assert not is_lossy(j2k(cells, bits))
    assert is_lossy(j2k(cells, bits, lossless=False))
    assert not is_lossy(htj2k(cells))
    assert is_lossy(htj2k(cells, lossless=False))
    assert not is_lossy(jpeg_ls(cells, bits))
    assert is_lossy(jpeg_ls(cells, bits, near=2))
    assert not is_lossy(jpeg_lossless(cells, bits))
    if bits < 16:
        assert is_lossy(jpeg(cells, bits))
    if bits == 8:
        assert is_lossy(jxl_of_jpeg(jpeg(cells)))


def with_segment(stream: bytes, marker: int, content: bytes) -> bytes:
    """A JPEG 2000 codestream with one more segment at the end of its main header."""
    at = stream.index(b"\xff\x90")
    segment = struct.pack(">HH", marker, 2 + len(content)) + content
    return stream[:at] + segment + stream[at:]


@pytest.mark.parametrize(
    ("marker", "content", "lossy"),
    [
        (0xFF53, b"\1\0\5\4\4\0\0", True),  # COC: component 1 by the irreversible wavelet
        (0xFF53, b"\1\0\5\4\4\0\1", False),
        (0xFF5C, b"\x42" + bytes(4), True),  # QCD: scalar quantization
        (0xFF5C, b"\x40" + bytes(4), False),
        (0xFF5D, b"\1\x42" + bytes(4), True),  # QCC
        (0xFF5D, b"\1\x40" + bytes(4), False),
        (0xFF64, b"\0\1comment", False),
    ],
)
def test_one_component_that_is_approximate(marker: int, content: bytes, lossy: bool) -> None:
    stream = j2k(picture(COLOR, 8), 8)
    assert is_lossy(with_segment(stream, marker, content)) == lossy


def test_the_main_header_of_jpeg_2000_ends_at_its_first_tile() -> None:
    """What a tile says of quantization is not said of the image."""
    stream = j2k(picture(COLOR, 8), 8)
    at = stream.index(b"\xff\x90") + 12
    coarse = struct.pack(">HHB4x", 0xFF5C, 7, 0x42)
    assert not is_lossy(stream[:at] + coarse + stream[at:])


def test_each_scan_of_jpeg_ls_has_a_bound_of_its_own() -> None:
    import jpeg_ls as charls

    cells = picture(COLOR, 8)
    raw = cells.transpose(2, 0, 1).tobytes()
    stream = bytes(charls.encode_buffer(raw, *COLOR[:2], 3, 8, 0, 0))
    assert not is_lossy(stream)
    last = stream.rindex(b"\xff\xda")
    assert stream[last + 4] == 1
    assert is_lossy(stream[: last + 7] + b"\2" + stream[last + 8 :])


def test_boxes_of_jpeg_xl() -> None:
    """The box of the JPEG file may stand anywhere."""
    cells = picture(GREY, 8)
    stream = jxl_of_jpeg(jpeg(cells))
    assert holds_jpeg(stream)
    assert not holds_jpeg(jxl(cells, 8, container=True))
    assert not holds_jpeg(jxl(cells, 8) + b"jbrd")
    long_box = struct.pack(">I4sQ", 1, b"free", 16 + 1000) + bytes(1000)
    assert holds_jpeg(stream[:12] + long_box + stream[12:])
    assert not holds_jpeg(stream[:12] + struct.pack(">I4s", 3, b"free") + stream[12:])


# --- kinds that are not supported -----------------------------------------------------------------


def unsupported(data: bytes, match: str) -> None:
    with pytest.raises(fastpix.DecodeError, match=rf"{match}.* is not supported") as caught:
        fastpix.imread(data)
    assert caught.value.not_supported
    assert "damaged" not in str(caught.value)
    assert "convert the file" in str(caught.value)
    assert match in caught.value.storable


FOUR = np.stack([picture((16, 24), 8)] * 4, -1)


def cmyk() -> bytes:
    buffer = BytesIO()
    PillowImage.fromarray(FOUR, "CMYK").save(buffer, "JPEG")
    return buffer.getvalue()


def test_four_components() -> None:
    color = picture((16, 24, 3), 8)
    unsupported(file_of_frames([cmyk()], color, BASELINE), "DCT data with 4 components a pixel")
    grey = picture((16, 24), 8)
    unsupported(file_of_frames([cmyk()], grey, BASELINE), "DCT data with 4 components a pixel")
    stream = j2k(FOUR, 8)
    unsupported(file_of_frames([stream], color, J2K_LOSSLESS), "JPEG 2000 data with 4 components")


@pytest.mark.parametrize("place", [1, 2, 4, 5, 7, 8])
def test_subsampled_jpeg_2000(place: int) -> None:
    """XRsiz and YRsiz of each component."""
    stream = bytearray(j2k(picture(COLOR, 8), 8))
    stream[42 + place] = 2
    data = file_of_frames([bytes(stream)], picture(COLOR, 8), J2K_LOSSLESS)
    unsupported(data, "subsampled components")


def test_components_of_several_depths() -> None:
    stream = bytearray(j2k(picture(COLOR, 8), 8))
    stream[45] = 9
    data = file_of_frames([bytes(stream)], picture(COLOR, 8), J2K_LOSSLESS)
    unsupported(data, "components of several depths")


def with_frame_header(stream: bytes, at: int, value: int) -> bytes:
    place = next(k for k in (stream.find(b"\xff\xc0"), stream.find(b"\xff\xc1")) if k >= 0) + at
    return stream[:place] + bytes([value]) + stream[place + 1 :]


@pytest.mark.parametrize(
    ("marker", "said"),
    [(0xC5, "hierarchical"), (0xC6, "hierarchical"), (0xCB, "lossless JPEG with arithmetic"),
     (0xCD, "hierarchical"), (0xCF, "hierarchical")],
)  # fmt: skip
def test_processes_of_jpeg(marker: int, said: str) -> None:
    grey = picture(GREY, 8)
    data = file_of_frames([with_frame_header(jpeg(grey), 1, marker)], grey, BASELINE)
    unsupported(data, said)


def test_a_jpeg_that_says_its_lines_later() -> None:
    grey = picture(GREY, 8)
    stream = with_frame_header(with_frame_header(jpeg(grey), 5, 0), 6, 0)
    unsupported(file_of_frames([stream], grey, BASELINE), "DNL marker")


def test_sampling_factors_that_are_fractions() -> None:
    color = picture(COLOR, 8)
    stream = with_frame_header(jpeg(color), 11, 0x31)
    stream = with_frame_header(stream, 14, 0x21)
    data = file_of_frames([stream], color, BASELINE, PhotometricInterpretation="YBR_FULL")
    unsupported(data, "fractions of each other")


def test_lossless_jpeg_with_subsampled_chrominance() -> None:
    """It is YBR_FULL_422 by its sampling factors, and read as such, or refused."""
    stream = bytearray(remarked(jpeg_lossless(picture(COLOR, 8), 8), names=b"\1\2\3"))
    found = read_codestream(bytes(stream))
    assert found is not None
    assert found.full
    at = stream.index(b"\xff\xc3")
    stream[at + 11] = 0x21
    found = read_codestream(bytes(stream))
    assert found is not None
    assert (found.full, found.uniform, found.ybr) == (False, True, "subsampled chrominance")


def pixels(data: bytes) -> NDArray[Any]:
    return fastpix.open(data).stored()


def test_thumbnails_and_fill_bytes_are_walked_over() -> None:
    color = picture(COLOR, 8)
    plain = remarked(jpeg(color))
    exif = b"\xff\xe1" + struct.pack(">H", 2 + len(plain)) + jpeg(color)[: len(plain)]
    stream = plain[:2] + exif + b"\xff\xff" + plain[2:]
    found = read_codestream(stream)
    assert found is not None
    assert (found.ybr, found.rgb, found.columns) == ("", "", COLOR[1])
    data = file_of_frames([stream], color, BASELINE, PhotometricInterpretation="YBR_FULL")
    assert np.array_equal(pixels(data), pixels(file_of_frames([plain], color, BASELINE)))


@pytest.mark.parametrize("kind", ["DCT", "lossless", "JPEG-LS", "grey"])
def test_headers_of_any_length(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first bytes are read by a shorter way, wherever they end."""
    color = picture(COLOR, 8)
    stream = {
        "DCT": remarked(jpeg(color, subsampling="420"), adobe=1),
        "lossless": jpeg_lossless(color, 8, 4),
        "JPEG-LS": jpeg_ls(color, 8, near=2),
        "grey": jpeg(picture(GREY, 8)),
    }[kind]
    whole = read_codestream(stream)
    assert whole is not None
    for head in range(4, min(len(stream), 800)):
        monkeypatch.setattr("fastpix.frames.codestreams._HEAD", head)
        assert read_codestream(stream) == whole, head


def test_markers_that_stand_alone_and_bytes_that_are_none() -> None:
    grey = picture(GREY, 8)
    stream = jpeg(grey)
    alone = stream[:2] + b"\xff\x01\xff\xd0" + stream[2:]
    assert read_codestream(alone) is not None
    assert read_codestream(stream[:2] + b"\0" + stream[2:]) is None
    color = jpeg(picture(COLOR, 8))
    scan = color.index(b"\xff\xda")
    found = read_codestream(color[:scan] + b"\0" + color[scan:])
    assert found is not None
    assert found.ybr == "a JFIF marker"  # the completeness of scans is checked elsewhere


def test_boxes_of_jp2() -> None:
    stream = j2k(picture(GREY, 8), 8)
    whole = read_codestream(stream)
    assert whole is not None
    signature = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
    for box, head in (
        (struct.pack(">I4s", 8 + len(stream), b"jp2c"), 8),
        (struct.pack(">I4sQ", 1, b"jp2c", 16 + len(stream)), 16),
    ):
        assert read_codestream(signature + box + stream) == whole._replace(at=12 + head)
    for box in (struct.pack(">I4sQ", 4, b"free", 0), struct.pack(">I4s", 30, b"free")):
        assert read_codestream(signature + box) is None


def test_a_jpeg_that_cannot_be_had_back(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = picture(GREY, 8)
    data = file_of_frames([jxl_of_jpeg(jpeg(grey))], grey, JXL_LOSSY)
    monkeypatch.setattr("imagecodecs.jpegxl_decode_jpeg", lambda data, numthreads: b"no JPEG")
    with pytest.raises(fastpix.DecodeError, match="its JPEG file has no header"):
        fastpix.imread(data)


def test_a_jpeg_in_jpeg_xl_is_held_against_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = picture(GREY, 8)
    data = file_of_frames([jxl_of_jpeg(jpeg(grey))], grey, JXL_LOSSY)
    for jpeg_file, error in (
        (jpeg(grey[:8]), fastpix.PixelDataError),
        (cmyk(), fastpix.DecodeError),
    ):
        monkeypatch.setattr(
            "imagecodecs.jpegxl_decode_jpeg", lambda data, numthreads, held=jpeg_file: held
        )
        with pytest.raises(error, match=r"8 rows x 56 columns|4 components"):
            fastpix.imread(data)
