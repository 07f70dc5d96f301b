"""One frame through the chain of decoders; what each said where none could decode it."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import DecodeError, PixelDataError, UnsupportedTransferSyntaxError
from fastpix.frames.codecs.checks import (
    CheckedFrame,
    check_geometry,
    check_kind,
    rle_segments,
)
from fastpix.frames.codecs.completeness import check_completeness
from fastpix.frames.codecs.decoders import OWN_RLE, Decoder, Encoded, usable_decoders
from fastpix.frames.codecs.format import FrameFormat
from fastpix.frames.codecs.refusals import is_not_supported, words_of
from fastpix.frames.codecs.samples import to_cells
from fastpix.frames.codecs.scans import CutScanError
from fastpix.frames.codestreams import Codestream, read_codestream
from fastpix.frames.jpeg_xl import holds_jpeg
from fastpix.notes import Note, Notes
from fastpix.standard.syntaxes import syntax_name


class Decoded(NamedTuple):
    """One frame that a kernel can read.

    Attributes
    ----------
    cells : ndarray of uint8
        The bytes of the cells in the machine's byte order, samples interleaved; or those of an RLE
        frame as it is.
    decoder : str
        What decoded it, with its version.
    segments : tuple of int or None
        Where the segments of an RLE frame begin and end, for a kernel to expand.
    stream : Codestream or None
        The header of its codestream; that of the JPEG file in a JPEG XL.
    notes : tuple of Note
        What was odd about its samples.
    """

    cells: NDArray[np.uint8]
    decoder: str
    segments: tuple[int, ...] | None = None
    stream: Codestream | None = None
    notes: tuple[Note, ...] = ()


def decode_frame(
    checked: CheckedFrame,
    wanted: FrameFormat,
    frame: int,
    *,
    pinned: str | None = None,
    threads: int = 1,
) -> Decoded:
    """Decode one frame to cells of Bits Allocated.

    Parameters
    ----------
    checked : CheckedFrame
        From `check_frame`.
    wanted : FrameFormat
    frame : int
        For the errors.
    pinned : str, optional
        The one decoder to use, by name.
    threads : int
        What a codec may use for the frame.

    Raises
    ------
    UnsupportedTransferSyntaxError, PixelDataError, DecodeError
    """
    decoders = usable_decoders(wanted.transfer_syntax, pinned)
    data, stream = checked
    if decoders[0] is OWN_RLE:
        segments = rle_segments(data, wanted, frame)
        return Decoded(np.frombuffer(data, np.uint8), OWN_RLE.version(), segments)
    if stream is not None:
        if stream.coding == "JPEG XL" and holds_jpeg(data):
            data, stream = _jpeg_in_jpeg_xl(data, decoders[0], wanted, frame, threads)
        check_completeness(data, stream, wanted, frame)
        if stream.coding == "JPEG 2000":
            # The boxes of a JP2 file say how to show it: channels swapped, a palette, colours.
            data = data[stream.at :]
        if pinned is None:
            decoders = _trusted(decoders, stream, wanted)
    notes = Notes()
    tried: dict[str, str] = {}
    for decoder in decoders:
        try:
            cells = _decode(decoder, data, stream, wanted, threads, notes)
        except CutScanError as error:
            raise PixelDataError(reason=f"frame {frame} is cut off: {error}") from None
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # plugins in Rust panic with one that is no Exception
            tried[decoder.version()] = words_of(error)
            if not is_not_supported(error):
                raise DecodeError(frame=frame, tried=tried, pinned=pinned is not None) from error
            cause = error
        else:
            if stream is not None and stream.coding in decoder.distrusted:
                notes.remark(_distrust(decoder))
            return Decoded(cells, decoder.version(), None, stream, tuple(notes))
    raise DecodeError(
        frame=frame,
        tried=tried,
        pinned=pinned is not None,
        not_supported="a codestream of this kind",
    ) from cause


def _jpeg_in_jpeg_xl(
    data: Encoded, decoder: Decoder, wanted: FrameFormat, frame: int, threads: int
) -> tuple[memoryview, Codestream]:
    """Return the JPEG file that was recompressed, and its header, after the checks of a JPEG."""
    import imagecodecs

    try:
        jpeg = memoryview(bytes(imagecodecs.jpegxl_decode_jpeg(data, numthreads=threads)))
        stream = read_codestream(jpeg)
        if stream is None:
            raise ValueError("its JPEG file has no header")
    except (imagecodecs.JpegxlError, ValueError) as error:
        tried = {decoder.version(): words_of(error)}
        raise DecodeError(frame=frame, tried=tried) from error
    check_kind(stream, frame)
    check_geometry(stream, wanted, frame)
    return jpeg, stream


def _trusted(
    decoders: tuple[Decoder, ...], stream: Codestream, wanted: FrameFormat
) -> tuple[Decoder, ...]:
    """Return the decoders that may be asked for a frame without being pinned."""
    found = tuple(d for d in decoders if stream.coding not in d.distrusted)
    if not found:
        syntax = wanted.transfer_syntax
        remedy = f"its frames are {stream.coding} JPEG: pip install imagecodecs"
        raise UnsupportedTransferSyntaxError(syntax, syntax_name(syntax), remedy)
    return found


def _distrust(decoder: Decoder) -> str:
    return (
        f"{decoder.name} is pinned for lossless JPEG: it clamps samples that leave their "
        "precision, and gives an image of damaged frames"
    )


def _decode(
    decoder: Decoder,
    data: memoryview,
    stream: Codestream | None,
    wanted: FrameFormat,
    threads: int,
    notes: Notes,
) -> NDArray[np.uint8]:
    samples = decoder.decode(data, wanted, threads)
    packed = stream is None and wanted.bits_allocated == 1
    shape = (wanted.frame_bytes,) if packed else wanted.shape
    if samples.shape != shape or samples.dtype.kind not in "iu":
        raise ValueError(f"it gave {samples.dtype} of {samples.shape} for a frame of {shape}")
    remark = partial(notes.remark, code="PIX_CODESTREAM_WIDER")
    return to_cells(samples, stream, wanted, remark)
