"""One frame's encoded bytes to cells, by an ordered chain of decoders per transfer syntax."""

from fastpix.frames.codecs.checks import CheckedFrame, check_frame
from fastpix.frames.codecs.decoders import (
    Decoder,
    all_decoders,
    check_pin_is_installed,
    decoders_for,
    usable_decoders,
)
from fastpix.frames.codecs.decoding import Decoded, decode_frame
from fastpix.frames.codecs.format import FrameFormat, format_of

__all__ = [
    "CheckedFrame",
    "Decoded",
    "Decoder",
    "FrameFormat",
    "all_decoders",
    "check_frame",
    "check_pin_is_installed",
    "decode_frame",
    "decoders_for",
    "format_of",
    "usable_decoders",
]
