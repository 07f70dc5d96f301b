"""What a caller calls a source, a folder or an archive among others, to the files that it holds."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fastpix.errors import ArgumentError, add_source
from fastpix.source.opening import SourceLike
from fastpix.source.pydicom_types import is_dataset

_WILD = frozenset("*?[")
# What a list names is not opened to find out whether it is an archive: the name decides.
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
_MEDIA_DIRECTORY = "DICOMDIR"


def list_sources(
    source: SourceLike | Iterable[Any], max_bytes: int | None = None
) -> list[SourceLike]:
    """List the files that a source holds; none is read but archives and media directories.

    Parameters
    ----------
    source : path, bytes-like, binary file, Member, pydicom Dataset, or an iterable of these
        A folder is walked with its folders, in the order of names. Hidden files and folders, whose
        names begin with a dot, and files with the name DICOMDIR are left out; archives in it stay
        files. An archive (zip, tar, tar.gz) gives its members, by the same rule, in its order. A
        DICOMDIR gives the files that it refers to. A path that does not exist, and has ``*``,
        ``?`` or ``[``, is a pattern; ``**`` is for folders of any depth. Archives and media
        directories that a pattern or an iterable names are known by their names.
    max_bytes : int, optional
        What a member of an archive may take; 2**32 if not given.

    Raises
    ------
    ArgumentError
        A source is none of these.
    PixelDataError, PixelHeaderError
        An archive or media directory is damaged.
    OSError
        A path does not exist, or cannot be read.
    """
    if isinstance(source, (str, os.PathLike)):
        return _in_path(source, max_bytes, _by_content)
    if _is_single(source):
        return [source]  # type: ignore[list-item]
    if not isinstance(source, Iterable):
        raise ArgumentError(
            "source",
            f"a {type(source).__name__} is not a path, bytes, a binary file, a Dataset, or a "
            "list of these",
        )
    found: list[SourceLike] = []
    every: Iterable[Any] = source
    for each in every:
        if isinstance(each, (str, os.PathLike)):
            found += _in_path(each, max_bytes, _by_name)
        else:
            found.append(each)
    return found


def _is_single(source: object) -> bool:
    return (
        isinstance(source, (bytes, bytearray, memoryview))
        or is_dataset(source)
        or hasattr(source, "read")
        or hasattr(source, "read_bytes")
    )


def _in_path(
    path: str | os.PathLike[str], max_bytes: int | None, kind_of: Callable[[str], str]
) -> list[SourceLike]:
    name = os.fspath(path)
    if not isinstance(name, str):
        name = os.fsdecode(name)
    try:
        mode = os.stat(name).st_mode
    except ValueError as error:  # a NUL, or text that no file name can have
        raise ArgumentError("source", f"{path!r} is no path: {error}") from error
    except FileNotFoundError:
        if not _WILD.intersection(name):
            raise
        found = sorted(glob.glob(name, recursive=True))
        if not found:
            raise
        return [each for one in found for each in _in_path(one, max_bytes, _by_name)]
    if stat.S_ISDIR(mode):
        return list(walk_folder(name))
    kind = kind_of(name) if stat.S_ISREG(mode) else ""
    if not kind:
        return [path]
    if kind == _MEDIA_DIRECTORY:
        from fastpix.source.media_directory import referenced_files

        try:
            return list(referenced_files(name))
        except ValueError as error:
            add_source(error, name)
            raise
    from fastpix.source.archives import MEMBER_BYTES, members_of

    members = members_of(name, kind, MEMBER_BYTES if max_bytes is None else max_bytes)
    return [member for member in members if not is_left_out(member.name)]


def _by_content(path: str) -> str:
    from fastpix.source.archives import kind_of_archive
    from fastpix.source.media_directory import is_media_directory

    return kind_of_archive(path) or (_MEDIA_DIRECTORY if is_media_directory(path) else "")


def _by_name(path: str) -> str:
    name = os.path.basename(path)
    if name.upper() == _MEDIA_DIRECTORY or name.lower().endswith(_ARCHIVES):
        return _by_content(path)
    return ""


def is_left_out(name: str) -> bool:
    """Whether a file of a folder or an archive is hidden, or a media directory, by its name."""
    parts = name.replace("\\", "/").split("/")
    is_hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    return is_hidden or parts[-1].upper() == _MEDIA_DIRECTORY


def walk_folder(
    folder: str, *, keeps_hidden: bool = False, skipped: Iterable[str] = ()
) -> Iterator[str]:
    """Yield the files in a folder and its folders, in the order of their names.

    Files of a folder come before those of its folders. Links are followed, and each folder is
    walked once, so loops end. A folder that cannot be listed is yielded like a file, at the end:
    reading it fails by its name, and it is not lost. So is a link that leads nowhere.

    Parameters
    ----------
    folder : str
    keeps_hidden : bool
        Whether hidden files and folders, and media directories, are yielded too.
    skipped : iterable of str
        Folders that are not walked, if they exist.
    """
    seen = {identity for path in skipped if (identity := _identity(path)) is not None}
    waiting = [folder]
    unreadable = []
    while waiting:
        parent = waiting.pop()
        identity = _identity(parent)
        if identity is not None:
            if identity in seen:
                continue
            seen.add(identity)
        try:
            with os.scandir(parent) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            unreadable.append(parent)
            continue
        folders = []
        for entry in entries:
            if not keeps_hidden and is_left_out(entry.name):
                continue
            if _is_folder(entry):
                folders.append(entry.path)
            elif _is_file(entry):
                yield entry.path
        waiting += reversed(folders)
    yield from unreadable


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file, or a link that leads nowhere; pipes and devices are neither."""
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))
    except OSError:  # a loop of links
        return True
