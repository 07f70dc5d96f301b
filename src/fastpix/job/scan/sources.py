"""What a user names, to files: and what paths are relative to, of which names are made."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TypeAlias

from fastpix.errors import ArgumentError
from fastpix.job.items import SourceFile
from fastpix.job.scan.found_sources import Sources
from fastpix.job.scan.source_locations import BETWEEN, members, remote_files
from fastpix.job.scan.walking import Walk, look_at
from fastpix.job.storage import is_url
from fastpix.source.archives import kind_of_archive
from fastpix.source.media_directory import is_media_directory, referenced_files

PathLike: TypeAlias = "str | os.PathLike[str]"

_WILD = frozenset("*?[")
_LIST = ".parquet"
_SINGLE = ("file", "missing")  # kinds that hold no others: lists of them differ from run to run


def open_sources(
    sources: PathLike | Iterable[PathLike],
    root: PathLike | None = None,
    *,
    skipped: Sequence[PathLike] = (),
) -> Sources:
    """Find out what sources are; they are not walked yet.

    Parameters
    ----------
    sources : path, URL, or iterable of these
        Folders, archives (zip, tar), DICOMDIR, globs, files, URLs that fsspec knows, or one list
        that ``fastpix scan`` has written.
    root : path, optional
        What paths are taken relative to.
    skipped : sequence of path
        Left out where they lie in a folder. The first is the output: a source may not lie in it.

    Raises
    ------
    FileNotFoundError
        The one source does not exist.
    ArgumentError
        Sources cannot be told apart by name, or one lies in the output.
    """
    is_one = isinstance(sources, (str, os.PathLike))
    given = [sources] if is_one else list(sources)  # type: ignore[arg-type]
    names = [_text(each) for each in given]  # type: ignore[arg-type]
    walk = Walk(os.fspath(path) for path in skipped)
    if len(names) == 1 and names[0].endswith(_LIST) and os.path.isfile(names[0]):
        from fastpix.job.scan.scan_file import read_scan

        return read_scan(names[0])
    _refuse_output(names, skipped)
    places: list[str] = []
    for name in names:
        places += _expanded(name, is_alone=len(names) == 1)
    kinds = {place: _kind(place) for place in places}
    places = _outermost(places, kinds)
    base = None if root is None else os.path.abspath(root)
    if base is not None:
        mode = "given"
    elif is_one or (len(names) == 1 and not any(kinds[p] in _SINGLE for p in places)):
        mode = "source"
    elif places and all(kinds[place] not in _SINGLE for place in places):
        mode = "sources"
    else:
        mode = "absolute"
    if mode == "sources":
        _check_base_names(places)
    common = _root_of(names[0]) if mode == "source" and len(names) == 1 else None
    parts: list[Callable[[], Iterable[SourceFile]]] = []
    for place in places:
        prefix = _prefix(place, kinds[place], mode, base, common)
        parts.append(_part(place, kinds[place], prefix, walk))
    return Sources(mode, parts)


def _text(source: PathLike) -> str:
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentError("src", f"a {type(source).__name__} is not a path or a URL")
    path = os.fspath(source)
    return os.fsdecode(path)


def _refuse_output(names: Sequence[str], skipped: Sequence[PathLike]) -> None:
    if not skipped:
        return
    output = os.path.abspath(skipped[0])
    for name in names:
        place = os.path.abspath(name)
        if not is_url(name) and (place == output or place.startswith(output + os.sep)):
            raise ArgumentError("src", "it lies in the output: convert into another folder")


def _expanded(name: str, is_alone: bool) -> list[str]:
    """Return what a source names: itself, or the files of a glob."""
    if is_url(name):
        return [name]
    if "\0" in name:
        raise ArgumentError("src", "a path with a NUL is no path")
    if os.path.lexists(name):
        return [os.path.abspath(name)]
    if _WILD.intersection(name):
        found = sorted(glob.glob(name, recursive=True, include_hidden=True))
        if found:
            return [os.path.abspath(each) for each in found]
    if is_alone:
        os.stat(name)
    return [os.path.abspath(name)]


def _kind(place: str) -> str:
    if is_url(place):
        return "url"
    try:
        mode = os.stat(place).st_mode
    except OSError:
        return "missing"
    if stat.S_ISDIR(mode):
        return "folder"
    if not stat.S_ISREG(mode):
        return "file"  # a pipe: refused when it is read, and never waited for
    if kind_of_archive(place):
        return "archive"
    return "directory" if is_media_directory(place) else "file"


def _outermost(places: Sequence[str], kinds: dict[str, str]) -> list[str]:
    """Leave out what is named twice, and what lies in a folder that is named too."""
    folders = {place for place in places if kinds[place] == "folder"}
    kept = []
    for place in dict.fromkeys(places):
        if kinds[place] != "url" and any(
            str(above) in folders for above in PurePath(place).parents
        ):
            continue
        kept.append(place)
    return kept


def _check_base_names(places: Sequence[str]) -> None:
    seen: set[str] = set()
    for place in places:
        name = os.path.basename(place.rstrip("/"))
        if name in seen:
            raise ArgumentError(
                "src",
                "two sources have the same name, and names of outputs are made of it: give root= "
                "(--root), a folder that holds both",
            )
        seen.add(name)


def _root_of(name: str) -> str:
    """Return what the paths of one source are relative to: of a glob, what is before its signs."""
    if os.path.lexists(name) or not _WILD.intersection(name):
        return os.path.abspath(name if os.path.isdir(name) else os.path.dirname(name) or ".")
    parts = os.path.abspath(name).split(os.sep)
    plain = []
    for part in parts:
        if _WILD.intersection(part):
            break
        plain.append(part)
    return os.sep.join(plain) or os.sep


def _prefix(place: str, kind: str, mode: str, base: str | None, common: str | None) -> str:
    """Return what relative paths of a source begin with; of a file, its relative path."""
    is_many = kind in ("folder", "archive", "directory", "url")
    if mode == "absolute":
        below = place.replace(os.sep, "/")
    elif mode == "sources":
        below = os.path.basename(place.rstrip("/"))
    elif kind == "url":
        return ""
    else:
        start = base if base is not None else common
        assert start is not None
        below = os.path.relpath(place, start).replace(os.sep, "/")
        is_itself = below == "." or (mode == "source" and kind in ("archive", "directory"))
        if is_itself and is_many:
            return ""
    if kind == "archive":
        return below + BETWEEN
    if kind == "directory":
        below = below.rpartition("/")[0]
        return f"{below}/" if below else ""
    return f"{below}/" if is_many else below


def _part(place: str, kind: str, prefix: str, walk: Walk) -> Callable[[], Iterable[SourceFile]]:
    if kind == "folder":
        return lambda: walk.files(place, prefix)
    if kind == "archive":
        return lambda: members(place, prefix)
    if kind == "directory":
        return lambda: _referenced(place, prefix)
    if kind == "url":
        return lambda: remote_files(place, prefix)
    return lambda: [look_at(place, prefix)]


def _referenced(place: str, prefix: str) -> Iterator[SourceFile]:
    folder = os.path.dirname(place)
    for path in referenced_files(place):
        below = os.path.relpath(path, folder).replace(os.sep, "/")
        yield look_at(path, prefix + below)
