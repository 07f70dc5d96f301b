"""Encoded frames of every family that fastpix decodes, and files that hold them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from support.builders import element, encapsulated_element, encode_frames, file_of, make_dataset

Cells = NDArray[Any]

BASELINE = "1.2.840.10008.1.2.4.50"
EXTENDED = "1.2.840.10008.1.2.4.51"
PROGRESSIVE = "1.2.840.10008.1.2.4.55"
LOSSLESS_57 = "1.2.840.10008.1.2.4.57"
LOSSLESS_70 = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
JPEG_LS_LOSSY = "1.2.840.10008.1.2.4.81"
J2K_LOSSLESS = "1.2.840.10008.1.2.4.90"
J2K_LOSSY = "1.2.840.10008.1.2.4.91"
HT_LOSSLESS = "1.2.840.10008.1.2.4.201"
HT_RPCL = "1.2.840.10008.1.2.4.202"
HT_LOSSY = "1.2.840.10008.1.2.4.203"
JXL_LOSSLESS = "1.2.840.10008.1.2.4.110"
JXL_RECOMPRESSED = "1.2.840.10008.1.2.4.111"
JXL_LOSSY = "1.2.840.10008.1.2.4.112"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"


# --- JPEG -----------------------------------------------------------------------------------------


def jpeg_lossless(cells: Cells, bits: int, predictor: int = 1) -> bytes:
    """JPEG Lossless (T.81 annex H) of unsigned cells."""
    # As RGB: for other colours libjpeg-turbo 3.1 names the wrong Huffman table in its scan header.
    color: dict[str, Any] = {}
    if cells.ndim == 3:
        color = {"colorspace": "RGB", "outcolorspace": "RGB"}
    return bytes(
        imagecodecs.jpeg8_encode(
            cells, lossless=True, predictor=predictor, bitspersample=bits, **color
        )
    )


def jpeg_lossless_by_hand(
    cells: Cells, bits: int, predictor: int = 1, code: Callable[[int, int], int] | None = None
) -> bytes:
    """JPEG Lossless of grey cells that may be wider than the precision that the header says.

    `code` is what an encoder makes of a sample and its prediction, where that is not just their
    difference modulo 2**16.
    """
    table = bytes([0, *([0] * 4), 17, *([0] * 11), *range(17)])  # 17 codes of 5 bits
    rows, columns = cells.shape
    coded = []
    for y, x in np.ndindex(rows, columns):
        left, above = int(cells[y, x - 1]), int(cells[y - 1, x])
        corner = int(cells[y - 1, x - 1])
        if y == 0:
            prediction = left if x else 1 << (bits - 1)
        elif x == 0:
            prediction = above
        else:
            prediction = {
                1: left, 2: above, 3: corner, 4: left + above - corner,
                5: left + (above - corner >> 1), 6: above + (left - corner >> 1),
                7: left + above >> 1,
            }[predictor]  # fmt: skip
        sample = int(cells[y, x])
        difference = sample - prediction
        if code:  # the first is predicted by the middle of the range, whatever the arithmetic
            first = (y, x) == (0, 0)
            difference = code(sample, 0) - prediction if first else code(sample, prediction)
        difference = 32768 - (32768 - difference) % 65536  # -32767..32768
        size = abs(difference).bit_length()
        coded.append(f"{size:05b}")
        if 0 < size < 16:
            extra = difference if difference > 0 else difference + (1 << size) - 1
            coded.append(f"{extra:0{size}b}")
    text = "".join(coded)
    text += "1" * (-len(text) % 8)
    scan = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")
    frame = struct.pack(">BHHB", bits, rows, columns, 1) + b"\1\x11\0"
    segments = ((0xC4, table), (0xC3, frame), (0xDA, bytes([1, 1, 0, predictor, 0, 0])))
    head = b"".join(b"\xff" + struct.pack(">BH", m, 2 + len(c)) + c for m, c in segments)
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


def jpeg(cells: Cells, bits: int = 8, level: int = 90, subsampling: str = "444") -> bytes:
    """Sequential DCT JPEG of 8 or 12 bits: three samples as they are, in a JFIF file."""
    color: dict[str, Any] = {}
    if cells.ndim == 3:
        color = {"colorspace": "YCBCR", "outcolorspace": "YCBCR", "subsampling": subsampling}
    return bytes(imagecodecs.jpeg8_encode(cells, level, bitspersample=bits, **color))


def jpeg_progressive(cells: Cells, level: int = 90) -> bytes:
    """Progressive JPEG of 8 bits; three samples are taken for YCbCr as they are."""
    image = PillowImage.fromarray(cells, "L" if cells.ndim == 2 else "YCbCr")
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=level, progressive=True, subsampling=0)
    return buffer.getvalue()


def remarked(stream: bytes, *, adobe: int | None = None, names: bytes | None = None) -> bytes:
    """A JPEG codestream without APP0 and APP14, with an Adobe marker or component IDs of choice."""
    kept = [b"\xff\xd8"]
    if adobe is not None:
        kept.append(b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([adobe]))
    renamed: dict[int, int] = {}
    at = 2
    while at < len(stream) - 2:
        marker, length = struct.unpack_from(">xBH", stream, at)
        segment = bytearray(stream[at : at + 2 + length])
        at += 2 + length
        if names is not None and marker in (0xC0, 0xC1, 0xC2, 0xC3):
            renamed = dict(zip(segment[10::3], names, strict=True))
            segment[10::3] = names
        if names is not None and marker == 0xDA:
            for k in range(segment[4]):
                segment[5 + 2 * k] = renamed[segment[5 + 2 * k]]
        if marker not in (0xE0, 0xEE):
            kept.append(bytes(segment))
        if marker == 0xDA:
            end = at  # the scan's data go on until a marker that is neither 0 nor RST
            while stream[end] != 0xFF or stream[end + 1] in (0, *range(0xD0, 0xD8)):
                end += 1
            kept.append(stream[at:end])
            at = end
    return b"".join(kept) + b"\xff\xd9"


# --- JPEG-LS, JPEG 2000, JPEG XL ------------------------------------------------------------------


def jpeg_ls(cells: Cells, bits: int, near: int = 0) -> bytes:
    """JPEG-LS of unsigned cells at a precision, samples interleaved by pixel."""
    if not near and bits == 8 * cells.dtype.itemsize:  # pyjpegls has no room for the smallest
        return bytes(imagecodecs.jpegls_encode(cells))
    import jpeg_ls as charls

    samples = cells.shape[2] if cells.ndim == 3 else 1
    buffer = charls.encode_buffer(
        cells.tobytes(), cells.shape[0], cells.shape[1], samples, bits, near,
        2 if samples > 1 else 0,
    )  # fmt: skip
    return bytes(buffer)


def j2k(cells: Cells, bits: int, lossless: bool = True, level: int = 20, **more: Any) -> bytes:
    """JPEG 2000 at a precision; signed as the dtype is."""
    encoded = imagecodecs.jpeg2k_encode(
        cells, bitspersample=bits, reversible=lossless, codecformat="j2k",
        level=0 if lossless else level, **more,
    )  # fmt: skip
    return bytes(encoded)


def htj2k(cells: Cells, lossless: bool = True) -> bytes:
    """High-Throughput JPEG 2000; signed and as deep as the dtype is."""
    if lossless:
        return bytes(imagecodecs.htj2k_encode(cells, reversible=True))
    return bytes(imagecodecs.htj2k_encode(cells, level=0.001, reversible=False))


def with_precision(stream: bytes, bits: int) -> bytes:
    """A JPEG 2000 codestream whose SIZ says another precision (T.800 A.5.1), signed as before.

    Of signed samples that changes nothing else: there is no level shift that depends on it.
    """
    changed = bytearray(stream)
    (samples,) = struct.unpack_from(">H", stream, 40)
    for k in range(samples):
        changed[42 + 3 * k] = (changed[42 + 3 * k] & 0x80) | (bits - 1)
    return bytes(changed)


def jxl(cells: Cells, bits: int, lossless: bool = True, container: bool = False) -> bytes:
    """JPEG XL of unsigned cells at a precision."""
    kind = {"lossless": True} if lossless else {"distance": 1.0}
    return bytes(
        imagecodecs.jpegxl_encode(cells, bitspersample=bits, usecontainer=container, **kind)
    )


def jxl_of_jpeg(stream: bytes) -> bytes:
    """A JPEG file recompressed to JPEG XL, from which it can be had back."""
    return bytes(imagecodecs.jpegxl_encode_jpeg(stream, usecontainer=True))


# --- RLE and deflate ------------------------------------------------------------------------------


def packbits(data: bytes) -> bytes:
    """PackBits (PS3.5 G.3.1): runs where three bytes or more are equal, literals between."""
    coded = bytearray()
    literal = bytearray()

    def flush() -> None:
        for k in range(0, len(literal), 128):
            part = literal[k : k + 128]
            coded.append(len(part) - 1)
            coded.extend(part)
        literal.clear()

    at = 0
    while at < len(data):
        same = data[at : at + 1]
        run = 1
        while run < 128 and data.startswith(same, at + run):
            run += 1
        if run >= 3:
            flush()
            coded += bytes([257 - run, data[at]])
        else:
            literal += data[at : at + run]
        at += run
    flush()
    return bytes(coded)


def rle_of(segments: list[bytes]) -> bytes:
    """An RLE frame of segments, each padded to even length (PS3.5 G.5)."""
    padded = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    starts = [64 + sum(len(s) for s in padded[:k]) for k in range(len(padded))]
    header = struct.pack("<16I", len(padded), *starts, *[0] * (15 - len(padded)))
    return header + b"".join(padded)


def rle(cells: Cells) -> bytes:
    """One frame as RLE: a segment for every byte of a pixel, the most significant first."""
    pixels = cells.reshape(cells.shape[0] * cells.shape[1], -1)
    big = pixels.astype(pixels.dtype.newbyteorder(">"))
    planes = big.view(np.uint8).reshape(len(pixels), -1).T
    return rle_of([packbits(plane.tobytes()) for plane in planes])


def packed(cells: Cells) -> bytes:
    """Cells of 0 and 1 as bits, the least significant first."""
    return np.packbits(cells.reshape(-1), bitorder="little").tobytes()


def deflated(data: bytes) -> bytes:
    """Raw deflate (RFC 1951)."""
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


# --- files ----------------------------------------------------------------------------------------


def file_of_frames(streams: list[bytes], cells: Cells, syntax: str, **attributes: Any) -> bytes:
    """A file of these frames, with the header that `cells` would have.

    `cells` is one frame where there is one stream, else all of them.
    """
    stored = attributes.get("BitsStored")
    if stored and "HighBit" not in attributes:
        attributes["HighBit"] = stored - 1
    if cells.shape[-1] == 3 and cells.ndim == (3 if len(streams) == 1 else 4):
        attributes.setdefault("SamplesPerPixel", 3)
    dataset = make_dataset(cells, **attributes)
    if syntax in (DEFLATED_FRAMES, JXL_LOSSLESS, JXL_RECOMPRESSED, JXL_LOSSY):
        return _file_of_young_syntax(streams, dataset, syntax)
    return encode_frames(dataset, syntax, streams)


def _file_of_young_syntax(streams: list[bytes], dataset: Any, syntax: str) -> bytes:
    """Write a syntax that some releases of pydicom do not know."""
    elements = []
    for each in dataset:
        if each.keyword == "PixelData":
            continue
        value = each.value
        if each.VR == "US":
            data = struct.pack("<H", value)
        elif each.VR == "SS":
            data = struct.pack("<h", value)
        else:
            data = str(value).encode()
        elements.append(element(int(each.tag), each.VR, data))
    padded = [stream + b"\0" * (len(stream) % 2) for stream in streams]
    return file_of(*elements, encapsulated_element(*padded), syntax=syntax)
