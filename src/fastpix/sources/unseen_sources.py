"""What a job says of sources that nobody has looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from fastpix.errors import FastpixError
from fastpix.notes import count_of


class UnseenSourceError(FastpixError):
    """Nobody has looked at the images of a source yet, and a job obeys verdicts on sources.

    Attributes
    ----------
    sources : tuple of str
        Ids of the sources.
    changed : tuple of str
        Those of them that were looked at, and whose software has changed since.
    """

    def __init__(
        self, sources: Iterable[str], changed: Collection[str] = (), *, which: str = ""
    ) -> None:
        self.sources = tuple(sources)
        self.changed = tuple(source for source in self.sources if source in changed)
        first = self.sources[0]
        which = which or f"source {first}{_UPDATED if self.changed else ''}"
        super().__init__(
            f"nobody has looked at {which}: open what 'fastpix audit SRC OUT' writes, then run "
            f"'fastpix audit mark {first} accept --sources sources.toml --by NAME' (or invert, or "
            f"exclude), or pass allow_unseen=True (--allow-unseen)"
        )


_UPDATED = " since its software was changed"


def unseen_text(unseen: Counter[str], changed: Collection[str] = ()) -> str:
    """Return how many images each source has that nobody has looked at.

    Parameters
    ----------
    unseen : Counter
        By the ids of sources.
    changed : collection of str
        Ids of those whose software has changed since they were looked at.
    """
    ids = ", ".join(
        f"{source} ({count_of(n, 'image')}{_UPDATED if source in changed else ''})"
        for source, n in unseen.most_common()
    )
    return f"{'source' if len(unseen) == 1 else 'sources'} {ids}"
