"""Copies that wait for a person: which they are, and what was decided about them."""

from __future__ import annotations

import datetime
import os
import secrets
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from fastpix.deidentification.run.copy_folders import (
    CopyFolders,
    give_name,
    remove_attempts,
)
from fastpix.deidentification.run.copy_settings import CopySettings
from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.dataset_file import read_settings_of
from fastpix.job.items import Batch, Item
from fastpix.job.maintenance import run_marked
from fastpix.job.manifest import commit, part_keys
from fastpix.job.manifest_table import live_table
from fastpix.job.rows import Row
from fastpix.job.storage.local_storage import LocalStorage, flush_folder
from fastpix.new_files import link_new

_IN_REVIEW = "in review"
_VERSION = ":"  # between the name of a copy and the version that was shown


class Waiting(NamedTuple):
    """A copy that waits.

    Attributes
    ----------
    name : str
    version : str
        8 hex digits of what was shown: a copy that is made again has others.
    reason : str
        Why, and what was blanked or detected.
    copy, picture : Path
        The picture may be missing: the reason says why.
    """

    name: str
    version: str
    reason: str
    copy: Path
    picture: Path

    @property
    def shown(self) -> str:
        """``NAME:VERSION``: what `accept` takes for this copy, and for no later one."""
        return f"{self.name}{_VERSION}{self.version}"


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
            f"{folders.output} holds no de-identified copies: it has no dataset.json; check the "
            f"path, or make them (fastpix deidentify SRC {folders.output})"
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
        Waiting(
            row["name"], _version(row), "; ".join(row["notes"] or ()), *folders.waiting(row["name"])
        )
        for row in _rows(folders, settings_of(folders))
    ]


def accept(dst: str | os.PathLike[str], names: Iterable[str] | None = None, *, by: str) -> int:
    """Let out copies that wait: a person has looked at their pixels.

    Each is audited again, as far as that can be done without its original.

    Parameters
    ----------
    dst : path
    names : iterable of str, optional
        Of the copies; all that wait if not given. ``NAME:VERSION``, as `Waiting.shown`, is let out
        only if it was not made again since it was shown.
    by : str
        Who has looked. The manifest keeps it, and leaves with the copies.

    Returns
    -------
    int
        How many.

    Raises
    ------
    ArgumentError
        A name is none of those that wait, or not that version. Nothing is let out.
    FastpixError
        A copy is not the one that was audited. The others are let out.
    """
    folders, who = CopyFolders(dst), _checked(by)
    settings = settings_of(folders)
    chosen = _chosen(_rows(folders, settings), names)
    if not chosen:
        return 0
    done: list[Row] = []
    faults: list[FastpixError] = []
    with run_marked(LocalStorage(folders.output)):  # no run that begins removes the attempt
        attempt = folders.new_attempt(f"accept-{secrets.token_hex(8)}")
        try:
            for row in chosen:
                try:
                    _let_out(folders, settings, row, attempt)
                except FastpixError as error:
                    faults.append(error)
                    continue
                more = {"file": folders.key_of(row["name"]), "notes": _notes(row, "accepted", who)}
                done.append(row | {"status": "done"} | more)
        finally:
            _commit(folders, settings, done)
            for row in done:
                folders.waiting(row["name"])[1].unlink(missing_ok=True)
            remove_attempts([attempt])
    if faults:
        others = f" ({len(faults) - 1} more have faults)" if len(faults) > 1 else ""
        raise FastpixError(f"{faults[0]}{others}; {len(done)} are let out")
    return len(done)


def refuse(dst: str | os.PathLike[str], names: Iterable[str], *, by: str) -> int:
    """Remove copies that wait; they are not made again unless their originals change.

    Parameters
    ----------
    dst : path
    names : iterable of str
        As `accept` takes them.
    by : str
        Who has looked. The manifest keeps it, and leaves with the copies.

    Returns
    -------
    int
        How many.

    Raises
    ------
    ArgumentError
        A name is none of those that wait, or not that version. Nothing is removed.
    """
    folders, who = CopyFolders(dst), _checked(by)
    settings = settings_of(folders)
    chosen = _chosen(_rows(folders, settings), list(names))
    kept = ("item", "name", "kind", "state")
    _commit(folders, settings, [
        {name: row[name] for name in kept}
        | {"status": "left out", "notes": _notes(row, "refused", who)}
        for row in chosen
    ])  # fmt: skip
    for row in chosen:
        # Somebody may have accepted it at the same moment: the last decision holds.
        folders.remove(row["name"])
    return len(chosen)


def _rows(folders: CopyFolders, settings: CopySettings) -> list[dict[str, Any]]:
    storage = LocalStorage(folders.output)
    found: list[dict[str, Any]] = live_table(
        storage, settings.id, statuses=(_IN_REVIEW,), ever=_IN_REVIEW
    ).to_pylist()
    return found


def _version(row: Row) -> str:
    return f"{row['checksum']:08x}"


def _checked(by: str) -> str:
    who = by.strip()
    if not (who and who.isprintable()):
        raise ArgumentError("by", "say who has looked, in one line: the manifest keeps it")
    return who


def _chosen(rows: list[dict[str, Any]], names: Iterable[str] | None) -> list[dict[str, Any]]:
    if names is None:
        return rows
    by_name = {row["name"]: row for row in rows}
    wanted: dict[str, None] = {}
    for given in names:
        file = os.path.basename(given)  # or that of its picture
        name, _, version = file.partition(_VERSION)
        name = name.removesuffix(".dcm").removesuffix(".png")
        if name not in by_name:
            raise ArgumentError(
                "names", f"{given!r} is no copy that waits: fastpix deidentify review lists those"
            )
        if version and version != _version(by_name[name]):
            raise ArgumentError(
                "names",
                f"{name} was made again since it was shown, because its original has changed: "
                f"look at it again",
            )
        wanted[name] = None
    return [by_name[name] for name in wanted]


def _let_out(folders: CopyFolders, settings: CopySettings, row: Row, attempt: Path) -> None:
    """Give a copy its name, if it is still the one that was audited.

    It is taken away before it is read, so that a run which makes another copy of the same original
    at this moment cannot put that one in its place.
    """
    name = row["name"]
    waits, path = folders.waiting(name)[0], folders.copy(name)
    copy, _ = folders.made(attempt, name)
    try:
        os.replace(waits, copy)
    except FileNotFoundError:
        copy = path  # killed before it was written down, or lost
    try:
        _check(copy, folders, settings, row)
    except FastpixError:
        if copy != path:
            with suppress(FileExistsError):  # a run was quicker: this one is outdated
                link_new(copy, waits)
        raise
    if copy != path:
        give_name(copy, path)
        for folder in (path.parent, path.parent.parent):
            flush_folder(folder)


def _check(copy: Path, folders: CopyFolders, settings: CopySettings, row: Row) -> None:
    from fastpix.deidentification.copying import verify_copy  # a run does without it

    name = row["name"]
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


def _notes(row: Row, what: str, by: str) -> list[str]:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return [*(row["notes"] or ()), f"{what} by {by} on {today}"]


def _commit(folders: CopyFolders, settings: CopySettings, rows: list[Row]) -> None:
    if not rows:
        return
    storage = LocalStorage(folders.output)
    items = tuple(Item(row["name"], row["state"], ()) for row in rows)
    attempt = secrets.token_hex(8)
    is_committed = False
    while not is_committed:  # another decision about the same copies may be of this generation
        last = max(int(key.rpartition("/")[2].partition("-")[0]) for key in part_keys(storage))
        is_committed = commit(storage, Batch(last + 1, settings.id, items), attempt, rows, b"")
