"""What pixels carry besides the image that is seen: more frames, bytes behind them, remarks."""

from __future__ import annotations

from fastpix.deidentification.identifiers import Identifiers
from fastpix.deidentification.pixels.codestream_remarks import carries_remarks
from fastpix.deidentification.pixels.reencoding import encoded_frames
from fastpix.errors import PixelDataError
from fastpix.frames.codecs import all_decoders
from fastpix.frames.native_frames import native_frames
from fastpix.header.instance import Instance


def carries_more(instance: Instance, identifiers: Identifiers) -> bool:
    """Whether pixels carry something besides the image that must not be in a copy.

    That is anything behind the last frame or the end of a codestream, and what codestreams hold
    besides their image, or the bytes of pixels that cannot be read, where it identifies.

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
            return has_more or any(
                carries_remarks(frame, header.transfer_syntax, identifiers.in_remark)
                for frame in encoded
            )
    except PixelDataError:  # fewer bytes than frames need, say: copied as they are
        pass
    return identifiers.in_coded(pixels.view(0, pixels.length))
