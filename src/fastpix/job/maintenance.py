"""What runs that died have left: batches that are committed and not published, and files."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fastpix.job.manifest import read_parts
from fastpix.job.storage.storage_protocol import Storage
from fastpix.job.storage.temporary import is_temporary, key_and_attempt

RUNS = "runs/"
_BEAT = 60.0  # seconds between two signs of life
_DEAD = 600.0  # seconds without one, after which a run is dead
_OLD = 86400.0  # seconds: what nobody has touched for a day


@contextmanager
def run_marked(storage: Storage) -> Iterator[None]:
    """Leave a sign of life in a cache while a run writes to it, so that `gc` keeps off.

    Parameters
    ----------
    storage : Storage
    """
    key = f"{RUNS}{secrets.token_hex(8)}"
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(_BEAT):
            try:
                storage.replace(key, b"")
            except OSError:  # the run itself will meet the error, and tell it
                continue

    storage.replace(key, b"")
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with suppress(OSError):  # the file system is gone: the mark dies by its age
            storage.remove(key)


def is_run_alive(storage: Storage) -> bool:
    """Whether a run has given a sign of life within the last ten minutes.

    Parameters
    ----------
    storage : Storage
    """
    now = time.time()
    return any(now - entry.modified < _DEAD for entry in storage.list(RUNS))


def finish_publishing(storage: Storage, folder: str = "") -> int:
    """Give files of committed batches their names, where a run died just before it did.

    Parameters
    ----------
    storage : Storage
    folder : str
        The one that is looked at: shards lie in one of their own. All if not given.

    Returns
    -------
    int
        How many files.
    """
    waiting: dict[str, list[str]] = {}
    for entry in storage.list(folder):
        if is_temporary(entry.key):
            key, attempt = key_and_attempt(entry.key)
            waiting.setdefault(attempt, []).append(key)
    count = 0
    if waiting:
        for facts, _ in read_parts(storage, ["item"]):
            for key in waiting.get(facts.attempt, ()):
                file = storage.unpublished(key, facts.attempt)
                if file is not None:
                    file.publish()
                    count += 1
    return count


def folder_of(format_: str) -> str:
    """Return where a format writes what is published once a batch is committed.

    Parameters
    ----------
    format_ : str
        Its name.
    """
    return "shards/" if format_ == "tar" else ""


def remove_leftovers(
    storage: Storage, committed: set[str], force: bool = False, folder: str = ""
) -> tuple[int, int]:
    """Remove what attempts have written that were not committed.

    Parameters
    ----------
    storage : Storage
    committed : set of str
        Attempts of all parts.
    force : bool
        Whatever its age.
    folder : str
        The one that is looked at; all if not given.

    Returns
    -------
    (int, int)
        How many files, and how many bytes.
    """
    files = size = 0
    now = time.time()
    for entry in storage.list(folder):
        is_mark = entry.key.startswith(RUNS) and now - entry.modified > _DEAD
        if is_mark:
            storage.remove(entry.key)
        if not is_temporary(entry.key):
            continue
        _, attempt = key_and_attempt(entry.key)
        if attempt in committed or not (force or now - entry.modified > _OLD):
            continue
        storage.remove(entry.key)
        files, size = files + 1, size + entry.size
    return files, size
