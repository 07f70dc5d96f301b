"""What one image may take: the limit that callers give as `max_bytes`."""

from __future__ import annotations

from fastpix.errors import ArgumentError

MAX_BYTES = 2**32
"""What one image may decode to, unless the caller says otherwise."""

MAX_VOLUME_BYTES = 2**35
"""What the array of one volume may take, unless the caller says otherwise."""


def checked_limit(max_bytes: int) -> int:
    """Return `max_bytes` if it is a number of bytes."""
    if isinstance(max_bytes, bool) or not _is_integer(max_bytes) or max_bytes <= 0:
        raise ArgumentError("max_bytes", f"{max_bytes!r} is not a positive number of bytes")
    return int(max_bytes)


def _is_integer(number: object) -> bool:
    if isinstance(number, int):
        return True
    import numpy as np  # the command line takes MAX_BYTES from here, and needs no more for its help

    return isinstance(number, np.integer)
