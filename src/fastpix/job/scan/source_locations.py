"""`SourceFile.location` to what opens it: a path, a member of an archive, a URL."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fastpix.errors import FastpixError, PixelDataError
from fastpix.job.items import SourceFile
from fastpix.job.storage import is_url
from fastpix.source.archives import Member, kind_of_archive, members_of
from fastpix.source.listing import is_left_out
from fastpix.source.media_directory import is_media_directory, referenced_files
from fastpix.source.opening import SourceLike

# What file systems of fsspec call the time of a change, or a checksum; the first that there is.
_CHANGES = ("mtime", "LastModified", "last_modified", "updated", "created", "ETag", "etag")

BETWEEN = "!/"
"""What stands between the path of an archive and the name of its member."""


def open_location(location: str) -> SourceLike:
    """Return what a location names; it is not read yet.

    Parameters
    ----------
    location : str

    Raises
    ------
    FastpixError
        It is no regular file, or the archive has no such member.
    OSError
        It is not there.
    ImportError
        A URL, and the extra ``cloud`` is not installed.
    """
    if is_url(location):
        return RemoteFile(location)  # type: ignore[return-value]
    if BETWEEN in location and not os.path.exists(location):
        # The path of an archive, and the name of a member, may have these signs too.
        at = location.find(BETWEEN)
        while at >= 0:
            if os.path.isfile(location[:at]):
                return _member(location[:at], location[at + len(BETWEEN) :])
            at = location.find(BETWEEN, at + 1)
    # A pipe must not be waited for.
    if not stat.S_ISREG(os.stat(location).st_mode):
        raise PixelDataError(reason="it is no regular file", remedy="leave it out")
    return location


def is_plain(location: str) -> bool:
    """Whether a location is the path of a file as it is.

    Parameters
    ----------
    location : str
    """
    return BETWEEN not in location and not is_url(location)


@dataclass(frozen=True, slots=True)
class LazyFile:
    """A file that is found when it is read, so that an error is of that file alone.

    Attributes
    ----------
    location : str
    """

    location: str

    def __str__(self) -> str:
        return self.location

    def read_bytes(self) -> bytes:
        """Return its bytes."""
        source: Any = open_location(self.location)
        if isinstance(source, str):
            with open(source, "rb") as file:
                return file.read()
        data: bytes = source.read_bytes()
        return data


def members(archive: str, prefix: str) -> Iterator[SourceFile]:
    """Yield the members of an archive; hidden ones and media directories are left out.

    Of members with the same name the last is meant, as tar and unzip have it.

    Parameters
    ----------
    archive : str
        Its path.
    prefix : str
        Of relative paths.

    Raises
    ------
    PixelDataError
        It is damaged.
    OSError
        It cannot be read.
    """
    status = os.stat(archive)
    modified = status.st_mtime_ns
    for member in _members_by_name(archive, status.st_size, modified).values():
        if not is_left_out(member.name):
            stamp = member.checksum if member.kind == "zip" else modified
            location = f"{archive}{BETWEEN}{member.name}"
            yield SourceFile(location, prefix + member.name, member.size, stamp)


def unlisted(place: str, relative: str, size: int, stamp: int) -> SourceFile:
    """Return what stands for an archive or DICOMDIR that cannot be listed: opening it says why.

    Parameters
    ----------
    place, relative : str
    size, stamp : int
    """
    return SourceFile(f"{place}{BETWEEN}", relative, size, stamp)


def _member(archive: str, name: str) -> Member:
    status = os.stat(archive)
    if not name and is_media_directory(archive):
        referenced_files(archive)
    found = _members_by_name(archive, status.st_size, status.st_mtime_ns).get(name)
    if found is None:
        raise FastpixError("the archive has no such member: it has changed since it was listed")
    return found


@lru_cache(4)
def _members_by_name(archive: str, size: int, modified_ns: int) -> dict[str, Member]:
    del size, modified_ns  # of the archive that is kept here
    return {member.name: member for member in members_of(archive, kind_of_archive(archive))}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file behind a URL, read whole by fsspec; credentials are those of the environment.

    Attributes
    ----------
    url : str
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def read_bytes(self) -> bytes:
        """Return its bytes."""
        system, path = file_system(self.url)
        data: bytes = system.cat_file(path)
        return data


def file_system(url: str) -> tuple[Any, str]:
    """Return fsspec's file system of a URL, and the path in it.

    Parameters
    ----------
    url : str

    Raises
    ------
    ImportError
        The extra ``cloud`` is not installed, or what the protocol needs.
    FastpixError
        fsspec knows no such protocol.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ImportError("URLs need fsspec: pip install 'fastpix[cloud]'") from error
    try:
        system, path = url_to_fs(url)
    except ValueError as error:
        raise FastpixError(f"{url.partition('://')[0]}:// is no protocol that is known") from error
    return system, path


def remote_files(url: str, prefix: str) -> Iterator[SourceFile]:
    """Yield the files below a URL, as its file system lists them.

    Parameters
    ----------
    url : str
    prefix : str
        Of relative paths: empty, or with ``/`` at its end.

    Raises
    ------
    OSError
        There is nothing, or it cannot be listed.
    """
    system, path = file_system(url)
    info = system.info(path)
    if info["type"] == "file":
        yield _remote(system, info, prefix.rstrip("/") or path.rpartition("/")[2])
        return
    start = len(path.rstrip("/")) + 1
    for _, _, files in system.walk(path, detail=True):
        for name in sorted(files):
            each = files[name]
            yield _remote(system, each, prefix + str(each["name"])[start:])


def _remote(system: Any, info: dict[str, Any], relative: str) -> SourceFile:
    changed: Any = next((info[name] for name in _CHANGES if info.get(name)), None)
    if hasattr(changed, "timestamp"):
        changed = changed.timestamp()
    stamp = int(changed * 1e9) if isinstance(changed, (int, float)) else _number(str(changed))
    return SourceFile(system.unstrip_protocol(info["name"]), relative, info["size"] or 0, stamp)


def _number(text: str) -> int:
    import hashlib

    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])
