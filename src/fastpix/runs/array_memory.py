"""Memory of large arrays, kept for new arrays of the same size once the old ones are gone.

New memory costs more than reading a file into it, because the system clears it page by page.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SMALLEST = 2**14  # bytes: the memory of smaller arrays is not worth keeping
_UNUSED_BYTES = 2**24  # memory without an array that may be kept in any case ...
_UNUSED_BLOCKS = 8  # ... or this many blocks of the size asked for, if that is more
_MOST_BLOCKS = 512
_BLOCKS_TRIED = 8  # by one search: arrays are freed in about the order in which they were made


def _references(blocks: list[NDArray[np.uint8]], k: int) -> int:
    return sys.getrefcount(blocks[k])


# The number of references to a block that no array uses. It differs between versions of Python.
_UNUSED = _references([np.empty(0, np.uint8)], 0)


class ArrayMemory:
    """Blocks of memory for arrays; the references to a block tell whether an array still uses it.

    A block is the memory of one array. All blocks are kept in a ring, the oldest first.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._blocks: list[NDArray[np.uint8]] = []
        self._next = 0  # position of the oldest block
        self._bytes = 0  # of all blocks
        is_gil_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
        # Elsewhere the number of references is unknown, or may change while we look at it.
        self._reuses = sys.implementation.name == "cpython" and is_gil_enabled()

    def array(self, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """Return an array whose values are not set."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size < _SMALLEST or not self._reuses:
            return np.empty(shape, dtype)
        with self._lock:
            blocks = self._blocks
            for k in range(self._next, self._next + min(_BLOCKS_TRIED, len(blocks))):
                k %= len(blocks)
                if len(blocks[k]) == size and _references(blocks, k) == _UNUSED:
                    self._next = k + 1
                    return np.ndarray(shape, dtype, blocks[k])
            limit = max(_UNUSED_BYTES, _UNUSED_BLOCKS * size)
            if self._bytes + size > limit or len(blocks) == _MOST_BLOCKS:
                self._drop_unused()
            block = np.empty(size, np.uint8)
            if self._bytes + size <= limit and len(self._blocks) < _MOST_BLOCKS:
                self._blocks.insert(self._next, block)
                self._next += 1
                self._bytes += size
            return np.ndarray(shape, dtype, block)

    def _drop_unused(self) -> None:
        """Free all blocks that no array uses: there are too many, or they have other sizes."""
        used = [k for k in range(len(self._blocks)) if _references(self._blocks, k) != _UNUSED]
        self._set([self._blocks[k] for k in used])

    def _set(self, blocks: list[NDArray[np.uint8]]) -> None:
        self._blocks, self._next, self._bytes = blocks, 0, sum(map(len, blocks))

    def trim(self) -> None:
        """Keep at most 16 MiB; a block that is still in use lives as long as its array."""
        with self._lock:
            total = 0
            kept = []
            for block in self._blocks:
                total += len(block)
                if total <= _UNUSED_BYTES:
                    kept.append(block)
            self._set(kept)
