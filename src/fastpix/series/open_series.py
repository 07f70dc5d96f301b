"""`open_series`: a folder, files or one multi-frame file to its stacks; no pixels are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

import numpy as np

from fastpix.errors import ArgumentError, warn_caller
from fastpix.image.frame_threads import checked_threads
from fastpix.image.limits import MAX_BYTES, checked_limit
from fastpix.notes import count_of
from fastpix.series.grouping import group_planes
from fastpix.series.series_files import Failure, Opened, open_files
from fastpix.series.stack import Stack, stack_of
from fastpix.source.listing import list_sources
from fastpix.source.opening import SourceLike

SeriesSource: TypeAlias = "SourceLike | Iterable[SourceLike]"
Watch: TypeAlias = Callable[[list[SourceLike]], Iterable[SourceLike]]


class Found(NamedTuple):
    """What a source holds.

    Attributes
    ----------
    stacks : list of Stack
        Those of a series follow each other.
    failures : list of (name, Exception)
        Files that should be images, and cannot be read.
    others : int
        How many files are no images.
    """

    stacks: list[Stack]
    failures: list[Failure]
    others: int


def open_series(
    source: SeriesSource,
    *,
    series_uid: str | None = None,
    tolerance: float = 0.05,
    max_bytes: int = MAX_BYTES,
    threads: int | None = None,
) -> list[Stack]:
    """Find the volumes in a folder, in files, or in one multi-frame file; no pixels are read.

    Parameters
    ----------
    source : path, sequence of sources, bytes-like, binary file or pydicom Dataset
        A folder is walked with its folders; an archive (zip, tar) is not unpacked. Files that
        are no images are left out.
    series_uid : str, optional
        Leave out other series.
    tolerance : float
        How far the origin of a slice may lie off the even grid, as a share of the median gap.
    max_bytes : int
        What a deflated data set may inflate to.
    threads : int, optional
        How many files are opened at a time; as many as help if not given.

    Returns
    -------
    list of Stack
        Stacks of a series follow each other, in the order of their planes in space and time. Where
        planes stand at the same place, pixels would tell whether they are repeats: `Stack.read`
        compares them.

    Raises
    ------
    FastpixError
        A file that should be an image cannot be read; the error names it.
    OSError
        A path cannot be read.

    Warns
    -----
    HeaderWarning
        Headers with an oddity, each text once.

    Examples
    --------
    >>> for stack in fastpix.open_series("study/"):                    # doctest: +SKIP
    ...     print(stack.series_uid, stack.shape, stack.spacing, stack.codes)
    """
    found = find_stacks(source, tolerance, max_bytes, threads)
    for _, error in found.failures:
        error.add_note("It may belong to a volume: leave the file out of the source to go on")
        raise error
    return [s for s in found.stacks if series_uid is None or s.series_uid == series_uid]


def find_stacks(
    source: SeriesSource,
    tolerance: float,
    max_bytes: int,
    threads: int | None,
    watched: Watch = iter,
) -> Found:
    """Find the volumes in a source, and what cannot be read of it.

    Parameters
    ----------
    source, tolerance, max_bytes, threads
        As in `open_series`.
    watched : callable
        Is given the list of files, and yields each when its turn comes: for a progress bar.
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float, np.floating)):
        raise ArgumentError("tolerance", f"{tolerance!r} is not a number")
    if not 0 < tolerance < 0.5:
        raise ArgumentError("tolerance", f"{tolerance!r} is not between 0 and 0.5")
    count = None if threads is None else checked_threads(threads)
    limit = checked_limit(max_bytes)
    opened = open_files(watched(list_sources(source, limit)), limit, count)
    for text, times in opened.warned.items():
        files = "" if len(opened.files) == 1 else f" ({count_of(times, 'file')})"
        warn_caller(text + files)
    return Found(_stacks_of(opened, tolerance), opened.failures, opened.others)


def _stacks_of(opened: Opened, tolerance: float) -> list[Stack]:
    by_series: dict[str, list[Stack]] = {}
    for arrangement in group_planes(opened.planes, tolerance=tolerance):
        stack = stack_of(opened.files, opened.planes, arrangement, tolerance)
        others = by_series.setdefault(stack.series_uid, [])
        stack.number = len(others)
        others.append(stack)
    return [stack for stacks in by_series.values() for stack in stacks]
