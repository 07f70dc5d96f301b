"""What sources name, looked at: folders, archives, DICOMDIR, URLs and files, each of them once."""

from __future__ import annotations

import glob
import os
import stat
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.scan.waiting import map_waiting
from fastpix.job.storage import is_url
from fastpix.source.archives import kind_of_archive
from fastpix.source.media_directory import is_media_directory

FILE, MISSING, FOLDER, ARCHIVE, DIRECTORY, URL = range(6)
"""Kinds of places; DIRECTORY is a DICOMDIR."""

SINGLE = (FILE, MISSING)
"""Kinds that hold no others: lists of them differ from run to run."""

_WILD = frozenset("*?[")
# What a list or a glob names is not opened to find out whether it is an archive: the name decides.
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
_MEDIA_DIRECTORY = "DICOMDIR"


class Place(NamedTuple):
    """A source that was looked at.

    Attributes
    ----------
    path : str
        Absolute, or a URL.
    kind : int
    size, stamp : int
        Of a file; 0 where it is missing.
    """

    path: str
    kind: int
    size: int = 0
    stamp: int = 0


class Places:
    """The places of a list, in 17 bytes each beyond their paths.

    Parameters
    ----------
    paths : sequence of str
        Absolute, or URLs.
    is_alone : bool
        Whether a user named one place: it is known by its content, others by their names.

    Raises
    ------
    PixelDataError
        The only one is an archive of a kind that is not read.
    OSError
        The only one cannot be read.
    """

    def __init__(self, paths: Sequence[str], is_alone: bool) -> None:
        self.paths: list[str] = []
        self.kinds = bytearray()
        self._sizes, self._stamps = array("q"), array("q")
        look = _look_alone if is_alone else look_at
        for place in map_waiting(look, paths):
            self._add(place)

    def _add(self, place: Place) -> None:
        self.paths.append(place.path)
        self.kinds.append(place.kind)
        self._sizes.append(place.size)
        self._stamps.append(place.stamp)

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Place]:
        return map(Place, self.paths, self.kinds, self._sizes, self._stamps)

    def leave_out_nested(self) -> None:
        """Leave out what is found by walking a folder of the list.

        Archives stay: members of an archive are not found by walking its folder.
        """
        folders = {place.path for place in self if place.kind == FOLDER}
        if not folders:
            return
        kept = [p for p in self if p.kind in (URL, ARCHIVE) or not _is_below(p.path, folders)]
        self.paths, self.kinds = [], bytearray()
        self._sizes, self._stamps = array("q"), array("q")
        for place in kept:
            self._add(place)


def expanded(name: str, is_alone: bool) -> list[str]:
    """Return what a source names: itself, or the places of a glob; absolute.

    Parameters
    ----------
    name : str
    is_alone : bool
        Whether a user named nothing else: it must exist.

    Raises
    ------
    FileNotFoundError
    ArgumentError
        It is no path.
    """
    if is_url(name):
        return [name]
    if "\0" in name:
        raise ArgumentError("src", "a path with a NUL is no path")
    if is_glob(name):
        found = sorted(glob.glob(name, recursive=True, include_hidden=True))
        if found:
            return [os.path.abspath(each) for each in found]
    if is_alone and not os.path.lexists(name):
        os.stat(name)
    path = os.path.abspath(name)
    return [name if path == name else path]  # a long list is not kept twice


def is_glob(name: str) -> bool:
    """Whether a source is a pattern; a path that exists is none, whatever it is called.

    Parameters
    ----------
    name : str
    """
    return is_wild(name) and not is_url(name) and not os.path.lexists(name)


def is_wild(text: str) -> bool:
    """Whether a text has one of the signs of a pattern.

    Parameters
    ----------
    text : str
    """
    return not _WILD.isdisjoint(text)


def _is_below(path: str, folders: set[str]) -> bool:
    above = os.path.dirname(path)
    while above != path:
        if above in folders:
            return True
        path, above = above, os.path.dirname(above)
    return False


def look_at(path: str) -> Place:
    """Look at one of several places; one that cannot be read fails when it is converted.

    Parameters
    ----------
    path : str
        Absolute, or a URL.
    """
    if is_url(path):
        return Place(path, URL)
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return Place(path, MISSING)
    if stat.S_ISDIR(status.st_mode):
        return Place(path, FOLDER)
    kind = FILE
    if stat.S_ISREG(status.st_mode):  # a pipe is refused when it is read, and never waited for
        kind = _kind_by_name(path)
    return Place(path, kind, status.st_size, status.st_mtime_ns)


def _kind_by_name(path: str) -> int:
    name = path.rpartition(os.sep)[2]
    try:
        if name.lower().endswith(_ARCHIVES):
            return ARCHIVE if kind_of_archive(path) else FILE
        if name.upper() == _MEDIA_DIRECTORY:
            return DIRECTORY if is_media_directory(path) else FILE
    except (OSError, FastpixError):
        return FILE
    return FILE


def _look_alone(path: str) -> Place:
    place = look_at(path)
    if place.kind == FILE and stat.S_ISREG(os.stat(path).st_mode):
        if kind_of_archive(path):
            return place._replace(kind=ARCHIVE)
        if is_media_directory(path):
            return place._replace(kind=DIRECTORY)
    return place
