"""What it means that a decoder refuses a frame: damage, or a kind that it does not support.

Damage is final. Another decoder might fill in what is damaged without an error, and then the
pixels would depend on what is installed. Only a frame whose kind a decoder does not support goes
on to the next decoder.
"""

from __future__ import annotations

import re


class NotSupportedError(Exception):
    """A decoder does not read frames of this kind, sound as they may be."""


# A library whose interface has changed does not support the frame either.
_NOT_SUPPORTED = (NotSupportedError, NotImplementedError, ImportError, AttributeError, TypeError)
_SAID = re.compile(
    r"not (yet )?(implemented|supported)|unsupported|omitted at compile", re.IGNORECASE
)
# libjpeg-turbo: a marker that the standard does not have, or a second frame header (the process of
# the first was checked before).
_SAID_OF_DAMAGE = re.compile(r"unsupported (marker|jpeg process)", re.IGNORECASE)


def is_not_supported(error: BaseException) -> bool:
    """Whether a decoder refuses a frame for its kind, and not because it is damaged."""
    if isinstance(error, _NOT_SUPPORTED):
        return True
    said = str(error)
    return bool(_SAID.search(said)) and not _SAID_OF_DAMAGE.search(said)


def words_of(error: BaseException) -> str:
    """Return what a decoder said, in one line."""
    said = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {said[-1].strip()}"
