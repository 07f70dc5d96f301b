"""Copies that wait for a person: which they are, and what was decided about them."""

from __future__ import annotations

import datetime
import os
import secrets
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from fastpix.deidentification.run.copy_folders import CopyFolders
from fastpix.deidentification.run.copy_settings import CopySettings
from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.dataset_file import read_settings_of
from fastpix.job.items import Batch, Item
from fastpix.job.manifest import commit, part_keys
from fastpix.job.manifest_table import live_table
from fastpix.job.rows import Row
from fastpix.job.storage.local_storage import LocalStorage, flush_folder

_IN_REVIEW = "in review"


class Waiting(NamedTuple):
    """A copy that waits.

    Attributes
    ----------
    name : str
    reason : str
        Why, and what was blanked or detected.
    copy, picture : Path
        The picture may be missing: the reason says why.
    """

    name: str
    reason: str
    copy: Path
    picture: Path


def settings_of(folders: CopyFolders) -> CopySettings:
    """Return the settings of a folder of copies.

    Parameters
    ----------
    folders : CopyFolders

    Raises
    ------
    FastpixError
        It holds none.
    """
    settings = read_settings_of(LocalStorage(folders.output), CopySettings)
    if settings is None:
        raise FastpixError(
            f"{folders.output} holds no de-identified copies: it has no dataset.json"
        )
    return settings


def waiting(dst: str | os.PathLike[str]) -> list[Waiting]:
    """Return the copies that wait for a person.

    Parameters
    ----------
    dst : path
        What `fastpix.deidentify` has written to.
    """
    folders = CopyFolders(dst)
    return [
        Waiting(row["name"], "; ".join(row["notes"] or ()), *folders.waiting(row["name"]))
        for row in _rows(folders, settings_of(folders))
    ]


def accept(dst: str | os.PathLike[str], names: Iterable[str] | None = None, *, by: str) -> int:
    """Let out copies that wait: a person has looked at their pixels.

    Each is audited again, as far as that can be done without its original.

    Parameters
    ----------
    dst : path
    names : iterable of str, optional
        Of the copies; all that wait if not given.
    by : str
        Who has looked.

    Returns
    -------
    int
        How many.

    Raises
    ------
    ArgumentError
        A name is none of those that wait.
    FastpixError
        A copy is not the one that was audited. Those before it are let out.
    """
    folders = CopyFolders(dst)
    settings = settings_of(folders)
    done: list[Row] = []
    try:
        for row in _chosen(_rows(folders, settings), names):
            _let_out(folders, settings, row)
            done.append(row | {"status": "done", "notes": _notes(row, "accepted", by)})
    finally:
        _commit(folders, settings, done)
        for row in done:
            folders.waiting(row["name"])[1].unlink(missing_ok=True)
    return len(done)


def refuse(dst: str | os.PathLike[str], names: Iterable[str], *, by: str) -> int:
    """Remove copies that wait; they are not made again unless their originals change.

    Parameters
    ----------
    dst : path
    names : iterable of str
    by : str
        Who has looked.

    Returns
    -------
    int
        How many.

    Raises
    ------
    ArgumentError
        A name is none of those that wait.
    """
    folders = CopyFolders(dst)
    settings = settings_of(folders)
    chosen = _chosen(_rows(folders, settings), list(names))
    kept = ("item", "name", "kind", "state")
    _commit(folders, settings, [
        {name: row[name] for name in kept}
        | {"status": "left out", "notes": _notes(row, "refused", by)}
        for row in chosen
    ])  # fmt: skip
    for row in chosen:
        for path in folders.waiting(row["name"]):
            path.unlink(missing_ok=True)
    return len(chosen)


def _rows(folders: CopyFolders, settings: CopySettings) -> list[dict[str, Any]]:
    storage = LocalStorage(folders.output)
    found: list[dict[str, Any]] = live_table(
        storage, settings.id, statuses=(_IN_REVIEW,), ever=_IN_REVIEW
    ).to_pylist()
    return found


def _chosen(rows: list[dict[str, Any]], names: Iterable[str] | None) -> list[dict[str, Any]]:
    if names is None:
        return rows
    by_name = {row["name"]: row for row in rows}
    wanted = [name.removesuffix(".dcm").removesuffix(".png") for name in dict.fromkeys(names)]
    for name in wanted:
        if name not in by_name:
            raise ArgumentError("names", f"{name!r} is no copy that waits: see the page of those")
    return [by_name[name] for name in dict.fromkeys(wanted)]


def _let_out(folders: CopyFolders, settings: CopySettings, row: Row) -> None:
    """Give a copy its name, if it is still the one that was audited."""
    from fastpix.deidentification.copying import verify_copy  # a run does without it

    name = row["name"]
    copy, path = folders.waiting(name)[0], folders.copy(name)
    if not copy.exists() and path.exists():  # killed before it was written down
        copy = path
    try:
        data = copy.read_bytes()
    except FileNotFoundError:
        data = b""
    if zlib.crc32(data) != row["checksum"] or len(data) != row["length"]:
        raise FastpixError(
            f"{name} is missing from {folders.review}, or has changed there since it was audited: "
            f"remove what is there of it, and run fastpix deidentify again"
        )
    if violations := verify_copy(copy, settings.options):
        raise FastpixError(f"{name}: {'; '.join(map(str, violations[:3]))}: it is not let out")
    if copy != path:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(copy, path)
        flush_folder(path.parent)


def _notes(row: Row, what: str, by: str) -> list[str]:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return [*(row["notes"] or ()), f"{what} by {by} on {today}"]


def _commit(folders: CopyFolders, settings: CopySettings, rows: list[Row]) -> None:
    if not rows:
        return
    storage = LocalStorage(folders.output)
    last = max(int(key.rpartition("/")[2].partition("-")[0]) for key in part_keys(storage))
    items = tuple(Item(row["name"], row["state"], ()) for row in rows)
    commit(storage, Batch(last + 1, settings.id, items), secrets.token_hex(8), rows, b"")
