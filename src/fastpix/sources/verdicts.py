"""``sources.toml``: what a person has decided about each source, and how it is read."""

from __future__ import annotations

import datetime
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from fastpix.errors import ArgumentError, FastpixError
from fastpix.sources.source_key import BY, checked_by

Status: TypeAlias = Literal["unseen", "accept", "invert", "exclude"]

VERSION = 1
STATUSES: tuple[str, ...] = get_args(Status)
TEXTS = ("status", "by", "note", "what", "was")
"""Entries of a source that are texts."""

_ID_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about a source.

    Attributes
    ----------
    status : {"unseen", "accept", "invert", "exclude"}
        ``invert``: MONOCHROME1 and MONOCHROME2 are exchanged before anything is done to pixels.
    by : str
        Who decided.
    when : date or None
    note : str
    what : str
        What the source is, for who reads the file: its maker, model, modality and so on.
    software : tuple of str or None
        Software Versions of the images that were looked at: one of another version has changed
        since. None: the file does not say, and none is refused for it.
    was : str
        What was decided before the software changed; empty where nothing was.
    """

    status: Status = "unseen"
    by: str = ""
    when: datetime.date | None = None
    note: str = ""
    what: str = ""
    software: tuple[str, ...] | None = None
    was: str = ""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """All verdicts of a file.

    Attributes
    ----------
    verdicts : mapping of str to Verdict
        By the ids of sources.
    by : tuple of str
        The attributes that tell sources apart.
    key : str
        Fingerprint of the key that ids were made with; empty where the file does not say.
    """

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    by: tuple[str, ...] = BY
    key: str = ""

    def status_of(self, source: str) -> Status:
        """Return what was decided about a source: ``unseen`` where nothing was.

        Parameters
        ----------
        source : str
            Its id.
        """
        found = self.verdicts.get(source)
        return "unseen" if found is None else found.status


def read_verdicts(path: str | os.PathLike[str]) -> Verdicts:
    """Read ``sources.toml``.

    Parameters
    ----------
    path : path

    Returns
    -------
    Verdicts

    Raises
    ------
    FastpixError
        It cannot be understood; the error names the entry, and says what to do.
    OSError
        It cannot be read.
    """
    name = os.fspath(path)
    return verdicts_of(parsed(Path(path).read_bytes(), name), name)


def parsed(data: bytes, name: str) -> dict[str, Any]:
    """Return what a file of TOML holds.

    Parameters
    ----------
    data : bytes
    name : str
        Of the file, for errors.

    Raises
    ------
    FastpixError
    """
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FastpixError(f"{name} is not in UTF-8: save it in UTF-8 and open it again") from error
    except tomllib.TOMLDecodeError as error:
        raise FastpixError(f"{name} is no TOML: {error}; correct it there") from error


def verdicts_of(kept: Mapping[str, Any], name: str) -> Verdicts:
    """Return the verdicts that a parsed file holds; entries that are not known are left alone.

    Parameters
    ----------
    kept : mapping
    name : str
        Of the file, for errors.

    Raises
    ------
    FastpixError
    """
    version = kept.get("version", VERSION)
    if type(version) is not int or version > VERSION:
        raise FastpixError(
            f"{name}: version is {version!r}, and this fastpix knows {VERSION}: use a later one"
        )
    by = kept.get("by", list(BY))
    if not isinstance(by, list) or not all(isinstance(each, str) for each in by):
        raise _wrong(name, "by", by, f"a list of texts, such as {list(BY)}")
    try:
        by = checked_by(by)
    except ArgumentError as error:
        raise FastpixError(f"{name}: {error}; correct it there") from error
    key = kept.get("key", "")
    if not isinstance(key, str):
        raise _wrong(name, "key", key, "a text, as fastpix audit has written it")
    sources = kept.get("sources", {})
    if not isinstance(sources, dict):
        raise _wrong(name, "sources", sources, "a table [sources.ID] for each source")
    return Verdicts(
        {source: _verdict(source, sources[source], name) for source in sources}, by, key
    )


def _verdict(source: str, entry: object, name: str) -> Verdict:
    where = f"[sources.{source}]"
    check_id(source, f"{name}: {where}")
    if not isinstance(entry, dict):
        raise _wrong(name, where, entry, "a table with status, by, when and note")
    texts = {key: entry.get(key, "unseen" if key == "status" else "") for key in TEXTS}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise _wrong(name, f"{key} of {where}", value, "a text in quotation marks")
    when = entry.get("when")
    if isinstance(when, datetime.datetime):
        when = when.date()
    if when is not None and not isinstance(when, datetime.date) and when != "":
        raise _wrong(name, f"when of {where}", when, "a date without quotation marks: 2026-01-31")
    software = entry.get("software")
    if software is not None and not (
        isinstance(software, list) and all(isinstance(each, str) for each in software)
    ):
        raise _wrong(name, f"software of {where}", software, "a list of texts")
    status = checked_status(texts.pop("status"), f"{name}: status of {where}")
    if software is not None:
        software = tuple(software)
    return Verdict(status, when=when or None, software=software, **texts)


def check_id(source: str, where: str) -> None:
    """Refuse what is no id of a source.

    Parameters
    ----------
    source : str
    where : str
        What the error calls it.

    Raises
    ------
    FastpixError
    """
    if len(source) != 16 or not _ID_DIGITS.issuperset(source):
        raise FastpixError(
            f"{where}: {source!r} is no id of a source, which has 16 hexadecimal digits: use one "
            f"that fastpix audit shows"
        )


def checked_status(status: str, where: str) -> Status:
    """Return a status, if it is one.

    Parameters
    ----------
    status : str
    where : str
        What the error calls it.

    Raises
    ------
    FastpixError
    """
    for known in get_args(Status):
        if status == known:
            found: Status = known
            return found
    raise FastpixError(f"{where} is {status!r}: use one of {', '.join(STATUSES)}")


def _wrong(name: str, entry: str, value: object, wanted: str) -> FastpixError:
    return FastpixError(f"{name}: {entry} is {value!r}, and should be {wanted}; correct it there")
