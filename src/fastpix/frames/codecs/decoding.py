"""One frame through the chain of decoders; what each said where all refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import DecodeError, PixelDataError
from fastpix.frames.codecs.checks import check_frame, joined, rle_segments
from fastpix.frames.codecs.completeness import check_completeness
from fastpix.frames.codecs.decoders import OWN_RLE, Decoder, usable_decoders
from fastpix.frames.codecs.format import FrameFormat
from fastpix.frames.codecs.samples import to_cells
from fastpix.frames.codecs.scans import CutScanError
from fastpix.frames.codestreams import Codestream


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
    """

    cells: NDArray[np.uint8]
    decoder: str
    segments: tuple[int, ...] | None = None


def decode_frame(
    parts: Sequence[memoryview],
    wanted: FrameFormat,
    frame: int,
    *,
    pinned: str | None = None,
    threads: int = 1,
) -> Decoded:
    """Decode one frame to cells of Bits Allocated.

    Parameters
    ----------
    parts : sequence of memoryview
        The frame's fragments.
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
    data = joined(parts)
    stream = check_frame([data], wanted, frame)
    if decoders[0] is OWN_RLE:
        segments = rle_segments(data, wanted, frame)
        return Decoded(np.frombuffer(data, np.uint8), OWN_RLE.version(), segments)
    if stream is not None:
        check_completeness(data, stream, wanted, frame)
        if stream.coding == "JPEG 2000":
            # The boxes of a JP2 file say how to show it: channels swapped, a palette, colours.
            data = data[stream.at :]
    tried: dict[str, str] = {}
    for decoder in decoders:
        try:
            cells = _decode(decoder, data, stream, wanted, threads)
            return Decoded(cells, decoder.version())
        except CutScanError as error:
            raise PixelDataError(reason=f"frame {frame} is cut off: {error}") from None
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # plugins in Rust panic with one that is no Exception
            said = str(error).strip().splitlines() or [""]
            tried[decoder.version()] = f"{type(error).__name__}: {said[-1].strip()}"
            cause = error
    raise DecodeError(frame=frame, tried=tried, pinned=pinned is not None) from cause


def _decode(
    decoder: Decoder, data: memoryview, stream: Codestream | None, wanted: FrameFormat, threads: int
) -> NDArray[np.uint8]:
    samples = decoder.decode(data, wanted, threads)
    packed = stream is None and wanted.bits_allocated == 1
    shape = (wanted.frame_bytes,) if packed else wanted.shape
    if samples.shape != shape or samples.dtype.kind not in "iu":
        raise ValueError(f"it gave {samples.dtype} of {samples.shape} for a frame of {shape}")
    return to_cells(samples, stream, wanted)
