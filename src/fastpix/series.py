"""Files one after the other: those that are like the one before go past the interpreter.

The slices of a series have the same pixel header. Once two files in a row had one, the next are
read, recognised and scaled in compiled code alone, up to the first that is not like them; that one
is read as any file is.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix._index import Alike
from fastpix.image import Image
from fastpix.index import is_pydicom_as_it_comes
from fastpix.instance import Instance, read_instance
from fastpix.kernel import Kernel, current_kernel
from fastpix.plan import Plan
from fastpix.recipe import Recipe
from fastpix.selection import Frames
from fastpix.source import RESIDENT, File, SourceLike, read_source
from fastpix.steps import Steps
from fastpix.values import takes_pieces

Outcome = NDArray[Any] | Exception

FILES = 32
"""Files that are read in one call, at the most."""

_RECYCLED = 2**17  # bytes of an array whose memory is worth keeping
_KEPT, _LEAST = 2**24, 4  # bytes that are kept for arrays, or so many blocks where they are large


class _Known(NamedTuple):
    """What files that are like the last one become."""

    alike: Alike
    steps: Steps
    shape: tuple[int, ...]
    dtype: str
    kernel: Kernel
    scale_files: Callable[[object, list[NDArray[Any]], Steps], int]


class SeriesReader:
    """Reads files for one thread.

    Parameters
    ----------
    recipe : Recipe
    frames : int, slice, sequence of int or None
    max_bytes : int
    decoder : str or None
    threads : int or None
        What a single file may use.
    """

    def __init__(
        self,
        recipe: Recipe,
        frames: Frames,
        max_bytes: int,
        decoder: str | None,
        threads: int | None,
    ) -> None:
        self._recipe = recipe
        self._frames = frames
        self._max_bytes = max_bytes
        self._decoder = decoder
        self._threads = threads
        self._buffer = bytearray(RESIDENT)
        self._last: bytes | None = None  # header of the file before
        self._known: _Known | None = None
        self._memory = _Memory()

    def read(self, sources: Sequence[SourceLike]) -> list[Outcome]:
        """Read files; an exception stands for one that cannot be read."""
        outcomes: list[Outcome] = []
        while len(outcomes) < len(sources):
            if self._known is not None:
                outcomes += self._read_alike(self._known, sources[len(outcomes) :])
                if len(outcomes) == len(sources):
                    break
                self._known = None
            try:
                outcomes.append(self._read_one(sources[len(outcomes)]))
            except Exception as error:
                self._last = None
                outcomes.append(error)
        return outcomes

    def _read_alike(self, known: _Known, sources: Sequence[SourceLike]) -> list[Outcome]:
        """Read files as far as they are like the one before."""
        paths = []
        for source in sources[:FILES]:
            if not isinstance(source, (str, os.PathLike)):
                break
            path = os.fsencode(source)
            if b"\0" in path:
                break
            sys.audit("open", source, "rb", os.O_RDONLY)  # as Python's own open does
            paths.append(path)
        if not paths or not is_pydicom_as_it_comes() or current_kernel() is not known.kernel:
            return []
        outs = [self._memory.array(known.shape, known.dtype) for _ in paths]
        done = known.scale_files(known.alike.cells_of(paths), outs, known.steps)
        return list(outs[:done])

    def _read_one(self, source: SourceLike) -> NDArray[Any]:
        stored = read_source(source, lent=self._buffer)
        try:
            instance = read_instance(stored, self._max_bytes)
            image = Image(instance, self._max_bytes, self._decoder, self._memory.array)
            values = image.read(self._recipe, frames=self._frames, threads=self._threads)
            self._remember(instance, image, values)
            return values
        finally:
            if isinstance(stored, File):
                stored.close()

    def _remember(self, instance: Instance, image: Image, values: NDArray[Any]) -> None:
        """Get ready for files like this one if there have been two in a row."""
        index = instance.index
        self._known = None
        if index is None or index.header != self._last:
            self._last = None if index is None else index.header
            return
        plan = image.plan(self._recipe)
        kernel = current_kernel()
        scale_files = getattr(kernel, "scale_files", None)  # the reference has none
        if self._frames is None and scale_files is not None and _goes_in_one(instance, plan):
            self._known = _Known(
                Alike(self._buffer, index.header, index.implicit),
                plan.frame_steps(0) if plan.color is None else plan.color.samples,
                values.shape,
                plan.dtype,
                kernel,
                scale_files,
            )


def _goes_in_one(instance: Instance, plan: Plan) -> bool:
    """Whether all cells of a file are scaled alike, and there is nothing to warn of."""
    header = instance.header
    return (
        not header.encapsulated
        and header.bits_allocated >= 8
        and takes_pieces(plan)
        and len(plan.steps) <= 1
        and not any(note.oddity for note in plan.notes)
    )


def _references(blocks: list[NDArray[np.uint8]], k: int) -> int:
    return sys.getrefcount(blocks[k])


# How many there are where no array is left on a block: it differs between versions of Python.
_UNUSED = _references([np.empty(0, np.uint8)], 0)


class _Memory:
    """Memory for arrays; that of large ones that nobody holds any more is used again.

    New memory costs more than reading a file into it: the system clears it page by page.
    """

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.uint8]] = []
        is_gil_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
        self._counts = sys.implementation.name == "cpython" and is_gil_enabled()

    def array(self, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """Return an array whose values are not set."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size < _RECYCLED or not self._counts:
            return np.empty(shape, dtype)
        for k in range(len(self._blocks)):
            if len(self._blocks[k]) == size and _references(self._blocks, k) == _UNUSED:
                return np.ndarray(shape, dtype, self._blocks[k])
        block = np.empty(size, np.uint8)
        if len(self._blocks) < max(_LEAST, _KEPT // size):
            self._blocks.append(block)
        return np.ndarray(shape, dtype, block)
