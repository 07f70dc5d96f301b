"""New files: binary, whole or not there, on every platform and file system."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

# Not every system has each. Without O_BINARY, Windows would write two bytes for each byte 10.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
for _flag in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW"):
    _NEW |= getattr(os, _flag, 0)
_RENAMES = os.name == "nt"  # a rename fails there where the name is taken
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


def open_new(path: str | os.PathLike[str], mode: int = 0o600) -> int:
    """Return the handle of a new file for writing; never through a link, never one that is there.

    Parameters
    ----------
    path : path
    mode : int
        Permissions, less the umask.

    Raises
    ------
    FileExistsError
    OSError
    """
    return os.open(path, _NEW, mode)


def link_new(temporary: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Give a file that has been written its name, unless the name is taken.

    A hard link does it at once, on NFS too, and `temporary` stays. Where there are no links (exFAT,
    some network folders), Windows renames. On other systems an empty file takes the name first, so
    that a process that dies in between leaves an empty file.

    Parameters
    ----------
    temporary, path : path
        In one folder.

    Raises
    ------
    FileExistsError
        The name is taken.
    OSError
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError as error:
        if _RENAMES:
            os.rename(temporary, path)
        elif error.errno in _NO_LINKS:
            os.close(open_new(path))
            os.replace(temporary, path)
        else:
            raise


@contextlib.contextmanager
def beside(path: str | os.PathLike[str], mode: int = 0o600) -> Iterator[Path]:
    """Make an empty file beside another, to be written and renamed; it is gone in the end.

    Parameters
    ----------
    path : path
        An `OSError` names it, and not the file beside it.
    mode : int
        Permissions of the new file, less the umask.

    Yields
    ------
    Path
        Of the new file.

    Raises
    ------
    OSError
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.writing")
    try:
        os.close(open_new(temporary, mode))
        yield temporary
    except OSError as error:  # a full disk names no file
        if error.errno is None:  # a text alone says more than its number could
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike[str], text: str) -> None:
    """Write text as UTF-8, whole or not at all, in place of the file that has the name.

    Parameters
    ----------
    path : path
    text : str

    Raises
    ------
    OSError
        Nothing has changed.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    with beside(target, 0o666) as temporary:
        temporary.write_bytes(text.encode())
        os.replace(temporary, target)
