"""Files to batches whose headers are read together: the same ones when others are added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastpix.job.items import Batch, Item

_MEAN = 512  # files of a batch
_MOST = 2048
_DIGITS = 8  # hexadecimal, of a name


def header_batches(
    items: Iterable[Item], settings: str, *, mean: int = _MEAN, most: int = _MOST
) -> Iterator[Batch]:
    """Yield batches of files in the order in which they were found.

    The name of a file decides whether a batch ends with it. So a file that is new, has changed or
    is gone changes the batch that it lies in, and leaves the others as they are.

    Parameters
    ----------
    items : iterable of Item
        Of one file each; taken as batches are taken.
    settings : str
        Id of what headers are read by.
    mean, most : int
        Files.
    """
    some: list[Item] = []
    for item in items:
        some.append(item)
        if int(item.name[:_DIGITS], 16) % mean == 0 or len(some) == most:
            yield Batch(0, settings, tuple(some))
            some = []
    if some:
        yield Batch(0, settings, tuple(some))
