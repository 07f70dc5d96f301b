"""Buffers for whole small files, lent to one call of a thread after the other."""

from __future__ import annotations

import threading
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.source.stored import RESIDENT

Buffer: TypeAlias = NDArray[np.uint8]


class _Buffers(threading.local):
    """One buffer a thread, while no call uses it."""

    free: Buffer | None = None


_buffers = _Buffers()
_left: list[Buffer] = []  # by threads that have ended
_MOST_LEFT = 16


def borrow() -> Buffer:
    """Return a buffer of `RESIDENT` bytes that is this thread's until it is given back."""
    buffer, _buffers.free = _buffers.free, None
    if buffer is not None:
        return buffer
    try:
        return _left.pop()
    except IndexError:
        return np.empty(RESIDENT, np.uint8)


def give_back(buffer: Buffer, *, leave: bool = False) -> None:
    """Let the next call of this thread use a buffer, or any thread where this one ends."""
    if not leave:
        _buffers.free = buffer
    elif len(_left) < _MOST_LEFT:
        _left.append(buffer)
