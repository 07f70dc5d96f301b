"""What one image may take: the limit that callers give as `max_bytes`."""

from __future__ import annotations

from fastpix.errors import ArgumentError, PixelDataError

MAX_BYTES = 2**32
"""What one image may decode to, unless the caller says otherwise."""

MAX_VOLUME_BYTES = 2**35
"""What the array of one volume may take, unless the caller says otherwise."""


def checked_limit(max_bytes: int) -> int:
    """Return `max_bytes` if it is a number of bytes."""
    if isinstance(max_bytes, bool) or not _is_integer(max_bytes) or max_bytes <= 0:
        raise ArgumentError("max_bytes", f"{max_bytes!r} is not a positive number of bytes")
    return int(max_bytes)


def check_size(
    size: int,
    max_bytes: int,
    takes: str = "the image decodes to",
    remedy: str = "ask for fewer frames=, or raise max_bytes= if the header can be believed",
) -> None:
    """Refuse an image, or what `takes` says, of more than `max_bytes`."""
    if size > max_bytes:
        raise PixelDataError(
            expected=size,
            found=max_bytes,
            reason=f"{takes} {size} bytes, more than max_bytes={max_bytes}",
            remedy=remedy,
        )


def _is_integer(number: object) -> bool:
    if isinstance(number, int):
        return True
    import numpy as np  # the command line takes MAX_BYTES from here, and needs no more for its help

    return isinstance(number, np.integer)
