"""Which frames a call means, and whether `out` can take them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError

Frames: TypeAlias = "SupportsIndex | slice | Sequence[int] | NDArray[np.integer] | None"


def frame_indices(frames: Frames, count: int) -> tuple[Sequence[int], bool]:
    """Return which frames are meant, and whether the result has a frame axis."""
    if frames is None:
        return range(count), count > 1
    if isinstance(frames, slice):
        try:
            return range(count)[frames], True
        except (TypeError, ValueError) as error:
            raise ArgumentError("frames", f"{frames!r} is not a slice of frames") from error
    if isinstance(frames, SupportsIndex) and not isinstance(frames, (bool, np.ndarray)):
        return [_frame_index(frames, count)], False
    if isinstance(frames, (str, bytes)) or not hasattr(frames, "__iter__"):
        raise ArgumentError("frames", f"{frames!r} is not an int, a slice or a sequence of ints")
    try:
        return _frame_indices(frames, count), True
    except TypeError as error:  # arrays of no or of several dimensions
        raise ArgumentError("frames", f"{frames!r} is not a sequence of ints") from error


def _frame_indices(frames: Iterable[object], count: int) -> array[int]:
    """Return indices as eight bytes each."""
    if isinstance(frames, np.ndarray) and frames.dtype.kind in "iu" and frames.ndim == 1:
        wrong = (frames < -count) | (frames >= count)
        if not wrong.any():
            return array("q", (frames.astype(np.int64) % count).tobytes())
    return array("q", (_frame_index(frame, count) for frame in frames))


def _frame_index(frame: object, count: int) -> int:
    if type(frame) is int and 0 <= frame < count:
        return frame
    if not isinstance(frame, SupportsIndex) or isinstance(frame, (bool, np.bool_)):
        raise ArgumentError("frames", f"{frame!r} is not an int")
    index = frame.__index__()
    if not -count <= index < count:
        raise ArgumentError("frames", f"there is no frame {index}: the image has {count}")
    return index % count


def frozen_frames(frames: Frames) -> tuple[object, ...] | None:
    """Return what `frames` says, to be compared with what another call says.

    Parameters
    ----------
    frames : int, slice, sequence of int or None

    Returns
    -------
    tuple or None
        None: something in it may change, or is no plain int.
    """
    if frames is None:
        return _ALL
    if type(frames) is int:
        return ("one", frames)
    if isinstance(frames, slice):
        kind, parts = "slice", (frames.start, frames.stop, frames.step)
        return (kind, *parts) if all(p is None or type(p) is int for p in parts) else None
    if isinstance(frames, (list, tuple, range)):
        return ("several", *frames) if all(type(frame) is int for frame in frames) else None
    return None


_ALL = ("all",)


def checked_out(out: object, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return `out` if results of this shape and dtype can be written into it."""
    if not isinstance(out, np.ndarray):
        raise ArgumentError("out", f"a {type(out).__name__} is not an ndarray")
    if out.shape != shape or out.dtype != dtype:
        raise ArgumentError("out", f"it is {out.shape} {out.dtype}, the result is {shape} {dtype}")
    flags = out.flags
    if not (flags.c_contiguous and flags.writeable and flags.aligned):
        raise ArgumentError("out", "it must be C-contiguous, aligned and writable")
    return out
