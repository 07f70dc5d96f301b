"""What pixels carry besides the image: bytes outside of frames, remarks of codestreams."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from fastpix.deidentification.pixels.coded_strings import strings_of
from fastpix.deidentification.pixels.codestream_remarks import remarks_of
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


def carries_more(
    instance: Instance,
    is_identifying: Callable[[bytes], bool],
    is_hidden: Callable[[bytes], bool] | None = None,
) -> bool:
    """Whether pixels carry something besides the image that must not be in a copy.

    That is anything outside of the frames: behind the last native one, in fragments of no frame, in
    an offset table that is none. And what codestreams hold besides their image, or the bytes of a
    video, where it identifies.

    Parameters
    ----------
    instance : Instance
    is_identifying : callable
        Told what codestreams carry.
    is_hidden : callable, optional
        Told the printable bytes of codestreams; `is_identifying` is if not given.
    """
    header = instance.header
    is_hidden = is_hidden or is_identifying
    try:
        if not header.encapsulated:
            _, bits, _ = native_frames(header, instance.pixels)
            size = (bits * header.frames + 7) // 8
            return header.pixel_bytes > size + size % 2
        if header.transfer_syntax not in all_decoders():
            pixels = instance.pixels
            return is_hidden(bytes(pixels.view(0, pixels.length)))
        encoded = encoded_frames(header, instance.pixels)
    except PixelDataError:  # fewer bytes than frames need: copied as they are
        pixels = instance.pixels
        size = min(pixels.length, pixels.stored.size - pixels.start)
        return is_hidden(strings_of(pixels.view(0, size)))
    return not _are_all(header, instance.pixels, encoded) or any(
        is_hidden(strings_of(frame))
        or any(is_identifying(remark) for remark in remarks_of(frame, header.transfer_syntax))
        for frame in encoded
    )


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
