"""A cache in a folder: files that are whole or absent, and last through a power failure."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Any

from fastpix import new_files
from fastpix.job.storage.storage_protocol import Entry, NewFile
from fastpix.job.storage.temporary import ENDING, hidden_key

_MOST_OPEN = 64  # files that are kept open for reading


class LocalStorage:
    """A folder of this machine, or of a file system that several machines share.

    Parameters
    ----------
    folder : str or path
        Made when the first file is written.
    mode : int
        Permissions of new files, less the umask.
    """

    def __init__(self, folder: str | os.PathLike[str], mode: int = 0o666) -> None:
        self.folder = Path(folder)
        self._mode = mode
        self._opened = _OpenFiles()

    def __repr__(self) -> str:
        return f"LocalStorage({str(self.folder)!r})"

    def path(self, key: str) -> Path:
        """Return where a key lies."""
        return self.folder / key

    def create(self, key: str, data: bytes) -> bool:
        """Write a file unless its key is taken: see `Storage.create`."""
        path = self.path(key)
        temporary = self._write_aside(path, data)
        try:
            new_files.link_new(temporary, path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
        flush_folder(path.parent)
        return True

    def replace(self, key: str, data: bytes) -> None:
        """Write a file in place of what has its key: see `Storage.replace`."""
        path = self.path(key)
        temporary = self._write_aside(path, data)
        try:
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        flush_folder(path.parent)

    def _write_aside(self, path: Path, data: bytes) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}{ENDING}")
        try:
            with open_new(temporary, self._mode) as file:
                write_all(file, data)
                os.fsync(file.fileno())
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        return temporary

    def new_file(self, key: str, attempt: str) -> NewFile:
        """Begin a file: see `Storage.new_file`."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path(hidden_key(key, attempt))
        return _LocalFile(path, temporary, open_new(temporary, self._mode))

    def unpublished(self, key: str, attempt: str) -> NewFile | None:
        """Return a flushed file that was not published: see `Storage.unpublished`."""
        path, temporary = self.path(key), self.path(hidden_key(key, attempt))
        return _LocalFile(path, temporary, None) if temporary.exists() else None

    def read_into(self, key: str, offset: int, buffer: memoryview) -> int:
        """Fill a buffer from a file, which is kept open; return how many bytes there were.

        Parameters
        ----------
        key : str
        offset : int
        buffer : memoryview
        """
        handle = self._opened.handle(self.path(key))
        done = 0
        while done < len(buffer):
            count = handle.read_at(offset + done, buffer[done:])
            if not count:
                break
            done += count
        return done

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file: see `Storage.read`."""
        with FileIO(f"{self.folder}/{key}") as file:  # a Path costs as much as the file
            if offset:
                file.seek(offset)
            return _read_all(file, length)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Yield files by prefix: see `Storage.list`."""
        begin = prefix.rpartition("/")[0]
        yield from self._walk(self.folder / begin, f"{begin}/" if begin else "", prefix)

    def _walk(self, folder: Path, above: str, prefix: str) -> Iterator[Entry]:
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            key = above + entry.name
            if entry.is_dir(follow_symlinks=False):
                if key.startswith(prefix) or prefix.startswith(f"{key}/"):
                    yield from self._walk(folder / entry.name, f"{key}/", prefix)
            elif key.startswith(prefix):
                try:
                    status = entry.stat()
                except FileNotFoundError:  # removed since it was listed
                    continue
                yield Entry(key, status.st_size, status.st_mtime)

    def remove(self, key: str) -> None:
        """Remove a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(key))


class _Handle:
    """A file that is open for reading, until nobody reads from it any more."""

    def __init__(self, path: Path) -> None:
        self._file = FileIO(path)
        self._lock = Lock()

    def read_at(self, start: int, target: memoryview) -> int:
        """Fill a buffer from byte `start` on; return how many bytes there were."""
        if hasattr(os, "preadv"):
            count: int = os.preadv(self._file.fileno(), [target], start)
            return count
        with self._lock:  # threads share the position
            self._file.seek(start)
            return self._file.readinto(target) or 0

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


class _OpenFiles:
    """Files that are kept open for reading: each read names its place, so all may share them."""

    def __init__(self) -> None:
        self._handles: dict[Path, _Handle] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _OpenFiles, ()

    def handle(self, path: Path) -> _Handle:
        handle = self._handles.get(path)
        if handle is None:
            for oldest in list(self._handles)[: max(0, len(self._handles) - _MOST_OPEN + 1)]:
                self._handles.pop(oldest, None)
            handle = self._handles[path] = _Handle(path)
        return handle


class _LocalFile:
    """A file under a hidden name until it is published."""

    def __init__(self, path: Path, temporary: Path, file: FileIO | None) -> None:
        self._path = path
        self._temporary = temporary
        self._file = file
        self._size = 0
        self._is_published = False

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        assert self._file is not None
        self._size += write_all(self._file, data)

    def tell(self) -> int:
        """Return how many bytes have been written."""
        return self._size

    def flush(self) -> None:
        """Make what was written last."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def publish(self) -> None:
        """Give the file its name."""
        if not self._is_published:
            try:
                os.replace(self._temporary, self._path)
            except FileNotFoundError:  # another run, which found it, was quicker
                if not self._path.exists():
                    raise
            self._is_published = True
            flush_folder(self._path.parent)

    def discard(self) -> None:
        """Remove the file, unless it is published."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if not self._is_published:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temporary)


def open_new(path: Path, mode: int = 0o666) -> FileIO:
    """Open a new file for writing; never through a link, never one that is there.

    Parameters
    ----------
    path : Path
    mode : int
        Permissions, less the umask.
    """
    return FileIO(new_files.open_new(path, mode), "wb")


def write_all(file: FileIO, data: bytes | memoryview) -> int:
    """Write all bytes, however short the writes are, and return how many.

    Parameters
    ----------
    file : FileIO
    data : bytes-like
    """
    view = memoryview(data).cast("B")
    done = 0
    while done < len(view):
        done += file.write(view[done:]) or 0
    return done


def _read_all(file: FileIO, length: int | None) -> bytes:
    if length is None:
        return file.readall()
    parts = []
    while length > 0 and (part := file.read(length)):
        parts.append(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def flush_folder(folder: Path) -> None:
    """Make names in a folder last through a power failure, where the system can say so.

    Parameters
    ----------
    folder : Path
    """
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
