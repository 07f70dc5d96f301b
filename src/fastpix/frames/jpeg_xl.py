"""The image header of a JPEG XL codestream (ISO/IEC 18181-1, annex D), which is packed by bits."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from fastpix.frames.codestreams import Buffer, Codestream

_SIGNATURE = b"\x00\x00\x00\x0cJXL \r\n\x87\n"  # of the container (ISO/IEC 18181-2)
_HEADER = 512  # bytes: a header without an embedded profile takes fewer
_JPEG_BOX = b"jbrd"  # what it takes to have the JPEG file back that was recompressed
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_RGB, _GREY = 0, 1
_CUSTOM = 2  # of a white point, or of primaries


class _Bits:
    """Reads bits from the least significant one of each byte on; raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise IndexError
        taken = self._number & ((1 << count) - 1)
        self._number >>= count
        self._left -= count
        return taken

    def skip(self, count: int) -> None:
        self.take(count)

    def align(self) -> None:
        """Go on at the next byte."""
        self.take(self._left % 8)

    def choose(self, *choices: tuple[int, int]) -> int:
        """Read U32: two bits choose one of four (base, bits to add)."""
        base, bits = choices[self.take(2)]
        return base + self.take(bits)


def read_jpeg_xl(encoded: Buffer) -> Codestream | None:
    """Read size, depth and colours; None where there is no such header."""
    data = _codestream(encoded)
    if data[:2] != b"\xff\x0a":
        return None
    try:
        return _image_header(_Bits(data[2:]))
    except IndexError:
        return None


def holds_jpeg(encoded: Buffer) -> bool:
    """Whether this is a JPEG file recompressed, which can be had back bit for bit."""
    return any(kind == _JPEG_BOX for kind, _, _ in _boxes(encoded))


def _boxes(encoded: Buffer) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box of a container: its kind, and where its content begins and ends."""
    if bytes(encoded[: len(_SIGNATURE)]) != _SIGNATURE:
        return
    at = 0
    while at + 8 <= len(encoded):
        length, kind = struct.unpack_from(">I4s", encoded, at)
        head = 8
        if length == 1 and at + 16 <= len(encoded):
            (length,) = struct.unpack_from(">Q", encoded, at + 8)
            head = 16
        end = at + length if length else len(encoded)
        if end < at + head:
            return
        yield kind, at + head, end
        at = end


def _codestream(encoded: Buffer) -> bytes:
    """Return the beginning of the codestream, taken out of the container where there is one."""
    if bytes(encoded[: len(_SIGNATURE)]) != _SIGNATURE:
        return bytes(encoded[:_HEADER])
    found = b""
    for kind, start, end in _boxes(encoded):
        if kind == b"jxlc":
            return bytes(encoded[start : min(end, start + _HEADER)])
        if kind == b"jxlp":  # a part of it, behind a number
            found += bytes(encoded[start + 4 : min(end, start + 4 + _HEADER)])
        if len(found) >= _HEADER:
            break
    return found


def _image_header(bits: _Bits) -> Codestream | None:
    rows, columns = _size(bits)
    precision, samples = 8, 3
    exact = False  # the default is XYB
    if not bits.take(1):  # not all_default
        extra = bits.take(1)
        if extra:
            orientation = bits.take(3)
            if orientation > 3:  # turned by a quarter
                rows, columns = columns, rows
            if bits.take(1):
                _size(bits)  # intrinsic size
            if bits.take(1) or bits.take(1):  # a preview, an animation: no image of DICOM's
                return None
        if bits.take(1):  # floating point samples
            return None
        precision = bits.choose((8, 0), (10, 0), (12, 0), (1, 6))
        bits.skip(1)  # 16-bit buffers suffice
        if bits.choose((0, 0), (1, 0), (2, 4), (1, 12)):
            return None  # extra channels
        xyb = bits.take(1)  # the decoder undoes it
        samples, has_profile = _color_encoding(bits)
        exact = not xyb and not has_profile and _is_modular(bits, extra)
    return Codestream("JPEG XL", rows, columns, samples, precision, lossy=not exact)


def _color_encoding(bits: _Bits) -> tuple[int, int]:
    """Read ColorEncoding: samples of a pixel, and whether a profile is embedded."""
    if bits.take(1):  # the default, sRGB
        return 3, 0
    has_profile = bits.take(1)
    space = _enumerated(bits)
    if not has_profile:
        if _enumerated(bits) == _CUSTOM:  # the white point
            _chromaticities(bits, 1)
        if space != _GREY and _enumerated(bits) == _CUSTOM:  # the primaries
            _chromaticities(bits, 3)
        if bits.take(1):
            bits.skip(24)  # gamma
        else:
            _enumerated(bits)  # transfer function
        _enumerated(bits)  # rendering intent
    return {_RGB: 3, _GREY: 1}.get(space, 0), has_profile


def _enumerated(bits: _Bits) -> int:
    return bits.choose((0, 0), (1, 0), (2, 4), (18, 6))


def _chromaticities(bits: _Bits, count: int) -> None:
    for _ in range(2 * count):
        bits.choose((0, 19), (524288, 19), (1048576, 20), (2097152, 21))


def _is_modular(bits: _Bits, extra: int) -> bool:
    """Whether the frame is coded by the modular process, which lossless images are coded by.

    Read from the rest of the metadata, and the frame header behind it. A stream with parts that
    images of DICOM do not have counts as approximate.
    """
    if extra and not bits.take(1):  # tone mapping that is not the default
        bits.skip(16 + 16 + 1 + 16)
    if bits.choose((0, 0), (1, 4), (17, 8), (1, 0)) or not bits.take(1):
        return False  # extensions, or upsampling of its own
    bits.align()
    if bits.take(1):  # a frame header of defaults
        return False
    bits.skip(2)  # what kind of frame it is
    return bits.take(1) == 1


def _size(bits: _Bits) -> tuple[int, int]:
    """Read SizeHeader: rows and columns."""
    small = bits.take(1)
    rows = _length(bits, small)
    ratio = bits.take(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio]
        return rows, rows * numerator // denominator
    return rows, _length(bits, small)


def _length(bits: _Bits, small: int) -> int:
    if small:
        return 8 * (bits.take(5) + 1)
    return 1 + bits.choose((0, 9), (0, 13), (0, 18), (0, 30))
