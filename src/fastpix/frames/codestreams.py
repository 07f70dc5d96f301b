"""What a codestream's own header says of its image, read before any decoder sees it."""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple, TypeAlias

Buffer: TypeAlias = bytes | memoryview
Coding = Literal["DCT", "progressive", "arithmetic", "lossless", "JPEG-LS", "JPEG 2000", "JPEG XL"]


class Codestream(NamedTuple):
    """The geometry and the numbers of one codestream.

    Attributes
    ----------
    coding : str
        How samples are coded, as far as it matters here.
    rows, columns, samples, precision : int
    signed : bool
    uniform : bool
        All samples have this size and precision.
    lossy : bool
        Coded by DCT or by the irreversible wavelet.
    color : {"", "RGB", "YBR"}
        What the codestream itself says of its colours: nothing, that they are red, green and blue
        as they are, or that they were made luminance and chrominance.
    at : int
        Where this header is; a thumbnail may come before it.
    """

    coding: Coding
    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool = False
    uniform: bool = True
    lossy: bool = False
    color: Literal["", "RGB", "YBR"] = ""
    at: int = 0


END_OF_IMAGE = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000

_NO_FRAME_HEADER = frozenset({0xC4, 0xC8, 0xCC})
_CODINGS: dict[int, Coding] = {
    0xC0: "DCT", 0xC1: "DCT", 0xC2: "progressive", 0xC3: "lossless", 0xF7: "JPEG-LS",
}  # fmt: skip
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "


def read_codestream(encoded: Buffer) -> Codestream | None:
    """Read the frame header of JPEG (T.81 B.2.2), JPEG-LS (T.87 C.2.2) or JPEG 2000 (T.800 A.5.1).

    None where there is none to be found: the frame is damaged, or is something else.
    """
    if bytes(encoded[:2]) == b"\xff\xd8":
        return _jpeg(encoded)
    start = _jpeg_2000_start(encoded)
    return None if start is None else _jpeg_2000(encoded, start)


def _jpeg(encoded: Buffer) -> Codestream | None:
    at = 2
    marked: Literal["", "RGB", "YBR"] = ""
    while at + 4 <= len(encoded):
        if encoded[at] != 0xFF:
            return None
        marker = encoded[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # stand alone
            at += 2
            continue
        (length,) = struct.unpack_from(">H", encoded, at + 2)
        if (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_HEADER) or marker == 0xF7:
            if at + 10 > len(encoded):
                return None
            precision, rows, columns, samples = struct.unpack_from(">BHHB", encoded, at + 4)
            names = bytes(encoded[at + 10 : at + 10 + 3 * samples : 3])
            if names.upper() == b"RGB":
                marked = "RGB"
            coding = _CODINGS.get(marker, "arithmetic")
            return Codestream(
                coding, rows, columns, samples, precision,
                lossy=coding in ("DCT", "progressive", "arithmetic"), color=marked, at=at,
            )  # fmt: skip
        content = bytes(encoded[at + 4 : at + 16])
        if marker == 0xE0 and content.startswith(b"JFIF\x00"):
            marked = "YBR"
        elif marker == 0xEE and content.startswith(b"Adobe") and len(content) == 12:
            marked = "YBR" if content[11] else "RGB"
        at += 2 + length
    return None


def _jpeg_2000_start(encoded: Buffer) -> int | None:
    """Return where the codestream begins: at once, or in a box of a JP2 file (T.800 I.4)."""
    at = 0
    if bytes(encoded[:8]) == _JP2_SIGNATURE:
        while True:
            if at + 16 > len(encoded):
                return None
            length, kind = struct.unpack_from(">I4s", encoded, at)
            head = 8
            if length == 1:  # a longer length follows
                (length,) = struct.unpack_from(">Q", encoded, at + 8)
                head = 16
            if kind == b"jp2c":
                at += head
                break
            if length < head:
                return None
            at += length
    return at if bytes(encoded[at : at + 4]) == b"\xff\x4f\xff\x51" else None


def _jpeg_2000(encoded: Buffer, start: int) -> Codestream | None:
    if start + 43 > len(encoded):
        return None
    width, height, left, top = struct.unpack_from(">4I", encoded, start + 8)
    (samples,) = struct.unpack_from(">H", encoded, start + 40)
    depth = encoded[start + 42]
    # Ssiz, XRsiz, YRsiz of every component
    components = bytes(encoded[start + 42 : start + 42 + 3 * samples])
    color, lossy = _coding_style(encoded, start + 2)
    return Codestream(
        coding="JPEG 2000",
        rows=height - top,
        columns=width - left,
        samples=samples,
        precision=(depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
        uniform=components == bytes((depth, 1, 1)) * samples,
        lossy=lossy,
        color=color,
        at=start,
    )


def _coding_style(encoded: Buffer, at: int) -> tuple[Literal["", "RGB", "YBR"], bool]:
    """Return what COD (T.800 A.6.1) says: whether components were transformed, and how."""
    while at + 14 <= len(encoded):
        marker, length = struct.unpack_from(">HH", encoded, at)
        if marker == 0xFF52:
            return "YBR" if encoded[at + 8] else "RGB", encoded[at + 13] == 0
        if marker == 0xFF90 or marker < 0xFF00:  # SOT: the main header is over
            break
        at += 2 + length
    return "", False
