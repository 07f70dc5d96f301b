"""A frame's cells as bytes a kernel can read: found in native data, or decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.frames.codecs import (
    CheckedFrame,
    check_frame,
    decode_frame,
    format_of,
    usable_decoders,
)
from fastpix.frames.codestreams import read_codestream
from fastpix.frames.color_evidence import AS_PLANNED, FrameColors, colors_of
from fastpix.frames.locations import FrameLocations
from fastpix.frames.native_frames import native_frames
from fastpix.header.header import Header
from fastpix.notes import Note
from fastpix.source.stored import File, Memory, Pixels

PIECE = 2**20
"""Bytes of a file that are read and scaled at a time; a multiple of every cell."""

_CHECKED_BYTES = 2**24  # encoded bytes of frames that are kept from their check until they are read
_CHECKED = 2**9  # bytes of what is kept of a frame beside them

NOT_CHECKED: Mapping[int, CheckedFrame] = {}


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
    colors : FrameColors
        What its samples are, as far as its codestream proves it.
    notes : tuple of Note
        What was odd about the frame.
    """

    cells: NDArray[np.uint8]
    skip: int = 0
    decoder: str = ""
    segments: tuple[int, ...] | None = None
    colors: FrameColors = AS_PLANNED
    notes: tuple[Note, ...] = ()


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
        self._pixels = pixels
        self._bits = 0
        self._locations: FrameLocations | None = None
        if header.encapsulated:
            self._format = format_of(header)
            self.notes = self._look_at_fragments()
        else:
            self._pixels, self._bits, self.notes = native_frames(header, pixels)
        self._held: NDArray[np.uint8] | None = None
        plain = not header.encapsulated and type(self._pixels) is Pixels
        if plain and isinstance(self._pixels.stored, Memory):
            self._held = np.frombuffer(self._pixels.view(0, self._pixels.length), np.uint8)

    def _look_at_fragments(self) -> list[Note]:
        """Find the frames, and return what is odd about them and the colours of the first."""
        pixels = self._pixels.opened()
        try:
            locations = self._locations = FrameLocations(self._header, pixels)
            notes = list(locations.notes)
            if self._header.samples != 3 and self._header.palette is None:
                return notes
            notes += locations.find(pixels, [0])
            stream = read_codestream(locations.encoded(pixels, 0))
            return [*notes, *colors_of(stream, self._header).notes]
        finally:
            self.release(pixels)

    def opened(self) -> Pixels:
        """Return the pixels, to be given to the methods below until they are released."""
        return self._pixels.opened()

    def release(self, pixels: Pixels) -> None:
        """Close what `opened` has opened."""
        if pixels is not self._pixels:
            pixels.stored.close()

    def find(self, pixels: Pixels, frames: Sequence[int]) -> list[Note]:
        """Make sure of where frames are; return what is newly found to be odd about that.

        Where all frames are asked for, all fragments are walked over.

        Parameters
        ----------
        pixels : Pixels
            From `opened`.
        frames : sequence of int

        Raises
        ------
        PixelDataError
            Fragments are damaged, or there are fewer frames than the header promises.
        """
        if self._locations is None:
            return []
        notes = self._locations.find(pixels, frames)
        self.notes += notes
        return notes

    def frame(
        self,
        pixels: Pixels,
        index: int,
        pinned: str | None = None,
        threads: int = 1,
        checked: Mapping[int, CheckedFrame] = NOT_CHECKED,
    ) -> FrameCells:
        """Return the cells of one frame, decoded where need be.

        Parameters
        ----------
        pixels : Pixels
            From `opened`.
        index : int
            One that `find` was asked for.
        pinned : str, optional
            The one decoder to use.
        threads : int
            What a codec may use for this frame.
        checked : mapping of int to CheckedFrame
            From `check`.

        Raises
        ------
        UnsupportedTransferSyntaxError, PixelDataError, DecodeError
        """
        if self._locations is None:
            return self.run(pixels, index, 1)
        encoded = checked.get(index) or self._checked(pixels, index)
        decoded = decode_frame(encoded, self._format, index, pinned=pinned, threads=threads)
        cells, decoder, segments, stream, notes = decoded
        colors = colors_of(stream, self._header)
        return FrameCells(cells, 0, decoder, segments, colors, (*notes, *colors.notes))

    def run(
        self,
        pixels: Pixels,
        first: int,
        count: int,
        buffer: NDArray[np.uint8] | None = None,
    ) -> FrameCells:
        """Return the cells of native frames that follow each other, as those of one frame.

        Parameters
        ----------
        pixels : Pixels
            From `opened`.
        first, count : int
        buffer : ndarray of uint8, optional
            Memory for what is read from a file; it may be used again after the cells.
        """
        start, end, skip = self._place_of(first, count)
        if self._held is not None:
            return FrameCells(self._held[start:end], skip)
        if buffer is not None and isinstance(pixels.stored, File):
            cells = buffer[: end - start]
            pixels.fill(start, cells.data)
            return FrameCells(cells, skip)
        return FrameCells(np.frombuffer(pixels.view(start, end), np.uint8), skip)

    def frame_in_memory(self, index: int) -> FrameCells | None:
        """Return the cells of a frame if it is native, and held in memory."""
        held = self._held
        if held is None:
            return None
        start, end, skip = self._place_of(index)
        return FrameCells(held[start:end], skip)

    def _place_of(self, index: int, count: int = 1) -> tuple[int, int, int]:
        """Return the bytes that native frames lie in, and the bits of the first before them."""
        first, last = index * self._bits, (index + count) * self._bits
        return first // 8, (last + 7) // 8, first % 8

    @property
    def run_length(self) -> int:
        """How many frames are best read together, if they are native and follow each other."""
        return max(1, 8 * PIECE // self._bits) if self._bits else 1

    @property
    def frames_fit_a_piece(self) -> bool:
        """Whether frames are native, and take a piece each at the most."""
        return 0 < self._bits <= 8 * PIECE

    @property
    def are_held(self) -> bool:
        """Whether the cells of all frames are in memory, in their order."""
        return self._held is not None

    def comes_in_pieces(self) -> bool:
        """Whether frames are native, and in a file."""
        return not self._header.encapsulated and isinstance(self._pixels.stored, File)

    def read_into(self, pixels: Pixels, first: int, start: int, target: NDArray[np.uint8]) -> None:
        """Fill `target` with bytes of native frames in a file, from byte `start` of `first` on.

        Parameters
        ----------
        pixels : Pixels
            From `opened`.
        first, start : int
        target : ndarray of uint8
        """
        pixels.fill(self._place_of(first)[0] + start, target.data)

    def pieces(self, pixels: Pixels, first: int, count: int) -> Iterator[FrameCells]:
        """Read native frames piece by piece, each into the memory of the one before.

        Parameters
        ----------
        pixels : Pixels
            From `opened`.
        first, count : int
            Frames that follow each other.
        """
        at, end, skip = self._place_of(first, count)
        buffer = np.empty(min(PIECE, end - at), np.uint8)
        while at < end:
            cells = buffer[: min(PIECE, end - at)]
            pixels.fill(at, cells.data)
            yield FrameCells(cells, skip)
            at, skip = at + len(cells), 0

    def _checked(self, pixels: Pixels, index: int) -> CheckedFrame:
        assert self._locations is not None
        return check_frame(self._locations.encoded(pixels, index), self._format, index)

    def check(
        self, pixels: Pixels, indices: Iterable[int], pinned: str | None = None
    ) -> Mapping[int, CheckedFrame]:
        """Check, at little cost, that frames can be decoded, and to the header's size.

        Returns
        -------
        mapping of int to CheckedFrame
            Some of the frames, so that they are not read and checked again; none if they are
            native.

        Raises
        ------
        UnsupportedTransferSyntaxError, PixelDataError
        """
        if self._locations is None:
            return NOT_CHECKED
        usable_decoders(self._header.transfer_syntax, pinned)
        kept: dict[int, CheckedFrame] = {}
        room = _CHECKED_BYTES
        for index in indices:
            checked = self._checked(pixels, index)
            room -= len(checked.data) + _CHECKED
            if room >= 0:
                kept[index] = checked
        return kept
