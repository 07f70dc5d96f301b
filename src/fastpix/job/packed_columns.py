"""Columns of many rows in arrays, which forked workers share without ever copying them.

A worker that only looks at a Python object writes to its reference count, so that a list of a
million texts is copied into each forked worker, page by page.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T", bound=Hashable)


class PackedTexts:
    """Texts that mostly differ.

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


class PackedTerms(Generic[T]):
    """Values that few rows differ in.

    Parameters
    ----------
    values : iterable of hashable
    """

    def __init__(self, values: Iterable[T]) -> None:
        codes: dict[T, int] = {}
        self._codes = np.fromiter(
            (codes.setdefault(value, len(codes)) for value in values), np.int32
        )
        self._terms = list(codes)

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, number: int) -> T:
        return self._terms[int(self._codes[number])]
