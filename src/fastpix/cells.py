"""A frame's cells as bytes a kernel can read: found in native data, or decoded."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix.attributes import Note
from fastpix.codecs import check_frame, decode_frame, find_decoder
from fastpix.frames import encapsulated_frames, native_frame_bits
from fastpix.header import Header
from fastpix.plan import stored_samples
from fastpix.syntaxes import DEFLATED_FRAMES


class FrameCells(NamedTuple):
    """The cells of one frame.

    Attributes
    ----------
    cells : ndarray of uint8, one-dimensional
        Their bytes.
    skip : int
        Cells to leave out at the beginning (packed bits only).
    is_rgb : bool
        A decoder has already made RGB of YBR.
    decoder : str
        What decoded it; empty for native data.
    """

    cells: NDArray[np.uint8]
    skip: int = 0
    is_rgb: bool = False
    decoder: str = ""


class Cells:
    """All frames of one instance, each found or decoded when asked for.

    Raises
    ------
    PixelDataError
        There are fewer frames than the header promises.
    """

    def __init__(self, header: Header) -> None:
        self._header = header
        self.notes: list[Note] = []
        if header.encapsulated:
            self._spans, self.notes = encapsulated_frames(header)
        else:
            self._bits, self.notes = native_frame_bits(header, stored_samples(header))

    def frame(self, index: int) -> FrameCells:
        """Return the cells of one frame, decoded where need be.

        Raises
        ------
        UnsupportedTransferSyntaxError, PixelDataError, DecodeError
        """
        if self._header.encapsulated:
            decoded = decode_frame(self._encoded(index), self._header, index)
            return FrameCells(decoded.cells, 0, decoded.is_rgb, decoded.decoder)
        first, last = index * self._bits, (index + 1) * self._bits
        return FrameCells(self._native[first // 8 : (last + 7) // 8], first % 8)

    def check(self, indices: Iterable[int]) -> None:
        """Check, at little cost, that frames can be decoded, and to the header's size.

        Raises
        ------
        UnsupportedTransferSyntaxError, PixelDataError
        """
        if not self._header.encapsulated:
            return
        if self._header.transfer_syntax != DEFLATED_FRAMES:
            find_decoder(self._header.transfer_syntax)
        for index in indices:
            spans = self._spans[index]
            start, end = spans[0]
            size = sum(end - start for start, end in spans)
            check_frame(bytes(self._header.pixels[start:end]), size, self._header, index)

    def _encoded(self, index: int) -> bytes:
        pixels = self._header.pixels
        return b"".join(pixels[start:end] for start, end in self._spans[index])

    @cached_property
    def _native(self) -> NDArray[np.uint8]:
        data = np.frombuffer(self._header.pixels, dtype=np.uint8)
        swapped = self._header.bits_allocated <= 8 and self._header.word_ow
        if not (self._header.big_endian and swapped):
            return data
        # 16-bit words (PS3.5 A.3) of 2 or 16 cells: the file's byte order has turned them round.
        words = np.append(data, np.uint8(0)) if data.size % 2 else data
        return np.ascontiguousarray(words.reshape(-1, 2)[:, ::-1]).reshape(-1)
