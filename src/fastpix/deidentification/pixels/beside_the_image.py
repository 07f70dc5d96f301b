"""What pixels carry besides the image: bytes outside of frames, remarks of codestreams."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from fastpix.deidentification.identifiers import Identifiers
from fastpix.deidentification.pixels.coded_strings import strings_of
from fastpix.deidentification.pixels.codestream_remarks import carries_remarks
from fastpix.deidentification.pixels.reencoding import encoded_frames
from fastpix.errors import PixelDataError
from fastpix.frames.codecs import all_decoders
from fastpix.frames.native_frames import native_frames
from fastpix.frames.offset_tables import ITEM_HEAD
from fastpix.header.header import Header
from fastpix.header.instance import Instance
from fastpix.source.stored import Pixels

_ITEM, _DELIMITER = b"\xfe\xff\0\xe0", b"\xfe\xff\xdd\xe0"
_ENTRY = 4  # bytes, of the Basic Offset Table


def carries_more(instance: Instance, identifiers: Identifiers) -> bool:
    """Whether pixels carry something besides the image that must not be in a copy.

    That is anything outside of the frames: behind the last native one or the end of a codestream,
    in fragments of no frame, in an offset table that is none. And what codestreams hold besides
    their image, or the bytes of pixels that cannot be read, where it identifies.

    Parameters
    ----------
    instance : Instance
    identifiers : Identifiers
    """
    header, pixels = instance.header, instance.pixels
    try:
        if not header.encapsulated:
            _, bits, _ = native_frames(header, pixels)
            size = (bits * header.frames + 7) // 8
            return header.pixel_bytes > size + size % 2
        if header.transfer_syntax in all_decoders():
            encoded, has_more = encoded_frames(header, pixels)
            return (
                has_more
                or not _are_all(header, pixels, encoded)
                or any(
                    carries_remarks(frame, header.transfer_syntax, identifiers.in_remark)
                    or identifiers.in_raw(strings_of(frame))
                    for frame in encoded
                )
            )
    except PixelDataError:  # fewer bytes than frames need, say: copied as they are
        pass
    size = min(pixels.length, pixels.stored.size - pixels.start)
    return identifiers.in_coded(pixels.view(0, size))


def _are_all(header: Header, pixels: Pixels, frames: Sequence[bytes | memoryview]) -> bool:
    """Whether the value of the element is frames alone, and an offset table that fits them."""
    data = memoryview(pixels.view(0, pixels.length))
    starts, size, at = [], 0, 0
    while at + ITEM_HEAD <= len(data) and bytes(data[at : at + 4]) == _ITEM:
        (length,) = struct.unpack_from("<I", data, at + 4)
        starts.append(at)
        size += length
        at += ITEM_HEAD + length
    if bytes(data[at : at + 4]) not in (b"", _DELIMITER) or not starts:
        return False
    (length,) = struct.unpack_from("<I", data, 4)
    padded = len(frames) if pixels.offsets is not None else 0  # its lengths leave padding out
    if not 0 <= size - length - sum(map(len, frames)) <= padded:
        return False
    if length not in (0, _ENTRY * header.frames):
        return False
    first = ITEM_HEAD + length
    table = struct.unpack_from(f"<{length // _ENTRY}I", data, ITEM_HEAD)
    return {first + entry for entry in table} <= set(starts)
