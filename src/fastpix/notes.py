"""What a reader of the values should know: notes, and the words they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Note(NamedTuple):
    """Something a reader of the values should know.

    `oddity`: the header was wrong in a way that one reading mends; warned about as `HeaderWarning`.
    """

    text: str
    oddity: bool = False


def remark_in(notes: list[Note]) -> Callable[[str], None]:
    """Return what adds an oddity to notes, once."""

    def remark(text: str) -> None:
        if Note(text, True) not in notes:
            notes.append(Note(text, True))

    return remark


def count_of(number: int, what: str) -> str:
    """Return a count in words: ``1 frame``, ``2 frames``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
