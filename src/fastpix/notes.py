"""What a reader of the values should know: notes, and the words they share."""

from __future__ import annotations

from typing import NamedTuple


class Note(NamedTuple):
    """Something a reader of the values should know.

    `oddity`: the header was wrong in a way that one reading mends; warned about as `HeaderWarning`.
    """

    text: str
    oddity: bool = False


def count_of(number: int, what: str) -> str:
    """Return a count in words: ``1 frame``, ``2 frames``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
