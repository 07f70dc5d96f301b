"""Where a cache lies: a folder, or a prefix of an object store.

In: keys, bytes. Out: bytes, whole or not at all. Knows nothing of what they mean.
Stands on: errors.
"""

from __future__ import annotations

import re

from fastpix.job.storage.local_storage import LocalStorage
from fastpix.job.storage.storage_protocol import Storage

_URL = re.compile(r"[a-z][a-z0-9+.-]*://")


def is_url(destination: str) -> bool:
    """Whether a destination is a URL, and no folder.

    Parameters
    ----------
    destination : str
    """
    return _URL.match(destination) is not None


def storage_at(destination: str) -> Storage:
    """Return the storage that a folder or a URL names.

    Parameters
    ----------
    destination : str
    """
    if is_url(destination):
        from fastpix.job.storage.object_storage import ObjectStorage

        return ObjectStorage(destination)
    return LocalStorage(destination)
