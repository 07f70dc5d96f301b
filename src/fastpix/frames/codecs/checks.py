"""What a frame says of itself, held against the header before any decoder or memory is asked."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import NamedTuple

from fastpix.errors import DecodeError, PixelDataError
from fastpix.frames.codecs.format import FrameFormat
from fastpix.frames.codestreams import DCT_CODINGS, END_OF_IMAGE, Codestream, read_codestream
from fastpix.frames.jpeg_xl import read_jpeg_xl
from fastpix.standard.syntaxes import (
    DEFLATED_FRAMES,
    JPEG,
    JPEG_2000,
    JPEG_LOSSLESS,
    JPEG_LS,
    JPEG_XL,
    RLE,
    syntax_name,
)

# The most bytes that one encoded byte can stand for: a PackBits run of 128 takes 2 (PS3.5 G.3.1), a
# deflate match of 258 at least 2 bits.
_EXPANSION = {RLE: 64, DEFLATED_FRAMES: 1032}
# The most samples that one encoded byte can stand for. Huffman codes have a bit or more: lossless
# JPEG spends one on every sample, sequential DCT two on every 64 samples (DC and end of block),
# progressive DCT one. Arithmetic codes have less, but no image is as plain as that.
_SAMPLES = {"lossless": 8, "DCT": 256, "progressive": 512, "arithmetic": 2**14}
# What a syntax may hold; which of JPEG's processes it is, decoders take from the codestream.
_OF_JPEG = DCT_CODINGS | {"lossless"}
_SYNTAXES_OF_JPEG = JPEG | JPEG_LOSSLESS
_CODINGS = (
    (_SYNTAXES_OF_JPEG, _OF_JPEG),
    (JPEG_LS, {"JPEG-LS"}),
    (JPEG_2000, {"JPEG 2000"}),
    (JPEG_XL, {"JPEG XL"}),
)
_NOT_SUPPORTED = {
    "hierarchical": "hierarchical JPEG",
    "lossless arithmetic": "lossless JPEG with arithmetic codes",
}
# The others have no such limit: a blank image takes a few bytes. Beyond this size it is no image.
_LARGE, _BLANK_EXPANSION = 2**28, 2**16
_PADDING = 64  # bytes behind the end marker, at most, where it is looked for first


class CheckedFrame(NamedTuple):
    """The encoded bytes of a frame that is what the file's header says, as far as its own tells.

    Attributes
    ----------
    data : memoryview
    stream : Codestream or None
        None for syntaxes whose frames have no header that says anything of the image.
    """

    data: memoryview
    stream: Codestream | None


def check_frame(data: memoryview, wanted: FrameFormat, frame: int) -> CheckedFrame:
    """Compare a frame's own header with the file's.

    Parameters
    ----------
    data : memoryview
        The whole frame.
    wanted : FrameFormat
    frame : int
        For the error.

    Raises
    ------
    PixelDataError
        Rows, columns or samples differ, the bytes cannot hold the frame, or its end is missing.
    DecodeError
        It is a sound codestream, as far as one can see, of a kind that no decoder here reads.
    """
    size = len(data)
    if wanted.transfer_syntax in _EXPANSION:
        _check_expansion(size * _EXPANSION[wanted.transfer_syntax], size, wanted, frame)
        if wanted.transfer_syntax == RLE:
            rle_segments(data, wanted, frame)
        return CheckedFrame(data, None)
    stream = (read_jpeg_xl if wanted.transfer_syntax in JPEG_XL else read_codestream)(data)
    if stream is None:
        raise PixelDataError(reason=f"frame {frame} has no codestream header that can be read")
    _check_coding(stream, wanted, frame)
    check_kind(stream, frame)
    check_geometry(stream, wanted, frame)
    most = _LARGE
    if stream.coding in _SAMPLES:
        most = size * _SAMPLES[stream.coding] * wanted.cell_bytes
        if stream.coding != "lossless":
            most *= wanted.samples  # chrominance may be coarser
    elif wanted.frame_bytes > _LARGE:
        most = size * _BLANK_EXPANSION
    _check_expansion(most, size, wanted, frame)
    if stream.coding != "JPEG XL":
        _check_end(data, stream, frame)
    return CheckedFrame(data, stream)


def _check_coding(stream: Codestream, wanted: FrameFormat, frame: int) -> None:
    if any(wanted.transfer_syntax in syntaxes and stream.coding not in codings
           for syntaxes, codings in _CODINGS):  # fmt: skip
        if wanted.transfer_syntax in _SYNTAXES_OF_JPEG and stream.coding in _NOT_SUPPORTED:
            return
        kind = "JPEG" if stream.coding in _OF_JPEG else stream.coding
        raise PixelDataError(
            reason=f"frame {frame} is {kind}, the transfer syntax is "
            f"{syntax_name(wanted.transfer_syntax)}",
            remedy="correct Transfer Syntax UID (0002,0010)",
        )


def check_kind(stream: Codestream, frame: int) -> None:
    """Check that a codestream is of a kind that is supported at all.

    What is not depends on the codestream alone, never on the decoders that are installed.

    Raises
    ------
    DecodeError
    """
    kind = _NOT_SUPPORTED.get(stream.coding, "")
    if stream.samples not in (1, 3):
        kind = f"{stream.coding} data with {stream.samples} components a pixel (such as CMYK)"
    elif not stream.uniform and stream.coding == "JPEG 2000":
        kind = "JPEG 2000 data with subsampled components, or components of several depths"
    elif not stream.uniform:
        kind = "JPEG data with sampling factors that are fractions of each other"
    elif stream.rows == 0 and stream.coding in _OF_JPEG:
        kind = "JPEG data whose number of lines comes in a DNL marker"
    if kind:
        raise DecodeError(frame=frame, not_supported=kind)


def check_geometry(stream: Codestream, wanted: FrameFormat, frame: int) -> None:
    """Check that a codestream has the size and the depth that the header says.

    Raises
    ------
    PixelDataError
    """
    found = (stream.rows, stream.columns, stream.samples)
    expected = (wanted.rows, wanted.columns, wanted.samples)
    if found != expected:
        raise PixelDataError(
            reason=f"frame {frame} is encoded as {found[0]} rows x {found[1]} columns x "
            f"{found[2]} samples, the header says {expected[0]} x {expected[1]} x {expected[2]}"
        )
    if stream.precision > max(wanted.bits_allocated, 8):
        raise PixelDataError(
            expected=wanted.bits_allocated,
            found=stream.precision,
            reason=f"frame {frame} is encoded with {stream.precision} bits a sample, "
            f"BitsAllocated (0028,0100) says {wanted.bits_allocated}",
        )


def _check_expansion(most: int, size: int, wanted: FrameFormat, frame: int) -> None:
    if most < wanted.frame_bytes:
        raise PixelDataError(
            expected=wanted.frame_bytes,
            found=most,
            reason=f"frame {frame} has {size} encoded bytes, which cannot decode to the "
            f"{wanted.frame_bytes} bytes of a frame",
        )


def _check_end(data: memoryview, stream: Codestream, frame: int) -> None:
    # Some decoders fill in the rest of a frame that is cut off, and say nothing.
    tail = bytes(data[-_PADDING:])
    end = tail.rfind(END_OF_IMAGE)
    if end < 0:
        tail = bytes(data)
        end = tail.rfind(END_OF_IMAGE)
    # A thumbnail has an end of its own, before the image's header.
    if end < 0 or len(data) - len(tail) + end < stream.at:
        raise PixelDataError(
            reason=f"frame {frame} is cut off: its codestream has no end marker (FFD9)"
        )


def rle_segments(encoded: memoryview, wanted: FrameFormat, frame: int) -> tuple[int, ...]:
    """Return where the segments of an RLE frame begin, and where the last one ends (PS3.5 G.5).

    Raises
    ------
    PixelDataError
        There is not a segment for every byte of a pixel, in ascending order.
    """
    count = wanted.samples * wanted.cell_bytes
    numbers = struct.unpack("<16I", encoded[:64]) if len(encoded) >= 64 else (0,)
    offsets = (*numbers[1 : 1 + count], len(encoded))
    if (
        numbers[0] != count
        or count > 15
        or offsets[0] != 64
        or any(b <= a for a, b in pairwise(offsets))
    ):
        raise PixelDataError(
            expected=count,
            found=numbers[0],
            reason=f"frame {frame} has no RLE header for {count} segments (PS3.5 G.5)",
        )
    return offsets
