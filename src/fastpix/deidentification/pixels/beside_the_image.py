"""What pixels carry besides the image: bytes behind the last frame, remarks of codestreams."""

from __future__ import annotations

from collections.abc import Callable

from fastpix.deidentification.pixels.codestream_remarks import remarks_of
from fastpix.deidentification.pixels.reencoding import encoded_frames
from fastpix.errors import PixelDataError
from fastpix.frames.codecs import all_decoders
from fastpix.frames.native_frames import native_frames
from fastpix.header.instance import Instance


def carries_more(instance: Instance, is_identifying: Callable[[bytes], bool]) -> bool:
    """Whether pixels carry something besides the image that must not be in a copy.

    That is anything behind the last native frame, and what codestreams hold besides their image,
    or the bytes of a video, where it identifies.

    Parameters
    ----------
    instance : Instance
    is_identifying : callable
        Told what codestreams carry.
    """
    header = instance.header
    try:
        if not header.encapsulated:
            _, bits, _ = native_frames(header, instance.pixels)
            size = (bits * header.frames + 7) // 8
            return header.pixel_bytes > size + size % 2
        if header.transfer_syntax not in all_decoders():
            pixels = instance.pixels
            return is_identifying(bytes(pixels.view(0, pixels.length)))
        encoded = encoded_frames(header, instance.pixels)
    except PixelDataError:  # fewer bytes than frames need: copied as they are
        return False
    return any(
        is_identifying(remark)
        for frame in encoded
        for remark in remarks_of(frame, header.transfer_syntax)
    )
