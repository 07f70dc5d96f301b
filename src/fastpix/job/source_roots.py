"""Folders that a cache was made of: no file of another one is taken for one of theirs."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from fastpix.errors import ArgumentError
from fastpix.job.items import SourceFile
from fastpix.job.live_rows import name_numbers
from fastpix.job.scan.source_locations import BETWEEN, file_system
from fastpix.job.source_paths import path_parts, read_part
from fastpix.job.storage import is_url
from fastpix.job.storage.local_storage import LocalStorage
from fastpix.pseudonyms import Names

_BEGIN, _END = "roots-", ".json"
_TOGETHER = 256  # files that are compared at a time


def keep_roots(folder: str, roots: Sequence[str]) -> None:
    """Keep in mind that a cache is made of files below these roots, too.

    Parameters
    ----------
    folder : str
        That of the private paths: roots may name a patient.
    roots : sequence of str
        Absolute paths, or URLs.
    """
    new = sorted(set(roots) - _kept(folder))
    if new:
        data = json.dumps(new).encode()
        key = f"{_BEGIN}{hashlib.sha256(data).hexdigest()[:16]}{_END}"
        LocalStorage(folder, mode=0o600).create(key, data)


def other_roots(folder: str, roots: Sequence[str]) -> list[str]:
    """Return the roots that a cache was made of, besides these, and that still exist.

    Parameters
    ----------
    folder : str
        That of the private paths.
    roots : sequence of str
        Of this run. Another path to the same folder is no other root.
    """
    others = sorted(_kept(folder) - set(roots)) if roots else []
    if not others:
        return []
    own = {identity for root in roots if (identity := _identity(root)) is not None}
    return [root for root in others if _identity(root) not in (*own, None)]


def _kept(folder: str) -> set[str]:
    names = (name for name in os.listdir(folder) if name.startswith(_BEGIN))
    storage = LocalStorage(folder)
    found: set[str] = set()
    for name in names:
        if name.endswith(_END):
            with suppress(FileNotFoundError, ValueError):
                found.update(json.loads(storage.read(name)))
    return found


class OtherFiles:
    """Files that a cache has of other roots, in 16 bytes each.

    Parameters
    ----------
    folder : str
        That of the private paths.
    roots : sequence of str
        The other ones.
    counting : ndarray of uint64
        Numbers of the names that count in the cache.
    """

    def __init__(self, folder: str, roots: Sequence[str], counting: NDArray[np.uint64]) -> None:
        ends = {"/", os.sep, BETWEEN}
        below = tuple(os.fsencode(root.rstrip("/") + end) for root in roots for end in ends)
        whole = frozenset(map(os.fsencode, roots))
        parts = path_parts(folder)
        names, rows, is_other = [np.empty(0, np.uint64)], [np.empty((0, 2), np.int32)], []
        for part, key in enumerate(parts):
            own, locations = read_part(folder, key)
            places = np.arange(len(own), dtype=np.int32)
            names.append(name_numbers(own))
            rows.append(np.stack([np.full_like(places, part), places], axis=1))
            is_other += [each.startswith(below) or each in whole for each in locations]
        numbers = np.concatenate(names)
        order = np.argsort(numbers, kind="stable")
        is_last = np.ones(len(order), np.bool_)  # of a name: where the latest run has found it
        is_last[:-1] = numbers[order][1:] != numbers[order][:-1]
        kept = order[is_last]
        kept = kept[np.array(is_other, np.bool_)[kept] & np.isin(numbers[kept], counting)]
        self._numbers, self._rows = numbers[kept], np.concatenate(rows)[kept]
        self._read = lru_cache(2)(lambda part: read_part(folder, parts[part])[1])

    def checked(self, files: Iterable[SourceFile], names: Names) -> Iterator[SourceFile]:
        """Yield files, as long as none has the name of one of these.

        Parameters
        ----------
        files : iterable of SourceFile
        names : Names

        Raises
        ------
        ArgumentError
            One has, and the other file is still there, and is another one.
        """
        stream = iter(files)
        while some := list(islice(stream, _TOGETHER)):
            self._check(some, [names.of_path(file.relative) for file in some])
            yield from some

    def _check(self, files: Sequence[SourceFile], names: Sequence[str]) -> None:
        if not len(self._numbers):
            return
        numbers = name_numbers(names)
        places = np.searchsorted(self._numbers, numbers)
        places[places == len(self._numbers)] = 0
        for k in np.flatnonzero(self._numbers[places] == numbers).tolist():
            part, row = self._rows[places[k]].tolist()
            other = _identity(os.fsdecode(self._read(part)[row]))
            if other is not None and other != _identity(files[k].location):
                raise ArgumentError(
                    "dst",
                    f"this cache has files of another source, which is still there and has the "
                    f"same names, so that those of this source would be taken for them (fastpix "
                    f"locate prints the first: {names[k]}). Convert into another folder (--into "
                    f"NEW), or both sources into a new one with a root that holds both (--root). "
                    f"Only if this source takes the place of the other: move that one away first",
                )


def _identity(location: str) -> tuple[str, int, int] | None:
    """Return what tells a file, folder or archive from others; None where there is none."""
    if is_url(location):
        with suppress(Exception):  # whatever its file system raises: nobody knows of it
            system, path = file_system(location)
            return (location, 0, 0) if system.exists(path) else None
        return None
    archive, between, _ = location.partition(BETWEEN)
    for path in (location, archive) if between else (location,):
        with suppress(OSError, ValueError):
            status = os.stat(path)
            if path == location or stat.S_ISREG(status.st_mode):
                return "", status.st_dev, status.st_ino
    return None
