"""Items to batches: small ones first, so that all workers begin at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastpix.job.items import Batch, Item

BATCH_BYTES = 2**28
BATCH_FILES = 1024
_FIRST_BYTES = 2**23
_FIRST_FILES = 32


def batches(
    items: Iterable[Item],
    generation: int,
    settings: str,
    workers: int,
    *,
    size: int = BATCH_BYTES,
    count: int = BATCH_FILES,
) -> Iterator[Batch]:
    """Yield batches of so many bytes, or files, at most; an item is never split.

    The first batches, one for each worker, are small, and each round of them is twice as large: the
    first output is there within seconds, and a small job keeps all workers busy. What is left at
    the end is shared out among the workers.

    Parameters
    ----------
    items : iterable of Item
        Taken as batches are taken.
    generation : int
    settings : str
        Id of the settings.
    workers : int
    size : int
        Bytes of source files.
    count : int
        Source files.
    """
    made = 0
    some: list[Item] = []
    files = held = 0
    most_bytes, most_files = min(size, _FIRST_BYTES), min(count, _FIRST_FILES)
    for item in items:
        some.append(item)
        files += len(item.files)
        held += _bytes_of(item)
        if files >= most_files or held >= most_bytes:
            yield Batch(generation, settings, tuple(some))
            made += 1
            some, files, held = [], 0, 0
            grown = 2 ** min(made // workers, 30)
            most_bytes = min(size, _FIRST_BYTES * grown)
            most_files = min(count, _FIRST_FILES * grown)
    yield from _shared_out(some, generation, settings, workers)


def _shared_out(items: list[Item], generation: int, settings: str, workers: int) -> Iterator[Batch]:
    """Yield batches of about equally many files and bytes, and of no fewer than the first ones."""
    most_files = max(_FIRST_FILES, -(-sum(len(item.files) for item in items) // workers))
    most_bytes = max(_FIRST_BYTES, -(-sum(map(_bytes_of, items)) // workers))
    some: list[Item] = []
    files = held = 0
    for item in items:
        some.append(item)
        files += len(item.files)
        held += _bytes_of(item)
        if files >= most_files or held >= most_bytes:
            yield Batch(generation, settings, tuple(some))
            some, files, held = [], 0, 0
    if some:
        yield Batch(generation, settings, tuple(some))


def _bytes_of(item: Item) -> int:
    files = item.files
    return files[0].size if len(files) == 1 else sum(file.size for file in files)
