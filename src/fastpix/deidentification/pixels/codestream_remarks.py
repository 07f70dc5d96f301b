"""What a codestream carries besides its image: comments, thumbnails, bytes behind its end.

No decoder needs it, nobody sees it, and it may name the patient.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from fastpix.errors import PixelDataError
from fastpix.frames.codestreams import END_OF_IMAGE, read_codestream
from fastpix.frames.jpeg_xl import holds_jpeg
from fastpix.standard.syntaxes import JPEG_2000, JPEG_XL

Buffer: TypeAlias = bytes | memoryview

_JPEG = "1.2.840.10008.1.2.4.50"  # syntax of what JPEG XL has recompressed
_SOI = b"\xff\xd8"
_COMMENT, _APP0, _APP8, _APP14, _LAST_APP = 0xFE, 0xE0, 0xE8, 0xEE, 0xEF
_END = 0xD9
# In coded data 0xFF is followed by less than 0x80 (0 in JPEG), or is a restart marker.
_MARKER = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
_SOT, _J2K_COMMENT = 0xFF90, 0xFF64
_NEEDED_BOXES = frozenset({b"JXL ", b"ftyp", b"jxlc", b"jxlp", b"jxll", b"jbrd"})
_PACKED_BOX = b"brob"
_JFIF = 16  # bytes of its segment without a thumbnail
_ADOBE = 14
_PADDING = b"\0\xff"  # what fills a fragment up


class _Part(NamedTuple):
    """A part of a codestream that is no image.

    Attributes
    ----------
    start, end : int
    content : bytes
    always_goes : bool
        Whatever it holds: another image may follow the end, and what is packed cannot be searched.
    """

    start: int
    end: int
    content: bytes
    always_goes: bool = False


def remarks_of(encoded: Buffer, syntax: str) -> list[bytes]:
    """Return what the codestream of a frame carries besides its image.

    Parameters
    ----------
    encoded : bytes
        The frame, as one.
    syntax : str
        Its transfer syntax.

    Returns
    -------
    list of bytes
        The contents of comments and application segments of JPEG (also of one that JPEG XL has
        recompressed) and JPEG-LS, comments in the main header of JPEG 2000, boxes of JP2 and
        JPEG XL, and what follows the end. Empty for RLE and deflated frames.
    """
    own = [part.content for part in _parts(encoded, syntax) if part.content.strip(_PADDING)]
    jpeg = _recompressed_jpeg(encoded, syntax)
    return own if jpeg is None else [*own, *remarks_of(jpeg, _JPEG)]


def carries_remarks(
    encoded: Buffer, syntax: str, is_removed: Callable[[bytes], bool] = lambda _: True
) -> bool:
    """Whether `without_remarks` takes something out.

    Parameters
    ----------
    encoded : bytes
    syntax : str
    is_removed : callable
        Whether a remark goes; all do if not given. What follows the end goes in any case, and so
        does what is packed.
    """
    if any(_goes(part, is_removed) for part in _parts(encoded, syntax)):
        return True
    jpeg = _recompressed_jpeg(encoded, syntax)
    return jpeg is not None and carries_remarks(jpeg, _JPEG, is_removed)


def without_remarks(
    encoded: Buffer, syntax: str, is_removed: Callable[[bytes], bool] = lambda _: True
) -> bytes:
    """Return the codestream of a frame without what it carries besides its image.

    Parameters
    ----------
    encoded : bytes
    syntax : str
    is_removed : callable
        Whether a remark goes; all do if not given. What follows the end goes in any case, and so
        does what is packed.

    Returns
    -------
    bytes
        Its coded data are the same, byte for byte; where a JPEG that JPEG XL has recompressed had
        remarks, its coefficients are.
    """
    jpeg = _recompressed_jpeg(encoded, syntax)
    if jpeg is not None and carries_remarks(jpeg, _JPEG, is_removed):
        from imagecodecs import jpegxl_encode_jpeg

        encoded = bytes(jpegxl_encode_jpeg(without_remarks(jpeg, _JPEG, is_removed)))
    kept, at = [], 0
    for part in _parts(encoded, syntax):
        if _goes(part, is_removed):
            kept.append(bytes(encoded[at : part.start]))
            at = part.end
    return b"".join([*kept, bytes(encoded[at:])])


def _goes(part: _Part, is_removed: Callable[[bytes], bool]) -> bool:
    return bool(part.content.strip(_PADDING)) and (part.always_goes or is_removed(part.content))


def _recompressed_jpeg(encoded: Buffer, syntax: str) -> bytes | None:
    """Return the JPEG that JPEG XL has recompressed: its markers are packed by Brotli."""
    if syntax not in JPEG_XL or not holds_jpeg(encoded):
        return None
    from imagecodecs import jpegxl_decode_jpeg

    try:
        return bytes(jpegxl_decode_jpeg(bytes(encoded), numthreads=1))
    except Exception as error:  # the library's own
        raise PixelDataError(reason="the JPEG in a frame of JPEG XL cannot be had back") from error


def _parts(encoded: Buffer, syntax: str) -> Iterator[_Part]:
    if syntax in JPEG_XL:
        yield from _boxes_of_jpeg_xl(encoded)
    elif syntax in JPEG_2000:
        yield from _parts_of_jpeg_2000(encoded)
    elif bytes(encoded[:2]) == _SOI:
        yield from _segments(bytes(encoded))


def _segments(data: bytes) -> Iterator[_Part]:
    """Walk the markers of JPEG and JPEG-LS, also those between scans."""
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        start = found.start()
        marker = data[start + 1]
        if marker == _END:
            yield from _behind(data, start + 2)
            return
        if start + 4 > len(data):
            return
        at = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if _is_remark(data[start:at], marker):
            yield _Part(start, at, data[start + 4 : at])


def _is_remark(segment: bytes, marker: int) -> bool:
    """Whether a segment says nothing that decoders go by: size and colours of the samples."""
    if marker == _COMMENT:
        return True
    if not _APP0 <= marker <= _LAST_APP:
        return False
    content = segment[4:]
    if marker == _APP0 and content.startswith(b"JFIF\0") and len(segment) == 2 + _JFIF:
        return False
    if marker == _APP14 and content.startswith(b"Adobe") and len(segment) == 2 + _ADOBE:
        return False
    return not (marker == _APP8 and content.startswith((b"mrfx", b"SPIFF")))


def _behind(data: Buffer, end: int) -> Iterator[_Part]:
    if end < len(data):
        yield _Part(end, len(data), bytes(data[end:]), always_goes=True)


def _parts_of_jpeg_2000(encoded: Buffer) -> Iterator[_Part]:
    stream = read_codestream(encoded)
    if stream is None:
        return
    if stream.at:  # the boxes of a JP2 file
        yield _Part(0, stream.at, bytes(encoded[: stream.at]))
    at = stream.at + 2
    while at + 4 <= len(encoded):
        marker, length = struct.unpack_from(">HH", encoded, at)
        if marker == _SOT:
            break
        if marker == _J2K_COMMENT:  # behind its length and what kind of text it is
            yield _Part(at, at + 2 + length, bytes(encoded[at + 6 : at + 2 + length]))
        at += 2 + length
    end = _end_of_tiles(encoded, at)
    if end > at:
        yield from _behind(encoded, end + 2)


def _end_of_tiles(encoded: Buffer, at: int) -> int:
    """Return where the end of the codestream is marked, from where the first tile-part begins."""
    while at + 12 <= len(encoded) and bytes(encoded[at : at + 2]) == b"\xff\x90":
        (length,) = struct.unpack_from(">I", encoded, at + 6)
        if length == 0:  # up to the end
            break
        at += length
    if bytes(encoded[at : at + 2]) == END_OF_IMAGE:
        return at
    return bytes(encoded).rfind(END_OF_IMAGE)


def _boxes_of_jpeg_xl(encoded: Buffer) -> Iterator[_Part]:
    if bytes(encoded[4:8]) != b"JXL ":
        return  # a codestream without a container
    at = 0
    while at + 8 <= len(encoded):
        length, kind = struct.unpack_from(">I4s", encoded, at)
        if length == 1 and at + 16 <= len(encoded):
            (length,) = struct.unpack_from(">Q", encoded, at + 8)
        end = at + length if length else len(encoded)
        if end < at + 8:
            return
        if kind not in _NEEDED_BOXES:
            yield _Part(at, end, bytes(encoded[at:end]), always_goes=kind == _PACKED_BOX)
        at = end
