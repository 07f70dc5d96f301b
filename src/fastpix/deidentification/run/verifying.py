"""Copies that lie in a folder, audited again: what goes out is what was audited."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fastpix.deidentification.copy_options import Deidentification
from fastpix.deidentification.copying import verify_copy
from fastpix.deidentification.run.copy_folders import CopyFolders
from fastpix.deidentification.run.review import settings_of
from fastpix.job.manifest_table import live_table
from fastpix.job.storage.local_storage import LocalStorage

_SHOWN = 10  # violations of a copy

OnVerified = Callable[[int, int], object]
"""Is given how many copies were looked at, and how many there are."""


class Fault(NamedTuple):
    """What is wrong with a file of a folder of copies.

    Attributes
    ----------
    file : str
        Below the folder.
    why : str
        In words: a tag and a rule, never a value.
    """

    file: str
    why: str


class Verified(NamedTuple):
    """What a folder of copies came to.

    Attributes
    ----------
    copies : int
        That were looked at.
    faults : list of Fault
    """

    copies: int
    faults: list[Fault]


def verify_copies(dst: str | os.PathLike[str], on_verified: OnVerified | None = None) -> Verified:
    """Audit the copies of a folder as far as that can be done without their originals.

    Each has the bytes that were audited when it was made, and keeps the rules; none is missing, and
    nothing else lies among them.

    Parameters
    ----------
    dst : path
        What `fastpix.deidentify` has written to.
    on_verified : callable, optional

    Raises
    ------
    FastpixError
        It holds no copies, or its manifest is damaged.
    """
    folders = CopyFolders(dst)
    settings = settings_of(folders)
    table = live_table(LocalStorage(folders.output), settings.id, statuses=("done",))
    rows = {
        name: (length, checksum)
        for name, length, checksum in zip(
            *(table.column(each).to_pylist() for each in ("name", "length", "checksum")),
            strict=True,
        )
    }
    faults = []
    there = set()
    for name, path in sorted(folders.copies()):
        if name not in rows:
            file = path.relative_to(folders.output).as_posix() if name else "a file among copies"
            faults.append(Fault(file, "the manifest has no copy of this name: remove it"))
            continue
        there.add(name)
        faults += _faults(folders, name, path, rows[name], settings.options)
        if on_verified is not None:
            on_verified(len(there), len(rows))
    faults += [
        Fault(folders.key_of(name), "it is missing: run the job again")
        for name in rows.keys() - there
    ]
    return Verified(len(there), faults)


def _faults(
    folders: CopyFolders, name: str, path: Path, row: tuple[int, int], options: Deidentification
) -> list[Fault]:
    file = folders.key_of(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        return [Fault(file, error.strerror or "it cannot be read")]
    found = []
    if (len(data), zlib.crc32(data)) != row:
        why = "its bytes are not those that were audited: remove it, and run the job again"
        found.append(Fault(file, why))
    violations = verify_copy(path, options)
    found += [Fault(file, str(each)) for each in violations[:_SHOWN]]
    if len(violations) > _SHOWN:
        found.append(Fault(file, f"and {len(violations) - _SHOWN} more violations"))
    return found
