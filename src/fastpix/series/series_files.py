"""The files of a series: their headers are read once, their pixels when a volume is asked for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from itertools import islice
from time import perf_counter, thread_time
from typing import NamedTuple, TypeAlias

from fastpix.errors import (
    FastpixError,
    PixelDataError,
    SourceName,
    add_source,
    is_no_image,
    warnings_kept,
)
from fastpix.header.exchanged import exchanged
from fastpix.header.header import Header
from fastpix.header.instance import Instance, read_instance
from fastpix.series.plane import Plane
from fastpix.series.planes import planes_of
from fastpix.source.naming import name_of
from fastpix.source.opening import SourceLike, open_file, read_source
from fastpix.source.stored import File, stamp_of

HEAD = 2**14
"""Bytes of a file that are read for its header; the header of most."""

_TOGETHER = 16  # files that a thread reads at a time
_WAITERS = 16  # threads, where reading a file is mostly waiting
_PROBED = 32  # files that tell whether it is

Failure: TypeAlias = tuple[SourceName, Exception]


class SeriesFile(NamedTuple):
    """A file whose header was read.

    Attributes
    ----------
    source : object
        As it was given.
    header : Header
    kept : Instance or None
        None where it would hold more memory than a header takes: the file is read again then.
    again : path or Member or None
        What is read again.
    stamp : tuple of int or None
        What the file must still be when its pixels are read.
    max_bytes : int
    is_exchanged : bool
        Whether `header` says MONOCHROME1 where the file says MONOCHROME2, or the other way round.
    """

    source: SourceLike
    header: Header
    kept: Instance | None
    again: SourceLike | None
    stamp: tuple[int, ...] | None
    max_bytes: int
    is_exchanged: bool = False

    @property
    def name(self) -> SourceName:
        """What errors call it."""
        return name_of(self.source)

    def exchanged(self) -> SeriesFile:
        """Return the file as it was read, with MONOCHROME1 and MONOCHROME2 exchanged."""
        header = exchanged(self.header)
        kept = None if self.kept is None else self.kept.read_as(header)
        return self._replace(header=header, kept=kept, is_exchanged=True)

    def instance(self) -> Instance:
        """Return the instance, ready to have its pixels read.

        Raises
        ------
        FastpixError
            The file has changed since its header was read.
        """
        if self.kept is not None:
            return self.kept
        assert self.again is not None
        with warnings_kept():  # they were given when the header was read
            instance = read_instance(read_source(self.again), self.max_bytes)
        if self.is_exchanged:
            instance = instance.read_as(exchanged(instance.header))
        if instance.header != self.header or _stamp_of(self.again) != self.stamp:
            raise PixelDataError(
                reason="the file has changed since its header was read", remedy="open it again"
            )
        return instance


class Opened(NamedTuple):
    """What was found in a source.

    Attributes
    ----------
    files : list of SeriesFile
        Those that are images.
    planes : list of Plane
    failures : list of (name, Exception)
        Files that should be images, and cannot be read.
    others : int
        How many files are no images: reports, directories, other formats.
    warned : Counter
        How many files gave a warning, by its text.
    """

    files: list[SeriesFile]
    planes: list[Plane]
    failures: list[Failure]
    others: int
    warned: Counter[str]


class _Read(NamedTuple):
    file: SeriesFile | None
    planes: list[Plane]
    error: Exception | None
    warned: tuple[str, ...]


def open_files(sources: Iterable[SourceLike], max_bytes: int, threads: int | None) -> Opened:
    """Read the headers of files, in order; their pixels are not read.

    Parameters
    ----------
    sources : iterable
    max_bytes : int
        What a deflated data set may inflate to.
    threads : int or None
        None: as many as help. Several help only where reading a file is mostly waiting, as for
        network file systems.
    """
    opened = Opened([], [], [], 0, Counter())
    others = 0
    for source, read in _results(sources, max_bytes, threads):
        opened.warned.update(read.warned)
        if read.file is not None:
            number = len(opened.files)
            opened.files.append(read.file)
            opened.planes.extend(_numbered(read.planes, number))
        elif is_no_image(read.error):
            others += 1
        elif read.error is not None:
            opened.failures.append((name_of(source), read.error))
    return opened._replace(others=others)


def _numbered(planes: Sequence[Plane], source: int) -> Iterator[Plane]:
    return (plane._replace(source=source) for plane in planes) if source else iter(planes)


def _results(
    sources: Iterable[SourceLike], max_bytes: int, threads: int | None
) -> Iterator[tuple[SourceLike, _Read]]:
    rest = iter(sources)
    read = partial(_read_one, max_bytes=max_bytes)
    if threads is None:
        start, busy = perf_counter(), thread_time()
        for source in islice(rest, _PROBED):
            yield source, read(source)
        waited = perf_counter() - start > 2 * (thread_time() - busy)
        threads = _WAITERS if waited else 1
    if threads == 1:
        yield from ((source, read(source)) for source in rest)
        return
    with ThreadPoolExecutor(threads) as pool:
        while batch := list(islice(rest, threads * _TOGETHER * 2)):
            parts = [batch[k : k + _TOGETHER] for k in range(0, len(batch), _TOGETHER)]
            tasks = [
                pool.submit(copy_context().run, partial(_read_some, read, part)) for part in parts
            ]
            for part, task in zip(parts, tasks, strict=True):
                yield from zip(part, task.result(), strict=True)


def _read_some(read: Callable[[SourceLike], _Read], sources: Sequence[SourceLike]) -> list[_Read]:
    return list(map(read, sources))


def _read_one(source: SourceLike, max_bytes: int) -> _Read:
    with warnings_kept() as texts:
        try:
            file, planes = _open_one(source, max_bytes)
        except (FastpixError, OSError) as error:
            add_source(error, name_of(source))
            return _Read(None, [], error, ())
    return _Read(file, planes, None, tuple(dict.fromkeys(texts)))


def _open_one(source: SourceLike, max_bytes: int) -> tuple[SeriesFile, list[Plane]]:
    if not isinstance(source, (str, os.PathLike)):
        instance = read_instance(read_source(source), max_bytes)
        # What has been read of a member of an archive holds all of it.
        is_member = hasattr(source, "read_bytes")
        kept, again = (None, source) if is_member else (instance, None)
        file = SeriesFile(source, instance.header, kept, again, None, max_bytes)
        return file, planes_of(instance, 0)
    stored = open_file(source, 0, HEAD)
    try:
        instance = read_instance(stored, max_bytes)
        planes = planes_of(instance, 0)
    finally:
        stored.close()
    if not isinstance(stored, File):  # a pipe: there is no reading it again
        return SeriesFile(source, instance.header, instance, None, None, max_bytes), planes
    # What pydicom has read, or what was inflated, holds the whole file.
    is_light = instance.index is not None and instance.index.inflated is None
    kept = instance.released() if is_light else None
    file = SeriesFile(source, instance.header, kept, stored.path, stored.stamp, max_bytes)
    return file, planes


def _stamp_of(source: SourceLike) -> tuple[int, ...] | None:
    return stamp_of(os.stat(source)) if isinstance(source, str) else None
