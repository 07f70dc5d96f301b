"""Memory for large arrays that is used again once nobody holds them any more.

New memory costs more than reading a file into it: the system clears it page by page.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST = 2**14  # bytes of an array from which on its memory is worth keeping
_KEPT, _FEW = 2**24, 8  # bytes that are kept while nobody uses them, or so many blocks
_BLOCKS = 512
_LOOKS = 8  # at blocks, for one that is free: arrays are let go of in about the order they come in


def _references(blocks: list[NDArray[np.uint8]], k: int) -> int:
    return sys.getrefcount(blocks[k])


# How many there are where no array is left on a block: it differs between versions of Python.
_UNUSED = _references([np.empty(0, np.uint8)], 0)


class Blocks:
    """Memory of arrays, told by its references whether any array is left on it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._blocks: list[NDArray[np.uint8]] = []
        self._next = 0  # where the oldest is
        self._bytes = 0  # of all blocks
        is_gil_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
        # Elsewhere a count of references tells nothing, or nothing in time.
        self._counts = sys.implementation.name == "cpython" and is_gil_enabled()

    def array(self, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """Return an array whose values are not set."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size < _LEAST or not self._counts:
            return np.empty(shape, dtype)
        with self._lock:
            blocks = self._blocks
            for k in range(self._next, self._next + min(_LOOKS, len(blocks))):
                k %= len(blocks)
                if len(blocks[k]) == size and _references(blocks, k) == _UNUSED:
                    self._next = k + 1
                    return np.ndarray(shape, dtype, blocks[k])
            most = max(_KEPT, _FEW * size)
            if self._bytes + size > most or len(blocks) == _BLOCKS:
                self._drop_unused()
            block = np.empty(size, np.uint8)
            if self._bytes + size <= most and len(self._blocks) < _BLOCKS:
                self._blocks.insert(self._next, block)
                self._next += 1
                self._bytes += size
            return np.ndarray(shape, dtype, block)

    def _drop_unused(self) -> None:
        """Let go of all blocks without an array: there are too many, or they are of other sizes."""
        used = [k for k in range(len(self._blocks)) if _references(self._blocks, k) != _UNUSED]
        self._set([self._blocks[k] for k in used])

    def _set(self, blocks: list[NDArray[np.uint8]]) -> None:
        self._blocks, self._next, self._bytes = blocks, 0, sum(map(len, blocks))

    def trim(self) -> None:
        """Let go of memory beyond 16 MiB; what is in use stays with its arrays."""
        with self._lock:
            total = 0
            kept = []
            for block in self._blocks:
                total += len(block)
                if total <= _KEPT:
                    kept.append(block)
            self._set(kept)
