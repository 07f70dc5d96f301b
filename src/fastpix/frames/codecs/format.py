"""What a decoder must be told of a frame, and what its cells must come out as."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from fastpix.header.header import Header


class FrameFormat(NamedTuple):
    """What the header says of every frame.

    Attributes
    ----------
    transfer_syntax : str
        Its UID.
    rows, columns, samples : int
    bits_allocated, bits_stored : int
    signed : bool
    planar : bool
        Planar Configuration 1, which says how the bytes of a deflated frame are arranged.
    """

    transfer_syntax: str
    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    planar: bool = False

    @property
    def cell_bytes(self) -> int:
        """Bytes of a cell; packed bits come 8 to one."""
        return max(self.bits_allocated // 8, 1)

    @property
    def frame_bytes(self) -> int:
        """Bytes of a decoded frame; frames of packed bits begin at a byte of their own."""
        return (self.rows * self.columns * self.samples * self.bits_allocated + 7) // 8

    @property
    def shape(self) -> tuple[int, ...]:
        """``(rows, columns)``, or ``(rows, columns, samples)``."""
        size = (self.rows, self.columns)
        return size if self.samples == 1 else (*size, self.samples)


def format_of(header: Header) -> FrameFormat:
    """Return what a header says of its frames."""
    return FrameFormat(
        header.transfer_syntax,
        header.rows,
        header.columns,
        header.samples,
        header.bits_allocated,
        header.bits_stored,
        header.signed,
        header.planar,
    )


def from_planes(cells: NDArray[Any], wanted: FrameFormat) -> NDArray[Any]:
    """Return cells that come plane by plane as an array of the frame's shape; packed bits as is."""
    if wanted.bits_allocated == 1:
        return cells
    if wanted.samples == 1:
        return cells.reshape(wanted.shape)
    return cells.reshape(wanted.samples, wanted.rows, wanted.columns).transpose(1, 2, 0)
