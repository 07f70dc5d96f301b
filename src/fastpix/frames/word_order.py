"""Pixel data whose bytes a big-endian file has turned round in pairs, in the order of its cells."""

from __future__ import annotations

import numpy as np

from fastpix.header.header import Header
from fastpix.source.stored import File, Pixels

_WORD = 2  # bytes


class PixelsInWords(Pixels):
    """The value of an element of big-endian 16-bit words, each of two bytes or 16 bits of pixels.

    Only the words that the bytes asked for lie in are read and turned. A last word that has lost
    a byte is filled up with 0.
    """

    def view(self, start: int, stop: int) -> memoryview:
        """Return a copy of bytes start..stop, turned, as far as there are any."""
        first = start - start % _WORD
        stored = np.frombuffer(super().view(first, stop + stop % _WORD), np.uint8)
        whole = np.append(stored, np.uint8(0)) if stored.size % _WORD else stored
        turned = whole.view(np.uint16).byteswap().view(np.uint8)
        return turned[start - first : stop - first].data

    def fill(self, start: int, target: memoryview) -> None:
        """Fill `target` with the bytes of the value from `start` on, turned."""
        if not isinstance(self.stored, File) or start % _WORD or len(target) % _WORD:
            target[:] = self.view(start, start + len(target))
        else:
            super().fill(start, target)
            np.frombuffer(target, np.uint16).byteswap(inplace=True)


def in_byte_order(header: Header, pixels: Pixels) -> Pixels:
    """Return the pixels with bytes turned round where the file's order has turned them.

    In an element of VR OW a big-endian file has 16-bit words (PS3.5 A.3), of 2 or 16 cells.
    """
    if not (header.big_endian and header.bits_allocated <= 8 and header.word_ow):
        return pixels
    return PixelsInWords(*pixels)
