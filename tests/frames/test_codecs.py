"""Cells of compressed frames: sign, precision, clipping, packing; and what failures say."""

from __future__ import annotations

import zlib
from importlib.metadata import version
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGLSLossless, RLELossless
from support.builders import (
    element,
    encapsulated_element,
    encode,
    encode_frames,
    file_of,
    image_elements,
    make_dataset,
)
from support.codestream_cases import file_of_frames

import fastpix
from fastpix.errors import (
    DecodeError,
    HeaderWarning,
    PixelDataError,
    UnsupportedTransferSyntaxError,
)

DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"


def j2k(cells: NDArray[Any], bits: int, lossless: bool = True) -> bytes:
    """A JPEG 2000 codestream of `bits` precision; signed as the dtype is."""
    encoded = imagecodecs.jpeg2k_encode(
        cells, bitspersample=bits, reversible=lossless, codecformat="j2k",
        level=0 if lossless else 20,
    )  # fmt: skip
    return bytes(encoded)


def file_of_frame(stream: bytes, cells: NDArray[Any], syntax: str, **attributes: Any) -> bytes:
    return encode_frames(make_dataset(cells, **attributes), syntax, [stream])


@pytest.mark.parametrize("bits", range(2, 17))
@pytest.mark.parametrize("signed", [False, True])
def test_lossless_at_every_depth(bits: int, signed: bool) -> None:
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    rng = np.random.default_rng(bits)
    dtype = f"{'i' if signed else 'u'}{1 if bits <= 8 else 2}"
    cells = rng.integers(low, high, (5, 7), endpoint=True).astype(dtype)
    cells[0, :2] = low, high
    data = file_of_frame(j2k(cells, bits), cells, JPEG2000Lossless, BitsStored=bits,
                         HighBit=bits - 1)  # fmt: skip
    assert np.array_equal(fastpix.open(data).stored(), cells)


def test_codestream_that_forgot_the_sign() -> None:
    """Signed values encoded as unsigned of 13 bits: extended from the codestream's top bit."""
    cells = np.array([[-2000, -1, 0, 4095], [-4096, 5, 6, 7]], np.int16)
    stream = j2k((cells & 0x1FFF).astype(np.uint16), 13)
    for stored in (13, 16):  # precision equal to Bits Stored, and less
        data = file_of_frame(stream, cells, JPEG2000Lossless, BitsStored=stored,
                             HighBit=stored - 1)  # fmt: skip
        assert np.array_equal(fastpix.open(data).stored(), cells)


def test_codestream_with_a_sign_that_the_header_denies() -> None:
    cells = np.array([[6192, 8191], [0, 4095]], np.uint16)
    stream = j2k(np.where(cells > 4095, cells.astype(np.int32) - 8192, cells).astype(np.int16), 13)
    data = file_of_frame(stream, cells, JPEG2000Lossless, BitsStored=13, HighBit=12)
    assert np.array_equal(fastpix.open(data).stored(), cells)


def test_lossy_is_clipped_and_never_masked() -> None:
    """Ringing beyond the stored range: masked, white would come out black."""
    cells = np.zeros((64, 64), np.uint16)
    cells[::2] = 4095
    stream = j2k(cells, 16, lossless=False)
    decoded = imagecodecs.jpeg2k_decode(stream).astype(np.int64)
    assert decoded.max() > 4095
    data = file_of_frame(stream, cells, JPEG2000, BitsStored=12, HighBit=11)
    with pytest.warns(HeaderWarning, match="16 bits a sample, .*: they are clipped"):
        assert np.array_equal(fastpix.open(data).stored(), np.clip(decoded, 0, 4095))


def test_lossless_garbage_is_masked() -> None:
    cells = np.array([[0x0123, 0xF123]], np.uint16)
    data = file_of_frame(j2k(cells, 16), cells, JPEG2000Lossless, BitsStored=12, HighBit=11)
    image = fastpix.open(data)
    with pytest.warns(HeaderWarning, match="16 bits a sample, .*: their upper bits are masked"):
        assert image.stored().tolist() == [[0x123, 0x123]]
    assert image.stored().tolist() == [[0x123, 0x123]]  # said once
    assert [note.oddity for note in image.plan().notes] == [True, False]


def deflated_file(shape: tuple[int, ...], bits: int, streams: list[bytes]) -> bytes:
    """A file in a syntax that pydicom does not know yet."""
    extra = [element(0x00280008, "IS", str(shape[0]).encode())]
    head = image_elements(rows=shape[1], columns=shape[2], bits=bits, extra=extra)
    padded = [stream + b"\0" * (len(stream) % 2) for stream in streams]
    return file_of(*head, encapsulated_element(*padded), syntax=DEFLATED_FRAMES)


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_deflated_frames(bits: int) -> None:
    rng = np.random.default_rng(3)
    cells = rng.integers(0, 2**bits, (3, 5, 7)).astype(np.uint16 if bits == 16 else np.uint8)
    raw = [np.packbits(f, bitorder="little") if bits == 1 else f.astype(f.dtype.newbyteorder("<"))
           for f in cells]  # fmt: skip
    deflater = [zlib.compressobj(wbits=-15) for _ in raw]
    streams = [d.compress(f.tobytes()) + d.flush() for d, f in zip(deflater, raw, strict=True)]
    image = fastpix.open(deflated_file(cells.shape, bits, streams))
    assert np.array_equal(image.stored(), cells)
    assert image.decoders == (f"zlib {zlib.ZLIB_RUNTIME_VERSION}",)


@pytest.mark.parametrize("stream", [b"\xff" * 20, b"", zlib.compress(bytes(12))[2:-9]])
def test_deflated_frames_damaged(stream: bytes) -> None:
    data = deflated_file((1, 2, 3), 16, [stream])
    with pytest.raises((DecodeError, PixelDataError)):
        fastpix.imread(data)


def test_rle_keeps_high_bit() -> None:
    """RLE holds cells as they are stored, so High Bit and the garbage are where they were."""
    from pydicom.pixels.encoders.base import RLELosslessEncoder

    cells = np.array([[0xA120, 0x0451], [0xFFFF, 0x000F]], np.uint16)
    plain = make_dataset(cells)
    frame = RLELosslessEncoder.encode(plain, index=0)
    dataset = make_dataset(cells, BitsStored=12, HighBit=15)
    data = encode_frames(dataset, RLELossless, [frame])
    assert np.array_equal(fastpix.open(data).stored(), cells >> 4)
    assert np.array_equal(fastpix.open(data).stored(), fastpix.open(encode(dataset)).stored())


def test_decoders_are_named_with_their_versions() -> None:
    cells = np.arange(12, dtype=np.uint8).reshape(3, 4)
    image = fastpix.open(file_of_frame(j2k(cells, 8), cells, JPEG2000Lossless))
    before = image.decoders
    image.read()
    assert (before, image.decoders) == (
        (),
        (f"imagecodecs {version('imagecodecs')} ({imagecodecs.jpeg2k_version()})",),
    )


def test_damage_is_final() -> None:
    """The second decoder of JPEG-LS, which is CharLS too, is not asked."""
    cells = np.random.default_rng(0).integers(0, 256, (30, 40), np.uint8)
    stream = bytes(imagecodecs.jpegls_encode(cells))
    damaged = stream[:100] + bytes(len(stream) - 102) + stream[-2:]
    data = file_of_frame(damaged, cells, JPEGLSLossless)
    with pytest.raises(DecodeError) as caught:
        fastpix.imread(data)
    assert caught.value.frame == 0
    assert [name.partition(" ")[0] for name in caught.value.tried] == ["imagecodecs"]
    assert all(caught.value.tried.values())
    assert "the codestream is damaged" in str(caught.value)
    assert not caught.value.not_supported


def test_syntax_that_nothing_decodes() -> None:
    data = encode_frames(make_dataset(), "1.2.840.10008.1.2.4.100", [bytes(64)])
    with pytest.raises(UnsupportedTransferSyntaxError, match="MPEG2"):
        fastpix.imread(data)


def saturated(dtype: str, bits: int) -> NDArray[Any]:
    """Noise of the lowest and the highest value: what lossy codecs overshoot most."""
    rng = np.random.default_rng(bits)
    low = -(1 << (bits - 1)) if dtype.startswith("i") else 0
    high = low + (1 << bits) - 1
    return np.where(rng.random((64, 64)) < 0.5, low, high).astype(dtype)


LOSSY_STREAMS: dict[str, tuple[str, Any]] = {
    "JPEG": ("1.2.840.10008.1.2.4.50", lambda c: imagecodecs.jpeg8_encode(c, level=95)),
    "JPEG, 12 bits": (
        "1.2.840.10008.1.2.4.51", lambda c: imagecodecs.jpeg8_encode(c, level=95, bitspersample=12)
    ),
    "near-lossless": ("1.2.840.10008.1.2.4.81", lambda c: imagecodecs.jpegls_encode(c, level=3)),
    "JPEG 2000": (
        "1.2.840.10008.1.2.4.91",
        lambda c: imagecodecs.jpeg2k_encode(c, level=60, reversible=False, codecformat="j2k"),
    ),
    "HTJ2K": (
        "1.2.840.10008.1.2.4.203", lambda c: imagecodecs.htj2k_encode(c, reversible=False)
    ),
    "HTJ2K that says lossless": (
        "1.2.840.10008.1.2.4.201", lambda c: imagecodecs.htj2k_encode(c, reversible=False)
    ),
    "JPEG XL": (
        "1.2.840.10008.1.2.4.112", lambda c: imagecodecs.jpegxl_encode(c, distance=0.5)
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "dtype", "bits"),
    [("JPEG", "u1", 8), ("JPEG, 12 bits", "u2", 12), ("near-lossless", "u1", 8),
     ("near-lossless", "u2", 16), ("JPEG 2000", "u1", 8), ("JPEG 2000", "u2", 16),
     ("JPEG 2000", "i2", 16), ("HTJ2K", "u1", 8), ("HTJ2K", "i1", 8), ("HTJ2K", "u2", 16),
     ("HTJ2K", "i2", 16), ("HTJ2K that says lossless", "u2", 16), ("JPEG XL", "u1", 8),
     ("JPEG XL", "u2", 16)],
)  # fmt: skip
def test_lossy_white_does_not_come_out_black(name: str, dtype: str, bits: int) -> None:
    """A decoder that lets overshooting samples wrap is not asked: no other is that far off."""
    syntax, encode = LOSSY_STREAMS[name]
    cells = saturated(dtype, bits)
    stream = bytes(encode(cells))
    found = fastpix.open(file_of_frames([stream], cells, syntax, BitsStored=bits))
    off = np.abs(found.stored().astype(np.int64) - cells)
    assert off.max() < 1 << (bits - 1)
