"""`PackedTexts`: many texts in two arrays, which forked workers share without ever copying them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np


class PackedTexts:
    """A sequence of texts that holds no Python object for each.

    A worker that only looks at an object writes to its reference count, so that a list of a million
    texts is copied into each forked worker, page by page.

    Parameters
    ----------
    texts : iterable of str
    """

    def __init__(self, texts: Iterable[str]) -> None:
        encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
        self._ends = np.cumsum([len(each) for each in encoded], dtype=np.int64)
        self._bytes = np.frombuffer(b"".join(encoded), np.uint8)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> str:
        if number < 0:
            number += len(self)
        start = int(self._ends[number - 1]) if number else 0
        data = self._bytes[start : int(self._ends[number])].tobytes()
        return data.decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        return (self[number] for number in range(len(self)))
