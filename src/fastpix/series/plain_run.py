"""Native images of one frame each, file after file: compiled code reads and scales them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpix._files import PartsOfFiles
from fastpix.header.header import Header
from fastpix.kernel.registry import current_kernel
from fastpix.kernel.steps import Steps
from fastpix.plan.cells_of_header import stored_samples
from fastpix.plan.plan import Plan
from fastpix.source.lent_buffers import borrow, give_back
from fastpix.source.stored import RESIDENT, File, Pixels

FILES_PER_CALL = 32
"""Files that the kernel takes in one call."""


class PlainImage(NamedTuple):
    """The pixels of a native image of one frame, in a file.

    Attributes
    ----------
    stored : File
    start, size : int
        Bytes.
    """

    stored: File
    start: int
    size: int


def plain_image(header: Header, pixels: Pixels) -> PlainImage | None:
    """Return an image that compiled code can read by itself; None if it is another kind.

    Parameters
    ----------
    header : Header
    pixels : Pixels
    """
    size = _size_of(header)
    if not size or not isinstance(pixels.stored, File):
        return None
    if not size <= pixels.length <= size + 1:  # there is a note about more bytes than that
        return None
    return PlainImage(pixels.stored, pixels.start, size)


class PlainRun:
    """Files of one frame each that compiled code reads and scales, one after the other."""

    def __init__(self, images: Sequence[PlainImage], plan: Plan) -> None:
        self._images = images
        self._plan = plan
        self.count = len(images)

    def fill(self, out: NDArray[Any], peak: float | None) -> int:
        """Fill planes; return how many.

        A file that has changed, or a value that does not fit, ends it.
        """
        steps = self._plan.steps
        if self._plan.needs_peak:
            steps = steps._replace(peak=0.0 if peak is None else peak)
        buffer = borrow()
        try:
            files = PartsOfFiles(
                buffer.data,
                [os.fsencode(image.stored.path) for image in self._images],
                np.array([image.start for image in self._images], np.int64).data,
                self._images[0].size,
                np.array([image.stored.stamp for image in self._images], np.int64).data,
            )
            scale_files: Any = current_kernel().scale_files  # type: ignore[attr-defined]
            done: int = scale_files(files.cells_from(0), list(out), steps, _FROM_THE_FIRST)
        finally:
            give_back(buffer)
        return done


_FROM_THE_FIRST = np.zeros(1, np.int64)
_FROM_THE_FIRST.flags.writeable = False


@lru_cache(256)
def _size_of(header: Header) -> int:
    """Return the bytes of an image that compiled code can read by itself; 0 where it cannot."""
    if (
        header.encapsulated
        or header.frames != 1
        or header.bits_allocated < 8
        or (header.big_endian and header.bits_allocated == 8)  # cells may be turned in pairs
    ):
        return 0
    cells = header.rows * header.columns * stored_samples(header)
    size = cells * header.bits_allocated // 8
    return size if size <= RESIDENT else 0


def same_steps(one: Steps, other: Steps) -> bool:
    """Whether cells are scaled alike; False if tables would have to be compared."""
    try:
        return bool(one == other)
    except ValueError:  # tables: arrays have no single truth
        return False
