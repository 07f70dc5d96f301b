"""The image header of a JPEG XL codestream (ISO/IEC 18181-1, annex D), which is packed by bits."""

from __future__ import annotations

import struct

from fastpix.frames.codestreams import Buffer, Codestream

_SIGNATURE = b"\x00\x00\x00\x0cJXL \r\n\x87\n"  # of the container (ISO/IEC 18181-2)
_HEADER = 512  # bytes: a header without an embedded profile takes fewer
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_RGB, _GREY = 0, 1


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


def _codestream(encoded: Buffer) -> bytes:
    """Return the beginning of the codestream, taken out of the container where there is one."""
    if bytes(encoded[: len(_SIGNATURE)]) != _SIGNATURE:
        return bytes(encoded[:_HEADER])
    found = b""
    at = 0
    while at + 8 <= len(encoded) and len(found) < _HEADER:
        length, kind = struct.unpack_from(">I4s", encoded, at)
        head = 8
        if length == 1 and at + 16 <= len(encoded):
            (length,) = struct.unpack_from(">Q", encoded, at + 8)
            head = 16
        end = at + length if length else len(encoded)
        if end < at + head:
            break
        if kind == b"jxlc":
            return bytes(encoded[at + head : min(end, at + head + _HEADER)])
        if kind == b"jxlp":  # a part of it, behind a number
            found += bytes(encoded[at + head + 4 : min(end, at + head + 4 + _HEADER)])
        at = end
    return found


def _image_header(bits: _Bits) -> Codestream | None:
    rows, columns = _size(bits)
    precision, samples = 8, 3
    if not bits.take(1):  # not all_default
        if bits.take(1):  # extra_fields
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
        bits.take(1)  # 16-bit buffers suffice
        if bits.choose((0, 0), (1, 0), (2, 4), (1, 12)):
            return None  # extra channels
        bits.take(1)  # xyb_encoded: the decoder undoes it
        if not bits.take(1):  # the colour encoding is not the default, sRGB
            bits.take(1)  # a profile is embedded
            space = bits.choose((0, 0), (1, 0), (2, 4), (18, 6))
            samples = {_RGB: 3, _GREY: 1}.get(space, 0)
    return Codestream("JPEG XL", rows, columns, samples, precision)


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
