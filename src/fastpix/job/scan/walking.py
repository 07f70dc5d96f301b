"""A folder to its files, as they are found: one look at each, and no list of all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from fastpix.job.items import SourceFile
from fastpix.job.scan.waiting import map_waiting


class Walk:
    """Walks folders; each is walked once, whatever leads to it, so loops of links end.

    Parameters
    ----------
    skipped : iterable of str
        Folders and files that are left out, if they exist.
    """

    def __init__(self, skipped: Iterable[str] = ()) -> None:
        paths = [os.path.abspath(path) for path in skipped]
        self._skipped_names = frozenset(map(os.path.basename, paths))
        self._seen = {identity for path in paths if (identity := _identity(path)) is not None}

    def files(self, folder: str, prefix: str) -> Iterator[SourceFile]:
        """Yield the files in a folder and its folders, whatever they are called.

        Pipes, sockets and devices are left out. A folder that cannot be listed, and a link that
        leads nowhere, are yielded like files: reading them fails, so they are not lost.

        Parameters
        ----------
        folder : str
            Absolute.
        prefix : str
            Of the relative paths: empty, or with ``/`` at its end.
        """
        return map_waiting(_looked_at, self._entries(folder, prefix))

    def _entries(self, folder: str, prefix: str) -> Iterator[tuple[os.DirEntry[str] | str, str]]:
        waiting = [(folder, prefix)]
        while waiting:
            parent, before = waiting.pop()
            identity = _identity(parent)
            if identity is not None:
                if identity in self._seen:
                    continue
                self._seen.add(identity)
            try:
                entries = os.scandir(parent)
            except OSError:
                yield parent, before.rstrip("/") or "."
                continue
            folders = []
            with entries:
                try:
                    for entry in entries:
                        if _is_folder(entry):
                            folders.append((entry.path, f"{before}{entry.name}/"))
                        elif _is_file(entry) and not self._is_skipped(entry):
                            yield entry, before + entry.name
                except OSError:  # the listing broke off
                    yield parent, before.rstrip("/") or "."
            folders.sort(reverse=True)
            waiting += folders

    def _is_skipped(self, entry: os.DirEntry[str]) -> bool:
        # By identity, since a link may lead to the folder; names spare most files a second look.
        return entry.name in self._skipped_names and _identity(entry.path) in self._seen


def _looked_at(found: tuple[os.DirEntry[str] | str, str]) -> SourceFile:
    entry, relative = found
    if isinstance(entry, str):
        return SourceFile(entry, relative, 0, 0)
    try:
        status = entry.stat()
    except OSError:  # gone since it was listed, or a link that leads nowhere
        return SourceFile(entry.path, relative, 0, 0)
    return SourceFile(entry.path, relative, status.st_size, status.st_mtime_ns)


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
