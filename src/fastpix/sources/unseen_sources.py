"""What a job says of sources that nobody has looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fastpix.errors import FastpixError
from fastpix.notes import count_of


class UnseenSourceError(FastpixError):
    """Nobody has looked at the images of a source yet, and a job obeys verdicts on sources.

    Attributes
    ----------
    sources : tuple of str
        Ids of the sources.
    """

    def __init__(self, sources: Iterable[str], which: str = "") -> None:
        self.sources = tuple(sources)
        first = self.sources[0]
        super().__init__(
            f"nobody has looked at {which or f'source {first}'}: open what 'fastpix audit SRC OUT' "
            f"writes, then run 'fastpix audit mark {first} accept --sources sources.toml --by "
            f"NAME' (or invert, or exclude), or pass allow_unseen=True (--allow-unseen)"
        )


def unseen_text(unseen: Counter[str]) -> str:
    """Return how many images each source has that nobody has looked at.

    Parameters
    ----------
    unseen : Counter
        By the ids of sources.
    """
    ids = ", ".join(f"{source} ({count_of(n, 'image')})" for source, n in unseen.most_common())
    return f"{'source' if len(unseen) == 1 else 'sources'} {ids}"
