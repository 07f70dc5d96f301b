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
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix._index import Alike
from fastpix.image import Image
from fastpix.index import Index, is_pydicom_as_it_comes
from fastpix.instance import read_instance
from fastpix.kernel import Kernel, current_kernel
from fastpix.plan import Plan
from fastpix.recipe import Recipe
from fastpix.selection import Frames
from fastpix.source import RESIDENT, File, SourceLike, read_source
from fastpix.steps import Steps
from fastpix.values import takes_pieces

Outcome: TypeAlias = "NDArray[Any] | Exception"
Empty: TypeAlias = Callable[[tuple[int, ...], str], NDArray[Any]]

FILES = 32
"""Files that are read in one call, at the most."""

_RECYCLED = 2**17  # bytes of an array whose memory is worth keeping
_KEPT, _LEAST = 2**24, 4  # bytes that are kept for arrays, or so many blocks where they are large


class Known(NamedTuple):
    """What files that are like the last one become, and how to read them."""

    buffer: bytearray
    alike: Alike
    steps: Steps
    shape: tuple[int, ...]
    dtype: str
    kernel: Kernel
    scale_files: Callable[[object, list[NDArray[Any]], Steps], int]

    def read(self, sources: Sequence[SourceLike], empty: Empty) -> list[NDArray[Any]]:
        """Read files as far as they are like the one before.

        Parameters
        ----------
        sources : sequence
        empty : callable
            Shape and dtype to a new array.

        Returns
        -------
        list of ndarray
            Of the first so many; none where pydicom or the kernel is another than before.
        """
        paths = []
        for source in sources:
            if not isinstance(source, (str, os.PathLike)) or b"\0" in (name := os.fsencode(source)):
                break
            sys.audit("open", source, "rb", os.O_RDONLY)  # as Python's own open does
            paths.append(name)
        if not paths or current_kernel() is not self.kernel or not is_pydicom_as_it_comes():
            return []
        outs = [empty(self.shape, self.dtype) for _ in paths]
        done = self.scale_files(self.alike.cells_of(paths), outs, self.steps)
        return outs if done == len(outs) else outs[:done]


def known_of(index: Index, plan: Plan, values: NDArray[Any], buffer: bytearray) -> Known | None:
    """Get ready to read files like one that has been read; None where they need more than that.

    Parameters
    ----------
    index : Index
        Of that file.
    plan : Plan
        By which it was read whole, with the notes of its Image.
    values : ndarray
        What it has become.
    buffer : bytearray
        To read into.
    """
    kernel = current_kernel()
    scale_files = getattr(kernel, "scale_files", None)  # the reference has none
    if (
        scale_files is None
        or index.is_encapsulated
        or not takes_pieces(plan)
        or len(plan.steps) > 1  # a rescale for each frame
        or any(note.oddity for note in plan.notes)  # each file is to be warned of
    ):
        return None
    steps = plan.frame_steps(0) if plan.color is None else plan.color.samples
    if steps.cell == "bit":
        return None
    alike = Alike(buffer, index.header, index.implicit)
    return Known(buffer, alike, steps, values.shape, plan.dtype, kernel, scale_files)


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
        self._known: Known | None = None
        self._memory = _Memory()

    def read(self, sources: Sequence[SourceLike]) -> list[Outcome]:
        """Read files; an exception stands for one that cannot be read."""
        outcomes: list[Outcome] = []
        while len(outcomes) < len(sources):
            if self._known is not None:
                some = sources[len(outcomes) : len(outcomes) + FILES]
                outcomes += self._known.read(some, self._memory.array)
                if len(outcomes) == len(sources):
                    break
                self._known = None
            try:
                outcomes.append(self._read_one(sources[len(outcomes)]))
            except Exception as error:
                self._last = None
                outcomes.append(error)
        return outcomes

    def _read_one(self, source: SourceLike) -> NDArray[Any]:
        stored = read_source(source, lent=self._buffer)
        try:
            instance = read_instance(stored, self._max_bytes)
            image = Image(instance, self._max_bytes, self._decoder, self._memory.array)
            values = image.read(self._recipe, frames=self._frames, threads=self._threads)
        finally:
            if isinstance(stored, File):
                stored.close()
        index = instance.index
        if index is not None and index.header == self._last and self._frames is None:
            self._known = known_of(index, image.plan(self._recipe), values, self._buffer)
        self._last = None if index is None else index.header
        return values


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
