"""``dataset.json``: what a cache is made by, decided by the first run and held by all others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self, TypeVar

from fastpix.errors import ArgumentError, FastpixError
from fastpix.job.settings import Settings
from fastpix.job.storage.storage_protocol import Storage

KEY = "dataset.json"
VERSION = 4
"""Of the layout of a cache; 2 and 3 were a folder of NAME.npz and NAME.json without this file."""

_FREE = frozenset({"duplicates", "epoch"})  # what may change from run to run


class DatasetSettings(Protocol):
    """What `dataset.json` holds: `Settings` of a cache, or those of de-identified copies."""

    kind: ClassVar[str]

    @property
    def id(self) -> str:
        """16 hex digits that differ where what is stored does."""

    @property
    def epoch(self) -> int:
        """How often the settings were replaced."""

    def at_epoch(self, epoch: int) -> Self:
        """Return these settings at another epoch."""

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them."""

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """Return the settings that `to_dict` has written."""


S = TypeVar("S", bound=DatasetSettings)


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
    return read_settings_of(storage, Settings)


def read_settings_of(storage: Storage, kind: type[S]) -> S | None:
    """Return the settings of a cache, or of what else a job writes; None where there is none yet.

    Parameters
    ----------
    storage : Storage
    kind : type

    Raises
    ------
    FastpixError
        It is none of this kind and version.
    """
    try:
        data = storage.read(KEY)
    except FileNotFoundError:
        return None
    try:
        kept: dict[str, Any] = json.loads(data)
        version, found = int(kept["version"]), kept.get("kind", Settings.kind)
        if version == VERSION and found == kind.kind:
            return kind.from_dict(kept["settings"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise FastpixError(f"{KEY} is damaged: restore it, or write into another folder") from error
    if version != VERSION:
        raise FastpixError(
            f"{KEY} has version {version}, and this fastpix knows {VERSION}: use the fastpix that "
            f"made it, or write into another folder"
        )
    raise FastpixError(
        f"{KEY} says that this folder holds {found}, not {kind.kind}: name another folder"
    )


def settings_id(storage: Storage) -> str | None:
    """Return the id of settings of any kind; None where nothing is written yet.

    Parameters
    ----------
    storage : Storage

    Raises
    ------
    FastpixError
        They are damaged, or of another version.
    """
    try:
        kept = json.loads(storage.read(KEY))
    except FileNotFoundError:
        return None
    except ValueError:
        kept = {}
    if isinstance(kept, dict) and kept.get("version") == VERSION and "id" in kept:
        return str(kept["id"])
    settings = read_settings(storage)
    return None if settings is None else settings.id


def kind_of(storage: Storage) -> str | None:
    """Return what a folder holds, in words; None where nothing says so.

    Parameters
    ----------
    storage : Storage
    """
    try:
        kept = json.loads(storage.read(KEY))
    except (FileNotFoundError, ValueError):
        return None
    return str(kept.get("kind", Settings.kind)) if isinstance(kept, dict) else None


def check_key(storage: Storage, fingerprint: str, key_file: str) -> None:
    """Check that a key is the one that the names of a folder were made with.

    Parameters
    ----------
    storage : Storage
    fingerprint : str
        `Names.fingerprint` of the key.
    key_file : str
        For the error.

    Raises
    ------
    ArgumentError
    """
    try:
        kept = json.loads(storage.read(KEY))["settings"]["key"]
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return  # whoever reads the rest of the folder says what is wrong
    if kept != fingerprint:
        raise ArgumentError(
            "key_file", f"{key_file} is another key than the one of this folder: name that one"
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


def settle(storage: Storage, wanted: S, replace: bool = False) -> S:
    """Make `wanted` the settings of a cache, or find that they are.

    Parameters
    ----------
    storage : Storage
    wanted : Settings, or those of copies
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
    found = read_settings_of(storage, type(wanted))
    if found is None:
        _refuse_older(storage)
        if storage.create(KEY, _encoded(wanted)):
            return wanted
        found = read_settings_of(storage, type(wanted))  # another run was quicker
    assert found is not None
    differing = _differences(found, wanted)
    if differing and not replace:
        other = "another folder (--into NEW)" if wanted.kind == Settings.kind else "another folder"
        raise ArgumentError(
            "dst",
            f"this folder was made with other settings: {'; '.join(differing)}. Use the settings "
            f"that it was made with, write into {other}, or pass replace=True (--replace), by "
            f"which all of it is made again",
        )
    settled = wanted.at_epoch(found.epoch + bool(differing))
    if settled != found:
        storage.replace(KEY, _encoded(settled))
    return settled


def _encoded(settings: DatasetSettings) -> bytes:
    kept: dict[str, Any] = {"version": VERSION, "settings": settings.to_dict()}
    if settings.kind != Settings.kind:  # caches are older than these two
        kept |= {"kind": settings.kind, "id": settings.id}
    return (json.dumps(kept, indent=1, allow_nan=False) + "\n").encode()


def _differences(found: DatasetSettings, wanted: DatasetSettings) -> list[str]:
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


def _flat(settings: DatasetSettings) -> dict[str, Any]:
    kept = settings.to_dict()
    recipe = {"color_range": None, **kept.pop("recipe")} if "recipe" in kept else {}
    return {**recipe, **kept}


def no_cache(destination: str) -> FastpixError:
    """Return the error of a place that is no cache."""
    return FastpixError(
        f"{destination} is not a fastpix cache: it has no dataset.json; check the path, or make "
        f"the cache (fastpix convert SRC {destination})"
    )


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
