"""What a reader of the values should know: notes, and the words they share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Note(NamedTuple):
    """Something a reader of the values should know.

    `oddity`: the header was wrong in a way that one reading mends; warned about as `HeaderWarning`.
    `code`: what kind of note it is, an id of docs/findings.md; empty for notes about a call.
    """

    text: str
    oddity: bool = False
    code: str = ""


class Notes:
    """The notes on one instance, in the order in which they were made."""

    __slots__ = ("_notes",)

    def __init__(self) -> None:
        self._notes: dict[Note, None] = {}

    def remark(self, text: str, code: str = "") -> None:
        """Add an oddity that was read over, in words free of the file's text; once."""
        self._notes[Note(text, oddity=True, code=code)] = None

    def add(self, text: str, code: str = "") -> None:
        """Add a plain note; once."""
        self._notes[Note(text, code=code)] = None

    def __iter__(self) -> Iterator[Note]:
        return iter(self._notes)

    def __len__(self) -> int:
        return len(self._notes)


def count_of(number: int, what: str, plural: str = "") -> str:
    """Return a count in words: ``1 frame``, ``2 frames``."""
    return f"{number} {what}" if number == 1 else f"{number} {plural or what + 's'}"
