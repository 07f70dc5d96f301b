"""A cache under a prefix of an object store (S3, Google, Azure, memory), by obstore.

Objects have no rename: a file that is not published lies under a hidden key, as in a folder, and
the store copies it to its own when it is.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from fastpix.errors import ArgumentError
from fastpix.job.storage.storage_protocol import Entry, NewFile
from fastpix.job.storage.temporary import hidden_key

_PART = 16 * 2**20  # bytes of a part of an upload


class ObjectStorage:
    """A prefix of an object store.

    Credentials and endpoints are those of the environment, as obstore reads them
    (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``, …): none are kept in a cache.

    Parameters
    ----------
    url : str
        ``s3://bucket/prefix``, ``gs://…``, ``az://…``, ``memory:///prefix``.

    Raises
    ------
    ImportError
        The extra ``cloud`` is not installed.
    ArgumentError
        The URL is of no store that obstore knows.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._obstore = _import_obstore()
        self._store = _store_of(self.url, os.getpid())

    def __repr__(self) -> str:
        return f"ObjectStorage({self.url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return ObjectStorage, (self.url,)

    def create(self, key: str, data: bytes) -> bool:
        """Write an object unless its key is taken: see `Storage.create`."""
        try:
            self._obstore.put(self._store, key, data, mode="create")
        except self._obstore.exceptions.AlreadyExistsError:
            return False
        return True

    def replace(self, key: str, data: bytes) -> None:
        """Write an object in place of what has its key: see `Storage.replace`."""
        self._obstore.put(self._store, key, data)

    def new_file(self, key: str, attempt: str) -> NewFile:
        """Begin an object: see `Storage.new_file`."""
        hidden = hidden_key(key, attempt)
        writer = self._obstore.open_writer(self._store, hidden, buffer_size=_PART)
        return _Upload(self._obstore, self._store, key, hidden, writer)

    def unpublished(self, key: str, attempt: str) -> NewFile | None:
        """Return an object that was not published: see `Storage.unpublished`."""
        hidden = hidden_key(key, attempt)
        try:
            self._obstore.head(self._store, hidden)
        except FileNotFoundError:
            return None
        return _Upload(self._obstore, self._store, key, hidden, None)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of an object: see `Storage.read`."""
        if length == 0:
            return b""
        try:
            if offset == 0 and length is None:
                return bytes(self._obstore.get(self._store, key).bytes())
            if length is None:
                length = self._size(key) - offset
                if length <= 0:
                    return b""
            return bytes(self._obstore.get_range(self._store, key, start=offset, length=length))
        except self._obstore.exceptions.BaseError as error:
            # Stores refuse a range that begins where the object has ended.
            with suppress(self._obstore.exceptions.BaseError):
                if self._size(key) <= offset:
                    return b""
            raise OSError(errno.EIO, f"{self.url}/{key} cannot be read: {error}") from error

    def _size(self, key: str) -> int:
        size: int = self._obstore.head(self._store, key)["size"]
        return size

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Yield objects by prefix, in the order of keys: see `Storage.list`."""
        # A store lists by whole segments of a key.
        folder = prefix.rpartition("/")[0]
        found = []
        for chunk in self._obstore.list(self._store, folder or None):
            for each in chunk:
                if each["path"].startswith(prefix):
                    time = each["last_modified"].timestamp()
                    found.append(Entry(each["path"], each["size"], time))
        yield from sorted(found)

    def remove(self, key: str) -> None:
        """Remove an object, if it is there."""
        try:
            self._obstore.delete(self._store, key)
        except FileNotFoundError:
            return


class _Upload:
    """An object under a hidden key until it is published."""

    def __init__(self, obstore: Any, store: Any, key: str, hidden: str, writer: Any) -> None:
        self._obstore = obstore
        self._store = store
        self._key = key
        self._hidden = hidden
        self._writer = writer
        self._size = 0
        self._is_published = False

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        view = memoryview(data).cast("B")
        self._writer.write(view)
        self._size += len(view)

    def tell(self) -> int:
        """Return how many bytes have been written."""
        return self._size

    def flush(self) -> None:
        """Complete the upload."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def publish(self) -> None:
        """Give the object its key."""
        if not self._is_published:
            try:
                self._obstore.rename(self._store, self._hidden, self._key)
            except FileNotFoundError:  # another run, which found it, was quicker
                self._obstore.head(self._store, self._key)
            self._is_published = True

    def discard(self) -> None:
        """Remove the object, unless it is published."""
        if self._is_published:
            return
        self.flush()  # an upload that is not completed would be kept, and paid for
        try:
            self._obstore.delete(self._store, self._hidden)
        except FileNotFoundError:
            return


def _import_obstore() -> Any:
    try:
        import obstore
        import obstore.exceptions
    except ImportError as error:
        raise ImportError("object stores need obstore: pip install 'fastpix[cloud]'") from error
    return obstore


@lru_cache(16)
def _store_of(url: str, process: int) -> Any:
    """Return the store of a URL: one a process, since its connections do not survive a fork."""
    from obstore.store import MemoryStore, from_url

    del process
    if url.startswith("memory:"):
        return MemoryStore()
    try:
        return from_url(url)
    except Exception as error:  # of many kinds
        raise ArgumentError("dst", f"{url} is no object store that is known: {error}") from error
