"""What a user names, to files: and what paths are relative to, of which names are made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import takewhile
from typing import TypeAlias

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.items import SourceFile
from fastpix.job.scan.found_sources import Sources
from fastpix.job.scan.places import (
    ARCHIVE,
    DIRECTORY,
    FOLDER,
    SINGLE,
    URL,
    Place,
    Places,
    expanded,
    is_glob,
    is_wild,
    look_at,
)
from fastpix.job.scan.source_locations import BETWEEN, members, remote_files, unlisted
from fastpix.job.scan.walking import Walk
from fastpix.job.storage import is_url
from fastpix.source.media_directory import referenced_files

PathLike: TypeAlias = "str | os.PathLike[str]"

_LIST = ".parquet"


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
    is_alone = len(names) == 1
    left_out = tuple(os.path.abspath(os.fspath(path)) for path in skipped)
    if is_alone and names[0].endswith(_LIST) and os.path.isfile(names[0]):
        from fastpix.job.scan.scan_file import read_scan

        if root is not None:
            raise ArgumentError("root", "a list has its root already: give it to fastpix scan")
        return read_scan(names[0], left_out)
    is_pattern = is_alone and is_glob(names[0])
    paths = dict.fromkeys(path for name in names for path in expanded(name, is_alone))
    places = Places(list(paths), is_alone and not is_pattern)
    del paths
    _refuse_output(places, left_out[:1])
    places.leave_out_nested()
    has_single = any(kind in places.kinds for kind in SINGLE)
    if root is not None:
        mode = "given"
    elif is_one or (is_alone and not has_single):
        mode = "source"
    else:
        mode = "sources" if len(places) and not has_single else "absolute"
    if mode == "sources":
        _check_base_names(places)
    start = _start(mode, names, root, is_pattern)
    relative = partial(_relative, mode=mode, start=start, is_pattern=is_pattern)
    return Sources(
        mode,
        [lambda walk: _files(places, relative, walk, is_alone and not is_pattern)],
        left_out,
        _roots(mode, start, places),
    )


def _roots(mode: str, start: str, places: Places) -> tuple[str, ...]:
    if mode == "absolute":
        return ()
    # An archive alone, or a URL, is what its members are relative to.
    if start and not (mode == "source" and list(places.kinds) == [ARCHIVE]):
        return (start,)
    return tuple(
        os.path.dirname(path) if kind == DIRECTORY else path
        for path, kind in zip(places.paths, places.kinds, strict=True)
    )


def _text(source: PathLike) -> str:
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentError("src", f"a {type(source).__name__} is not a path or a URL")
    path = os.fspath(source)
    return os.fsdecode(path)


def _refuse_output(places: Places, output: Sequence[str]) -> None:
    if not output:
        return
    own = output[0], os.path.realpath(output[0])
    for path, kind in zip(places.paths, places.kinds, strict=True):
        if kind == URL:
            continue
        # Links are followed for what is walked: looking into each of a million files would cost.
        is_walked = kind not in SINGLE
        for place in (path, os.path.realpath(path)) if is_walked else (path,):
            if place in own or place.startswith((own[0] + os.sep, own[1] + os.sep)):
                raise ArgumentError("src", "it lies in the output: convert into another folder")


def _base_name(path: str, kind: int) -> str:
    # A DICOMDIR stands for its folder.
    return os.path.basename(os.path.dirname(path) if kind == DIRECTORY else path.rstrip("/"))


def _check_base_names(places: Places) -> None:
    seen: set[str] = set()
    for path, kind in zip(places.paths, places.kinds, strict=True):
        name = _base_name(path, kind)
        if name in seen:
            raise ArgumentError(
                "src",
                "two sources have the same name, and names of outputs are made of it: give root= "
                "(--root), a folder or URL that holds both",
            )
        seen.add(name)


def _start(mode: str, names: Sequence[str], root: PathLike | None, is_pattern: bool) -> str:
    """Return what relative paths are relative to; empty where they are not."""
    if root is not None:
        given = _text(root)
        return given.rstrip("/") if is_url(given) else os.path.abspath(given)
    if mode != "source" or is_url(names[0]):
        return ""
    path = os.path.abspath(names[0])
    if is_pattern:  # what stands before the first part that has signs
        parts = path.split(os.sep)
        return os.sep.join(takewhile(lambda part: not is_wild(part), parts)) or os.sep
    return path if os.path.isdir(path) else os.path.dirname(path)


def _relative(path: str, kind: int, *, mode: str, start: str, is_pattern: bool) -> str:
    """Return the path of a place below the root; empty for one that is the root itself."""
    if mode == "sources":
        return _base_name(path, kind)
    if kind == DIRECTORY:
        path = os.path.dirname(path)
    if mode == "absolute":
        return _with_slashes(path)
    if is_url(path):
        if mode == "source":
            return ""
        return _below_root(path.rstrip("/"), start)
    if mode == "source" and not is_pattern and kind not in SINGLE:
        return ""
    if is_url(start):
        raise ArgumentError("root", "it is a URL, and a source is none")
    below = _with_slashes(os.path.relpath(path, start))
    return "" if below == "." else below


def _below_root(url: str, root: str) -> str:
    if url == root:
        return ""
    if not url.startswith(root + "/"):
        raise ArgumentError("root", "a URL among the sources does not begin with it")
    return url[len(root) + 1 :]


def _with_slashes(path: str) -> str:
    return path.replace(os.sep, "/")


def _files(
    places: Places, relative: Callable[[str, int], str], walk: Walk, is_alone: bool
) -> Iterator[SourceFile]:
    for path, kind, size, stamp in places:
        below = relative(path, kind)
        if kind in SINGLE:
            yield SourceFile(path, below, size, stamp)
        elif kind == FOLDER:
            yield from walk.files(path, f"{below}/" if below else "")
        else:
            yield from _held(Place(path, kind, size, stamp), below, is_alone)


def _held(place: Place, below: str, is_alone: bool) -> Iterator[SourceFile]:
    """Yield what an archive, a DICOMDIR or a URL holds; one of several may fail by itself."""
    try:
        yield from _found_in(place, below)
    except (FastpixError, OSError):
        if is_alone:
            raise
        if place.kind == URL:
            yield SourceFile(place.path, below, 0, 0)
            return
        if place.kind == DIRECTORY:
            below = f"{below}/{os.path.basename(place.path)}".lstrip("/")
        yield unlisted(place.path, below, place.size, place.stamp)


def _found_in(place: Place, below: str) -> Iterable[SourceFile]:
    if place.kind == URL:
        return remote_files(place.path, f"{below}/" if below else "")
    if place.kind == ARCHIVE:
        return members(place.path, below + BETWEEN if below else "")
    return _referenced(place.path, f"{below}/" if below else "")


def _referenced(place: str, prefix: str) -> Iterator[SourceFile]:
    folder = os.path.dirname(place)
    for found in map(look_at, referenced_files(place)):
        below = _with_slashes(os.path.relpath(found.path, folder))
        yield SourceFile(found.path, prefix + below, found.size, found.stamp)
