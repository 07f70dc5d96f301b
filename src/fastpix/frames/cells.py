"""A frame's cells as bytes a kernel can read: found in native data, or decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.codecs import check_frame, decode_frame, format_of, usable_decoders
from fastpix.frames.codestreams import Codestream, read_codestream
from fastpix.frames.locations import encapsulated_frames, native_frame_bits
from fastpix.frames.word_order import in_byte_order
from fastpix.header.header import Header
from fastpix.notes import Note
from fastpix.plan.cells_of_header import stored_samples
from fastpix.source.stored import File, Memory, Pixels

PIECE = 2**20
"""Bytes of a file that are read and scaled at a time; a multiple of every cell."""


class FrameCells(NamedTuple):
    """The cells of one frame.

    Attributes
    ----------
    cells : ndarray of uint8, one-dimensional
        Their bytes, or those of an RLE frame.
    skip : int
        Cells to leave out at the beginning (packed bits only).
    decoder : str
        What decoded it; empty for native data.
    segments : tuple of int or None
        Where the segments of an RLE frame begin and end.
    """

    cells: NDArray[np.uint8]
    skip: int = 0
    decoder: str = ""
    segments: tuple[int, ...] | None = None


class Cells:
    """All frames of one instance, each found or decoded when asked for.

    Attributes
    ----------
    notes : list of Note
        What was odd about where the frames are, and about the colours of the first.

    Raises
    ------
    PixelDataError
        There are fewer frames than the header promises.
    """

    def __init__(self, header: Header, pixels: Pixels) -> None:
        self._header = header
        self._pixels = in_byte_order(header, pixels)
        self.notes: list[Note] = []
        if header.encapsulated:
            self._format = format_of(header)
            self._spans, self.notes = encapsulated_frames(header, pixels)
            if header.samples == 3:
                first = self._parts(pixels, 0)[0]
                self.notes += _color_notes(read_codestream(first), header.photometric)
        else:
            self._bits, self.notes = native_frame_bits(header, stored_samples(header))
        self._held: NDArray[np.uint8] | None = None
        as_stored = self._pixels is pixels and not header.encapsulated
        if as_stored and isinstance(pixels.stored, Memory):
            self._held = np.frombuffer(pixels.view(0, pixels.length), np.uint8)

    def opened(self) -> Pixels:
        """Return the pixels, to be given to the methods below until they are released."""
        return self._pixels.opened()

    def release(self, pixels: Pixels) -> None:
        """Close what `opened` has opened."""
        if pixels is not self._pixels:
            pixels.stored.close()

    def frame(
        self, pixels: Pixels, index: int, pinned: str | None = None, threads: int = 1
    ) -> FrameCells:
        """Return the cells of one frame, decoded where need be.

        Parameters
        ----------
        pixels : Pixels
            From `opened`.
        index : int
        pinned : str, optional
            The one decoder to use.
        threads : int
            What a codec may use for this frame.

        Raises
        ------
        UnsupportedTransferSyntaxError, PixelDataError, DecodeError
        """
        if self._header.encapsulated:
            decoded = decode_frame(
                self._parts(pixels, index), self._format, index, pinned=pinned, threads=threads
            )
            return FrameCells(decoded.cells, 0, decoded.decoder, decoded.segments)
        if (held := self.frame_in_memory(index)) is not None:
            return held
        start, end, skip = self._place_of(index)
        return FrameCells(np.frombuffer(pixels.view(start, end), np.uint8), skip)

    def frame_in_memory(self, index: int) -> FrameCells | None:
        """Return the cells of a frame if it is native, and held in memory."""
        held = self._held
        if held is None:
            return None
        start, end, skip = self._place_of(index)
        return FrameCells(held[start:end], skip)

    def _place_of(self, index: int) -> tuple[int, int, int]:
        """Return the bytes that a native frame lies in, and the bits of the first before it."""
        first, last = index * self._bits, (index + 1) * self._bits
        return first // 8, (last + 7) // 8, first % 8

    def are_in_file(self) -> bool:
        """Whether frames are native, and read from a file that is not held in memory."""
        return not self._header.encapsulated and isinstance(self._pixels.stored, File)

    def comes_in_pieces(self) -> bool:
        """Whether a frame is native, in a file, and too large to be read at once."""
        return self.are_in_file() and self._bits > 8 * PIECE

    def fill(self, pixels: Pixels, index: int, start: int, target: NDArray[np.uint8]) -> None:
        """Fill `target` with bytes of a native frame in a file, from byte `start` of it on.

        Parameters
        ----------
        pixels : Pixels
            From `opened`.
        index, start : int
        target : ndarray of uint8
        """
        pixels.fill(self._place_of(index)[0] + start, target.data)

    def pieces(self, pixels: Pixels, index: int) -> Iterator[FrameCells]:
        """Read a native frame piece by piece, each into the memory of the one before.

        Parameters
        ----------
        pixels : Pixels
            From `opened`.
        index : int
        """
        at, end, skip = self._place_of(index)
        buffer = np.empty(min(PIECE, end - at), np.uint8)
        while at < end:
            cells = buffer[: min(PIECE, end - at)]
            pixels.fill(at, cells.data)
            yield FrameCells(cells, skip)
            at, skip = at + len(cells), 0

    def check(self, pixels: Pixels, indices: Iterable[int], pinned: str | None = None) -> None:
        """Check, at little cost, that frames can be decoded, and to the header's size.

        Raises
        ------
        UnsupportedTransferSyntaxError, PixelDataError
        """
        if self._header.encapsulated:
            usable_decoders(self._header.transfer_syntax, pinned)
            for index in indices:
                check_frame(self._parts(pixels, index), self._format, index)

    def _parts(self, pixels: Pixels, index: int) -> list[memoryview]:
        return [pixels.view(start, end) for start, end in self._spans[index]]


def _color_notes(stream: Codestream | None, photometric: str) -> list[Note]:
    """Return what a codestream says of its colours that the header does not: the header decides."""
    if stream is None or stream.samples != 3 or not stream.color:
        return []
    in_ybr = photometric.startswith("YBR")
    where = f"PhotometricInterpretation (0028,0004) is {photometric}"
    if stream.coding == "JPEG 2000":
        own = photometric in ("YBR_RCT", "YBR_ICT")
        if own and stream.color == "RGB":
            text = f"{where}, but the codestream has no such transform: its samples are read as RGB"
        elif in_ybr and not own and stream.color == "YBR":
            text = f"{where}, behind the codestream's own transform: both are undone"
        else:
            return []
    elif (stream.color == "YBR") == in_ybr:
        return []
    else:
        marked = "luminance and chrominance" if stream.color == "YBR" else "RGB"
        text = f"{where}, but markers in the JPEG data say {marked}: read as the header says"
    return [Note(text, oddity=True)]
