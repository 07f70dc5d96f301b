"""`LastRead`: what `imread` keeps from call to call; a file like the last two is read fast."""

from __future__ import annotations

import threading
from operator import is_
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpix.header.index import Index
from fastpix.image.frame_selection import Frames, frozen_frames
from fastpix.image.image import Image
from fastpix.recipe import Recipe
from fastpix.runs.alike import AlikeReader, alike_reader
from fastpix.source.lent_buffers import Buffer
from fastpix.source.opening import SourceLike


def never_changes(argument: object) -> bool:
    """Whether an object can never change, so that the same object is always the same argument."""
    if isinstance(argument, tuple):
        return all(map(never_changes, argument))
    return argument is None or isinstance(argument, _IMMUTABLE)


_IMMUTABLE = (str, int, float, np.generic, np.dtype, type, Recipe)


class LastRead(threading.local):
    """What this thread read last, because most files are like the one before."""

    index: Index | None = None
    arguments: tuple[object, ...] = ()
    frames: tuple[object, ...] | None = None
    alike: AlikeReader | None = None

    def read_alike(
        self,
        source: SourceLike,
        arguments: tuple[object, ...],
        frames: Frames,
        out: NDArray[Any] | None,
        buffer: Buffer,
    ) -> NDArray[Any] | None:
        """Read a file if it is like the last two, and the arguments are the same objects."""
        alike = self.alike
        # Another buffer: this is a nested imread (from a warning hook, say), and the outer call is
        # using the buffer that `alike` reads into.
        if (
            alike is None
            or alike.buffer is not buffer
            or not all(map(is_, arguments, self.arguments))
            or frozen_frames(frames) != self.frames
            or not (out is None or alike.fits(out))
        ):
            return None
        self.alike = None  # an interrupted read may leave it half-changed: it is not used again
        values = alike.read((source,), _new_array if out is None else lambda *_: out)
        if not values:
            return None
        self.alike = alike
        return values[0]

    def remember(
        self,
        index: Index | None,
        arguments: tuple[object, ...],
        image: Image,
        recipe: Recipe,
        frames: Frames,
        buffer: Buffer,
    ) -> None:
        """Prepare for files like the last two, if these are alike."""
        frozen = frozen_frames(frames)
        is_same = frozen == self.frames and all(map(is_, arguments, self.arguments))
        last = self.index if is_same else None
        self.index, self.arguments, self.frames, self.alike = index, arguments, frozen, None
        if frozen is not None:
            self.alike = alike_reader(last, index, image, recipe, frames, buffer)


def _new_array(_: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    return np.empty(shape, dtype)
