"""``dataset.json``: what a cache is made by, decided by the first run and held by all others."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage

KEY = "dataset.json"
VERSION = 4
"""Of the layout of a cache; 2 and 3 were a folder of NAME.npz and NAME.json without this file."""

_FREE = frozenset({"duplicates", "epoch"})  # what may change from run to run


def read_settings(storage: Storage) -> Settings | None:
    """Return the settings of a cache; None where there is none yet.

    Parameters
    ----------
    storage : Storage

    Raises
    ------
    FastpixError
        It is no cache of this version.
    """
    try:
        data = storage.read(KEY)
    except FileNotFoundError:
        return None
    try:
        kept: dict[str, Any] = json.loads(data)
        version = int(kept["version"])
        if version == VERSION:
            return Settings.from_dict(kept["settings"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise FastpixError(
            f"{KEY} of the cache is damaged: restore it, or convert into another folder"
        ) from error
    raise FastpixError(
        f"{KEY} of the cache has version {version}, and this fastpix knows {VERSION}: use the "
        f"fastpix that made it, or convert into another folder"
    )


def is_foreign(storage: Storage) -> bool:
    """Whether ``dataset.json`` is of another program: nnU-Net, for one, has a file of this name.

    Parameters
    ----------
    storage : Storage
    """
    try:
        kept = json.loads(storage.read(KEY))
    except ValueError:  # damaged; whose it was is not known
        return False
    return not (isinstance(kept, dict) and {"version", "settings"} <= kept.keys())


def settle(storage: Storage, wanted: Settings, replace: bool = False) -> Settings:
    """Make `wanted` the settings of a cache, or find that they are.

    Parameters
    ----------
    storage : Storage
    wanted : Settings
    replace : bool
        Take the place of other settings: what was converted by them does not count any more.

    Returns
    -------
    Settings
        Those of the cache from now on.

    Raises
    ------
    ArgumentError
        The cache has other settings; the message spells out what differs.
    FastpixError
        It is no cache of this version.
    """
    found = read_settings(storage)
    if found is None:
        _refuse_older(storage)
        if storage.create(KEY, _encoded(wanted)):
            return wanted
        found = read_settings(storage)  # another run was quicker
    assert found is not None
    differing = _differences(found, wanted)
    if differing and not replace:
        raise ArgumentError(
            "dst",
            f"this cache was made by other settings: {'; '.join(differing)}. Use these, convert "
            f"into another folder (--into NEW), or pass replace=True (--replace), after which "
            f"what is there does not count any more",
        )
    settled = dataclasses.replace(wanted, epoch=found.epoch + bool(differing))
    if settled != found:
        storage.replace(KEY, _encoded(settled))
    return settled


def _encoded(settings: Settings) -> bytes:
    kept = {"version": VERSION, "settings": settings.to_dict()}
    return (json.dumps(kept, indent=1, allow_nan=False) + "\n").encode()


def _differences(found: Settings, wanted: Settings) -> list[str]:
    """Spell out what differs, in the words of the arguments."""
    there, asked = _flat(found), _flat(wanted)
    said = []
    for name, value in there.items():
        if name in _FREE or asked[name] == value:
            continue
        if name == "key":
            said.append("its names were made with another key (key_file)")
        else:
            said.append(f"{name} is {value!r} there, and {asked[name]!r} is asked for")
    return said


def _flat(settings: Settings) -> dict[str, Any]:
    kept = settings.to_dict()
    return {**kept.pop("recipe"), **kept}


def _refuse_older(storage: Storage) -> None:
    """Refuse a folder that an older fastpix has converted into: nothing there could be resumed."""
    for entry in storage.list():
        name, _, ending = entry.key.rpartition(".")
        is_named = len(name) == 32 and not set(name) - set("0123456789abcdef")
        if is_named and ending in ("json", "npz"):
            raise ArgumentError(
                "dst",
                "it holds arrays of an older fastpix (NAME.npz and NAME.json), which this one "
                "does not add to: convert into another folder, or remove them",
            )
