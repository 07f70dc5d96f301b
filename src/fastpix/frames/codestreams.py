"""What a codestream's own header says of its image, read before any decoder sees it."""

from __future__ import annotations

import re
import struct
from typing import Literal, NamedTuple, TypeAlias

Buffer: TypeAlias = bytes | memoryview
Coding = Literal[
    "DCT", "progressive", "arithmetic", "lossless", "lossless arithmetic", "hierarchical",
    "JPEG-LS", "JPEG 2000", "JPEG XL",
]  # fmt: skip


class Codestream(NamedTuple):
    """The geometry and the numbers of one codestream.

    Attributes
    ----------
    coding : str
        How samples are coded, as far as it matters here.
    rows, columns, samples, precision : int
        `rows` is 0 if the number of lines comes behind the first scan of a JPEG (DNL).
    signed : bool
    uniform : bool
        JPEG 2000: all samples have this size and precision. JPEG: no sampling factor is a fraction
        of another one.
    full : bool
        JPEG, JPEG-LS: all samples have the same sampling factors.
    lossy : bool
        Samples are approximate: coded by DCT, by the irreversible wavelet, quantized, or nearly
        lossless (JPEG-LS with NEAR above 0).
    predictor : int
        Of lossless JPEG: 1 to 7.
    ybr, rgb : str
        What in a JPEG proves that its three samples are YCbCr, and what proves that they are RGB,
        in words; empty where nothing does.
    transformed : bool or None
        JPEG 2000: whether it has a component transform; None where it does not say.
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
    full: bool = True
    lossy: bool = False
    predictor: int = 0
    ybr: str = ""
    rgb: str = ""
    transformed: bool | None = None
    at: int = 0


END_OF_IMAGE = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
DCT_CODINGS = frozenset({"DCT", "progressive", "arithmetic"})

_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_CODINGS: dict[int, Coding] = {
    0xC0: "DCT", 0xC1: "DCT", 0xC2: "progressive", 0xC3: "lossless", 0xC9: "arithmetic",
    0xCA: "arithmetic", 0xCB: "lossless arithmetic", 0xF7: "JPEG-LS",
}  # fmt: skip
_HEAD = 2048  # bytes that are copied, since single bytes of a copy are read faster
_SOS, _APP0, _APP14 = 0xDA, 0xE0, 0xEE
_SCAN = re.compile(rb"\xff\xda")
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_SOT, _COD, _COC, _QCD, _QCC = 0xFF90, 0xFF52, 0xFF53, 0xFF5C, 0xFF5D


def read_codestream(encoded: Buffer) -> Codestream | None:
    """Read the frame header of JPEG (T.81 B.2.2), JPEG-LS (T.87 C.2.2) or JPEG 2000 (T.800 A.5.1).

    None where there is none to be found: the frame is damaged, or is something else.
    """
    if bytes(encoded[:2]) == b"\xff\xd8":
        return _jpeg(encoded)
    start = _jpeg_2000_start(encoded)
    return None if start is None else _jpeg_2000(encoded, start)


def _jpeg(encoded: Buffer) -> Codestream | None:
    """Read what comes before the scan, which is in the first bytes of most frames."""
    if len(encoded) > _HEAD:
        found, is_whole = _segments(bytes(encoded[:_HEAD]))
        if is_whole and (found is None or found.coding != "JPEG-LS"):
            return found
    return _segments(encoded)[0]


def _segments(encoded: Buffer) -> tuple[Codestream | None, bool]:
    """Walk the marker segments up to the frame header, and on to the scan where that says more.

    Returns the codestream, and whether nothing that says more can follow.
    """
    at, end = 2, len(encoded) - 4
    ybr = rgb = ""
    stream: Codestream | None = None
    while at <= end:
        if encoded[at] != 0xFF:
            break
        marker = encoded[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # stand alone
            at += 2
            continue
        length = encoded[at + 2] << 8 | encoded[at + 3]
        if marker == _APP0:
            if bytes(encoded[at + 4 : at + 9]) == b"JFIF\x00":
                ybr = "a JFIF marker"
        elif marker == _APP14:
            if length >= 14 and bytes(encoded[at + 4 : at + 9]) == b"Adobe":
                if encoded[at + 15 : at + 16] == b"\x00":
                    rgb = "an Adobe marker without a transform"
                else:
                    ybr = ybr or "an Adobe marker with a transform"
        elif marker == _SOS:
            if stream is not None:
                stream = _marked(_with_scan(stream, encoded, at), ybr, rgb)
            return stream, at + 16 <= len(encoded)
        elif marker in _FRAME_HEADERS and stream is None:
            stream = _jpeg_frame(encoded, at)
            if stream is None or (stream.samples == 1 and stream.coding in DCT_CODINGS):
                return stream, stream is not None
        at += 2 + length
    return None if stream is None else _marked(stream, ybr, rgb), at <= end


def _jpeg_frame(encoded: Buffer, at: int) -> Codestream | None:
    """Read a frame header: SOF of JPEG, or SOF55 of JPEG-LS."""
    if at + 10 > len(encoded):
        return None
    precision, rows, columns, samples = struct.unpack_from(">BHHB", encoded, at + 4)
    coding = _CODINGS.get(encoded[at + 1], "hierarchical")
    if samples == 1:
        return Codestream(coding, rows, columns, samples, precision,
                          lossy=coding in DCT_CODINGS, at=at)  # fmt: skip
    components = bytes(encoded[at + 10 : at + 10 + 3 * samples])
    factors = components[1::3]
    full = factors == factors[:1] * len(factors)
    return Codestream(
        coding, rows, columns, samples, precision,
        uniform=full or _are_whole(factors), full=full, lossy=coding in DCT_CODINGS, at=at,
        ybr="" if full else "subsampled chrominance",
        rgb="components named R, G and B" if components[::3].upper() == b"RGB" else "",
    )  # fmt: skip


def _are_whole(factors: bytes) -> bool:
    """Whether each sampling factor is the greatest one divided by a whole number."""
    for each in ([f >> 4 for f in factors], [f & 15 for f in factors]):
        if any(f and max(each) % f for f in each):
            return False
    return True


def _marked(stream: Codestream, ybr: str, rgb: str) -> Codestream:
    """Return a codestream with the evidence of its markers, if it has colours at all."""
    if stream.samples != 3 or not (ybr or rgb):
        return stream
    return stream._replace(ybr=ybr or stream.ybr, rgb=rgb or stream.rgb)


def _with_scan(stream: Codestream, encoded: Buffer, at: int) -> Codestream:
    """Take what the header of the first scan says: NEAR of JPEG-LS, the predictor of JPEG."""
    number = _after_components(encoded, at)
    if stream.coding == "lossless":
        return stream._replace(predictor=number)
    if stream.coding == "JPEG-LS":
        near = bool(number)
        if stream.samples > 1 and not near:  # each sample may have a scan of its own
            data = bytes(encoded[at:])
            near = any(_after_components(data, scan.start()) for scan in _SCAN.finditer(data))
        return stream._replace(lossy=near)
    return stream


def _after_components(encoded: Buffer, at: int) -> int:
    """Return the byte of a scan header that follows its components; 0 where there is none."""
    place = at + 5 + 2 * encoded[at + 4] if at + 4 < len(encoded) else len(encoded)
    return encoded[place] if place < len(encoded) else 0


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
    transformed, lossy = _coding_style(memoryview(encoded)[start + 2 :], samples)
    return Codestream(
        coding="JPEG 2000",
        rows=height - top,
        columns=width - left,
        samples=samples,
        precision=(depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
        uniform=components == bytes((depth, 1, 1)) * samples,
        lossy=lossy,
        transformed=transformed,
        at=start,
    )


def _coding_style(header: memoryview, samples: int) -> tuple[bool | None, bool]:
    """Return whether components were transformed, and whether samples are approximate.

    The main header says so in COD, COC, QCD and QCC (T.800 A.6): samples are exact by the
    reversible wavelet without quantization, in every component.
    """
    transformed, lossy = None, False
    wide = 1 if samples < 257 else 2  # bytes of a component's number
    at = 0
    while at + 4 <= len(header):
        marker, length = struct.unpack_from(">HH", header, at)
        if marker == _SOT or marker < 0xFF00:
            break
        content = header[at + 4 : at + 2 + length]
        if marker == _COD and len(content) >= 10:
            transformed = bool(content[4])
            lossy |= content[9] == 0
        elif marker == _COC and len(content) >= wide + 6:
            lossy |= content[wide + 5] == 0
        elif marker in (_QCD, _QCC) and len(content) > wide:
            lossy |= bool(content[wide if marker == _QCC else 0] & 31)
        at += 2 + length
    return transformed, lossy
