"""Files to items: each by itself, or those of a series together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from time import perf_counter, thread_time

from fastpix.errors import FastpixError, warnings_kept
from fastpix.header.instance import read_instance
from fastpix.header.plain_values import plain_values
from fastpix.job.items import Item, SourceFile
from fastpix.job.scan.source_locations import open_location
from fastpix.pseudonyms import Names
from fastpix.source.opening import open_file, read_source
from fastpix.source.stored import File
from fastpix.standard.tags import Tag

_HEAD = 2**14  # bytes of a file that are read for its header
_MOST = 2**30  # bytes that a deflated data set may inflate to
_PROBED = 32  # files that tell whether reading one is mostly waiting
_WAITERS = 16  # threads, where it is


def file_items(files: Iterable[SourceFile], names: Names) -> Iterator[Item]:
    """Yield an item for each file.

    Parameters
    ----------
    files : iterable of SourceFile
    names : Names
    """
    of_path, of_state = names.of_path, names.of_state
    for file in files:
        yield Item(of_path(file.relative), of_state(file.size, file.stamp), (file,))


def series_items(
    files: Iterable[SourceFile],
    names: Names,
    known: Mapping[str, tuple[str, str]] | None = None,
) -> Iterator[Item]:
    """Yield an item for each series, once all files are found; their headers are read.

    A file that is no image, or cannot be read, is an item of its own. So is one without a Series
    Instance UID.

    Parameters
    ----------
    files : iterable of SourceFile
    names : Names
    known : mapping of str to (str, str), optional
        Of the names of files that need not be opened unless they have changed: their states, and
        the items that they belong to.
    """
    by_item: dict[str, list[SourceFile]] = {}
    for file, item in _with_items(files, names, known or {}):
        by_item.setdefault(item, []).append(file)
    for item in list(by_item):
        members = sorted(by_item.pop(item), key=lambda file: file.relative)
        states = (names.of_state(file.size, file.stamp) for file in members)
        relatives = (file.relative for file in members)
        state = names.of_text("\0".join([*states, *relatives]))[:16]
        yield Item(item, state, tuple(members))


def _with_items(
    files: Iterable[SourceFile], names: Names, known: Mapping[str, tuple[str, str]]
) -> Iterator[tuple[SourceFile, str]]:
    stream = iter(files)
    item_of = partial(_item_of, names=names, known=known)
    start, busy = perf_counter(), thread_time()
    for file in islice(stream, _PROBED):
        yield file, item_of(file)
    if perf_counter() - start < 2 * (thread_time() - busy) + 0.01:
        for file in stream:
            yield file, item_of(file)
        return
    with ThreadPoolExecutor(_WAITERS) as pool:
        while some := list(islice(stream, 16 * _WAITERS)):
            yield from zip(some, pool.map(item_of, some), strict=True)


def _item_of(file: SourceFile, names: Names, known: Mapping[str, tuple[str, str]]) -> str:
    own = names.of_path(file.relative)
    state, item = known.get(own, ("", ""))
    if item and state == names.of_state(file.size, file.stamp):
        return item
    uid = series_uid_of(file.location)
    return names.of_uid(uid) if uid else own


def series_uid_of(location: str) -> str:
    """Return the Series Instance UID of a file; empty where it is no image, or does not say.

    Parameters
    ----------
    location : str
    """
    with warnings_kept():
        try:
            source = open_location(location)
            is_path = isinstance(source, str)
            stored = open_file(source, 0, _HEAD) if is_path else read_source(source)  # type: ignore[arg-type]
            try:
                value = plain_values(read_instance(stored, _MOST)).top.get(Tag.SeriesInstanceUID)
            finally:
                if isinstance(stored, File):
                    stored.close()
        except (FastpixError, OSError):  # told when it is converted
            return ""
    return "" if value is None else value.decode("latin-1").strip(" \0").strip()
