"""What the samples are that a codec gives for a frame."""

from __future__ import annotations

from fastpix.frames.codestreams import Codestream
from fastpix.frames.color_evidence import colors_of
from fastpix.header.header import Header
from fastpix.standard.syntaxes import JPEG_2000, JPEG_XL

_UNDONE_BY_CODEC = {"YBR_RCT": JPEG_2000, "YBR_ICT": JPEG_2000, "XYB": JPEG_XL}
_IN_FULL = {"YBR_FULL_422": "YBR_FULL"}


def decoded_photometric(header: Header, stream: Codestream | None) -> str:
    """Return the photometric interpretation of the samples that a codec gives for a frame.

    Parameters
    ----------
    header : Header
    stream : Codestream or None
        Of the frame.

    Raises
    ------
    PixelHeaderError
        Nothing says what the samples are, or what black is among them.
    """
    photometric = header.photometric
    if header.samples == 1:
        return photometric
    if header.transfer_syntax in _UNDONE_BY_CODEC.get(photometric, ()):
        return "RGB"
    found = colors_of(stream, header)
    if found.error is not None:
        raise found.error
    if found.ybr is not None:
        return "YBR_FULL" if found.ybr else "RGB"
    return _IN_FULL.get(photometric, photometric)
